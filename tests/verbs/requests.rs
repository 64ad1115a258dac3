//! Requests from files, under what the line says, and what is wrong with them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::settings::shop;
use crate::support::cdctl::Machine;

/// The verbs that take a request from a file.
const FROM: [&str; 9] = [
    "app create",
    "app ensure",
    "app rename",
    "group create",
    "group ensure",
    "group update",
    "config create",
    "deploy create",
    "instance register",
];

/// A skeleton in which each choice is made: `A|B` -> `B`.
pub fn filled(skeleton: &str) -> String {
    let first = |text: &str| {
        let end = text.find(['"', '\'', '\n']).unwrap_or(text.len());
        let (words, quote) = text.split_at(end);
        format!("{}{quote}", words.rsplit('|').next().unwrap())
    };
    skeleton.split_inclusive(['"', '\'', '\n']).map(first).collect()
}

#[test]
fn a_skeleton_is_taken_back() {
    let machine = Machine::new();
    for verb in FROM {
        for format in ["json", "yaml"] {
            let skeleton = machine.run(&format!("{verb} --skeleton -o {format}")).ends_with(0).stdout;
            let file = machine.home().join("request");
            fs::write(&file, filled(&skeleton)).unwrap();
            // It passes the check; what fails is only that there is no region to send it to.
            let line = format!("{verb} --from {}", file.display());
            machine.run(&line).ends_with(1).complains("no AWS region is set");
        }
    }
}

#[test]
fn what_is_wrong_in_a_file_has_its_line_and_its_nearest_name() {
    let machine = Machine::new();
    let file = machine.home().join("request.yaml");
    for (verb, text, place, near) in [
        ("app create", "applicationName: shop\ncomputePlatfrom: ECS\n", "line 2 column 1", "computePlatform"),
        ("app ensure", "{\n  \"aplicationName\": \"shop\"\n}", "line 2 column 3", "applicationName"),
        (
            "app rename",
            "applicationName: shop\nnewAplicationName: x\n",
            "line 2 column 1",
            "newApplicationName",
        ),
        ("instance register", "iamUserARN: x\n", "line 1 column 1", "iamUserArn"),
        ("group create", "applicationName: shop\nec2TagFilter: []\n", "line 2 column 1", "ec2TagFilters"),
        ("group ensure", "alarmConfiguration:\n  enabled: true\n  alarm: []\n", "line 3 column 3", "alarms"),
        (
            "group update",
            "currentDeploymentGroupNam: prod\n",
            "line 1 column 1",
            "currentDeploymentGroupName",
        ),
        (
            "config create",
            "minimumHealthyHosts:\n  type: HOST_COUNT\n  valeu: 1\n",
            "line 3 column 3",
            "value",
        ),
        ("deploy create", "applicationName: shop\ndescribtion: x\n", "line 2 column 1", "description"),
    ] {
        fs::write(&file, text).unwrap();
        let run = machine.run(&format!("{verb} --from {}", file.display())).ends_with(2).says_nothing();
        run.complains(place).complains(&format!("did you mean `{near}`?"));
    }
}

#[test]
fn every_verb_that_creates_or_updates_takes_a_file() {
    let mut verbs = BTreeSet::new();
    for (words, command) in crate::surface::tree() {
        let has = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
        assert!(has("skeleton") || !has("from"), "{words:?}");
        if has("from") {
            verbs.insert(words.join(" "));
        }
    }
    // What an operation that is called Create, Update or Register is reached by; revisions are one string.
    let files: BTreeSet<String> = FROM.map(str::to_owned).into();
    assert_eq!(verbs, files);
    for (operation, reached) in super::every::table() {
        let makes = ["Create", "Update", "Register"].iter().any(|verb| operation.starts_with(verb));
        for verb in reached.iter().filter(|_| makes && operation != "RegisterApplicationRevision") {
            let words = verb.trim_start_matches("cdctl ").split(" -").next().unwrap();
            assert!(files.contains(words), "{operation}: {verb}");
        }
    }
}

#[test]
fn a_rename_and_a_registration_are_taken_from_files_under_the_line() {
    let shop = shop();
    let file = shop.machine.home().join("request.yaml");
    let from = |verb: &str, text: &str| {
        fs::write(&file, text).unwrap();
        shop.run(&format!("{verb} --from {}", file.display()))
    };
    from("app rename", "applicationName: shop\nnewApplicationName: store\n")
        .ends_with(0)
        .complains("now store\n");
    from("app rename store", "newApplicationName: kiosk\n").ends_with(0).complains("now kiosk\n");
    from("app rename kiosk shop", "newApplicationName: no\n").ends_with(0).complains("kiosk is now shop\n");
    from("app rename shop", "{}").ends_with(2).complains("UpdateApplication needs newApplicationName\n");
    shop.run("app rename shop").ends_with(2).complains("<NEW-NAME>");

    let user = "arn:aws:iam::123456789012:user/rack-7";
    let session = "arn:aws:sts::123456789012:assumed-role/CodeDeployInstance/rack-8";
    let filed = format!("instanceName: rack-7\niamUserArn: {user}\n");
    from("instance register --tag Role=web", &filed).ends_with(0).complains("registered instance rack-7\n");
    from(&format!("instance register rack-8 --session-arn {session}"), &filed).ends_with(0);
    let shown = |name: &str| shop.json(&format!("instance show {name}"))["instanceInfo"].clone();
    let seven = shown("rack-7");
    assert_eq!((&seven["iamUserArn"], &seven["tags"][0]["Value"]), (&json!(user), &json!("web")));
    assert_eq!(
        (shown("rack-8")["iamSessionArn"].as_str(), shown("rack-8").get("iamUserArn")),
        (Some(session), None)
    );
    from("instance register", "iamUserArn: x").ends_with(2).complains("needs instanceName");
}

#[test]
fn a_deployment_is_taken_from_a_file_under_the_flags() {
    let shop = shop();
    let file = shop.machine.home().join("deployment.yaml");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let text = format!(
        "applicationName: shop\ndeploymentGroupName: prod\ndescription: filed\nfileExistsBehavior: RETAIN\n\
         deploymentConfigName: CodeDeployDefault.AllAtOnce\nignoreApplicationStopFailures: true\n\
         autoRollbackConfiguration: {{enabled: true, events: [DEPLOYMENT_FAILURE]}}\n\
         targetInstances: {{autoScalingGroups: [web]}}\n\
         revision: {{revisionType: GitHub, gitHubLocation: {{repository: me/site, commitId: {commit}}}}}\n"
    );
    fs::write(&file, text).unwrap();
    let from = format!("deploy create --from {}", file.display());
    let mut expected = json!({
        "applicationName": "shop", "deploymentGroupName": "prod", "description": "filed",
        "fileExistsBehavior": "RETAIN", "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
        "ignoreApplicationStopFailures": true,
        "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_FAILURE"] },
        "targetInstances": { "autoScalingGroups": ["web"] },
        "revision": { "revisionType": "GitHub",
            "gitHubLocation": { "repository": "me/site", "commitId": commit } },
    });
    assert_eq!(shop.json(&format!("{from} --dry-run")), expected);

    let flags = "--description said --file-exists overwrite --config CodeDeployDefault.OneAtATime \
                 --auto-rollback off --target-tag Fleet=green --revision github:me/site@fedcba9876543210fedcba9876543210fedcba98";
    expected["description"] = "said".into();
    expected["fileExistsBehavior"] = "OVERWRITE".into();
    expected["deploymentConfigName"] = "CodeDeployDefault.OneAtATime".into();
    expected["autoRollbackConfiguration"] = json!({ "enabled": false });
    expected["targetInstances"]["tagFilters"] =
        json!([{ "Key": "Fleet", "Value": "green", "Type": "KEY_AND_VALUE" }]);
    expected["revision"]["gitHubLocation"]["commitId"] = "fedcba9876543210fedcba9876543210fedcba98".into();
    let mut planned = shop.json(&format!("{from} {flags} --dry-run"));
    planned["autoRollbackConfiguration"].as_object_mut().unwrap().remove("events");
    assert_eq!(planned, expected);
    shop.run(&format!("{from} shop/other --dry-run")).ends_with(1).complains("shop/other");

    // A restart names no revision, in the file as on the line.
    fs::write(&file, "applicationName: shop\ndeploymentGroupName: prod\ndeploymentMode: RESTART\n").unwrap();
    assert_eq!(shop.json(&format!("{from} --dry-run"))["deploymentMode"], "RESTART");
    fs::write(&file, "revision: {revisionType: S3, s3Location: {bucket: b}}").unwrap();
    shop.run(&format!("{from} shop/prod")).ends_with(2).complains("names nothing to deploy");
    shop.run("deploy create shop/prod --from - --appspec -").ends_with(2).complains("read once");
}
