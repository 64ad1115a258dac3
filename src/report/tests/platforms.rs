//! Each kind of deployment from its start to its end, through the live view on three screens, the log and the
//! sentences. The time lines are made by hand, in the forms that the service's documentation and published answers have.

use snapbox::file;

use super::*;
use crate::model::EventName::{
    AfterAllowTestTraffic, AfterAllowTraffic, AfterBlockTraffic, AfterInstall, AllowTestTraffic,
    AllowTraffic, ApplicationStart, BeforeAllowTraffic, BeforeInstall, BlockTraffic, Install,
    ValidateService,
};
use crate::model::EventStatus::{Failed, InProgress, Pending, Succeeded};

type Timeline = Vec<(i64, Event)>;

const SCREENS: [(usize, usize); 4] = [(100, 30), (80, 24), (60, 24), (40, 24)];

/// The frames at some moments on each screen, then both kinds of lines.
fn told_by_all(timeline: &Timeline, moments: &[i64]) -> String {
    let mut text = String::new();
    for second in moments {
        let so_far = timeline.iter().filter(|(at, _)| at <= second).cloned().collect();
        let mut view = view(so_far);
        view.tick(&pulse(*second));
        for (width, height) in SCREENS {
            let lines = framed(&view, width, height, true);
            fits(&lines, width, height);
            text += &format!("--- {width}x{height} after {second} s\n{}\n", lines.join("\n"));
        }
    }
    let (last, _) = timeline.last().unwrap();
    let timeline: Timeline = timeline
        .iter()
        .cloned()
        .chain([(*last + 1, Event::Result(Box::new(report("succeeded", 0))))])
        .collect();
    text += &format!("--- log\n{}", log(timeline.clone()));
    let sentences = played(|err| Box::new(Linear::new(err)), &stream(timeline));
    text + &format!("--- linear\n{sentences}")
}

/// A deployment with what `change` makes of it.
fn with(
    status: DeploymentStatus,
    overview: Option<Counts>,
    change: impl FnOnce(&mut DeploymentEvent),
) -> Event {
    let mut event = deployment(status, overview);
    change(&mut event);
    Event::Deployment(Box::new(event))
}

/// A host of one of two fleets; one that waits for its turn has been in no event, and one that is ready has left its last.
fn host(id: &str, label: &str, status: TargetStatus, event: EventName, since: i64) -> Event {
    let mut host = TargetEvent { label: Some(label.into()), ..target(id, status, event, since) };
    match host.status {
        TargetStatus::Pending => (host.event, host.event_status, host.since) = (None, None, None),
        TargetStatus::Ready | TargetStatus::Succeeded => host.event_status = Some(Succeeded),
        _ => {}
    }
    Event::Target(Box::new(host))
}

/// Twelve hosts of which one fails, and one is slow.
fn in_place() -> Timeline {
    let running = DeploymentStatus::InProgress;
    let name = |n: u32| format!("i-0a{n:02}");
    let mut events = vec![
        (0, Event::Deployment(Box::new(deployment(DeploymentStatus::Created, None)))),
        (5, told(running.clone(), counts(0, 6, 6, 0))),
    ];
    let went_on = |n, event, second: i64| (second, seen(&name(n), TargetStatus::InProgress, event, second));
    for n in 0..6 {
        events.push(went_on(n, Install, 5 + i64::from(n)));
    }
    for n in 0..5 {
        events.push(went_on(n, ApplicationStart, 20 + i64::from(n)));
    }
    events.push((30, seen(&name(0), TargetStatus::Failed, ApplicationStart, 30)));
    let done = |n, began: i64, second: i64| {
        let mut done = target(&name(n), TargetStatus::Succeeded, ValidateService, second - 1);
        done.phases = vec![phase(Install, EventStatus::Succeeded, Some(began), Some(began + 15))];
        (second, Event::Target(Box::new(done)))
    };
    for n in 1..5 {
        events.push(done(n, 5 + i64::from(n), 40));
    }
    events.push((40, told(running, counts(4, 6, 1, 1))));
    let again = || Event::Seen { targets: vec![name(5)] };
    events.push((40, again()));
    for n in 6..11 {
        events.push(went_on(n, Install, 41));
    }
    events.push((59, again()));
    for n in 6..11 {
        events.push((130, seen(&name(n), TargetStatus::Succeeded, ValidateService, 80)));
    }
    events.push((131, again()));
    events.push((131, told(DeploymentStatus::InProgress, counts(9, 2, 0, 1))));
    events.push((200, seen(&name(5), TargetStatus::Succeeded, ValidateService, 199)));
    events.push((200, seen(&name(11), TargetStatus::Succeeded, ValidateService, 199)));
    events.push((400, told(DeploymentStatus::Succeeded, counts(11, 0, 0, 1))));
    events
}

#[test]
fn of_two_fleets_that_are_read_in_part_nothing_is_told_but_that_part() {
    let state = |status, ready: u64| {
        let counts = Counts { ready, ..counts(0, 200 - ready, 200, 0) };
        with(status, Some(counts), |event| {
            (event.minimum_healthy, event.waits.blue_green) = (None, true);
            event.waits.ready_s = Some(3600);
        })
    };
    let mut events = vec![(20, state(DeploymentStatus::InProgress, 0))];
    for n in 0..50 {
        events.push((21, host(&format!("i-b{n}"), "Blue", TargetStatus::Pending, BlockTraffic, 20)));
    }
    let lines = |events: &Timeline, word: &str| {
        let mut view = view(events.clone());
        view.tick(&pulse(60));
        let frame = shown(&view, 100, 30);
        assert!(!frame.contains("health "), "{frame}");
        lines_with(&frame, word).join("\n")
    };
    assert!(lines(&events, "GREEN").ends_with("GREEN (replacement)   (50 of 400 read)"));
    // That none of the green hosts was read does not mean that none is there.
    assert_eq!(lines(&events, "stages"), "stages   ✓ provision  ● install  - wait  - reroute  - keep blue");
    for n in 0..50 {
        events.push((50, host(&format!("i-g{n}"), "Green", TargetStatus::Ready, ValidateService, 50)));
    }
    events.push((51, state(DeploymentStatus::InProgress, 196)));
    assert_eq!(lines(&events, "stages"), "stages   ✓ provision  ● install  - wait  - reroute  - keep blue");
    events.push((55, state(DeploymentStatus::Ready, 200)));
    assert!(lines(&events, "stages").starts_with("stages   ✓ provision  ✓ install  ● wait"));
}

#[test]
fn a_host_that_waits_for_the_other_fleet_is_not_the_slowest() {
    let state = |ok| {
        with(DeploymentStatus::InProgress, Some(counts(ok, 2, 0, 0)), |event| event.waits.blue_green = true)
    };
    let mut waits = target("i-0a", TargetStatus::InProgress, ValidateService, 20);
    (waits.label, waits.event_status, waits.time) = (Some("Green".into()), Some(Succeeded), Some(at(22)));
    let events = vec![
        (20, state(0)),
        (120, Event::Target(Box::new(waits))),
        (120, host("i-0b", "Green", TargetStatus::InProgress, AllowTraffic, 118)),
        (121, state(6)),
    ];
    let text = log(events);
    assert!(lines_with(&text, "progress")[1].ends_with("| slowest i-0b AllowTraffic 3s"), "{text}");
}

#[test]
fn hosts_in_place() {
    assert_data_eq!(told_by_all(&in_place(), &[2, 10, 60, 150]), file!["in_place.txt"].raw());
}

fn blue_green() -> Timeline {
    let state = |status, counts: Option<Counts>, kept| {
        with(status, counts, |event| {
            event.minimum_healthy = counts.map(|_| 2);
            event.waits = Waits {
                blue_green: true,
                traffic_control: true,
                ready_s: Some(3600),
                termination_s: Some(3600),
                termination_started: kept,
            };
        })
    };
    let running = DeploymentStatus::InProgress;
    let counted = |ok, run, ready| Some(Counts { ready, ..counts(ok, run, 0, 0) });
    let green = |n: i64, status, event, since| host(&format!("i-0ee{n}"), "Green", status, event, since);
    let blue = |n: i64, status, event, since| host(&format!("i-0bb{n}"), "Blue", status, event, since);
    let mut events = vec![(5, state(running.clone(), None, false))];
    events.push((120, state(running.clone(), counted(0, 4, 0), false)));
    for n in 0..4 {
        events.push((121, green(n, TargetStatus::InProgress, Install, 120)));
        events.push((121, blue(n, TargetStatus::Pending, BlockTraffic, 120)));
    }
    for n in 0..4 {
        events.push((180, green(n, TargetStatus::InProgress, ValidateService, 180)));
    }
    for n in 0..4 {
        events.push((300, green(n, TargetStatus::Ready, ValidateService, 290)));
    }
    events.push((301, state(DeploymentStatus::Ready, counted(0, 0, 4), false)));
    events.push((900, state(running.clone(), counted(2, 2, 0), false)));
    for n in 0..2 {
        events.push((905, green(n, TargetStatus::Succeeded, AfterAllowTraffic, 904)));
        events.push((905, green(n + 2, TargetStatus::InProgress, AllowTraffic, 903)));
    }
    events.push((906, blue(0, TargetStatus::InProgress, BlockTraffic, 905)));
    for n in 2..4 {
        events.push((960, green(n, TargetStatus::Succeeded, AfterAllowTraffic, 955)));
    }
    for n in 0..4 {
        events.push((980, blue(n, TargetStatus::Succeeded, AfterBlockTraffic, 975)));
    }
    events.push((985, state(running, counted(4, 0, 0), true)));
    events.push((4590, state(DeploymentStatus::Succeeded, counted(4, 0, 0), true)));
    events
}

#[test]
fn hosts_that_change_places() {
    assert_data_eq!(told_by_all(&blue_green(), &[60, 200, 400, 930, 1000]), file!["blue_green.txt"].raw());
}

fn function() -> Timeline {
    let state = |status| {
        with(status, None, |event| {
            event.platform = Some(ComputePlatform::Lambda);
            event.config = Some("CodeDeployDefault.LambdaCanary10Percent5Minutes".into());
            event.minimum_healthy = None;
            event.routing = Some(TrafficRouting::Canary { percent: 10, interval_s: 300 });
            event.revision = Some("appspec:0a1b2c3d".into());
            event.previous_revision = None;
        })
    };
    let phases = |before: EventStatus, shift: EventStatus, after: EventStatus, second: i64| {
        let started = |status: &EventStatus, start| (*status != Pending).then_some(start);
        let ended = |status: &EventStatus, end: i64| (*status == Succeeded).then_some(end);
        vec![
            phase(BeforeAllowTraffic, before.clone(), Some(2), ended(&before, 6)),
            phase(AllowTraffic, shift.clone(), started(&shift, 7), ended(&shift, 308)),
            phase(AfterAllowTraffic, after.clone(), started(&after, 309), ended(&after, second)),
        ]
    };
    let at_work =
        |phases, weight| one_target(TargetKind::Lambda, TargetStatus::InProgress, phases, checkout(weight));
    vec![
        (1, state(DeploymentStatus::Created)),
        (2, state(DeploymentStatus::InProgress)),
        (3, at_work(phases(InProgress, Pending, Pending, 0), 0.0)),
        (8, at_work(phases(Succeeded, InProgress, Pending, 0), 0.1)),
        (309, at_work(phases(Succeeded, Succeeded, InProgress, 0), 1.0)),
        (
            313,
            one_target(
                TargetKind::Lambda,
                TargetStatus::Succeeded,
                phases(Succeeded, Succeeded, Succeeded, 313),
                checkout(1.0),
            ),
        ),
        (400, state(DeploymentStatus::Succeeded)),
    ]
}

#[test]
fn a_function() {
    assert_data_eq!(told_by_all(&function(), &[4, 100, 310]), file!["lambda.txt"].raw());
}

fn service() -> Timeline {
    let state = |status| {
        with(status, None, |event| {
            event.platform = Some(ComputePlatform::Ecs);
            event.config = Some("CodeDeployDefault.ECSLinear20PercentEvery3Minutes".into());
            event.minimum_healthy = None;
            event.routing = Some(TrafficRouting::Linear { percent: 20, interval_s: 180 });
            event.revision = Some("appspec:0a1b2c3d".into());
            event.previous_revision = None;
            event.waits = Waits {
                blue_green: true,
                traffic_control: true,
                termination_s: Some(3600),
                ..Waits::default()
            };
        })
    };
    let set = |label: &str, status: &str, running, weight| TaskSet {
        label: Some(label.into()),
        status: Some(status.into()),
        desired: 12,
        running,
        pending: 12 - running,
        weight: Some(weight),
        target_group: Some(format!("tg-{}", label.to_lowercase())),
    };
    let names = [
        BeforeInstall,
        Install,
        AfterInstall,
        AllowTestTraffic,
        AfterAllowTestTraffic,
        BeforeAllowTraffic,
        AllowTraffic,
        AfterAllowTraffic,
    ];
    // The event of this place is under way since `start`; each before it took ten seconds.
    let target = |status, place: usize, start: i64, green, weight: f64| {
        let phases = names.iter().enumerate().map(|(index, name)| match index.cmp(&place) {
            std::cmp::Ordering::Less => {
                let begun = start - 10 * (place - index) as i64;
                phase(name.clone(), Succeeded, Some(begun), Some(begun + 10))
            }
            std::cmp::Ordering::Equal => phase(name.clone(), InProgress, Some(start), None),
            std::cmp::Ordering::Greater => phase(name.clone(), Pending, None, None),
        });
        let task_sets =
            vec![set("Blue", "PRIMARY", 12, 100.0 - weight), set("Green", "ACTIVE", green, weight)];
        one_target(TargetKind::Ecs, status, phases.collect(), Serving::Ecs { task_sets })
    };
    let run = || TargetStatus::InProgress;
    vec![
        (3, state(DeploymentStatus::InProgress)),
        (20, target(run(), 1, 13, 7, 0.0)),
        (200, target(run(), 3, 195, 12, 0.0)),
        (240, target(run(), 6, 235, 12, 20.0)),
        (420, target(run(), 6, 235, 12, 40.0)),
        (960, target(TargetStatus::Succeeded, 8, 957, 12, 100.0)),
        (4600, state(DeploymentStatus::Succeeded)),
    ]
}

#[test]
fn a_service() {
    assert_data_eq!(told_by_all(&service(), &[60, 210, 450, 1000]), file!["ecs.txt"].raw());
}

/// What CloudFormation makes: nobody's application, an opaque target, and states that are documented nowhere.
fn stack() -> Timeline {
    let state = |status: &str| {
        with(status.into(), None, |event| {
            event.application = None;
            event.group = None;
            event.config = None;
            event.minimum_healthy = None;
            event.platform = Some(ComputePlatform::Ecs);
            event.creator = Some(Creator::CloudFormation);
            event.revision = None;
            event.previous_revision = None;
        })
    };
    let target = |status: &str, shift: &str, end: Option<i64>, weight| {
        let phases = vec![
            phase(Install, Succeeded, Some(5), Some(65)),
            phase(AllowTraffic, shift.into(), Some(66), end),
            phase("Bake".into(), "Simmering".into(), None, None),
        ];
        let serving =
            Serving::CloudFormation { resource_type: "AWS::ECS::TaskSet".into(), weight: Some(weight) };
        one_target(TargetKind::CloudFormation, status.into(), phases, serving)
    };
    vec![
        (3, state("InProgress")),
        (70, target("InProgress", "InProgress", None, 10.0)),
        (370, target("InProgress", "Succeeded", Some(366), 100.0)),
        (380, state("Baking")),
        (390, target("Unknown", "Succeeded", Some(366), 100.0)),
        (400, state("Succeeded")),
    ]
}

#[test]
fn a_stack() {
    assert_data_eq!(told_by_all(&stack(), &[10, 100, 385]), file!["stack.txt"].raw());
}

/// A function whose check fails: nothing has moved, and the service says why for the whole deployment.
#[test]
fn a_function_whose_hook_fails() {
    let mut events = function();
    events.truncate(3);
    let phases = vec![
        phase(BeforeAllowTraffic, Failed, Some(2), Some(6)),
        phase(AllowTraffic, EventStatus::Skipped, None, Some(6)),
        phase(AfterAllowTraffic, EventStatus::Skipped, None, Some(6)),
    ];
    events.push((8, one_target(TargetKind::Lambda, TargetStatus::Failed, phases, checkout(0.0))));
    let ended = with(DeploymentStatus::Failed, None, |event| {
        event.error = Some(ErrorEvent {
            code: "HOOK_EXECUTION_FAILURE".into(),
            message: "The deployment failed because one or more of the lifecycle event validation functions failed.".into(),
        });
    });
    events.push((400, ended));
    assert_data_eq!(told_by_all(&events, &[9]), file!["lambda_failed.txt"].raw());
}

/// What comes next and when is whole on one line, on a narrow screen and on a low one.
#[test]
fn countdowns_are_whole_on_small_screens() {
    let ready = {
        let mut events = blue_green();
        events.retain(|(second, _)| *second <= 301);
        events
    };
    let cases = [
        ("next shift of a function", function(), 100, vec!["next 100% in 3m27s (14:20:07Z)"]),
        (
            "next shift of a service",
            service(),
            450,
            vec!["next 60% in 2m25s (14:24:55Z)", "all moved in 8m25s (14:30:55Z),"],
        ),
        ("deadline of what is ready", ready, 400, vec!["in 58m10s (15:19:50Z)"]),
        ("termination wait of a service", service(), 1000, vec!["in 59m17s (15:30:57Z)"]),
        ("termination wait of hosts", blue_green(), 1000, vec!["in 59m35s (15:31:15Z)"]),
    ];
    for (what, timeline, second, countdowns) in cases {
        let mut view = view(timeline.into_iter().filter(|(at, _)| *at <= second).collect());
        view.tick(&pulse(second));
        for (width, height) in [(60, 24), (60, 10), (59, 24), (50, 12), (40, 24), (40, 10)] {
            let lines = framed(&view, width, height, true);
            fits(&lines, width, height);
            // The last of them may have no room on a low screen.
            let shown = if height < 24 { &countdowns[..1] } else { &countdowns[..] };
            for countdown in shown {
                let whole = lines.iter().any(|line| line.contains(countdown));
                assert!(whole, "{what} on {width}x{height}: {countdown}\n{}", lines.join("\n"));
            }
        }
    }
}
