//! How long targets and their events take, and what that foretells.

use std::time::Duration;

use jiff::Timestamp;

use super::{Row, TIMES, View};
use crate::clock;
use crate::model::{EventName, EventStatus, TargetStatus};
use crate::watch::event::{DeploymentEvent, TargetEvent};
use crate::watch::forecast;

impl View {
    /// Takes in how long the target's events took, by the service's own times: each once it is known to be over, and all
    /// of them once the target has finished.
    pub(super) fn learn(&mut self, event: &TargetEvent) {
        let before = self.targets.get(&event.id).filter(|row| !row.status.is_finished());
        if event.own_phases().is_empty() && event.status.is_finished() && !event.phases.is_empty() {
            for phase in event.phases.iter().filter(|phase| phase.status == EventStatus::Succeeded) {
                if let (Some(start), Some(end)) = (phase.start, phase.end) {
                    self.keep(&phase.name, clock::between(start, end));
                }
            }
        } else if let Some(before) = before
            && before.event != event.event
            && let (Some(name), Some(start)) = (before.event.clone(), before.since)
        {
            // Of a look that has missed some the next beginning is a later one's.
            let next =
                event.since.filter(|_| event.event.as_ref().is_some_and(|next| name.is_just_before(next)));
            if let Some(end) = before.ended.or(next) {
                self.keep(&name, clock::between(start, end));
            }
        }
        if event.status == TargetStatus::Succeeded
            && let (Some(began), Some(end)) = (event.began, event.time)
            && self.taken.len() < TIMES
        {
            self.taken.push(clock::between(began, end));
        }
    }

    /// Of each event the times are in order, so that the median is at hand.
    fn keep(&mut self, event: &EventName, time: Duration) {
        let times = self.events.entry(event.clone()).or_default();
        if times.len() < TIMES {
            times.insert(times.partition_point(|kept| *kept <= time), time);
        }
    }

    /// How long targets usually are in a lifecycle event: the median, once three have left it.
    pub fn usual(&self, event: &EventName) -> Option<Duration> {
        let times = self.events.get(event).filter(|times| times.len() >= 3)?;
        times.get(times.len() / 2).copied()
    }

    /// How many times as long as usual a target at work is in its event, where that is much.
    pub fn slow(&self, row: &Row) -> Option<u64> {
        if row.ended.is_some() {
            return None;
        }
        let usual = self.usual(row.event.as_ref()?)?.max(Duration::from_secs(1)).as_secs_f64();
        // Time in which nobody looked may be another event's.
        let times = clock::between(row.since?, row.seen).as_secs_f64() / usual;
        #[expect(clippy::cast_sign_loss, reason = "a quotient of durations")]
        (times >= 3.0).then_some(times as u64)
    }

    /// From when to when the fleet will be done. Nothing is said of a fleet that does not move, nor of two that change
    /// places, nor of one that goes zone by zone: their hosts wait for a user, for each other, for the zone before; nor of
    /// one that failures will end before, if they go on as they do.
    pub fn forecast(&self) -> Option<(Timestamp, Timestamp)> {
        let goes_on = |event: &&DeploymentEvent| {
            !event.status.is_terminal() && !event.waits.blue_green && event.zonal.is_none()
        };
        let deployment = self.deployment.as_ref().filter(goes_on)?;
        let counts = self.counts()?;
        let longest = self.taken.iter().max()?;
        let still = clock::between(self.moved?, self.now);
        if still > (*longest * 2).max(Duration::from_secs(60)) {
            return None;
        }
        let minimum = deployment.minimum_healthy?;
        let left = counts.run + counts.pend;
        let to_fail = (counts.fail * left).checked_div(counts.ok + counts.fail).unwrap_or_default();
        if counts.fail > 0 && forecast::fatal(&counts, minimum).is_some_and(|last| to_fail >= last) {
            return None;
        }
        let spare = counts.total().saturating_sub(minimum).saturating_sub(counts.fail);
        let batch = spare.max(counts.run);
        let (least, most) = forecast::remaining(&self.taken, left, batch)?;
        let moved = self.moved?;
        // From the last change on, so that the end does not move by itself.
        let end = |after: Duration| moved.checked_add(after).unwrap_or(moved);
        // One that has passed was wrong.
        Some((end(least).max(self.now), end(most))).filter(|(_, most)| *most > self.now)
    }

    /// How long a target has been in its lifecycle event, or has waited after it, as far as it was looked at: of a sample
    /// nobody knows what came after the look.
    pub fn time_in_event(&self, row: &Row) -> Option<Duration> {
        let until = if self.is_sampled() || self.stale(row).is_some() { row.seen } else { self.now };
        row.ended.or(row.since).map(|since| clock::between(since, until))
    }
}
