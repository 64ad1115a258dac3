//! One watch after the other, in one stream: the waves of `deploy create --regions`.

use std::time::Duration;

use jiff::Timestamp;

use super::first::unbegun;
use super::{TOOL, WatchArgs, written};
use crate::api::source::Watching;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{self, Doing, Failure};
use crate::exit::Exit;
use crate::report::{About, Input, Reporters};
use crate::signals::{self, Listener, Signals};
use crate::watch::event::{Event, NoticeCode};
use crate::watch::{Ended, Options, Outcome, Watched};

/// Watches one after the other that share their reporters and listen to the same signals.
pub struct Series {
    arguments: WatchArgs,
    reporters: Reporters,
    signals: Signals,
    /// Hears of the signals that come while nothing is watched.
    listener: Listener,
    /// What the last of those ends the command with.
    left: Option<Exit>,
    outcomes: Vec<Outcome>,
    /// What a region refused with.
    refused: Option<String>,
    /// What has ended last, and is told once it is known that more begins or what was left out.
    ended: Option<Ended>,
}

impl Series {
    pub fn start(context: &Context, arguments: &WatchArgs) -> anyhow::Result<Self> {
        if arguments.shown.keys {
            return Err(Failure::new("--keys steers one watch, not one after the other")
                .help("leave --keys or --regions out")
                .exit(Exit::Usage)
                .into());
        }
        let reporters = Reporters::start(arguments.reporters(context, false)?);
        Ok(Series {
            arguments: arguments.clone(),
            reporters: reporters.doing("start the reporters' thread")?,
            signals: context.signals.clone(),
            listener: context.signals.listen(),
            left: None,
            outcomes: Vec::new(),
            refused: None,
            ended: None,
        })
    }

    /// The code of a signal that came since; nothing more is started after it.
    pub fn left(&mut self) -> Option<Exit> {
        if let Some(signal) = self.listener.heard() {
            self.left = Some(signals::exit(signal));
        }
        self.left
    }

    /// Resolves at a signal that nobody hears but the `idle` listeners of before: it ends what is being begun, as one ends
    /// a command. What has to be brought to its end listens itself.
    pub async fn left_unheard(&mut self, idle: usize) -> Exit {
        loop {
            let exit = signals::exit(self.listener.next().await);
            self.left = Some(exit);
            if self.signals.listeners() <= idle {
                return exit;
            }
        }
    }

    /// The way for pauses to the live view, where there is one.
    pub fn input(&self, context: &Context) -> Option<Input> {
        self.reporters.input().filter(|_| self.arguments.shown.is_live(context))
    }

    /// The `--timeout`, which is each wave's own.
    pub fn timeout(&self) -> Option<Duration> {
        self.arguments.timeout
    }

    /// Watches deployments that were just made, each with a listener that has heard the signals since; `timeout`: what is
    /// left of it.
    pub async fn follow(
        &mut self,
        context: &Context,
        watched: &[Watched<Watching>],
        signals: Vec<Listener>,
        timeout: Option<Duration>,
    ) -> anyhow::Result<Vec<Outcome>> {
        let arguments = WatchArgs { timeout, ..self.arguments.clone() };
        let options = Options { made: true, ..arguments.options(context, true).await? };
        self.tell();
        let (outcomes, last) = crate::watch::follow(watched, &options, signals, &self.reporters).await;
        self.ended = last;
        self.outcomes.extend(outcomes.iter().cloned());
        Ok(outcomes)
    }

    fn tell(&mut self) {
        self.ended.take().into_iter().for_each(|ended| ended.tell(TOOL, &self.reporters));
    }

    /// Shows why nothing is begun any more; gives the code of it.
    pub fn refuse(&mut self, context: &Context, error: &anyhow::Error) -> Exit {
        self.refused = Some(error.to_string());
        error::show(error, &context.ui, context.settings.output.format.is_machine())
    }

    /// The time by CodeDeploy's clock, which the watch before knows best, or else what was `asked`.
    fn now(&self, asked: &Context) -> Timestamp {
        self.ended.as_ref().map_or_else(|| asked.service_time(), Ended::now)
    }

    /// Tells the stream of a region in which nothing is watched, and so nothing of it is told; with what the command ends.
    /// `untold`: nobody waited to hear whether something was started.
    pub fn left_out(&self, context: &Context, region: &str, untold: bool, exit: Exit) {
        let message = match untold {
            true => format!("it is not known whether a deployment was started in {region}"),
            false => format!("nothing was started in {region}"),
        };
        let event = Event::Notice { code: NoticeCode::NotStarted, message, exit: Some(exit.code()) };
        let about = About { deployment: "", region: Some(region) };
        self.reporters.emit(TOOL, about, self.now(context), event);
    }

    /// Waits until everything is written; gives the exit code. Where nothing was watched, the one result is of `place` (a
    /// group in its region).
    pub async fn finish(
        mut self,
        context: &Context,
        (region, group): (Option<&str>, &GroupName),
        exit: Exit,
    ) -> Exit {
        self.tell();
        if self.outcomes.is_empty() {
            let outcome = unbegun(exit, self.refused.take().unwrap_or_default());
            let about = About { deployment: "", region };
            let place = Some((&*group.application, &*group.group));
            crate::watch::nothing(TOOL, about, place, &outcome, self.now(context), &self.reporters);
            self.outcomes.push(outcome);
        }
        crate::watch::finish(&self.outcomes, &self.signals, &mut self.reporters).await;
        written(context, self.reporters.unwritten(), exit)
    }
}
