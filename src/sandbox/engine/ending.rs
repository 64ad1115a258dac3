//! How a deployment ends, and what its group remembers of it. Writes the store once, under one lock.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::driver::{Context, Key};
use super::successor::restarted;
use super::{rollback, texts};
use crate::model::{Creator, DeploymentStatus, TargetStatus};
use crate::sandbox::store::{Deployment, ErrorInformation, HostState, Label, Millis, Region, TargetKind};

/// How a deployment ends.
#[derive(Debug)]
pub(super) enum End {
    Succeeded,
    Failed(ErrorInformation),
    Stopped(Stop),
}

/// Why a deployment is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stop {
    /// By a request.
    Requested,
    /// These alarms went off.
    Alarms(Vec<String>),
    /// Nobody let it go on within so many minutes.
    NotContinued(i64),
    /// It ran longer than the service lets one run.
    Overdue,
}

impl Stop {
    /// Whether events in flight fail at once, instead of ending as they end.
    pub(super) fn ends_events(&self) -> bool {
        matches!(self, Stop::Alarms(_) | Stop::Overdue)
    }

    /// Source: AWS's user guide, "Error codes for AWS CodeDeploy", for a deployment that runs out of time: it has
    /// failed. The others are stopped.
    fn status(&self) -> DeploymentStatus {
        match self {
            Stop::Overdue => DeploymentStatus::Failed,
            _ => DeploymentStatus::Stopped,
        }
    }

    fn error(&self) -> ErrorInformation {
        match self {
            Stop::Overdue => texts::overdue(),
            Stop::Requested => texts::manual_stop(),
            Stop::Alarms(names) => texts::alarm_active(names),
            Stop::NotContinued(minutes) => texts::not_continued(*minutes),
        }
    }
}

/// Ends a deployment. Gives the id of the rollback where one was made.
pub(super) fn end(context: &mut Context, key: &Key, end: End) -> Option<String> {
    let (now, seed) = (context.now, context.options.seed);
    context.region(&key.region, |region| {
        let deployment = region.deployments.get_mut(&key.id)?;
        deployment.completed = Some(now);
        deployment.progress.wait = None;
        deployment.engine = Value::Null;
        let wanted = rollback::wanted(deployment, &end);
        let succeeded = matches!(end, End::Succeeded);
        (deployment.status, deployment.error) = match end {
            End::Succeeded => (DeploymentStatus::Succeeded, None),
            End::Failed(error) => (DeploymentStatus::Failed, Some(error)),
            End::Stopped(stop) => (stop.status(), Some(stop.error())),
        };
        remember(region, &key.id, succeeded, now)?;
        if wanted { rollback::create(region, &key.id, now, seed) } else { None }
    })?
}

/// What the group, its hosts and the revision know from now on; none where the group is gone.
fn remember(region: &mut Region, id: &str, succeeded: bool, now: Millis) -> Option<()> {
    // Taken out for a moment: group and deployment are both the region's.
    let mut deployments = std::mem::take(&mut region.deployments);
    let done = deployments.get(id).and_then(|deployment| remember_in(region, deployment, succeeded, now));
    std::mem::swap(&mut region.deployments, &mut deployments);
    done
}

fn remember_in(region: &mut Region, deployment: &Deployment, succeeded: bool, now: Millis) -> Option<()> {
    let id = deployment.id.as_str();
    let (application, name) = region.home_mut(&deployment.group_id)?;
    let group = application.groups.get_mut(&name)?;
    if group.active.as_deref() == Some(id) {
        group.active = None;
    }
    // Auto Scaling's own deployments bring one host to where the group is already.
    if !deployment.creator.is_auto_scaling() {
        group.last_attempted = Some(id.to_owned());
        if succeeded {
            group.last_successful = Some(id.to_owned());
            group.target_revision = Some(deployment.revision.clone());
        }
    }
    if deployment.started.is_some() {
        let used = application.revisions.iter().position(|entry| entry.revision == deployment.revision);
        if let Some(entry) = used.and_then(|used| application.revisions.get_mut(used)) {
            entry.first_used.get_or_insert(now);
            entry.last_used = Some(now);
        }
    }
    let known = &mut group.hosts;
    for (host, mut state) in host_states(deployment) {
        // A restart installs nothing: the host still has what another deployment brought.
        if restarted(deployment) {
            state.deployment = known.get(&host).and_then(|before| before.deployment.clone());
        }
        known.insert(host, state);
    }
    Some(())
}

/// The health of the hosts that were attempted; what a failed one holds is not known.
fn host_states(deployment: &Deployment) -> impl Iterator<Item = (String, HostState)> {
    // Who gets no revision keeps what it has: blue instances, and both fleets of a blue/green rollback.
    let installed = |kind: &TargetKind| match kind {
        TargetKind::Instance(None) => true,
        TargetKind::Instance(Some(label)) => {
            *label == Label::Green && deployment.creator != Creator::Rollback
        }
        TargetKind::Lambda(_) | TargetKind::Ecs(_) => false,
    };
    deployment.targets.iter().filter(move |target| installed(&target.kind)).filter_map(|target| {
        let state = match target.status {
            TargetStatus::Succeeded => HostState { healthy: true, deployment: Some(deployment.id.clone()) },
            TargetStatus::Failed => HostState { healthy: false, deployment: None },
            _ => return None,
        };
        Some((target.id.clone(), state))
    })
}
