//! "Now" in the service's time: its last `Date` and the monotonic time since. The local wall clock only dates what
//! comes before the first answer; the two are never compared.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How many seconds an answer's time may be off what is expected: one that is off by more is believed only where the one
/// before was off the same way.
const SLACK: i64 = 5;

/// The service's time, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct ServiceTime {
    base: (Timestamp, Instant),
    told: bool,
    answered: Option<Instant>,
    /// The last answer's time where that was far off, and whether it was ahead.
    off: Option<(Timestamp, bool)>,
}

impl ServiceTime {
    /// `local` is what a time is until the service tells its own.
    pub fn new(local: Timestamp) -> Self {
        ServiceTime { base: (local, Instant::now()), told: false, answered: None, off: None }
    }

    /// An answer came, with the service's time where it told it. Time never runs backwards for the whole seconds of a
    /// `Date`; it jumps, either way, where two answers in a row are off that way. So it follows a clock that runs faster
    /// than this one, too, as a sandbox's may.
    pub fn answered(&mut self, date: Option<Timestamp>) {
        let now = Instant::now();
        self.answered = Some(now);
        let Some(date) = date else { return };
        let expected = self.now();
        let off = date.duration_since(expected);
        let before = self.off.take();
        if !self.told {
            (self.base, self.told) = ((date, now), true);
        } else if off.abs() <= SignedDuration::from_secs(SLACK) {
            self.base = (date.max(expected), now);
        } else {
            let ahead = off.is_positive();
            let in_order = |last: Timestamp| last.duration_since(date) <= SignedDuration::from_secs(SLACK);
            if before.is_some_and(|(last, was_ahead)| was_ahead == ahead && in_order(last)) {
                self.base = (date, now);
            }
            self.off = Some((date, ahead));
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

    #[tokio::test(start_paused = true)]
    async fn time_follows_a_clock_that_runs_faster() {
        let start = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        for (speed, pause) in [(20, 1), (60, 1), (60, 3), (4, 1), (300, 15)] {
            let mut time = ServiceTime::new(start);
            time.answered(Some(start));
            for look in 1..=60 {
                tokio::time::advance(Duration::from_secs(pause)).await;
                let date = start + Duration::from_secs(pause * speed * look);
                time.answered(Some(date));
                assert!(look == 1 || time.now() == date, "{speed}: {} at {date}", time.now());
            }
            // The one answer that is off is still no reason to go back.
            let now = time.now();
            time.answered(Some(start));
            assert_eq!(time.now(), now);
        }
    }
}
