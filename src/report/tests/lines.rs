//! The log and the sentences.

use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn the_log_of_a_failure() {
    let created = Event::Deployment(Box::new(deployment(DeploymentStatus::Created, None)));
    let mut failed = deployment(DeploymentStatus::Failed, Some(counts(4, 0, 0, 8)));
    failed.error = Some(ErrorEvent { code: "HEALTH_CONSTRAINTS".into(), message: "too many".into() });
    let api = |state, error: Option<&str>| {
        Event::Api(ApiEvent { state, error: error.map(Into::into), retry_s: error.map(|_| 15.0) })
    };
    let text = log(vec![
        (0, Event::StreamStart { tool: "cdctl test".into() }),
        (0, created),
        (5, told(DeploymentStatus::InProgress, counts(0, 6, 6, 0))),
        (8, seen("i-01", TargetStatus::InProgress, EventName::AfterInstall, 7)),
        (8, seen("i-02", TargetStatus::InProgress, EventName::Install, 7)),
        (30, told(DeploymentStatus::InProgress, counts(1, 5, 6, 0))),
        (31, told(DeploymentStatus::InProgress, counts(4, 5, 2, 1))),
        (32, seen("i-03", TargetStatus::Failed, EventName::ApplicationStart, 31)),
        (110, api(ApiState::Throttled, Some("ThrottlingException: Rate exceeded"))),
        (200, api(ApiState::Ok, None)),
        (205, api(ApiState::Throttled, Some("ThrottlingException: Rate exceeded"))),
        (206, api(ApiState::Ok, None)),
        (210, Event::Notice { code: NoticeCode::Config, message: "cannot be read".into() }),
        (400, Event::Deployment(Box::new(failed))),
        (401, Event::Rollback { rollback: "d-ROLL".into(), message: Some("Automatic".into()) }),
    ]);
    assert_data_eq!(
        text,
        str![[r#"
2026-08-25T14:15:00Z d-7F3K2QX9A created    shop-web/prod-fleet 4.17.2.zip -> 4.18.0.zip
2026-08-25T14:15:05Z d-7F3K2QX9A started    shop-web/prod-fleet 4.17.2.zip -> 4.18.0.zip, 12 targets, HalfAtATime
2026-08-25T14:15:31Z d-7F3K2QX9A progress   ok 4/12 run 5 fail 1 pend 2 | slowest i-01 AfterInstall 24s
2026-08-25T14:15:32Z d-7F3K2QX9A target     FAILED i-03 ApplicationStart: ScriptFailed: scripts/start.sh failed with exit code 1
2026-08-25T14:16:32Z d-7F3K2QX9A still      no change for 1m00s; 5 running
2026-08-25T14:16:50Z d-7F3K2QX9A api        throttled; next try in 15s: ThrottlingException: Rate exceeded
2026-08-25T14:17:50Z d-7F3K2QX9A still      no change for 2m18s; 5 running (throttled for 1m00s)
2026-08-25T14:18:20Z d-7F3K2QX9A api        answers again
2026-08-25T14:18:30Z d-7F3K2QX9A notice     cannot be read
2026-08-25T14:19:30Z d-7F3K2QX9A still      no change for 3m58s; 5 running
2026-08-25T14:20:30Z d-7F3K2QX9A still      no change for 4m58s; 5 running
2026-08-25T14:21:30Z d-7F3K2QX9A still      no change for 5m58s; 5 running
2026-08-25T14:21:41Z d-7F3K2QX9A ended      Failed after 6m39s: ok 4/12 run 0 fail 8 pend 0 (HEALTH_CONSTRAINTS)
2026-08-25T14:21:41Z d-7F3K2QX9A rollback   d-ROLL: Automatic

"#]]
    );
}

#[test]
fn sre_07_log_budget_of_two_hundred_targets() {
    let mut events = Vec::new();
    for done in 0..=200u64 {
        let overview = counts(done / 2, 200 - done, 0, done.div_ceil(2));
        events.push((5 + done as i64 * 10, told(DeploymentStatus::InProgress, overview)));
        if done % 2 == 1 {
            let id = format!("i-{done:03}");
            events.push((5 + done as i64 * 10, seen(&id, TargetStatus::Failed, EventName::Install, 5)));
        }
    }
    events.push((2010, told(DeploymentStatus::Failed, counts(100, 0, 0, 100))));
    let text = log(events);
    let heartbeats = text.lines().filter(|line| line.contains(" still ")).count();
    assert!(text.lines().count() - heartbeats <= 40, "changes:\n{text}");
    let times: Vec<Timestamp> = text.lines().map(|line| line[..20].parse().unwrap()).collect();
    for pair in times.windows(2) {
        let silence = (pair[1].as_second() - pair[0].as_second(), pair[0] < at(600));
        assert!(silence.0 <= if silence.1 { 60 } else { 300 }, "{pair:?}");
    }
    // In silence each sign of life states facts.
    let quiet = log(vec![
        (5, told(DeploymentStatus::InProgress, counts(0, 100, 100, 0))),
        (9, seen("i-1", TargetStatus::InProgress, EventName::Install, 7)),
        (1500, told(DeploymentStatus::InProgress, counts(0, 100, 100, 0))),
    ]);
    let beats: Vec<_> = quiet.lines().filter(|line| line.contains(" still ")).collect();
    assert!((10..=14).contains(&beats.len()), "{quiet}");
    assert!(
        beats.iter().all(|line| line.contains("no change for ") && line.contains("100 running: Install 1"))
    );
    let quick: String = text.lines().filter(|line| !line.contains(" still ")).collect();
    assert!(quick.matches(" FAILED ").count() <= 25);
    assert!(!text.contains('\x1b'));
}

#[test]
fn sre_15_log_times_are_utc_and_no_duration_is_negative() {
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    // Half a minute, in which the clocks of Berlin go back an hour.
    let (begin, end) = (instant("2026-10-25T02:59:50+02:00"), instant("2026-10-25T02:00:20+01:00"));
    let state = |status, done| {
        let counts = if done { counts(2, 0, 0, 0) } else { counts(0, 2, 0, 0) };
        let times = DeploymentEvent {
            create_time: Some(begin),
            start_time: Some(begin),
            complete_time: done.then_some(end),
            ..deployment(status, Some(counts))
        };
        Event::Deployment(Box::new(times))
    };
    // A host whose own clock is an hour ahead.
    let ahead = Some(end + Duration::from_secs(3600));
    let host = target("i-1", TargetStatus::InProgress, EventName::Install, 0);
    let host = TargetEvent { since: ahead, began: ahead, time: ahead, ..host };
    let events = [
        (begin, state(DeploymentStatus::InProgress, false)),
        (begin + Duration::from_secs(5), Event::Target(Box::new(host))),
        (end, state(DeploymentStatus::Succeeded, true)),
        (end, Event::Result(Box::new(report("succeeded", 0)))),
    ];
    let events: Vec<_> =
        (0..).zip(events).map(|(seq, (ts, event))| Stamped { ts, ..stamped(seq, 0, event) }).collect();
    let text = played(|err| Box::new(Log::new(err)), &events);
    let line = |word: &str| text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{text}"));
    assert!(line(" started ").starts_with("2026-10-25T00:59:50Z "), "{text}");
    assert!(line(" ended ").starts_with("2026-10-25T01:00:20Z "), "{text}");
    let mut view = View::default();
    for event in &events[..2] {
        view.event(event);
    }
    let spent: Vec<_> = view.slowest(1).into_iter().map(|(_, row)| view.time_in_event(row)).collect();
    assert_eq!(spent, [Some(Duration::ZERO)], "not less than nothing");
    view.event(&events[2]);
    assert_eq!(view.elapsed(), Some(Duration::from_secs(30)));
}

#[test]
fn sentences_leave_out_neither_what_is_ready_nor_later_failures() {
    let state = |run, ready, fail: u64, messages: &[&str]| {
        let counts = Counts { ready, ..counts(0, run, 100 - run - ready - fail, fail) };
        let messages = messages.iter().map(ToString::to_string).collect();
        let event = DeploymentEvent { messages, ..deployment(DeploymentStatus::InProgress, Some(counts)) };
        Event::Deployment(Box::new(event))
    };
    let mut events =
        vec![(5, state(10, 0, 0, &["zone a is next"])), (9, state(10, 40, 0, &["zone a is next"]))];
    events
        .extend((0..60).map(|n| (10, seen(&format!("i-{n}"), TargetStatus::Failed, EventName::Install, 9))));
    let spoken = played(|err| Box::new(Linear::new(err)), &stream(events));
    assert_eq!(spoken.matches("The service says: zone a is next").count(), 1, "{spoken}");
    assert!(spoken.contains("0 of 100 targets done, 10 at work, 50 waiting, 40 ready."), "{spoken}");
    assert_eq!(lines_with(&spoken, "Target i-").len(), 20, "{spoken}");
    let more = ["20 more targets failed, 40 in all.", "20 more targets failed, 60 in all."];
    assert_eq!(lines_with(&spoken, " more targets failed"), more);
}

#[test]
fn sre_20_accessible_sentences_for_a_screen_reader() {
    let spoken = played(|err| Box::new(Linear::new(err)), &stream(failing()));
    assert_data_eq!(
        spoken,
        str![[r#"
Deployment d-7F3K2QX9A of shop-web/prod-fleet is InProgress with 4.18.0.zip.
At least 1 target must stay healthy.
Target i-<2> failed in ApplicationStart: ScriptFailed: scripts/start.sh failed with exit code 1.
Deployment d-7F3K2QX9A is Failed.
1 of 2 targets done, 0 at work, 0 waiting, 1 failed.

"#]]
    );
}
