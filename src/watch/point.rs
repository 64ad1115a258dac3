//! Where a watch may end before the deployment does: `--until`. Pure.

use std::collections::HashMap;
use std::str::FromStr;

use crate::error::nearest;
use crate::model::{Deployment, DeploymentStatus, EventName, EventStatus, Overview, Target};

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
        let on_the_way = target.events.iter().find(|event| event.name == named);
        let past = target.status.is_finished() || on_the_way.is_some_and(|event| has_ended(&event.status));
        // The original hosts of a blue/green deployment have no Install. One that tells of no events may have any.
        let never = matches!(point, Point::Event(_)) && on_the_way.is_none() && !target.events.is_empty();
        self.moving |= target
            .events
            .iter()
            .any(|event| event.name == EventName::AllowTraffic && event.status != EventStatus::Pending);
        self.past.insert(target.id.clone(), (!never).then_some(past));
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

    fn all(&self, overview: Option<Overview>) -> bool {
        let known = self.past.len() as u64;
        let on_the_way = || self.past.values().flatten();
        let past = match on_the_way().next() {
            Some(_) => on_the_way().all(|past| *past),
            // The event is in no target's list.
            None => false,
        };
        match overview {
            Some(overview) => {
                let total = overview.total();
                let finished = overview.succeeded + overview.failed + overview.skipped;
                total > 0 && (finished == total || (known >= total && past))
            }
            // Lambda and ECS tell no counts while they run; they have one target.
            None => past,
        }
    }
}

fn has_ended(status: &EventStatus) -> bool {
    matches!(status, EventStatus::Succeeded | EventStatus::Failed | EventStatus::Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

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
