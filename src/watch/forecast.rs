//! When a deployment will end, and when it must have. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::event::Counts;
use crate::clock;
use crate::model::{ComputePlatform, Deployment, MinimumHealthyHosts, TrafficRouting};

const HOUR: u64 = 3600;
/// An in-place deployment is ended after it; a blue/green one has it beside its waits.
///
/// Source: AWS user guide, "CodeDeploy quotas".
const IN_PLACE: u64 = 12 * HOUR;
const BLUE_GREEN: u64 = 13 * HOUR;
const LAMBDA: u64 = 50 * HOUR;
/// A replacement task set has an hour, each of five hooks another, the traffic 48.
const ECS: u64 = HOUR * (1 + 5 + 48);
/// For the service to notice.
const MARGIN: u64 = 600;

/// The longest that a deployment can go on by the service's own limits, from its start; none where those are not known.
pub fn longest(deployment: &Deployment) -> Option<Duration> {
    let waits = deployment.waits.ready_s.unwrap_or(0) + deployment.waits.termination_s.unwrap_or(0);
    let seconds = match deployment.platform.as_ref()? {
        ComputePlatform::Server if deployment.waits.blue_green => BLUE_GREEN + waits,
        ComputePlatform::Server => IN_PLACE,
        ComputePlatform::Lambda => LAMBDA,
        ComputePlatform::Ecs => ECS + waits,
        ComputePlatform::Other(_) => return None,
    };
    Some(Duration::from_secs(seconds + MARGIN))
}

/// Where the traffic of a function or a service is by its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Percent of the traffic that has been moved.
    pub set: u32,
    /// What it will be next, and when.
    pub next: Option<(u32, Timestamp)>,
    /// When all of it will have moved.
    pub whole: Timestamp,
}

/// The traffic at `now`, where it began to move at `start`. Exact: the service moves it by the clock.
///
/// Source: API reference, `TimeBasedCanary` and `TimeBasedLinear`; the last step of a linear one takes what is left.
pub fn traffic(routing: TrafficRouting, start: Timestamp, now: Timestamp) -> Traffic {
    let (percent, interval_s, steps) = match routing {
        TrafficRouting::AllAtOnce => return Traffic { set: 100, next: None, whole: start },
        TrafficRouting::Canary { percent, interval_s } => (percent.min(100), interval_s, 1),
        TrafficRouting::Linear { percent, interval_s } => {
            (percent.clamp(1, 100), interval_s, 100_u32.div_ceil(percent.clamp(1, 100)) - 1)
        }
    };
    let after = |step: u32| {
        let seconds = interval_s.saturating_mul(step.into());
        start.checked_add(Duration::from_secs(seconds)).unwrap_or(start)
    };
    let whole = after(steps);
    let elapsed = clock::between(start, now).as_secs();
    let done = u32::try_from(elapsed / interval_s.max(1)).unwrap_or(u32::MAX).min(steps);
    let share = |step: u32| if step >= steps { 100 } else { percent.saturating_mul(step + 1).min(100) };
    Traffic { set: share(done), next: (done < steps).then(|| (share(done + 1), after(done + 1))), whole }
}

/// How long a fleet still takes, at the least and at the most: `left` hosts of which `batch` are at work at a time,
/// from the times that other hosts took. None before three have finished.
pub fn remaining(taken: &[Duration], left: u64, batch: u64) -> Option<(Duration, Duration)> {
    if taken.len() < 3 || left == 0 || batch == 0 {
        return None;
    }
    let mut taken = taken.to_vec();
    taken.sort();
    let (median, longest) = (*taken.get(taken.len() / 2)?, *taken.last()?);
    let waves = u32::try_from(left.div_ceil(batch)).ok()?;
    // Of the hosts at work now some are nearly done.
    let least = median.saturating_mul(waves.saturating_sub(1)).saturating_add(median / 4);
    Some((least, longest.saturating_mul(waves)))
}

/// Which further failure ends the deployment: 0 where it is too late, none where no number of failures can.
///
/// Source: AWS user guide, "Minimum healthy instances": while hosts wait, a failure that leaves no more healthy hosts than
/// the minimum ends the deployment; when none waits, one that leaves fewer; and one host must have succeeded.
pub fn fatal(counts: &Counts, minimum: u64) -> Option<u64> {
    let open = counts.pend + counts.run + counts.ready;
    let spare = (counts.total() - counts.fail).saturating_sub(minimum);
    if counts.pend > 0 && minimum > 0 {
        return Some(spare);
    }
    let all = (counts.ok == 0).then_some(open);
    if minimum == 0 {
        return all;
    }
    Some(spare + 1).filter(|last| *last <= open).or(all)
}

/// Which further failure ends a deployment that goes zone by zone, at the latest: a zone that keeps less than `minimum` of
/// its own hosts ends it too. Which hosts are in which zone the API does not tell; however they are spread, all zones
/// together bear no more failures than one zone of all hosts would.
///
/// Source: API reference, `ZonalConfig`.
pub fn fatal_at_the_latest(counts: &Counts, whole: u64, minimum: MinimumHealthyHosts) -> Option<u64> {
    let open = counts.pend + counts.run + counts.ready;
    let kept = u64::from(minimum.required(u32::try_from(counts.total()).unwrap_or(u32::MAX)));
    let zones = (counts.total().saturating_sub(kept) + 1).saturating_sub(counts.fail);
    let zones = Some(zones).filter(|last| *last <= open);
    fatal(counts, whole).into_iter().chain(zones).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_bear_no_more_failures_than_all_hosts_in_one() {
        let counts = |run, pend, fail| Counts { ok: 0, run, pend, fail, skip: 0, ready: 0 };
        let half = MinimumHealthyHosts::Percent(50);
        assert_eq!(
            fatal_at_the_latest(&counts(40, 160, 0), 160, half),
            Some(40),
            "the whole fleet's comes first"
        );
        assert_eq!(fatal_at_the_latest(&counts(40, 160, 0), 20, half), Some(101));
        assert_eq!(fatal_at_the_latest(&counts(40, 150, 10), 20, half), Some(91));
        assert_eq!(fatal_at_the_latest(&counts(40, 160, 0), 20, MinimumHealthyHosts::Count(30)), Some(171));
        // Every spread of ten hosts over zones that keep half of each: five failures are borne by none of them.
        for zones in [vec![10], vec![5, 5], vec![3, 7], vec![2, 2, 2, 2, 2], vec![1, 9], vec![4, 3, 3]] {
            let borne: u64 = zones.iter().map(|hosts| hosts - u64::from(half.required(*hosts as u32))).sum();
            assert!(borne < fatal_at_the_latest(&counts(2, 8, 0), 0, half).unwrap(), "{zones:?}");
        }
    }

    #[test]
    fn the_failure_that_ends_a_deployment() {
        let counts = |ok, run, pend, fail| Counts { ok, run, pend, fail, skip: 0, ready: 0 };
        assert_eq!(
            fatal(&counts(88, 97, 12, 3), 100),
            Some(97),
            "while hosts wait the minimum itself is too few"
        );
        assert_eq!(fatal(&counts(4, 4, 0, 0), 4), None, "the last hosts may all fail");
        assert_eq!(fatal(&counts(2, 6, 0, 0), 4), Some(5));
        assert_eq!(fatal(&counts(2, 0, 2, 6), 4), Some(0));
        assert_eq!(fatal(&counts(0, 4, 0, 0), 0), Some(4), "all at once: one must succeed");
        assert_eq!(fatal(&counts(1, 3, 0, 0), 0), None);
        assert_eq!(fatal(&counts(0, 1, 0, 0), 0), Some(1), "a single host must succeed");
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(60 * minute)
    }

    #[test]
    fn a_canary_and_a_linear_shift_are_exact() {
        let canary = TrafficRouting::Canary { percent: 10, interval_s: 300 };
        assert_eq!(
            traffic(canary, at(0), at(1)),
            Traffic { set: 10, next: Some((100, at(5))), whole: at(5) }
        );
        assert_eq!(traffic(canary, at(0), at(5)), Traffic { set: 100, next: None, whole: at(5) });
        let linear = TrafficRouting::Linear { percent: 30, interval_s: 180 };
        assert_eq!(traffic(linear, at(0), at(0)), Traffic { set: 30, next: Some((60, at(3))), whole: at(9) });
        assert_eq!(
            traffic(linear, at(0), at(7)),
            Traffic { set: 90, next: Some((100, at(9))), whole: at(9) }
        );
        let ten = TrafficRouting::Linear { percent: 10, interval_s: 60 };
        assert_eq!(traffic(ten, at(0), at(0)).whole, at(9), "as seen of the service");
        assert_eq!(traffic(TrafficRouting::AllAtOnce, at(0), at(0)).set, 100);
    }

    #[test]
    fn a_fleet_has_a_range_once_three_hosts_have_finished() {
        let taken = [40, 60, 50].map(Duration::from_secs);
        assert_eq!(remaining(&taken[..2], 10, 5), None);
        assert_eq!(remaining(&taken, 0, 5), None);
        let (least, most) = remaining(&taken, 12, 5).unwrap();
        assert_eq!((least.as_secs(), most.as_secs()), (112, 180));
        // A recording may say anything.
        let ages = [Duration::from_secs(600_000_000_000); 3];
        assert_eq!(remaining(&ages, 4_294_967_000, 1), Some((Duration::MAX, Duration::MAX)));
    }
}
