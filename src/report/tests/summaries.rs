//! The last word on a deployment.

use snapbox::{assert_data_eq, str};

use super::*;

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
          12 untouched (last good: 4.17.2.zip): i-188, i-189, i-190, i-191, i-192, i-193, +6 more
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
    let mut host = target("i-000", TargetStatus::Failed, EventName::ApplicationStart, 120);
    host.failure =
        Some(Failure { message: format!("failed on 98 targets {}", hostile_tail()), ..kept.clone() });
    let host = stream(vec![(11, Event::Target(Box::new(host)))]);
    for text in [
        told,
        played(|err| Box::new(Log::new(err)), &host),
        played(|err| Box::new(Linear::new(err)), &host),
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
          12 untouched (last good: 4.17.2.zip): i-100, +11 more
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
          6 untouched (last good: 4.17.2.zip)
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
          57 untouched (last good: 4.17.2.zip): i-000, +56 more
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
            "fleet     88 on 4.18.0.zip, 100 broken (failed half way to 4.18.0.zip), 12 untouched (last good: 4.17.2.zip)"
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
traffic   checkout:live v41 90%, v42 10%
hint      the alias is left on two versions, and deployments fail until it is on one
next      cdctl deploy show d-7F3K2QX9A
          aws lambda update-alias --function-name checkout --name live --function-version 41 --routing-config AdditionalVersionWeights={}
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
          6 untouched (last good: 4.17.2.zip): i-009, i-010, i-011, +3 more
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
    let unanswered =
        Report { status: Some(DeploymentStatus::Failed), rollback: Some("d-ROLL".into()), ..left.clone() };
    assert!(summary(&unanswered).contains("DETACHED; the rollback continues"), "{}", summary(&unanswered));
    let unnamed = summary(&Report { rollback: None, ..unanswered });
    assert!(unnamed.contains("DETACHED; the deployment has ended: Failed  d-"), "{unnamed}");
    let reason = Some("ExpiredTokenException: expired".to_owned());
    let unknown = Report { reason, outcome: "unknown".into(), ..left };
    assert!(summary(&unknown).contains("why       ExpiredTokenException: expired"));
}

#[test]
fn of_two_fleets_that_were_not_read_whole_no_numbers_are_made_up() {
    let good = Report {
        causes: Vec::new(),
        blue_green: true,
        counts: Some(counts(400, 0, 0, 0)),
        ..report("succeeded", 0)
    };
    assert!(
        summary(&good)
            .ends_with("fleet     green: all in service on 4.18.0.zip\n          blue: all out of service"),
        "{}",
        summary(&good)
    );
    let bad = Report { counts: Some(counts(150, 0, 200, 50)), ..good.clone() };
    assert!(summary(&bad).contains("fleet     ok 150/400 run 0 fail 50 pend 200, of both fleets together"));
    let back = Report { rollback_counts: Some(counts(400, 0, 0, 0)), ..bad };
    assert!(
        summary(&back)
            .contains("fleet     blue: all back in service on 4.17.2.zip\n          green: all out")
    );
}
