//! Several deployments on one screen, screens that are too low for all of a deployment, and what keys ask on them.

use snapbox::file;

use super::*;
use crate::report::frame::{Panel, frames};
use crate::report::{Act, Interrupt, Wish};
use crate::ui::Key;

/// A deployment of its own, as it is a while later.
fn named(id: &str, events: Vec<(i64, Event)>) -> View {
    let mut view = View::default();
    for event in stream(events) {
        view.event(&Stamped { deployment: id.to_owned(), ..event });
    }
    view.tick(&pulse(372));
    view
}

/// A blue/green deployment whose replacement is ready, of hosts that have been read.
fn ready() -> Vec<(i64, Event)> {
    let told = |status, run, ready| {
        let waits = Waits {
            blue_green: true,
            traffic_control: true,
            ready_s: Some(1800),
            termination_s: Some(3600),
            termination_started: false,
        };
        let counts = Counts { ready, ..counts(0, run, 2, 0) };
        Event::Deployment(Box::new(DeploymentEvent { waits, ..deployment(status, Some(counts)) }))
    };
    let host = |id: &str, label: &str, status, event, second| {
        let host = TargetEvent { label: Some(label.into()), ..target(id, status, event, second) };
        Event::Target(Box::new(host))
    };
    let mut events = vec![(5, told(DeploymentStatus::InProgress, 2, 0))];
    for id in ["i-0bb1", "i-0bb2"] {
        events.push((6, host(id, "Blue", TargetStatus::Pending, EventName::BlockTraffic, 5)));
    }
    for (id, second) in [("i-0ee1", 260), ("i-0ee2", 280)] {
        events.push((295, host(id, "Green", TargetStatus::Ready, EventName::ValidateService, second)));
    }
    events.push((300, told(DeploymentStatus::Ready, 0, 2)));
    events
}

fn moving(n: usize) -> Vec<(i64, Event)> {
    lambda_timeline()[..n].to_vec()
}

fn ended() -> Vec<(i64, Event)> {
    vec![(5, told(DeploymentStatus::Succeeded, counts(12, 0, 0, 0)))]
}

fn five() -> Vec<View> {
    let mut big = busy();
    big.id = "d-BIG000001".into();
    vec![
        big,
        named("d-FN0000001", moving(3)),
        named("d-BG0000001", ready()),
        named("d-SVC000001", ecs_timeline()[..2].to_vec()),
        named("d-OVER00001", ended()),
    ]
}

#[test]
fn each_of_several_deployments_has_its_name_its_state_and_what_it_waits_for() {
    let views = five();
    let mut text = String::new();
    for (width, height) in [(120, 50), (100, 30), (80, 24), (60, 10), (40, 14), (39, 8)] {
        let lines = frames(&views, &look(width, height, true));
        text += &format!("--- {width}x{height}\n{}\n", lines.join("\n"));
    }
    assert_data_eq!(text, file!["several.txt"].raw());
    for width in 24..130 {
        for height in 7..50 {
            let lines = frames(&views, &look(width, height, true));
            fits(&lines, width, height);
            let text = lines.join("\n");
            for view in &views {
                assert!(text.contains(&view.id), "{} on {width}x{height}:\n{text}", view.id);
            }
            assert!(!text.contains("no targets yet"), "{text}");
        }
    }
    // A function whose target has not been read is not without one.
    let lines = frames(&[named("d-1", moving(1)), named("d-2", moving(1))], &look(80, 24, true));
    assert!(!lines.join("\n").contains("no targets yet"), "{lines:#?}");
}

#[test]
fn more_deployments_than_rows_are_counted() {
    let views: Vec<_> = (0..9).map(|n| named(&format!("d-{n}"), ended())).collect();
    for (height, shown) in [(5, 3), (9, 7), (10, 9)] {
        let lines = frames(&views, &look(80, height, true));
        assert_eq!(lines.iter().filter(|line| line.starts_with("d-")).count(), shown, "{lines:#?}");
        let more = format!("   … {} more deployments", 9 - shown);
        assert_eq!(lines.contains(&more), shown < 9, "{lines:#?}");
    }
}

#[test]
fn a_low_screen_tells_first_what_is_waited_for_and_counts_what_it_hides() {
    let view = named("d-BG0000001", ready());
    for (width, height) in [(60, 10), (80, 12), (40, 14)] {
        let lines = framed(&view, width, height, true);
        let text = lines.join("\n");
        for told in ["waits    for `continue`", "stops", "continue d-BG0000001", "stop d-BG0000001"] {
            assert!(text.contains(told), "{told} on {width}x{height}:\n{text}");
        }
    }
    let all = framed(&view, 100, 60, true);
    let head: Vec<_> = all.iter().take_while(|line| !line.is_empty()).collect();
    for height in 8..all.len() + 3 {
        let lines = framed(&view, 100, height, true);
        fits(&lines, 100, height);
        let shown = head.iter().filter(|line| lines.contains(line)).count();
        let more = lines.iter().find_map(|line| line.strip_prefix("   … ")?.split_once(" more line"));
        let more: usize = more.map_or(0, |(count, _)| count.parse().unwrap());
        // A row of the counts stands for the bar.
        let row = usize::from(lines[0].contains("ok 0/4")) * 2;
        assert_eq!(shown + row + more, head.len(), "{height}: {lines:#?}");
    }
}

#[test]
fn what_is_asked_is_on_the_screen_and_whole() {
    let asked = |act| Some(Panel::Ask(act, "d-1".to_owned()));
    let bare = Look { panel: asked(Act::Stop), ..look(30, 4, true) };
    assert_eq!(frame(&busy(), &bare).last().unwrap(), "Stop d-7F3K2QX9A? y/n");
    for views in [vec![named("d-BG0000001", ready())], vec![busy()], five()] {
        for act in [Act::Stop, Act::Continue] {
            for width in 18..130 {
                for height in 2..40 {
                    let lines = frames(&views, &Look { panel: asked(act), ..look(width, height, true) });
                    fits(&lines, width, height);
                    let last = lines.last().unwrap();
                    assert!(last.ends_with("y/n") || last.ends_with("other key: no"), "{lines:#?}");
                }
            }
        }
    }
    // What was asked for has a part of the screen.
    let mut panel = Panel::default();
    panel.key(Key::Char('?'), &busy());
    let lines = frame(&named("d-1", ready()), &Look { panel: Some(panel), ..look(60, 10, true) });
    assert!(lines.iter().any(|line| line == "KEYS") && lines[8].starts_with("^C detach"), "{lines:#?}");
}

#[test]
fn every_deployment_that_goes_on_can_be_steered() {
    let buffer = Buffer::default();
    let out = Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 100, 30));
    let mut live = Live::new(out, true, false).with_keys();
    for id in ["d-1", "d-2"] {
        for event in stream(ready()) {
            live.event(&Stamped { deployment: id.to_owned(), ..event }).unwrap();
        }
    }
    live.tick(&pulse(372));
    let wish = |live: &mut Live, keys: &[char]| {
        keys.iter().filter_map(|key| live.key(Key::Char(*key))).map(|wish| wish.deployment).last()
    };
    assert_eq!(wish(&mut live, &['c', 'y']).as_deref(), Some("d-1"));
    assert_eq!(wish(&mut live, &['n', 'c', 'y']).as_deref(), Some("d-2"));
    assert_eq!(wish(&mut live, &['n', 's', 'y']).as_deref(), Some("d-1"));
    assert_eq!(wish(&mut live, &['s', 'n']), None, "no is no");
    assert!(buffer.text().contains("End the wait of deployment d-2? y: yes, any other key: no"));
}

#[test]
fn what_was_asked_of_one_deployment_is_not_done_to_another() {
    let live = |ids: &[&str]| {
        let out = Canvas::new(Screen::fixed(Stream::new(Buffer::default()), 100, 30));
        let mut live = Live::new(out, true, false).with_keys();
        for id in ids {
            let told = told(DeploymentStatus::InProgress, counts(0, 2, 2, 0));
            live.event(&Stamped { deployment: (*id).to_owned(), ..stamped(1, 5, told) }).unwrap();
        }
        live.tick(&pulse(6));
        live
    };
    let of = |id: &str, event: Event| Stamped { deployment: id.to_owned(), ..stamped(2, 7, event) };
    let failed = || told(DeploymentStatus::Failed, counts(0, 0, 2, 2));
    let stop = |id: &str| Some(Wish { deployment: id.to_owned(), act: Act::Stop });
    // Its rollback takes the screen.
    let mut one = live(&["d-1"]);
    assert_eq!(one.key(Key::Char('s')), None);
    let back = told(DeploymentStatus::InProgress, counts(0, 2, 2, 0));
    let named = Event::Rollback { rollback: "d-ROLL".into(), message: None };
    for event in [of("d-1", failed()), of("d-1", named), of("d-ROLL", back)] {
        one.event(&event).unwrap();
    }
    assert_eq!(one.key(Key::Char('y')), None, "that was asked of d-1");
    assert_eq!(one.key(Key::Char('s')), None);
    assert_eq!(one.key(Key::Char('y')), stop("d-ROLL"));
    // It ends, and keys are about the next one.
    let mut two = live(&["d-1", "d-2"]);
    assert_eq!(two.key(Key::Char('s')), None);
    two.event(&of("d-1", failed())).unwrap();
    assert_eq!(two.key(Key::Char('y')), None, "that was asked of d-1");
    // News of the other one takes nothing back.
    let mut two = live(&["d-1", "d-2"]);
    assert_eq!(two.key(Key::Char('s')), None);
    two.event(&of("d-2", failed())).unwrap();
    assert_eq!(two.key(Key::Char('y')), stop("d-1"));
    // What is another service's is not offered.
    let mut theirs = live(&["d-1"]);
    let Event::Deployment(mut event) = told(DeploymentStatus::InProgress, counts(0, 2, 2, 0)) else {
        panic!()
    };
    event.creator = Some(Creator::AutoScaling);
    theirs.event(&of("d-1", Event::Deployment(event))).unwrap();
    assert_eq!(theirs.key(Key::Char('s')), None);
    assert_eq!(theirs.key(Key::Char('y')), None);
}

#[test]
fn the_view_says_what_an_interrupt_does() {
    let said = |interrupt, height| {
        let lines = frame(&busy(), &Look { interrupt: Some(interrupt), ..look(80, height, true) });
        fits(&lines, 80, height);
        lines.last().unwrap().clone()
    };
    assert_eq!(said(Interrupt::Detach, 24), "^C detach (the deployment goes on)");
    assert_eq!(said(Interrupt::Stop, 24), "^C stop the deployment; a second one detaches");
    assert!(!said(Interrupt::Detach, 12).contains("^C"), "rows are for the deployment first");

    let buffer = Buffer::default();
    let out = Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24));
    let mut live = Live::new(out, true, false).interrupted(Some(Interrupt::Stop));
    let stopping =
        Event::Notice { code: NoticeCode::Stopping, message: "stopping the deployment".into(), exit: None };
    for event in stream(vec![(5, told(DeploymentStatus::InProgress, counts(0, 2, 0, 0))), (9, stopping)]) {
        live.event(&event).unwrap();
        live.tick(&pulse(10));
    }
    assert!(buffer.text().contains("^C detach (the deployment is being stopped)"), "{}", buffer.text());
}

#[test]
fn an_interrupt_of_several_detaches_once_each_is_being_stopped() {
    let buffer = Buffer::default();
    let out = Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24));
    let mut live = Live::new(out, true, false).interrupted(Some(Interrupt::Stop));
    let stopping = || Event::Notice {
        code: NoticeCode::Stopping,
        message: "stopping the deployment".into(),
        exit: None,
    };
    let of = |id: &str, event| Stamped { deployment: id.into(), ..stamped(1, 9, event) };
    let mut says = |event: Stamped, words: &str| {
        let before = buffer.text().len();
        live.event(&event).unwrap();
        live.tick(&pulse(10));
        let drawn = buffer.text()[before..].to_owned();
        assert!(drawn.contains(words), "{words}: {drawn}");
    };
    let goes_on = || told(DeploymentStatus::InProgress, counts(0, 2, 0, 0));
    for id in ["d-1", "d-2", "d-3"] {
        says(of(id, goes_on()), "^C stop the deployment; a second one detaches");
    }
    says(of("d-3", told(DeploymentStatus::Succeeded, counts(2, 0, 0, 0))), "^C stop the deployment");
    says(of("d-1", stopping()), "^C stop the deployment");
    says(of("d-2", stopping()), "^C detach (the deployment is being stopped)");
}

#[test]
fn a_failure_between_two_events_says_so_in_the_live_view() {
    let target = TargetEvent { event: None, ..target("i-1", TargetStatus::Failed, EventName::Install, 7) };
    let events = vec![
        (5, told(DeploymentStatus::InProgress, counts(0, 2, 0, 1))),
        (8, Event::Target(Box::new(target))),
    ];
    let text = shown(&view(events), 80, 24);
    assert!(text.contains(" ✗ 1x  between two events"), "{text}");
}

#[test]
fn a_watch_that_is_left_while_its_deployment_is_being_stopped_says_so() {
    let mut report = Report {
        status: Some(DeploymentStatus::InProgress),
        reason: Some("the deployment is being stopped".into()),
        ..report("detached", 130)
    };
    let text = summary(&report);
    assert!(text.starts_with("! DETACHED; the deployment is being stopped  d-7F3K2QX9A"), "{text}");
    assert!(!text.contains("why") && !text.contains("deploy stop"), "{text}");
    report.outcome = "timed_out".into();
    assert!(summary(&report).starts_with("! TIMED OUT; the deployment is being stopped  "));
}

/// Rows of hosts at work, one of which is slow by far.
fn slow() -> View {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 4, 0, 0)))];
    for n in 0..3 {
        let id = format!("i-03b6a0123456789{n}");
        events.push((10, seen(&id, TargetStatus::InProgress, EventName::DownloadBundle, 6)));
        events.push((12, seen(&id, TargetStatus::InProgress, EventName::BeforeInstall, 9)));
    }
    let event = EventName::DownloadBundle;
    events.push((350, seen("i-0ffffffffffffffff", TargetStatus::InProgress, event, 300)));
    view(events)
}

#[test]
fn a_narrow_screen_keeps_whole_what_matters() {
    let mut slow = slow();
    slow.tick(&pulse(352));
    for width in 40..60 {
        let lines = framed(&slow, width, 20, true);
        fits(&lines, width, 20);
        assert!(lines.iter().any(|line| line.ends_with("  SLOW x16")), "{width}: {lines:#?}");
    }
    // A host has its name whatever is said of it.
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 3, 3, 0)))];
    for (n, ended) in [(1, EventStatus::Succeeded), (2, EventStatus::InProgress)] {
        let host = target(&format!("i-0{n}b31ef04209"), TargetStatus::InProgress, EventName::Install, 300);
        let host = TargetEvent { label: Some("Green".into()), event_status: Some(ended), ..host };
        events.push((340, Event::Target(Box::new(host))));
    }
    let mut waiting = view(events);
    waiting.tick(&pulse(352));
    for width in 40..60 {
        let lines = framed(&waiting, width, 20, true);
        fits(&lines, width, 20);
        for id in ["i-01b31", "i-02b31"] {
            let row = lines.iter().find(|line| line.starts_with(&format!(" ● {id}")));
            assert!(
                row.is_some_and(|row| row.contains("  Ins") && row.contains("green")),
                "{width}: {lines:#?}"
            );
        }
    }
    let fleet = |ok, run, pend, fail| {
        view(vec![(5, told(DeploymentStatus::InProgress, counts(ok, run, pend, fail)))])
    };
    for view in [fleet(88, 97, 12, 3), fleet(90, 92, 0, 18), fleet(100, 0, 99, 1), fleet(0, 200, 0, 0)] {
        for width in 40..110 {
            let lines = framed(&view, width, 24, true);
            let health = lines.iter().find(|line| line.starts_with("health")).unwrap();
            assert!(!health.contains('…'), "{width}: {health}");
        }
    }
}

#[test]
fn a_forecast_that_has_passed_is_not_shown() {
    let mut events = vec![(5, told(DeploymentStatus::InProgress, counts(0, 4, 0, 0)))];
    for n in 0..3 {
        let done = target(&format!("i-{n}"), TargetStatus::Succeeded, EventName::ValidateService, 45);
        events.push((46, Event::Target(Box::new(done))));
    }
    events.push((46, told(DeploymentStatus::InProgress, counts(3, 1, 0, 0))));
    let mut view = view(events);
    view.tick(&pulse(80));
    let (_, most) = view.forecast().unwrap();
    assert_eq!(most, at(86));
    view.tick(&pulse(87));
    assert_eq!(view.forecast(), None, "it proved wrong");
}

#[test]
fn a_wait_is_counted_from_the_services_own_time() {
    let waits = Waits { blue_green: true, traffic_control: true, ready_s: Some(600), ..Waits::default() };
    let installed = vec![phase(EventName::Install, EventStatus::Succeeded, Some(4), Some(100))];
    let sets = || Serving::Ecs { task_sets: Vec::new() };
    let mut view = view(vec![
        (3, single(ComputePlatform::Ecs, DeploymentStatus::InProgress, waits)),
        (20, one_target(TargetKind::Ecs, TargetStatus::InProgress, installed, sets())),
        // After an outage.
        (300, single(ComputePlatform::Ecs, DeploymentStatus::Ready, waits)),
    ]);
    view.tick(&pulse(301));
    let text = shown(&view, 100, 24);
    assert!(text.contains("stops in 6m39s (14:26:40Z)"), "{text}");
}

#[test]
fn stages_that_are_past_keep_their_times() {
    let waits = Waits {
        blue_green: true,
        traffic_control: true,
        ready_s: Some(1800),
        termination_s: Some(3600),
        termination_started: false,
    };
    let counts = counts(1, 1, 2, 0);
    let moves = DeploymentEvent { waits, ..deployment(DeploymentStatus::InProgress, Some(counts)) };
    let mut events = ready();
    events.push((400, Event::Deployment(Box::new(moves))));
    let moving = target("i-0ee1", TargetStatus::InProgress, EventName::AllowTraffic, 402);
    let moving = TargetEvent { label: Some("Green".into()), ..moving };
    events.push((405, Event::Target(Box::new(moving))));
    let mut view = view(events);
    view.tick(&pulse(410));
    let text = shown(&view, 100, 24);
    assert!(text.contains("✓ install 4m35s  ✓ wait 2m00s  ● reroute"), "{text}");
}

/// What a reporter makes of a stream with so many milliseconds between its ticks; none of them where that is zero.
fn paced(make: fn(Stream) -> Box<dyn Reporter>, events: &[Stamped], pace: u64) -> String {
    let buffer = Buffer::default();
    let mut reporter = make(Stream::new(buffer.clone()));
    let mut now = events[0].ts;
    for event in events {
        while pace > 0 && now < event.ts {
            reporter.tick(&Pulse { now, answer_age: None });
            now += Duration::from_millis(pace);
        }
        reporter.event(event).unwrap();
    }
    for seconds in 0..if pace > 0 { 600 } else { 0 } {
        reporter.tick(&Pulse { now: now + Duration::from_secs(seconds), answer_age: None });
    }
    reporter.end();
    buffer.text()
}

/// A stream that is never silent for longer than between two heartbeats.
fn alive(events: Vec<(i64, Event)>) -> Vec<(i64, Event)> {
    let last = events.last().unwrap().0;
    let sign = |second: i64| (second * 300, Event::Seen { targets: vec!["i-1".into()] });
    let mut all: Vec<_> = events.into_iter().chain((1..=last / 300).map(sign)).collect();
    all.sort_by_key(|(second, _)| *second);
    all
}

#[test]
fn sre_19_sentences_and_lines_are_the_same_at_every_speed() {
    let with_end = |mut events: Vec<(i64, Event)>| {
        let last = events.last().unwrap().0;
        events.push((last + 290, told(DeploymentStatus::Succeeded, counts(2, 0, 0, 0))));
        events.push((last + 291, Event::Result(Box::new(report("succeeded", 0)))));
        events
    };
    for events in [failing(), with_end(lambda_timeline()), with_end(ecs_timeline()), with_end(ready())] {
        let events = stream(alive(events));
        let sentences: fn(Stream) -> Box<dyn Reporter> = |err| Box::new(Linear::new(err));
        let lines: fn(Stream) -> Box<dyn Reporter> = |err| Box::new(Log::new(err));
        for make in [sentences, lines] {
            let at_once = paced(make, &events, 0);
            for pace in [200, 1000, 7000, 90_000] {
                assert_eq!(paced(make, &events, pace), at_once, "a tick every {pace} ms");
            }
        }
    }
}
