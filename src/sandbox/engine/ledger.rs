//! Writes what happens to targets into the store and keeps the deployment's counters with it. Decides nothing.

use crate::model::{Diagnostics, EventName, EventStatus, Overview, TargetStatus};
use crate::sandbox::store::{Deployment, Event, Millis, Target, TargetKind};

/// A target that nothing has happened to.
pub(super) fn pending(id: &str, arn: String, kind: TargetKind, events: &[EventName]) -> Target {
    let event = |name: &EventName| Event {
        name: name.clone(),
        status: EventStatus::Pending,
        start: None,
        end: None,
        diagnostics: None,
    };
    Target {
        id: id.to_owned(),
        arn,
        kind,
        status: TargetStatus::Pending,
        last_updated: None,
        events: events.iter().map(event).collect(),
    }
}

/// Moves a target to another state.
pub(super) fn mark(deployment: &mut Deployment, host: usize, status: TargetStatus, now: Millis) {
    let Some(target) = deployment.targets.get_mut(host) else { return };
    target.last_updated = Some(now);
    let before = std::mem::replace(&mut target.status, status.clone());
    let overview = deployment.overview.get_or_insert_default();
    if let Some(count) = counter(overview, &before) {
        *count = count.saturating_sub(1);
    }
    if let Some(count) = counter(overview, &status) {
        *count += 1;
    }
}

/// An event starts.
pub(super) fn begin(deployment: &mut Deployment, host: usize, event: usize, now: Millis) {
    let Some(target) = deployment.targets.get_mut(host) else { return };
    target.last_updated = Some(now);
    if let Some(event) = target.events.get_mut(event) {
        event.status = EventStatus::InProgress;
        event.start = Some(now);
    }
}

/// An event ends, well or not.
pub(super) fn end(
    deployment: &mut Deployment,
    host: usize,
    event: usize,
    well: bool,
    diagnostics: Option<Diagnostics>,
    now: Millis,
) {
    let Some(target) = deployment.targets.get_mut(host) else { return };
    target.last_updated = Some(now);
    if let Some(event) = target.events.get_mut(event) {
        event.status = if well { EventStatus::Succeeded } else { EventStatus::Failed };
        event.end = Some(now);
        event.diagnostics = diagnostics;
    }
}

/// What has not started is skipped: it has an end and no start.
pub(super) fn skip_rest(deployment: &mut Deployment, host: usize, now: Millis) {
    let Some(target) = deployment.targets.get_mut(host) else { return };
    for event in target.events.iter_mut().filter(|event| event.status == EventStatus::Pending) {
        event.status = EventStatus::Skipped;
        event.end = Some(now);
    }
}

/// Targets that nothing more happens to. Skipped are those that were never attempted.
pub(super) fn skip(deployment: &mut Deployment, targets: impl IntoIterator<Item = usize>, now: Millis) {
    for target in targets {
        let events = deployment.targets.get(target).map(|target| target.events.as_slice());
        let attempted = events.unwrap_or_default().iter().any(|event| event.start.is_some());
        skip_rest(deployment, target, now);
        let status = if attempted { TargetStatus::Failed } else { TargetStatus::Skipped };
        mark(deployment, target, status, now);
    }
}

fn counter<'a>(overview: &'a mut Overview, status: &TargetStatus) -> Option<&'a mut u64> {
    match status {
        TargetStatus::Pending => Some(&mut overview.pending),
        TargetStatus::InProgress => Some(&mut overview.in_progress),
        TargetStatus::Ready => Some(&mut overview.ready),
        TargetStatus::Succeeded => Some(&mut overview.succeeded),
        TargetStatus::Failed => Some(&mut overview.failed),
        TargetStatus::Skipped => Some(&mut overview.skipped),
        TargetStatus::Unknown | TargetStatus::Other(_) => None,
    }
}
