//! app, group, config, revision and the filters of `deploy list`.

use std::fs;

use serde_json::json;

use super::{ROLE, Shop};
use crate::support::stage::Scene;

#[test]
fn an_application_from_its_birth_to_its_end() {
    let shop = Shop::of(Scene::Created, 2);
    for name in ["blog", "shop", "store", "zebra"] {
        shop.run(&format!("app create {name} --platform server")).ends_with(0);
    }
    shop.run("app create shop").ends_with(1).complains("ApplicationAlreadyExistsException");
    assert_eq!(shop.says("app list -o text").lines().count(), 4);
    assert_eq!(shop.says("app list -o text --limit 3").lines().count(), 3);
    let cells = shop.says("app list -o text --limit 1");
    assert_eq!(cells, "blog\tServer\t2026-11-22T12:00:00Z");
    assert_eq!(shop.json("app list")["applicationsInfo"][1]["applicationName"], "shop");
    shop.run("app show shop").ends_with(0).holds_no_escape().says("computePlatform  Server");
    shop.run("app show shpo").ends_with(1).complains("did you mean application `shop`?");
    shop.run("app rename zebra tiger").ends_with(0).complains("application zebra is now tiger");
    shop.run("app delete tiger").ends_with(2).complains("pass --yes");
    shop.run("app delete tigre --yes").ends_with(1).complains("did you mean application `tiger`?");
    shop.run("app delete tiger --yes").ends_with(0).complains("deleted application tiger");
    shop.run("app show tiger").ends_with(1);
    let id = shop.says("app ensure shop -q");
    assert_eq!(shop.says("app ensure shop -q"), id);
    assert_eq!(shop.says("app show shop --query application.applicationId -o text"), id);
    shop.run("app ensure shop --platform lambda")
        .ends_with(1)
        .complains("is there, but for Server, not Lambda");
    shop.run("app ensure fresh --platform ecs").ends_with(0).complains("created application fresh (ECS)");
}

#[test]
fn every_setting_of_a_group_has_a_flag() {
    let shop = Shop::empty();
    shop.run("app create shop").ends_with(0);
    let arguments = [
        "group",
        "create",
        "shop/prod",
        "--service-role",
        ROLE,
        "--ec2-tag-set",
        "Role=web,api & Env=prod",
        "--on-prem-tag",
        "Rack",
        "--config",
        "CodeDeployDefault.HalfAtATime",
        "--auto-rollback",
        "failure,alarm",
        "--alarm",
        "errors",
        "--alarm",
        "latency",
        "--trigger",
        "alert=DeploymentFailure,DeploymentStop@arn:aws:sns:us-east-1:123456789012:alerts",
        "--outdated",
        "ignore",
        "--termination-hook",
        "on",
        "--target-group",
        "web",
        "--traffic-control",
        "on",
        "--style",
        "in-place",
        "--ignore-poll-alarm-failure",
        "on",
        "-q",
    ];
    let id = shop.machine.cdctl(arguments).ends_with(0).stdout;
    let info = shop.json("group show shop/prod")["deploymentGroupInfo"].clone();
    assert_eq!(info["deploymentGroupId"], id.trim_end());
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"});
    let set = json!([[tag("Role", "web"), tag("Role", "api")], [tag("Env", "prod")]]);
    assert_eq!(info["ec2TagSet"]["ec2TagSetList"], set);
    assert_eq!(info["onPremisesInstanceTagFilters"], json!([{"Key": "Rack", "Type": "KEY_ONLY"}]));
    assert_eq!(info["alarmConfiguration"]["alarms"], json!([{"name": "errors"}, {"name": "latency"}]));
    assert_eq!(info["alarmConfiguration"]["enabled"], true);
    assert_eq!(info["alarmConfiguration"]["ignorePollAlarmFailure"], true);
    assert_eq!(
        info["autoRollbackConfiguration"]["events"],
        json!(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"])
    );
    assert_eq!(
        info["triggerConfigurations"][0]["triggerEvents"],
        json!(["DeploymentFailure", "DeploymentStop"])
    );
    assert_eq!(info["outdatedInstancesStrategy"], "IGNORE");
    assert_eq!(info["loadBalancerInfo"]["targetGroupInfoList"], json!([{"name": "web"}]));
    assert_eq!(info["deploymentStyle"]["deploymentOption"], "WITH_TRAFFIC_CONTROL");
    shop.run("group show shop/prod").ends_with(0).holds_no_escape().says("alarmConfiguration.alarms");
}

#[test]
fn an_update_changes_what_is_given_and_nothing_else() {
    let shop = Shop::empty();
    shop.run("app create shop").ends_with(0);
    let create = format!(
        "group create shop/prod --service-role {ROLE} --ec2-tag Role=web --alarm errors --auto-rollback failure"
    );
    shop.run(&create).ends_with(0);
    let info = || shop.json("group show shop/prod")["deploymentGroupInfo"].clone();
    let before = info();
    shop.run("group update shop/prod --config CodeDeployDefault.AllAtOnce").ends_with(0);
    let mut expected = before.clone();
    expected["deploymentConfigName"] = "CodeDeployDefault.AllAtOnce".into();
    assert_eq!(info(), expected);
    // A flag of a part keeps the rest of it.
    shop.run("group update shop/prod --alarms off").ends_with(0);
    expected["alarmConfiguration"]["enabled"] = false.into();
    assert_eq!(info()["alarmConfiguration"]["alarms"], json!([{"name": "errors"}]));
    shop.run("group update shop/prod --clear alarms,auto-rollback,ec2-tags").ends_with(0);
    let after = info();
    assert!(after["alarmConfiguration"]["alarms"].as_array().is_none_or(Vec::is_empty), "{after}");
    assert!(after["ec2TagFilters"].as_array().is_none_or(Vec::is_empty), "{after}");
    assert_ne!(after["autoRollbackConfiguration"]["enabled"], true);
    shop.run("group update shop/prod").ends_with(2).complains("nothing to change in shop/prod");
    shop.run("group update shop/prod --config CodeDeployDefault.AllAtOcne")
        .ends_with(1)
        .complains("did you mean deployment configuration `CodeDeployDefault.AllAtOnce`?");
    shop.run("group update shop/prod --rename live").ends_with(0);
    shop.run("group show shop/prod").ends_with(1).complains("deployment groups in region us-east-1: live");
}

#[test]
fn a_group_from_a_file_is_ensured_once() {
    let shop = Shop::empty();
    shop.run("app create shop").ends_with(0);
    let file = shop.machine.home().join("group.yaml");
    let text = format!(
        "applicationName: shop\ndeploymentGroupName: prod\nserviceRoleArn: {ROLE}\n\
         ec2TagFilters:\n- {{Key: Role, Value: web, Type: KEY_AND_VALUE}}\n"
    );
    fs::write(&file, &text).unwrap();
    let ensure = format!("group ensure --from {}", file.display());
    shop.run(&ensure).ends_with(0).complains("created deployment group shop/prod");
    shop.run(&ensure).ends_with(0).complains("is as wanted; nothing to change");
    shop.run(&format!("{ensure} --config CodeDeployDefault.AllAtOnce"))
        .ends_with(0)
        .complains("updated deployment group shop/prod: deploymentConfigName");
    fs::write(&file, text.replace("Value: web", "Vlaue: web")).unwrap();
    shop.run(&ensure).ends_with(2).complains("line 5 column 15").complains("did you mean `Value`?");
    shop.run("group create --skeleton -o yaml").ends_with(0).says("ec2TagFilters:");
    shop.run("group create shop/other --ec2-tag a=b").ends_with(2).complains("pass --service-role ARN");
}

#[test]
fn groups_are_listed_with_what_they_run() {
    let shop = Shop::with_group(Scene::Succeeded);
    let id = shop.deploy();
    let line = shop.says("group list shop -o text");
    let cells: Vec<&str> = line.split('\t').collect();
    assert_eq!(cells[0], "prod");
    assert_eq!(cells[3], id);
    assert_eq!(cells[4], "Succeeded");
    shop.run("group list shpo").ends_with(1).complains("did you mean application `shop`?");
    let wide = shop.says("app list --wide -o text");
    assert_eq!(wide.split('\t').skip(3).collect::<Vec<_>>(), [id.as_str(), "prod"]);
    shop.run("group delete shop/prdo --yes").ends_with(1).complains("did you mean deployment group `prod`?");
    shop.run("group delete shop/prod --yes").ends_with(0).complains("deleted deployment group shop/prod");
}

#[test]
fn targets_are_filtered() {
    let shop = Shop::with_group(Scene::Running);
    let fleet = "--style blue-green --traffic-control on --green-fleet discover --when-ready continue";
    let more = "--terminate-blue 5 --target-group web";
    shop.run(&format!("group create shop/green --service-role {ROLE} --ec2-tag Role=web {fleet} {more}"))
        .ends_with(0);
    let revision = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    let create = format!("deploy create shop/green --revision {revision} --target-tag Fleet=green -q");
    let id = shop.says(&create);
    let rows = |flags: &str| {
        shop.says(&format!("deploy targets {id} {flags} --query deploymentTargets[].instanceTarget.targetId"))
    };
    assert_eq!(rows("--fleet blue -o ndjson"), "\"i-0123456789abcdef0\"");
    assert_eq!(rows("--fleet green -o ndjson"), "\"i-0123456789abcdef1\"");
    assert_eq!(rows("--fleet green --status failed,unknown -o json"), "[]");
    assert_eq!(rows("--status failed,InProgress -o text").split_whitespace().count(), 2);
}

#[test]
fn configurations() {
    let shop = Shop::empty();
    shop.run("config create Careful --min-healthy 90%")
        .ends_with(0)
        .complains("created deployment configuration Careful");
    shop.run("config create Zones --min-healthy 1 --zone-monitor 5m --zone-min-healthy 50%").ends_with(0);
    shop.run("config create Canary --platform ecs --canary 10%/5m").ends_with(0);
    shop.run("config create Steady --platform lambda --linear 10%/1m").ends_with(0);
    let zones = shop.json("config show Zones")["deploymentConfigInfo"].clone();
    assert_eq!(zones["zonalConfig"]["monitorDurationInSeconds"], 300);
    assert_eq!(
        zones["zonalConfig"]["minimumHealthyHostsPerZone"],
        json!({"type": "FLEET_PERCENT", "value": 50})
    );
    let names = shop.says("config list -o text");
    assert!(names.lines().any(|name| name == "Careful"), "{names}");
    let wide = shop.says("config list --wide");
    for rule in ["90% healthy", "canary 10%/5m", "linear 10%/1m", "all at once"] {
        assert!(wide.contains(rule), "{rule}\n{wide}");
    }
    shop.run("config show Carefull")
        .ends_with(1)
        .complains("did you mean deployment configuration `Careful`?");
    shop.run("config delete Careful --yes").ends_with(0);
    shop.run("config delete Careful --yes").ends_with(1);
}

#[test]
fn revisions_are_listed_and_shown() {
    let shop = Shop::with_group(Scene::Succeeded);
    shop.deploy();
    let line = shop.says("revision list shop -o text");
    let revision = line.split('\t').next().unwrap();
    assert_eq!(revision, "github:me/site@0123456789abcdef0123456789abcdef01234567");
    let shown = shop.json(&format!("revision show {revision} --app shop"));
    assert_eq!(shown["revision"]["revisionType"], "GitHub");
    shop.run("revision show s3://releases/none.zip --app shop")
        .ends_with(1)
        .complains("cdctl revision list shop");
}

#[test]
fn deployments_are_filtered() {
    let shop = Shop::with_group(Scene::Succeeded);
    let id = shop.deploy();
    let ids = |filter: &str| {
        shop.says(&format!("deploy list {filter} --query deploymentsInfo[].deploymentId -o text"))
    };
    assert_eq!(ids("shop/prod"), id);
    assert_eq!(ids(""), id);
    assert_eq!(ids("--status succeeded,failed"), id);
    assert_eq!(ids("--status failed"), "");
    assert_eq!(ids("--creator user"), id);
    assert_eq!(ids("--creator autoscaling"), "");
    assert_eq!(ids("--revision github:me/site@0123456789abcdef0123456789abcdef01234567"), id);
    assert_eq!(ids("--revision s3://releases/other.zip"), "");
    assert_eq!(ids("--since 2026-11-22"), id);
    assert_eq!(ids("--since 2026-11-23 "), "");
    shop.run("deploy list --status failed").ends_with(0).complains("no deployments");
    shop.run("deploy list --creator nobody").ends_with(2).complains("codeDeployRollback");
}
