//! A CI system's fold around the log of a watch; it is closed before the summary, which stays in sight. Nothing from
//! outside is in a marker.

use std::io::Write;

use jiff::Timestamp;

use super::{Closed, Pulse, Reporter};
use crate::ui::Stream;
use crate::watch::event::Stamped;

/// Who folds. Others have no markers of their own: CircleCI and Jenkins fold by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// Source: GitHub documentation, "Workflow commands for GitHub Actions".
    GitHub,
    /// Source: GitLab documentation, "Custom collapsible sections": the markers hold escape codes.
    GitLab,
    /// Source: Buildkite documentation, "Managing log output": a heading ends what is above it.
    Buildkite,
}

/// What another reporter writes, in a fold.
pub struct Folded {
    system: Folds,
    out: Stream,
    inner: Box<dyn Reporter>,
    /// When the first event came and when the last.
    open: Option<(Timestamp, Timestamp)>,
}

impl Folded {
    pub fn new(system: Folds, out: Stream, inner: Box<dyn Reporter>) -> Self {
        Folded { system, out, inner, open: None }
    }

    fn write(&mut self, marker: &str) {
        // A job that cannot show it still has the exit code.
        let _ = self.out.write_all(marker.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl Reporter for Folded {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        match &mut self.open {
            Some((_, last)) => *last = stamped.ts,
            None => {
                self.open = Some((stamped.ts, stamped.ts));
                let first = stamped.ts.as_second();
                self.write(&match self.system {
                    Folds::GitHub => "::group::Deployment log\n".to_owned(),
                    Folds::GitLab => section("start", first, first) + "Deployment log\n",
                    Folds::Buildkite => "--- Deployment log\n".to_owned(),
                });
            }
        }
        self.inner.event(stamped)
    }

    fn tick(&mut self, pulse: &Pulse) {
        self.inner.tick(pulse);
    }

    fn end(&mut self) {
        self.inner.end();
        let Some((first, last)) = self.open.take() else { return };
        self.write(&match self.system {
            Folds::GitHub => "::endgroup::\n".to_owned(),
            Folds::GitLab => section("end", last.as_second(), first.as_second()) + "\n",
            Folds::Buildkite => "+++ Deployment summary\n".to_owned(),
        });
    }
}

/// A section's name is its own within the job.
fn section(what: &str, at: i64, first: i64) -> String {
    format!("\x1b[0Ksection_{what}:{at}:deployment_log_{first}\r\x1b[0K")
}
