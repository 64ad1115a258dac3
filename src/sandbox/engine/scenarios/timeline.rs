//! What the API shows of a deployment and of the rollback that follows, change by change: time, target, event, status.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::*;
use crate::sandbox::store::{Target, TargetKind, Wait};

/// The changes so far, one a line; what has not begun is not told.
pub(super) struct Timeline {
    began: Millis,
    /// The first deployment that is told of, by its place in the history; a later one is its rollback.
    first: usize,
    seen: BTreeMap<String, String>,
    pub(super) text: String,
    /// Where in the text what it saw last begins.
    fresh: usize,
}

impl Timeline {
    /// From the youngest deployment on.
    pub(super) fn begin(sandbox: &Sandbox) -> Self {
        let first = sandbox.region(|region| region.history.len()) - 1;
        let mut timeline = Timeline {
            began: sandbox.clock.now(),
            first,
            seen: BTreeMap::new(),
            text: String::new(),
            fresh: 0,
        };
        timeline.look(sandbox);
        timeline
    }

    /// Writes down what has changed since it last looked.
    pub(super) fn look(&mut self, sandbox: &Sandbox) {
        let at = sandbox.clock.now() - self.began;
        self.fresh = self.text.len();
        let told = sandbox.region(|region| {
            let ids = region.history.iter().skip(self.first);
            let names = ["deployment", "rollback"].into_iter().zip(ids);
            names.flat_map(|(name, id)| tell(name, &region.deployments[id])).collect::<Vec<_>>()
        });
        for (what, status) in told {
            if self.seen.get(&what) != Some(&status) {
                writeln!(self.text, "{at:>8} {what} {status}").unwrap();
                self.seen.insert(what, status);
            }
        }
    }

    /// Whether what it saw last has these words.
    pub(super) fn is_at(&self, words: &str) -> bool {
        self.text[self.fresh..].contains(words)
    }
}

/// All that is shown of a deployment, by what it is about. It goes on before its targets, and waits and ends after them.
fn tell(name: &str, deployment: &Deployment) -> Vec<(String, String)> {
    let own = (name.to_owned(), state(deployment));
    let prefix = if name == "rollback" { "rollback " } else { "" };
    let targets = deployment.targets.iter().flat_map(|target| tell_target(prefix, target));
    let mut told: Vec<_> = targets.filter(|(_, status)| status != "Pending").collect();
    let goes_on = deployment.status == DeploymentStatus::InProgress && deployment.progress.wait.is_none();
    let place = if goes_on { 0 } else { told.len() };
    told.insert(place, own);
    told
}

fn state(deployment: &Deployment) -> String {
    let mut state = deployment.status.as_str().to_owned();
    let wait = match deployment.progress.wait {
        Some(Wait::Ready) => Some("READY_WAIT"),
        Some(Wait::Termination) if deployment.progress.termination_wait_started => {
            Some("TERMINATION_WAIT (instanceTerminationWaitTimeStarted)")
        }
        Some(Wait::Termination) => Some("TERMINATION_WAIT"),
        None => None,
    };
    let code = deployment.error.as_ref().map(|error| error.code.as_str());
    let rolled_back = deployment.rollback_deployment.as_ref().map(|_| "rolled back");
    for part in [wait, code, rolled_back].into_iter().flatten() {
        state.push_str(", ");
        state.push_str(part);
    }
    state
}

fn tell_target(prefix: &str, target: &Target) -> Vec<(String, String)> {
    let name = format!("{prefix}{}", target.id);
    let mut told: Vec<_> = target
        .events
        .iter()
        .map(|event| (format!("{name} {}", event.name), event.status.as_str().to_owned()))
        .collect();
    match &target.kind {
        TargetKind::Instance(_) => {}
        TargetKind::Lambda(function) => {
            let share = format!("{} gets {}", function.target_version, function.target_version_weight);
            told.push((format!("{name} traffic"), share));
        }
        TargetKind::Ecs(sets) => {
            let set = |set: &crate::sandbox::store::TaskSet| {
                format!("{} {} {}", set.label.unwrap().as_str(), set.status, set.traffic_weight)
            };
            let sets: Vec<_> = sets.iter().map(set).collect();
            told.push((format!("{name} task sets"), sets.join(", ")));
        }
    }
    told.push((name, target.status.as_str().to_owned()));
    told
}
