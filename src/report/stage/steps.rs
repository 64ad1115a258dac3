//! What is new of a function, a service or a stack: its versions once, each phase that ended, each step of the
//! traffic. Shared by the reporters that write lines. Pure.

use super::single;
use super::traffic::{actual, line_of, moved, versions};
use crate::clock;
use crate::model::EventStatus;
use crate::report::view::{Row, View};
use crate::watch::event::{Phase, TargetEvent};

/// It is known when the next step of the traffic comes.
fn next(view: &View, row: &Row) -> bool {
    moved(view, row).is_some_and(|traffic| traffic.next.is_some())
}

/// One thing that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Version(String),
    /// Name, state and time of a phase.
    Phase(String),
    Traffic(String),
}

/// What has been told so far.
#[derive(Debug, Default)]
pub struct Steps {
    phases: Vec<Phase>,
    share: Option<u64>,
    /// The next step of the traffic was told with it.
    planned: bool,
}

impl Steps {
    /// What `event` tells beyond what has been told; the view has it already.
    pub fn of(&mut self, view: &View, event: &TargetEvent) -> Vec<Step> {
        let phases = event.own_phases();
        if phases.is_empty() {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if self.phases.is_empty() {
            steps.extend(versions(&event.serving).into_iter().map(Step::Version));
        }
        let before = std::mem::replace(&mut self.phases, phases.to_vec());
        for phase in phases {
            let known = before.iter().any(|old| old.name == phase.name && old.status == phase.status);
            let ended =
                matches!(phase.status, EventStatus::Succeeded | EventStatus::Failed | EventStatus::Other(_));
            if !known && ended {
                let time = match (phase.start, phase.end) {
                    (Some(start), Some(end)) => {
                        format!(" after {}", clock::short(clock::between(start, end)))
                    }
                    _ => String::new(),
                };
                steps.push(Step::Phase(format!("{} {}{time}", phase.name, phase.status)));
            }
        }
        #[expect(clippy::cast_sign_loss, reason = "clamped to a percentage")]
        let share = actual(&event.serving).map(|share| share.clamp(0.0, 100.0).round() as u64);
        if let (Some(now), Some(row)) = (share, view.targets.get(&event.id))
            && share != self.share
        {
            self.share = share;
            self.planned = next(view, row);
            steps.push(Step::Traffic(line_of(view, row, now)));
        }
        steps
    }

    /// The traffic once more, where only now it is known when its next step comes.
    pub fn plan(&mut self, view: &View) -> Option<Step> {
        let (share, (_, row)) = self.share.zip(single(view))?;
        if self.planned || !next(view, row) {
            return None;
        }
        self.planned = true;
        Some(Step::Traffic(line_of(view, row, share)))
    }
}
