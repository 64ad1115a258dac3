//! Which of thousands of targets have finished, found out at a price that is known before: what is spent on it stays in
//! proportion to what any watch has to spend. Pure.

use super::{BATCH, FEW, Filter, Roster, Stage};
use crate::model::Overview;

/// Ids on a page, as far as anybody knows: the service documents no size.
const PAGE: u64 = 100;

/// Of a large fleet at most one call in so many is a look at targets at work, and one in so many a page that tells who has
/// finished.
const SAMPLES: u64 = 10;
const FINDING: u64 = 8;
/// The part of those pages that may go to finding the few that are at work.
const STRAGGLERS: u64 = 2;

/// Calls made.
#[derive(Debug, Default)]
pub struct Spent {
    ticks: u64,
    /// Pages of the listing of all targets.
    pages: u64,
    /// Descriptions of targets that have finished.
    closed: u64,
    /// Pages that told who has finished.
    finding: u64,
    /// Of these, what it took to find and describe the few that are at work.
    stragglers: u64,
    /// Looks at targets at work, and the round of the last one.
    samples: u64,
    sampled_in: u64,
    /// All but the looks at targets at work.
    others: u64,
}

impl Spent {
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.others += 1;
    }

    pub fn page(&mut self, filter: Filter) {
        self.others += 1;
        match filter {
            Filter::All => self.pages += 1,
            Filter::Done | Filter::Running => self.finding += 1,
            Filter::AtWork => {
                self.finding += 1;
                self.stragglers += 1;
            }
            Filter::Failed | Filter::Succeeded | Filter::Skipped => {}
        }
    }

    pub fn sample(&mut self, round: u64) {
        self.samples += 1;
        self.sampled_in = round;
    }

    /// Some of the few that are at work are described.
    pub fn found(&mut self, round: u64) {
        self.others += 1;
        self.finding += 1;
        self.stragglers += 1;
        self.sampled_in = round;
    }

    pub fn other(&mut self) {
        self.others += 1;
    }

    /// A target has been described after its end.
    pub fn closed(&mut self) {
        self.closed += 1;
    }

    pub fn has_sampled(&self, round: u64) -> bool {
        self.sampled_in == round
    }

    pub fn may_sample(&self) -> bool {
        self.samples * SAMPLES < self.others
    }

    /// What any watch would have had to spend by now.
    fn least(&self) -> u64 {
        self.ticks + self.pages + self.closed / BATCH as u64
    }

    /// So many pages that tell of so many targets are not too many.
    fn may_find(&self, pages: u64, targets: u64) -> bool {
        (self.finding + pages) * FINDING <= self.least() + targets / BATCH as u64
    }

    /// So many calls for the few that are at work are not too many.
    fn may_find_stragglers(&self, calls: u64) -> bool {
        self.may_find(calls, 0) && (self.stragglers + calls) * STRAGGLERS * FINDING <= self.least()
    }
}

impl Roster {
    /// The listing that tells which few of a fleet are at work, where that may have changed: among hundreds that wait or are
    /// not described yet a sample would meet them late.
    pub(super) fn stragglers(&self) -> Option<Filter> {
        let overview = self.overview?;
        let large = self.is_large();
        // Of a fleet that is not large one look tells all of them.
        let most = if large { FEW } else { BATCH };
        let few = (1..=most as u64).contains(&overview.in_progress) && !self.few();
        let calls = 1 + overview.in_progress.div_ceil(BATCH as u64);
        let wanted = self.listed && few && self.at_work_listed != self.overview;
        (wanted && (!large || self.spent.may_find_stragglers(calls))).then_some(Filter::AtWork)
    }

    /// The listing that tells who has finished, where so many have that it is worth its pages: of the finished themselves
    /// or, where those are fewer, of the others.
    pub(super) fn finding(&self) -> Option<Filter> {
        if self.few() || self.stage != Stage::Running {
            return None;
        }
        let Overview { pending, in_progress, ready, succeeded, skipped, .. } =
            self.overview.unwrap_or_default();
        let (done, open) = (succeeded + skipped, pending + in_progress + ready);
        let fresh = done.saturating_sub(self.done_listed.max(self.succeeded + self.skipped));
        let large = self.is_large();
        let listed = if large { done.min(open) } else { done };
        let pages = listed.div_ceil(PAGE).max(1);
        // Each listing names all of them again: it waits until as many batches come of it.
        if fresh < BATCH as u64 * pages || (large && !self.spent.may_find(pages, fresh)) {
            return None;
        }
        Some(if listed < done { Filter::Running } else { Filter::Done })
    }
}
