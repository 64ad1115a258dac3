//! A scripted deployment through every reporter.

mod files;
mod forecasts;
mod frames;
mod lines;
mod live;
mod parts;
mod platforms;
mod sentences;
mod shared;
mod summaries;
mod waits;

use std::time::Duration;

use jiff::Timestamp;
use snapbox::assert_data_eq;

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
use crate::watch::schema_tests::knows;

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
    let stamped = Stamped { v: VERSION, seq, ts: at(second), event, deployment: ID.to_owned(), region: None };
    knows(&stamped);
    stamped
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
        termination_wait: false,
        application: text("shop-web"),
        group: text("prod-fleet"),
        creator: Some(Creator::User),
        revision: text("s3://rel/shop-web/4.18.0.zip"),
        previous_revision: text("s3://rel/shop-web/4.17.2.zip?versionId=v7"),
        error: None,
        messages: Vec::new(),
        duration_s: Some(728.0),
        counts: Some(Counts { skip: 3, ..counts(1, 0, 0, 8) }),
        hosts: Hosts { ok: hosts(8..9), skip: hosts(9..12) },
        blue_green: false,
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

fn lines_with<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(word)).collect()
}

fn canvas(err: Stream) -> Canvas {
    Canvas::new(Screen::fixed(err, 80, 24))
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
