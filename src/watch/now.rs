//! "Now" in the service's time: its last `Date` and the monotonic time since. The local wall clock only dates what
//! comes before the first answer; the two are never compared.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How far an answer's time may be off what is expected: one more so off is believed only where a second one says so too.
const SLACK: Duration = Duration::from_secs(5);

/// The service's time, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct ServiceTime {
    base: (Timestamp, Instant),
    told: bool,
    answered: Option<Instant>,
    /// The last answer's time where that was far off, and when it came.
    doubted: Option<(Timestamp, Instant)>,
}

impl ServiceTime {
    /// `local` is what a time is until the service tells its own.
    pub fn new(local: Timestamp) -> Self {
        ServiceTime { base: (local, Instant::now()), told: false, answered: None, doubted: None }
    }

    /// An answer came, with the service's time where it told it. Time never runs backwards for the whole seconds of a
    /// `Date`; it jumps, either way, where two answers in a row agree on that.
    pub fn answered(&mut self, date: Option<Timestamp>) {
        let now = Instant::now();
        self.answered = Some(now);
        if let Some(date) = date {
            let near = |(base, at): (Timestamp, Instant)| {
                date.duration_since(base.checked_add(at.elapsed()).unwrap_or(base)).unsigned_abs() <= SLACK
            };
            let doubted = self.doubted.take();
            if self.told && near(self.base) {
                self.base = (date.max(self.now()), now);
            } else if !self.told || doubted.is_some_and(near) {
                self.base = (date, now);
                self.told = true;
            } else {
                self.doubted = Some((date, now));
            }
        }
    }

    pub fn now(&self) -> Timestamp {
        let (base, at) = self.base;
        base.checked_add(at.elapsed()).unwrap_or(base)
    }

    /// How old the last answer is.
    pub fn age(&self) -> Option<Duration> {
        self.answered.map(|answered| answered.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sre_15_time_is_the_services_own() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut time = ServiceTime::new(at("2031-01-01T00:00:00Z"));
        time.answered(Some(at("2026-01-01T00:00:10Z")));
        assert_eq!(time.now(), at("2026-01-01T00:00:10Z"), "a local clock that is ahead does not matter");
        tokio::time::advance(Duration::from_millis(5500)).await;
        time.answered(Some(at("2026-01-01T00:00:15Z")));
        assert_eq!(time.now(), at("2026-01-01T00:00:15.500Z"), "never backwards");
        tokio::time::advance(Duration::from_secs(1)).await;
        time.answered(None);
        assert_eq!(time.now(), at("2026-01-01T00:00:16.500Z"));
        assert_eq!(time.age(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_with_a_wrong_date_moves_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut time = ServiceTime::new(at("2031-01-01T00:00:00Z"));
        time.answered(Some(at("2026-01-01T00:00:10Z")));
        for wrong in ["2121-12-23T00:00:00Z", "2026-01-01T00:01:11Z", "1970-01-01T00:00:00Z"] {
            time.answered(Some(at(wrong)));
            assert_eq!(time.now(), at("2026-01-01T00:00:10Z"), "{wrong}");
            time.answered(Some(at("2026-01-01T00:00:10Z")));
        }
        // Two that agree are right, and the first was not: or the machine has slept.
        for right in ["2026-01-01T00:20:00Z", "2026-01-01T00:00:20Z"] {
            time.answered(Some(at(right)));
            time.answered(Some(at(right)));
            assert_eq!(time.now(), at(right));
        }
    }
}
