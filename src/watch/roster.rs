//! What is known of a deployment's targets, and which call tells most next. Pure: the poller makes the calls.
//!
//! Failures come first, then targets that finished and were not described yet (each is described once after it
//! finished), then those in progress in turn, so that a large fleet is seen as a rotating sample.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::budget::Purpose;
use super::source::BATCH;
use crate::model::{EventName, Overview, Target, TargetStatus};

/// With so many unfinished targets or fewer all of them are described each time; no list call is worth its price.
const FEW: usize = 2 * BATCH;

/// A fleet of more than this is watched by its counts: targets are described when they have finished, and of those at
/// work no more than a tenth of the calls tell.
const LARGE: usize = 1000;

/// Targets kept at most; the service deploys to 2,000 hosts at once, and a token loop must not fill the memory.
const MOST: usize = 100_000;

/// The next call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    List(Filter, Option<String>),
    Describe(Vec<String>),
}

/// Which targets a listing asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    All,
    Failed,
    Done,
    Running,
}

impl Filter {
    pub fn statuses(self) -> &'static [TargetStatus] {
        match self {
            Filter::All => &[],
            Filter::Failed => &[TargetStatus::Failed],
            Filter::Done => &[TargetStatus::Succeeded, TargetStatus::Skipped],
            Filter::Running => &[TargetStatus::Pending, TargetStatus::InProgress, TargetStatus::Ready],
        }
    }
}

#[derive(Debug, Default)]
struct Entry {
    status: Option<TargetStatus>,
    event: Option<EventName>,
    /// Nothing more is to be learnt of it.
    closed: bool,
    /// The round in which it was described last.
    round: u64,
}

/// The targets of one deployment.
#[derive(Debug, Default)]
pub struct Roster {
    entries: BTreeMap<String, Entry>,
    /// Listed as failed, or as finished, and not described since.
    failures: BTreeSet<String>,
    finishers: BTreeSet<String>,
    /// The unfinished in the order in which they are described next.
    turns: VecDeque<String>,
    overview: Option<Overview>,
    /// Listings that have pages to come, with the token of the next one.
    listings: Vec<(Filter, String)>,
    listed: bool,
    /// The round in which all targets were listed last.
    listed_in: u64,
    /// What the overview said when a listing of these began.
    failed_listed: u64,
    done_listed: u64,
    total_listed: u64,
    round: u64,
    ended: bool,
    /// Calls made to see targets at work, and all others.
    samples: u64,
    others: u64,
}

impl Roster {
    /// A new tick: the overview is `overview`, and each unfinished target may be described once more.
    pub fn tick(&mut self, overview: Option<Overview>, ended: bool) {
        self.overview = overview;
        self.ended = ended;
        self.round += 1;
        self.others += 1;
    }

    /// The call that tells most, none when all is told.
    pub fn next(&self) -> Option<(Purpose, Want)> {
        if !self.failures.is_empty() {
            return Some((
                Purpose::Failure,
                Want::Describe(self.failures.iter().take(BATCH).cloned().collect()),
            ));
        }
        if let Some((filter, token)) = self.listings.iter().find(|(filter, _)| *filter == Filter::Failed) {
            return Some((Purpose::Failure, Want::List(*filter, Some(token.clone()))));
        }
        let overview = self.overview.unwrap_or_default();
        if overview.failed > self.failed_listed.max(self.failed_known()) && !self.few() {
            return Some((Purpose::Failure, Want::List(Filter::Failed, None)));
        }
        let finishers: Vec<_> = self.finishers.iter().take(BATCH).cloned().collect();
        if !finishers.is_empty() {
            return Some((Purpose::Detail, Want::Describe(finishers)));
        }
        if let Some((filter, token)) = self.listings.last() {
            return Some((Purpose::Detail, Want::List(*filter, Some(token.clone()))));
        }
        if (!self.listed || self.entries.is_empty()) && self.listed_in < self.round {
            return Some((Purpose::Detail, Want::List(Filter::All, None)));
        }
        if overview.total() > self.total_listed.max(self.entries.len() as u64) {
            return Some((Purpose::Detail, Want::List(Filter::Running, None)));
        }
        let done = overview.succeeded + overview.skipped;
        // A listing of the done costs a page a hundred; it waits until as many batches come of it.
        let mut worth = BATCH as u64 * done.div_ceil(100).max(1);
        if self.entries.len() > LARGE {
            // Each listing names all of the done again: the next one waits until they are twice as many.
            worth = worth.max(self.done_listed);
        }
        if !self.few() && !self.ended && done >= self.done_listed.max(self.done_known()) + worth {
            return Some((Purpose::Detail, Want::List(Filter::Done, None)));
        }
        if !self.ended && self.entries.len() > LARGE && self.samples * 10 >= self.others {
            return None;
        }
        let sample = self.sample();
        (!sample.is_empty()).then_some((Purpose::Detail, Want::Describe(sample)))
    }

    /// The next unfinished targets in turn: those known to be at work before those known to wait.
    fn sample(&self) -> Vec<String> {
        let fresh = |id: &&String| {
            self.entries.get(*id).is_some_and(|entry| !entry.closed && entry.round < self.round)
        };
        let waits = |id: &&String| {
            self.entries.get(*id).is_some_and(|entry| entry.status == Some(TargetStatus::Pending))
        };
        let at_work = self.turns.iter().filter(fresh).filter(|id| !waits(id));
        let waiting = self.turns.iter().filter(fresh).filter(waits);
        at_work.chain(waiting).take(BATCH).cloned().collect()
    }

    /// The call `want` is about to be made.
    pub fn begin(&mut self, want: &Want) {
        let at_work =
            |ids: &[String]| ids.iter().any(|id| !self.finishers.contains(id) && !self.failures.contains(id));
        match want {
            Want::Describe(ids) if !self.ended && at_work(ids) => self.samples += 1,
            _ => self.others += 1,
        }
        let Want::List(filter, None) = want else { return };
        let overview = self.overview.unwrap_or_default();
        match filter {
            Filter::Failed => self.failed_listed = overview.failed,
            Filter::Done => self.done_listed = overview.succeeded + overview.skipped,
            Filter::All => (self.total_listed, self.listed_in) = (overview.total(), self.round),
            Filter::Running => self.total_listed = overview.total(),
        }
    }

    /// One page of ids came, with the token of the next.
    pub fn listed(&mut self, filter: Filter, ids: Vec<String>, next: Option<String>) {
        for id in ids {
            if self.entries.len() >= MOST && !self.entries.contains_key(&id) {
                continue;
            }
            let entry = self.entries.entry(id.clone()).or_insert_with(|| {
                self.turns.push_back(id.clone());
                Entry::default()
            });
            if entry.closed {
                continue;
            }
            match filter {
                Filter::Failed => drop(self.failures.insert(id)),
                Filter::Done => drop(self.finishers.insert(id)),
                Filter::All | Filter::Running => {}
            }
        }
        self.listed |= filter == Filter::All && next.is_none();
        self.listings.retain(|(listing, _)| *listing != filter);
        self.listings.extend(next.map(|token| (filter, token)));
    }

    /// Descriptions of `asked` came; what was asked for and is not among them is not asked for again this round.
    /// Says whether a target has moved since it was described last.
    pub fn described(&mut self, asked: &[String], targets: &[Target]) -> bool {
        let mut moved = false;
        for id in asked {
            self.failures.remove(id);
            self.finishers.remove(id);
            if let Some(entry) = self.entries.get_mut(id) {
                entry.round = self.round;
                entry.closed |= self.ended;
            }
        }
        for target in targets {
            if let Some(entry) = self.entries.get_mut(&target.id) {
                entry.closed |= target.status.is_finished();
                let (status, event) = (Some(target.status.clone()), target.current_event().cloned());
                moved |= (&entry.status, &entry.event) != (&status, &event);
                (entry.status, entry.event) = (status, event);
            }
        }
        let asked: BTreeSet<_> = asked.iter().collect();
        let (mut later, mut turns): (VecDeque<_>, VecDeque<_>) =
            self.turns.drain(..).partition(|id| asked.contains(id));
        later.retain(|id| self.entries.get(id).is_some_and(|entry| !entry.closed));
        turns.append(&mut later);
        self.turns = turns;
        moved
    }

    /// The call told nothing: it is not made again in this round.
    pub fn untold(&mut self, want: &Want) {
        match want {
            Want::List(filter, _) => self.listings.retain(|(listing, _)| listing != filter),
            Want::Describe(ids) => drop(self.described(ids, &[])),
        }
    }

    /// The call was refused for good: what it asked for is given up.
    pub fn refused(&mut self, want: &Want) {
        if let Want::Describe(ids) = want {
            for id in ids {
                if let Some(entry) = self.entries.get_mut(id) {
                    entry.closed = true;
                }
            }
        }
        self.untold(want);
    }

    fn few(&self) -> bool {
        self.listed && self.turns.len() <= FEW
    }

    fn failed_known(&self) -> u64 {
        self.known(|status| *status == TargetStatus::Failed)
    }

    fn done_known(&self) -> u64 {
        self.known(|status| matches!(status, TargetStatus::Succeeded | TargetStatus::Skipped))
    }

    fn known(&self, is: impl Fn(&TargetStatus) -> bool) -> u64 {
        self.entries.values().filter(|entry| entry.status.as_ref().is_some_and(&is)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Serving, TargetKind};

    fn overview(pending: u64, in_progress: u64, succeeded: u64, failed: u64) -> Option<Overview> {
        Some(Overview { pending, in_progress, succeeded, failed, ..Overview::default() })
    }

    fn ids(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|n| format!("i-{n:04}")).collect()
    }

    fn targets(ids: &[String], status: &TargetStatus) -> Vec<Target> {
        let target = |id: &String| Target {
            id: id.clone(),
            kind: TargetKind::Instance,
            status: status.clone(),
            label: None,
            last_updated: None,
            events: Vec::new(),
            serving: Serving::Unsaid,
        };
        ids.iter().map(target).collect()
    }

    /// A roster that has listed `count` targets.
    fn listed(count: u32, counts: Option<Overview>) -> Roster {
        let mut roster = Roster::default();
        roster.tick(counts, false);
        let (_, want) = roster.next().unwrap();
        assert_eq!(want, Want::List(Filter::All, None));
        roster.begin(&want);
        roster.listed(Filter::All, ids(0..count), None);
        roster
    }

    /// Describes all that the roster wants in this tick, as `status`.
    fn describe_all(roster: &mut Roster, status: &TargetStatus) -> Vec<usize> {
        let mut batches = Vec::new();
        while let Some((_, Want::Describe(ids))) = roster.next() {
            batches.push(ids.len());
            roster.described(&ids, &targets(&ids, status));
        }
        batches
    }

    #[test]
    fn few_targets_are_listed_once_and_described_each_tick_until_they_finish() {
        let mut roster = listed(40, overview(0, 40, 0, 0));
        assert_eq!(describe_all(&mut roster, &TargetStatus::InProgress), [25, 15]);
        roster.tick(overview(0, 0, 40, 0), false);
        assert_eq!(describe_all(&mut roster, &TargetStatus::Succeeded), [25, 15]);
        roster.tick(overview(0, 0, 40, 0), true);
        assert_eq!(roster.next(), None);
    }

    #[test]
    fn failures_go_before_all_else() {
        let mut roster = listed(300, overview(0, 300, 0, 0));
        roster.tick(overview(0, 299, 0, 1), false);
        let failed = Want::List(Filter::Failed, None);
        assert_eq!(roster.next(), Some((Purpose::Failure, failed.clone())));
        roster.begin(&failed);
        roster.listed(Filter::Failed, ids(299..300), None);
        let described = Want::Describe(ids(299..300));
        assert_eq!(roster.next(), Some((Purpose::Failure, described)));
        roster.described(&ids(299..300), &targets(&ids(299..300), &TargetStatus::Failed));
        assert!(matches!(roster.next(), Some((Purpose::Detail, Want::Describe(_)))), "the sample again");
    }

    #[test]
    fn those_in_progress_take_turns() {
        let mut roster = listed(100, overview(0, 100, 0, 0));
        let mut seen = BTreeSet::new();
        for _ in 0..4 {
            roster.tick(overview(0, 100, 0, 0), false);
            let Some((Purpose::Detail, Want::Describe(ids))) = roster.next() else { panic!() };
            roster.described(&ids, &targets(&ids, &TargetStatus::InProgress));
            seen.extend(ids);
        }
        assert_eq!(seen.len(), 100);
    }

    #[test]
    fn targets_that_show_up_late_are_listed_with_the_filter() {
        let mut roster = listed(10, overview(0, 10, 0, 0));
        roster.tick(overview(2, 10, 0, 0), false);
        let late = Want::List(Filter::Running, None);
        assert_eq!(roster.next(), Some((Purpose::Detail, late.clone())));
        roster.begin(&late);
        roster.listed(Filter::Running, ids(0..12), None);
        assert_eq!(describe_all(&mut roster, &TargetStatus::InProgress), [12]);
    }

    #[test]
    fn what_is_refused_is_not_asked_again_and_what_is_missing_not_in_this_tick() {
        let mut roster = listed(10, overview(0, 10, 0, 0));
        let Some((_, want)) = roster.next() else { panic!() };
        roster.untold(&want);
        assert_eq!(roster.next(), None);
        roster.tick(overview(0, 10, 0, 0), false);
        roster.refused(&want);
        assert_eq!(roster.next(), None);
        roster.tick(overview(0, 10, 0, 0), false);
        assert_eq!(roster.next(), None);
    }

    #[test]
    fn a_fleet_of_none_is_asked_for_once_a_tick() {
        let mut roster = listed(0, overview(0, 0, 0, 0));
        assert_eq!(roster.next(), None);
        roster.tick(None, false);
        assert!(matches!(roster.next(), Some((_, Want::List(Filter::All, None)))));
    }
}
