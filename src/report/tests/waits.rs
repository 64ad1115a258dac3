//! Traffic, waits and when they end.

use snapbox::{assert_data_eq, str};

use super::*;

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
2026-08-25T14:17:05Z d-7F3K2QX9A still      no change for 2m00s; 4 running
2026-08-25T14:18:05Z d-7F3K2QX9A still      no change for 3m00s; 4 running
2026-08-25T14:19:05Z d-7F3K2QX9A still      no change for 4m00s; 4 running
2026-08-25T14:20:00Z d-7F3K2QX9A ready      ok 0/4 run 0 fail 0 pend 0 ready 4

"#]]
    );
    // Since when it is ready its hosts say, which are read a moment later; or nobody does in time.
    let at_the_end = |read: bool| {
        let mut events = events();
        let host = |n: i64| seen(&format!("i-{n}"), TargetStatus::Ready, EventName::ValidateService, 280 + n);
        events.extend((0..4i64).filter(|_| read).map(|n| (300, host(n))));
        events.push((345, told(DeploymentStatus::Ready, 4)));
        log(events)
    };
    for (read, end) in [(true, "in 59m43s (15:19:43Z)"), (false, "in 59m30s (15:20:00Z)")] {
        let text = at_the_end(read);
        let waits = lines_with(&text, " waits ");
        assert!(waits.len() == 1 && waits[0].contains(&format!("the deployment stops {end};")), "{text}");
    }
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
    denied.insert(
        1,
        (301, Event::Notice { code: NoticeCode::Targets, message: "cannot be read".into(), exit: None }),
    );
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
fn sre_12_a_watch_that_ends_where_it_is_ready_says_by_when_and_how_to_go_on() {
    for outcome in ["reached", "ready", "timed_out", "detached"] {
        let events = || {
            let mut events = attached_while_ready(Some(3600), &[(300, 200), (300, 240)], 300);
            events.pop();
            let end = Report { status: Some(DeploymentStatus::Ready), ..report(outcome, 0) };
            events.push((301, Event::Result(Box::new(end))));
            events
        };
        let text = log(events());
        let waits = lines_with(&text, " waits ");
        assert_eq!(waits.len(), 1, "{outcome}: {text}");
        for words in
            ["the deployment stops in 59m00s (15:19:00Z)", "continue: cdctl deploy continue d-7F3K2QX9A"]
        {
            assert!(waits[0].contains(words), "{outcome}: {text}");
        }
        let spoken = played(|err| Box::new(Linear::new(err)), &stream(events()));
        assert_eq!(lines_with(&spoken, "To continue: cdctl deploy continue").len(), 1, "{outcome}: {spoken}");
        let last = summary(&Report { status: Some(DeploymentStatus::Ready), ..report(outcome, 0) });
        assert!(
            last.contains(
                "cdctl deploy continue d-7F3K2QX9A
"
            ),
            "{outcome}: {last}"
        );
        assert!(last.contains("cdctl deploy stop d-7F3K2QX9A"), "{outcome}: {last}");
    }
    // A wait that was told of is not told of again.
    let mut events = attached_while_ready(Some(3600), &[(301, 200), (301, 240)], 350);
    events.push((351, Event::Result(Box::new(report("detached", 130)))));
    let text = log(events);
    assert_eq!(lines_with(&text, " waits ").len(), 1, "{text}");
}

#[test]
fn a_watch_that_ends_while_the_original_is_kept_says_how_to_end_that() {
    for outcome in ["reached", "timed_out", "detached"] {
        let kept = Report {
            status: Some(DeploymentStatus::InProgress),
            termination_wait: true,
            ..report(outcome, 0)
        };
        let text = summary(&kept);
        assert!(text.contains("cdctl deploy continue d-7F3K2QX9A"), "{outcome}: {text}");
        assert!(!text.contains("--rollback"), "{outcome}: {text}");
        let text = summary(&Report { termination_wait: false, ..kept });
        assert!(!text.contains("deploy continue"), "{outcome}: {text}");
    }
}

#[test]
fn a_service_that_is_ready_from_the_first_look_says_what_it_waits_for() {
    let waits = Waits { blue_green: true, traffic_control: true, ready_s: Some(3600), ..Waits::default() };
    let text = log(vec![(300, single(ComputePlatform::Ecs, DeploymentStatus::Ready, waits))]);
    let ready = lines_with(&text, " ready ");
    assert!(
        ready.len() == 1
            && ready[0].contains("ready      waits for `continue`")
            && ready[0].contains("cdctl deploy continue"),
        "{text}"
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
