//! What is said of a fleet of which a part has been looked at, or all of it a while ago.

use super::*;
use crate::model::EventName::{BeforeInstall, Install, ValidateService};

#[test]
fn a_host_is_slow_by_what_was_seen_of_it() {
    let at_work = |id: &str, event, since| seen(id, TargetStatus::InProgress, event, since);
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 6, 0, 0)))];
    for n in 0..5 {
        let id = format!("i-{n}");
        events.push((9, at_work(&id, BeforeInstall, 8)));
        events.push((10, at_work(&id, Install, 10)));
    }
    events.push((20, at_work("i-9", BeforeInstall, 19)));
    let rows = |events: &[(i64, Event)]| {
        let mut view = view(events.to_vec());
        view.tick(&pulse(40));
        let frame = shown(&view, 100, 30);
        lines_with(&frame, "i-9").iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&events),
        [" ● i-9  BeforeInstall        21s"],
        "nobody has looked whether it is still there"
    );
    events.push((39, Event::Seen { targets: vec!["i-9".into()] }));
    assert_eq!(rows(&events), [" ● i-9  BeforeInstall        21s  SLOW x10"]);
}

/// A deployment to two fleets, with hosts of which 25 of each have been read.
fn two_fleets(status: DeploymentStatus, counts: Counts) -> Event {
    let waits = Waits { blue_green: true, ready_s: Some(1800), ..Waits::default() };
    let event = DeploymentEvent { waits, minimum_healthy: None, ..deployment(status, Some(counts)) };
    Event::Deployment(Box::new(event))
}

fn batch(label: &str, status: &TargetStatus, second: i64) -> Vec<(i64, Event)> {
    let host = |n: u32| {
        let host = target(&format!("i-{label}-{n:03}"), status.clone(), ValidateService, second - 1);
        let host = TargetEvent { label: Some(label.to_owned()), ..host };
        Event::Target(Box::new(match status {
            TargetStatus::Pending => TargetEvent { event: None, event_status: None, since: None, ..host },
            _ => TargetEvent { event_status: Some(EventStatus::Succeeded), ..host },
        }))
    };
    (0..25).map(|n| (second, host(n))).collect()
}

#[test]
fn what_has_been_ready_moves_its_traffic_whichever_hosts_were_read() {
    let running = DeploymentStatus::InProgress;
    let mut events = vec![(5, two_fleets(running.clone(), counts(0, 100, 300, 0)))];
    events.extend(batch("Blue", &TargetStatus::Pending, 10));
    events.extend(batch("Green", &TargetStatus::Ready, 60));
    let stages = |events: &[(i64, Event)]| {
        let mut view = view(events.to_vec());
        view.tick(&pulse(100));
        let frame = shown(&view, 100, 30);
        lines_with(&frame, "stages").first().map(|line| (*line).to_owned()).unwrap_or(frame)
    };
    events.push((69, two_fleets(running.clone(), Counts { ready: 196, ..counts(0, 4, 200, 0) })));
    assert!(stages(&events).contains("● install"), "{}", stages(&events));
    // Without a wait the first host that is through tells it.
    let through = (80, two_fleets(running.clone(), Counts { ready: 190, ..counts(2, 8, 200, 0) }));
    let at_once: Vec<_> = events.iter().cloned().chain([through]).collect();
    assert!(stages(&at_once).contains("● reroute"), "{}", stages(&at_once));
    events.push((80, two_fleets(DeploymentStatus::Ready, Counts { ready: 200, ..counts(0, 0, 200, 0) })));
    assert!(stages(&events).contains("● wait"), "{}", stages(&events));
    events.push((90, two_fleets(running, Counts { ready: 190, ..counts(0, 10, 200, 0) })));
    assert!(
        stages(&events).contains("✓ install") && stages(&events).contains("● reroute"),
        "{}",
        stages(&events)
    );
}

#[test]
fn fleets_are_not_told_as_they_were_before_a_rollback() {
    let report = Report {
        blue_green: true,
        fleets: Some(Fleets { blue: counts(0, 0, 200, 0), green: counts(3, 0, 190, 7) }),
        rollback: Some("d-ROLL".into()),
        rollback_status: Some(DeploymentStatus::Succeeded),
        rollback_counts: Some(counts(400, 0, 0, 0)),
        ..report("failed_rolled_back", 5)
    };
    let text = summary(&report);
    let told = "fleet     blue: all back in service on 4.17.2.zip\n          green: all out of service";
    assert!(text.contains(told), "{text}");
}
