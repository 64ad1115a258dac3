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
    assert_eq!(
        Live::new(Canvas::new(Screen::fixed(gone(), 80, 24), true), true, false).event(&event),
        Ok(())
    );
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
