//! What a deployment waits for and until when, as exactly as the service tells it: a time that hangs on targets which have
//! not been read is not made up. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::{NARROW, countdown, flow};
use crate::clock;
use crate::model::{ComputePlatform, DeploymentStatus, TargetStatus};
use crate::report::view::{Since, View};

/// Until when a wait lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// The service tells of no end.
    Open,
    /// It begins with a target that has not been read, or cannot be.
    Unread,
    Unreadable,
    /// By the targets that have been read; it may be later.
    NotBefore(Timestamp),
    At(Timestamp),
}

impl Until {
    fn of(view: &View, since: Option<Since>, wait_s: Option<u64>) -> Until {
        let Some(wait) = wait_s.map(Duration::from_secs) else { return Until::Open };
        match since {
            None if view.unreadable => Until::Unreadable,
            None => Until::Unread,
            Some(Since { at, partly }) => {
                let end = at.checked_add(wait).unwrap_or(at);
                if partly { Until::NotBefore(end) } else { Until::At(end) }
            }
        }
    }

    /// When that is, behind a sentence of what happens then.
    fn told(self, now: Timestamp) -> Option<String> {
        match self {
            Until::Open => None,
            Until::Unread => Some("; when that is, its targets tell, which are being read".to_owned()),
            Until::Unreadable => {
                Some("; when that is, its targets would tell, which cannot be read".to_owned())
            }
            Until::NotBefore(at) => {
                Some(format!(" {} or later, as far as its targets are read", countdown(now, at)))
            }
            Until::At(at) => Some(format!(" {}", countdown(now, at))),
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Ready(Until),
    Kept(Until),
}

fn wait(view: &View) -> Option<Wait> {
    let deployment = view.deployment.as_ref()?;
    if deployment.status == DeploymentStatus::Ready {
        return Some(Wait::Ready(Until::of(view, view.ready_since(), deployment.waits.ready_s)));
    }
    let since = kept(view)?;
    deployment.waits.termination_s.map(|wait| Wait::Kept(Until::of(view, since, Some(wait))))
}

/// The original fleet is only kept, since when. ECS does not say so: its target is done and the deployment is not.
pub fn kept(view: &View) -> Option<Option<Since>> {
    let deployment = view.deployment.as_ref()?;
    if deployment.status != DeploymentStatus::InProgress {
        return None;
    }
    let ecs = deployment.platform == Some(ComputePlatform::Ecs)
        && !view.targets.is_empty()
        && view.targets.values().all(|row| row.status == TargetStatus::Succeeded);
    match ecs {
        true => Some(view.last_target_change().map(|at| Since { at, partly: false })),
        false => deployment.waits.termination_started.then(|| view.kept_since()),
    }
}

/// What is known of the end of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Nothing,
    /// That it is not before some time.
    Part,
    /// When it is, or that nobody will tell.
    All,
}

/// What is known of the end of the wait that it is in; nothing where it is in none.
pub fn known(view: &View) -> Known {
    match wait(view) {
        None | Some(Wait::Ready(Until::Unread) | Wait::Kept(Until::Unread)) => Known::Nothing,
        Some(Wait::Ready(Until::NotBefore(_)) | Wait::Kept(Until::NotBefore(_))) => Known::Part,
        Some(_) => Known::All,
    }
}

/// What the deployment waits for, and what comes of it by itself, in clauses; none where it does not wait.
pub fn waits_for(view: &View) -> Vec<String> {
    match wait(view) {
        None => Vec::new(),
        Some(Wait::Ready(until)) => {
            let end = until.told(view.now).map(|end| format!("without it the deployment stops{end}"));
            std::iter::once("for `continue`: the replacement is ready".to_owned()).chain(end).collect()
        }
        Some(Wait::Kept(until)) => vec![
            format!("for the end of the original{}", until.told(view.now).unwrap_or_default()),
            "all traffic has moved; until then a rollback only moves it back".to_owned(),
        ],
    }
}

/// The wait itself, then what can be typed.
pub fn lines(view: &View, width: usize) -> Vec<String> {
    let wait = waits_for(view);
    let commands = if wait.is_empty() { Vec::new() } else { commands(view) };
    let labels = std::iter::once("waits    ").chain(std::iter::repeat("         "));
    let mut lines: Vec<_> = labels.zip(&wait).flat_map(|(label, text)| flow(label, text, width)).collect();
    lines.extend(commands.iter().flat_map(|(what, command)| match width < NARROW {
        true => typed(command, width),
        false => vec![format!("         {:<9} {command}", format!("{what}:"))],
    }));
    lines
}

/// A command on a line of its own, or on two as a shell reads them: one that is cut cannot be typed.
fn typed(command: &str, width: usize) -> Vec<String> {
    match command.rsplit_once(" --") {
        Some((begin, flag)) if command.len() + 1 > width => {
            vec![format!(" {begin} \\"), format!("   --{flag}")]
        }
        _ => vec![format!(" {command}")],
    }
}

/// What can be done about a wait, and how.
pub fn commands(view: &View) -> Vec<(&'static str, String)> {
    let ready = view.status() == Some(&DeploymentStatus::Ready);
    let id = view.reference();
    let mut commands = vec![("continue", format!("cdctl deploy continue {id}"))];
    commands.extend(ready.then(|| ("stop", format!("cdctl deploy stop {id} --rollback"))));
    commands
}

/// What a deployment that goes zone by zone waits for while no host is at work.
///
/// Source: API reference, `ZonalConfig`.
pub fn between_zones(view: &View) -> Option<String> {
    let deployment = view.deployment.as_ref().filter(|deployment| !deployment.status.is_terminal())?;
    let monitor = Duration::from_secs(deployment.zonal?.monitor_s?);
    let counts = view.counts().filter(|counts| counts.run == 0 && counts.pend > 0 && counts.ok > 0)?;
    let done = counts.total() - counts.pend;
    Some(format!("for the next zone: {done} done, each zone is watched for {}", clock::whole(monitor)))
}
