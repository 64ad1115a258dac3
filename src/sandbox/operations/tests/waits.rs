//! Waits that are ended by hand, hooks that call back, and the targets of each kind.

use serde_json::{Value, json};

use super::read_back::{engine, target};
use super::{Api, NOW, REGION, deployment, with};
use crate::model::{ComputePlatform, DeploymentStatus, EventName, TargetStatus};
use crate::sandbox::store::{HookExecution, Label, LambdaFunction, TargetKind, TaskSet, Wait};

/// A running deployment whose style the engine's part of the test sets.
fn running(api: &Api, platform: ComputePlatform, kind: &str) -> Value {
    let id = api.deploy();
    engine(api, &id, |deployment| {
        deployment.platform = platform;
        deployment.status = DeploymentStatus::InProgress;
        deployment.started = Some(NOW);
        deployment.settings["deploymentStyle"]["deploymentType"] = kind.into();
    });
    json!({"deploymentId": id})
}

fn id(of: &Value) -> &str {
    of["deploymentId"].as_str().unwrap()
}

/// semantics.md, 5.9: ContinueDeployment
#[test]
fn waits_end_at_the_right_time_only() {
    let api = Api::new();
    let of = running(&api, ComputePlatform::Server, "BLUE_GREEN");
    let (go_on, skip) = ("ContinueDeployment", "SkipWaitTimeForInstanceTermination");
    let termination = with(&of, &json!({"deploymentWaitType": "TERMINATION_WAIT"}));
    let not_ready = format!("DeploymentIsNotInReadyState: The deployment {} is not in ready state", id(&of));
    let not_waiting = format!("The deployment {} is not waiting for the termination of instances", id(&of));
    api.refused(go_on, &of, &not_ready);
    api.refused(go_on, &termination, &format!("DeploymentIsNotInReadyState: {not_waiting}"));
    api.refused(skip, &of, &format!("UnsupportedActionForDeploymentType: {not_waiting}"));
    let bad = with(&of, &json!({"deploymentWaitType": "LUNCH"}));
    let refusal = "InvalidDeploymentWaitType: Deployment wait type 'LUNCH' is not valid. Valid values are \
                   [READY_WAIT, TERMINATION_WAIT]";
    api.refused(go_on, &bad, refusal);

    engine(&api, id(&of), |deployment| deployment.progress.wait = Some(Wait::Ready));
    api.refused(go_on, &termination, &format!("DeploymentIsNotInReadyState: {not_waiting}"));
    assert_eq!(api.ok(go_on, &of), Value::Null);
    engine(&api, id(&of), |deployment| deployment.progress.wait = Some(Wait::Termination));
    api.refused(go_on, &of, &not_ready);
    api.ok(go_on, &termination);
    api.ok(skip, &of);
    let told = api.told.0.lock().unwrap().split_off(1);
    let said = |wait: &str| format!("continued {REGION} {} {wait}", id(&of));
    assert_eq!(told, [said("Ready"), said("Termination"), said("Termination")]);

    engine(&api, id(&of), |deployment| deployment.status = DeploymentStatus::Succeeded);
    let over = format!("DeploymentAlreadyCompleted: The deployment {} is already completed", id(&of));
    api.refused(go_on, &of, &over);
    api.refused(skip, &of, &over);
}

/// semantics.md, 5.9: ContinueDeployment
#[test]
fn other_deployments_wait_for_nobody() {
    let api = Api::new();
    let of = running(&api, ComputePlatform::Server, "IN_PLACE");
    let refusal = "UnsupportedActionForDeploymentType: The action is only supported for blue/green deployments of EC2 \
                   instances and of ECS services";
    api.refused("ContinueDeployment", &of, refusal);
    api.refused("SkipWaitTimeForInstanceTermination", &of, refusal);
    let refusal = "UnsupportedActionForDeploymentType: Hook executions belong to deployments of compute platform \
                   Lambda or ECS";
    let answer = with(&of, &json!({"status": "Succeeded", "lifecycleEventHookExecutionId": "e"}));
    api.refused("PutLifecycleEventHookExecutionStatus", &answer, refusal);
    engine(&api, id(&of), |deployment| {
        deployment.started = None;
        deployment.settings["deploymentStyle"]["deploymentType"] = "BLUE_GREEN".into();
    });
    let refusal = format!("DeploymentNotStarted: The deployment {} has not started", id(&of));
    api.refused("SkipWaitTimeForInstanceTermination", &of, &refusal);
}

/// semantics.md, 7.1: InvalidLifecycleEventHookExecutionId, InvalidLifecycleEventHookExecutionStatus, LifecycleEventAlreadyCompleted
#[test]
fn a_hook_answers_once() {
    let api = Api::new();
    let put = "PutLifecycleEventHookExecutionStatus";
    let of = running(&api, ComputePlatform::Lambda, "BLUE_GREEN");
    engine(&api, id(&of), |deployment| {
        let hook = HookExecution { event: EventName::BeforeAllowTraffic, over: false, succeeded: None };
        deployment.progress.hooks.insert("execution".to_owned(), hook);
    });
    let answer = |execution: &str, status: &str| {
        with(&of, &json!({"lifecycleEventHookExecutionId": execution, "status": status}))
    };
    let refusal = "InvalidLifecycleEventHookExecutionStatus: The status of a hook execution can only be Succeeded or \
                   Failed";
    api.refused(put, &answer("execution", "Skipped"), refusal);
    let refusal = format!(
        "InvalidLifecycleEventHookExecutionId: The hook execution ID is not valid for deployment {}",
        id(&of)
    );
    api.refused(put, &answer("other", "Failed"), &refusal);
    let given = api.ok(put, &answer("execution", "Failed"));
    assert_eq!(given, json!({"lifecycleEventHookExecutionId": "execution"}));
    let told = api.told.0.lock().unwrap().split_off(1);
    assert_eq!(told, [format!("hook {REGION} {} execution false", id(&of))]);
    let refusal =
        "LifecycleEventAlreadyCompleted: The lifecycle event BeforeAllowTraffic is already completed";
    api.refused(put, &answer("execution", "Succeeded"), refusal);
}

#[test]
fn targets_of_each_kind() {
    let api = Api::new();
    let of = running(&api, ComputePlatform::Lambda, "BLUE_GREEN");
    let function = LambdaFunction {
        name: "checkout".to_owned(),
        alias: "live".to_owned(),
        current_version: "1".to_owned(),
        target_version: "2".to_owned(),
        target_version_weight: 0.1,
    };
    engine(&api, id(&of), |deployment| {
        deployment.targets = vec![target("checkout", TargetStatus::InProgress)].into();
        deployment.targets[0].kind = TargetKind::Lambda(function);
    });
    for name in ["checkout", "checkout:live"] {
        let shown =
            api.ok("GetDeploymentTarget", &with(&of, &json!({"targetId": name})))["deploymentTarget"].take();
        assert_eq!(shown["deploymentTargetType"], "LambdaTarget");
        assert_eq!(shown["lambdaTarget"]["targetId"], "checkout");
        let expected = json!({"functionName": "checkout", "functionAlias": "live", "currentVersion": "1",
                              "targetVersion": "2", "targetVersionWeight": 0.1});
        assert_eq!(shown["lambdaTarget"]["lambdaFunctionInfo"], expected);
    }
    let two = with(&of, &json!({"targetIds": ["checkout", "checkout"]}));
    let refusal = "DeploymentTargetListSizeExceeded: The maximum number of target IDs is 1";
    api.refused("BatchGetDeploymentTargets", &two, refusal);
    let refusal = "InvalidComputePlatform: The operation is not supported for deployments of compute platform Lambda; \
                   use the operations for targets";
    api.refused("ListDeploymentInstances", &of, refusal);

    let set = TaskSet {
        id: "ecs-svc/9223370493425779968".to_owned(),
        desired: 2,
        pending: 1,
        running: 1,
        status: "PRIMARY".to_owned(),
        traffic_weight: 100.0,
        target_group: Some("blue".to_owned()),
        label: Some(Label::Blue),
    };
    engine(&api, id(&of), |deployment| {
        deployment.platform = ComputePlatform::Ecs;
        deployment.targets = vec![target("main:web", TargetStatus::InProgress)].into();
        deployment.targets[0].kind = TargetKind::Ecs(vec![set]);
    });
    let shown =
        api.ok("GetDeploymentTarget", &with(&of, &json!({"targetId": "main:web"})))["deploymentTarget"]
            .take();
    assert_eq!(shown["deploymentTargetType"], "ECSTarget");
    let expected = json!([{"identifer": "ecs-svc/9223370493425779968", "desiredCount": 2, "pendingCount": 1,
        "runningCount": 1, "status": "PRIMARY", "trafficWeight": 100.0, "targetGroup": {"name": "blue"},
        "taskSetLabel": "Blue"}]);
    assert_eq!(shown["ecsTarget"]["taskSetsInfo"], expected);
    let refusal = "InvalidDeploymentTargetId: Invalid id web for ECS deployment, valid Id should be in format \
                   <cluster-name>:<service-name>";
    api.refused("GetDeploymentTarget", &with(&of, &json!({"targetId": "web"})), refusal);
}

/// semantics.md, 7.1: InstanceIdRequired, InvalidDeploymentInstanceType
#[test]
fn instances_by_their_older_names() {
    let api = Api::new();
    let of = running(&api, ComputePlatform::Server, "BLUE_GREEN");
    engine(&api, id(&of), |deployment| {
        deployment.targets =
            vec![target("i-1", TargetStatus::Succeeded), target("i-2", TargetStatus::Pending)].into();
        deployment.targets[0].kind = TargetKind::Instance(Some(Label::Blue));
        deployment.targets[1].kind = TargetKind::Instance(Some(Label::Green));
    });
    let list = |more: Value| api.ok("ListDeploymentInstances", &with(&of, &more))["instancesList"].take();
    assert_eq!(list(json!({})), json!(["i-1", "i-2"]));
    assert_eq!(list(json!({"instanceStatusFilter": ["Pending"]})), json!(["i-2"]));
    assert_eq!(list(json!({"instanceTypeFilter": ["Blue"]})), json!(["i-1"]));
    let labelled = with(&of, &json!({"targetFilters": {"ServerInstanceLabel": ["Green"]}}));
    assert_eq!(api.ok("ListDeploymentTargets", &labelled), json!({"targetIds": ["i-2"]}));

    let summary =
        api.ok("GetDeploymentInstance", &with(&of, &json!({"instanceId": "i-1"})))["instanceSummary"].take();
    assert_eq!(summary["instanceId"], "arn:aws:ec2:eu-west-1:123456789012:instance/i-1");
    assert_eq!((&summary["instanceType"], &summary["status"]), (&json!("Blue"), &json!("Succeeded")));
    assert_eq!(summary["lifecycleEvents"][0]["lifecycleEventName"], "ApplicationStop");
    let both = api.ok("BatchGetDeploymentInstances", &with(&of, &json!({"instanceIds": ["i-2", "i-3"]})));
    assert_eq!(both["instancesSummary"][0]["instanceType"], "Green");
    assert_eq!(both["errorMessage"], "No instances found for: i-3");

    let (get, batch) = ("GetDeploymentInstance", "BatchGetDeploymentInstances");
    let label = "InvalidInstanceType: Instance label 'Red' is not valid. Valid values are [Blue, Green]";
    let unknown =
        format!("InstanceDoesNotExist: The instance i-3 could not be found in deployment {}", id(&of));
    let many =
        "BatchLimitExceeded: The maximum number of names or IDs allowed for this request (25) was exceeded.";
    let cases = [
        ("ListDeploymentInstances", json!({"instanceTypeFilter": ["Red"]}), label),
        (get, json!({}), "InstanceIdRequired: Instance ID is missing"),
        (get, json!({"instanceId": "i 1"}), "InvalidInstanceName: Instance ID is not valid"),
        (get, json!({"instanceId": "i-3"}), &unknown),
        (batch, json!({"instanceIds": []}), "InstanceIdRequired: Instance ID is missing"),
        (batch, json!({"instanceIds": vec!["i-1"; 26]}), many),
    ];
    for (operation, more, expected) in cases {
        api.refused(operation, &with(&of, &more), expected);
    }
}

#[test]
fn deployments_of_an_external_id_are_forgotten() {
    let api = Api::new();
    let created = api.ok("CreateDeployment", &deployment());
    engine(&api, created["deploymentId"].as_str().unwrap(), |deployment| {
        deployment.settings.insert("externalId".to_owned(), "stack".into());
    });
    assert_eq!(api.ok("ListDeployments", &json!({"externalId": "other"})), json!({"deployments": []}));
    assert_eq!(
        api.ok("ListDeployments", &json!({"externalId": "stack"})),
        json!({"deployments": [created["deploymentId"]]})
    );
    assert_eq!(api.ok("DeleteResourcesByExternalId", &json!({"externalId": "other"})), json!({}));
    assert_eq!(api.ok("DeleteResourcesByExternalId", &json!({"externalId": "stack"})), json!({}));
    assert_eq!(api.ok("ListDeployments", &json!({})), json!({"deployments": []}));
}
