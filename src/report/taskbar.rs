//! What a terminal shows outside of its text, on request: progress in its tab or task bar (OSC 9;4), and a bell at the
//! end. Only for a terminal; the progress is taken away at every end.

use std::io::Write;

use super::{Closed, Reporter};
use crate::model::DeploymentStatus;
use crate::ui::Stream;
use crate::watch::event::{DeploymentEvent, Event, Stamped};

/// Source: ConEmu documentation, "ANSI X3.64 and Xterm 256 colors"; Windows Terminal, Ghostty and others follow it.
const REMOVED: (u8, u64) = (0, 0);
const NORMAL: u8 = 1;
const ERROR: u8 = 2;
const UNKNOWN: u8 = 3;
const PAUSED: u8 = 4;

/// Writes to the terminal on stderr.
pub struct Taskbar {
    out: Stream,
    progress: bool,
    bell: bool,
    shown: (u8, u64),
}

impl Taskbar {
    pub fn new(err: Stream, progress: bool, bell: bool) -> Self {
        Taskbar { out: err, progress, bell, shown: REMOVED }
    }

    fn show(&mut self, state: (u8, u64)) {
        if self.progress && self.shown != state {
            self.shown = state;
            let _ = write!(self.out, "\x1b]9;4;{};{}\x07", state.0, state.1).and_then(|()| self.out.flush());
        }
    }
}

/// The state and the percentage of a deployment.
fn state(event: &DeploymentEvent) -> (u8, u64) {
    let counts = event.overview.unwrap_or_default();
    let done = counts.ok + counts.fail + counts.skip + counts.ready;
    let percent = (100 * done).checked_div(counts.total());
    match (&event.status, percent) {
        (DeploymentStatus::Failed | DeploymentStatus::Stopped, percent) => (ERROR, percent.unwrap_or(100)),
        (DeploymentStatus::Ready, percent) => (PAUSED, percent.unwrap_or(100)),
        (_, Some(percent)) if counts.fail > 0 => (ERROR, percent),
        (_, Some(percent)) => (NORMAL, percent),
        (_, None) => (UNKNOWN, 0),
    }
}

impl Reporter for Taskbar {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        if let Event::Deployment(event) = &stamped.event {
            self.show(state(event));
        }
        Ok(())
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.bell) {
            let _ = self.out.write_all(b"\x07").and_then(|()| self.out.flush());
        }
    }
}

impl Drop for Taskbar {
    fn drop(&mut self) {
        self.show(REMOVED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Buffer;

    #[test]
    fn progress_is_taken_away_however_it_ends() {
        for bell in [false, true] {
            let buffer = Buffer::default();
            let mut taskbar = Taskbar::new(Stream::new(buffer.clone()), true, bell);
            taskbar.show((NORMAL, 40));
            taskbar.show((NORMAL, 40));
            taskbar.show((ERROR, 60));
            taskbar.end();
            drop(taskbar);
            let bell = if bell { "\x07" } else { "" };
            let expected = format!("\x1b]9;4;1;40\x07\x1b]9;4;2;60\x07{bell}\x1b]9;4;0;0\x07");
            assert_eq!(buffer.text(), expected);
        }
    }

    #[test]
    fn nothing_is_written_that_nobody_asked_for() {
        let buffer = Buffer::default();
        let mut taskbar = Taskbar::new(Stream::new(buffer.clone()), false, true);
        taskbar.show((NORMAL, 40));
        taskbar.end();
        drop(taskbar);
        assert_eq!(buffer.text(), "\x07");
    }
}
