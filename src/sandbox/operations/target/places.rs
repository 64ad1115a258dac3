//! Where targets stand in their deployments: what makes one of ten thousand as quick to find as one of ten.
//!
//! A memory beside the store that is never trusted: what it says is looked up, and where it knows nothing the list
//! is searched.

use std::collections::{HashMap, VecDeque};

use crate::sandbox::store::{Deployment, Target};

/// Deployments that are remembered; those that people watch at the same time.
const MOST: usize = 16;
/// Up to here searching the list is as quick.
const FEW: usize = 32;

/// The places of the targets of the deployments that were asked for last.
#[derive(Default)]
pub struct Places(VecDeque<Known>);

struct Known {
    deployment: String,
    count: usize,
    /// By id and by ARN.
    places: HashMap<String, usize>,
}

impl Places {
    /// The target with this id, or with this ARN.
    pub fn find<'d>(&mut self, deployment: &'d Deployment, id: &str) -> Option<&'d Target> {
        let count = deployment.targets.len();
        if count <= FEW {
            return deployment.target(id);
        }
        let fits = |known: &Known| known.deployment == deployment.id && known.count == count;
        if !self.0.iter().any(fits) {
            self.learn(deployment);
        }
        let place = self.0.iter().find(|known| fits(known)).and_then(|known| known.places.get(id));
        let found = place.and_then(|place| deployment.targets.get(*place));
        found.filter(|target| target.id == id || target.arn == id).or_else(|| deployment.target(id))
    }

    fn learn(&mut self, deployment: &Deployment) {
        self.0.retain(|known| known.deployment != deployment.id);
        self.0.truncate(MOST - 1);
        let targets = (0..).zip(&deployment.targets);
        let places =
            targets.flat_map(|(place, target)| [(target.id.clone(), place), (target.arn.clone(), place)]);
        self.0.push_front(Known {
            deployment: deployment.id.clone(),
            count: deployment.targets.len(),
            places: places.collect(),
        });
    }
}
