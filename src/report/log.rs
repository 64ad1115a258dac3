//! Plain lines for pipes and CI: a line a change that matters, a sign of life in silence. Never an escape code.
//!
//! The lines for changes are bounded: successes are counted by tenths of the fleet, the first failures have a line
//! each and later ones are counted too.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::stage;
use super::view::View;
use super::words::{counts, first_line, place, plural, short_revision};
use super::{Closed, Pulse, Reporter};
use crate::clock;
use crate::model::{DeploymentStatus, EventStatus, TargetStatus};
use crate::ui::{self, Stream};
use crate::watch::event::{ApiEvent, ApiState, Counts, DeploymentEvent, Event, Phase, Stamped, TargetEvent};

/// Failures with a line of their own.
const FIRST_FAILURES: u64 = 20;
/// Silence before a sign of life: in the first ten minutes, and later.
const SILENCE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
const FIRST_MINUTES: Duration = Duration::from_secs(600);
/// A passing trouble of the API that comes back within this time is not told again.
const SAME_TROUBLE: Duration = Duration::from_secs(300);

/// Writes lines to stderr; one that is closed is no reason to end.
pub struct Log {
    out: Stream,
    view: View,
    /// The first line and the last one.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    last_change: Option<Timestamp>,
    said: Said,
    trouble: Option<(ApiState, Timestamp)>,
    troubled: bool,
}

/// What the lines have told of the current deployment.
#[derive(Default)]
struct Said {
    status: Option<DeploymentStatus>,
    started: bool,
    counts: Counts,
    failures: u64,
    /// The phases of the one target of a function, a service or a stack, and the traffic that it serves.
    phases: Vec<Phase>,
    share: Option<u64>,
}

impl Log {
    pub fn new(err: Stream) -> Self {
        Log {
            out: err,
            view: View::default(),
            first: None,
            last: None,
            last_change: None,
            said: Said::default(),
            trouble: None,
            troubled: false,
        }
    }

    fn line(&mut self, word: &str, text: impl Display) {
        let now = self.view.now;
        self.first.get_or_insert(now);
        self.last = Some(now);
        let text = ui::line(&text.to_string());
        // Nobody may be reading; the watch and its exit code go on.
        let _ = writeln!(self.out, "{now:.0} {} {word:<10} {text}", self.view.name());
        let _ = self.out.flush();
    }

    fn deployment(&mut self, event: &DeploymentEvent) {
        self.last_change = Some(self.view.now);
        let waits = matches!(event.status, DeploymentStatus::Created | DeploymentStatus::Queued);
        let fresh = self.said.status.as_ref() != Some(&event.status);
        if event.status.is_terminal() {
            if fresh {
                self.ended(event);
            }
        } else if waits {
            if fresh {
                self.line(&event.status.as_str().to_lowercase(), self.what(event));
            }
        } else if !self.said.started {
            self.said.started = true;
            let total = event.overview.map(|counts| plural(counts.total(), "target"));
            let texts = [Some(self.what(event)), total, event.config.as_deref().map(short_config)];
            self.line("started", texts.into_iter().flatten().collect::<Vec<_>>().join(", "));
            if event.status != DeploymentStatus::InProgress {
                self.line(&event.status.as_str().to_lowercase(), "");
            }
        } else if fresh {
            let now = event.overview.as_ref().map(counts).unwrap_or_default();
            self.line(&event.status.as_str().to_lowercase(), now);
            for wait in stage::waits(&self.view) {
                self.line("waits", wait.trim_start_matches("waits").trim_start());
            }
        } else {
            self.progress();
        }
        self.said.status = Some(event.status.clone());
    }

    /// Group, and from which revision to which.
    fn what(&self, event: &DeploymentEvent) -> String {
        let mut text = place(event.application.as_deref(), event.group.as_deref());
        if let Some(original) = &self.view.rolls_back {
            text = format!("{text} (rolls back {original})");
        }
        if let Some(revision) = &event.revision {
            let before = event.previous_revision.as_deref().filter(|before| before != revision);
            let before = before.map(|before| format!("{} -> ", short_revision(before))).unwrap_or_default();
            text = format!("{text} {before}{}", short_revision(revision));
        }
        text.trim().to_owned()
    }

    fn ended(&mut self, event: &DeploymentEvent) {
        let mut text = event.status.to_string();
        if let Some(elapsed) = self.view.elapsed() {
            text.push_str(&format!(" after {}", clock::short(elapsed)));
        }
        if let Some(overview) = &event.overview {
            text.push_str(&format!(": {}", counts(overview)));
            self.said.counts = *overview;
        }
        if let Some(error) = &event.error {
            text.push_str(&format!(" ({})", error.code));
        }
        self.line("ended", text);
    }

    /// A line where a tenth of the fleet has finished since the last one.
    fn progress(&mut self) {
        let Some(now) = self.view.counts() else { return };
        let done = |counts: &Counts| counts.ok + counts.skip + counts.ready;
        let step = now.total().div_ceil(10).max(1);
        if done(&now) >= done(&self.said.counts) + step {
            self.counted(now);
        }
    }

    fn counted(&mut self, now: Counts) {
        let slowest = self.view.running().first().map(|(id, row)| {
            let event = row.event.as_ref().map(|event| format!(" {event}")).unwrap_or_default();
            let time = self.view.time_in_event(row).map(|time| format!(" {}", clock::short(time)));
            format!(" | slowest {id}{event}{}", time.unwrap_or_default())
        });
        let text = counts(&now) + &slowest.unwrap_or_default();
        self.said.counts = now;
        self.line("progress", text);
    }

    fn target(&mut self, event: &TargetEvent) {
        self.last_change = Some(self.view.now);
        self.stages(event);
        if event.status != TargetStatus::Failed {
            return;
        }
        let failed = self.view.failures();
        if failed <= FIRST_FAILURES {
            self.said.failures = failed;
            let row = self.view.targets.get(&event.id);
            let why = row.and_then(|row| row.failure.as_deref()).map(|why| first_line(why, 200));
            let name = event.event.as_ref().map(|event| format!(" {event}")).unwrap_or_default();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            self.line("target", format!("FAILED {}{name}{why}", event.id));
        } else {
            let total = self.view.counts().map_or(0, |counts| counts.total());
            if failed >= self.said.failures + total.div_ceil(5).max(FIRST_FAILURES) {
                let more = failed - self.said.failures;
                self.said.failures = failed;
                self.line("target", format!("FAILED {more} more, {failed} in all"));
            }
        }
    }

    /// A line for each phase that ends and each step of the traffic.
    fn stages(&mut self, event: &TargetEvent) {
        if event.phases.is_empty() {
            return;
        }
        if self.said.phases.is_empty() {
            for version in stage::versions(&event.serving) {
                self.line("what", version);
            }
        }
        let before = std::mem::replace(&mut self.said.phases, event.phases.clone());
        for phase in &event.phases {
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
                self.line("phase", format!("{} {}{time}", phase.name, phase.status));
            }
        }
        #[expect(clippy::cast_sign_loss, reason = "clamped to a percentage")]
        let share = stage::actual(&event.serving).map(|share| share.clamp(0.0, 100.0).round() as u64);
        if share.is_some() && share != self.said.share {
            self.said.share = share;
            let next = self
                .view
                .targets
                .get(&event.id)
                .and_then(|row| stage::moved(&self.view, row))
                .and_then(|traffic| traffic.next)
                .map(|(next, at)| format!("; next {next}% at {}", stage::time_of_day(at)));
            self.line("traffic", format!("{}%{}", share.unwrap_or_default(), next.unwrap_or_default()));
        }
    }

    fn api(&mut self, event: &ApiEvent) {
        let now = self.view.now;
        if event.state == ApiState::Ok {
            if std::mem::take(&mut self.troubled) {
                self.line("api", event.state.words());
            }
            return;
        }
        let again = self
            .trouble
            .is_some_and(|(state, since)| state == event.state && clock::between(since, now) < SAME_TROUBLE);
        if again {
            return;
        }
        self.trouble = Some((event.state, now));
        self.troubled = true;
        let retry = event.retry_s.map(|seconds| format!("; next try in {seconds:.0}s")).unwrap_or_default();
        let error = event.error.as_deref().map(|error| format!(": {}", first_line(error, 160)));
        self.line("api", format!("{}{retry}{}", event.state.words(), error.unwrap_or_default()));
    }

    /// Tells of every silence up to `to`. It hangs on the time of the events alone, so that a recorded stream gives
    /// the same lines.
    fn advance(&mut self, to: Timestamp) {
        let to = whole_second(to);
        let (Some(first), Some(mut last)) = (self.first, self.last) else { return };
        loop {
            let silence = SILENCE[usize::from(clock::between(first, last) >= FIRST_MINUTES)];
            let Ok(due) = whole_second(last).checked_add(silence) else { return };
            if due > to {
                return;
            }
            // Nothing is silent for so long: the clock was set.
            last = if clock::between(due, to) > 2 * SILENCE[1] { to } else { due };
            self.view.now = last;
            self.still();
        }
    }

    /// What is going on, after a silence.
    fn still(&mut self) {
        let changed = self.view.counts().filter(|counts| *counts != self.said.counts);
        let age = match (&self.view.api, self.trouble) {
            (Some(api), Some((_, since))) => {
                let since = clock::short(clock::between(whole_second(since), self.view.now));
                format!(" ({} for {since})", api.state.words())
            }
            _ => String::new(),
        };
        if let (Some(now), None) = (changed, &self.view.api) {
            return self.counted(now);
        }
        let mut text = match self.last_change {
            Some(change) => {
                format!("no change for {}", clock::short(clock::between(whole_second(change), self.view.now)))
            }
            None => "waiting for a first answer".to_owned(),
        };
        let waits = self.view.status().filter(|status| **status != DeploymentStatus::InProgress);
        if let Some(status) = waits {
            text.push_str(&format!("; {status}"));
        }
        if let Some(wait) = stage::waits(&self.view).first() {
            text.push_str(&format!("; waits {}", wait.trim_start_matches("waits").trim_start()));
        }
        if let Some(phase) = stage::under_way(&self.view) {
            text.push_str(&format!("; {phase}"));
        }
        let phases = self.view.phases();
        let seen: usize = phases.iter().map(|(_, count)| count).sum();
        if let Some(now) = self.view.counts().filter(|_| seen > 0) {
            let of = if now.run > seen as u64 { format!(" (of {seen} seen)") } else { String::new() };
            let phases: Vec<_> =
                phases.iter().take(4).map(|(name, count)| format!("{name} {count}")).collect();
            text.push_str(&format!("; {} running: {}{of}", now.run.max(seen as u64), phases.join(", ")));
        }
        self.line("still", text + &age);
    }
}

impl Reporter for Log {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        if !self.view.id.is_empty() {
            self.advance(stamped.ts);
        }
        let before = self.view.id.clone();
        self.view.event(stamped);
        self.first.get_or_insert(stamped.ts);
        self.last.get_or_insert(stamped.ts);
        if self.view.id != before {
            self.said = Said::default();
        }
        match &stamped.event {
            Event::Deployment(event) => self.deployment(event),
            Event::Target(event) => self.target(event),
            Event::Api(event) => self.api(event),
            Event::Notice { message, .. } => self.line("notice", first_line(message, 300)),
            Event::Rollback { rollback, message } => {
                let why = message.as_deref().map(|message| format!(": {}", first_line(message, 200)));
                self.line("rollback", format!("{rollback}{}", why.unwrap_or_default()));
            }
            // Nothing is silent any more.
            Event::Result(_) => self.last = None,
            Event::StreamStart { .. } | Event::Heartbeat(_) => {}
        }
        Ok(())
    }

    fn tick(&mut self, pulse: &Pulse) {
        if self.view.id.is_empty() {
            return;
        }
        self.advance(pulse.now);
    }
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// `HalfAtATime` for one of CodeDeploy's own configurations.
fn short_config(name: &str) -> String {
    name.strip_prefix("CodeDeployDefault.").unwrap_or(name).to_owned()
}
