//! The only place of the client that reads the time, and durations for people.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock, to the millisecond that the service works in.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A running stop-watch.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The time from `start` to `end`, zero where clocks of two back ends disagree.
pub fn between(start: Timestamp, end: Timestamp) -> Duration {
    let between = end.duration_since(start);
    // A failed conversion would make an error, which allocates: a frame asks for thousands.
    if between.is_negative() { Duration::ZERO } else { between.unsigned_abs() }
}

/// A duration in two units at most: `4.1s`, `52s`, `6m12s`, `2h05m`, `3d04h`.
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 if duration.subsec_millis() >= 50 || seconds == 0 => {
            let tenths = (duration.as_millis() + 50) / 100;
            if tenths >= 100 { "10s".to_owned() } else { format!("{}.{}s", tenths / 10, tenths % 10) }
        }
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// As [`short`], without tenths: what counts on a screen would flicker with them.
pub fn whole(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "0s".to_owned(),
        seconds => short(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [
            (0, "0.0s"),
            (120, "0.1s"),
            (4_100, "4.1s"),
            (5_000, "5s"),
            (9_999, "10s"),
            (52_300, "52s"),
            (372_000, "6m12s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ];
        for (ms, text) in cases {
            assert_eq!(short(Duration::from_millis(ms)), text, "{ms} ms");
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        let a: Timestamp = "2026-01-01T00:00:05Z".parse().unwrap();
        let b: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(between(a, b), Duration::ZERO);
        assert_eq!(between(b, a), Duration::from_secs(5));
    }
}
