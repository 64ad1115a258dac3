//! What is an event, what is counted, and what a report names.

use super::*;
use crate::api::ErrorKind;
use crate::model::{
    AutoRollback, Diagnostics, EventName, EventStatus, LifecycleErrorCode, MinimumHealthyHosts, RollbackInfo,
    Serving, TaskSet, Waits,
};

fn deployment(status: &str, overview: Option<Overview>) -> Deployment {
    Deployment {
        id: "d-1".into(),
        application: None,
        group: None,
        config: None,
        platform: None,
        status: status.into(),
        creator: None,
        description: None,
        revision: None,
        previous_revision: None,
        create_time: None,
        start_time: None,
        complete_time: None,
        overview,
        error: None,
        rollback: RollbackInfo::default(),
        auto_rollback: AutoRollback::default(),
        waits: Waits::default(),
        messages: Vec::new(),
    }
}

fn target(id: &str, status: &str, event_status: &str) -> Target {
    Target {
        id: id.into(),
        kind: TargetKind::Other("EKSTarget".into()),
        status: status.into(),
        label: None,
        last_updated: None,
        events: vec![LifecycleEvent {
            name: EventName::ApplicationStop,
            status: event_status.into(),
            start_time: None,
            end_time: None,
            diagnostics: Some(Diagnostics {
                error_code: LifecycleErrorCode::ScriptFailed,
                script_name: "stop.sh".into(),
                message: "no".into(),
                log_tail: "tail".into(),
            }),
        }],
        serving: Serving::Unsaid,
    }
}

#[test]
fn only_changes_are_events_and_unknown_states_are_shown_as_they_are() {
    let mut tracker = Tracker::default();
    assert!(tracker.deployment(deployment("Sleeping", None)).is_some());
    assert_eq!(tracker.deployment(deployment("Sleeping", None)), None);
    assert_eq!(tracker.outcome(false), None, "an unknown state is no end");
    let Some(Event::Deployment(event)) = tracker.deployment(deployment("Dreaming", None)) else { panic!() };
    assert_eq!(event.status.as_str(), "Dreaming");
    let events = tracker.targets(&[target("a", "Waiting", "Napping")]);
    let [Event::Target(event)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.status.as_str(), event.kind.as_str()), ("Waiting", "EKSTarget"));
    let same = tracker.targets(&[target("a", "Waiting", "Napping")]);
    assert_eq!(same, [Event::Seen { targets: vec!["a".into()] }], "it was looked at, and that is all");
    tracker.targets(&[target("b", "Succeeded", "Succeeded")]);
    assert_eq!(tracker.targets(&[target("b", "Succeeded", "Succeeded")]), []);
}

#[test]
fn a_failure_counts_once_and_only_where_the_target_failed() {
    let mut tracker = Tracker::default();
    tracker.targets(&[target("a", "Failed", "Failed")]);
    tracker.targets(&[target("a", "Failed", "Failed"), target("b", "Succeeded", "Failed")]);
    let overview = Overview { succeeded: 1, failed: 3, ..Overview::default() };
    tracker.deployment(deployment("Succeeded", Some(overview)));
    let outcome = tracker.outcome(false).unwrap();
    assert_eq!(outcome, Outcome::SucceededInPart { failed: 3, refused: false });
    let report = tracker.report(&outcome, Timestamp::UNIX_EPOCH, None);
    assert_eq!(report.causes.len(), 1);
    assert_eq!(report.causes[0].targets, ["a"]);
    assert_eq!(report.failures_not_read, 2);
}

#[test]
fn a_report_names_the_first_hosts_that_have_finished() {
    let mut tracker = Tracker::default();
    let host =
        |id: String, status: &str| Target { kind: TargetKind::Instance, ..target(&id, status, status) };
    let mut targets: Vec<_> = (0..50).rev().map(|n| host(format!("i-{n:02}"), "Succeeded")).collect();
    targets.extend(["Skipped", "Failed", "Pending", "Dreaming"].map(|status| host(status.into(), status)));
    targets.push(Target { label: Some("Blue".into()), ..host("blue".into(), "Skipped") });
    targets.push(target("function", "Succeeded", "Succeeded"));
    tracker.targets(&targets);
    let report = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, None);
    assert_eq!(report.hosts.ok, (0..20).map(|n| format!("i-{n:02}")).collect::<Vec<_>>());
    assert_eq!(report.hosts.skip, ["Skipped"], "what has not finished may be anything now");
    let rollback = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, Some(&tracker));
    assert_eq!(rollback.rollback_hosts, report.hosts);
}

#[test]
fn task_sets_without_labels_get_theirs_but_in_a_rollback() {
    let set = |status: &str, weight| TaskSet {
        label: None,
        status: Some(status.into()),
        desired: 1,
        running: 1,
        pending: 0,
        weight: Some(weight),
        target_group: None,
    };
    let mut service = target("main:web", "InProgress", "InProgress");
    service.events[0].name = EventName::AllowTraffic;
    service.serving = Serving::Ecs { task_sets: vec![set("PRIMARY", 80.0), set("ACTIVE", 20.0)] };
    let labels = |creator: Creator| {
        let mut tracker = Tracker::default();
        let mut made = deployment("InProgress", None);
        made.creator = Some(creator);
        tracker.deployment(made);
        let events = tracker.targets(std::slice::from_ref(&service));
        let [Event::Target(event)] = events.as_slice() else { panic!("{events:?}") };
        let Serving::Ecs { task_sets } = &event.serving else { panic!("{event:?}") };
        task_sets.iter().map(|set| set.label.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(labels(Creator::User), ["Blue", "Green"]);
    assert_eq!(labels(Creator::Rollback), ["", ""]);
}

#[test]
fn a_target_that_was_stopped_between_two_events_has_failed_in_neither() {
    let mut stopped = target("a", "Failed", "Succeeded");
    stopped.events[0].end_time = Timestamp::from_second(5).ok();
    stopped.last_updated = Timestamp::from_second(300).ok();
    let event = target_event(&stopped);
    assert_eq!((event.event, event.event_status, event.failure), (None, None, None));
    assert_eq!(event.time, stopped.last_updated);
    stopped.status = TargetStatus::InProgress;
    assert_eq!(target_event(&stopped).event, Some(EventName::ApplicationStop), "one that waits is after it");
}

#[test]
fn fleets_that_are_not_what_is_counted_are_left_out_whatever_the_end() {
    let mut tracker = Tracker::default();
    let all = Overview { succeeded: 2, ..Overview::default() };
    tracker.deployment(Deployment {
        platform: Some(ComputePlatform::Server),
        waits: Waits { blue_green: true, ..Waits::default() },
        ..deployment("Succeeded", Some(all))
    });
    let host = |id: &str, label: &str, status: &str| Target {
        label: Some(label.into()),
        kind: TargetKind::Instance,
        ..target(id, status, status)
    };
    tracker.targets(&[host("g", "Green", "Succeeded"), host("b", "Blue", "InProgress")]);
    let report = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, None);
    assert_eq!((report.fleets, report.blue_green), (None, true), "the blue one was read before its end");
    tracker.targets(&[host("b", "Blue", "Succeeded")]);
    let report = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, Some(&tracker));
    assert_eq!(report.fleets.unwrap().blue.ok, 1);
    assert_eq!(report.rollback_fleets, report.fleets);
}

#[test]
fn trouble_is_told_when_it_changes() {
    let mut tracker = Tracker::default();
    let error = |kind| ApiError {
        operation: "GetDeployment".into(),
        kind,
        code: None,
        message: "no".into(),
        request_id: None,
    };
    let second = Duration::from_secs(1);
    assert_eq!(tracker.recovered(), None);
    assert!(tracker.failing(&error(ErrorKind::Throttled), second).is_some());
    assert_eq!(tracker.failing(&error(ErrorKind::Throttled), second), None);
    assert!(tracker.failing(&error(ErrorKind::Transient), second).is_some());
    assert!(tracker.recovered().is_some());
    assert_eq!(tracker.recovered(), None);
}

#[test]
fn the_minimum_of_healthy_hosts_follows_from_configuration_and_total() {
    let mut tracker = Tracker::default();
    let config = DeploymentConfig {
        name: "c".into(),
        minimum_healthy_hosts: Some(MinimumHealthyHosts::Percent(50)),
        routing: None,
        zonal: None,
    };
    assert_eq!(tracker.config(config), None, "not without a total");
    let overview = Overview { pending: 9, ..Overview::default() };
    let Some(Event::Deployment(event)) = tracker.deployment(deployment("InProgress", Some(overview))) else {
        panic!()
    };
    assert_eq!(event.minimum_healthy, Some(5));
}

#[test]
fn an_event_in_progress_has_its_own_times() {
    let mut working = target("a", "InProgress", "InProgress");
    working.events[0].start_time = Timestamp::from_second(5).ok();
    assert_eq!(target_event(&working).since, Timestamp::from_second(5).ok());
    assert_eq!(target_event(&working).failure, None, "diagnostics of what has not failed are no failure");
    assert_eq!(target_event(&working).event_status, Some(EventStatus::InProgress));
}

#[test]
fn no_minimum_follows_from_a_part_of_the_replacement() {
    let mut tracker = Tracker::default();
    tracker.config(DeploymentConfig {
        name: "c".into(),
        minimum_healthy_hosts: Some(MinimumHealthyHosts::Percent(50)),
        routing: None,
        zonal: None,
    });
    let host = |label: &str, n: u32| Target {
        label: Some(label.into()),
        kind: TargetKind::Instance,
        ..target(&format!("{label}-{n}"), "Pending", "Pending")
    };
    tracker.deployment(Deployment {
        platform: Some(ComputePlatform::Server),
        waits: Waits { blue_green: true, ..Waits::default() },
        ..deployment("InProgress", Some(Overview { pending: 400, ..Overview::default() }))
    });
    tracker.targets(&(0..200).map(|n| host("Blue", n)).collect::<Vec<_>>());
    tracker.targets(&(0..50).map(|n| host("Green", n)).collect::<Vec<_>>());
    assert_eq!(tracker.told().unwrap().minimum_healthy, None);
    tracker.targets(&(50..200).map(|n| host("Green", n)).collect::<Vec<_>>());
    assert_eq!(tracker.told().unwrap().minimum_healthy, Some(100));
}

#[test]
fn hosts_of_one_fleet_change_no_places() {
    // What Auto Scaling deploys of a blue/green group.
    let mut tracker = Tracker::default();
    tracker.deployment(Deployment {
        platform: Some(ComputePlatform::Server),
        waits: Waits { blue_green: true, ..Waits::default() },
        ..deployment("Succeeded", Some(Overview { succeeded: 1, ..Overview::default() }))
    });
    tracker.targets(&[Target { kind: TargetKind::Instance, ..target("i-1", "Succeeded", "Succeeded") }]);
    assert!(!tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, None).blue_green);
}
