//! Sentences for a screen reader: one a change, words instead of marks, a summary in silence. Never moves the cursor.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::stage::{self, Known, Step, Steps};
use super::view::View;
use super::words::{first_line, line, place, plural, short_revision};
use super::{Closed, Pulse, Reporter};
use crate::clock;
use crate::model::{DeploymentStatus, TargetStatus};
use crate::ui::Stream;
use crate::watch::event::{ApiState, Counts, Event, Stamped, TargetEvent};

/// Silence before a summary is spoken.
const SILENCE: Duration = Duration::from_secs(60);
/// More silence than a stream can have, with its heartbeats.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);
/// Failures with a sentence of their own.
const FIRST_FAILURES: u64 = 20;

/// Writes sentences to stderr; one that is closed is no reason to end.
pub struct Linear {
    out: Stream,
    view: View,
    /// When something was said last; nothing is silent any more after the end.
    last: Option<Timestamp>,
    status: Option<DeploymentStatus>,
    counts: Counts,
    steps: Steps,
    /// Its wait has been told, and the commands for it.
    waited: bool,
    /// The minimum of healthy targets has been told.
    warned: bool,
    /// How many failures have been told, and how many of the service's messages.
    failures: u64,
    messages: usize,
    troubled: bool,
}

impl Linear {
    pub fn new(err: Stream) -> Self {
        Linear {
            out: err,
            view: View::default(),
            last: None,
            status: None,
            counts: Counts::default(),
            steps: Steps::default(),
            waited: false,
            warned: false,
            failures: 0,
            messages: 0,
            troubled: false,
        }
    }

    fn say(&mut self, sentence: impl Display) {
        self.last = Some(self.view.now);
        // Nobody may be listening; the watch and its exit code go on.
        let _ = writeln!(self.out, "{}", line(&sentence.to_string()));
        let _ = self.out.flush();
    }

    fn deployment(&mut self) {
        let Some(event) = self.view.deployment.clone() else { return };
        if self.status.as_ref() != Some(&event.status) {
            let first = self.status.is_none();
            self.status = Some(event.status.clone());
            self.waited = false;
            let mut sentence = format!("Deployment {} is {}", self.view.name(), event.status);
            let place = place(event.application.as_deref(), event.group.as_deref());
            if first && !place.is_empty() {
                sentence = format!("Deployment {} of {place} is {}", self.view.name(), event.status);
            }
            if let Some(revision) = event.revision.as_deref().filter(|_| first) {
                sentence.push_str(&format!(" with {}", short_revision(revision)));
            }
            self.say(sentence + ".");
        }
        for message in event.messages.iter().skip(std::mem::replace(&mut self.messages, event.messages.len()))
        {
            self.say(format!("The service says: {}", first_line(message, 300)));
        }
        self.settled();
        if let Some(step) = self.steps.plan(&self.view) {
            self.step(step);
        }
        if let Some(minimum) = event.minimum_healthy.filter(|_| !std::mem::replace(&mut self.warned, true)) {
            self.say(format!("At least {} must stay healthy.", plural(minimum, "target")));
        }
        let Some(now) = event.overview else { return };
        let step = now.total().div_ceil(10).max(1);
        let before = self.counts;
        if now.ok + now.skip >= before.ok + before.skip + step || now.ready >= before.ready + step {
            self.progress(now);
        }
    }

    /// A wait that has begun, once it is known until when it lasts.
    fn settled(&mut self) {
        if !self.waited && stage::known(&self.view) == Known::All {
            self.waits();
        }
    }

    /// What it waits for, and what can be typed.
    fn waits(&mut self) {
        let clauses = stage::waits_for(&self.view);
        if clauses.is_empty() {
            return;
        }
        self.say(format!("It waits {}.", clauses.join("; ")));
        if std::mem::replace(&mut self.waited, true) {
            return;
        }
        for (what, command) in stage::commands(&self.view) {
            self.say(format!("To {what}: {command}."));
        }
    }

    fn progress(&mut self, now: Counts) {
        self.counts = now;
        let rare = [(now.ready, "ready"), (now.skip, "skipped"), (now.fail, "failed")];
        let rare: String = rare
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!(", {count} {what}"))
            .collect();
        let total = plural(now.total(), "target");
        let forecast = self.view.forecast().map(|(least, most)| {
            format!(
                " The end is expected between {} and {}.",
                stage::time_of_day(least),
                stage::time_of_day(most)
            )
        });
        self.say(format!(
            "{} of {total} done, {} at work, {} waiting{rare}.{}",
            now.ok,
            now.run,
            now.pend,
            forecast.unwrap_or_default()
        ));
    }

    fn target(&mut self, event: &TargetEvent) {
        for step in self.steps.of(&self.view, event) {
            self.step(step);
        }
        self.settled();
        if event.status != TargetStatus::Failed {
            return;
        }
        let failed = self.view.failures();
        if failed > FIRST_FAILURES {
            let total = self.view.counts().map_or(0, |counts| counts.total());
            if failed >= self.failures + total.div_ceil(5).max(FIRST_FAILURES) {
                let more = plural(failed - self.failures, "more target");
                self.failures = failed;
                self.say(format!("{more} failed, {failed} in all."));
            }
            return;
        }
        self.failures = failed;
        let row = self.view.targets.get(&event.id);
        let why = row.and_then(|row| row.failure.as_deref()).map(|why| format!(": {}", first_line(why, 200)));
        let name = event.event.as_ref().map(|event| format!(" in {event}")).unwrap_or_default();
        self.say(format!("Target {} failed{name}{}.", event.id, why.unwrap_or_default()));
    }

    /// Speaks after every silence up to `to`. It hangs on the time of the events alone, so that a recorded stream gives
    /// the same sentences.
    fn advance(&mut self, to: Timestamp) {
        let second = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        while let Some(last) = self.last {
            let Ok(due) = second(last).checked_add(SILENCE) else { return };
            if due > to {
                return;
            }
            // Nothing is silent for so long: the clock was set.
            let due = if clock::between(due, to) > LONGEST_SILENCE { second(to) } else { due };
            self.view.now = due;
            self.last = Some(due);
            self.still();
        }
    }

    /// What is going on, after a silence.
    fn still(&mut self) {
        if !stage::waits_for(&self.view).is_empty() {
            return self.waits();
        }
        match (self.view.counts(), stage::under_way(&self.view), self.view.status().cloned()) {
            (Some(now), ..) => self.progress(now),
            (None, Some(phase), _) => self.say(format!("It is in {phase}.")),
            (None, None, Some(status)) => self.say(format!("It is still {status}.")),
            (None, None, None) => self.say("There is no answer yet."),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Version(text) => self.say(format!("It changes {text}.")),
            Step::Phase(text) => self.say(format!("{text}.")),
            Step::Traffic(text) => self.say(format!("Traffic is at {text}.")),
        }
    }
}

impl Reporter for Linear {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        self.advance(stamped.ts);
        let before = self.view.id.clone();
        self.view.event(stamped);
        if self.view.id != before {
            (self.status, self.counts, self.steps) = (None, Counts::default(), Steps::default());
            self.warned = false;
            (self.failures, self.messages) = (0, 0);
        }
        match &stamped.event {
            Event::Deployment(_) => self.deployment(),
            Event::Target(event) => self.target(event),
            Event::Api(event) if event.state == ApiState::Ok => {
                if std::mem::take(&mut self.troubled) {
                    self.say("The service answers again.");
                }
            }
            Event::Api(event) => {
                if !std::mem::replace(&mut self.troubled, true) {
                    self.say(format!("Trouble with the service: {}.", event.state.words()));
                }
            }
            Event::Notice { message, .. } => self.say(format!("Notice: {}.", first_line(message, 300))),
            Event::Rollback { rollback, .. } => self.say(format!("It is rolled back by {rollback}.")),
            Event::Result(_) => {
                // A watch that ends in a wait tells of it, where it has not.
                if !self.waited {
                    self.waits();
                }
                self.last = None;
                return Ok(());
            }
            Event::StreamStart { .. } | Event::Seen { .. } | Event::Heartbeat(_) => {}
        }
        self.last.get_or_insert(stamped.ts);
        Ok(())
    }

    fn tick(&mut self, pulse: &Pulse) {
        self.advance(pulse.now);
    }
}
