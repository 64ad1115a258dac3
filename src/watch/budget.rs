//! The budget of calls a minute: a ledger of the calls made, shared by all that poll under one budget. Pure but for
//! the instants passed in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// So many calls in any minute. Clones share the ledger.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: usize,
    /// How many polls share it.
    polls: usize,
    ledger: Arc<Mutex<VecDeque<(Instant, Purpose)>>>,
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
        Budget { limit: limit.max(1) as usize, polls: 1, ledger: Arc::default() }
    }

    /// The same budget for `polls` polls at once.
    pub fn shared_by(&self, polls: usize) -> Self {
        Budget { polls: polls.max(1), ..self.clone() }
    }

    /// The shortest interval between ticks that leaves half of the budget for details.
    pub fn shortest_interval(&self) -> Duration {
        let polls = u32::try_from(self.polls).unwrap_or(u32::MAX);
        (MINUTE * 2).saturating_mul(polls) / u32::try_from(self.limit).unwrap_or(u32::MAX)
    }

    /// Calls a minute that are left for details beside `ticks` ticks.
    pub fn details(&self, ticks: usize) -> usize {
        self.limit - ticks.saturating_mul(self.polls).min(self.limit / 2)
    }

    /// Enters calls that were made before the watch began.
    pub fn spend(&self, calls: usize, now: Instant) {
        for _ in 0..calls {
            let _ = self.take(Purpose::Tick, now, 0);
        }
    }

    /// Enters a call for `purpose` at `now`, where the budget has room for it; otherwise says how long to wait.
    /// `ticks` is how many ticks a minute are to come.
    pub fn take(&self, purpose: Purpose, now: Instant, ticks: usize) -> Result<(), Duration> {
        let mut calls = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            calls.pop_front();
        }
        let details = self.details(ticks);
        let (cap, counted): (usize, fn(Purpose) -> bool) = match purpose {
            Purpose::Tick => (self.limit, |_| true),
            Purpose::Failure => (details, |purpose| purpose != Purpose::Tick),
            Purpose::Detail => (details - details / 4, |purpose| purpose != Purpose::Tick),
        };
        let wait = |at: &Instant| (*at + MINUTE).saturating_duration_since(now);
        for (cap, counted) in [(self.limit, (|_| true) as fn(Purpose) -> bool), (cap, counted)] {
            let made: Vec<_> = calls.iter().filter(|(_, purpose)| counted(*purpose)).collect();
            if made.len() >= cap.max(1) {
                return Err(made.get(made.len() - cap.max(1)).map_or(MINUTE, |(at, _)| wait(at)));
            }
        }
        calls.push_back((now, purpose));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_holds_more_than_the_limit() {
        let budget = Budget::per_minute(30);
        let start = Instant::now();
        let mut made = Vec::new();
        for tenth in 0..3000u64 {
            let now = start + Duration::from_millis(tenth * 100);
            for purpose in [Purpose::Detail, Purpose::Failure, Purpose::Tick] {
                if budget.take(purpose, now, 12).is_ok() {
                    made.push(now);
                }
            }
        }
        for (index, at) in made.iter().enumerate() {
            let within = made[index..].iter().take_while(|later| later.duration_since(*at) < MINUTE).count();
            assert!(within <= 30, "{within} calls in the minute from {:?}", at.duration_since(start));
        }
        assert!(made.len() >= 5 * 29, "the budget is used: {}", made.len());
    }

    #[tokio::test(start_paused = true)]
    async fn details_leave_room_for_failures_and_both_for_ticks() {
        let budget = Budget::per_minute(30);
        let now = Instant::now();
        let many = |purpose| (0..100).filter(|_| budget.take(purpose, now, 12).is_ok()).count();
        assert_eq!(many(Purpose::Detail), 14);
        assert_eq!(many(Purpose::Failure), 4);
        assert_eq!(many(Purpose::Tick), 12);
        assert_eq!(
            budget.take(Purpose::Tick, now + Duration::from_secs(20), 12),
            Err(Duration::from_secs(40))
        );
        assert_eq!(budget.take(Purpose::Tick, now + MINUTE, 12), Ok(()));
    }

    #[test]
    fn a_budget_of_one_call_still_moves() {
        assert_eq!(Budget::per_minute(0).shortest_interval(), Duration::from_secs(120));
        assert_eq!(Budget::per_minute(30).shortest_interval(), Duration::from_secs(4));
    }
}
