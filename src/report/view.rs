//! What the events so far say of the deployment on the screen: the fold that live and log share. Pure.

mod times;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::Pulse;
use super::words;
use crate::clock;
use crate::model::{Creator, DeploymentStatus, EventName, EventStatus, Serving, TargetStatus};
use crate::ui;
use crate::watch::causes::Causes;
use crate::watch::event::{
    ApiEvent, ApiState, Counts, DeploymentEvent, Event, Failure, NoticeCode, Phase, Stamped, TargetEvent,
};
use crate::watch::source::BATCH;

/// A target as it is shown.
#[derive(Clone, Debug)]
pub struct Row {
    pub status: TargetStatus,
    /// `Blue` or `Green` in a blue/green deployment.
    pub label: Option<String>,
    /// When its first lifecycle event began.
    pub began: Option<Timestamp>,
    pub event: Option<EventName>,
    /// When its lifecycle event began, by the service, and when it ended well: the target waits for its next one.
    pub since: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What went wrong, on one line; the log tail is the summary's.
    pub failure: Option<String>,
    /// When that was, by the service.
    pub time: Option<Timestamp>,
    /// When it was looked at last.
    pub seen: Timestamp,
    /// All its events, and the traffic that it serves; not of hosts.
    pub phases: Vec<Phase>,
    pub serving: Serving,
}

/// Times kept of one lifecycle event, and of whole targets; enough for a median.
const TIMES: usize = 500;
/// A target that was looked at longer ago may have gone on since.
const FRESH: Duration = Duration::from_secs(30);
/// How much longer ago than the last look that may be for a count of those at work: a look or two.
const RECENT: Duration = Duration::from_secs(20);
/// Of more unfinished targets than these not all are looked at each time.
const EACH: u64 = 2 * BATCH as u64;
/// How long the targets of a state that has just begun may take to be read.
const READS: Duration = Duration::from_secs(30);
/// The last happenings that are kept, and the failures with their whole text.
const HAPPENINGS: usize = 4;
const FAILURES: usize = 200;

/// What just became of a target.
#[derive(Clone, Debug)]
pub struct Happening {
    pub time: Timestamp,
    pub failed: bool,
    pub text: String,
}

/// Since when something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub at: Timestamp,
    /// A target that has not been read may make it later.
    pub partly: bool,
}

/// The deployment on the screen. A rollback that is followed takes the place of what it rolls back.
#[derive(Debug, Default)]
pub struct View {
    pub id: String,
    /// Where several regions are watched.
    pub region: Option<String>,
    pub deployment: Option<DeploymentEvent>,
    pub targets: BTreeMap<String, Row>,
    pub causes: Causes,
    /// The newest last.
    pub happenings: VecDeque<Happening>,
    /// The first failures, whole.
    failures: HashMap<String, Failure>,
    pub api: Option<ApiEvent>,
    pub answer_age: Option<Duration>,
    pub now: Timestamp,
    /// How long targets took, and how long each of their events.
    taken: Vec<Duration>,
    events: BTreeMap<EventName, Vec<Duration>>,
    /// When the status last changed, and when anything did.
    status_since: Option<Timestamp>,
    moved: Option<Timestamp>,
    /// When the deployment last told something new, its counts among it, and when a target was last looked at.
    told: Option<Timestamp>,
    looked: Option<Timestamp>,
    /// When the wait before the end of the original fleet was seen to begin.
    kept_since: Option<Timestamp>,
    /// Its targets cannot be read.
    pub unreadable: bool,
    /// It deploys to one function, service or stack, and to one of two fleets: known without a look at each target.
    single: bool,
    labelled: bool,
    /// Keys are about it, of several deployments.
    pub chosen: bool,
    /// From when to when the replacement fleet was ready, once it has been.
    pub waited: Option<(Timestamp, Timestamp)>,
    /// The deployment on whose screen this one is, because it rolls that back.
    rolls_back: Option<String>,
    rollback: Option<String>,
}

impl View {
    /// Takes an event in.
    pub fn event(&mut self, stamped: &Stamped) {
        self.now = stamped.ts;
        if self.id.is_empty() || self.gives_way_to(stamped) {
            let rolls_back = (self.rollback.as_ref() == Some(&stamped.deployment)).then(|| self.id.clone());
            *self = View {
                id: stamped.deployment.clone(),
                region: stamped.region.clone(),
                now: self.now,
                chosen: self.chosen,
                rolls_back,
                ..View::default()
            };
        }
        match &stamped.event {
            Event::Deployment(event) => {
                let before = self.deployment.as_ref().map(|before| before.waits.termination_started);
                if before == Some(false) && event.waits.termination_started {
                    self.kept_since = Some(stamped.ts);
                }
                if self.status() == Some(&DeploymentStatus::Ready) && event.status != DeploymentStatus::Ready
                {
                    self.waited = self.ready_since().map(|since| (since.at, stamped.ts));
                }
                if self.status() != Some(&event.status) {
                    // What was Ready before it was looked at is so since its targets are.
                    let first = self.deployment.is_none();
                    self.status_since = (!first).then_some(stamped.ts);
                }
                self.moved = Some(stamped.ts);
                self.told = Some(stamped.ts);
                self.deployment = Some(event.as_ref().clone());
            }
            Event::Target(event) => {
                self.moved = Some(stamped.ts);
                self.looked = Some(stamped.ts);
                self.learn(event);
                self.notice(event);
                self.single |= !event.own_phases().is_empty();
                self.labelled |= event.label.is_some();
                self.targets.insert(event.id.clone(), row(event, stamped.ts));
            }
            Event::Seen { targets } => {
                self.looked = Some(stamped.ts);
                for id in targets {
                    if let Some(row) = self.targets.get_mut(id) {
                        row.seen = stamped.ts;
                    }
                }
            }
            Event::Api(event) => self.api = (event.state != ApiState::Ok).then(|| event.clone()),
            Event::Rollback { rollback, .. } => self.rollback = Some(rollback.clone()),
            Event::Notice { code, .. } => self.unreadable |= *code == NoticeCode::Targets,
            Event::StreamStart { .. } | Event::Heartbeat(_) | Event::Result(_) => {}
        }
    }

    /// The event is about another deployment, which takes the screen; a result is the last word on all of them.
    pub fn gives_way_to(&self, stamped: &Stamped) -> bool {
        !self.id.is_empty() && self.id != stamped.deployment && !matches!(stamped.event, Event::Result(_))
    }

    /// The deployment is the one on the screen, what rolls it back, or what it rolls back.
    pub fn is_about(&self, deployment: &str) -> bool {
        self.id == deployment
            || self.rollback.as_deref() == Some(deployment)
            || self.rolls_back.as_deref() == Some(deployment)
    }

    /// The deployment that this one rolls back.
    pub fn rolls_back(&self) -> Option<&str> {
        let told = self.deployment.as_ref().and_then(|event| event.rolls_back.as_deref());
        self.rolls_back.as_deref().or(told)
    }

    pub fn tick(&mut self, pulse: &Pulse) {
        self.now = pulse.now;
        self.answer_age = pulse.answer_age;
    }

    /// The deployment as lines and headers name it.
    pub fn name(&self) -> String {
        let id = ui::line(&self.id);
        match self.region.as_deref().map(ui::line) {
            None => id,
            Some(region) if id.is_empty() => region,
            Some(region) => format!("{region} {id}"),
        }
    }

    /// The deployment as a command line names it.
    pub fn reference(&self) -> String {
        words::reference(&self.id, self.region.as_deref())
    }

    pub fn counts(&self) -> Option<Counts> {
        self.deployment.as_ref().and_then(|deployment| deployment.overview)
    }

    pub fn status(&self) -> Option<&DeploymentStatus> {
        self.deployment.as_ref().map(|deployment| &deployment.status)
    }

    /// It is the user's to stop, as far as it is known who made it.
    pub fn lets_stop(&self) -> bool {
        let creator = self.deployment.as_ref().and_then(|deployment| deployment.creator.as_ref());
        creator.is_none_or(Creator::lets_stop)
    }

    /// From the start, by the service's time.
    pub fn elapsed(&self) -> Option<Duration> {
        let deployment = self.deployment.as_ref()?;
        let start = deployment.start_time.or(deployment.create_time)?;
        Some(clock::between(start, deployment.complete_time.unwrap_or(self.now)))
    }

    /// How many targets are known to have failed.
    pub fn failures(&self) -> u64 {
        self.causes.targets()
    }

    /// What is known of a target's failure; its whole text for the first ones only.
    pub fn failure(&self, id: &str) -> Option<&Failure> {
        self.failures.get(id)
    }

    /// The targets that were at work when they were looked at. There are no more of them than the deployment counts now,
    /// which is exact: those that were looked at longest ago, before it counted, have gone on.
    pub fn at_work(&self) -> Vec<(&str, &Row)> {
        let at_work = |row: &Row| {
            !row.status.is_finished() && !matches!(row.status, TargetStatus::Pending | TargetStatus::Ready)
        };
        let mut rows: Vec<_> =
            self.targets.iter().filter(|(_, row)| at_work(row)).map(|(id, row)| (id.as_str(), row)).collect();
        let (Some(counts), Some(told)) = (self.counts(), self.told) else { return rows };
        // Of a state that nobody knows there is no count.
        let stays = |row: &Row| row.status != TargetStatus::InProgress || row.seen >= told;
        let staying = rows.iter().filter(|(_, row)| stays(row)).count();
        let most = usize::try_from(counts.run).unwrap_or(usize::MAX).max(staying);
        if rows.len() > most {
            let newest = |(_, row): &(&str, &Row)| (!stays(row), std::cmp::Reverse(row.seen));
            rows.select_nth_unstable_by_key(most, newest);
            rows.truncate(most);
        }
        rows
    }

    /// Not every target that goes on is looked at each time: what one was at is not what it is at now.
    fn is_sampled(&self) -> bool {
        self.counts().is_some_and(|counts| counts.run + counts.pend + counts.ready > EACH)
    }

    /// The row was looked at in one of the last looks, whenever these were.
    fn is_recent(&self, row: &Row) -> bool {
        self.looked.is_none_or(|last| clock::between(row.seen, last) <= RECENT)
    }

    /// Each target has been read.
    pub fn is_read(&self) -> bool {
        self.counts().is_some_and(|counts| self.targets.len() as u64 >= counts.total())
    }

    /// How long ago a target was looked at, where that is so long that it may be elsewhere by now.
    pub fn stale(&self, row: &Row) -> Option<Duration> {
        Some(clock::between(row.seen, self.now)).filter(|age| *age > FRESH)
    }

    /// The `most` targets that had been at work in their lifecycle event for longest when they were looked at.
    pub fn slowest(&self, most: usize) -> Vec<(&str, &Row)> {
        self.slowest_of(self.at_work(), most)
    }

    /// As [`View::slowest`], of those `at_work`.
    pub fn slowest_of<'a>(&self, at_work: Vec<(&'a str, &'a Row)>, most: usize) -> Vec<(&'a str, &'a Row)> {
        type Timed<'a> = (Option<Duration>, &'a str, &'a Row);
        let order = |(x, a, _): &Timed, (y, b, _): &Timed| y.cmp(x).then_with(|| a.cmp(b));
        let mut rows: Vec<Timed> =
            at_work.into_iter().map(|(id, row)| (self.time_in_event(row), id, row)).collect();
        if most < rows.len() {
            // A fleet of thousands is not sorted for the few rows that a screen has.
            rows.select_nth_unstable_by(most, order);
            rows.truncate(most);
        }
        rows.sort_by(order);
        rows.into_iter().map(|(_, id, row)| (id, row)).collect()
    }

    /// As [`View::funnel`], the fullest first.
    pub fn phases(&self) -> Vec<(String, usize)> {
        let mut phases = self.funnel(&self.at_work());
        phases.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        phases
    }

    /// How many of those `at_work` that were looked at lately are in which lifecycle event, in the order of a deployment.
    pub fn funnel(&self, at_work: &[(&str, &Row)]) -> Vec<(String, usize)> {
        let mut phases: Vec<(&Option<EventName>, usize)> = Vec::new();
        for (_, row) in at_work.iter().filter(|(_, row)| self.is_recent(row)) {
            match phases.iter_mut().find(|(event, _)| **event == row.event) {
                Some((_, count)) => *count += 1,
                None => phases.push((&row.event, 1)),
            }
        }
        let order =
            |name: &EventName| EventName::KNOWN.iter().position(|known| known == name).unwrap_or(usize::MAX);
        phases.sort_by_key(|(event, _)| event.as_ref().map(|name| (order(name), name.as_str())));
        let name =
            |event: &Option<EventName>| event.as_ref().map_or("(starting)", EventName::as_str).to_owned();
        phases.into_iter().map(|(event, count)| (name(event), count)).collect()
    }

    /// Keeps what became of a target that has just ended.
    fn notice(&mut self, event: &TargetEvent) {
        let before = self.targets.get(&event.id).map(|row| &row.status);
        if before == Some(&event.status) || !event.status.is_finished() {
            return;
        }
        let id = words::first_line(&event.id, 40);
        let text = match event.status {
            TargetStatus::Failed => {
                self.causes.add(&event.id, event.event.as_ref(), event.failure.as_ref(), event.time);
                if let Some(failure) = event.failure.as_ref().filter(|_| self.failures.len() < FAILURES) {
                    self.failures.insert(event.id.clone(), failure.clone());
                }
                let name =
                    event.event.as_ref().map(|name| format!("{} ", words::first_line(name.as_str(), 40)));
                format!("{id} {}failed", name.unwrap_or_default())
            }
            TargetStatus::Succeeded => match (event.began, event.time) {
                // One of two fleets has waited for the other too.
                (Some(began), Some(end)) if event.label.is_none() => {
                    format!("{id} done in {}", clock::short(clock::between(began, end)))
                }
                _ => format!("{id} done"),
            },
            _ => return,
        };
        let failed = event.status == TargetStatus::Failed;
        self.happenings.push_back(Happening { time: event.time.unwrap_or(self.now), failed, text });
        if self.happenings.len() > HAPPENINGS {
            self.happenings.pop_front();
        }
    }

    /// It deploys to one function, service or stack, whose phases are shown instead of a fleet.
    pub fn is_single(&self) -> bool {
        self.single
    }

    /// Since when the replacement is ready: since the last of its targets is.
    pub fn ready_since(&self) -> Option<Since> {
        if self.is_single() {
            // By the service, where it has been read since; the watch may have seen it later.
            let idle = |row: &Row| !row.phases.iter().any(|phase| phase.status == EventStatus::InProgress);
            let told = self.last_target_change().filter(|_| self.targets.values().all(idle));
            let at = match (told, self.status_since) {
                (Some(told), Some(seen)) => told.min(seen),
                (told, seen) => seen.or(told).or_else(|| self.last_target_change())?,
            };
            return Some(Since { at, partly: false });
        }
        let ready = || self.targets.values().filter(|row| row.status == TargetStatus::Ready);
        let last = ready().filter_map(|row| row.time).max();
        let all = self.counts().is_some_and(|counts| ready().count() as u64 >= counts.ready);
        self.since(last, all, self.status_since)
    }

    /// Since when the original fleet is only kept, once it is: since the last target has ended.
    pub fn kept_since(&self) -> Option<Since> {
        let read = self.counts().is_none() || self.is_read();
        let all = read && self.targets.values().all(|row| row.status.is_finished());
        self.since(self.last_target_change(), all, self.kept_since)
    }

    /// By the last change of a target, where `all` of them have been read; else as it was `seen` to begin, a little later,
    /// unless they are just being read.
    fn since(&self, last: Option<Timestamp>, all: bool, seen: Option<Timestamp>) -> Option<Since> {
        let fresh = |seen: Timestamp| !self.unreadable && clock::between(seen, self.now) < READS;
        match (last, seen) {
            (Some(at), _) if all => Some(Since { at, partly: false }),
            (at, Some(seen)) if fresh(seen) => at.map(|at| Since { at, partly: true }),
            (_, Some(at)) => Some(Since { at, partly: false }),
            (at, None) => at.map(|at| Since { at, partly: true }),
        }
    }

    /// The replacement fleet of a blue/green deployment, once its hosts are known: minimum healthy hosts are about them
    /// alone.
    ///
    /// Source: AWS user guide, "Minimum healthy instances".
    pub fn replacement(&self) -> Option<Counts> {
        if !self.labelled || !self.is_read() {
            return None;
        }
        let green = self.targets.values().filter(|row| row.label.as_deref() == Some("Green"));
        let counts: Counts = green.map(|row| &row.status).collect();
        (counts.total() > 0).then_some(counts)
    }

    /// The last change of a target, by the service.
    pub fn last_target_change(&self) -> Option<Timestamp> {
        self.targets.values().filter_map(|row| row.time).max()
    }
}

fn row(event: &TargetEvent, seen: Timestamp) -> Row {
    let failure = event.failure.as_ref().map(words::failure);
    Row {
        status: event.status.clone(),
        label: event.label.clone(),
        began: event.began,
        event: event.event.clone(),
        since: event.since,
        ended: event.time.filter(|_| event.event_status == Some(EventStatus::Succeeded)),
        failure,
        seen,
        time: event.time,
        phases: event.own_phases().to_vec(),
        serving: event.serving.clone(),
    }
}
