//! Plain lines for pipes and CI: a line a change that matters, a sign of life in silence. Never an escape code.
//!
//! The lines for changes are bounded: successes are counted by tenths of the fleet, the first failures have a line
//! each and later ones are counted too.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::stage::{self, Known, Step, Steps};
use super::view::{Row, View};
use super::words::{counts, first_line, line, place, plural, short_revision, short_revisions};
use super::{Closed, Pulse, Reporter};
use crate::clock;
use crate::model::{DeploymentStatus, TargetStatus};
use crate::ui::Stream;
use crate::watch::event::{ApiEvent, ApiState, Counts, DeploymentEvent, Event, Stamped, TargetEvent};

/// Failures with a line of their own.
const FIRST_FAILURES: u64 = 20;
/// Silence before a sign of life: in the first ten minutes, and later.
const SILENCE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
const FIRST_MINUTES: Duration = Duration::from_secs(600);
/// How much later than it happened a failure is seen before that is said.
const LATE: Duration = Duration::from_secs(3);
/// How long what targets tell takes to be read, and from when on a part of it is told.
const READS: Duration = Duration::from_secs(1);
const SLOW_READS: Duration = Duration::from_secs(30);
/// How long the end waits for what is still read of the targets.
const LAST_READ: Duration = Duration::from_secs(12);
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
    /// A line for every change of a target.
    verbose: bool,
}

/// What the lines have told of the current deployment.
#[derive(Default)]
struct Said {
    status: Option<DeploymentStatus>,
    started: bool,
    counts: Counts,
    failures: u64,
    /// What of the one target of a function, a service or a stack.
    steps: Steps,
    /// How many of the service's messages.
    messages: usize,
    /// The last line, which waits for what is still read of the targets, and since when.
    ended: Option<(Timestamp, String)>,
    wait: Option<Waiting>,
}

/// The deployment waits for something.
struct Waiting {
    /// When that was seen.
    since: Timestamp,
    /// What of its end has been told.
    told: Known,
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
            verbose: false,
        }
    }

    /// One that tells of every change of a target.
    pub fn verbose(self, verbose: bool) -> Self {
        Log { verbose, ..self }
    }

    fn line(&mut self, word: &str, text: impl Display) {
        let now = self.view.now;
        self.first.get_or_insert(now);
        self.last = Some(now);
        let (word, text) = (line(word), line(&text.to_string()));
        // Nobody may be reading; the watch and its exit code go on.
        let text = format!("{now:.0} {} {word:<10} {text}", self.view.name());
        let _ = writeln!(self.out, "{}", text.trim_end());
        let _ = self.out.flush();
    }

    fn deployment(&mut self, event: &DeploymentEvent) {
        self.last_change = Some(self.view.now);
        self.messages(event);
        let waits = matches!(event.status, DeploymentStatus::Created | DeploymentStatus::Queued);
        let fresh = self.said.status.as_ref() != Some(&event.status);
        if event.status.is_terminal() {
            if fresh {
                self.ended(event);
            }
        } else if waits {
            if fresh {
                self.line(&word(&event.status), self.what(event));
            }
        } else if !self.said.started {
            self.said.started = true;
            let total = event.overview.map(|counts| plural(counts.total(), "target"));
            let texts = [Some(self.what(event)), total, event.config.as_deref().map(short_config)];
            self.line("started", texts.into_iter().flatten().collect::<Vec<_>>().join(", "));
            if event.status != DeploymentStatus::InProgress {
                self.state(event, &word(&event.status));
            }
        } else if fresh {
            let word = match &event.status {
                DeploymentStatus::InProgress => "continues".to_owned(),
                other => word(other),
            };
            self.state(event, &word);
        } else {
            self.progress();
        }
        if let Some(step) = self.said.steps.plan(&self.view) {
            self.step(step);
        }
        self.said.status = Some(event.status.clone());
    }

    /// Where its targets are, and what it waits for: as soon as all is known of that, or at once where nothing else is told.
    fn state(&mut self, event: &DeploymentEvent, word: &str) {
        let now = event.overview.as_ref().map(counts).unwrap_or_default();
        let known = stage::known(&self.view);
        let wait = self.waits().filter(|_| known == Known::All || now.is_empty());
        self.said.wait = wait.is_some().then_some(Waiting { since: self.view.now, told: known });
        let text = [Some(now), wait.map(|wait| format!("waits {wait}"))];
        let text = text.into_iter().flatten().filter(|text| !text.is_empty());
        self.line(word, text.collect::<Vec<_>>().join("; "));
    }

    /// What the service says beside the status, once each.
    fn messages(&mut self, event: &DeploymentEvent) {
        let told = self.said.messages;
        self.said.messages = event.messages.len();
        for message in event.messages.iter().skip(told) {
            self.line("message", first_line(message, 300));
        }
    }

    /// What it waits for, until when, and what to type.
    fn waits(&self) -> Option<String> {
        let mut clauses = stage::waits_for(&self.view);
        if clauses.is_empty() {
            return None;
        }
        let command = stage::commands(&self.view).into_iter().next();
        clauses.extend(command.map(|(what, command)| format!("{what}: {command}")));
        Some(clauses.join("; "))
    }

    /// A wait that has begun has a line of its own, as soon as it is known until when it lasts: that may hang on what is
    /// being read of the targets.
    fn wait(&mut self, to: Timestamp) {
        if stage::waits_for(&self.view).is_empty() {
            return;
        }
        let now = self.view.now;
        let waiting = self.said.wait.get_or_insert(Waiting { since: now, told: Known::Nothing });
        let mut known = stage::known(&self.view);
        let after = if known == Known::All { READS } else { SLOW_READS };
        // What has not been read by then is as it was seen.
        let late = waiting.since.checked_add(SLOW_READS).unwrap_or(now);
        if known != Known::All && late <= to {
            self.view.now = now.max(late);
            known = stage::known(&self.view);
        }
        let due = waiting.since.checked_add(after).unwrap_or(now);
        if known == Known::Nothing || waiting.told == known || waiting.told == Known::All || due > to {
            return;
        }
        waiting.told = known;
        if known == Known::Part {
            self.view.now = now.max(due);
        }
        if let Some(wait) = self.waits() {
            self.line("waits", wait);
        }
    }

    /// A watch that ends in a wait tells of it, where it has not.
    fn left(&mut self) {
        let known = stage::known(&self.view);
        let told = self.said.wait.as_ref().is_some_and(|wait| wait.told == known);
        if let Some(wait) = self.waits().filter(|_| known == Known::Nothing || !told) {
            self.line("waits", wait);
        }
    }

    /// Group, and from which revision to which.
    fn what(&self, event: &DeploymentEvent) -> String {
        let mut text = place(event.application.as_deref(), event.group.as_deref());
        if let Some(original) = self.view.rolls_back() {
            text = format!("{text} (rolls back {original})");
        }
        if let Some(revision) = &event.revision {
            let before = event.previous_revision.as_deref().filter(|before| before != revision);
            let change = before.map(|before| short_revisions(before, revision));
            let change = change.map(|(before, now)| format!("{before} -> {now}"));
            text = format!("{text} {}", change.unwrap_or_else(|| short_revision(revision)));
        }
        // What CloudFormation makes has neither.
        if let (true, Some(creator)) = (text.is_empty(), &event.creator) {
            text = format!("by {}", creator.as_str());
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
        if let (Some(original), false) = (self.view.rolls_back(), self.said.started) {
            text.push_str(&format!(" (rolls back {original})"));
        }
        self.said.ended = Some((self.view.now, text));
    }

    /// The end itself, once the failures before it are told.
    fn end(&mut self) {
        if let Some((_, text)) = self.said.ended.take() {
            self.line("ended", text);
        }
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
        // One of two fleets waits for the other or for the user, and is not slow.
        let waits = |row: &Row| row.ended.is_some() && row.label.is_some();
        let slowest =
            self.view.slowest(usize::MAX).into_iter().find(|(_, row)| !waits(row)).map(|(id, row)| {
                let after = if row.ended.is_some() { " after" } else { "" };
                let event = row.event.as_ref().map(|event| format!("{after} {event}")).unwrap_or_default();
                let time = self.view.time_in_event(row).map(|time| format!(" {}", clock::short(time)));
                format!(" | slowest {id}{event}{}", time.unwrap_or_default())
            });
        let forecast = self.view.forecast().map(|(least, most)| {
            format!(" (done between {} and {})", stage::time_of_day(least), stage::time_of_day(most))
        });
        let text = counts(&now) + &forecast.unwrap_or_default() + &slowest.unwrap_or_default();
        self.said.counts = now;
        self.line("progress", text);
    }

    fn target(&mut self, event: &TargetEvent) {
        self.last_change = Some(self.view.now);
        self.steps(event);
        if event.status != TargetStatus::Failed {
            if self.verbose {
                let name = event.event.as_ref().map(|event| format!(" {event}")).unwrap_or_default();
                self.line("target", format!("{} {}{name}", event.id, event.status));
            }
            return;
        }
        let failed = self.view.failures();
        if failed <= FIRST_FAILURES || self.verbose {
            self.said.failures = failed;
            let row = self.view.targets.get(&event.id);
            let why = row.and_then(|row| row.failure.as_deref()).map(|why| first_line(why, 200));
            let name = event.event.as_ref().map(|event| format!(" {event}")).unwrap_or_default();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            // A failure that was seen late has the service's own time beside the stamp.
            let late = event.time.filter(|time| clock::between(*time, self.view.now) >= LATE);
            let when = late.map(|time| format!(" at {}", stage::time_of_day(time))).unwrap_or_default();
            self.line("target", format!("FAILED {}{name}{when}{why}", event.id));
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
    fn steps(&mut self, event: &TargetEvent) {
        for step in self.said.steps.of(&self.view, event) {
            self.step(step);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Version(text) => self.line("what", text),
            Step::Phase(text) => self.line("phase", text),
            Step::Traffic(text) => self.line("traffic", text),
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
        if self.said.ended.as_ref().is_some_and(|(since, _)| clock::between(*since, to) > LAST_READ) {
            self.end();
        }
        self.wait(to);
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
        let waits = self.waits();
        if let (Some(now), None, None) = (changed, &self.view.api, &waits) {
            return self.counted(now);
        }
        let mut text = match self.last_change {
            Some(change) => {
                format!("no change for {}", clock::short(clock::between(whole_second(change), self.view.now)))
            }
            None => "waiting for a first answer".to_owned(),
        };
        let other = self.view.status().filter(|status| **status != DeploymentStatus::InProgress);
        if let Some(status) = other {
            text.push_str(&format!("; {status}"));
        }
        if let Some(wait) = waits {
            text.push_str(&format!("; waits {wait}"));
        }
        if let Some(zone) = stage::between_zones(&self.view) {
            text.push_str(&format!("; waits {zone}"));
        }
        if let Some(phase) = stage::under_way(&self.view) {
            text.push_str(&format!("; {phase}"));
        }
        let phases = self.view.phases();
        let seen: usize = phases.iter().map(|(_, count)| count).sum();
        if let Some(now) = self.view.counts().filter(|now| now.run > 0 || seen > 0) {
            let of = if now.run > seen as u64 { format!(" (of {seen} seen)") } else { String::new() };
            let phases: Vec<_> =
                phases.iter().take(4).map(|(name, count)| format!("{name} {count}")).collect();
            text.push_str(&format!("; {} running", now.run.max(seen as u64)));
            if !phases.is_empty() {
                text.push_str(&format!(": {}{of}", phases.join(", ")));
            }
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
            Event::Notice { message, .. } => {
                self.end();
                self.line("notice", first_line(message, 300));
            }
            Event::Rollback { rollback, message } => {
                self.end();
                let why = message.as_deref().map(|message| format!(": {}", first_line(message, 200)));
                self.line("rollback", format!("{rollback}{}", why.unwrap_or_default()));
            }
            Event::Result(_) => {
                self.end();
                self.left();
                // Nothing is silent any more.
                self.last = None;
            }
            Event::StreamStart { .. } | Event::Seen { .. } | Event::Heartbeat(_) => {}
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

/// A state as a line begins with it; one that nobody knows stays as it is.
fn word(status: &DeploymentStatus) -> String {
    match status {
        DeploymentStatus::Other(other) => other.clone(),
        known => known.as_str().to_lowercase(),
    }
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// `HalfAtATime` for one of CodeDeploy's own configurations.
fn short_config(name: &str) -> String {
    name.strip_prefix("CodeDeployDefault.").unwrap_or(name).to_owned()
}
