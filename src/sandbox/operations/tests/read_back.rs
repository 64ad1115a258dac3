//! What is read back after it was written.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::{Api, NOW, REGION, ROLE, deployment, revision, with};
use crate::model::{DeploymentStatus, Diagnostics, EventName, EventStatus, TargetStatus};
use crate::sandbox::store::{Deployment, Event, Target, TargetKind};

/// Changes a stored deployment as the engine would.
pub fn engine(api: &Api, id: &str, change: impl FnOnce(&mut Deployment)) {
    change(api.shared.world().regions.get_mut(REGION).unwrap().deployments.get_mut(id).unwrap());
}

pub fn target(id: &str, status: TargetStatus) -> Target {
    let event = Event {
        name: EventName::ApplicationStop,
        status: EventStatus::Succeeded,
        start: Some(NOW),
        end: Some(NOW + 7),
        diagnostics: Some(Diagnostics::success()),
    };
    let arn = format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}");
    Target {
        id: id.to_owned(),
        arn,
        kind: TargetKind::Instance(None),
        status,
        last_updated: Some(NOW + 7),
        events: vec![event],
    }
}

#[test]
fn an_application() {
    let api = Api::new();
    let info = api.ok("GetApplication", &json!({"applicationName": "fn"}))["application"].take();
    assert_eq!(info["applicationName"], "fn");
    assert_eq!(info["computePlatform"], "Lambda");
    assert_eq!(info["linkedToGitHub"], false);
    assert_eq!(info["createTime"].to_string(), "1795348800.123");
    let renamed = json!({"applicationName": "fn", "newApplicationName": "g"});
    assert_eq!(api.ok("UpdateApplication", &renamed), Value::Null);
    let again = api.ok("GetApplication", &json!({"applicationName": "g"}))["application"].take();
    assert_eq!(again["applicationId"], info["applicationId"]);
}

#[test]
fn a_group_with_its_defaults() {
    let api = Api::new();
    let of = json!({"applicationName": "shop", "deploymentGroupName": "prod"});
    let mut info = api.ok("GetDeploymentGroup", &of)["deploymentGroupInfo"].take();
    let id = info["deploymentGroupId"].take();
    assert_eq!(id.as_str().unwrap().len(), 36);
    let expected = json!({
        "applicationName": "shop", "deploymentGroupId": null, "deploymentGroupName": "prod",
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "ec2TagFilters": [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}],
        "onPremisesInstanceTagFilters": [], "autoScalingGroups": [], "serviceRoleArn": ROLE,
        "triggerConfigurations": [], "autoRollbackConfiguration": {"enabled": false},
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
        "outdatedInstancesStrategy": "UPDATE", "computePlatform": "Server", "terminationHookEnabled": false,
    });
    assert_eq!(info, expected);

    let change =
        json!({"currentDeploymentGroupName": "prod", "newDeploymentGroupName": "live", "ec2TagFilters": []});
    api.ok("UpdateDeploymentGroup", &with(&json!({"applicationName": "shop"}), &change));
    let of = json!({"applicationName": "shop", "deploymentGroupNames": ["live", "prod"]});
    let answer = api.ok("BatchGetDeploymentGroups", &of);
    assert_eq!(answer["errorMessage"], "No Deployment Group found for name: prod");
    let info = &answer["deploymentGroupsInfo"][0];
    assert_eq!(info["deploymentGroupId"], id);
    assert_eq!(info["ec2TagFilters"], json!([]));
    assert_eq!(info["serviceRoleArn"], ROLE);
}

#[test]
fn a_deployment_from_creation_to_its_targets() {
    let api = Api::new();
    let more = json!({"description": "first", "fileExistsBehavior": "OVERWRITE",
                      "deploymentConfigName": "CodeDeployDefault.AllAtOnce"});
    let answer = api.ok("CreateDeployment", &with(&deployment(), &more));
    let id = answer["deploymentId"].as_str().unwrap();
    assert_eq!(
        *api.told.0.lock().unwrap_or_else(PoisonError::into_inner),
        [format!("created {REGION} {id}")]
    );
    let info = api.ok("GetDeployment", &json!({"deploymentId": id}))["deploymentInfo"].take();
    let expected = json!({
        "applicationName": "shop", "deploymentGroupName": "prod",
        "deploymentConfigName": "CodeDeployDefault.AllAtOnce", "deploymentId": id,
        "revision": revision("site.zip"), "status": "Created", "createTime": 1_795_348_800.123,
        "description": "first", "creator": "user", "ignoreApplicationStopFailures": false,
        "autoRollbackConfiguration": {"enabled": false}, "updateOutdatedInstancesOnly": false, "rollbackInfo": {},
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
        "instanceTerminationWaitTimeStarted": false, "fileExistsBehavior": "OVERWRITE",
        "deploymentStatusMessages": [], "computePlatform": "Server",
    });
    assert_eq!(info, expected);

    engine(&api, id, |deployment| {
        deployment.status = DeploymentStatus::InProgress;
        deployment.started = Some(NOW + 1);
        deployment.targets =
            vec![target("i-1", TargetStatus::InProgress), target("i-2", TargetStatus::Pending)].into();
    });
    let of = json!({"deploymentId": id});
    assert_eq!(api.ok("ListDeploymentTargets", &of), json!({"targetIds": ["i-1", "i-2"]}));
    let pending = with(&of, &json!({"targetFilters": {"TargetStatus": ["Pending"]}}));
    assert_eq!(api.ok("ListDeploymentTargets", &pending), json!({"targetIds": ["i-2"]}));
    let label = with(&of, &json!({"targetFilters": {"ServerInstanceLabel": ["Blue"]}}));
    let refusal = "InvalidDeploymentInstanceType: Only blue/green deployments have instance labels";
    api.refused("ListDeploymentTargets", &label, refusal);
    let arn = "arn:aws:ec2:eu-west-1:123456789012:instance/i-2";
    let answer = api.ok("BatchGetDeploymentTargets", &with(&of, &json!({"targetIds": [arn]})));
    let expected = json!({"deploymentTargetType": "InstanceTarget", "instanceTarget": {
        "deploymentId": id, "targetId": "i-2", "targetArn": arn, "status": "Pending",
        "lastUpdatedAt": 1_795_348_800.13, "lifecycleEvents": [{
            "lifecycleEventName": "ApplicationStop", "status": "Succeeded",
            "startTime": 1_795_348_800.123, "endTime": 1_795_348_800.13,
            "diagnostics": {"errorCode": "Success", "scriptName": "", "message": "Succeeded", "logTail": ""},
        }],
    }});
    assert_eq!(answer, json!({"deploymentTargets": [expected]}));
    let refusal = format!(
        "DeploymentTargetDoesNotExist: The deployment target i-3 could not be found in deployment {id}"
    );
    api.refused("GetDeploymentTarget", &with(&of, &json!({"targetId": "i-3"})), &refusal);
}

#[test]
fn a_stop_is_asked_for_once() {
    let api = Api::new();
    let id = api.deploy();
    engine(&api, &id, |deployment| deployment.targets = vec![target("i-1", TargetStatus::InProgress)].into());
    let stop = json!({"deploymentId": id, "autoRollbackEnabled": true});
    let answer = api.ok("StopDeployment", &stop);
    assert_eq!(answer["status"], "Pending");
    api.ok("StopDeployment", &json!({"deploymentId": id}));
    let told = api.told.0.lock().unwrap().clone();
    assert_eq!(told, [format!("created {REGION} {id}"), format!("stop {REGION} {id}")]);
    engine(&api, &id, |deployment| {
        assert_eq!(deployment.stop_requested, Some(Some(true)));
        deployment.targets[0].status = TargetStatus::Succeeded;
        deployment.status = DeploymentStatus::Stopped;
    });
    assert_eq!(api.ok("StopDeployment", &stop)["status"], "Succeeded");
    engine(&api, &id, |deployment| deployment.status = DeploymentStatus::Failed);
    let refusal = format!("DeploymentAlreadyCompleted: The deployment {id} is already completed");
    api.refused("StopDeployment", &stop, &refusal);
}

#[test]
fn deployments_are_listed_newest_first_and_in_pages() {
    let api = Api::with_pages_of(2);
    api.ok("CreateApplication", &json!({"applicationName": "shop"}));
    let group = json!({"applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": ROLE});
    api.ok("CreateDeploymentGroup", &group);
    let mut ids = Vec::new();
    for index in 0..5 {
        let id = api.deploy();
        engine(&api, &id, |deployment| {
            deployment.status = DeploymentStatus::Succeeded;
            deployment.created = NOW + index;
        });
        ids.insert(0, id);
    }
    engine(&api, &ids[0], |deployment| deployment.status = DeploymentStatus::Failed);
    let list = |input: &Value| -> Vec<String> {
        let mut found = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut page = api.ok("ListDeployments", &with(input, &json!({"nextToken": token})));
            let ids: Vec<String> = serde_json::from_value(page["deployments"].take()).unwrap();
            assert!(ids.len() <= 2);
            found.extend(ids);
            token = page["nextToken"].take();
            if token.is_null() {
                return found;
            }
        }
    };
    assert_eq!(list(&json!({})), ids);
    assert_eq!(list(&json!({"applicationName": "shop", "deploymentGroupName": "prod"})), ids);
    assert_eq!(list(&json!({"includeOnlyStatuses": ["Failed", "Created"]})), ids[..1]);
    let range = json!({"createTimeRange": {"start": 1_795_348_800.124, "end": 1_795_348_800.126}});
    assert_eq!(list(&range), ids[1..4]);
    assert!(list(&json!({"externalId": "x"})).is_empty());
    let token = api.ok("ListDeployments", &json!({}))["nextToken"].take();
    let other = json!({"includeOnlyStatuses": ["Failed"], "nextToken": token});
    api.refused("ListDeployments", &other, "InvalidNextToken: The next token is not valid");
}

#[test]
fn revisions_are_registered_by_use() {
    let api = Api::new();
    let of = json!({"applicationName": "shop"});
    let register = json!({"revision": revision("a.zip"), "description": "by hand"});
    assert_eq!(api.ok("RegisterApplicationRevision", &with(&of, &register)), Value::Null);
    let id = api.deploy();
    let quoted = json!({"revisionType": "S3", "s3Location": {
        "bucket": "releases", "key": "a.zip", "bundleType": "zip", "eTag": "\"x\""}});
    api.ok("RegisterApplicationRevision", &with(&of, &json!({"revision": quoted})));
    let list = |more: Value| api.ok("ListApplicationRevisions", &with(&of, &more))["revisions"].take();
    assert_eq!(list(json!({})).as_array().unwrap().len(), 3);
    let with_prefix = list(json!({"s3Bucket": "releases", "s3KeyPrefix": "s"}));
    assert_eq!(with_prefix, json!([revision("site.zip")]));
    assert_eq!(list(json!({"deployed": "include"})), json!([]));

    let get = |key| api.ok("GetApplicationRevision", &with(&of, &json!({"revision": revision(key)})));
    assert_eq!(get("a.zip")["revisionInfo"]["description"], "by hand");
    let used = get("site.zip")["revisionInfo"].take();
    let words = format!("Application revision registered by Deployment ID: {id}");
    assert_eq!(used["description"], words);
    assert_eq!(used["firstUsedTime"], used["lastUsedTime"]);
    let both = json!({"revisions": [revision("a.zip"), revision("z.zip")]});
    let answer = api.ok("BatchGetApplicationRevisions", &with(&of, &both));
    assert_eq!(answer["revisions"].as_array().unwrap().len(), 1);
    assert_eq!(answer["errorMessage"], "No revision found for: s3://releases/z.zip");
}

#[test]
fn deleting_an_application_takes_everything_along() {
    let api = Api::new();
    let id = api.deploy();
    assert_eq!(api.ok("DeleteApplication", &json!({"applicationName": "shop"})), Value::Null);
    assert_eq!(api.ok("DeleteApplication", &json!({"applicationName": "shop"})), Value::Null);
    assert!(api.call("GetDeployment", &json!({"deploymentId": id})).is_err());
    assert_eq!(api.ok("ListDeployments", &json!({})), json!({"deployments": []}));
    let gone = json!({"applicationName": "shop", "deploymentGroupName": "prod"});
    assert_eq!(api.ok("DeleteDeploymentGroup", &gone), json!({"hooksNotCleanedUp": []}));
}

#[test]
fn configurations_built_in_and_custom() {
    let api = Api::new();
    let own =
        json!({"deploymentConfigName": "mine", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 2}});
    api.ok("CreateDeploymentConfig", &own);
    let names = api.ok("ListDeploymentConfigs", &json!({}))["deploymentConfigsList"].take();
    assert_eq!(names.as_array().unwrap().len(), 18);
    let get = |name| {
        api.ok("GetDeploymentConfig", &json!({"deploymentConfigName": name}))["deploymentConfigInfo"].take()
    };
    assert_eq!(get("mine")["computePlatform"], "Server");
    assert_eq!(get("mine")["minimumHealthyHosts"], own["minimumHealthyHosts"]);
    let default = get("CodeDeployDefault.OneAtATime");
    assert_eq!(default["deploymentConfigId"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(default["minimumHealthyHosts"], json!({"type": "MOST_CONCURRENCY", "value": 1}));
    api.ok("DeleteDeploymentConfig", &json!({"deploymentConfigName": "mine"}));
    api.ok("DeleteDeploymentConfig", &json!({"deploymentConfigName": "mine"}));
}
