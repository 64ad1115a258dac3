//! What is wrong with the flags of a watch is told before anything is made: to a job that forgot `--watch`, or whose watch
//! could not begin.

use super::kept::writable;
use super::{OnLeave, WatchArgs, no_keyboard};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::ui::Keyboard;

impl WatchArgs {
    /// An error where a flag is about the watch and nothing is `watched`; those of any wait pass where one may be waited
    /// for something (`waits`). Of a watch, an error where it could not begin: nothing is made that is then not watched.
    pub fn require(&self, context: &Context, watched: bool, waits: bool) -> anyhow::Result<()> {
        let shown = &self.shown;
        let of_watches = [
            ("--until", self.until.is_some()),
            ("--exit-on-ready", self.exit_on_ready),
            ("--require-all", self.require_all),
            ("--no-follow-rollback", self.no_follow_rollback),
            ("--follow-rollback", self.follow_rollback),
            ("--record", self.record.is_some()),
            ("--junit", shown.junit.is_some()),
            ("--keys", shown.keys),
            ("--progress", shown.progress),
            ("--bell", shown.bell),
        ];
        let of_waits = [
            ("--timeout", self.timeout.is_some()),
            ("--interval", self.interval.is_some()),
            ("--on-timeout", self.on_timeout != OnLeave::Detach),
            ("--on-interrupt", self.on_interrupt != OnLeave::Detach),
            ("--max-calls-per-minute", self.max_calls_per_minute.is_some()),
        ];
        let idle = of_watches.into_iter().chain(of_waits.into_iter().filter(|_| !waits));
        match idle.into_iter().find(|(_, given)| *given && !watched) {
            Some((flag, _)) => Err(Failure::new(format!("{flag} is about a watch, and nothing is watched"))
                .help(format!("watch the deployment (--watch), or leave {flag} out"))
                .exit(Exit::Usage)
                .into()),
            None if watched => self.can_begin(context),
            None => Ok(()),
        }
    }

    fn can_begin(&self, context: &Context) -> anyhow::Result<()> {
        let shown = &self.shown;
        if shown.keys && !(shown.is_live(context) && Keyboard::is_there()) {
            return Err(no_keyboard());
        }
        let files = [("the recording", self.record.as_deref()), ("the JUnit file", shown.junit.as_deref())];
        for (what, path) in files.into_iter().chain([("the step summary", shown.summary())]) {
            if let Some(path) = path {
                writable(path).doing(format_args!("write {what} {}", path.display()))?;
            }
        }
        Ok(())
    }
}
