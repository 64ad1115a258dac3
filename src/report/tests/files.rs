//! The stream, what is recorded of it, and what CI systems are told.

use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn every_line_of_the_stream_is_pure_json_whatever_it_holds() {
    let mut hostile = target("i-1", TargetStatus::Failed, EventName::Install, 5);
    hostile.failure = Some(Failure { log_tail: "\u{9b}2J\x1b[0m\u{202e}\n::error::".into(), ..failure() });
    let events = stream(vec![
        (0, Event::StreamStart { tool: "cdctl test".into() }),
        (5, told(DeploymentStatus::InProgress, counts(0, 1, 0, 0))),
        (6, Event::Target(Box::new(hostile))),
        (7, Event::Api(ApiEvent { state: ApiState::Throttled, error: None, retry_s: Some(15.5) })),
    ]);
    let text = played(|out| Box::new(Ndjson::new(out)), &events);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}')));
    assert_eq!(lines[2]["log_tail"], "\u{9b}2J\x1b[0m\u{202e}\n::error::", "the text itself is whole");
    assert_data_eq!(
        text.lines().take(2).collect::<Vec<_>>().join("\n"),
        str![[r#"
{"v":1,"seq":0,"ts":"2026-08-25T14:15:00.000Z","type":"stream_start","tool":"cdctl test","deployment":"d-7F3K2QX9A"}
{"v":1,"seq":1,"ts":"2026-08-25T14:15:05.000Z","type":"deployment","status":"InProgress","overview":{"ok":0,"run":1,"pend":0,"fail":0,"skip":0,"ready":0},"application":"shop-web","group":"prod-fleet","config":"CodeDeployDefault.HalfAtATime","minimum_healthy":1,"platform":"Server","creator":"user","revision":"s3://rel/shop-web/4.18.0.zip","previous_revision":"s3://rel/shop-web/4.17.2.zip?versionId=v7","create_time":"2026-08-25T14:15:00.000Z","start_time":"2026-08-25T14:15:01.000Z","complete_time":null,"deployment":"d-7F3K2QX9A"}
"#]]
    );
    assert_eq!(lines[3]["type"], "api");
}

/// All names of members in some JSON, and the words of types, codes and outcomes.
fn names(value: &serde_json::Value, names: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                names.insert(name.clone());
                if let (Some(word), "type" | "code" | "outcome" | "state") = (value.as_str(), name.as_str()) {
                    names.insert(word.to_owned());
                }
                self::names(value, names);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| self::names(value, names)),
        _ => {}
    }
}

#[test]
fn sre_19_the_stream_and_the_log_are_documented() {
    let page = include_str!("../../../docs/events.md");
    let notice = |code| Event::Notice { code, message: String::new(), exit: None };
    let waits = Waits { blue_green: true, ..Waits::default() };
    let zonal = Some(Zonal { monitor_s: Some(300), minimum: None });
    let whole = DeploymentEvent {
        waits,
        zonal,
        rolls_back: Some("d-0".into()),
        error: Some(ErrorEvent { code: "ready".into(), message: "m".into() }),
        messages: vec!["m".into()],
        ..deployment(DeploymentStatus::Failed, Some(counts(1, 0, 0, 1)))
    };
    let fleets = Some(Fleets { blue: counts(1, 0, 0, 0), green: counts(1, 0, 0, 0) });
    let report = Report {
        reason: Some(String::new()),
        messages: vec!["m".into()],
        blue_green: true,
        fleets,
        rollback_fleets: fleets,
        rollback_status: Some(DeploymentStatus::Failed),
        rollback_counts: Some(counts(1, 0, 0, 0)),
        rollback_hosts: Hosts { ok: hosts(0..1), skip: hosts(1..2) },
        rollback_left: Left { counts: counts(1, 0, 0, 0), hosts: Hosts::default() },
        rollback_causes: vec![cause(1, EventName::Install, "m", "t")],
        ..report("failed", 3)
    };
    let heartbeat = HeartbeatEvent {
        status: None,
        overview: None,
        elapsed_s: 1,
        last_poll_ok: true,
        answer_age_s: None,
        poll_s: 5.0,
    };
    let host = TargetEvent {
        label: Some("Blue".into()),
        phases: vec![phase(EventName::Install, EventStatus::Failed, None, None)],
        ..target("i-1", TargetStatus::Failed, EventName::Install, 5)
    };
    let mut events = vec![
        Event::StreamStart { tool: "cdctl".into() },
        Event::Deployment(Box::new(whole)),
        Event::Target(Box::new(host)),
        Event::Seen { targets: Vec::new() },
        Event::Heartbeat(heartbeat),
        Event::Rollback { rollback: "d-2".into(), message: None },
        Event::Result(Box::new(report)),
    ];
    use NoticeCode::*;
    let codes = [
        Targets,
        Config,
        RollbackMissing,
        Timeout,
        Stopping,
        NotStopped,
        Continuing,
        NotDone,
        RollbackAwaited,
        NotStarted,
    ];
    events.extend(codes.map(notice));
    for state in
        [ApiState::Ok, ApiState::Throttled, ApiState::Unreachable, ApiState::Credentials, ApiState::Refused]
    {
        events.push(Event::Api(ApiEvent { state, error: Some("e".into()), retry_s: Some(1.0) }));
    }
    let mut told = std::collections::BTreeSet::new();
    for event in events {
        let line = Stamped { region: Some("r".into()), ..stamped(0, 1, event) };
        names(&serde_json::to_value(line).unwrap(), &mut told);
    }
    // Those of `Outcome::word`, and the log's.
    let outcomes = "succeeded succeeded_with_failures failed failed_rolled_back failed_rollback_failed stopped \
        stopped_rolled_back stopped_rollback_failed stopped_by_alarm alarm_rolled_back alarm_rollback_failed reached \
        reached_with_failures ready timed_out detached unknown error closed";
    let log =
        "started continues ended progress target what phase traffic waits still message notice api rollback";
    told.extend(outcomes.split_whitespace().chain(log.split_whitespace()).map(str::to_owned));
    let missing: Vec<_> = told.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_ends_the_stream_and_nothing_else() {
    let event = stamped(0, 0, told(DeploymentStatus::InProgress, counts(1, 0, 0, 0)));
    let gone = || Stream::new(Gone);
    assert_eq!(Ndjson::new(gone()).event(&event), Err(Closed));
    assert_eq!(Log::new(gone()).event(&event), Ok(()));
    assert_eq!(Live::new(Canvas::new(Screen::fixed(gone(), 80, 24)), true, false).event(&event), Ok(()));
    let result = stamped(1, 0, Event::Result(Box::new(report("failed", 3))));
    assert_eq!(Summary::new(gone(), true, false).event(&result), Ok(()));
}

#[test]
fn sre_19_recorded_streams_show_the_same_bytes_again() {
    for events in [failing(), lambda_timeline(), ecs_timeline()] {
        let events = stream(events);
        let recorded = played(|out| Box::new(Record::new(out)), &events);
        let again: Vec<Stamped> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(again, events);
        assert!(
            (0..).zip(&again).all(|(seq, event)| event.v == 1 && event.seq == seq),
            "numbered, of version 1"
        );
        assert_eq!(played(|out| Box::new(Ndjson::new(out)), &again), recorded);
        let live = |events| played(|err| Box::new(Live::new(canvas(err), true, true)), events);
        let log = |events| played(|err| Box::new(Log::new(err)), events);
        assert_eq!((live(&again), log(&again)), (live(&events), log(&events)));
    }
}

#[test]
fn annotations_and_summary_let_nothing_from_outside_speak() {
    let summary = Buffer::default();
    let file = Stream::new(summary.clone());
    let told = played(|err| Box::new(GitHub::new(err, Some(file.into()))), &stream(failing()));
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_data_eq!(
        told,
        str![[r#"
::error title=d-7F3K2QX9A%3A ApplicationStart failed on 2 targets::no/r%0A::error::50%25%0Aon i-000, i-001

"#]]
    );
    let markdown = summary.text();
    assert!(markdown.starts_with("### Deployment d-7F3K2QX9A\n\n````text\n"), "{markdown}");
    assert!(markdown.trim_end().ends_with("\n````"), "{markdown}");
    assert!(!markdown.lines().any(|line| line.trim_start().starts_with("::")), "{markdown}");
}

#[test]
fn a_watch_that_was_left_says_in_ci_how_to_come_back() {
    let left =
        Report { status: Some(DeploymentStatus::InProgress), causes: Vec::new(), ..report("timed_out", 7) };
    let events = stream(vec![(1, Event::Result(Box::new(left)))]);
    assert_data_eq!(
        played(|err| Box::new(GitHub::new(err, None)), &events),
        str![[r#"
::error title=d-7F3K2QX9A%3A timed_out::TIMED OUT; the deployment goes on; next: cdctl deploy watch d-7F3K2QX9A

"#]]
    );
    let xml = played(|file| Box::new(JUnit::new(file)), &events);
    let told =
        "<failure message=\"TIMED OUT; the deployment goes on; next: cdctl deploy watch d-7F3K2QX9A\"/>";
    assert!(xml.contains(told), "{xml}");
}

#[test]
fn a_target_that_failed_between_two_events_says_so_in_ci() {
    let between = TargetEvent {
        event: None,
        failure: None,
        ..target("i-1", TargetStatus::Failed, EventName::Install, 5)
    };
    let cause = Cause { event: None, ..cause(1, EventName::Install, "", "") };
    let events = stream(vec![
        (1, Event::Target(Box::new(between))),
        (2, Event::Result(Box::new(Report { causes: vec![cause], ..report("failed", 3) }))),
    ]);
    let told = played(|err| Box::new(GitHub::new(err, None)), &events);
    assert!(
        told.starts_with("::error title=d-7F3K2QX9A%3A failed between two events on 1 target::"),
        "{told}"
    );
    let xml = played(|file| Box::new(JUnit::new(file)), &events);
    assert!(xml.contains("<failure message=\"between two events\">"), "{xml}");
}

#[test]
fn a_target_is_a_test_case() {
    let xml = played(|file| Box::new(JUnit::new(file)), &stream(failing()));
    assert_data_eq!(
        xml,
        str![[r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="d-7F3K2QX9A" tests="4" failures="3" skipped="0" time="728.000">
    <testcase classname="d-7F3K2QX9A" name="deployment"><failure message="FAILED: 2 targets failed for one cause"/></testcase>
    <testcase classname="d-7F3K2QX9A" name="i-1" time="0.000"/>
    <testcase classname="d-7F3K2QX9A" name="i-&lt;2&gt;" time="0.000"><failure message="ApplicationStart: Script at specified location: scripts/start.sh failed with exit code 1">[stdout]starting&#10;[stderr]Error: listen EADDRINUSE 0.0.0.0:8080&#10;</failure></testcase>
    <testcase classname="d-7F3K2QX9A" name="10 more targets"><failure message="not read: ok 0/10 run 0 fail 7 pend 0 skip 3"/></testcase>
  </testsuite>
</testsuites>

"#]]
    );
}
