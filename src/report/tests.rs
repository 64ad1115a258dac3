//! A scripted deployment through every reporter.

mod platforms;
mod shared;

use std::time::Duration;

use jiff::Timestamp;
use snapbox::{assert_data_eq, str};

use super::ci::{GitHub, JUnit};
use super::frame::{Look, frame, last_frame};
use super::linear::Linear;
use super::live::Live;
use super::log::Log;
use super::ndjson::Ndjson;
use super::record::Record;
use super::sink::Sink;
use super::summary::{Summary, compose};
use super::view::View;
use super::{Closed, Pulse, Reporter};
use crate::model::*;
use crate::ui::{Buffer, Canvas, Screen, Stream};
use crate::watch::causes::Cause;
use crate::watch::event::*;

const ID: &str = "d-7F3K2QX9A";

fn at(second: i64) -> Timestamp {
    "2026-08-25T14:15:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(second.unsigned_abs())
}

fn deployment(status: DeploymentStatus, overview: Option<Counts>) -> DeploymentEvent {
    let over = status.is_terminal();
    DeploymentEvent {
        status,
        overview,
        application: Some("shop-web".into()),
        group: Some("prod-fleet".into()),
        config: Some("CodeDeployDefault.HalfAtATime".into()),
        minimum_healthy: overview.map(|counts| counts.total().div_ceil(2)),
        platform: Some(ComputePlatform::Server),
        creator: Some(Creator::User),
        rolls_back: None,
        revision: Some("s3://rel/shop-web/4.18.0.zip".into()),
        previous_revision: Some("s3://rel/shop-web/4.17.2.zip?versionId=v7".into()),
        create_time: Some(at(0)),
        start_time: Some(at(1)),
        complete_time: over.then(|| at(400)),
        error: None,
        waits: Waits::default(),
        routing: None,
        zonal: None,
        messages: Vec::new(),
    }
}

fn counts(ok: u64, run: u64, pend: u64, fail: u64) -> Counts {
    Counts { ok, run, pend, fail, skip: 0, ready: 0 }
}

fn failure() -> Failure {
    Failure {
        error: LifecycleErrorCode::ScriptFailed,
        script: "scripts/start.sh".into(),
        message: "Script at specified location: scripts/start.sh failed with exit code 1".into(),
        log_tail: "[stdout]starting\n[stderr]Error: listen EADDRINUSE 0.0.0.0:8080\n".into(),
    }
}

fn target(id: &str, status: TargetStatus, event: EventName, since: i64) -> TargetEvent {
    let failed = status == TargetStatus::Failed;
    TargetEvent {
        id: id.into(),
        kind: TargetKind::Instance,
        label: None,
        status,
        event: Some(event),
        event_status: Some(if failed { EventStatus::Failed } else { EventStatus::InProgress }),
        since: Some(at(since)),
        began: Some(at(since.min(5))),
        time: Some(at(since)),
        phases: Vec::new(),
        serving: Serving::Unsaid,
        failure: failed.then(failure),
    }
}

fn stamped(seq: u64, second: i64, event: Event) -> Stamped {
    Stamped { v: VERSION, seq, ts: at(second), event, deployment: ID.to_owned(), region: None }
}

/// Deployment events and target events on one time line.
fn stream(events: Vec<(i64, Event)>) -> Vec<Stamped> {
    (0..).zip(events).map(|(seq, (second, event))| stamped(seq, second, event)).collect()
}

fn told(status: DeploymentStatus, overview: Counts) -> Event {
    Event::Deployment(Box::new(deployment(status, Some(overview))))
}

fn seen(id: &str, status: TargetStatus, event: EventName, since: i64) -> Event {
    Event::Target(Box::new(target(id, status, event, since)))
}

fn view(events: Vec<(i64, Event)>) -> View {
    let mut view = View::default();
    for event in stream(events) {
        view.event(&event);
    }
    view
}

fn pulse(second: i64) -> Pulse {
    Pulse { now: at(second), answer_age: Some(Duration::from_secs(2)) }
}

/// 200 targets: three failed, some at work.
fn busy() -> View {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(88, 97, 12, 3)))];
    for (id, event, since) in [
        ("i-0bd2", EventName::AfterInstall, 211),
        ("i-0e10", EventName::ValidateService, 320),
        ("i-01aa", EventName::Install, 339),
    ] {
        events.push((360, seen(id, TargetStatus::InProgress, event, since)));
    }
    for (id, event) in [
        ("i-0c77", EventName::DownloadBundle),
        ("i-0a1b", EventName::ApplicationStart),
        ("i-09ff", EventName::ApplicationStart),
    ] {
        events.push((365, seen(id, TargetStatus::Failed, event, 300)));
    }
    let mut view = view(events);
    view.tick(&pulse(372));
    view
}

fn look(width: usize, height: usize, unicode: bool) -> Look {
    Look { width, height, unicode, colour: false, panel: None, interrupt: None }
}

fn framed(view: &View, width: usize, height: usize, unicode: bool) -> Vec<String> {
    frame(view, &look(width, height, unicode))
}

fn shown(view: &View, width: usize, height: usize) -> String {
    framed(view, width, height, true).join("\n")
}

/// Whether a frame keeps to its screen.
fn fits(lines: &[String], width: usize, height: usize) {
    use unicode_width::UnicodeWidthStr;
    assert!(lines.len() < height.max(2), "{} lines on {height} rows", lines.len());
    for line in lines {
        assert!(line.width() <= width, "{} columns on {width}: {line}", line.width());
    }
}

#[test]
fn a_wide_frame() {
    assert_data_eq!(
        shown(&busy(), 100, 30),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  6m11s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user  as of 2s ago
[██████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░✗]  ok 88/200  run 97  pend 12  fail 3
health   at least 100 of 200 must stay healthy; 3 failed; the 97th further failure stops it

FUNNEL   Install 1 ▏ AfterInstall 1 ▏ Validate 1   (3 of 97 seen)
FAILED   3 targets, 2 causes
 ✗ 2x  ApplicationStart  ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0a1b, i-09ff
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
 ✗ 1x  DownloadBundle    ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0c77
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall       2m41s
 ● i-0e10  ValidateService      52s
 ● i-01aa  Install              33s
   … 94 more running, 12 pending   (cdctl deploy targets d-7F3K2QX9A)
14:20:00Z ✗ i-0a1b ApplicationStart failed   14:20:00Z ✗ i-09ff ApplicationStart failed
"#]]
    );
}

#[test]
fn a_usual_frame() {
    assert_data_eq!(
        shown(&busy(), 80, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  6m11s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user  as of 2s ago
[██████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░✗]  ok 88/200  run 97  pend 12  fail 3
health   min 100 of 200; 3 failed; the 97th further failure stops it

FUNNEL   Install 1 ▏ AfterInstall 1 ▏ Validate 1   (3 of 97 seen)
FAILED   3 targets, 2 causes
 ✗ 2x  ApplicationStart  ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0a1b, i-09ff
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
 ✗ 1x  DownloadBundle    ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0c77
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall       2m41s
 ● i-0e10  ValidateService      52s
 ● i-01aa  Install              33s
   … 94 more running, 12 pending   (cdctl deploy targets d-7F3K2QX9A)
14:20:00Z ✗ i-09ff ApplicationStart failed
"#]]
    );
}

#[test]
fn a_narrow_frame_and_the_bar_alone() {
    assert_data_eq!(
        shown(&busy(), 60, 20),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  6m11s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  as of 2s ago
[██████████▓▓▓▓▓▓▓▓▓▓░✗]  ok 88/200  run 97  pend 12  fail 3
health   min 100 of 200; 3 failed; stops at 97 more

FUNNEL   Validate 1 ▏ +2 phases, 2   (3 of 97 seen)
FAILED   3 targets, 2 causes
 ✗ 2x  ApplicationStart  ScriptFailed: scripts/start.sh fai…
      on i-0a1b, i-09ff
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
 ✗ 1x  DownloadBundle    ScriptFailed: scripts/start.sh fai…
      on i-0c77
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall       2m41s
 ● i-0e10  ValidateService      52s
 ● i-01aa  Install              33s
   … 94 more running, 12 pending
14:20:00Z ✗ i-09ff ApplicationStart failed
"#]]
    );
    assert_data_eq!(
        shown(&busy(), 50, 12),
        str![[r#"
d-7F3K2QX9A  InProgress  6m11s
[█████▓▓▓▓▓░✗]  ok 88/200  run 97  pend 12  fail 3
health   min 100/200; stops at 97 more

FAILED   3 targets, 2 causes
 ✗ 2x  ApplicationStart  on i-0a1b, i-09ff
 ✗ 1x  DownloadBundle  on i-0c77
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall     2m41s
 ● i-0e10  ValidateService    52s
   … 95 more running, 12 pending
"#]]
    );
    assert_data_eq!(shown(&busy(), 39, 8), str!["[████▓▓▓▓░✗]  ok 88/200  run 97  fail 3"]);
    assert_data_eq!(shown(&busy(), 20, 3), str!["[████▓▓▓▓░✗]  fail 3"]);
}

#[test]
fn ascii_and_what_stays_in_the_scrollback() {
    assert_data_eq!(
        framed(&busy(), 80, 10, false).join("\n"),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  6m11s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user  as of 2s ago
[##################====================...x]  ok 88/200  run 97  pend 12  fail 3
health   min 100 of 200; 3 failed; the 97th further failure stops it

FAILED   3 targets, 2 causes
 x 2x  ApplicationStart  ScriptFailed: scripts/start.sh failed with exit code...
 x 1x  DownloadBundle    ScriptFailed: scripts/start.sh failed with exit code...
   ... 97 more running, 12 pending   (cdctl deploy targets d-7F3K2QX9A)
"#]]
    );
    assert_data_eq!(
        last_frame(&busy(), 80, true, false).join("\n"),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  6m11s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user  as of 2s ago
[██████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░✗]  ok 88/200  run 97  pend 12  fail 3
health   min 100 of 200; 3 failed; the 97th further failure stops it
"#]]
    );
    assert_eq!(shown(&View::default(), 80, 24).lines().count(), 3);
}

#[test]
fn every_size_fits_and_colour_changes_no_text() {
    let view = busy();
    for width in 1..130 {
        for height in 1..40 {
            for unicode in [true, false] {
                let plain = framed(&view, width, height, unicode);
                fits(&plain, width, height);
                let painted = frame(&view, &Look { colour: true, ..look(width, height, unicode) });
                let bare: Vec<_> = painted.iter().map(|line| without_colour(line)).collect();
                assert_eq!(bare, plain);
            }
        }
    }
}

fn without_colour(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn sre_08_first_failure_of_a_thousand_is_the_first_row() {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 499, 500, 1)))];
    for n in 0..1000 {
        let status = if n == 999 { TargetStatus::Failed } else { TargetStatus::InProgress };
        events.push((9, seen(&format!("i-{n:04}"), status, EventName::Install, 6)));
    }
    let view = view(events);
    let lines = framed(&view, 80, 24, true);
    fits(&lines, 80, 24);
    assert!(lines[7].starts_with(" ✗ 1x  Install") && lines[8].ends_with("on i-0999"), "{lines:?}");
    assert_eq!(lines.len(), 23);
    assert_data_eq!(
        lines[21].clone(),
        str!["   … 989 more running, 500 pending   (cdctl deploy targets d-7F3K2QX9A)"]
    );
    let narrow = framed(&view, 39, 8, true).join("\n");
    assert!(narrow.contains("fail 1"), "{narrow}");
}

#[test]
fn hostile_strings_stay_harmless_in_a_frame() {
    let mut hostile = target("i-\x1b[2J\u{202e}", TargetStatus::Failed, EventName::Other("日本\n".into()), 5);
    hostile.failure = Some(Failure { message: "\x1b]0;owned\x07\r\n::error::x".repeat(99), ..failure() });
    let events = vec![
        (5, told(DeploymentStatus::Other("Sleeping\x07".into()), counts(0, 1, 0, 1))),
        (6, Event::Target(Box::new(hostile))),
    ];
    let lines = framed(&view(events), 80, 24, true);
    fits(&lines, 80, 24);
    assert!(lines.iter().all(|line| line.chars().all(|c| !c.is_control() && c != '\u{202e}')), "{lines:?}");
}

/// The reporter's output for a stream, with a tick a second between the events.
fn played(make: impl FnOnce(Stream) -> Box<dyn Reporter>, events: &[Stamped]) -> String {
    let buffer = Buffer::default();
    let mut reporter = make(Stream::new(buffer.clone()));
    let mut now = events[0].ts;
    for event in events {
        while now < event.ts {
            reporter.tick(&Pulse { now, answer_age: Some(Duration::from_secs(1)) });
            now += Duration::from_secs(1);
        }
        assert_eq!(reporter.event(event), Ok(()));
    }
    reporter.end();
    drop(reporter);
    buffer.text()
}

fn log(events: Vec<(i64, Event)>) -> String {
    played(|err| Box::new(Log::new(err)), &stream(events))
}

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
2026-08-25T14:16:32Z d-7F3K2QX9A still      no change for 1m00s; 5 running: Install 1, AfterInstall 1 (of 2 seen)
2026-08-25T14:16:50Z d-7F3K2QX9A api        throttled; next try in 15s: ThrottlingException: Rate exceeded
2026-08-25T14:17:50Z d-7F3K2QX9A still      no change for 2m18s; 5 running: Install 1, AfterInstall 1 (of 2 seen) (throttled for 1m00s)
2026-08-25T14:18:20Z d-7F3K2QX9A api        answers again
2026-08-25T14:18:30Z d-7F3K2QX9A notice     cannot be read
2026-08-25T14:19:30Z d-7F3K2QX9A still      no change for 3m58s; 5 running: Install 1, AfterInstall 1 (of 2 seen)
2026-08-25T14:20:30Z d-7F3K2QX9A still      no change for 4m58s; 5 running: Install 1, AfterInstall 1 (of 2 seen)
2026-08-25T14:21:30Z d-7F3K2QX9A still      no change for 5m58s; 5 running: Install 1, AfterInstall 1 (of 2 seen)
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
    assert!(text.lines().count() <= 40 + 20, "changes and heartbeats:\n{text}");
    let times: Vec<Timestamp> = text.lines().map(|line| line[..20].parse().unwrap()).collect();
    for pair in times.windows(2) {
        let silence = (pair[1].as_second() - pair[0].as_second(), pair[0] < at(600));
        assert!(silence.0 <= if silence.1 { 60 } else { 300 }, "{pair:?}");
    }
    let quick: String = text.lines().filter(|line| !line.contains(" still ")).collect();
    assert!(quick.matches(" FAILED ").count() <= 25);
    assert!(!text.contains('\x1b'));
}

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

/// As much of a terminal as the live view needs: text that wraps at the last column, `\r`, `\n`, and the cursor
/// moves and line clears of the screen.
struct Terminal {
    rows: Vec<Vec<char>>,
    at: (usize, usize),
    width: usize,
}

impl Terminal {
    fn show(text: &str, width: usize) -> Vec<String> {
        let mut terminal = Terminal { rows: vec![vec![' '; width]], at: (0, 0), width };
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => terminal.at.1 = 0,
                '\n' => terminal.line_feed(),
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let mut count = String::new();
                    let end = chars.by_ref().find(|c| {
                        if c.is_ascii_digit() {
                            count.push(*c);
                            false
                        } else {
                            true
                        }
                    });
                    terminal.control(end.unwrap(), count.parse().unwrap_or(1));
                }
                c => terminal.put(c),
            }
        }
        let lines = terminal.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned());
        lines.collect()
    }

    fn line_feed(&mut self) {
        self.at = (self.at.0 + 1, 0);
        if self.at.0 == self.rows.len() {
            self.rows.push(vec![' '; self.width]);
        }
    }

    fn put(&mut self, c: char) {
        if self.at.1 == self.width {
            self.line_feed();
        }
        self.rows[self.at.0][self.at.1] = c;
        self.at.1 += 1;
    }

    fn control(&mut self, end: char, count: usize) {
        match end {
            'A' => self.at.0 = self.at.0.saturating_sub(count),
            'B' => self.at.0 = (self.at.0 + count).min(self.rows.len() - 1),
            'J' => {
                self.rows.truncate(self.at.0 + 1);
                self.rows[self.at.0][self.at.1..].fill(' ');
            }
            'K' => self.rows[self.at.0][self.at.1..].fill(' '),
            'm' => {}
            other => panic!("an unexpected control sequence ends in {other}"),
        }
    }
}

#[test]
fn the_live_view_draws_and_leaves_its_last_frame() {
    let buffer = Buffer::default();
    let mut live =
        Live::new(Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24), true), true, true);
    let mut events = vec![told(DeploymentStatus::InProgress, counts(0, 6, 6, 0))];
    events.extend((0..6).map(|n| seen(&format!("i-{n}"), TargetStatus::InProgress, EventName::Install, 5)));
    let mut seq = 0;
    let mut take = |live: &mut Live, second: i64, event: Event| {
        seq += 1;
        assert_eq!(live.event(&stamped(seq, second, event)), Ok(()));
        live.tick(&pulse(second));
    };
    for event in events {
        take(&mut live, 6, event);
    }
    let now = Terminal::show(&buffer.text(), 80);
    assert_eq!(now.iter().filter(|line| line.starts_with(" ● i-")).count(), 6, "{now:#?}");
    take(&mut live, 7, Event::Notice { code: NoticeCode::Config, message: "not read".into() });
    for n in 0..6 {
        take(&mut live, 8, seen(&format!("i-{n}"), TargetStatus::Succeeded, EventName::Install, 5));
    }
    take(&mut live, 399, told(DeploymentStatus::Succeeded, counts(12, 0, 0, 0)));
    assert_eq!(live.event(&stamped(99, 400, Event::Result(Box::new(report("succeeded", 0))))), Ok(()));
    live.end();
    let drawn = buffer.text();
    drop(live);
    assert_eq!(buffer.text(), drawn, "nothing is cleared afterwards");
    let shown = Terminal::show(&(drawn + "what follows"), 80).join("\n");
    assert_data_eq!(
        shown.trim_end(),
        str![[r#"
notice: not read
d-7F3K2QX9A  shop-web/prod-fleet  Succeeded  6m39s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user
[████████████████████████████████████████████████████████████]  ok 12/12  fail 0
what follows
"#]]
    );
}

#[test]
fn what_is_rolled_back_stays_above_its_rollback() {
    let shown = |followed: bool| {
        let buffer = Buffer::default();
        let mut live =
            Live::new(Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24), true), true, false);
        let rollback = |status| Stamped {
            deployment: "d-ROLL".into(),
            ..stamped(5, 410, told(status, counts(9, 0, 0, 0)))
        };
        let mut events = vec![
            stamped(0, 6, told(DeploymentStatus::Failed, counts(1, 0, 0, 8))),
            stamped(1, 400, Event::Rollback { rollback: "d-ROLL".into(), message: None }),
        ];
        events.extend(followed.then(|| rollback(DeploymentStatus::InProgress)));
        events.extend(followed.then(|| rollback(DeploymentStatus::Succeeded)));
        events.push(stamped(9, 420, Event::Result(Box::new(report("failed", 3)))));
        for event in &events {
            assert_eq!(live.event(event), Ok(()));
            live.tick(&pulse(410));
        }
        live.end();
        let lines = Terminal::show(&buffer.text(), 80);
        lines.into_iter().filter(|line| line.starts_with("d-")).collect::<Vec<_>>()
    };
    let original = "d-7F3K2QX9A  shop-web/prod-fleet  Failed  6m39s elapsed";
    let rollback = "d-ROLL  shop-web/prod-fleet  Succeeded  6m39s elapsed  rolls back d-7F3K2QX9A";
    assert_eq!(shown(true), [original, rollback]);
    assert_eq!(shown(false), [original]);
}

fn cause(count: u64, event: EventName, message: &str, log_tail: &str) -> Cause {
    Cause {
        event: Some(event),
        error: "ScriptFailed".into(),
        script: "scripts/start.sh".into(),
        message: message.into(),
        log_tail: log_tail.into(),
        first: Some(at(120)),
        count,
        targets: hosts(0..count),
    }
}

fn hosts(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("i-{n:03}")).collect()
}

fn report(outcome: &'static str, exit: u8) -> Report {
    let text = |text: &str| Some(text.to_owned());
    Report {
        region: None,
        outcome: outcome.to_owned(),
        exit,
        reason: None,
        status: Some(DeploymentStatus::Failed),
        application: text("shop-web"),
        group: text("prod-fleet"),
        revision: text("s3://rel/shop-web/4.18.0.zip"),
        previous_revision: text("s3://rel/shop-web/4.17.2.zip?versionId=v7"),
        error: None,
        messages: Vec::new(),
        duration_s: Some(728.0),
        counts: Some(Counts { skip: 3, ..counts(1, 0, 0, 8) }),
        hosts: Hosts { ok: hosts(8..9), skip: hosts(9..12) },
        fleets: None,
        serving: Serving::Unsaid,
        causes: vec![cause(8, EventName::ApplicationStart, &failure().message, &failure().log_tail)],
        failures_not_read: 0,
        rollback: None,
        rollback_status: None,
        rollback_counts: None,
        rollback_hosts: Hosts::default(),
        rollback_fleets: None,
        rollback_left: Left::default(),
        rollback_causes: Vec::new(),
    }
}

fn summary(report: &Report) -> String {
    compose(ID, report, true, false).join("\n")
}

/// The end of a log as a hostile host, or a careless one, writes it; more than the service's 4 KB.
fn hostile_tail() -> String {
    let noise =
        "[stdout]\x1b[31mred\x1b[0m \u{fffd}\r\n::error::pwned\n##vso[task.setvariable variable=x]y\n"
            .repeat(99);
    noise + "[stderr]AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\n[stderr]Error: listen EADDRINUSE 0.0.0.0:8080\n"
}

#[test]
fn sre_13_cause_not_symptom_leads_the_summary() {
    let error = Some(ErrorEvent {
        code: "HEALTH_CONSTRAINTS".into(),
        message: "The overall deployment failed".into(),
    });
    // As the watch makes it of what hosts say.
    let said = Diagnostics {
        error_code: LifecycleErrorCode::ScriptFailed,
        script_name: "scripts/start.sh".into(),
        message: failure().message,
        log_tail: hostile_tail(),
    };
    let kept = Failure::of(&said);
    let mut causes = crate::watch::causes::Causes::default();
    for id in hosts(0..98) {
        causes.add(&id, Some(&EventName::ApplicationStart), Some(&kept), Some(at(120)));
    }
    let report = Report {
        error,
        causes: causes.list(),
        counts: Some(Counts { skip: 12, ..counts(90, 0, 0, 98) }),
        hosts: Hosts { ok: hosts(100..120), skip: hosts(188..200) },
        ..report("failed", 3)
    };
    assert_data_eq!(
        summary(&report),
        str![[r#"
✗ FAILED  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
why       98 targets failed for one cause; too few healthy ones were left (HEALTH_CONSTRAINTS)
  1  98x  ApplicationStart  ScriptFailed  scripts/start.sh  first 2026-08-25T14:17:00Z
     scripts/start.sh failed with exit code 1
     on i-000, i-001, i-002, i-003, i-004, i-005, i-006, i-007, +90
       [155 lines before]
       [stdout]/x1b[31mred/x1b[0m �
       .::error::pwned
       #.#vso[task.setvariable variable=x]y
       [stdout]/x1b[31mred/x1b[0m �
       .::error::pwned
       #.#vso[task.setvariable variable=x]y
       [stderr]AWS_SECRET_ACCESS_KEY=***
       [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
fleet     90 on 4.18.0.zip: i-100, i-101, i-102, i-103, i-104, i-105, +84 more
          98 broken (failed half way to 4.18.0.zip)
          12 untouched on 4.17.2.zip: i-188, i-189, i-190, i-191, i-192, i-193, +6 more
next      cdctl deploy logs d-7F3K2QX9A --failed
          cdctl deploy rollback d-7F3K2QX9A   # back to 4.17.2.zip
"#]]
    );
    let events = stream(vec![(11, Event::Result(Box::new(report)))]);
    let step = Buffer::default();
    let mut told = played(
        |err| Box::new(GitHub::new(err, Some(Sink::new("the step summary", Stream::new(step.clone()))))),
        &events,
    );
    told += &step.text();
    for text in [
        told,
        played(|file| Box::new(JUnit::new(file)), &events),
        played(|out| Box::new(Ndjson::new(out)), &events),
    ] {
        assert!(
            text.contains("98 targets failed for one cause")
                || text.contains("failed on 98 targets")
                || text.contains(r#""count":98"#),
            "{text}"
        );
        assert!(
            !text.contains("wJalrXUtnFEMI") && !text.contains('\x1b') && !text.contains("##vso["),
            "{text}"
        );
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::error::pwned")), "{text}");
    }
}

#[test]
fn the_fleet_is_told_by_revision_with_the_first_names_of_each() {
    let fleet = |report: &Report| {
        let text = summary(report);
        let lines: Vec<_> = text.lines().skip_while(|line| !line.starts_with("fleet")).collect();
        lines.into_iter().take_while(|line| !line.starts_with("next")).collect::<Vec<_>>().join("\n")
    };
    let many = Some(Counts { skip: 12, ..counts(88, 0, 0, 100) });
    let named = Hosts { ok: hosts(200..220), skip: hosts(100..101) };
    let mixed = Report { counts: many, hosts: named.clone(), ..report("failed", 3) };
    assert_data_eq!(
        fleet(&mixed),
        str![[r#"
fleet     88 on 4.18.0.zip: i-200, i-201, i-202, i-203, i-204, i-205, +82 more
          100 broken (failed half way to 4.18.0.zip)
          12 untouched on 4.17.2.zip: i-100, +11 more
"#]]
    );
    let on = Report {
        status: Some(DeploymentStatus::InProgress),
        counts: Some(counts(2, 3, 6, 0)),
        hosts: Hosts { ok: hosts(0..2), ..Hosts::default() },
        ..mixed.clone()
    };
    assert_data_eq!(
        fleet(&on),
        str![[r#"
fleet     2 on 4.18.0.zip: i-000, i-001
          3 at work on 4.18.0.zip
          6 untouched on 4.17.2.zip
"#]]
    );
    let back = Report {
        rollback: Some("d-ROLL".into()),
        rollback_counts: Some(Counts { skip: 3, ..counts(10, 0, 0, 2) }),
        rollback_hosts: Hosts { ok: vec!["rack-\x1b[2J".into()], skip: hosts(0..3) },
        ..mixed.clone()
    };
    assert_data_eq!(
        fleet(&back),
        str![[r#"
fleet     10 on 4.17.2.zip: rack-/x1b[2J, +9 more
          2 broken (failed half way to 4.17.2.zip)
          3 not reached by the rollback: i-000, i-001, i-002
"#]]
    );
    // What the rollback did not reach is as the deployment before has left it.
    let half = Report {
        rollback_counts: Some(Counts { skip: 100, ..counts(0, 0, 0, 100) }),
        rollback_hosts: Hosts { ok: Vec::new(), skip: hosts(0..20) },
        rollback_left: Left {
            counts: Counts { skip: 57, ..counts(43, 0, 0, 0) },
            hosts: Hosts { ok: hosts(200..220), skip: hosts(0..1) },
        },
        ..back
    };
    assert_data_eq!(
        fleet(&half),
        str![[r#"
fleet     100 broken (failed half way to 4.17.2.zip)
          43 still on 4.18.0.zip (not reached by the rollback): i-200, i-201, i-202, i-203, i-204, i-205, +37 more
          57 untouched on 4.17.2.zip: i-000, +56 more
"#]]
    );
    let two = |blue, green| Some(Fleets { blue, green });
    let moved = Report {
        fleets: two(Counts { skip: 3, ..counts(4, 0, 0, 1) }, counts(8, 0, 0, 0)),
        rollback_counts: None,
        ..half.clone()
    };
    assert_data_eq!(
        fleet(&moved),
        str![[r#"
fleet     green: 8 in service on 4.18.0.zip
          blue: 4 out of service, 1 failed on the way out of service, 3 in service on 4.17.2.zip
"#]]
    );
    let ready = two(counts(0, 0, 8, 0), Counts { ready: 8, ..Counts::default() });
    assert_data_eq!(
        fleet(&Report { fleets: ready, ..moved.clone() }),
        str![[r#"
fleet     green: 8 ready on 4.18.0.zip
          blue: 8 in service on 4.17.2.zip
"#]]
    );
    let returned = two(counts(8, 0, 0, 0), counts(7, 0, 0, 1));
    assert_data_eq!(
        fleet(&Report { rollback_fleets: returned, ..moved }),
        str![[r#"
fleet     blue: 8 back in service on 4.17.2.zip
          green: 7 out of service, 1 failed on the way out of service
"#]]
    );
    // Nobody was allowed to read them.
    let unread = Report { hosts: Hosts::default(), ..mixed };
    assert_data_eq!(
        fleet(&unread),
        str![
            "fleet     88 on 4.18.0.zip, 100 broken (failed half way to 4.18.0.zip), 12 untouched on 4.17.2.zip"
        ]
    );
}

#[test]
fn too_few_healthy_hosts_are_never_the_lead() {
    let error = Some(ErrorEvent { code: "HEALTH_CONSTRAINTS".into(), message: "The overall".into() });
    let unread = Report { error, causes: Vec::new(), failures_not_read: 8, ..report("failed", 3) };
    let why = |report: &Report| summary(report).lines().nth(1).unwrap().to_owned();
    assert_eq!(
        why(&unread),
        "why       8 targets failed, and why was not read; too few healthy ones were left (HEALTH_CONSTRAINTS)"
    );
    let nothing = Report { counts: None, failures_not_read: 0, ..unread };
    let said =
        "which targets failed, and why, was not read; too few healthy ones were left (HEALTH_CONSTRAINTS)";
    assert_eq!(why(&nothing), format!("why       {said}"));
    let events = stream(vec![(11, Event::Result(Box::new(nothing)))]);
    let annotation = played(|err| Box::new(GitHub::new(err, None)), &events);
    assert_eq!(annotation, format!("::error title=d-7F3K2QX9A%3A failed::{said}\n"));
    let xml = played(|file| Box::new(JUnit::new(file)), &events);
    assert!(xml.contains(&format!("name=\"deployment\"><failure message=\"FAILED: {said}\"/>")), "{xml}");
}

#[test]
fn the_summary_of_a_success() {
    let counts = Some(counts(12, 0, 0, 0));
    let good = Report { counts, causes: Vec::new(), ..report("succeeded", 0) };
    assert_data_eq!(
        summary(&good),
        str![[r#"
✓ SUCCEEDED  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
fleet     12 on 4.18.0.zip
"#]]
    );
    assert!(compose(ID, &good, false, true)[0].starts_with("\x1b[32m+ SUCCEEDED\x1b[0m  d-7F3K2QX9A  "));
}

#[test]
fn a_success_with_failed_targets_is_loud() {
    let counts = Some(counts(8, 0, 0, 4));
    let causes = vec![cause(4, EventName::ApplicationStart, "port taken", "")];
    let partial = Report { counts, causes, ..report("succeeded_with_failures", 0) };
    assert_data_eq!(
        summary(&partial),
        str![[r#"
! SUCCEEDED with 4 of 12 targets failed  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
why       4 targets failed for one cause
  1  4x  ApplicationStart  ScriptFailed  scripts/start.sh  first 2026-08-25T14:17:00Z
     port taken
     on i-000, i-001, i-002, i-003
fleet     8 on 4.18.0.zip: i-008, +7 more
          4 broken (failed half way to 4.18.0.zip)
next      cdctl deploy logs d-7F3K2QX9A --failed
          cdctl deploy rollback d-7F3K2QX9A   # back to 4.17.2.zip
"#]]
    );
    assert!(summary(&Report { exit: 3, ..partial }).starts_with("✗ FAILED: 4 of 12 targets failed"));
}

#[test]
fn the_summary_of_a_function_tells_its_live_version_and_the_whole_reason() {
    let message = "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration \
         is missing or has an invalid configuration. The Lambda function alias version does not match the current \
         version in AppSpec file.";
    let split = Report {
        causes: Vec::new(),
        counts: None,
        serving: checkout(0.1),
        error: Some(ErrorEvent { code: "INVALID_LAMBDA_CONFIGURATION".into(), message: message.into() }),
        previous_revision: None,
        ..report("failed", 3)
    };
    assert_data_eq!(
        summary(&split),
        str![[r#"
✗ FAILED  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
why       INVALID_LAMBDA_CONFIGURATION: The deployment failed because the AppSpec file that specifies the AWS Lambda deployment
          configuration is missing or has an invalid configuration. The Lambda function alias version does not match the current
          version in AppSpec file.
hint      a deployment that was stopped may have left the alias on two versions: look with `aws lambda get-alias`, point it at one of them, or deploy with its version as the current one
traffic   checkout:live v41 90%, v42 10%
next      cdctl deploy show d-7F3K2QX9A
"#]]
    );
    let fleet = |serving| {
        let text = summary(&Report { serving, ..split.clone() });
        text.lines().find(|line| line.starts_with("traffic")).unwrap().to_owned()
    };
    assert_eq!(fleet(checkout(0.0)), "traffic   checkout:live v41 100%");
    let set = |label: &str, weight| TaskSet {
        label: Some(label.into()),
        status: Some("ACTIVE".into()),
        desired: 1,
        running: 1,
        pending: 0,
        weight: Some(weight),
        target_group: None,
    };
    let sets = Serving::Ecs { task_sets: vec![set("Blue", 60.0), set("Green", 40.0)] };
    assert_eq!(fleet(sets), "traffic   Blue ACTIVE 60%, Green ACTIVE 40%");
}

#[test]
fn the_summary_of_a_rollback() {
    let rolled = Report {
        rollback: Some("d-ROLL".into()),
        rollback_status: Some(DeploymentStatus::Succeeded),
        rollback_counts: Some(counts(12, 0, 0, 0)),
        error: Some(ErrorEvent { code: "ALARM_ACTIVE".into(), message: "Activated alarms: a b".into() }),
        ..report("alarm_rolled_back", 5)
    };
    assert_data_eq!(
        summary(&rolled),
        str![[r#"
✗ STOPPED by an alarm, rolled back  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
why       ALARM_ACTIVE: Activated alarms: a b
          8 targets failed for one cause
  1  8x  ApplicationStart  ScriptFailed  scripts/start.sh  first 2026-08-25T14:17:00Z
     scripts/start.sh failed with exit code 1
     on i-000, i-001, i-002, i-003, i-004, i-005, i-006, i-007
       [stdout]starting
       [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
rollback  d-ROLL Succeeded 12/12 (automatic)
fleet     12 on 4.17.2.zip
next      cdctl deploy logs d-7F3K2QX9A --failed
"#]]
    );
    let alone = Report { rollback_status: None, rollback_counts: None, ..rolled };
    assert!(summary(&alone).contains("cdctl deploy watch d-ROLL"));
}

#[test]
fn the_summary_of_a_watch_that_was_left() {
    let left = Report {
        status: Some(DeploymentStatus::InProgress),
        counts: Some(counts(3, 3, 6, 0)),
        causes: Vec::new(),
        ..report("detached", 130)
    };
    assert_data_eq!(
        summary(&left),
        str![[r#"
! DETACHED; the deployment continues  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  12m08s since its start
fleet     3 on 4.18.0.zip: i-008, +2 more
          3 at work on 4.18.0.zip
          6 untouched on 4.17.2.zip: i-009, i-010, i-011, +3 more
next      cdctl deploy watch d-7F3K2QX9A
          cdctl deploy stop d-7F3K2QX9A
"#]]
    );
    let later = summary(&Report {
        status: Some(DeploymentStatus::Failed),
        rollback: Some("d-ROLL".into()),
        rollback_status: Some(DeploymentStatus::InProgress),
        ..left.clone()
    });
    assert!(later.contains("DETACHED; the rollback continues"), "{later}");
    assert!(later.ends_with("next      cdctl deploy watch d-ROLL"), "{later}");
    let reason = Some("ExpiredTokenException: expired".to_owned());
    let unknown = Report { reason, outcome: "unknown".into(), ..left };
    assert!(summary(&unknown).contains("why       ExpiredTokenException: expired"));
}

#[test]
fn the_summary_stays_short_and_harmless() {
    let tail = "\x1b[31mred\r\n::error::pwned\n##vso[task]\n".repeat(200);
    let causes = (0..9).map(|n| cause(100 - n, EventName::Install, &"long ".repeat(400), &tail)).collect();
    let message = format!("\n::error::x {}", "and on it goes ".repeat(99));
    let error = Some(ErrorEvent { code: "\x1b[2J".into(), message });
    let rollback_causes = vec![cause(1, EventName::Install, "m", &tail)];
    let wild = Report {
        causes,
        error,
        failures_not_read: 7,
        rollback: Some("d-R".into()),
        rollback_status: Some(DeploymentStatus::Failed),
        rollback_causes,
        ..report("failed_rollback_failed", 6)
    };
    let text = summary(&wild);
    assert!(text.lines().count() <= 60, "{}", text.lines().count());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    assert!(
        text.lines().all(|line| !line.trim_start().starts_with("::") && !line.trim_start().starts_with("##"))
    );
    assert!(text.lines().all(|line| line.chars().count() <= 220));
}

/// A deployment to one target, without counts, as Lambda and ECS tell it.
fn single(platform: ComputePlatform, status: DeploymentStatus, waits: Waits) -> Event {
    let routing = TrafficRouting::Linear { percent: 20, interval_s: 180 };
    Event::Deployment(Box::new(DeploymentEvent {
        config: Some("Linear20Percent".into()),
        minimum_healthy: None,
        platform: Some(platform),
        routing: Some(routing),
        waits,
        ..deployment(status, None)
    }))
}

fn phase(name: EventName, status: EventStatus, start: Option<i64>, end: Option<i64>) -> Phase {
    Phase { name, status, start: start.map(at), end: end.map(at) }
}

fn one_target(kind: TargetKind, status: TargetStatus, phases: Vec<Phase>, serving: Serving) -> Event {
    let time = phases.iter().filter_map(|phase| phase.end.or(phase.start)).max();
    let at = |status: EventStatus| phases.iter().find(|phase| phase.status == status);
    let failed = at(EventStatus::Failed).or_else(|| at(EventStatus::InProgress));
    let event = failed.map_or(EventName::AllowTraffic, |phase| phase.name.clone());
    Event::Target(Box::new(TargetEvent {
        kind,
        phases,
        serving,
        event: Some(event),
        time,
        failure: None,
        ..target("shop:checkout", status, EventName::AllowTraffic, 10)
    }))
}

fn checkout(weight: f64) -> Serving {
    Serving::Lambda {
        function: "checkout".into(),
        alias: "live".into(),
        current: "41".into(),
        target: "42".into(),
        weight: Some(weight),
    }
}

fn lambda_timeline() -> Vec<(i64, Event)> {
    use EventName::{AfterAllowTraffic, AllowTraffic, BeforeAllowTraffic};
    use EventStatus::{InProgress, Pending, Succeeded};
    let phases = |shift, end, after| {
        vec![
            phase(BeforeAllowTraffic, Succeeded, Some(2), Some(6)),
            phase(AllowTraffic, shift, Some(10), end),
            phase(AfterAllowTraffic, after, None, None),
        ]
    };
    let lambda = |status, phases, weight| one_target(TargetKind::Lambda, status, phases, checkout(weight));
    let running = DeploymentStatus::InProgress;
    vec![
        (3, single(ComputePlatform::Lambda, running, Waits::default())),
        (12, lambda(TargetStatus::InProgress, phases(InProgress, None, Pending), 0.2)),
        (192, lambda(TargetStatus::InProgress, phases(InProgress, None, Pending), 0.4)),
    ]
}

#[test]
fn a_function_shows_its_versions_traffic_and_phases() {
    let mut view = view(lambda_timeline());
    view.tick(&pulse(250));
    assert_data_eq!(
        shown(&view, 100, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  4m09s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user  as of 2s ago
function checkout:live   v41 60% -> v42 40%
traffic  [████████············] 40% set 40% actual  next 60% in 2m00s (14:21:10Z)
phases   ✓ BeforeAllowTraffic 4s  ● AllowTraffic 4m00s  - AfterAllowTraffic
forecast all moved in 8m00s (14:27:10Z) if nothing breaks
"#]]
    );
    assert_data_eq!(
        log(lambda_timeline()),
        str![[r#"
2026-08-25T14:15:03Z d-7F3K2QX9A started    shop-web/prod-fleet 4.17.2.zip -> 4.18.0.zip, Linear20Percent
2026-08-25T14:15:12Z d-7F3K2QX9A what       function checkout:live v41 -> v42
2026-08-25T14:15:12Z d-7F3K2QX9A phase      BeforeAllowTraffic Succeeded after 4s
2026-08-25T14:15:12Z d-7F3K2QX9A traffic    v42 20% (v41 80%); next 40% at 14:18:10Z, all at 14:27:10Z
2026-08-25T14:16:12Z d-7F3K2QX9A still      no change for 1m00s; AllowTraffic for 1m02s
2026-08-25T14:17:12Z d-7F3K2QX9A still      no change for 2m00s; AllowTraffic for 2m02s
2026-08-25T14:18:12Z d-7F3K2QX9A still      no change for 3m00s; AllowTraffic for 3m02s
2026-08-25T14:18:12Z d-7F3K2QX9A traffic    v42 40% (v41 60%); next 60% at 14:21:10Z, all at 14:27:10Z

"#]]
    );
}

fn ecs_timeline() -> Vec<(i64, Event)> {
    let set = |label: &str, status: &str, running, weight| TaskSet {
        label: Some(label.into()),
        status: Some(status.into()),
        desired: 12,
        running,
        pending: 12 - running,
        weight: Some(weight),
        target_group: Some(format!("tg-{}", label.to_lowercase())),
    };
    let serving = |green, weight: f64| Serving::Ecs {
        task_sets: vec![set("Blue", "PRIMARY", 12, 100.0 - weight), set("Green", "ACTIVE", green, weight)],
    };
    let ended = EventStatus::Succeeded;
    let install = |status, end| vec![phase(EventName::Install, status, Some(4), end)];
    let mut all = install(ended.clone(), Some(160));
    all.push(phase(EventName::AllowTraffic, ended.clone(), Some(170), Some(890)));
    let waits =
        Waits { blue_green: true, traffic_control: true, termination_s: Some(3600), ..Waits::default() };
    let running = DeploymentStatus::InProgress;
    let ecs = |status, phases, serving| one_target(TargetKind::Ecs, status, phases, serving);
    vec![
        (3, single(ComputePlatform::Ecs, running, waits)),
        (20, ecs(TargetStatus::InProgress, install(EventStatus::InProgress, None), serving(7, 0.0))),
        (900, ecs(TargetStatus::Succeeded, all, serving(12, 100.0))),
    ]
}

#[test]
fn a_service_shows_its_task_sets_and_the_wait_that_the_service_does_not_tell() {
    let events = ecs_timeline();
    let mut early = view(events[..2].to_vec());
    early.tick(&pulse(60));
    assert_data_eq!(
        shown(&early, 80, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  59s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user  as of 2s ago
TASK SET STATE     DESIRED  RUN PEND  PROD  TARGET GROUP
blue     PRIMARY        12   12    0  100%  tg-blue
green    ACTIVE         12    7    5    0%  tg-green
traffic  [··············] 0% actual
phases   ● Install 56s
"#]]
    );
    let mut view = view(events);
    view.tick(&pulse(1000));
    assert_data_eq!(
        shown(&view, 80, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  InProgress  16m39s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user  as of 2s ago
TASK SET STATE     DESIRED  RUN PEND  PROD  TARGET GROUP
blue     PRIMARY        12   12    0    0%  tg-blue
green    ACTIVE         12   12    0  100%  tg-green
traffic  [██████████████] 100% actual
phases   ✓ Install 2m36s  ✓ AllowTraffic 12m00s
waits    for the end of the original in 58m10s (15:29:50Z)
         all traffic has moved; until then a rollback only moves it back
         continue: cdctl deploy continue d-7F3K2QX9A
"#]]
    );
    assert_data_eq!(
        log(ecs_timeline()),
        str![[r#"
2026-08-25T14:15:03Z d-7F3K2QX9A started    shop-web/prod-fleet 4.17.2.zip -> 4.18.0.zip, Linear20Percent
2026-08-25T14:15:20Z d-7F3K2QX9A what       blue PRIMARY: 12/12 running, traffic 100%, tg-blue
2026-08-25T14:15:20Z d-7F3K2QX9A what       green ACTIVE: 7/12 running (5 pending), traffic 0%, tg-green
2026-08-25T14:15:20Z d-7F3K2QX9A traffic    green 0% (blue 100%)
2026-08-25T14:16:20Z d-7F3K2QX9A still      no change for 1m00s; Install for 1m16s
2026-08-25T14:17:20Z d-7F3K2QX9A still      no change for 2m00s; Install for 2m16s
2026-08-25T14:18:20Z d-7F3K2QX9A still      no change for 3m00s; Install for 3m16s
2026-08-25T14:19:20Z d-7F3K2QX9A still      no change for 4m00s; Install for 4m16s
2026-08-25T14:20:20Z d-7F3K2QX9A still      no change for 5m00s; Install for 5m16s
2026-08-25T14:21:20Z d-7F3K2QX9A still      no change for 6m00s; Install for 6m16s
2026-08-25T14:22:20Z d-7F3K2QX9A still      no change for 7m00s; Install for 7m16s
2026-08-25T14:23:20Z d-7F3K2QX9A still      no change for 8m00s; Install for 8m16s
2026-08-25T14:24:20Z d-7F3K2QX9A still      no change for 9m00s; Install for 9m16s
2026-08-25T14:25:20Z d-7F3K2QX9A still      no change for 10m00s; Install for 10m16s
2026-08-25T14:30:00Z d-7F3K2QX9A phase      Install Succeeded after 2m36s
2026-08-25T14:30:00Z d-7F3K2QX9A phase      AllowTraffic Succeeded after 12m00s
2026-08-25T14:30:00Z d-7F3K2QX9A traffic    green 100% (blue 0%)

"#]]
    );
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
fn a_blue_green_fleet_says_what_it_waits_for_and_until_when() {
    let told = |status, ready| {
        let waits = Waits {
            blue_green: true,
            traffic_control: true,
            ready_s: Some(3600),
            termination_s: Some(3600),
            termination_started: false,
        };
        let counts = Counts { ready, ..counts(0, 4 - ready, 0, 0) };
        Event::Deployment(Box::new(DeploymentEvent { waits, ..deployment(status, Some(counts)) }))
    };
    let events = || vec![(5, told(DeploymentStatus::InProgress, 0)), (300, told(DeploymentStatus::Ready, 4))];
    let mut view = view(events());
    view.tick(&pulse(400));
    assert_data_eq!(
        shown(&view, 100, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  Ready  6m39s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user  as of 2s ago
[▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒]  ok 0/4  ready 4  fail 0
health   at least 2 of 4 must stay healthy; the 3rd further failure stops it
waits    for `continue`: the replacement is ready
         without it the deployment stops in 58m20s (15:20:00Z)
         continue: cdctl deploy continue d-7F3K2QX9A
         stop:     cdctl deploy stop d-7F3K2QX9A --rollback
"#]]
    );
    assert_data_eq!(
        log(events()),
        str![[r#"
2026-08-25T14:15:05Z d-7F3K2QX9A started    shop-web/prod-fleet 4.17.2.zip -> 4.18.0.zip, 4 targets, HalfAtATime
2026-08-25T14:16:05Z d-7F3K2QX9A progress   ok 0/4 run 4 fail 0 pend 0
2026-08-25T14:17:05Z d-7F3K2QX9A still      no change for 2m00s
2026-08-25T14:18:05Z d-7F3K2QX9A still      no change for 3m00s
2026-08-25T14:19:05Z d-7F3K2QX9A still      no change for 4m00s
2026-08-25T14:20:00Z d-7F3K2QX9A ready      ok 0/4 run 0 fail 0 pend 0 ready 4; waits for `continue`: the replacement is ready; without it the deployment stops in 1h00m (15:20:00Z); continue: cdctl deploy continue d-7F3K2QX9A

"#]]
    );
}

/// A deployment that is Ready, of which one has read nothing before; its hosts are read at these seconds.
fn attached_while_ready(ready_s: Option<u64>, read: &[(i64, i64)], last: i64) -> Vec<(i64, Event)> {
    let waits = Waits {
        blue_green: true,
        traffic_control: true,
        ready_s,
        termination_s: None,
        termination_started: false,
    };
    let counts = Counts { ready: 2, ..counts(0, 0, 0, 0) };
    let event = DeploymentEvent { waits, ..deployment(DeploymentStatus::Ready, Some(counts)) };
    let state = || Event::Deployment(Box::new(event.clone()));
    let host = |(n, (second, since)): (usize, &(i64, i64))| {
        (*second, seen(&format!("i-{n}"), TargetStatus::Ready, EventName::ValidateService, *since))
    };
    let mut events = vec![(300, state())];
    events.extend(read.iter().enumerate().map(host));
    events.push((last, state()));
    events
}

fn lines_with<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(word)).collect()
}

#[test]
fn sre_12_attached_while_it_is_ready_one_is_told_what_to_do_and_what_comes_of_it_by_itself() {
    // Since when it waits is known by its targets alone, which are read a little later, or much later.
    for read in [301, 310, 345] {
        let events = || attached_while_ready(Some(3600), &[(read - 1, 200), (read, 240)], 350);
        let text = log(events());
        let waits = lines_with(&text, " waits ");
        let last = waits.last().unwrap_or_else(|| panic!("{text}"));
        // Which action, by when, and what happens then by itself; the last host was ready at 14:19:00.
        for words in [
            "for `continue`: the replacement is ready",
            "without it the deployment stops in ",
            "(15:19:00Z)",
            "continue: cdctl deploy continue d-7F3K2QX9A",
        ] {
            assert!(last.contains(words), "{words}: {text}");
        }
        assert!(!last.contains("or later"), "{text}");
        let spoken = played(|err| Box::new(Linear::new(err)), &stream(events()));
        let told = lines_with(&spoken, "It waits for `continue`");
        assert!(
            told.iter().all(|line| line.contains("the deployment stops in ") && line.contains("(15:19:00Z)"))
        );
        assert_eq!(told.len(), 1, "{spoken}");
        assert!(spoken.contains("To continue: cdctl deploy continue d-7F3K2QX9A."), "{spoken}");
    }
    // Before its hosts are read nothing is said of a time, and nothing that later proves wrong.
    let unread = log(attached_while_ready(Some(3600), &[], 340));
    assert_eq!(lines_with(&unread, " waits "), Vec::<&str>::new(), "{unread}");
    let one = log(attached_while_ready(Some(3600), &[(301, 200)], 345));
    let waits = lines_with(&one, " waits ");
    assert!(waits.len() == 1 && waits[0].contains("(15:18:20Z) or later"), "{one}");
    let silent = log(attached_while_ready(Some(3600), &[], 365));
    assert!(silent.contains("; when that is, its targets tell, which are being read"), "{silent}");
    let mut denied = attached_while_ready(Some(3600), &[], 340);
    denied.insert(1, (301, Event::Notice { code: NoticeCode::Targets, message: "cannot be read".into() }));
    let denied = log(denied);
    assert!(
        lines_with(&denied, " waits ")[0].contains("its targets would tell, which cannot be read"),
        "{denied}"
    );
    let endless = log(attached_while_ready(None, &[(301, 240)], 320));
    assert!(
        lines_with(&endless, " waits ")[0].contains("`continue`") && !endless.contains("stops in"),
        "no deadline is made up: {endless}"
    );
}

#[test]
fn the_first_line_of_a_termination_wait_has_its_end_too() {
    let waits = Waits {
        blue_green: true,
        traffic_control: true,
        ready_s: None,
        termination_s: Some(3600),
        termination_started: true,
    };
    let event =
        DeploymentEvent { waits, ..deployment(DeploymentStatus::InProgress, Some(counts(2, 0, 0, 0))) };
    let state = || Event::Deployment(Box::new(event.clone()));
    let host = |id, since| seen(id, TargetStatus::Succeeded, EventName::AfterBlockTraffic, since);
    let text = log(vec![(300, state()), (304, host("i-1", 200)), (309, host("i-2", 240)), (330, state())]);
    let waits = lines_with(&text, " waits ");
    assert!(
        waits.len() == 1 && waits[0].contains("for the end of the original in 58m51s (15:19:00Z)"),
        "{text}"
    );
}

#[test]
fn the_next_step_of_the_traffic_is_told_once_it_is_known() {
    let mut events = lambda_timeline();
    // The configuration is read after the target.
    let Event::Deployment(known) = events[0].1.clone() else { panic!() };
    let unknown = DeploymentEvent { routing: None, ..known.as_ref().clone() };
    events[0].1 = Event::Deployment(Box::new(unknown));
    events.insert(2, (14, Event::Deployment(known)));
    let text = log(events);
    let told = lines_with(&text, " traffic ");
    assert!(told[0].ends_with("v42 20% (v41 80%)"), "{text}");
    assert!(told[1].ends_with("v42 20% (v41 80%); next 40% at 14:18:10Z, all at 14:27:10Z"), "{text}");
}

#[test]
fn sre_17_kinds_and_states_that_nobody_knows_are_shown() {
    let stack = Serving::CloudFormation { resource_type: "AWS::ECS::TaskSet".into(), weight: Some(40.0) };
    let phases =
        vec![phase(EventName::Other("Bake".into()), EventStatus::Other("Napping".into()), None, None)];
    let kind = TargetKind::Other("EKSTarget".into());
    let events = vec![
        (3, single(ComputePlatform::Other("Kubernetes".into()), "Dreaming".into(), Waits::default())),
        (9, one_target(kind, "Dozing".into(), phases, stack)),
    ];
    let mut view = view(events);
    view.tick(&pulse(30));
    assert_data_eq!(
        shown(&view, 80, 24),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  Dreaming  29s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user  as of 2s ago
resource AWS::ECS::TaskSet
traffic  [██████········] 40% actual
phases   - Bake (Napping)
"#]]
    );
    // Verbatim in the log as well, and nothing in it acts.
    let status = DeploymentStatus::Other("Dreaming\x1b[2J".into());
    let text = log(vec![
        (3, told(DeploymentStatus::InProgress, counts(0, 1, 0, 0))),
        (9, told(status, counts(0, 1, 0, 0))),
    ]);
    assert!(text.contains("d-7F3K2QX9A Dreaming\\x1b[2J ok 0/1"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

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

#[test]
fn several_views_share_the_screen_by_what_they_need() {
    let over = view(vec![(5, told(DeploymentStatus::Succeeded, counts(12, 0, 0, 0)))]);
    let lines = super::frame::frames(&[over, busy(), busy()], &look(80, 24, true));
    assert!(lines.len() <= 23, "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("FAILED   3 targets")).count(), 2, "{lines:#?}");
}

#[test]
fn sre_16_eta_is_a_range_and_goes_when_nothing_moves() {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 10, 10, 0)))];
    for n in 0..6 {
        let id = format!("i-{n}");
        let done = |event: &mut TargetEvent, at_second| event.time = Some(at(at_second));
        let mut ok = target(&id, TargetStatus::Succeeded, EventName::ValidateService, 40);
        done(&mut ok, 45 + n);
        events.push((50, Event::Target(Box::new(ok))));
    }
    events.push((51, told(DeploymentStatus::InProgress, counts(6, 10, 4, 0))));
    let mut moving = view(events);
    moving.tick(&pulse(60));
    let (least, most) = moving.forecast().unwrap();
    assert!(least < most && least >= at(51), "{least} {most}");
    assert!(shown(&moving, 100, 24).contains("forecast done between"));
    moving.tick(&pulse(80));
    assert_eq!(moving.forecast(), Some((least.max(at(80)), most.max(at(80)))), "it does not run away");
    moving.tick(&pulse(300));
    assert_eq!(moving.forecast(), None, "nothing has moved");
}

#[test]
fn usual_reasons_are_named() {
    let mut report = report("failed", 3);
    report.causes = vec![Cause { log_tail: String::new(), ..cause(1, EventName::AllowTraffic, "", "") }];
    assert!(summary(&report).contains("hint: no script ran: the load balancer"));
    report.causes = vec![cause(1, EventName::ApplicationStop, "failed", "")];
    assert!(summary(&report).contains("--ignore-application-stop-failures"));
    let agent = "CodeDeploy agent was not able to receive the lifecycle event. Check the agent logs.";
    report.causes = vec![cause(1, EventName::BeforeInstall, agent, "")];
    assert!(summary(&report).contains("is its agent running"));
    report.causes = Vec::new();
    report.error = Some(ErrorEvent {
        code: "INVALID_LAMBDA_CONFIGURATION".into(),
        message: "The Lambda function alias version does not match the current version in AppSpec file."
            .into(),
    });
    assert!(summary(&report).contains("aws lambda get-alias"));
}

#[test]
fn sre_19_recorded_streams_show_the_same_bytes_again() {
    for events in [failing(), lambda_timeline(), ecs_timeline()] {
        let events = stream(events);
        let recorded = played(|out| Box::new(Record::new(out)), &events);
        let again: Vec<Stamped> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(again, events);
        assert_eq!(played(|out| Box::new(Ndjson::new(out)), &again), recorded);
        let live = |events| played(|err| Box::new(Live::new(canvas(err), true, true)), events);
        let log = |events| played(|err| Box::new(Log::new(err)), events);
        assert_eq!((live(&again), log(&again)), (live(&events), log(&events)));
    }
}

fn canvas(err: Stream) -> Canvas {
    Canvas::new(Screen::fixed(err, 80, 24), true)
}

fn failing() -> Vec<(i64, Event)> {
    let mut failed = report("failed", 3);
    failed.causes = vec![cause(2, EventName::ApplicationStart, "no\r\n::error::50%", "```\n::warning::x")];
    vec![
        (1, told(DeploymentStatus::InProgress, counts(0, 2, 0, 0))),
        (9, seen("i-1", TargetStatus::Succeeded, EventName::ValidateService, 5)),
        (9, seen("i-<2>", TargetStatus::Failed, EventName::ApplicationStart, 5)),
        (10, told(DeploymentStatus::Failed, counts(1, 0, 0, 1))),
        (11, Event::Result(Box::new(failed))),
    ]
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
