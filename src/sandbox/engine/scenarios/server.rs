//! In-place deployments beyond the plain one: load balancers, zones, restarts, on-premises instances, faults that
//! come and go.

use super::*;
use crate::sandbox::fleet::{Change, Fault};
use crate::sandbox::store::OnPremises;

const ONE: &str = "instances: [{id: i-00000001, tags: {Role: web}}]\n";

fn balanced(deployment: &mut Deployment) {
    let style = json!({"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"});
    deployment.settings.insert("deploymentStyle".into(), style);
}

#[test]
fn a_host_that_fails_its_health_checks_fails_in_allow_traffic() {
    let fleet = format!("{ONE}faults: [{{event: AllowTraffic, outcome: {{fail: {{}}}}}}]\n");
    let mut sandbox = Sandbox::new(&fleet, 1);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", balanced);
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("HEALTH_CONSTRAINTS"));
    sandbox.deployment(&id, |deployment| {
        let states: Vec<_> = deployment.targets[0].events.iter().map(|one| one.status.as_str()).collect();
        assert_eq!(states[10..], ["Succeeded", "Failed", "Skipped"]);
    });
}

/// Failures before the installation are forgiven where the deployment says so.
#[test]
fn failures_of_the_previous_revisions_scripts_can_be_ignored() {
    for (event, forgiven) in
        [("BeforeBlockTraffic", true), ("AfterBlockTraffic", true), ("BeforeInstall", false)]
    {
        let fleet = format!("{ONE}faults: [{{event: {event}, outcome: {{fail: {{}}}}}}]\n");
        let mut sandbox = Sandbox::new(&fleet, 1);
        let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |deployment| {
            balanced(deployment);
            deployment.ignore_application_stop_failures = true;
        });
        sandbox.run();
        assert_eq!(sandbox.end(&id).0 == DeploymentStatus::Succeeded, forgiven, "{event}");
    }
}

/// The example of AWS's user guide: 200 hosts in two zones of 100; 160 healthy in all and 50 a zone give waves of
/// 40, 40 and 20 in each zone.
#[test]
fn zones_come_one_after_the_other() {
    let fleet = "generate: [{count: 200, zones: [a, b], tags: {Role: web}}]\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let settings = json!({
        "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 160},
        "zonalConfig": {
            "monitorDurationInSeconds": 60, "firstZoneMonitorDurationInSeconds": 300,
            "minimumHealthyHostsPerZone": {"type": "HOST_COUNT", "value": 50}},
    });
    let settings = settings.as_object().unwrap().clone();
    sandbox.region(|region| {
        region.configs.insert("Zonal".into(), Config { id: "c".into(), created: START, settings })
    });
    let id = sandbox.create("Zonal", "site.zip", |_| {});
    let mut most = 0;
    while sandbox.step() {
        let overview = sandbox.deployment(&id, |deployment| deployment.overview.unwrap_or_default());
        most = most.max(overview.in_progress);
    }
    assert_eq!((most, sandbox.end(&id).2), (40, [200, 0, 0]));
    let ends = |sandbox: &Sandbox, zone: &str| {
        sandbox.deployment(&id, |deployment| {
            let times = deployment.targets.iter().filter(|target| sandbox.zone(&target.id) == zone);
            let times: Vec<_> = times.flat_map(|target| &target.events).collect();
            let first = times.iter().filter_map(|event| event.start).min().unwrap();
            (first, times.iter().filter_map(|event| event.end).max().unwrap())
        })
    };
    let ((_, first_zone), (second_zone, last)) = (ends(&sandbox, "a"), ends(&sandbox, "b"));
    assert!((300_000..301_000).contains(&(second_zone - first_zone)), "{}", second_zone - first_zone);
    assert_eq!(
        sandbox.deployment(&id, |deployment| deployment.completed),
        Some(last),
        "no wait after the last"
    );
}

#[test]
fn a_zone_that_fails_ends_the_deployment_in_all() {
    let fleet = "generate: [{count: 12, zones: [a, b, c], tags: {Role: web}}]\nfaults: [{hosts: {zone: a}, event: \
                 Install, outcome: {fail: {}}}]\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let settings = json!({
        "minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 0},
        "zonalConfig": {"minimumHealthyHostsPerZone": {"type": "FLEET_PERCENT", "value": 50}},
    });
    let settings = settings.as_object().unwrap().clone();
    sandbox.region(|region| {
        region.configs.insert("Zonal".into(), Config { id: "c".into(), created: START, settings })
    });
    let id = sandbox.deploy("Zonal", "site.zip");
    let end = sandbox.end(&id);
    assert_eq!(end, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [0, 2, 10]));
}

/// Source: AWS's user guide, "Zonal configuration": a zone's hosts at a time are those that it can spare.
#[test]
fn a_zone_without_a_host_to_spare_is_seen_before_anything_is_deployed() {
    let fleet = "instances:\n- {id: i-00000001, zone: a, tags: {Role: web}}\n- {id: i-00000002, zone: a, tags: \
                 {Role: web}}\n- {id: i-00000003, zone: b, tags: {Role: web}}\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let settings = json!({
        "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1},
        "zonalConfig": {"minimumHealthyHostsPerZone": {"type": "FLEET_PERCENT", "value": 50}},
    });
    let settings = settings.as_object().unwrap().clone();
    sandbox.region(|region| {
        region.configs.insert("Zonal".into(), Config { id: "c".into(), created: START, settings })
    });
    let id = sandbox.deploy("Zonal", "site.zip");
    let end = sandbox.end(&id);
    assert_eq!(end, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS_INVALID".into()), [0, 0, 3]));
}

#[test]
fn a_restart_downloads_nothing() {
    let mut sandbox = Sandbox::new(ONE, 1);
    let restart = |deployment: &mut Deployment| {
        deployment.settings.insert("deploymentMode".into(), json!("RESTART"));
    };
    let early = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", restart);
    sandbox.run();
    assert_eq!(sandbox.end(&early).1.as_deref(), Some("REVISION_MISSING"));
    let good = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", restart);
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);
    sandbox.deployment(&id, |deployment| {
        let names: Vec<_> = deployment.targets[0].events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["ApplicationStop", "ApplicationStart", "ValidateService"]);
    });
    sandbox.region(|region| {
        assert_eq!(region.group("group-1").unwrap().hosts["i-00000001"].deployment.as_ref(), Some(&good));
    });
}

#[test]
fn on_premises_instances_are_those_that_are_registered() {
    let fleet = "instances: [{id: rack-1, on_premises: true, tags: {Rack: '1'}}, {id: rack-2, on_premises: true, \
                 tags: {Rack: '1'}}]\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let filter = json!([{"Key": "Rack", "Value": "1", "Type": "KEY_AND_VALUE"}]);
    sandbox.set_group(json!({"ec2TagFilters": [], "onPremisesInstanceTagFilters": filter}));
    let registered = |name: &str, deregistered: Option<Millis>| OnPremises {
        name: name.into(),
        arn: format!("arn:aws:codedeploy:us-east-1:123456789012:instance/{name}_abcdefghij"),
        iam_user_arn: None,
        iam_session_arn: None,
        tags: [("Rack".to_owned(), "1".to_owned())].into(),
        registered: START,
        deregistered,
    };
    sandbox.region(|region| {
        region.on_premises.insert("rack-2".into(), registered("rack-2", Some(START)));
        region.on_premises.insert("rack-3".into(), registered("rack-3", None));
    });
    let id = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    sandbox.deployment(&id, |deployment| {
        let mut ids: Vec<_> = deployment.targets.iter().map(|target| target.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["rack-1", "rack-3"]);
        assert!(deployment.target("rack-3").unwrap().arn.ends_with("rack-3_abcdefghij"));
    });
}

#[test]
fn a_host_that_disappears_in_an_event_is_waited_for_an_hour() {
    let mut sandbox = Sandbox::new(ONE, 1);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    let in_install = |sandbox: &Sandbox| {
        sandbox.deployment(&id, |deployment| {
            let event = deployment.targets.first().map(|target| target.events[3].status.clone());
            event == Some(EventStatus::InProgress)
        })
    };
    while !in_install(&sandbox) {
        assert!(sandbox.step());
    }
    sandbox.change(Change::Disappear("i-00000001".into())).unwrap();
    sandbox.run();
    sandbox.deployment(&id, |deployment| {
        let event = &deployment.targets[0].events[3];
        assert_eq!(event.status, EventStatus::Failed);
        assert_eq!(event.end.unwrap() - event.start.unwrap(), 3_600_000);
    });
    let next = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&next).1.as_deref(), Some("NO_INSTANCES"), "it is there no more");
    sandbox.change(Change::Appear("i-00000001".into())).unwrap();
    let last = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&last).0, DeploymentStatus::Succeeded, "it is there again");
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let mut sandbox = Sandbox::new(&format!("{ONE}generate: [{{count: 1, auto_scaling_group: pool}}]\n"), 1);
    let scaling = |group: &str, count| Scaling { group: group.into(), count };
    let cases = [
        (Change::Grow(scaling("pol", 1)), "there is no Auto Scaling group pol; there is pool"),
        (Change::Shrink(scaling("pol", 1)), "there is no Auto Scaling group pol; there is pool"),
        (Change::Grow(scaling("pool", 1_000_000)), "more than 100000 instances"),
        (Change::Disappear("i-1".into()), "no host i-1 is there"),
        (Change::Appear("i-00000001".into()), "no host i-00000001 has disappeared"),
        (Change::AlarmOver("errors".into()), "the alarm errors is not on"),
    ];
    for (change, why) in cases {
        assert_eq!(sandbox.change(change), Err(why.to_owned()));
    }
    sandbox.change(Change::Alarm("errors".into())).unwrap();
    sandbox.change(Change::AlarmOver("errors".into())).unwrap();
}

/// A region that nobody has called yet shows what was changed before.
#[test]
fn every_region_sees_what_was_changed() {
    let mut sandbox = Sandbox::new("generate: [{count: 2, auto_scaling_group: pool}]", 1);
    let lost = sandbox.fleet.instances[0].id.clone();
    sandbox.change(Change::Disappear(lost.clone())).unwrap();
    sandbox.change(Change::Grow(Scaling { group: "pool".into(), count: 2 })).unwrap();
    for region in [REGION, "eu-west-1"] {
        let status = sandbox.status(region);
        let ids: Vec<_> = status.instances.iter().filter(|one| !one.disappeared).collect();
        assert_eq!((ids.len(), status.auto_scaling_groups[0].instances), (3, 3), "{region}");
        assert_eq!(status.instances.last().unwrap().id, lost);
    }
    sandbox.change(Change::Shrink(Scaling { group: "pool".into(), count: 1 })).unwrap();
    sandbox.change(Change::Appear(lost)).unwrap();
    for region in [REGION, "eu-west-1"] {
        assert_eq!(sandbox.status(region).instances.len(), 3, "{region}");
    }
}

#[test]
fn faults_come_and_go_while_the_engine_runs() {
    let mut sandbox = Sandbox::new(ONE, 1);
    let faults = Arc::clone(&sandbox.faults);
    let fault: Fault = serde_json::from_value(json!({"event": "Install", "outcome": {"fail": {}}})).unwrap();
    let number = faults.add(fault, Millis::MAX).unwrap().id;
    let bad = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&bad).0, DeploymentStatus::Failed);
    assert_eq!(
        faults.list(0).iter().map(|fault| (fault.id, fault.struck)).collect::<Vec<_>>(),
        [(number, 1)]
    );
    assert_eq!([faults.clear(Some(number)), faults.clear(Some(number))], [1, 0]);
    let good = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&good).0, DeploymentStatus::Succeeded);
}

#[test]
fn an_alarm_stops_what_watches_it() {
    let fleet = format!(
        "{ONE}timeline: [{{at: 4, change: {{alarm: errors}}}}, {{at: 60, change: {{alarm-over: errors}}}}]\n"
    );
    let watch = json!({"enabled": true, "alarms": [{"name": "latency"}, {"name": "errors"}]});
    let mut sandbox = Sandbox::new(&fleet, 1);
    sandbox.set_group(json!({"alarmConfiguration": watch}));
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Stopped);
    sandbox.deployment(&id, |deployment| {
        let message = &deployment.error.as_ref().unwrap().message;
        assert!(message.ends_with("Activated alarms: <errors>"), "{message}");
        check_counters(deployment);
    });
    let calm = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&calm).0, DeploymentStatus::Succeeded, "the alarm is over");

    let mut sandbox = Sandbox::new(&fleet, 1);
    sandbox.set_group(json!({"alarmConfiguration": watch}));
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |deployment| {
        deployment.settings.insert("overrideAlarmConfiguration".into(), json!({"enabled": false}));
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);
}

#[test]
fn an_alarm_brings_back_the_last_success() {
    let fleet = format!("{ONE}timeline: [{{at: 90, change: {{alarm: errors}}}}]\n");
    let mut sandbox = Sandbox::new(&fleet, 1);
    let good = sandbox.create("CodeDeployDefault.OneAtATime", "good.zip", |_| {});
    sandbox.run_for(91);
    assert_eq!(sandbox.end(&good).0, DeploymentStatus::Succeeded);
    sandbox.set_group(json!({"alarmConfiguration": {"enabled": true, "alarms": [{"name": "errors"}]}}));
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "bad.zip", |deployment| {
        let rollback = json!({"enabled": true, "events": ["DEPLOYMENT_STOP_ON_ALARM"]});
        deployment.settings.insert("autoRollbackConfiguration".into(), rollback);
        let alarms = json!({"enabled": true, "alarms": [{"name": "errors"}]});
        deployment.settings.insert("overrideAlarmConfiguration".into(), alarms);
    });
    sandbox.group(|group| group.settings.remove("alarmConfiguration"));
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("ALARM_ACTIVE"), "it was on when the deployment started");
    let rollback = sandbox.deployment(&id, |deployment| deployment.rollback_deployment.clone()).unwrap();
    sandbox.deployment(&rollback, |deployment| assert_eq!(deployment.rollback_of.as_ref(), Some(&id)));
    assert_eq!(sandbox.end(&rollback).0, DeploymentStatus::Succeeded, "the alarm is still on");
}
