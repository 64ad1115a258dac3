//! What is known of a deployment's targets, and which call tells most next. Pure: the poller makes the calls.
//!
//! Failures come first, then by turns targets that finished and were not described yet (each is described once after it
//! finished) and those in progress: what stands at the top of a screen, and the others in turn, so that a large fleet is
//! seen as a rotating sample.

mod finding;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use super::budget::Purpose;
use super::source::BATCH;
use crate::model::{EventName, EventStatus, Overview, Target, TargetStatus};
use finding::Spent;

/// With so many unfinished targets or fewer all of them are described each time; no list call is worth its price.
const FEW: usize = 2 * BATCH;

/// A fleet of more than this is watched by its counts: targets are described when they have finished, and of those at
/// work no more than a tenth of the calls tell.
const LARGE: usize = 1000;

/// Of a sample, what stands at the top of a screen; the rest goes by turns.
const SHOWN: usize = BATCH / 2;

/// Hosts that a summary names of each kind.
pub const NAMED: usize = 20;

/// Targets kept at most; the service deploys to 2,000 hosts at once, and a token loop must not fill the memory.
const MOST: usize = 100_000;

/// The next call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    List(Filter, Option<String>),
    Describe(Vec<String>),
}

/// Which targets a listing asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    All,
    Failed,
    Done,
    Running,
    /// Of the unfinished those alone that do not wait.
    AtWork,
    /// These two for the names in a summary.
    Succeeded,
    Skipped,
}

impl Filter {
    pub fn statuses(self) -> &'static [TargetStatus] {
        match self {
            Filter::All => &[],
            Filter::Failed => &[TargetStatus::Failed],
            Filter::Done => &[TargetStatus::Succeeded, TargetStatus::Skipped],
            Filter::Running => &[TargetStatus::Pending, TargetStatus::InProgress, TargetStatus::Ready],
            Filter::AtWork => &[TargetStatus::InProgress],
            Filter::Succeeded => &[TargetStatus::Succeeded],
            Filter::Skipped => &[TargetStatus::Skipped],
        }
    }
}

/// What is wanted of the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The deployment goes on.
    #[default]
    Running,
    /// It has ended: what a summary says of them.
    Summary,
    /// It has ended: each of them.
    Each,
}

#[derive(Debug, Default)]
struct Entry {
    status: Option<TargetStatus>,
    event: Option<EventName>,
    /// When its event began or, where it waits for the next one, ended.
    since: Option<Timestamp>,
    /// Nothing more is to be learnt of it.
    closed: bool,
    /// The round in which it was described last.
    round: u64,
    /// The listing of the unfinished in which it stood last.
    unfinished_in: u64,
}

impl Entry {
    fn is_at_work(&self) -> bool {
        let waits = |status: &TargetStatus| matches!(status, TargetStatus::Pending | TargetStatus::Ready);
        !self.closed && self.status.as_ref().is_some_and(|status| !status.is_finished() && !waits(status))
    }
}

/// The targets of one deployment.
#[derive(Debug, Default)]
pub struct Roster {
    entries: BTreeMap<String, Entry>,
    /// Listed as failed, or as finished, and not described since.
    failures: BTreeSet<String>,
    finishers: BTreeSet<String>,
    /// Listed as at work where few are, and not described since.
    found: BTreeSet<String>,
    /// Listed at the end, to be named in the summary; and the listings that were made for that.
    named: Vec<String>,
    asked: BTreeSet<Filter>,
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
    at_work_listed: Option<Overview>,
    /// Since those at work were looked at the finished had a call.
    owes_a_look: bool,
    /// Listings of the unfinished.
    unfinished_listings: u64,
    /// How many are known to have ended how.
    succeeded: u64,
    failed: u64,
    skipped: u64,
    round: u64,
    stage: Stage,
    spent: Spent,
}

impl Roster {
    /// A new tick: the overview is `overview`, and each unfinished target may be described once more.
    pub fn tick(&mut self, overview: Option<Overview>, stage: Stage) {
        self.overview = overview;
        self.stage = stage;
        self.round += 1;
        self.spent.tick();
    }

    /// The call that tells most, none when all is told.
    pub fn next(&self) -> Option<(Purpose, Want)> {
        if let Some(want) = self.next_failure() {
            return Some((Purpose::Failure, want));
        }
        let running = self.stage == Stage::Running;
        let want = match self.stage {
            Stage::Summary if !self.is_small() => self.next_name(),
            _ => {
                let large = running && self.is_large();
                let first =
                    if large || (running && self.is_their_turn()) { self.next_at_work() } else { None };
                let last = || match running {
                    true if large => None,
                    true => self.next_at_work(),
                    false => self.sample(),
                };
                first.or_else(|| self.next_finisher()).or_else(|| self.next_page()).or_else(last)
            }
        };
        want.map(|want| (Purpose::Detail, want))
    }

    /// All are listed, the finished had the last call, and those at work none in this tick: they come next.
    fn is_their_turn(&self) -> bool {
        self.listed && self.owes_a_look && !self.spent.has_sampled(self.round)
    }

    /// Those that few others are at work beside, once they are found, and beside them those that were at work before; else
    /// a sample.
    fn next_at_work(&self) -> Option<Want> {
        if !self.found.is_empty() {
            let before = self.shown().into_iter().filter(|id| !self.found.contains(id));
            return Some(Want::Describe(self.found.iter().cloned().chain(before).take(BATCH).collect()));
        }
        self.stragglers().map(|filter| Want::List(filter, None)).or_else(|| self.sample())
    }

    fn next_failure(&self) -> Option<Want> {
        if !self.failures.is_empty() {
            return Some(Want::Describe(self.failures.iter().take(BATCH).cloned().collect()));
        }
        if let Some((filter, token)) = self.listings.iter().find(|(filter, _)| *filter == Filter::Failed) {
            return Some(Want::List(*filter, Some(token.clone())));
        }
        let failed = self.overview.unwrap_or_default().failed;
        let news = failed > self.failed_listed.max(self.failed) && !self.few();
        news.then_some(Want::List(Filter::Failed, None))
    }

    fn next_finisher(&self) -> Option<Want> {
        let finishers: Vec<_> = self.finishers.iter().take(BATCH).cloned().collect();
        (!finishers.is_empty()).then_some(Want::Describe(finishers))
    }

    /// The next page of a listing.
    fn next_page(&self) -> Option<Want> {
        if let Some((filter, token)) = self.listings.last() {
            return Some(Want::List(*filter, Some(token.clone())));
        }
        if (!self.listed || self.entries.is_empty()) && self.listed_in < self.round {
            return Some(Want::List(Filter::All, None));
        }
        if self.overview.unwrap_or_default().total() > self.total_listed.max(self.entries.len() as u64) {
            return Some(Want::List(Filter::Running, None));
        }
        self.finding().map(|filter| Want::List(filter, None))
    }

    /// Some of those that went well and some that were left alone, where not all came to the same.
    fn next_name(&self) -> Option<Want> {
        if !self.named.is_empty() {
            return Some(Want::Describe(self.named.clone()));
        }
        let overview = self.overview?;
        let kinds = [
            (Filter::Succeeded, overview.succeeded, self.succeeded),
            (Filter::Skipped, overview.skipped, self.skipped),
        ];
        let lacks = |(filter, count, known): &(Filter, u64, u64)| {
            *known < (*count).min(NAMED as u64) && *count < overview.total() && !self.asked.contains(filter)
        };
        kinds.iter().find(|kind| lacks(kind)).map(|(filter, ..)| Want::List(*filter, None))
    }

    /// Unfinished targets: first those that stand at the top of a screen, then the others in turn, of which those known to
    /// be at work come before those known to wait. Of a large fleet once a tick.
    fn sample(&self) -> Option<Want> {
        let again = self.spent.has_sampled(self.round);
        if self.stage == Stage::Running && self.is_large() && (again || !self.spent.may_sample()) {
            return None;
        }
        let fresh = |id: &&String| {
            self.entries.get(*id).is_some_and(|entry| !entry.closed && entry.round < self.round)
        };
        let waits = |id: &&String| {
            self.entries.get(*id).is_some_and(|entry| entry.status == Some(TargetStatus::Pending))
        };
        let mut sample = if again { Vec::new() } else { self.shown() };
        let shown: BTreeSet<String> = sample.iter().cloned().collect();
        let others = || self.turns.iter().filter(fresh).filter(|id| !shown.contains(*id));
        let finished = |id: &&String| self.finishers.contains(*id);
        let rest = others().filter(|id| !waits(id) && !finished(id));
        let rest =
            rest.chain(others().filter(finished)).chain(others().filter(|id| waits(id) && !finished(id)));
        let rest = rest.take(BATCH - sample.len());
        sample.extend(rest.cloned());
        (!sample.is_empty()).then_some(Want::Describe(sample))
    }

    /// Those that have been at work in their event for longest.
    fn shown(&self) -> Vec<String> {
        let at_work = |(id, entry): &(&String, &Entry)| {
            entry.is_at_work() && entry.round < self.round && !self.finishers.contains(*id)
        };
        let mut shown: Vec<_> = self
            .entries
            .iter()
            .filter(at_work)
            .filter_map(|(id, entry)| entry.since.map(|since| (since, id)))
            .collect();
        if shown.len() > SHOWN {
            shown.select_nth_unstable(SHOWN);
            shown.truncate(SHOWN);
        }
        shown.sort_unstable();
        shown.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// The call `want` is about to be made.
    pub fn begin(&mut self, want: &Want) {
        let at_work =
            |ids: &[String]| ids.iter().any(|id| !self.finishers.contains(id) && !self.failures.contains(id));
        self.owes_a_look = match want {
            Want::Describe(ids) => !at_work(ids),
            Want::List(Filter::Done | Filter::Running, _) => true,
            Want::List(..) => self.owes_a_look,
        };
        match want {
            Want::Describe(ids) if ids.iter().any(|id| self.found.contains(id)) => {
                self.spent.found(self.round)
            }
            Want::Describe(ids) if self.stage == Stage::Running && at_work(ids) => {
                self.spent.sample(self.round);
            }
            Want::Describe(_) => self.spent.other(),
            Want::List(filter, _) => self.spent.page(*filter),
        }
        let Want::List(filter, None) = want else { return };
        let overview = self.overview.unwrap_or_default();
        match filter {
            Filter::Failed => self.failed_listed = overview.failed,
            Filter::Done => self.done_listed = overview.succeeded + overview.skipped,
            Filter::All => (self.total_listed, self.listed_in) = (overview.total(), self.round),
            Filter::Running => {
                self.total_listed = overview.total();
                self.done_listed = overview.succeeded + overview.skipped;
                self.unfinished_listings += 1;
            }
            Filter::AtWork => self.at_work_listed = self.overview,
            Filter::Succeeded | Filter::Skipped => drop(self.asked.insert(*filter)),
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
                Filter::Running => entry.unfinished_in = self.unfinished_listings,
                Filter::AtWork => drop(self.found.insert(id)),
                Filter::Succeeded | Filter::Skipped if self.named.len() < BATCH => self.named.push(id),
                Filter::All | Filter::Succeeded | Filter::Skipped => {}
            }
        }
        self.listed |= filter == Filter::All && next.is_none();
        self.listings.retain(|(listing, _)| *listing != filter);
        match filter {
            // The first page has names enough.
            Filter::Succeeded | Filter::Skipped => {}
            Filter::Running if next.is_none() => self.the_others_have_finished(),
            _ => self.listings.extend(next.map(|token| (filter, token))),
        }
    }

    /// All of the unfinished have been listed.
    fn the_others_have_finished(&mut self) {
        let finished = |entry: &Entry| !entry.closed && entry.unfinished_in != self.unfinished_listings;
        let others = self.entries.iter().filter(|(_, entry)| finished(entry));
        self.finishers.extend(others.map(|(id, _)| id.clone()));
    }

    /// Descriptions of `asked` came; what was asked for and is not among them is not asked for again this round.
    /// Says whether a target has moved since it was described last.
    pub fn described(&mut self, asked: &[String], targets: &[Target]) -> bool {
        let mut moved = false;
        for id in asked {
            self.failures.remove(id);
            self.finishers.remove(id);
            self.found.remove(id);
            if let Some(entry) = self.entries.get_mut(id) {
                entry.round = self.round;
                entry.closed |= self.stage != Stage::Running;
            }
        }
        self.named.retain(|id| !asked.contains(id));
        for target in targets {
            if let Some(entry) = self.entries.get_mut(&target.id) {
                if !entry.status.as_ref().is_some_and(TargetStatus::is_finished) {
                    let count = match target.status {
                        TargetStatus::Succeeded => Some(&mut self.succeeded),
                        TargetStatus::Failed => Some(&mut self.failed),
                        TargetStatus::Skipped => Some(&mut self.skipped),
                        _ => None,
                    };
                    if let Some(count) = count {
                        *count += 1;
                        self.spent.closed();
                    }
                }
                entry.closed |= target.status.is_finished();
                let (status, event) = (Some(target.status.clone()), target.current_event().cloned());
                moved |= (&entry.status, &entry.event) != (&status, &event);
                (entry.status, entry.event, entry.since) = (status, event, since(target));
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

    /// All of it is read in a call or two.
    fn is_small(&self) -> bool {
        self.few() || self.overview.unwrap_or_default().total() <= FEW as u64
    }

    fn is_large(&self) -> bool {
        let told = self.overview.unwrap_or_default().total();
        told.max(self.entries.len() as u64) > LARGE as u64
    }
}

/// Since when a target is where it is.
fn since(target: &Target) -> Option<Timestamp> {
    let name = target.current_event()?;
    let event = target.events.iter().find(|event| event.name == *name)?;
    match event.status {
        EventStatus::Succeeded => event.end_time,
        _ => event.start_time,
    }
}

#[cfg(test)]
mod tests;
