//! "Now" in the service's time: its last `Date` and the monotonic time since. The local wall clock only dates what
//! comes before the first answer; the two are never compared.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// The service's time, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct ServiceTime {
    base: (Timestamp, Instant),
    told: bool,
    answered: Option<Instant>,
}

impl ServiceTime {
    /// `local` is what a time is until the service tells its own.
    pub fn new(local: Timestamp) -> Self {
        ServiceTime { base: (local, Instant::now()), told: false, answered: None }
    }

    /// An answer came, with the service's time where it told it. Time never runs backwards once told: a `Date` has
    /// whole seconds only.
    pub fn answered(&mut self, date: Option<Timestamp>) {
        let now = Instant::now();
        self.answered = Some(now);
        if let Some(date) = date {
            let date = if self.told { date.max(self.now()) } else { date };
            self.base = (date, now);
            self.told = true;
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
}
