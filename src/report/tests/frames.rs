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
