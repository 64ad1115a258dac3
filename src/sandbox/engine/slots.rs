//! Minimum healthy hosts: how many hosts may be worked on, and when a deployment is over. Pure counting.
//!
//! Source: AWS's user guide, "Minimum healthy instances"; its examples are among the tests.

/// The counts of one deployment. A failed host keeps its slot: in flight and failed together never pass
/// the number of hosts that may be out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    total: u32,
    required: u32,
    waiting: u32,
    in_flight: u32,
    failed: u32,
    succeeded: u32,
}

/// How a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hosts are in flight, or may be started.
    Going,
    /// Hosts are left, and one more failure would leave too few healthy ones.
    TooManyFailed,
    /// No host is left, and enough are healthy.
    Succeeded,
    /// No host is left, and too few are healthy.
    Failed,
}

impl Slots {
    /// Counts for `total` hosts of which `required` must stay healthy; none where no host may be taken
    /// out of service.
    pub(super) fn new(total: u32, required: u32) -> Option<Self> {
        (required < total).then_some(Slots {
            total,
            required,
            waiting: total,
            in_flight: 0,
            failed: 0,
            succeeded: 0,
        })
    }

    /// The same counts in the middle of a deployment; hosts that are not counted were closed out.
    pub(super) fn resume(self, waiting: u32, in_flight: u32, failed: u32, succeeded: u32) -> Self {
        Slots { waiting, in_flight, failed, succeeded, ..self }
    }

    /// Takes a slot for the next waiting host, if one is free.
    pub(super) fn start(&mut self) -> bool {
        let free = self.waiting > 0 && self.in_flight + self.failed < self.total - self.required;
        if free {
            self.waiting -= 1;
            self.in_flight += 1;
        }
        free
    }

    /// A host in flight has ended.
    pub(super) fn end(&mut self, well: bool) {
        self.in_flight -= 1;
        if well {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
    }

    /// No further host is started.
    pub(super) fn close(&mut self) {
        self.waiting = 0;
    }

    /// How many hosts ended well, and how many not.
    pub(super) fn ended(&self) -> (u32, u32) {
        (self.succeeded, self.failed)
    }

    pub(super) fn verdict(&self) -> Verdict {
        let healthy = self.total - self.failed;
        if self.waiting > 0 && healthy <= self.required {
            Verdict::TooManyFailed
        } else if self.waiting > 0 || self.in_flight > 0 {
            Verdict::Going
        } else if healthy >= self.required && self.succeeded > 0 {
            Verdict::Succeeded
        } else {
            Verdict::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MinimumHealthyHosts::{self, Concurrency, Count, Percent};

    /// Runs hosts one after the other; `fails` says which of them (counted from 0) fail.
    fn run(total: u32, rule: MinimumHealthyHosts, fails: impl Fn(u32) -> bool) -> (Verdict, u32, u32) {
        let mut slots = Slots::new(total, rule.required(total)).unwrap();
        let (mut started, mut widest) = (0, 0);
        loop {
            while slots.start() {
                started += 1;
            }
            widest = widest.max(slots.in_flight);
            match slots.verdict() {
                Verdict::Going => slots.end(!fails(started - slots.in_flight)),
                verdict => return (verdict, started, widest),
            }
        }
    }

    #[test]
    fn aws_documented_examples() {
        use Verdict::*;
        let ten_of_nine = |fails: &[u32]| run(10, Count(9), |host| fails.contains(&host));
        assert_eq!(ten_of_nine(&[]), (Succeeded, 10, 1), "one at a time");
        assert_eq!(ten_of_nine(&[0]), (TooManyFailed, 1, 1));
        assert_eq!(ten_of_nine(&[8]), (TooManyFailed, 9, 1));
        assert_eq!(ten_of_nine(&[9]), (Succeeded, 10, 1), "any failure but the last fails it");

        let ten_of_eight = |fails: &[u32]| run(10, Count(8), |host| fails.contains(&host));
        assert_eq!(ten_of_eight(&[]), (Succeeded, 10, 2), "two at a time");
        assert_eq!(ten_of_eight(&[3]).0, Succeeded);
        assert_eq!(ten_of_eight(&[0, 3]).0, TooManyFailed, "the second failure fails it");
        assert_eq!(ten_of_eight(&[0, 9]).0, Succeeded, "unless that is the last host");

        assert_eq!(run(9, Percent(50), |_| false), (Succeeded, 9, 4));
        assert_eq!(run(9, Percent(40), |_| false), (Succeeded, 9, 5));
        assert_eq!(run(10, Count(3), |_| false), (Succeeded, 10, 7));
        assert_eq!(run(10, Count(0), |host| host != 4), (Succeeded, 10, 10), "all at once, one success");
        assert_eq!(run(10, Percent(0), |_| true), (Failed, 10, 10));
        assert_eq!(run(1, Concurrency(1), |_| true), (Failed, 1, 1), "a single host must succeed");
        assert_eq!(run(1, Concurrency(1), |_| false), (Succeeded, 1, 1));
        assert_eq!(Slots::new(10, Percent(95).required(10)), None);
        assert_eq!(Slots::new(10, Count(10).required(10)), None);
    }

    #[test]
    fn in_flight_and_failed_never_pass_the_limit() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let total = rng.u32(1..60);
            let required = rng.u32(0..total);
            let odds = rng.u32(0..100);
            let mut slots = Slots::new(total, required).unwrap();
            while slots.verdict() == Verdict::Going {
                if rng.bool() || slots.in_flight == 0 {
                    slots.start();
                } else {
                    slots.end(rng.u32(0..100) >= odds);
                }
                assert!(slots.in_flight + slots.failed <= total - required, "{slots:?}");
                assert_eq!(slots.waiting + slots.in_flight + slots.failed + slots.succeeded, total);
            }
            assert_eq!(slots.in_flight, 0, "nothing is left running at the end: {slots:?}");
        }
    }
}
