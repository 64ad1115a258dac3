//! The facts of a summary: what became of a deployment and of its rollback, and how both have left the hosts. Pure.

use jiff::Timestamp;

use super::{Tracker, error_event, seconds};
use crate::api::Wait;
use crate::model::{ComputePlatform, Deployment, Serving, TargetKind, TargetStatus};
use crate::watch::event::{Counts, Fleets, Hosts, Left, Report, TargetEvent};
use crate::watch::outcome::Outcome;
use crate::watch::roster::NAMED;

impl Tracker {
    /// The summary's facts; `rollback` is the tracker of the rollback that was followed.
    pub fn report(&self, outcome: &Outcome, now: Timestamp, rollback: Option<&Tracker>) -> Report {
        let deployment = self.deployment.as_ref();
        let followed = rollback.and_then(|rollback| rollback.deployment.as_ref());
        let causes = self.causes.list();
        let failed = self.counts().map_or(0, |counts| counts.fail);
        Report {
            outcome: outcome.word().to_owned(),
            exit: outcome.exit().code(),
            reason: match outcome {
                Outcome::Unknown(why) => Some(why.clone()),
                Outcome::Refused(error) => Some(error.to_string()),
                _ => None,
            },
            region: None,
            status: deployment.map(|deployment| deployment.status.clone()),
            termination_wait: self.wait() == Some(Wait::Termination),
            application: deployment.and_then(|deployment| deployment.application.clone()),
            group: deployment.and_then(|deployment| deployment.group.clone()),
            creator: deployment.and_then(|deployment| deployment.creator.clone()),
            revision: deployment.and_then(|deployment| deployment.revision.as_ref()).map(ToString::to_string),
            previous_revision: deployment
                .and_then(|deployment| deployment.previous_revision.as_ref())
                .map(ToString::to_string),
            error: deployment.and_then(error_event),
            messages: deployment.map(|deployment| deployment.messages.clone()).unwrap_or_default(),
            duration_s: self.elapsed(now).map(seconds),
            counts: self.counts(),
            hosts: self.hosts(|_| true),
            blue_green: self.changes_places(),
            fleets: self.fleets(),
            serving: rollback
                .and_then(Tracker::serving)
                .or_else(|| self.serving())
                .cloned()
                .unwrap_or_default(),
            failures_not_read: failed.saturating_sub(self.causes.targets()),
            causes,
            rollback: self.rollback().map(|(id, _)| id),
            rollback_status: followed.map(|deployment| deployment.status.clone()),
            rollback_counts: rollback.and_then(Tracker::counts),
            rollback_hosts: rollback.map(|rollback| rollback.hosts(|_| true)).unwrap_or_default(),
            rollback_fleets: rollback.and_then(Tracker::fleets),
            rollback_left: rollback.map(|rollback| self.left_by(rollback)).unwrap_or_default(),
            rollback_causes: rollback.map(|rollback| rollback.causes.list()).unwrap_or_default(),
        }
    }

    /// The first hosts by name. What has finished stays as it was seen; of others nobody can say what they are now. The
    /// two fleets of a blue/green deployment finish in their own ways.
    fn hosts(&self, among: impl Fn(&str) -> bool) -> Hosts {
        let named = |status: TargetStatus| {
            let is_it = |one: &&TargetEvent| is_fleet(one) && one.status == status && among(&one.id);
            let mut ids: Vec<_> = self.targets.values().filter(is_it).map(|one| one.id.as_str()).collect();
            if ids.len() > NAMED {
                ids.select_nth_unstable(NAMED);
                ids.truncate(NAMED);
            }
            ids.sort_unstable();
            ids.into_iter().map(str::to_owned).collect()
        };
        Hosts { ok: named(TargetStatus::Succeeded), skip: named(TargetStatus::Skipped) }
    }

    /// Hosts change places with others. What Auto Scaling makes of such a group's deployments goes to one fleet.
    fn changes_places(&self) -> bool {
        let changes = |deployment: &Deployment| {
            deployment.waits.blue_green && deployment.platform == Some(ComputePlatform::Server)
        };
        self.deployment.as_ref().is_some_and(changes)
            && (self.targets.is_empty() || self.targets.values().any(|one| one.label.is_some()))
    }

    /// Both fleets of a blue/green deployment, where its hosts are still what they were when they were read.
    fn fleets(&self) -> Option<Fleets> {
        let of = |label: &str| {
            let fleet = self.targets.values().filter(|one| one.label.as_deref() == Some(label));
            fleet.map(|one| &one.status).collect::<Counts>()
        };
        let fleets = Fleets { blue: of("Blue"), green: of("Green") };
        let known = fleets.blue.total() + fleets.green.total() > 0;
        (known && self.counts().is_some_and(|counts| fleets.agree_with(&counts))).then_some(fleets)
    }

    /// Who has the traffic, of a deployment to one target.
    fn serving(&self) -> Option<&Serving> {
        self.targets.values().map(|target| &target.serving).find(|serving| **serving != Serving::Unsaid)
    }

    /// How this deployment has left the hosts that `rollback` did not reach.
    fn left_by(&self, rollback: &Tracker) -> Left {
        let unreached = |id: &str| {
            let status = rollback.targets.get(id).map(|target| &target.status);
            matches!(status, Some(TargetStatus::Skipped | TargetStatus::Pending))
        };
        let left = self.targets.values().filter(|one| is_fleet(one) && unreached(&one.id));
        Left { counts: left.map(|one| &one.status).collect(), hosts: self.hosts(unreached) }
    }
}

/// A host of the only fleet that there is.
fn is_fleet(target: &TargetEvent) -> bool {
    target.kind == TargetKind::Instance && target.label.is_none()
}
