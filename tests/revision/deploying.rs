//! From `revision init` to a deployment that has succeeded, on each platform.

use std::fs;

use serde_json::json;

use crate::support::cdctl::Machine;
use crate::support::sandbox::{ROLE, Sandbox};

const FLEET: &str = "
buckets: [{name: releases, versioning: true}]
instances: [{id: i-0aaaaaaaaaaaaaaaa, kind: local, tags: {Role: web}}]
functions: [{name: checkout, versions: ['1', '2'], aliases: {live: '1'}}]
services: [{cluster: shop, name: web, tasks: 2}]
";

/// What init wrote for a platform, with its placeholders filled in.
fn begun(machine: &Machine, platform: &str, values: &[(&str, &str)]) -> String {
    let site = machine.home().join(platform);
    machine.run(&format!("revision init {} --platform {platform}", site.display())).ends_with(0);
    let file = site.join("appspec.yml");
    let text = fs::read_to_string(&file).unwrap();
    let text = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
    fs::write(&file, text).unwrap();
    machine.run(&format!("revision validate {} --strict", site.display())).ends_with(0);
    site.display().to_string()
}

/// Deploys and waits; the revision is what `create` says it is.
fn deployed(machine: &Machine, group: &str, revision: &str) {
    let create = format!("deploy create {group} --revision {revision} --watch --interval 100ms");
    machine.run(&create).ends_with(0).complains("SUCCEEDED");
}

fn pushed(machine: &Machine, from: &str, to: &str, app: &str) -> String {
    let push = machine.run(&format!("revision push {from} s3://releases/{to} --app {app} -q")).ends_with(0);
    push.stdout.trim().to_owned()
}

#[test]
fn what_init_writes_is_pushed_and_deployed_on_linux_lambda_and_ecs() {
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = sandbox.machine();
    let site = begun(&machine, "linux", &[]);
    machine.run("app create shop").ends_with(0);
    machine.run(&format!("group create shop/prod --service-role {ROLE} --ec2-tag Role=web")).ends_with(0);
    deployed(&machine, "shop/prod", &pushed(&machine, &site, "site.zip", "shop"));

    let values = [
        ("<FUNCTION>", "checkout"),
        ("<ALIAS>", "live"),
        ("<CURRENT_VERSION>", "'1'"),
        ("<TARGET_VERSION>", "'2'"),
    ];
    let function = begun(&machine, "lambda", &values);
    machine.run("app create functions --platform lambda").ends_with(0);
    let config = "CodeDeployDefault.LambdaAllAtOnce --style blue-green --traffic-control on";
    machine.run(&format!("group create functions/live --service-role {ROLE} --config {config}")).ends_with(0);
    let revision = pushed(&machine, &format!("{function}/appspec.yml"), "lambda.yml", "functions");
    deployed(&machine, "functions/live", &revision);

    let task = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7";
    let service =
        begun(&machine, "ecs", &[("<TASK_DEFINITION>", task), ("ContainerName: ecs", "ContainerName: web")]);
    machine.run("app create services --platform ecs").ends_with(0);
    let group = json!({
        "ecsServices": [{"clusterName": "shop", "serviceName": "web"}],
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "loadBalancerInfo": {"targetGroupPairInfoList": [{
            "targetGroups": [{"name": "tg-1"}, {"name": "tg-2"}],
            "prodTrafficRoute": {"listenerArns": ["arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/x/1/2"]},
        }]},
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"},
        },
    });
    let file = machine.home().join("group.json");
    fs::write(&file, group.to_string()).unwrap();
    let group = format!(
        "group create services/web --service-role {ROLE} --config CodeDeployDefault.ECSAllAtOnce --from {}",
        file.display()
    );
    machine.run(&group).ends_with(0);
    let revision = pushed(&machine, &format!("{service}/appspec.yml"), "ecs.yml", "services");
    deployed(&machine, "services/web", &revision);
}
