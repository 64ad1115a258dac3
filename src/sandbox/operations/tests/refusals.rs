//! What the other operations refuse.

use serde_json::{Value, json};

use super::{Api, deployment, revision, with};

fn repeated(value: &Value, times: usize) -> Value {
    Value::Array(vec![value.clone(); times])
}

/// semantics.md, 3.2 (batch sizes), 7.1 and 7.2: names, what does not exist, what is there already
#[test]
fn names_and_things() {
    let api = Api::new();
    let long = "a".repeat(101);
    let nothing = json!({});
    let missing = json!({"applicationName": "nix"});
    let cases = [
        ("CreateApplication", nothing.clone(), "ApplicationNameRequired: Application name is missing"),
        (
            "CreateApplication",
            json!({"applicationName": "a b"}),
            "InvalidApplicationName: Application name is not valid: a b",
        ),
        (
            "CreateApplication",
            json!({"applicationName": "shop"}),
            "ApplicationAlreadyExists: Application already exists: shop",
        ),
        (
            "CreateApplication",
            json!({"applicationName": "new", "computePlatform": "EC2"}),
            "InvalidComputePlatform: ComputePlatform 'EC2' is not valid. Valid values are [Server, Lambda, ECS, Kubernetes]",
        ),
        (
            "CreateApplication",
            json!({"applicationName": "new", "tags": [{"Key": ""}]}),
            "InvalidTagsToAdd: A tag key must be 1 to 128 characters long",
        ),
        ("GetApplication", missing.clone(), "ApplicationDoesNotExist: No application found for name: nix"),
        ("BatchGetApplications", nothing.clone(), "ApplicationNameRequired: Application name is missing"),
        (
            "BatchGetApplications",
            json!({"applicationNames": repeated(&json!("shop"), 101)}),
            "BatchLimitExceeded: The maximum number of names or IDs allowed for this request (100) was exceeded.",
        ),
        (
            "UpdateApplication",
            json!({"applicationName": "shop", "newApplicationName": "fn"}),
            "ApplicationAlreadyExists: Application already exists: fn",
        ),
        (
            "ListDeploymentGroups",
            missing.clone(),
            "ApplicationDoesNotExist: No application found for name: nix",
        ),
        (
            "GetDeploymentGroup",
            json!({"applicationName": "shop"}),
            "DeploymentGroupNameRequired: Deployment Group name is missing",
        ),
        (
            "GetDeploymentGroup",
            json!({"applicationName": "shop", "deploymentGroupName": "nix"}),
            "DeploymentGroupDoesNotExist: No Deployment Group found for name: nix",
        ),
        (
            "CreateDeploymentGroup",
            json!({"applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": super::ROLE}),
            "DeploymentGroupAlreadyExists: Deployment Group already exists: prod",
        ),
        (
            "CreateDeploymentGroup",
            json!({"applicationName": "fn", "deploymentGroupName": "g", "serviceRoleArn": super::ROLE}),
            "InvalidInput: Compute platform of deployment config CodeDeployDefault.OneAtATime does not match expected \
             compute platform, correct compute platform should be Lambda.",
        ),
        (
            "GetDeploymentConfig",
            nothing.clone(),
            "DeploymentConfigNameRequired: Deployment configuration name is missing",
        ),
        (
            "GetDeploymentConfig",
            json!({"deploymentConfigName": "x"}),
            "DeploymentConfigDoesNotExist: No deployment configuration found for name: x",
        ),
        (
            "DeleteDeploymentConfig",
            json!({"deploymentConfigName": "CodeDeployDefault.OneAtATime"}),
            "DeploymentConfigInUse: Deployment configuration is in use: CodeDeployDefault.OneAtATime",
        ),
        (
            "DeleteDeploymentConfig",
            json!({"deploymentConfigName": "CodeDeployDefault.AllAtOnce"}),
            "InvalidOperation: A predefined deployment configuration cannot be deleted: CodeDeployDefault.AllAtOnce",
        ),
        ("ListApplications", json!({"nextToken": "x"}), "InvalidNextToken: The next token is not valid"),
        (
            "RegisterApplicationRevision",
            json!({"applicationName": "shop"}),
            "RevisionRequired: RevisionLocation must be specified",
        ),
        (
            "GetApplicationRevision",
            json!({"applicationName": "shop", "revision": revision("nix.zip")}),
            "RevisionDoesNotExist: No revision found for: s3://releases/nix.zip",
        ),
        (
            "ListApplicationRevisions",
            json!({"applicationName": "shop", "s3KeyPrefix": "a"}),
            "BucketNameFilterRequired: A key prefix can only be used with a bucket name",
        ),
    ];
    for (operation, input, expected) in cases {
        api.refused(operation, &input, expected);
    }
    let refusal = api.call("CreateApplication", &json!({"applicationName": long})).unwrap_err();
    assert!(refusal.starts_with("InvalidApplicationName: "), "{refusal}");
}

/// semantics.md, 4.4 and 7.1: InvalidMinimumHealthyHostValue, InvalidTrafficRoutingConfiguration
#[test]
fn configurations() {
    let api = Api::new();
    let hosts = |kind, value| json!({"minimumHealthyHosts": {"type": kind, "value": value}});
    let lambda = |routing: Value| json!({"computePlatform": "Lambda", "trafficRoutingConfig": routing});
    let linear = |percentage, interval| {
        lambda(json!({"type": "TimeBasedLinear",
                      "timeBasedLinear": {"linearPercentage": percentage, "linearInterval": interval}}))
    };
    let percent = "InvalidMinimumHealthyHostValue: The value for the minimum healthy hosts with type of \
                   FLEET_PERCENT should be positive and less than 100";
    let total = "InvalidTrafficRoutingConfiguration: Total Traffic shifting intervals must be positive integers up \
                 to 2880 minutes (2 days)";
    let cases = [
        (json!({}), "InvalidMinimumHealthyHostValue: minimum healthy hosts argument is missing"),
        (hosts("FLEET_PERCENT", 100), percent),
        (hosts("FLEET_PERCENT", -1), percent),
        (
            with(&hosts("HOST_COUNT", 1), &json!({"computePlatform": "Lambda"})),
            "InvalidMinimumHealthyHostValue: minimum healthy hosts should be null for Lambda deployment configuration",
        ),
        (
            with(&hosts("HOST_COUNT", 1), &json!({"trafficRoutingConfig": {"type": "AllAtOnce"}})),
            "InvalidTrafficRoutingConfiguration: Traffic routing configuration should be null for Server deployment \
             configuration",
        ),
        (
            json!({"computePlatform": "ECS"}),
            "InvalidTrafficRoutingConfiguration: Traffic routing configuration cannot be null nor empty for \
             deployment configurations on this platform.",
        ),
        (
            lambda(json!({})),
            "InvalidTrafficRoutingConfiguration: Traffic routing configuration cannot be null nor empty for \
             deployment configurations on this platform.",
        ),
        (
            lambda(json!({"type": "TimeBasedCanary"})),
            "InvalidTrafficRoutingConfiguration: TimeBasedCanaryConfiguration should not be null for \
             TimeBasedCanary type",
        ),
        (
            linear(100, 1),
            "InvalidTrafficRoutingConfiguration: Valid traffic routing percentage is from 1 to 99",
        ),
        (linear(99, 2881), total),
        (linear(50, 1441), total),
        (linear(10, 289), total),
    ];
    for (more, expected) in cases {
        api.refused("CreateDeploymentConfig", &with(&json!({"deploymentConfigName": "c"}), &more), expected);
    }
    for (index, good) in [hosts("FLEET_PERCENT", 0), linear(99, 2880), linear(10, 288)].iter().enumerate() {
        api.ok("CreateDeploymentConfig", &with(&json!({"deploymentConfigName": format!("c{index}")}), good));
    }
    let reserved = with(&hosts("HOST_COUNT", 1), &json!({"deploymentConfigName": "CodeDeployDefault.Mine"}));
    api.refused(
        "CreateDeploymentConfig",
        &reserved,
        "InvalidDeploymentConfigName: The prefix CodeDeployDefault. is reserved for predefined configuration names",
    );
    let similar = with(&hosts("HOST_COUNT", 1), &json!({"deploymentConfigName": "CodeDeployDefaultMine"}));
    api.ok("CreateDeploymentConfig", &similar);
}

/// semantics.md, 7.1 and 7.2: CreateDeployment and the calls about a deployment
#[test]
fn deployments() {
    let api = Api::new();
    let cases = [
        (
            json!({"applicationName": "nix"}),
            "ApplicationDoesNotExist: Applications not found for 123456789012",
        ),
        (json!({"deploymentGroupName": ""}), "DeploymentGroupNameRequired: Deployment Group name is missing"),
        (
            json!({"deploymentGroupName": "nix"}),
            "DeploymentGroupDoesNotExist: No Deployment Group found for name: nix",
        ),
        (
            json!({"deploymentConfigName": ""}),
            "InvalidDeploymentConfigName: Deployment configuration name is missing",
        ),
        (json!({"revision": null}), "RevisionRequired: RevisionLocation must be specified"),
        (json!({"revision": {}}), "RevisionRequired: RevisionLocation must be specified"),
        (
            json!({"deploymentConfigName": "x"}),
            "DeploymentConfigDoesNotExist: No deployment configuration found for name: x",
        ),
        (
            json!({"description": "x".repeat(257)}),
            "DescriptionTooLong: The description is longer than 256 characters",
        ),
        (
            json!({"fileExistsBehavior": "ASK"}),
            "InvalidFileExistsBehavior: File exists behavior 'ASK' is not valid. Valid values are [DISALLOW, \
             OVERWRITE, RETAIN]",
        ),
        (
            json!({"targetInstances": {"autoScalingGroups": ["a"]}}),
            "InvalidTargetInstances: Target instances can only be specified for blue/green deployments",
        ),
        (
            json!({"deploymentMode": "RESTART"}),
            "InvalidInput: A revision can not be specified with deployment mode RESTART",
        ),
        (
            json!({"deploymentMode": "RESTART", "revision": null, "updateOutdatedInstancesOnly": true}),
            "InvalidInput: updateOutdatedInstancesOnly can not be specified with deployment mode RESTART",
        ),
        (
            json!({"deploymentMode": "RESTART", "revision": null}),
            "InvalidInput: Deployment mode RESTART needs an earlier successful deployment",
        ),
        (
            json!({"deploymentMode": "SOON"}),
            "InvalidInput: Deployment mode 'SOON' is not valid. Valid values are [RESTART, STANDARD]",
        ),
    ];
    for (more, expected) in cases {
        api.refused("CreateDeployment", &with(&deployment(), &more), expected);
    }
    assert!(api.told.0.lock().unwrap().is_empty(), "nothing half done");

    let id = api.deploy();
    let busy = format!(
        "DeploymentLimitExceeded: The Deployment Group 'prod' already has an active Deployment '{id}'"
    );
    api.refused("CreateDeployment", &deployment(), &busy);
    let not_started = format!("DeploymentNotStarted: The deployment {id} has not started");
    let unknown = "DeploymentDoesNotExist: The deployment d-AAAAAAAAA could not be found";
    let cases = [
        ("GetDeployment", json!({}), "DeploymentIdRequired: Deployment ID is missing"),
        ("GetDeployment", json!({"deploymentId": "x"}), "InvalidDeploymentId: Deployment ID is not valid: x"),
        ("GetDeployment", json!({"deploymentId": "d-AAAAAAAAA"}), unknown),
        ("StopDeployment", json!({"deploymentId": "d-AAAAAAAAA"}), unknown),
        ("BatchGetDeployments", json!({}), "DeploymentIdRequired: Deployment ID is missing"),
        (
            "BatchGetDeployments",
            json!({"deploymentIds": repeated(&json!(id), 26)}),
            "BatchLimitExceeded: The maximum number of names or IDs allowed for this request (25) was exceeded.",
        ),
        ("ListDeploymentTargets", json!({"deploymentId": id}), &not_started),
        ("GetDeploymentTarget", json!({"deploymentId": id, "targetId": "i-1"}), &not_started),
        ("BatchGetDeploymentTargets", json!({"deploymentId": id, "targetIds": ["i-1"]}), &not_started),
        (
            "ListDeployments",
            json!({"deploymentGroupName": "prod"}),
            "ApplicationNameRequired: Application name is missing",
        ),
        (
            "ListDeployments",
            json!({"applicationName": "shop"}),
            "DeploymentGroupNameRequired: Deployment Group name is missing",
        ),
        (
            "ListDeployments",
            json!({"applicationName": "nix"}),
            "DeploymentGroupNameRequired: Deployment Group name is missing",
        ),
        (
            "ListDeployments",
            json!({"createTimeRange": {"start": 2, "end": 1}}),
            "InvalidTimeRange: The start of the time range must not be after its end",
        ),
    ];
    for (operation, input, expected) in cases {
        api.refused(operation, &input, expected);
    }
}
