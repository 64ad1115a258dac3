//! Made-up deployments through the fold and every form of the report.

use super::*;
use crate::model::{DeploymentStatus, LifecycleErrorCode, Serving, TargetKind, Waits};
use crate::watch::event::ErrorEvent;

/// What a hostile host, or a hostile repository, would like to say.
const EVIL: &str = "</pre><script>alert(1)</script>\" onload='x' ```\n\u{1b}[31m::error::x";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_348_800 + second).unwrap()
}

fn deployment(status: DeploymentStatus) -> DeploymentEvent {
    DeploymentEvent {
        status,
        overview: None,
        application: Some("shop".into()),
        group: Some(EVIL.into()),
        config: None,
        minimum_healthy: None,
        platform: None,
        waits: Waits::default(),
        routing: None,
        zonal: None,
        creator: None,
        rolls_back: None,
        revision: Some(EVIL.into()),
        previous_revision: None,
        create_time: Some(at(0)),
        start_time: Some(at(0)),
        complete_time: Some(at(100)),
        error: None,
        messages: Vec::new(),
    }
}

fn phase(name: EventName, status: EventStatus, start: i64, end: i64) -> Phase {
    Phase { name, status, start: Some(at(start)), end: Some(at(end)) }
}

fn failure() -> Failure {
    Failure {
        error: LifecycleErrorCode::ScriptFailed,
        script: EVIL.into(),
        message: EVIL.into(),
        log_tail: EVIL.into(),
    }
}

fn bar(id: &str, status: TargetStatus, phases: Vec<Phase>) -> Bar {
    let failure = (status == TargetStatus::Failed).then(failure);
    Bar { id: id.into(), label: None, status, phases, failure }
}

fn timeline(bars: Vec<Bar>) -> Timeline {
    let deployment = deployment(DeploymentStatus::Failed);
    Timeline { id: "d-1".into(), region: None, deployment, as_of: at(120), bars }
}

fn fleet(size: i64) -> Timeline {
    let ok = EventStatus::Succeeded;
    let hosts = (0..size).map(|n| {
        let install = phase(EventName::Install, ok.clone(), 10, 20 + n % 50);
        if n % 10 == 3 {
            let start = phase(EventName::ApplicationStart, EventStatus::Failed, 20 + n % 50, 80);
            return bar(&format!("i-{n}{EVIL}"), TargetStatus::Failed, vec![install, start]);
        }
        bar(&format!("i-{n}"), TargetStatus::Succeeded, vec![install])
    });
    timeline(hosts.collect())
}

#[test]
fn targets_are_counted_in_words_and_named_whole() {
    use crate::watch::event::Counts;

    let mut fleet = fleet(20);
    for bar in &mut fleet.bars {
        bar.id = bar.id.replace(EVIL, "");
    }
    let counts = Counts { run: 0, ok: 12, fail: 2, pend: 5, ready: 0, skip: 1 };
    fleet.deployment.overview = Some(counts);
    let html = page(std::slice::from_ref(&fleet), "cdctl");
    let words = "20: 12 succeeded, 2 failed, 5 pending, 1 skipped";
    assert!(html.contains(&format!("<dt>Targets</dt><dd>{words}</dd>")), "{html}");
    let names = "on <span class=\"name\">i-3</span>, <span class=\"name\">i-13</span></p>";
    let either = "on <span class=\"name\">i-13</span>, <span class=\"name\">i-3</span></p>";
    assert!(html.contains(names) || html.contains(either), "{html}");
    assert!(html.contains(".name{display:inline-block;"), "{html}");
    assert!(markdown(&[fleet]).contains(&format!("| Targets | `{words}` |")));
}

#[test]
fn a_page_holds_no_markup_from_outside() {
    let html = page(&[fleet(20)], "cdctl <test>");
    assert!(!html.contains("<script") && !html.contains("onload='"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("\\x1b[31m"), "{html}");
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url("), "{html}");
    assert_eq!(html.matches("<li class=\"failed\">").count(), 2, "{html}");
    assert_eq!(html.matches("default-src 'none'").count(), 1);
}

#[test]
fn a_large_fleet_makes_a_page_that_can_be_read() {
    let html = page(&[fleet(10_000)], "cdctl");
    assert!(html.len() < 600_000, "{} bytes", html.len());
    assert_eq!(html.matches("<li class=").count(), 300);
    assert!(html.contains("9700 more targets, all of them in the picture above"));
    assert!(markdown(&[fleet(10_000)]).len() < 20_000);
}

#[test]
fn markdown_cannot_be_left() {
    let text = markdown(&[fleet(4)]);
    let outside: String = text.split("````").step_by(2).collect();
    assert!(!outside.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    assert_eq!(outside.replace("\\|", "").matches('`').count() % 2, 0, "{text}");
    assert!(outside.split('`').step_by(2).all(|plain| !plain.contains("script>")), "{text}");
}

#[test]
fn between_two_phases_a_host_is_at_neither() {
    let ok = EventStatus::Succeeded;
    let names = EventName::KNOWN.iter().take(13).cloned();
    let mut phases: Vec<Phase> = names.zip(0..).map(|(name, n)| phase(name, ok.clone(), n, n + 1)).collect();
    phases.push(phase(EventName::Other("Bake".into()), EventStatus::InProgress, 90, 100));
    let html = page(
        &[timeline(vec![
            bar("i-1", TargetStatus::InProgress, phases.clone()),
            bar("i-2", TargetStatus::InProgress, phases),
        ])],
        "cdctl",
    );
    let waits = html.matches("<rect class=\"wait\" x=").count();
    assert!((80..=100).contains(&waits), "{waits} of 120 columns");
    for colour in 0..13 {
        assert!(html.contains(&format!("<rect class=\"p{colour}\" width=\"10\"")), "{colour}");
        assert!(html.contains(&format!(".p{colour}{{fill")), "{colour}");
    }
}

#[test]
fn what_has_no_name_and_no_log_leaves_no_gap() {
    let failed = phase(EventName::AfterAllowTraffic, EventStatus::Failed, 1, 2);
    let mut bare = timeline(vec![bar("f", TargetStatus::Failed, vec![failed])]);
    bare.bars[0].failure = None;
    bare.deployment.application = None;
    bare.deployment.group = None;
    let message = "Functions failed.".into();
    bare.deployment.error = Some(ErrorEvent { code: "HOOK".into(), message });
    let text = markdown(&[bare.clone()]);
    assert!(!text.contains("```") && text.contains("HOOK: Functions failed; 1 target failed"), "{text}");
    assert!(page(&[bare], "cdctl").contains("<h1>d-"));
}

#[test]
fn of_two_fleets_each_target_says_in_which_it_is() {
    let mut two = fleet(2);
    assert!(
        markdown(&[two.clone()]).contains("| target | state | phase | time |\n| --- | --- | --- | ---: |\n")
    );
    two.bars[0].label = Some("Blue".into());
    let text = markdown(&[two]);
    assert!(
        text.contains("| target | fleet | state | phase | time |\n| --- | --- | --- | --- | ---: |\n"),
        "{text}"
    );
    assert!(
        text.contains("| `i-0` | `Blue` | `Succeeded` |") && text.contains("| `i-1` |  | `Succ"),
        "{text}"
    );
}

#[test]
fn too_few_healthy_hosts_are_never_the_lead() {
    for (bars, lead) in [
        (fleet(20).bars, "2 targets failed for one cause; too few"),
        (Vec::new(), "which targets failed, and why, was not read; too few"),
    ] {
        let mut failed = timeline(bars);
        failed.deployment.error =
            Some(ErrorEvent { code: "HEALTH_CONSTRAINTS".into(), message: "The overall deployment".into() });
        let text = markdown(&[failed.clone()]);
        assert!(text.contains(&format!("| Why | `{lead}")), "{text}");
        let html = page(&[failed], "cdctl");
        assert!(html.contains(&format!("<dt>Why</dt><dd>{lead}")), "{html}");
    }
}

#[test]
fn times_are_medians_and_name_the_slowest() {
    let times = fleet(5).times();
    assert_eq!(times[0].name, EventName::Install);
    assert_eq!((times[0].targets, times[0].slowest.as_str()), (5, "i-4"));
    assert_eq!((times[0].median, times[0].longest), (Duration::from_secs(12), Duration::from_secs(14)));
    let first = fleet(5);
    let order: Vec<&str> = first.first_bars(2).iter().map(|bar| &bar.id[..3]).collect();
    assert_eq!(order, ["i-3", "i-4"], "failed, then the slowest");
}

#[test]
fn a_recording_tells_when_each_phase_was() {
    let target = |second, name: EventName, status, event_status, since| {
        let event = TargetEvent {
            id: "i-1".into(),
            kind: TargetKind::Instance,
            label: None,
            status,
            event: Some(name),
            event_status: Some(event_status),
            since: Some(at(since)),
            began: Some(at(1)),
            time: Some(at(second)),
            phases: Vec::new(),
            serving: Serving::Unsaid,
            failure: None,
        };
        (second, Event::Target(Box::new(event)))
    };
    let (run, ok) = (TargetStatus::InProgress, TargetStatus::Succeeded);
    let told = |status| Event::Deployment(Box::new(deployment(status)));
    let events = vec![
        (0, told(DeploymentStatus::InProgress)),
        target(2, EventName::Install, run.clone(), EventStatus::InProgress, 1),
        target(9, EventName::AfterInstall, run, EventStatus::InProgress, 5),
        target(12, EventName::ValidateService, ok, EventStatus::Succeeded, 10),
        (100, told(DeploymentStatus::Succeeded)),
        // Another region's clock.
        (99, told(DeploymentStatus::Succeeded)),
    ];
    let stamped: Vec<Stamped> = (0..)
        .zip(events)
        .map(|(seq, (second, event))| Stamped {
            v: 1,
            seq,
            ts: at(second),
            event,
            deployment: "d-1".into(),
            region: None,
        })
        .collect();
    let timelines = Timeline::of_events(&stamped);
    assert_eq!((timelines.len(), timelines[0].as_of), (1, at(100)));
    let phases = &timelines[0].bars[0].phases;
    let spans: Vec<_> = phases.iter().map(|phase| (phase.start, phase.end)).collect();
    assert_eq!(
        spans,
        [(Some(at(1)), Some(at(5))), (Some(at(5)), Some(at(10))), (Some(at(10)), Some(at(12)))]
    );
    assert!(phases.iter().all(|phase| phase.status == EventStatus::Succeeded));
}
