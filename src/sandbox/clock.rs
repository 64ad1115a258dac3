//! The sandbox's time: whole milliseconds, as many times faster than the wall's as `--speed` says.
//!
//! The sandbox reads the time nowhere else, and how long to wait for a moment is worked out here.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::store::Millis;

/// A clock that never runs backwards.
pub trait Clock: Send + Sync {
    /// The sandbox's time.
    fn now(&self) -> Millis;
    /// How long, in real time, until `moment` comes; zero where it has come.
    fn until(&self, moment: Millis) -> Duration;
    /// How much of the sandbox's time passes in a real `duration`.
    fn span(&self, duration: Duration) -> Millis;
}

/// Starts at the real time and runs `speed` times faster.
#[derive(Debug)]
pub struct Scaled {
    origin: Millis,
    started: Instant,
    speed: u32,
}

impl Scaled {
    /// A clock at `speed` times the wall's pace; 0 counts as 1.
    pub fn new(speed: u32) -> Self {
        Scaled::after(Millis::MIN, speed)
    }

    /// The same, and not before `moment`.
    #[expect(clippy::disallowed_methods, reason = "the sandbox's one place that reads the time")]
    pub fn after(moment: Millis, speed: u32) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Scaled { origin: millis(since_epoch).max(moment), started: Instant::now(), speed: speed.max(1) }
    }
}

impl Clock for Scaled {
    fn now(&self) -> Millis {
        self.origin.saturating_add(self.span(self.started.elapsed()))
    }

    fn until(&self, moment: Millis) -> Duration {
        let ahead = u64::try_from(moment.saturating_sub(self.now())).unwrap_or(0);
        Duration::from_millis(ahead) / self.speed
    }

    fn span(&self, duration: Duration) -> Millis {
        millis(duration.saturating_mul(self.speed))
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// A clock that stands still.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub Millis);

impl Clock for Fixed {
    fn now(&self) -> Millis {
        self.0
    }

    fn until(&self, moment: Millis) -> Duration {
        Duration::from_millis(u64::try_from(moment.saturating_sub(self.0)).unwrap_or(0))
    }

    fn span(&self, duration: Duration) -> Millis {
        millis(duration)
    }
}

/// Stands still until a test moves it.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Manual(std::sync::atomic::AtomicI64);

#[cfg(test)]
impl Manual {
    /// A clock that stands at `now`.
    pub fn at(now: Millis) -> Self {
        Manual(now.into())
    }

    pub fn set(&self, now: Millis) {
        self.0.fetch_max(now, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
impl Clock for Manual {
    fn now(&self) -> Millis {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn until(&self, moment: Millis) -> Duration {
        Fixed(self.now()).until(moment)
    }

    fn span(&self, duration: Duration) -> Millis {
        millis(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_stretches_spans_and_shortens_waits() {
        let clock = Scaled::new(60);
        assert_eq!(clock.span(Duration::from_secs(1)), 60_000);
        let wait = clock.until(clock.now() + 60_000);
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(900), "{wait:?}");
        assert_eq!(clock.until(clock.now() - 1), Duration::ZERO);
    }

    #[test]
    fn a_clock_never_runs_backwards() {
        let clock = Manual::default();
        clock.set(5);
        clock.set(3);
        assert_eq!(clock.now(), 5);
    }
}
