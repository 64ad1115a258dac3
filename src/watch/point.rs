//! Where a watch may end before the deployment does: `--until`. Pure.

use std::collections::HashMap;
use std::str::FromStr;

use crate::error::nearest;
use crate::model::{
    Deployment, DeploymentStatus, EventName, EventStatus, LifecycleEvent, Overview, Target, TargetStatus,
};

/// A point on the way of a deployment. A deployment that is past it has reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The new fleet is installed and waits for the traffic.
    Ready,
    /// All of the traffic has moved, whatever waits follow.
    Traffic,
    /// The end.
    Succeeded,
    /// Every target that is not skipped has finished this lifecycle event.
    Event(EventName),
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ready" => return Ok(Point::Ready),
            "traffic" => return Ok(Point::Traffic),
            "succeeded" => return Ok(Point::Succeeded),
            _ => {}
        }
        let Some(name) = text.strip_prefix("event:") else {
            return Err("it is ready, traffic, succeeded or event:NAME, as in event:AfterInstall".to_owned());
        };
        let known = || EventName::KNOWN.iter().map(EventName::as_str);
        if let Some(event) = EventName::KNOWN.iter().find(|event| event.as_str().eq_ignore_ascii_case(name)) {
            return Ok(Point::Event(event.clone()));
        }
        Err(match nearest(name, known()) {
            Some(near) => format!("no lifecycle event is called that; did you mean event:{near}?"),
            None => {
                format!(
                    "no lifecycle event is called that; there are: {}",
                    known().collect::<Vec<_>>().join(", ")
                )
            }
        })
    }
}

/// How far the targets are on the way to a point.
#[derive(Debug, Default)]
pub struct Way {
    /// Each target described so far, and whether it is past the point; none of one that never comes there.
    past: HashMap<String, Option<bool>>,
    /// One target has begun to take traffic.
    moving: bool,
}

impl Way {
    /// Takes in what a target says.
    pub fn target(&mut self, point: &Point, target: &Target) {
        let named = match point {
            Point::Event(name) => name.clone(),
            Point::Ready | Point::Traffic | Point::Succeeded => EventName::AllowTraffic,
        };
        let place = target.events.iter().position(|event| event.name == named);
        let is = |status: EventStatus| place.is_some_and(|place| target.events[place].status == status);
        // The original hosts of a blue/green deployment have no Install. One that tells of no events may have any.
        let never = matches!(point, Point::Event(_)) && place.is_none() && !target.events.is_empty();
        let past = match target.status {
            _ if never => None,
            TargetStatus::Succeeded => Some(true),
            TargetStatus::Skipped => None,
            // It has failed later, or never comes there.
            TargetStatus::Failed => is(EventStatus::Succeeded).then_some(true),
            _ if is(EventStatus::Failed) || is(EventStatus::Skipped) => {
                // It fails, unless it goes on all the same.
                Some(target.events.iter().skip(place.unwrap_or_default() + 1).any(has_begun))
            }
            _ => Some(is(EventStatus::Succeeded)),
        };
        self.moving |=
            target.events.iter().any(|event| event.name == EventName::AllowTraffic && has_begun(event));
        self.past.insert(target.id.clone(), past);
    }

    /// The deployment, which goes on, is at the point or past it.
    pub fn reached(&self, point: &Point, deployment: &Deployment) -> bool {
        if deployment.status.is_terminal() {
            return false;
        }
        match point {
            Point::Succeeded => false,
            Point::Ready => {
                deployment.status == DeploymentStatus::Ready
                    || self.moving
                    || deployment.waits.termination_started
            }
            Point::Traffic => deployment.waits.termination_started || self.all(deployment.overview),
            Point::Event(_) => self.all(deployment.overview),
        }
    }

    /// All that can come there are past it, and there is one that is.
    fn all(&self, overview: Option<Overview>) -> bool {
        let known = self.past.len() as u64;
        let mut on_the_way = self.past.values().flatten();
        let past = self.past.values().any(Option::is_some) && on_the_way.all(|past| *past);
        match overview {
            Some(overview) => {
                let total = overview.total();
                let finished = overview.succeeded + overview.failed + overview.skipped;
                // Those that went well have been everywhere, whether they were read or not.
                total > 0 && ((finished == total && overview.succeeded > 0) || (known >= total && past))
            }
            // Lambda and ECS tell no counts while they run; they have one target.
            None => past,
        }
    }
}

fn has_begun(event: &LifecycleEvent) -> bool {
    !matches!(event.status, EventStatus::Pending | EventStatus::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Serving, TargetKind};

    fn target(id: &str, status: TargetStatus, events: &[(EventName, EventStatus)]) -> Target {
        let events = events.iter().map(|(name, status)| LifecycleEvent {
            name: name.clone(),
            status: status.clone(),
            start_time: None,
            end_time: None,
            diagnostics: None,
        });
        Target {
            id: id.to_owned(),
            kind: TargetKind::Instance,
            status,
            label: None,
            last_updated: None,
            events: events.collect(),
            serving: Serving::Unsaid,
        }
    }

    fn is_there(point: &Point, overview: Option<Overview>, targets: &[Target]) -> bool {
        let mut way = Way::default();
        targets.iter().for_each(|target| way.target(point, target));
        way.all(overview)
    }

    #[test]
    fn a_target_that_failed_before_the_point_is_not_past_it() {
        use EventStatus::{Failed, InProgress, Skipped, Succeeded};
        let start = Point::Event(EventName::ApplicationStart);
        let events = |stop: EventStatus, start: EventStatus, validate: EventStatus| {
            [
                (EventName::ApplicationStop, stop),
                (EventName::ApplicationStart, start),
                (EventName::ValidateService, validate),
            ]
        };
        let before = |id: &str, status: TargetStatus| target(id, status, &events(Failed, Skipped, Skipped));
        let counts = |succeeded, in_progress, failed| {
            Some(Overview { succeeded, in_progress, failed, ..Overview::default() })
        };
        let all = [before("a", TargetStatus::Failed), before("b", TargetStatus::Failed)];
        assert!(!is_there(&start, counts(0, 0, 2), &all), "nobody got there");
        assert!(
            !is_there(&start, counts(0, 1, 0), &[before("a", TargetStatus::InProgress)]),
            "it fails next"
        );
        let here = target("c", TargetStatus::InProgress, &events(Succeeded, Succeeded, InProgress));
        let [a, b] = all;
        assert!(is_there(&start, counts(0, 1, 2), &[a, b, here.clone()]), "all that can come there are");
        let later = target("d", TargetStatus::Failed, &events(Succeeded, Succeeded, Failed));
        assert!(is_there(&start, counts(0, 0, 1), &[later]), "it failed behind the point");
        let ignored =
            target("e", TargetStatus::InProgress, &events(Failed, InProgress, EventStatus::Pending));
        let stop = Point::Event(EventName::ApplicationStop);
        assert!(is_there(&stop, counts(0, 1, 0), &[ignored]), "a failed stop that is ignored");
        assert!(!is_there(&start, counts(1, 1, 0), &[here]), "one has not been read");
        assert!(is_there(&start, counts(1, 0, 1), &[]), "by the counts alone");
        assert!(!is_there(&start, counts(0, 0, 2), &[]));
    }

    #[test]
    fn traffic_that_failed_to_move_has_not_moved() {
        use EventStatus::{Failed, Skipped};
        let events = |before: EventStatus, traffic: EventStatus| {
            [(EventName::BeforeAllowTraffic, before), (EventName::AllowTraffic, traffic)]
        };
        let failed = target("f:live", TargetStatus::Failed, &events(EventStatus::Succeeded, Failed));
        assert!(!is_there(&Point::Traffic, None, &[failed]));
        let mut way = Way::default();
        way.target(&Point::Ready, &target("f:live", TargetStatus::Failed, &events(Failed, Skipped)));
        assert!(!way.moving, "it will never take traffic");
    }

    #[test]
    fn points_are_checked_before_anything_happens() {
        assert_eq!("traffic".parse(), Ok(Point::Traffic));
        assert_eq!("event:afterinstall".parse(), Ok(Point::Event(EventName::AfterInstall)));
        assert!(
            "event:AfterInstal".parse::<Point>().unwrap_err().contains("did you mean event:AfterInstall?")
        );
        assert!("event:x".parse::<Point>().unwrap_err().contains("ValidateService"));
        assert!("done".parse::<Point>().is_err());
    }
}
