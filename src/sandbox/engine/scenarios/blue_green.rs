//! EC2 blue/green deployments: both provisionings, both waits, and what is left of the fleets.

use super::*;
use crate::sandbox::store::{Label, TargetKind, Wait};

pub(super) const FLEET: &str = "
instances:
- {id: i-000000b1, tags: {Color: blue}, auto_scaling_group: pool}
- {id: i-000000b2, tags: {Color: blue}, auto_scaling_group: pool}
- {id: i-000000e1, tags: {Color: green}}
- {id: i-000000e2, tags: {Color: green}}
";

pub(super) fn tag(color: &str) -> Value {
    json!([{"Key": "Color", "Value": color, "Type": "KEY_AND_VALUE"}])
}

/// A blue/green group with a ready wait of so many minutes and what becomes of the blue fleet.
pub(super) fn sandbox(fleet: &str, provisioning: &str, ready: i64, blue: Value) -> Sandbox {
    let sandbox = Sandbox::new(fleet, 1);
    let action = if ready > 0 { "STOP_DEPLOYMENT" } else { "CONTINUE_DEPLOYMENT" };
    sandbox.set_group(json!({
        "ec2TagFilters": if provisioning == "DISCOVER_EXISTING" { tag("blue") } else { json!([]) },
        "autoScalingGroups": if provisioning == "DISCOVER_EXISTING" { json!([]) } else { json!([{"name": "pool"}]) },
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": action, "waitTimeInMinutes": ready},
            "terminateBlueInstancesOnDeploymentSuccess": blue,
            "greenFleetProvisioningOption": {"action": provisioning},
        },
    }));
    sandbox
}

pub(super) fn terminate(minutes: i64) -> Value {
    json!({"action": "TERMINATE", "terminationWaitTimeInMinutes": minutes})
}

pub(super) fn create(sandbox: &mut Sandbox, green: Option<Value>) -> String {
    create_with(sandbox, "CodeDeployDefault.AllAtOnce", green)
}

fn create_with(sandbox: &mut Sandbox, config: &str, green: Option<Value>) -> String {
    sandbox.create(config, "site.zip", |deployment| {
        let style = json!({"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"});
        deployment.settings.insert("deploymentStyle".into(), style);
        if let Some(filters) = green {
            deployment.settings.insert("targetInstances".into(), json!({"tagFilters": filters}));
        }
        auto_rollback(deployment);
    })
}

/// Label and status of each target.
fn targets(sandbox: &Sandbox, id: &str) -> Vec<(Label, &'static str, usize)> {
    sandbox.deployment(id, |deployment| {
        check_counters(deployment);
        let target = |target: &crate::sandbox::store::Target| {
            let TargetKind::Instance(Some(label)) = target.kind else { panic!() };
            let known = TargetStatus::KNOWN.iter().find(|status| **status == target.status).unwrap();
            (label, known.as_str(), target.events.len())
        };
        deployment.targets.iter().map(target).collect()
    })
}

#[test]
fn a_named_green_fleet_takes_over() {
    let mut sandbox = sandbox(FLEET, "DISCOVER_EXISTING", 0, terminate(5));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run_for(120);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.status, DeploymentStatus::InProgress, "through the termination wait");
        assert_eq!(deployment.progress.wait, Some(Wait::Termination));
        assert!(deployment.progress.termination_wait_started);
    });
    sandbox.run();
    assert_eq!(
        targets(&sandbox, &id),
        [
            (Label::Blue, "Succeeded", 3),
            (Label::Blue, "Succeeded", 3),
            (Label::Green, "Succeeded", 10),
            (Label::Green, "Succeeded", 10)
        ]
    );
    sandbox.group(|group| {
        assert_eq!(group.settings["ec2TagFilters"], tag("green"));
        assert_eq!(group.last_successful.as_ref(), Some(&id));
    });
    sandbox.region(|region| {
        let hosts: Vec<_> = region.group("group-1").unwrap().hosts.keys().map(String::as_str).collect();
        assert_eq!(hosts, ["i-000000e1", "i-000000e2"]);
    });
    // The blue fleet is gone, and the group's own is green.
    let next = create(&mut sandbox, Some(tag("blue")));
    sandbox.run();
    assert_eq!(sandbox.end(&next).1.as_deref(), Some("NO_INSTANCES"));
}

#[test]
fn a_copied_auto_scaling_group_takes_over_and_the_old_one_is_kept() {
    let mut sandbox = sandbox(FLEET, "COPY_AUTO_SCALING_GROUP", 0, json!({"action": "KEEP_ALIVE"}));
    let id = create(&mut sandbox, None);
    sandbox.run_for(10);
    assert_eq!(
        targets(&sandbox, &id),
        [(Label::Blue, "Pending", 3), (Label::Blue, "Pending", 3)],
        "green targets come with their instances"
    );
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [4, 0, 0]));
    sandbox.deployment(&id, |deployment| {
        assert!(!deployment.progress.termination_wait_started, "nothing is terminated");
    });
    let name = format!("CodeDeploy_prod_{id}");
    sandbox.group(|group| {
        let entry = &group.settings["autoScalingGroups"][0];
        assert_eq!(entry["name"], name.as_str());
        assert!(
            entry["hook"].as_str().unwrap().starts_with("CodeDeploy-managed-automatic-launch"),
            "{entry}"
        );
    });
    let next = create(&mut sandbox, None);
    sandbox.run();
    assert_eq!(sandbox.end(&next), (DeploymentStatus::Succeeded, None, [4, 0, 0]));
    sandbox.set_group(json!({"autoScalingGroups": [{"name": "pool"}]}));
    let old = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    assert_eq!(sandbox.end(&old).2, [2, 0, 0], "the first fleet is there still");
}

#[test]
fn a_group_that_does_not_say_how_fails_it() {
    let mut sandbox = sandbox(FLEET, "DISCOVER_EXISTING", 0, terminate(5));
    sandbox.group(|group| group.settings.remove("blueGreenDeploymentConfiguration"));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION"));
}

#[test]
fn somebody_must_continue_or_the_deployment_stops() {
    let mut sandbox = sandbox(FLEET, "DISCOVER_EXISTING", 30, terminate(60));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run_for(120);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.status, DeploymentStatus::Ready);
        assert_eq!(deployment.progress.wait, Some(Wait::Ready));
    });
    assert_eq!(targets(&sandbox, &id)[2..], [(Label::Green, "Ready", 10), (Label::Green, "Ready", 10)]);
    sandbox.driver.take(Message::Continued(sandbox.key(&id), Wait::Ready));
    sandbox.run_for(60);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.progress.wait, Some(Wait::Termination));
        assert_eq!(deployment.status, DeploymentStatus::InProgress);
    });
    sandbox.driver.take(Message::Continued(sandbox.key(&id), Wait::Ready));
    sandbox.deployment(&id, |deployment| assert!(!deployment.status.is_terminal()));
    sandbox.driver.take(Message::Continued(sandbox.key(&id), Wait::Termination));
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);

    let mut sandbox = self::sandbox(FLEET, "DISCOVER_EXISTING", 30, terminate(60));
    let late = create(&mut sandbox, Some(tag("green")));
    sandbox.run();
    let (status, code, counts) = sandbox.end(&late);
    assert_eq!((status, code.as_deref(), counts), (DeploymentStatus::Stopped, Some("TIMEOUT"), [0, 2, 2]));
    sandbox.group(|group| assert_eq!(group.settings["ec2TagFilters"], tag("blue")));

    let stopped = create(&mut sandbox, Some(tag("green")));
    sandbox.run_for(120);
    sandbox.stop(&stopped, None);
    assert_eq!(sandbox.end(&stopped).1.as_deref(), Some("MANUAL_STOP"));
}

#[test]
fn one_blue_host_that_keeps_its_traffic_fails_it_and_the_rollback_moves_back() {
    let fleet = format!(
        "{FLEET}faults: [{{hosts: {{ids: [i-000000b1]}}, event: BlockTraffic, outcome: {{fail: {{}}}}}}]\n"
    );
    let mut sandbox = sandbox(&fleet, "DISCOVER_EXISTING", 0, terminate(5));
    let good = sandbox.deploy("CodeDeployDefault.AllAtOnce", "good.zip");
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [3, 1, 0]));
    let rollback = sandbox.deployment(&id, |deployment| deployment.rollback_deployment.clone()).unwrap();
    assert_eq!(sandbox.end(&rollback), (DeploymentStatus::Succeeded, None, [4, 0, 0]));
    sandbox.group(|group| assert_eq!(group.settings["ec2TagFilters"], tag("blue")));
    sandbox.region(|region| {
        assert_eq!(region.group("group-1").unwrap().hosts["i-000000b2"].deployment.as_ref(), Some(&good));
    });
}

#[test]
fn a_green_fleet_that_fails_leaves_the_blue_one_alone() {
    let fleet = format!(
        "{FLEET}faults: [{{hosts: {{tags: {{Color: green}}}}, event: Install, outcome: {{fail: {{}}}}}}]\n"
    );
    let mut sandbox = sandbox(&fleet, "DISCOVER_EXISTING", 0, terminate(5));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [0, 2, 2]));

    let one = fleet.replace("hosts: {tags: {Color: green}}", "hosts: {ids: [i-000000e1]}");
    let mut sandbox = self::sandbox(&one, "DISCOVER_EXISTING", 0, terminate(0));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [3, 1, 0]), "one green host is enough");
}

/// A green host that failed to install counts against the minimum when another one gets no traffic.
#[test]
fn both_phases_of_the_green_fleet_share_one_minimum() {
    let hosts = |names: [&str; 4]| {
        let host = |name| format!("- {{id: i-000000{name}, tags: {{Color: green}}}}\n");
        names.map(host).concat()
    };
    let fails = |id: &str, event: &str| {
        format!("- {{hosts: {{ids: [{id}]}}, event: {event}, outcome: {{fail: {{}}}}}}\n")
    };
    let green = hosts(["e1", "e2", "e3", "e4"]);
    let blue = "- {id: i-000000b1, tags: {Color: blue}}\n";
    for (minimum, traffic, expected) in [
        (3, true, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS"))),
        (3, false, (DeploymentStatus::Succeeded, None)),
        (2, true, (DeploymentStatus::Succeeded, None)),
    ] {
        // The last host to be installed fails, and of the others the last to get traffic.
        let mut faults = fails("i-000000e4", "Install");
        if traffic {
            faults += &fails("i-000000e3", "AllowTraffic");
        }
        let fleet = format!("instances:\n{blue}{green}faults:\n{faults}");
        let mut sandbox = sandbox(&fleet, "DISCOVER_EXISTING", 0, terminate(0));
        let settings = json!({"minimumHealthyHosts": {"type": "HOST_COUNT", "value": minimum}});
        let config =
            Config { id: "c".into(), created: START, settings: settings.as_object().unwrap().clone() };
        sandbox.region(|region| region.configs.insert("most".into(), config));
        let id = create_with(&mut sandbox, "most", Some(tag("green")));
        sandbox.run();
        let (status, code, _) = sandbox.end(&id);
        assert_eq!((status, code.as_deref()), expected, "{minimum}, {traffic}");
        let blue = sandbox.status(REGION).instances.iter().any(|host| host.id == "i-000000b1");
        assert_eq!(blue, expected.1.is_some(), "the blue host stays where the green fleet is not enough");
    }
}

#[test]
fn a_stop_that_was_acknowledged_stays_one() {
    let mut sandbox = sandbox(FLEET, "DISCOVER_EXISTING", 0, terminate(60));
    sandbox.set_group(json!({"alarmConfiguration": {"enabled": true, "alarms": [{"name": "errors"}]}}));
    let id = create(&mut sandbox, Some(tag("green")));
    sandbox.run_for(5);
    sandbox.stop(&id, Some(false));
    sandbox.change(Change::Alarm("errors".into())).unwrap();
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("MANUAL_STOP"));
}

#[test]
fn an_alarm_and_a_stop_end_each_phase() {
    for (seconds, alarm) in [(5, true), (5, false), (25, true), (30, false), (100, true), (100, false)] {
        let mut sandbox = sandbox(FLEET, "DISCOVER_EXISTING", 0, terminate(60));
        sandbox.set_group(json!({"alarmConfiguration": {"enabled": true, "alarms": [{"name": "errors"}]}}));
        let id = create(&mut sandbox, Some(tag("green")));
        sandbox.run_for(seconds);
        if alarm {
            sandbox.change(Change::Alarm("errors".into())).unwrap();
        } else {
            sandbox.stop(&id, Some(false));
        }
        sandbox.run();
        let expected = if alarm { "ALARM_ACTIVE" } else { "MANUAL_STOP" };
        assert_eq!(sandbox.end(&id).1.as_deref(), Some(expected), "after {seconds} s");
        let in_flight = sandbox.deployment(&id, |deployment| {
            let events = deployment.targets.iter().flat_map(|target| &target.events);
            events
                .filter(|event| !matches!(event.status.as_str(), "Succeeded" | "Failed" | "Skipped"))
                .count()
        });
        assert_eq!(in_flight, 0);
    }
}
