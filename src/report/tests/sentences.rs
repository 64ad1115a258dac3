//! The sentences of a summary: what they name, and how they are folded.

use snapbox::{assert_data_eq, str};

use super::*;

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

#[test]
fn a_function_that_is_left_on_two_versions_is_put_on_one_by_hand() {
    let stopped = Report {
        status: Some(DeploymentStatus::Stopped),
        causes: Vec::new(),
        counts: None,
        serving: checkout(0.1),
        ..report("stopped", 4)
    };
    assert_data_eq!(
        summary(&stopped),
        str![[r#"
✗ STOPPED  d-7F3K2QX9A  shop-web/prod-fleet  s3://rel/shop-web/4.18.0.zip  after 12m08s
traffic   checkout:live v41 90%, v42 10%
hint      the alias is left on two versions, and deployments fail until it is on one
next      cdctl deploy show d-7F3K2QX9A
          aws lambda update-alias --function-name checkout --name live --function-version 41 --routing-config AdditionalVersionWeights={}
"#]]
    );
    let whole = Report { serving: checkout(1.0), ..stopped };
    assert!(!summary(&whole).contains("hint") && summary(&whole).contains("cdctl deploy rollback"));
}

#[test]
fn what_cannot_be_stopped_or_waits_has_the_commands_for_that() {
    let left = Report {
        status: Some(DeploymentStatus::InProgress),
        causes: Vec::new(),
        creator: Some(Creator::CloudFormation),
        ..report("detached", 130)
    };
    assert!(!summary(&left).contains("deploy stop"), "the stack's owner acts on the stack");
    let ready = Report { status: Some(DeploymentStatus::Ready), creator: None, ..left };
    assert!(summary(&ready).ends_with(
        "cdctl deploy watch d-7F3K2QX9A\n          cdctl deploy continue d-7F3K2QX9A\n          cdctl deploy stop d-7F3K2QX9A"
    ));
}

#[test]
fn on_a_terminal_a_long_sentence_is_folded_once() {
    let message = "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment \
                   configuration is missing or has an invalid configuration of the version that it starts from.";
    let long = Report {
        error: Some(ErrorEvent { code: "INVALID_LAMBDA_CONFIGURATION".into(), message: message.into() }),
        causes: Vec::new(),
        ..report("failed", 3)
    };
    for width in [60, 80, 100, 130, 200] {
        let buffer = Buffer::default();
        let screen = Screen::fixed(Stream::new(buffer.clone()), width, 24);
        let mut shown = Summary::new(Stream::new(buffer.clone()), true, false).folded(Some(screen));
        assert_eq!(shown.event(&stamped(1, 1, Event::Result(Box::new(long.clone())))), Ok(()));
        let text = buffer.text();
        let why = text.lines().skip_while(|line| !line.starts_with("why "));
        let lines: Vec<_> =
            why.enumerate().take_while(|(n, line)| *n == 0 || line.starts_with(' ')).collect();
        assert!(lines.len() > 1, "{text}");
        for pair in lines.windows(2) {
            let next = pair[1].1.split_whitespace().next().unwrap();
            let whole = pair[0].1.len() + 1 + next.len() > usize::from(width).min(130);
            assert!(whole && pair[0].1.len() <= usize::from(width), "{width}: {text}");
        }
    }
}

#[test]
fn on_a_terminal_no_word_is_broken() {
    let buffer = Buffer::default();
    let screen = Screen::fixed(Stream::new(buffer.clone()), 60, 24);
    let mut shown = Summary::new(Stream::new(buffer.clone()), true, true).folded(Some(screen));
    let long = Report {
        revision: Some(
            "s3://rel/shop-web/4.18.0.zip?versionId=0123456789abcdef&etag=fedcba9876543210".into(),
        ),
        error: Some(ErrorEvent { code: "HEALTH_CONSTRAINTS".into(), message: "too many".into() }),
        ..report("failed", 3)
    };
    assert_eq!(shown.event(&stamped(1, 1, Event::Result(Box::new(long)))), Ok(()));
    let text = buffer.text().replace("\x1b[1;31m", "").replace("\x1b[0m", "");
    assert_data_eq!(
        text,
        str![[r#"
✗ FAILED  d-7F3K2QX9A  shop-web/prod-fleet
  s3://rel/shop-web/4.18.0.zip  after 12m08s
why       8 targets failed for one cause; too few healthy
          ones were left (HEALTH_CONSTRAINTS)
  1  8x  ApplicationStart  ScriptFailed  scripts/start.sh
     first 2026-08-25T14:17:00Z
     scripts/start.sh failed with exit code 1
     on i-000, i-001, i-002, i-003, i-004, i-005, i-006,
       i-007
       [stdout]starting
       [stderr]Error: listen EADDRINUSE 0.0.0.0:8080
fleet     1 on 4.18.0.zip: i-008
          8 broken (failed half way to 4.18.0.zip)
          3 untouched (last good: 4.17.2.zip): i-009, i-010,
          i-011
next      cdctl deploy logs d-7F3K2QX9A --failed
          cdctl deploy rollback d-7F3K2QX9A   # back to 4.17.2.zip

"#]]
    );
}

#[test]
fn usual_reasons_are_named() {
    let mut report = report("failed", 3);
    let silent =
        Cause { error: String::new(), script: String::new(), ..cause(1, EventName::AllowTraffic, "", "") };
    report.causes = vec![silent.clone()];
    assert!(summary(&report).contains("hint: no script ran"), "the host told of no diagnostics");
    report.serving = checkout(1.0);
    assert!(!summary(&report).contains("no script ran"), "a function has no host");
    report.serving = Serving::Unsaid;
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
