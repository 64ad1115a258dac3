//! What a frame says of the time that is left, of what is usual and of what is old.

use super::*;

#[test]
fn a_fleet_that_goes_zone_by_zone_has_no_forecast_and_says_what_it_waits_for() {
    let told = |overview: Counts| {
        let zonal = Some(Zonal { monitor_s: Some(300), minimum: Some(MinimumHealthyHosts::Percent(50)) });
        let messages = vec!["zone a is done".to_owned()];
        let event =
            DeploymentEvent { zonal, messages, ..deployment(DeploymentStatus::InProgress, Some(overview)) };
        Event::Deployment(Box::new(event))
    };
    let mut events = vec![(5, told(counts(0, 4, 8, 0)))];
    events.extend(
        (0..4)
            .map(|n| (40, seen(&format!("i-{n}"), TargetStatus::Succeeded, EventName::ValidateService, 30))),
    );
    events.push((41, told(counts(4, 0, 8, 0))));
    let mut view = view(events.clone());
    view.tick(&pulse(60));
    assert_eq!(view.forecast(), None);
    let frame = shown(&view, 100, 24);
    assert!(frame.contains("waits    for the next zone: 4 done, each zone is watched for 5m00s"), "{frame}");
    assert!(
        frame.contains("health   min 6 of 12; the 6th further failure stops it at the latest\nzones    min 50% of each zone; the API"),
        "{frame}"
    );
    fits(&framed(&view, 60, 24, true), 60, 24);
    events.push((150, told(counts(4, 0, 8, 0))));
    let text = log(events);
    assert!(text.contains("waits for the next zone"), "{text}");
    assert_eq!(text.matches("message    zone a is done").count(), 1, "{text}");
}

#[test]
fn a_host_that_was_looked_at_long_ago_is_neither_slow_nor_the_slowest() {
    let at_work =
        |id: &str, second, since| (second, seen(id, TargetStatus::InProgress, EventName::Install, since));
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 2, 0, 0)))];
    events.extend([at_work("i-old", 10, 6), at_work("i-new", 60, 20)]);
    let rows = |events: &[(i64, Event)]| {
        let mut view = view(events.to_vec());
        view.tick(&pulse(70));
        let lines = framed(&view, 80, 24, true);
        lines.into_iter().filter(|line| line.starts_with(" ●")).collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&events),
        [" ● i-new  Install              50s", " ● i-old  Install               4s  seen 1m00s ago"]
    );
    // Looked at again, it is what it seemed to be.
    events.push((69, Event::Seen { targets: vec!["i-old".into()] }));
    assert_eq!(rows(&events)[0], " ● i-old  Install            1m04s");
}

/// Twenty hosts, six of which are done.
fn busy_of_twenty() -> View {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 10, 10, 0)))];
    for n in 0..6 {
        let id = format!("i-{n}");
        let done = |event: &mut TargetEvent, at_second| event.time = Some(at(at_second));
        let mut ok = target(&id, TargetStatus::Succeeded, EventName::ValidateService, 40);
        done(&mut ok, 45 + n);
        events.push((50, Event::Target(Box::new(ok))));
    }
    events.push((51, told(DeploymentStatus::InProgress, counts(6, 10, 4, 0))));
    view(events)
}

#[test]
fn who_comes_late_learns_what_is_usual_from_those_that_are_done() {
    let mut events = vec![(500, told(DeploymentStatus::InProgress, counts(3, 1, 0, 0)))];
    for n in 0..3 {
        let mut done = target(&format!("i-{n}"), TargetStatus::Succeeded, EventName::ValidateService, 40);
        done.phases = vec![
            phase(EventName::Install, EventStatus::Succeeded, Some(10), Some(12 + n)),
            phase(EventName::AfterInstall, EventStatus::Skipped, None, None),
        ];
        events.push((501, Event::Target(Box::new(done))));
    }
    events.push((501, seen("i-slow", TargetStatus::InProgress, EventName::Install, 400)));
    let mut late = view(events);
    late.tick(&pulse(501));
    assert_eq!(late.usual(&EventName::Install), Some(Duration::from_secs(3)));
    assert_eq!(late.usual(&EventName::AfterInstall), None);
    assert!(shown(&late, 100, 24).contains("SLOW x33"), "{}", shown(&late, 100, 24));
    // A look that has missed events between two says nothing of the first; the one after it is its end.
    let next = |event: EventName, since| {
        let events = (0..3).flat_map(|n| {
            let id = format!("i-{n}");
            let seen = |event, since| seen(&id, TargetStatus::InProgress, event, since);
            [(20, seen(EventName::Install, 10)), (60, seen(event.clone(), since))]
        });
        view(events.collect()).usual(&EventName::Install)
    };
    assert_eq!(next(EventName::ValidateService, 55), None);
    assert_eq!(next(EventName::AfterInstall, 15), Some(Duration::from_secs(5)));
}

#[test]
fn sre_16_eta_is_a_range_and_goes_when_nothing_moves() {
    let mut moving = busy_of_twenty();
    moving.tick(&pulse(60));
    let (least, most) = moving.forecast().unwrap();
    assert!(least < most && least >= at(51), "{least} {most}");
    assert!(shown(&moving, 100, 24).contains("forecast done between"));
    moving.tick(&pulse(80));
    assert_eq!(moving.forecast(), Some((least.max(at(80)), most.max(at(80)))), "it does not run away");
    moving.tick(&pulse(300));
    assert_eq!(moving.forecast(), None, "nothing has moved");
    assert!(!shown(&moving, 100, 24).contains("forecast"));
    // Ten of 20 must stay. Of three in nine that fail, four more would be to come, and the third ends it; of one in seven two.
    let failing = |ok, failed| {
        let mut view = busy_of_twenty();
        view.event(&stamped(
            90,
            52,
            told(DeploymentStatus::InProgress, counts(ok, 10, 10 - ok - failed, failed)),
        ));
        view.tick(&pulse(60));
        view.forecast()
    };
    assert!(failing(6, 1).is_some());
    assert_eq!(failing(2, 7), None, "failures end it before");
    // A linear shift ends when its configuration says, to the second.
    for second in [20, 100, 250] {
        let mut shift = view(lambda_timeline());
        shift.tick(&pulse(second));
        let frame = shown(&shift, 100, 24);
        assert!(frame.contains("(14:27:10Z) if nothing breaks"), "{frame}");
    }
    // The slow host is told by the median of its own phase.
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 5, 0, 0)))];
    for n in 0..5 {
        events.push((9, seen(&format!("i-{n}"), TargetStatus::InProgress, EventName::Install, 6)));
    }
    for n in 0..4 {
        events.push((26, seen(&format!("i-{n}"), TargetStatus::InProgress, EventName::AfterInstall, 26)));
    }
    events.push((99, Event::Seen { targets: vec!["i-4".into()] }));
    let mut stalled = view(events);
    stalled.tick(&pulse(100));
    let frame = shown(&stalled, 100, 24);
    assert!(
        frame.contains("(usual for Install: 20s)")
            && frame.contains("i-4  Install            1m34s  SLOW x4"),
        "{frame}"
    );
}

#[test]
fn sre_04_what_is_old_is_not_shown_as_live() {
    let mut old = busy();
    let error = Some("dns error".to_owned());
    let event = ApiEvent { state: ApiState::Unreachable, error, retry_s: Some(32.0) };
    old.event(&stamped(99, 380, Event::Api(event)));
    old.tick(&Pulse { now: at(980), answer_age: Some(Duration::from_secs(608)) });
    for (width, height) in [(100, 30), (80, 24), (60, 24), (40, 24)] {
        let frame = shown(&old, width, height);
        assert!(frame.contains("api      unreachable; as of 10m08s ago"), "{frame}");
    }
    let text = log(vec![
        (5, told(DeploymentStatus::InProgress, counts(0, 6, 6, 0))),
        (30, Event::Api(ApiEvent { state: ApiState::Unreachable, error: None, retry_s: Some(32.0) })),
        (700, Event::Api(ApiEvent { state: ApiState::Ok, error: None, retry_s: None })),
    ]);
    let beats = text.lines().filter(|line| line.contains(" still "));
    assert!(
        beats.clone().count() >= 9 && beats.clone().all(|line| line.contains("(unreachable for ")),
        "{text}"
    );
}
