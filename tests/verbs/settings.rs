//! Every setting of a group by its flag, through an update and back.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::{ROLE, Shop};
use crate::support::cdctl::Machine;

fn info(shop: &Shop, group: &str) -> Value {
    shop.json(&format!("group show {group}"))["deploymentGroupInfo"].clone()
}

pub fn shop() -> Shop {
    let shop = Shop::empty();
    shop.run("app create shop").ends_with(0);
    shop.run(&format!("group create shop/prod --service-role {ROLE} --ec2-tag Role=web")).ends_with(0);
    shop
}

#[test]
fn each_flag_changes_its_member_and_no_other() {
    let shop = shop();
    let filter = |key: &str, value: &str| json!({ "Key": key, "Value": value, "Type": "KEY_AND_VALUE" });
    let role = "arn:aws:iam::123456789012:role/Other";
    for (flags, member, value) in [
        (format!("--service-role {role}"), "serviceRoleArn", json!(role)),
        (
            "--config CodeDeployDefault.AllAtOnce".into(),
            "deploymentConfigName",
            json!("CodeDeployDefault.AllAtOnce"),
        ),
        (
            "--ec2-tag Role=api --ec2-tag Any".into(),
            "ec2TagFilters",
            json!([filter("Role", "api"), { "Key": "Any", "Type": "KEY_ONLY" }]),
        ),
        ("--on-prem-tag Rack=7".into(), "onPremisesInstanceTagFilters", json!([filter("Rack", "7")])),
        (
            "--suspend-asg Terminate,AZRebalance".into(),
            "ec2DeploymentOptions",
            json!({ "autoScalingGroupProcessesToSuspend": ["Terminate", "AZRebalance"] }),
        ),
        ("--termination-hook on".into(), "terminationHookEnabled", json!(true)),
        ("--termination-hook off".into(), "terminationHookEnabled", json!(false)),
        ("--outdated ignore".into(), "outdatedInstancesStrategy", json!("IGNORE")),
        ("--outdated update".into(), "outdatedInstancesStrategy", json!("UPDATE")),
        ("--elb front".into(), "loadBalancerInfo", json!({ "elbInfoList": [{ "name": "front" }] })),
        (
            "--traffic-control on".into(),
            "deploymentStyle",
            json!({ "deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL" }),
        ),
        (
            "--auto-rollback failure,alarm,stop".into(),
            "autoRollbackConfiguration",
            json!({ "enabled": true,
            "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"] }),
        ),
        (
            "--auto-rollback off".into(),
            "autoRollbackConfiguration",
            json!({ "enabled": false, "events": [] }),
        ),
        (
            "--alarm errors --alarm latency".into(),
            "alarmConfiguration",
            json!({ "enabled": true, "alarms": [{ "name": "errors" }, { "name": "latency" }] }),
        ),
        (
            "--trigger t=DeploymentStart@arn:aws:sns:us-east-1:123456789012:t".into(),
            "triggerConfigurations",
            json!([{ "triggerName": "t", "triggerEvents": ["DeploymentStart"],
                "triggerTargetArn": "arn:aws:sns:us-east-1:123456789012:t" }]),
        ),
    ] {
        let mut expected = info(&shop, "shop/prod");
        shop.run(&format!("group update shop/prod {flags}")).ends_with(0).says_nothing();
        let after = info(&shop, "shop/prod");
        expected[member] = after[member].clone();
        assert_eq!(after, expected, "{flags}");
        assert!(holds(&after[member], &value), "{flags}\n{after:#}");
    }
}

/// What is wanted is there; the service may say more.
fn holds(there: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(members) => members.iter().all(|(name, value)| holds(&there[name], value)),
        Value::Array(items) => {
            there.as_array().is_none_or(|there| there.len() == items.len())
                && items.iter().enumerate().all(|(index, value)| holds(&there[index], value))
        }
        _ => there == wanted,
    }
}

#[test]
fn ecs_and_blue_green() {
    let shop = shop();
    shop.run("app create svc --platform ecs").ends_with(0);
    let listener = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener";
    let line = format!(
        "group create svc/live --service-role {ROLE} --config CodeDeployDefault.ECSLinear10PercentEvery1Minutes \
         --ecs-service main/web --target-group-pair blue,green --listener {listener}/p --test-listener {listener}/t \
         --style blue-green --traffic-control on --when-ready 30 --terminate-blue 15"
    );
    shop.run(&line).ends_with(0);
    let live = info(&shop, "svc/live");
    assert_eq!(live["ecsServices"], json!([{ "clusterName": "main", "serviceName": "web" }]));
    assert_eq!(
        live["loadBalancerInfo"]["targetGroupPairInfoList"],
        json!([{ "targetGroups": [{ "name": "blue" }, { "name": "green" }],
            "prodTrafficRoute": { "listenerArns": [format!("{listener}/p")] },
            "testTrafficRoute": { "listenerArns": [format!("{listener}/t")] } }])
    );
    let waits = &live["blueGreenDeploymentConfiguration"];
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30 });
    assert_eq!(waits["deploymentReadyOption"], ready);
    let ends = json!({ "action": "TERMINATE", "terminationWaitTimeInMinutes": 15 });
    assert_eq!(waits["terminateBlueInstancesOnDeploymentSuccess"], ends);
    // The two target groups are one pair: a flag of a part keeps the rest of it, also where the rest is to be as it is.
    let pair = |shop: &Shop| info(shop, "svc/live")["loadBalancerInfo"]["targetGroupPairInfoList"][0].clone();
    shop.run(&format!("group update svc/live --test-listener {listener}/u")).ends_with(0);
    shop.run("group update svc/live --target-group-pair green,blue").ends_with(0);
    let ensure = format!("group ensure svc/live --service-role {ROLE} --listener {listener}/q");
    shop.run(&ensure).ends_with(0).complains("updated deployment group svc/live: loadBalancerInfo\n");
    shop.run(&ensure).ends_with(0).complains("nothing to change");
    let expected = json!({ "targetGroups": [{ "name": "green" }, { "name": "blue" }],
        "prodTrafficRoute": { "listenerArns": [format!("{listener}/q")] },
        "testTrafficRoute": { "listenerArns": [format!("{listener}/u")] } });
    assert_eq!(pair(&shop), expected);
    // A flag of a part keeps the rest of it.
    shop.run("group update svc/live --when-ready continue").ends_with(0);
    let waits = info(&shop, "svc/live")["blueGreenDeploymentConfiguration"].clone();
    assert_eq!(waits["deploymentReadyOption"]["actionOnTimeout"], "CONTINUE_DEPLOYMENT");
    assert_ne!(waits["deploymentReadyOption"]["waitTimeInMinutes"], 30);
    assert_eq!(waits["terminateBlueInstancesOnDeploymentSuccess"], ends);

    let line = format!(
        "group create shop/green --service-role {ROLE} --asg web --style blue-green --traffic-control on \
         --target-group web --green-fleet copy --when-ready continue --terminate-blue keep"
    );
    shop.run(&line).ends_with(0);
    let green = info(&shop, "shop/green");
    assert_eq!(green["autoScalingGroups"][0]["name"], "web");
    let waits = &green["blueGreenDeploymentConfiguration"];
    assert_eq!(waits["greenFleetProvisioningOption"], json!({ "action": "COPY_AUTO_SCALING_GROUP" }));
    assert_eq!(waits["terminateBlueInstancesOnDeploymentSuccess"]["action"], "KEEP_ALIVE");
}

#[test]
fn a_filter_may_be_of_any_key_or_of_any_value() {
    let shop = shop();
    shop.run("group update shop/prod --ec2-tag =web --ec2-tag Env --on-prem-tag-set =a,b").ends_with(0);
    let there = info(&shop, "shop/prod");
    let value = |value: &str| json!({ "Value": value, "Type": "VALUE_ONLY" });
    assert_eq!(there["ec2TagFilters"], json!([value("web"), { "Key": "Env", "Type": "KEY_ONLY" }]));
    assert_eq!(there["onPremisesTagSet"]["onPremisesTagSetList"], json!([[value("a"), value("b")]]));
    assert!(shop.says("group show shop/prod").contains("=web, Env"), "{}", shop.says("group show shop/prod"));
    // A tag to set has a value, be it an empty one.
    for line in ["app tag shop Team", "app create new --tag Team", "instance tag rack-7 Team"] {
        shop.run(line).ends_with(2).complains("a tag is written KEY=VALUE; an empty value, `Team=`");
    }
    shop.run("app tag shop Team=").ends_with(0);
}

#[test]
fn each_setting_can_be_taken_away() {
    let shop = shop();
    let all = [
        "group",
        "update",
        "shop/prod",
        "--clear",
        "ec2-tags",
        "--ec2-tag-set",
        "Role=web & Env=prod",
        "--on-prem-tag-set",
        "Rack=a,b & Env=prod",
        "--asg",
        "web",
        "--trigger",
        "t=DeploymentStart@arn:aws:sns:us-east-1:123456789012:t",
        "--alarm",
        "errors",
        "--auto-rollback",
        "failure",
        "--target-group",
        "web",
        "--suspend-asg",
        "Terminate",
    ];
    shop.machine.cdctl(all).ends_with(0);
    for (clear, pointer) in [
        ("ec2-tag-set", "/ec2TagSet/ec2TagSetList"),
        ("on-prem-tag-set", "/onPremisesTagSet/onPremisesTagSetList"),
        ("asgs", "/autoScalingGroups"),
        ("triggers", "/triggerConfigurations"),
        ("alarms", "/alarmConfiguration/alarms"),
        ("auto-rollback", "/autoRollbackConfiguration/events"),
        ("load-balancers", "/loadBalancerInfo/targetGroupInfoList"),
        ("suspend-asg", "/ec2DeploymentOptions/autoScalingGroupProcessesToSuspend"),
    ] {
        let is_there = || {
            info(&shop, "shop/prod")
                .pointer(pointer)
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        assert!(is_there(), "{clear}");
        shop.run(&format!("group update shop/prod --clear {clear}")).ends_with(0);
        assert!(!is_there(), "{clear}");
    }
}

#[test]
fn a_name_is_taken_from_the_line_then_the_file_then_the_environment() {
    let shop = shop();
    let file = shop.machine.home().join("group.yaml");
    fs::write(&file, format!("applicationName: shop\ndeploymentGroupName: filed\nserviceRoleArn: {ROLE}\n"))
        .unwrap();
    let create = format!("group create --from {} -q", file.display());
    let beside = |name: &str, value: &str| Machine::new().against(&shop.url()).set(name, value);
    let outside = beside("CDCTL_APP", "shop").set("CDCTL_GROUP", "outside");
    outside.run(&create).ends_with(0);
    outside.run(&format!("{create} --group flagged")).ends_with(0);
    outside.run(&format!("{create} shop/written")).ends_with(0);
    outside.run(&format!("group create --service-role {ROLE} -q")).ends_with(0);
    let groups = shop.says("group list shop -o text");
    let groups: Vec<&str> = groups.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(groups, ["filed", "flagged", "outside", "prod", "written"]);
}

#[test]
fn applications_and_groups_are_named_alike_everywhere() {
    let shop = shop();
    let id = shop.deploy();
    shop.run("group tag shop/prod Team=web").ends_with(0);
    let bare = Machine::new().against(&shop.url());
    let outside = Machine::new().against(&shop.url()).set("CDCTL_APP", "shop").set("CDCTL_GROUP", "prod");
    for verb in ["app show", "app tags", "group list", "revision list"] {
        let expected = bare.run(&format!("{verb} shop")).ends_with(0).stdout;
        assert_eq!(bare.run(&format!("{verb} --app shop")).ends_with(0).stdout, expected, "{verb}");
        assert_eq!(outside.run(verb).ends_with(0).stdout, expected, "{verb}");
        bare.run(verb).ends_with(2).complains("no application is named").complains("CDCTL_APP");
        bare.run(&format!("{verb} shop --app shop")).ends_with(2).complains("cannot be used with");
    }
    for verb in ["group show", "group tags", "deploy show", "deploy targets", "deploy logs", "deploy list"] {
        // How long a deployment has run is another time's text.
        let run =
            |machine: &Machine, line: String| machine.run(&format!("{line} -o json")).ends_with(0).stdout;
        let expected = run(&bare, format!("{verb} shop/prod"));
        assert_eq!(run(&bare, format!("{verb} --app shop --group prod")), expected, "{verb}");
        assert_eq!(run(&outside, verb.to_owned()), expected, "{verb}");
        bare.run(&format!("{verb} --app shop"))
            .ends_with(2)
            .complains("--app and --group name a deployment group");
        bare.run(&format!("{verb} shop/prod --app other")).ends_with(2).complains("cannot be used with");
        bare.run(&format!("{verb} shop/prod --group other")).ends_with(2).complains("cannot be used with");
    }
    bare.run("group show").ends_with(2).complains("no deployment group is named");
    bare.run("deploy show").ends_with(2).complains("no deployment is named");
    bare.run(&format!("deploy show {id} --app shop")).ends_with(2).complains("cannot be used with");
    outside.run(&format!("deploy show {id}")).ends_with(0).says(&id);
}

#[test]
fn one_deployment_may_do_otherwise_than_its_group() {
    let shop = shop();
    let planned = |flags: &str| {
        let revision = "--revision github:me/site@0123456789abcdef0123456789abcdef01234567";
        shop.json(&format!("deploy create shop/prod {revision} {flags} --dry-run"))
    };
    let tag = json!([{ "Key": "Fleet", "Value": "green", "Type": "KEY_AND_VALUE" }]);
    let targets = planned("--target-tag Fleet=green --target-asg web")["targetInstances"].clone();
    assert_eq!(targets, json!({ "tagFilters": tag, "autoScalingGroups": ["web"] }));
    let set = planned("--target-tag-set Fleet=green")["targetInstances"].clone();
    assert_eq!(set, json!({ "ec2TagSet": { "ec2TagSetList": [tag] } }));
    let alarms = planned("--alarms a,b")["overrideAlarmConfiguration"].clone();
    assert_eq!(alarms, json!({ "enabled": true, "alarms": [{ "name": "a" }, { "name": "b" }] }));
    let none = planned("--ignore-alarms")["overrideAlarmConfiguration"].clone();
    assert_eq!(none, json!({ "enabled": false, "alarms": [] }));
    let asg = planned("--suspend-asg Terminate")["ec2DeploymentOptions"].clone();
    assert_eq!(asg, json!({ "autoScalingGroupProcessesToSuspend": ["Terminate"] }));

    let restart = shop.json("deploy create shop/prod --mode restart --dry-run");
    assert_eq!((&restart["deploymentMode"], restart.get("revision")), (&json!("RESTART"), None));
    shop.run("deploy create shop/prod").ends_with(2).complains("pass --revision, --push, --task-definition");
    shop.run("deploy create shop/prod --mode restart --revision last-good")
        .ends_with(2)
        .complains("deploys no revision");
    shop.run("deploy create shop/prod --mode restart --outdated-only").ends_with(2);
}

/// The paths of the members that hold no others.
fn leaves(json: &Value, path: &str, into: &mut BTreeSet<String>) {
    match json {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{path}.{name}"), into))
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path, into)),
        _ => drop(into.insert(path.trim_start_matches('.').to_owned())),
    }
}

#[test]
fn every_member_of_a_deployment_has_a_flag() {
    let shop = shop();
    shop.run("app create fn --platform lambda").ends_with(0);
    shop.run(&format!(
        "group create fn/live --service-role {ROLE} --config CodeDeployDefault.LambdaAllAtOnce"
    ))
    .ends_with(0);
    let mut made = BTreeSet::new();
    let github = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    let all = "--config CodeDeployDefault.AllAtOnce --description d --ignore-application-stop-failures \
               --file-exists retain --outdated-only --auto-rollback failure --target-tag A=b --target-asg g \
               --alarms a --ignore-poll-alarm-failure on --suspend-asg Terminate --mode standard";
    for line in [
        format!("shop/prod --revision {github} {all}"),
        "shop/prod --revision s3://b/k.zip?versionId=1&etag=2 --target-tag-set A=b".to_owned(),
        "fn/live --function f:live --current-version 1 --target-version 2".to_owned(),
    ] {
        leaves(&shop.json(&format!("deploy create {line} --dry-run")), "", &mut made);
    }
    let mut whole = BTreeSet::new();
    leaves(&shop.json("deploy create --skeleton"), "", &mut whole);
    // What AppSpecContent was called before.
    whole.retain(|path| !path.starts_with("revision.string."));
    assert_eq!(whole.difference(&made).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_dry_run_shows_what_holds_for_the_deployment() {
    let shop = shop();
    shop.run("group update shop/prod --auto-rollback failure --alarm errors --outdated ignore --asg pool")
        .ends_with(0);
    let create = "deploy create shop/prod --revision github:me/site@0123456789abcdef0123456789abcdef01234567 --dry-run";
    let rows = shop.says(&format!("{create} -o text"));
    for row in [
        "group.ec2TagFilters\tRole=web",
        "group.autoRollbackConfiguration.events\tDEPLOYMENT_FAILURE",
        "group.alarmConfiguration.alarms\terrors",
        "group.outdatedInstancesStrategy\tIGNORE",
        "group.deploymentStyle.deploymentType\tIN_PLACE",
    ] {
        assert!(rows.lines().any(|line| line == row), "{row}\n{rows}");
    }
    let rows = shop.says(&format!("{create} --auto-rollback off --ignore-alarms -o text"));
    assert!(!rows.contains("group.autoRollback") && !rows.contains("group.alarm"), "{rows}");
    let pushed = shop
        .says("deploy create shop/prod --push examples/site --bucket releases --key s.zip --dry-run -o text");
    assert!(
        pushed.starts_with("First\tupload ") && pushed.contains("to s3://releases/s.zip and register"),
        "{pushed}"
    );
}

#[test]
fn ensure_says_what_it_changed() {
    let shop = shop();
    let ensure = |line: &str, said: &str| drop(shop.run(line).ends_with(0).complains(said));
    ensure("app ensure shop --tag Team=web", "updated application shop: tag Team\n");
    ensure("app ensure shop --tag Team=web", "application shop is as wanted; nothing to change\n");
    let group = format!("group ensure shop/prod --service-role {ROLE} --ec2-tag Role=web");
    ensure(&group, "deployment group shop/prod is as wanted; nothing to change\n");
    let changed = format!("{group} --outdated ignore --tag Team=web");
    ensure(&changed, "updated deployment group shop/prod: outdatedInstancesStrategy, tag Team\n");
    ensure(&changed, "is as wanted; nothing to change\n");
    let new = format!("group ensure shop/new --service-role {ROLE} --ec2-tag Role=web --tag Team=web");
    ensure(&new, "created deployment group shop/new\n");
    ensure(&new, "is as wanted; nothing to change\n");
    let scaled = format!("group ensure shop/scaled --service-role {ROLE} --asg web --asg api");
    ensure(&scaled, "created deployment group shop/scaled\n");
    ensure(&scaled, "is as wanted; nothing to change\n");
    ensure(&scaled.replace(" --asg api", ""), "updated deployment group shop/scaled: autoScalingGroups\n");
}

#[test]
fn a_group_that_moves_traffic_has_its_one_style() {
    let shop = shop();
    shop.run("app create fn --platform lambda").ends_with(0);
    let style = json!({ "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" });
    for (group, more) in
        [("fn/live", ""), ("fn/half", "--style blue-green"), ("fn/other", "--traffic-control on")]
    {
        let line = format!(
            "group create {group} --service-role {ROLE} --config CodeDeployDefault.LambdaAllAtOnce {more}"
        );
        shop.run(&line).ends_with(0);
        assert_eq!(info(&shop, group)["deploymentStyle"], style, "{group}");
    }
    // What is said stands, and is the service's to refuse.
    let line = format!(
        "group create fn/no --service-role {ROLE} --config CodeDeployDefault.LambdaAllAtOnce --style in-place"
    );
    shop.run(&line).ends_with(1).complains("InvalidDeploymentStyleException");
    assert_eq!(info(&shop, "shop/prod")["deploymentStyle"]["deploymentType"], "IN_PLACE");
}

#[test]
fn what_a_group_lacks_is_told_by_its_flag() {
    let shop = shop();
    let lacks = |line: &str, help: &str| {
        let _ = shop.run(line).ends_with(1).complains(&format!("\n  help: {help}"));
    };
    for (platform, config) in [("ecs", "ECSAllAtOnce"), ("lambda", "LambdaAllAtOnce")] {
        shop.run(&format!("app create {platform} --platform {platform}")).ends_with(0);
        let line = format!(
            "group create {platform}/server --service-role {ROLE} --config CodeDeployDefault.OneAtATime"
        );
        lacks(&line, "pass `--config` with one of the application's platform; see `cdctl config list`\n");
        if platform == "lambda" {
            let run = shop.run(&format!("group create lambda/live --service-role {ROLE}")).ends_with(0);
            run.complains(&format!("no deployment configuration is named: CodeDeployDefault.{config}\n"));
            let name = format!("CodeDeployDefault.{config}");
            assert_eq!(info(&shop, "lambda/live")["deploymentConfigName"], json!(name));
        }
    }
    let service = format!("group create ecs/web --service-role {ROLE} --ecs-service main/web");
    lacks(&service, "an ECS group takes `--target-group-pair NAME,NAME --listener ARN` and nothing else");
    let pair = format!("{service} --target-group-pair blue,green");
    let waits = "--when-ready continue --terminate-blue 1";
    lacks(&pair, "add `--when-ready continue --terminate-blue MINUTES`\n");
    lacks(
        &format!("{pair} --when-ready continue"),
        "add `--terminate-blue MINUTES`, or `--terminate-blue keep`\n",
    );
    lacks(
        &format!("{pair} --terminate-blue 1"),
        "add `--when-ready continue`, or `--when-ready MINUTES` to wait",
    );
    lacks(&format!("{pair} {waits}"), "add `--listener ARN`, once\n");
    shop.run(&format!(
        "{pair} {waits} --listener arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/p"
    ))
    .ends_with(0);
    assert_eq!(info(&shop, "ecs/web")["deploymentConfigName"], "CodeDeployDefault.ECSAllAtOnce");

    let green =
        format!("group create shop/green --service-role {ROLE} --ec2-tag Role=web --style blue-green");
    let fleet = "--green-fleet discover --when-ready continue --terminate-blue 5";
    lacks(&format!("{green} {fleet}"), "traffic control needs `--target-group NAME` or `--elb NAME`\n");
    let off = format!("{green} --traffic-control off {fleet}");
    lacks(&off, "pass `--traffic-control on` and `--target-group NAME` or `--elb NAME`\n");
    shop.run(&format!("{green} {fleet} --target-group web")).ends_with(0);
    assert_eq!(info(&shop, "shop/green")["deploymentStyle"]["deploymentOption"], "WITH_TRAFFIC_CONTROL");
    let revision = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    lacks(
        &format!("deploy create shop/green --revision {revision}"),
        "add `--target-tag KEY=VALUE` or `--target-asg NAME`: instances that are there already",
    );
    lacks("config create Careful", "add `--min-healthy COUNT` or `--min-healthy PERCENT%`\n");
    lacks(
        "config create Careful --platform ecs",
        "add `--all-at-once`, `--canary PERCENT%/TIME` or `--linear PERCENT%/TIME`\n",
    );
}
