//! The budget of calls a minute: a ledger of the calls that a command has made, shared by all that poll under one budget.
//! Pure but for the moment at which a call is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// From so many calls a minute on, one of them is kept for what the user wants done meanwhile.
const ROOMY: usize = 10;

/// The calls of the last minute. Clones are one ledger.
///
/// A call counts from its beginning until a minute after its end: when in between the service has counted it is not known,
/// and a first call may take as long as its connection and its credentials.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    calls: Vec<Entry>,
}

impl Entries {
    /// Forgets what no minute that ends at `now` holds any more.
    fn prune(&mut self, now: Instant) {
        self.calls.retain(|call| call.over.is_none_or(|over| now.duration_since(over) < MINUTE));
    }
}

#[derive(Debug)]
struct Entry {
    number: u64,
    /// None of what the command asks or does beside its watches.
    purpose: Option<Purpose>,
    /// None while it is under way.
    over: Option<Instant>,
}

/// A call under way; it is over when this is dropped.
#[derive(Debug)]
#[must_use = "the call is over when it is dropped"]
pub struct Call {
    ledger: Ledger,
    number: u64,
}

impl Drop for Call {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut entries = self.ledger.entries();
        let own = entries.calls.iter_mut().rfind(|entry| entry.number == self.number);
        own.into_iter().for_each(|entry| entry.over = Some(now));
    }
}

impl Ledger {
    /// Enters a call of the command's own that is over now.
    pub fn made(&self) {
        drop(self.begin(None));
    }

    /// Enters a call that begins.
    fn begin(&self, purpose: Option<Purpose>) -> Call {
        let mut entries = self.entries();
        entries.prune(Instant::now());
        let number = entries.next;
        entries.next += 1;
        entries.calls.push(Entry { number, purpose, over: None });
        Call { ledger: self.clone(), number }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many calls in any minute. Clones share the ledger.
#[derive(Clone, Debug)]
pub struct Budget {
    stated: usize,
    /// How many polls share it.
    polls: usize,
    ledger: Ledger,
}

/// What a call is for. The ticks come first: what is not one leaves room for the ticks of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// GetDeployment.
    Tick,
    /// To find or describe what failed; the last to be given up.
    Failure,
    /// Any other detail.
    Detail,
}

impl Budget {
    /// `limit` calls a minute, at least one.
    pub fn per_minute(limit: u32) -> Self {
        Budget { stated: limit.max(1) as usize, polls: 1, ledger: Ledger::default() }
    }

    /// The same, reckoned with the calls that are in `ledger`.
    pub fn within(self, ledger: &Ledger) -> Self {
        Budget { ledger: ledger.clone(), ..self }
    }

    /// The same budget for `polls` polls at once.
    pub fn shared_by(&self, polls: usize) -> Self {
        Budget { polls: polls.max(1), ..self.clone() }
    }

    /// The shortest interval between ticks that leaves half of the budget for details.
    pub fn shortest_interval(&self) -> Duration {
        let polls = u32::try_from(self.polls).unwrap_or(u32::MAX);
        (MINUTE * 2).saturating_mul(polls) / u32::try_from(self.stated).unwrap_or(u32::MAX)
    }

    /// Calls a minute that are left for details beside `ticks` ticks.
    pub fn details(&self, ticks: usize) -> usize {
        self.limit() - ticks.saturating_mul(self.polls).min(self.limit() / 2)
    }

    /// As [`Budget::details`], for `purpose`: some are kept for failures.
    pub fn details_of(&self, purpose: Purpose, ticks: usize) -> usize {
        let details = self.details(ticks);
        if purpose == Purpose::Failure { details } else { details - details / 4 }
    }

    /// What polls may use of it.
    fn limit(&self) -> usize {
        if self.stated < ROOMY { self.stated } else { self.stated - 1 }
    }

    /// Enters a call that is made whether there is room or not: the user wants something done.
    pub fn act(&self) -> Call {
        self.ledger.begin(None)
    }

    /// Enters a call for `purpose` that begins at `now`, where the budget has room for it; otherwise says how long to
    /// wait. `ticks` is how many ticks a minute are to come.
    pub fn take(&self, purpose: Purpose, now: Instant, ticks: usize) -> Result<Call, Duration> {
        let mut entries = self.ledger.entries();
        entries.prune(now);
        let (cap, counted): (usize, fn(&Entry) -> bool) = match purpose {
            Purpose::Tick => (self.limit(), |_| true),
            _ => (self.details_of(purpose, ticks), is_detail),
        };
        for (cap, counted) in [(self.limit(), (|_| true) as fn(&Entry) -> bool), (cap, counted)] {
            let mut made: Vec<Instant> = entries
                .calls
                .iter()
                .filter(|call| counted(call))
                .map(|call| call.over.unwrap_or(now))
                .collect();
            if made.len() >= cap.max(1) {
                made.sort_unstable();
                let first = made.get(made.len() - cap.max(1));
                return Err(first.map_or(MINUTE, |at| (*at + MINUTE).saturating_duration_since(now)));
            }
        }
        drop(entries);
        Ok(self.ledger.begin(Some(purpose)))
    }
}

fn is_detail(call: &Entry) -> bool {
    matches!(call.purpose, Some(Purpose::Failure | Purpose::Detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most of some instants in any minute.
    fn busiest(made: &[Instant]) -> usize {
        let within =
            |at: &Instant| made.iter().filter(|other| **other >= *at && **other - *at < MINUTE).count();
        made.iter().map(within).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_holds_more_than_the_limit() {
        let budget = Budget::per_minute(30);
        let mut made = Vec::new();
        for _ in 0..3000u64 {
            for purpose in [Purpose::Detail, Purpose::Failure, Purpose::Tick] {
                if budget.take(purpose, Instant::now(), 12).is_ok() {
                    made.push(Instant::now());
                }
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert!(busiest(&made) <= 30, "{} calls in a minute", busiest(&made));
        assert!(made.len() >= 5 * 29, "the budget is used: {}", made.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_counts_until_a_minute_after_its_end() {
        let budget = Budget::per_minute(2);
        let slow = budget.take(Purpose::Tick, Instant::now(), 0).unwrap();
        tokio::time::advance(Duration::from_secs(40)).await;
        drop(slow);
        drop(budget.take(Purpose::Tick, Instant::now(), 0).unwrap());
        tokio::time::advance(Duration::from_secs(30)).await;
        let wait = budget.take(Purpose::Tick, Instant::now(), 0).map(drop);
        assert_eq!(wait, Err(Duration::from_secs(30)), "the service may have had it at second 40");
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(budget.take(Purpose::Tick, Instant::now(), 0).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_commands_own_calls_count_and_one_is_kept_for_what_the_user_wants() {
        let ledger = Ledger::default();
        (0..20).for_each(|_| ledger.made());
        let budget = Budget::per_minute(30).within(&ledger);
        let ticks = || (0..100).filter(|_| budget.take(Purpose::Tick, Instant::now(), 0).is_ok()).count();
        assert_eq!(ticks(), 9);
        drop(budget.act());
        tokio::time::advance(MINUTE).await;
        assert_eq!(ticks(), 29);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_beside_a_watch_are_kept_no_longer_than_a_minute() {
        let ledger = Ledger::default();
        for _ in 0..1000 {
            ledger.made();
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(ledger.entries().calls.len(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn details_leave_room_for_failures_and_both_for_ticks() {
        let budget = Budget::per_minute(30);
        let many = |purpose| (0..100).filter(|_| budget.take(purpose, Instant::now(), 12).is_ok()).count();
        assert_eq!(many(Purpose::Detail), 13);
        assert_eq!(many(Purpose::Failure), 4);
        assert_eq!(many(Purpose::Tick), 12);
        tokio::time::advance(Duration::from_secs(20)).await;
        let wait = budget.take(Purpose::Tick, Instant::now(), 12).map(drop);
        assert_eq!(wait, Err(Duration::from_secs(40)));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(budget.take(Purpose::Tick, Instant::now(), 12).is_ok());
    }

    #[test]
    fn a_budget_of_one_call_still_moves() {
        assert_eq!(Budget::per_minute(0).shortest_interval(), Duration::from_secs(120));
        assert_eq!(Budget::per_minute(30).shortest_interval(), Duration::from_secs(4));
    }
}
