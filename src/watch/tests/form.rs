//! docs/events.md names all that a stream and a log can hold.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::watch::causes::Cause;
use crate::watch::event::*;
use crate::watch::outcome::Ending;

const DOCS: &str = include_str!("../../../docs/events.md");
const LOG: &str = include_str!("../../report/log.rs");

fn text() -> String {
    "x".to_owned()
}

fn time() -> Option<Timestamp> {
    Some(START.parse().unwrap())
}

fn counts() -> Counts {
    Counts { ok: 1, run: 1, pend: 1, fail: 1, skip: 1, ready: 1 }
}

fn cause() -> Cause {
    Cause {
        event: None,
        error: text(),
        script: text(),
        message: text(),
        log_tail: text(),
        first: None,
        count: 1,
        targets: Vec::new(),
    }
}

fn target(serving: Serving) -> Event {
    let phase =
        Phase { name: EventName::Install, status: EventStatus::Succeeded, start: time(), end: time() };
    let failure = Failure {
        error: LifecycleErrorCode::ScriptFailed,
        script: text(),
        message: text(),
        log_tail: text(),
    };
    Event::Target(Box::new(TargetEvent {
        id: text(),
        kind: TargetKind::Instance,
        label: Some(text()),
        status: TargetStatus::Failed,
        event: None,
        event_status: None,
        since: time(),
        began: time(),
        time: time(),
        phases: vec![phase],
        serving,
        failure: Some(failure),
    }))
}

fn deployment_event(routing: TrafficRouting, minimum: MinimumHealthyHosts) -> Event {
    Event::Deployment(Box::new(DeploymentEvent {
        status: DeploymentStatus::InProgress,
        overview: Some(counts()),
        application: Some(text()),
        group: Some(text()),
        config: Some(text()),
        minimum_healthy: Some(1),
        platform: Some(ComputePlatform::Server),
        waits: Waits {
            blue_green: true,
            traffic_control: true,
            ready_s: Some(1),
            termination_s: Some(1),
            termination_started: true,
        },
        routing: Some(routing),
        zonal: Some(Zonal { monitor_s: Some(1), minimum: Some(minimum) }),
        creator: Some(Creator::User),
        rolls_back: Some(text()),
        revision: Some(text()),
        previous_revision: Some(text()),
        create_time: time(),
        start_time: time(),
        complete_time: time(),
        error: Some(ErrorEvent { code: text(), message: text() }),
        messages: vec![text()],
    }))
}

fn result() -> Event {
    let hosts = || Hosts { ok: vec![text()], skip: vec![text()] };
    let fleets = Fleets { blue: counts(), green: counts() };
    Event::Result(Box::new(Report {
        outcome: "failed".to_owned(),
        exit: 0,
        reason: Some(text()),
        region: None,
        status: None,
        termination_wait: true,
        application: None,
        group: None,
        creator: Some(Creator::User),
        revision: None,
        previous_revision: None,
        error: Some(ErrorEvent { code: text(), message: text() }),
        messages: vec![text()],
        duration_s: None,
        counts: Some(counts()),
        hosts: hosts(),
        blue_green: true,
        fleets: Some(fleets),
        serving: Serving::Ecs { task_sets: Vec::new() },
        causes: vec![cause()],
        failures_not_read: 0,
        rollback: None,
        rollback_status: Some(DeploymentStatus::Failed),
        rollback_counts: Some(counts()),
        rollback_hosts: hosts(),
        rollback_fleets: Some(fleets),
        rollback_left: Left { counts: counts(), hosts: hosts() },
        rollback_causes: vec![cause()],
    }))
}

/// Every type of event with every member.
pub(super) fn every_event() -> Vec<Event> {
    let set = TaskSet {
        label: Some(text()),
        status: Some(text()),
        desired: 1,
        running: 1,
        pending: 1,
        weight: Some(1.0),
        target_group: Some(text()),
    };
    let lambda = Serving::Lambda {
        function: text(),
        alias: text(),
        current: text(),
        target: text(),
        weight: Some(1.0),
    };
    let events = vec![
        Event::StreamStart { tool: text() },
        deployment_event(TrafficRouting::AllAtOnce, MinimumHealthyHosts::Count(1)),
        deployment_event(
            TrafficRouting::Canary { percent: 1, interval_s: 1 },
            MinimumHealthyHosts::Percent(1),
        ),
        deployment_event(
            TrafficRouting::Linear { percent: 1, interval_s: 1 },
            MinimumHealthyHosts::Concurrency(1),
        ),
        target(lambda),
        target(Serving::Ecs { task_sets: vec![set] }),
        target(Serving::CloudFormation { resource_type: text(), weight: Some(1.0) }),
        Event::Seen { targets: vec![text()] },
        Event::Heartbeat(HeartbeatEvent {
            status: None,
            overview: None,
            elapsed_s: 1,
            last_poll_ok: true,
            answer_age_s: None,
            poll_s: 1.0,
        }),
        Event::Notice { code: NoticeCode::Targets, message: text(), exit: Some(130) },
        Event::Rollback { rollback: text(), message: None },
        result(),
    ];
    let api =
        [ApiState::Ok, ApiState::Throttled, ApiState::Unreachable, ApiState::Credentials, ApiState::Refused];
    let api = api.map(|state| Event::Api(ApiEvent { state, error: Some(text()), retry_s: Some(1.0) }));
    events.into_iter().chain(api).collect()
}

/// The names of members, and the words that stand for a variant.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                found.insert(name.clone());
                if let (true, Some(word)) =
                    (["type", "state", "code"].contains(&name.as_str()), value.as_str())
                    && word != text()
                {
                    found.insert(word.to_owned());
                }
                names(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

/// Each code, and no other: a new one does not compile.
fn codes() -> Vec<NoticeCode> {
    use NoticeCode::*;
    let after = |code: NoticeCode| match code {
        Targets => Some(Config),
        Config => Some(RollbackMissing),
        RollbackMissing => Some(Timeout),
        Timeout => Some(Stopping),
        Stopping => Some(NotStopped),
        NotStopped => Some(Continuing),
        Continuing => Some(NotDone),
        NotDone => Some(RollbackAwaited),
        RollbackAwaited => Some(NotStarted),
        NotStarted => None,
    };
    std::iter::successors(Some(Targets), |code| after(*code)).collect()
}

pub(super) fn outcomes() -> Vec<Outcome> {
    let ended = |how| {
        [None, Some(Rollback::Succeeded), Some(Rollback::Failed)]
            .map(|rollback| Outcome::Ended { how, rollback })
    };
    let mut outcomes: Vec<_> =
        [Ending::Failed, Ending::Stopped, Ending::Alarm].into_iter().flat_map(ended).collect();
    let refused = ApiError {
        operation: text(),
        kind: ErrorKind::Denied,
        code: None,
        message: text(),
        request_id: None,
    };
    outcomes.extend([
        Outcome::Succeeded,
        Outcome::SucceededInPart { failed: 1, refused: false },
        Outcome::Reached { failed: 0, refused: false },
        Outcome::Reached { failed: 1, refused: false },
        Outcome::Ready,
        Outcome::TimedOut,
        Outcome::Detached(Signal::Interrupt),
        Outcome::Unknown(text()),
        Outcome::Refused(refused),
        Outcome::Closed,
    ]);
    outcomes
}

#[test]
fn sre_19_the_form_of_the_stream_and_of_the_lines_is_documented() {
    let mut words = BTreeSet::new();
    for (seq, event) in (0..).zip(every_event()) {
        let ts = time().unwrap();
        let stamped = Stamped { v: VERSION, seq, ts, event, deployment: text(), region: Some(text()) };
        names(&serde_json::to_value(&stamped).unwrap(), &mut words);
    }
    for code in codes() {
        names(
            &serde_json::to_value(Event::Notice { code, message: text(), exit: Some(130) }).unwrap(),
            &mut words,
        );
    }
    words.extend(outcomes().iter().map(|outcome| outcome.word().to_owned()));
    let lines: BTreeSet<_> =
        LOG.split(".line(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect();
    assert!(lines.len() >= 10 && words.len() >= 80, "{lines:?} {words:?}");
    let missing: Vec<_> = words.union(&lines).filter(|word| !DOCS.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "docs/events.md does not name {missing:?}");
    // Each type has its members in its own paragraph or table; all have those of every line.
    let (every, types) = DOCS.split_once("\n## Types\n").unwrap();
    let events: Vec<_> = every_event().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let begins: Vec<_> =
        events.iter().map(|event| format!("`{}` ", event["type"].as_str().unwrap())).collect();
    for (event, begin) in events.iter().zip(&begins) {
        let begun = types.split_once(&format!("\n{begin}")).unwrap_or_else(|| panic!("{begin}")).1;
        let others = begins.iter().filter_map(|other| begun.split_once(&format!("\n{other}")));
        let own = others.map(|(own, _)| own).min_by_key(|own| own.len()).unwrap_or(begun);
        let members = event.as_object().unwrap().keys();
        let missing: Vec<_> = members
            .filter(|name| !own.contains(&format!("`{name}`")) && !every.contains(&format!("| `{name}` |")))
            .collect();
        assert!(missing.is_empty(), "docs/events.md does not name {missing:?} of {begin}");
    }
    // An exit code stands beside each outcome.
    let table = DOCS.split_once("| outcome | exit code |\n").unwrap().1;
    let rows: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
    for outcome in outcomes() {
        let named = format!("`{}`", outcome.word());
        let codes =
            rows.iter().find(|row| row.contains(&named)).and_then(|row| row.split('|').nth(2)).unwrap();
        let code = outcome.exit().code().to_string();
        assert!(codes.split(|c: char| !c.is_ascii_digit()).any(|word| word == code), "{named}: {code}");
    }
}
