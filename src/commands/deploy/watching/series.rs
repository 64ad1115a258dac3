//! One watch after the other, in one stream: the waves of `deploy create --regions`.

use std::time::Duration;

use futures_util::FutureExt;

use super::{TOOL, WatchArgs, written};
use crate::api::source::Watching;
use crate::clock;
use crate::context::Context;
use crate::error::{Doing, Failure};
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
            ended: None,
        })
    }

    /// The code of a signal that came since; nothing more is started after it.
    pub fn left(&mut self) -> Option<Exit> {
        if let Some(signal) = self.listener.next().now_or_never() {
            self.left = Some(signals::exit(signal));
        }
        self.left
    }

    /// Resolves at the second signal: after the first, what was begun is still brought to its end.
    pub async fn left_twice(&mut self) -> Exit {
        loop {
            let exit = signals::exit(self.listener.next().await);
            if self.left.replace(exit).is_some() {
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

    /// Tells the stream of a region in which nothing is watched, and so nothing of it is told; with what the command ends.
    pub fn left_out(&self, region: &str, exit: Exit) {
        let message = format!("nothing was started in {region}");
        let event = Event::Notice { code: NoticeCode::NotStarted, message, exit: Some(exit.code()) };
        self.reporters.emit(TOOL, About { deployment: "", region: Some(region) }, clock::now(), event);
    }

    /// Waits until everything is written; gives the exit code.
    pub async fn finish(mut self, context: &Context, exit: Exit) -> Exit {
        self.tell();
        crate::watch::finish(&self.outcomes, &self.signals, &mut self.reporters).await;
        written(context, self.reporters.unwritten(), exit)
    }
}
