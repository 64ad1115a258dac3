//! AppSpec files of Lambda and ECS, case by case.

use super::super::{Scope, check as check_any};
use super::*;

const LAMBDA: &str = "version: 0.0\nResources:\n  - fn:\n      Type: AWS::Lambda::Function\n      Properties:\n        Name: fn\n        Alias: live\n        CurrentVersion: \"1\"\n        TargetVersion: 2\n";
const ECS: &str = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/web:7\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n        PlatformVersion: 1.4\n        NetworkConfiguration:\n          AwsvpcConfiguration:\n            Subnets: [subnet-1]\n            SecurityGroups: [sg-1]\n            AssignPublicIp: ENABLED\n        CapacityProviderStrategy:\n          - {CapacityProvider: FARGATE, Base: 1, Weight: 1}\n          - {CapacityProvider: FARGATE_SPOT}\n";

fn codes(text: &str) -> Vec<(&'static str, Severity)> {
    let findings = check(text.as_bytes(), detect(text.as_bytes()), false);
    findings.iter().map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn right_ones_have_no_findings_in_whatever_style() {
    assert_eq!((codes(LAMBDA), codes(ECS)), (vec![], vec![]));
    assert_eq!(
        codes(
            "{version: 0.0, Resources: [{fn: {Type: \"AWS::Lambda::Function\", Properties: {Name: fn, Alias: a, CurrentVersion: 1, TargetVersion: 2}}}]}"
        ),
        []
    );
    assert_eq!(codes(&LAMBDA.to_lowercase().replace("aws::lambda::function", "AWS::Lambda::Function")), []);
}

#[test]
fn values_of_an_ecs_service() {
    let with = |from: &str, to: &str| {
        let text = ECS.replace(from, to);
        assert_ne!(text, ECS);
        codes(&text)
    };
    let (wrong, filled) = (vec![("A074", Severity::Error)], vec![("A075", Severity::Warning)]);
    assert_eq!(with("PlatformVersion: 1.4", "PlatformVersion: [1.4]"), wrong);
    assert_eq!(with("PlatformVersion: 1.4", "PlatformVersion: ${PLATFORM}"), filled);
    assert_eq!(with("[subnet-1]", "subnet-1"), wrong);
    assert_eq!(with("[subnet-1]", "['${SUBNET}']"), filled);
    assert_eq!(with("Base: 1", "Base: one"), wrong);
    assert_eq!(with("Weight: 1", "Weight: '<WEIGHT>'"), filled);
    assert_eq!(with("SPOT}", "SPOT, Base: 2}"), wrong);
    assert_eq!(with("ENABLED", "true"), wrong);
}

#[test]
fn words_of_capitals_are_a_placeholder_where_they_can_be_nothing_else() {
    let arn = "arn:aws:ecs:us-east-1:111122223333:task-definition/web:7";
    let told = |text: &str, placeholders: bool| {
        let scope = Scope { placeholders, ..Scope::default() };
        let findings = check_any(text.as_bytes(), None, scope).findings;
        findings.into_iter().map(|found| (found.code, found.severity)).collect::<Vec<_>>()
    };
    let is = |text: &str, from: &str, to: &str| {
        let text = text.replace(from, to);
        assert_eq!(told(&text, false), [("A075", Severity::Warning)], "{to}");
        assert_eq!(told(&text, true), [("A075", Severity::Note)], "{to}");
    };
    let is_not = |text: &str, from: &str, to: &str| {
        let text = text.replace(from, to);
        assert_eq!(told(&text, true), [("A074", Severity::Error)], "{to}");
    };
    for word in
        ["REPLACE_TASK_DEFINITION", "TASK_DEFINITION", "TASK_DEFINITION_ARN", "TASKDEF_ARN", "YOUR_TASK"]
    {
        is(ECS, arn, word);
    }
    // A family, or nothing that anybody fills in.
    for word in ["WEB_APP", "ARN", "WEB_1", "task_definition", "LEARN_IT"] {
        is_not(ECS, arn, word);
    }
    for word in ["TARGET_VERSION", "NEW_VERSION_2", "REPLACE_ME"] {
        is(LAMBDA, "TargetVersion: 2", &format!("TargetVersion: {word}"));
    }
    for word in ["LIVE_ALIAS", "VERSION", "$LATEST"] {
        is_not(LAMBDA, "TargetVersion: 2", &format!("TargetVersion: {word}"));
    }
    // These may be called so.
    assert_eq!(codes(&ECS.replace("ContainerName: web", "ContainerName: YOUR_ARN")), []);
    assert_eq!(codes(&LAMBDA.replace("Name: fn", "Name: YOUR_VERSION")), []);
    for (from, to) in [
        ("subnet-1", "SUBNET_A"),
        ("subnet-1", "SUBNET-1"),
        ("subnet-1", "PRIVATE_A"),
        ("subnet-1", "TBD"),
        ("sg-1", "SG1"),
        ("subnet-1", "subnet-REPLACE-ME"),
        ("subnet-1", "subnet-YOUR_SUBNET"),
        ("subnet-1", "subnet-xxxxx"),
        ("sg-1", "SECURITY_GROUP_ID"),
        ("sg-1", "sg-XXXXXXXX"),
    ] {
        is(ECS, from, to);
    }
}

#[test]
fn ids_of_subnets_and_security_groups() {
    for (from, to) in [
        ("subnet-1", "my subnet"),
        ("subnet-1", "YOUR_Subnet"),
        ("subnet-1", "subnet-"),
        ("subnet-1", "subnet-a_b"),
        ("subnet-1", "sg-1"),
        ("subnet-1", "12"),
        ("sg-1", "subnet-1"),
        ("sg-1", "ecs-security-group-1"),
        ("sg-1", "default"),
    ] {
        assert_eq!(codes(&ECS.replace(from, to)), [("A074", Severity::Error)], "{to}");
    }
    for (from, to) in [
        ("subnet-1", "subnet-0acb0cdb07fa59ca4"),
        ("subnet-1", "subnet-5678efgh"),
        ("subnet-1", "subnet-1234abcd, '${SUBNET}'"),
        ("sg-1", "sg-02557f4ddaf87fa15"),
    ] {
        let errors = codes(&ECS.replace(from, to));
        assert!(errors.iter().all(|(code, _)| *code == "A075"), "{to}: {errors:?}");
    }
}

#[test]
fn what_there_is_to_say_of_a_key_and_of_an_event() {
    let said = |text: &str| {
        let findings = check(text.as_bytes(), detect(text.as_bytes()), false);
        let said = findings.into_iter().map(|found| (found.message, found.help.unwrap_or_default()));
        said.collect::<Vec<_>>()
    };
    let pair = |message: &str, help: &str| (format!("{message}{OUTCOME}"), help.to_owned());
    let has = "an AppSpec for ECS has: version, Resources, Hooks";
    assert_eq!(
        said(&format!("{ECS}Transform: x\n")),
        [pair("the service does not know `Transform` in an AppSpec for ECS", has)]
    );
    let name = ECS.replace("PlatformVersion: 1.4", "ClusterName: a");
    assert_eq!(
        said(&name)[0].0,
        format!("the service does not know `ClusterName` in an ECS service{OUTCOME}")
    );
    let hook = |event: &str| said(&format!("{ECS}Hooks: [{{{event}: \"\"}}]\n")).pop().unwrap();
    let help = |event: &str| format!("write `- {event}: FUNCTION`, the function's name or ARN");
    assert_eq!(hook("AfterInstall"), pair("AfterInstall has no function", &help("AfterInstall")));
    assert_eq!(hook("beforeinstall"), pair("beforeinstall has no function", &help("BeforeInstall")));
    assert_eq!(hook("Other").1, help("BeforeAllowTraffic"));
}

#[test]
fn a_byte_order_mark_hides_nothing() {
    let text = format!("\u{feff}{ECS}");
    assert_eq!((detect(text.as_bytes()), codes(&text)), (Platform::Ecs, vec![("A008", Severity::Warning)]));
}

#[test]
fn a_variable_within_an_arn_is_a_placeholder() {
    for (text, is) in [
        ("arn:aws:ecs:$REGION:$AWS_ACCOUNT_ID:task-definition/web", true),
        ("$LATEST", false),
        ("a$b", false),
        ("a$5", false),
        ("TASK_DEFINITION_PLACEHOLDER", true),
        ("image-placeholder", false),
    ] {
        assert_eq!(placeholder::is_placeholder(text), is, "{text}");
    }
}

#[test]
fn of_a_key_that_comes_twice_one_is_lost() {
    let lost = [("A051", Severity::Warning)];
    let text = LAMBDA.replace("        Alias: live\n", "        Alias: live\n        Alias: other\n");
    assert_eq!(codes(&text), lost);
    for (text, from, to) in [
        (LAMBDA, "Resources:", "hooks: []\nHooks: []\nResources:"),
        (LAMBDA, "Resources:", "Hooks: [{BeforeAllowTraffic: a, \"BeforeAllowTraffic\": b}]\nResources:"),
        (LAMBDA, "Resources:", "Hooks: [{BeforeAllowTraffic: a}, {beforeAllowTraffic: b}]\nResources:"),
        (ECS, "  - TargetService:", "  - TargetService: {}\n    TargetService:"),
        (
            ECS,
            "          AwsvpcConfiguration:",
            "          AwsvpcConfiguration: {}\n          AwsvpcConfiguration:",
        ),
    ] {
        let twice = text.replace(from, to);
        assert_ne!(twice, text);
        assert_eq!(codes(&twice), lost, "{twice}");
    }
}

#[test]
fn names_that_nothing_can_have() {
    let wrong = [("A074", Severity::Error)];
    for (from, to) in [
        ("Alias: live", "Alias: $LATEST"),
        ("Alias: live", "Alias: 1"),
        ("Alias: live", "Alias: live 2"),
        ("Name: fn", "Name: my fn!"),
    ] {
        assert_eq!(codes(&LAMBDA.replace(from, to)), wrong, "{to}");
    }
    for (from, to) in [
        ("ContainerName: web", "ContainerName: a/b"),
        ("web:7", "web:0"),
        ("Weight: 1", "Weight: 1001"),
        ("Base: 1", "Base: 100001"),
        ("[subnet-1]", "[\"\", \"\"]"),
        ("[sg-1]", "[~]"),
        ("[sg-1]", "[[sg-1]]"),
        ("[sg-1]", "[{a: b}]"),
    ] {
        assert_eq!(codes(&ECS.replace(from, to)).first(), wrong.first(), "{to}");
    }
    let network =
        ECS.replace("          AwsvpcConfiguration:", "          Foo: 1\n          AwsvpcConfiguration:");
    assert_eq!(codes(&network), [("A071", Severity::Error)]);
    let function = |name: String| codes(&format!("{LAMBDA}Hooks: [{{BeforeAllowTraffic: {name}}}]\n"));
    assert_eq!(function("f".repeat(65)), [("A078", Severity::Error)]);
    let arn = format!("\"arn:aws:lambda:eu-west-1:111122223333:function:{}:live\"", "f".repeat(64));
    assert_eq!(function(arn), []);
}

#[test]
fn what_is_left_empty_is_left_out() {
    let strategy = ECS.split("        CapacityProviderStrategy:").next().unwrap();
    let text = format!("{strategy}        CapacityProviderStrategy:\nHooks:\n");
    assert_eq!(codes(&text), [("A036", Severity::Note)]);
}

#[test]
fn a_tag_of_cloudformation_is_an_error_whatever_stands_behind_it() {
    let arn = "arn:aws:ecs:us-east-1:111122223333:task-definition/web:7";
    for value in ["!Ref Web", "!Sub \"arn:aws:ecs:${AWS::Region}:task-definition/web:1\""] {
        let text = ECS.replace(arn, value).replace("ContainerPort: 80", "ContainerPort: abc");
        let findings = check_any(text.as_bytes(), None, Scope { placeholders: true, ..Default::default() });
        let codes: Vec<_> = findings.findings.iter().map(|found| (found.code, found.severity)).collect();
        assert_eq!(codes, [("A070", Severity::Error), ("A074", Severity::Error)], "{value}");
    }
}

#[test]
fn a_second_document_is_told() {
    assert_eq!(codes(&format!("{LAMBDA}---\nversion: 0.0\n")), [("A007", Severity::Warning)]);
}

#[test]
fn one_typo_does_not_hide_the_platform() {
    for (text, from, to, platform) in [
        (ECS, "Resources:", "Resource:", Platform::Ecs),
        (ECS, "AWS::ECS", "AWS:ECS", Platform::Ecs),
        (LAMBDA, "AWS::Lambda::", "AWS:Lambda:", Platform::Lambda),
        (LAMBDA, "AWS::Lambda::Function", "AWS::Lamda::Function", Platform::Lambda),
        (LAMBDA, "Resources:", "Resource:", Platform::Lambda),
    ] {
        let bare = text.replace("CurrentVersion: \"1\"", "").replace("TargetVersion: 2", "");
        assert_eq!(detect(bare.replace(from, to).as_bytes()), platform, "{to}");
    }
    assert_eq!(detect(b"version: 0.0\nfiles: []\n"), Platform::Server);
    assert_eq!(detect(b"version: 0.0\nos: linux\nResource: AWS::ECS::Service\n"), Platform::Server);
}
