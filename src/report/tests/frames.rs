//! Frames of the live view on screens of many sizes.

use snapbox::{assert_data_eq, str};

use super::*;

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
      │ [stdout]starting
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
 ✗ 1x  DownloadBundle    ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0c77
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall       2m29s
 ● i-0e10  ValidateService      40s
 ● i-01aa  Install              21s
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
      │ [stdout]starting
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
 ✗ 1x  DownloadBundle    ScriptFailed: scripts/start.sh failed with exit code 1
      on i-0c77
      │ [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
RUNNING  slowest of 3 seen first
 ● i-0bd2  AfterInstall       2m29s
 ● i-0e10  ValidateService      40s
 ● i-01aa  Install              21s
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
 ● i-0bd2  AfterInstall       2m29s
 ● i-0e10  ValidateService      40s
 ● i-01aa  Install              21s
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
 ● i-0bd2  AfterInstall     2m29s
 ● i-0e10  ValidateService    40s
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
        str!["   … 990 more running, 500 pending   (cdctl deploy targets d-7F3K2QX9A)"]
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

/// A fleet of which not all hosts are looked at each time.
fn sampled(run: u64) -> Vec<(i64, Event)> {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 80, 40, 0)))];
    let host = |n: i64| format!("i-{n:03}");
    for n in 0..80 {
        events.push((7, seen(&host(n), TargetStatus::InProgress, EventName::BeforeInstall, 6)));
    }
    for n in 0..20 {
        events.push((8, seen(&host(n), TargetStatus::InProgress, EventName::Install, 7)));
    }
    // One of them is looked at again, and is slow; what became of the others nobody has seen.
    events.push((24, Event::Seen { targets: vec![host(0)] }));
    events.push((24, told(DeploymentStatus::InProgress, counts(80 - run, run, 40, 0))));
    events
}

#[test]
fn of_a_sample_nothing_is_told_but_what_was_seen() {
    let mut all = view(sampled(80));
    all.tick(&pulse(26));
    let frame = shown(&all, 100, 30);
    assert_data_eq!(
        frame.lines().filter(|line| line.starts_with(" ●")).take(3).collect::<Vec<_>>().join("\n"),
        str![[r#"
 ● i-000  Install              17s
 ● i-001  Install               1s
 ● i-002  Install               1s
"#]]
    );
    assert!(
        !frame.contains("SLOW") && frame.contains("(80 of 80 seen)") || !frame.contains(" seen)"),
        "{frame}"
    );
    // By now they are fewer, which is exact.
    let mut few = view(sampled(21));
    few.tick(&pulse(26));
    let frame = shown(&few, 100, 30);
    assert!(frame.contains("FUNNEL   BeforeInstall 1 ▏ Install 20\n"), "{frame}");
    // In a time without looks at targets what was seen grows old, and the counts go on.
    let mut events = sampled(21);
    events.push((30, Event::Api(ApiEvent { state: ApiState::Throttled, error: None, retry_s: None })));
    events.push((60, told(DeploymentStatus::InProgress, counts(117, 3, 0, 0))));
    events.push((121, told(DeploymentStatus::InProgress, counts(117, 3, 0, 0))));
    let text = log(events.clone());
    let still = lines_with(&text, " still ");
    assert!(still.last().unwrap().contains("; 3 running: Install 3 (throttled for "), "{text}");
    let mut old = view(events);
    old.tick(&pulse(130));
    let frame = shown(&old, 100, 30);
    assert_eq!(frame.lines().filter(|line| line.starts_with(" ●")).count(), 3, "{frame}");
    assert!(frame.contains("seen 1m46s ago"), "{frame}");
}

#[test]
fn there_is_as_much_of_a_log_as_there_is_room_for() {
    let mut failed = target("i-0a", TargetStatus::Failed, EventName::ApplicationStart, 7);
    let log_tail = "[stderr]error: DB_URL is missing\n[stdout]cleaning up\n[stdout]bye\n".to_owned();
    failed.failure = Some(Failure { log_tail, ..failure() });
    let events = vec![
        (5, told(DeploymentStatus::InProgress, counts(0, 1, 0, 1))),
        (8, Event::Target(Box::new(failed))),
        (8, seen("i-0b", TargetStatus::InProgress, EventName::Install, 8)),
    ];
    let view = view(events);
    let logged = |height| {
        let frame = shown(&view, 80, height);
        frame.lines().filter_map(|line| line.strip_prefix("      │ ").map(str::to_owned)).collect::<Vec<_>>()
    };
    let all = ["[stderr]error: DB_URL is missing", "[stdout]cleaning up", "[stdout]bye"];
    assert_eq!(logged(24), all);
    for height in 8..24 {
        let some = logged(height);
        assert!(some.is_empty() || some[0] == all[0], "what went wrong before what came last: {some:?}");
    }
}

#[test]
fn what_just_happened_is_told_in_the_order_of_its_time() {
    let done = |id: &str, end: i64| {
        let done = target(id, TargetStatus::Succeeded, EventName::ValidateService, 40);
        Event::Target(Box::new(TargetEvent { time: Some(at(end)), ..done }))
    };
    let view = view(vec![
        (5, told(DeploymentStatus::InProgress, counts(2, 1, 0, 0))),
        (50, done("i-01", 47)),
        (50, done("i-02", 45)),
    ]);
    let lines = framed(&view, 100, 24, true);
    assert_eq!(lines.last().unwrap(), "14:15:45Z ✓ i-02 done in 40s   14:15:47Z ✓ i-01 done in 42s");
}

#[test]
fn the_times_of_rows_stand_below_each_other() {
    let mut view = view(vec![
        (5, told(DeploymentStatus::InProgress, counts(0, 2, 0, 0))),
        (50, seen("i-01", TargetStatus::InProgress, EventName::BeforeAllowTraffic, 40)),
        (50, seen("i-02", TargetStatus::InProgress, EventName::AllowTraffic, 41)),
    ]);
    view.tick(&pulse(60));
    let lines = framed(&view, 100, 24, true);
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with(" ●")).map(String::as_str).collect();
    let expected = [" ● i-01  BeforeAllowTraffic     20s", " ● i-02  AllowTraffic           19s"];
    assert_eq!(rows, expected);
}

#[test]
fn what_has_no_fleet_keeps_its_phases_and_its_traffic_at_its_end() {
    let stays = |mut events: Vec<(i64, Event)>, status: DeploymentStatus, fail| {
        let Event::Deployment(last) = &events[0].1 else { panic!() };
        let overview = Some(counts(1 - fail, 0, 0, fail));
        let complete_time = Some(at(901));
        let ended = DeploymentEvent { status, overview, complete_time, ..last.as_ref().clone() };
        events.push((902, Event::Deployment(Box::new(ended))));
        last_frame(&view(events), 100, true, false).join("\n")
    };
    // Stopped while the traffic moves: no step comes any more.
    assert_data_eq!(
        stays(lambda_timeline(), DeploymentStatus::Stopped, 1),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  Stopped  15m00s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user
[✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗]  ok 0/1  fail 1
function checkout:live   v41 60% -> v42 40%
traffic  [████████············] 40% actual
phases   ✓ BeforeAllowTraffic 4s  ● AllowTraffic 14m51s  - AfterAllowTraffic
"#]]
    );
    assert_data_eq!(
        stays(ecs_timeline(), DeploymentStatus::Succeeded, 0),
        str![[r#"
d-7F3K2QX9A  shop-web/prod-fleet  Succeeded  15m00s elapsed
4.18.0.zip (was 4.17.2.zip)  Linear20Percent  by user
[████████████████████████████████████████████████████████████]  ok 1/1  fail 0
TASK SET STATE     DESIRED  RUN PEND  PROD  TARGET GROUP
blue     PRIMARY        12   12    0    0%  tg-blue
green    ACTIVE         12   12    0  100%  tg-green
traffic  [████████████████████] 100% actual
phases   ✓ Install 2m36s  ✓ AllowTraffic 12m00s
"#]]
    );
}

#[test]
fn several_views_share_the_screen_by_what_they_need() {
    let over = view(vec![(5, told(DeploymentStatus::Succeeded, counts(12, 0, 0, 0)))]);
    let lines = crate::report::frame::frames(&[over, busy(), busy()], &look(80, 24, true));
    assert!(lines.len() <= 23, "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("FAILED   3 targets")).count(), 2, "{lines:#?}");
}

#[test]
fn sre_20_what_colour_says_words_and_shapes_say_too() {
    for unicode in [true, false] {
        let frame = framed(&busy(), 100, 30, unicode).join("\n");
        assert!(unicode || frame.is_ascii(), "another locale than UTF-8: {frame}");
        for words in
            ["ok 88/200", "run 97", "pend 12", "fail 3", "FAILED   3 targets", "RUNNING", "InProgress"]
        {
            assert!(frame.contains(words), "{words}: {frame}");
        }
        // Each part of the bar has a shape of its own.
        let bar = frame.lines().find(|line| line.starts_with('[')).unwrap();
        let shapes: std::collections::BTreeSet<char> =
            bar.chars().skip(1).take_while(|c| *c != ']').collect();
        assert_eq!(shapes.len(), 4, "{bar}");
    }
}
