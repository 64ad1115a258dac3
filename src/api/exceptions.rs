//! The exceptions of CodeDeploy's service model: what each means for a caller, in a sentence, and what to do where
//! that is known. A test holds the codes against the SDK's.

use super::ErrorKind::{self, Busy, Invalid, NotFound, NotStarted, Other, Throttled};

/// One exception of the service model.
pub struct Exception {
    pub code: &'static str,
    pub kind: ErrorKind,
    /// What happened; for an answer without a message.
    pub sentence: &'static str,
    /// What to do.
    pub help: Option<&'static str>,
}

/// The exception with this code.
pub fn exception(code: &str) -> Option<Exception> {
    let found = TABLE.binary_search_by_key(&code, |(code, ..)| code).ok()?;
    let &(code, kind, sentence, help) = TABLE.get(found)?;
    Some(Exception { code, kind, sentence, help: (!help.is_empty()).then_some(help) })
}

/// What to do about an exception with this message.
pub fn advice(code: &str, message: &str) -> Option<&'static str> {
    let cause = CAUSES.iter().find(|(of, words, _)| *of == code && message.contains(words));
    cause.map(|(.., help)| *help).or_else(|| exception(code)?.help)
}

/// Where one exception has several causes: code, words of the service's message, what to do then.
///
/// Source of the words: published answers of the service.
#[rustfmt::skip]
const CAUSES: &[(&str, &str, &str)] = &[
    ("InvalidBlueGreenDeploymentConfigurationException", "must be specified", "add `--when-ready continue --terminate-blue MINUTES`"),
    ("InvalidBlueGreenDeploymentConfigurationException", "ready option cannot be null", "add `--when-ready continue`, or `--when-ready MINUTES` to wait for `cdctl deploy continue`"),
    ("InvalidBlueGreenDeploymentConfigurationException", "cannot be set to null", "add `--terminate-blue MINUTES`, or `--terminate-blue keep`"),
    ("InvalidBlueGreenDeploymentConfigurationException", "COPY_AUTO_SCALING_GROUP", "`--green-fleet copy` takes one `--asg NAME` and no tags"),
    ("InvalidDeploymentStyleException", "cannot be null or empty", "pass `--style` and `--traffic-control` together"),
    ("InvalidDeploymentStyleException", "must be BLUE_GREEN", "leave out `--style` and `--traffic-control`"),
    ("InvalidDeploymentStyleException", "not supported with WITHOUT_TRAFFIC_CONTROL", "pass `--traffic-control on` and `--target-group NAME` or `--elb NAME`"),
    ("InvalidECSServiceException", "exactly one ECS service", "add `--ecs-service CLUSTER/SERVICE`"),
    ("InvalidECSServiceException", "should not define", "the application is for servers; `cdctl app create APP --platform ecs` makes one for ECS"),
    ("InvalidInputException", "Compute platform of deployment config", "pass `--config` with one of the application's platform; see `cdctl config list`"),
    ("InvalidLoadBalancerInfoException", "For ECS", "an ECS group takes `--target-group-pair NAME,NAME --listener ARN` and nothing else of load balancers"),
    ("InvalidMinimumHealthyHostValueException", "is missing", "add `--min-healthy COUNT` or `--min-healthy PERCENT%`"),
    ("InvalidMinimumHealthyHostValueException", "should be null", "`--min-healthy` is for servers alone; pass `--all-at-once`, `--canary` or `--linear`"),
    ("InvalidTargetInstancesException", "must be specified", "add `--target-tag KEY=VALUE` or `--target-asg NAME`: instances that are there already and become the new fleet"),
    ("InvalidTrafficRoutingConfigurationException", "cannot be null nor empty", "add `--all-at-once`, `--canary PERCENT%/TIME` or `--linear PERCENT%/TIME`"),
    ("InvalidTrafficRoutingConfigurationException", "Production traffic route", "add `--listener ARN`, once"),
];

/// Code, kind, sentence, help; sorted by code.
#[rustfmt::skip]
const TABLE: &[(&str, ErrorKind, &str, &str)] = &[
    ("AlarmsLimitExceededException", Other, "a group has at most ten alarms", ""),
    ("ApplicationAlreadyExistsException", Other, "an application of this name is there already", "choose another name; `cdctl app ensure` creates one only where it is missing"),
    ("ApplicationDoesNotExistException", NotFound, "there is no such application", "see `cdctl app list`, and whether the region is the right one"),
    ("ApplicationLimitExceededException", Other, "the account has as many applications as it may", "delete some, or ask AWS for a higher quota"),
    ("ApplicationNameRequiredException", Invalid, "no application is named", ""),
    ("ArnNotSupportedException", Invalid, "resources of this kind have no tags", ""),
    ("BatchLimitExceededException", Invalid, "too many names in one call", ""),
    ("BucketNameFilterRequiredException", Invalid, "a key prefix needs a bucket", "pass `--bucket`"),
    ("DeploymentAlreadyCompletedException", Other, "the deployment has ended already", ""),
    ("DeploymentAlreadyStartedException", Other, "the deployment has started already", ""),
    ("DeploymentConfigAlreadyExistsException", Other, "a deployment configuration of this name is there already", "choose another name; configurations cannot be changed"),
    ("DeploymentConfigDoesNotExistException", NotFound, "there is no such deployment configuration", "see `cdctl config list`"),
    ("DeploymentConfigInUseException", Other, "a deployment group uses the configuration", "give those groups another with `cdctl group update --config`"),
    ("DeploymentConfigLimitExceededException", Other, "the account has as many deployment configurations as it may", "delete some, or ask AWS for a higher quota"),
    ("DeploymentConfigNameRequiredException", Invalid, "no deployment configuration is named", ""),
    ("DeploymentDoesNotExistException", NotFound, "there is no such deployment", "see `cdctl deploy list`, and whether the region is the right one"),
    ("DeploymentGroupAlreadyExistsException", Other, "a deployment group of this name is there already", "change it with `cdctl group update`; `cdctl group ensure` does either"),
    ("DeploymentGroupDoesNotExistException", NotFound, "there is no such deployment group", "see `cdctl group list APP`"),
    ("DeploymentGroupLimitExceededException", Other, "the application has as many deployment groups as it may", "delete some, or ask AWS for a higher quota"),
    ("DeploymentGroupNameRequiredException", Invalid, "no deployment group is named", ""),
    ("DeploymentIdRequiredException", Invalid, "no deployment is named", ""),
    ("DeploymentIsNotInReadyStateException", Other, "the deployment does not wait for anybody", ""),
    ("DeploymentLimitExceededException", Busy, "the group has an active deployment, or the account as many as it may", "wait for it, or pass `--if-active wait|stop`"),
    ("DeploymentNotStartedException", NotStarted, "the deployment has not started yet", "try again in a few seconds"),
    ("DeploymentTargetDoesNotExistException", NotFound, "the deployment has no such target", "see `cdctl deploy targets`"),
    ("DeploymentTargetIdRequiredException", Invalid, "no target is named", ""),
    ("DeploymentTargetListSizeExceededException", Invalid, "too many targets in one call", ""),
    ("DescriptionTooLongException", Invalid, "the description is too long", ""),
    ("ECSServiceMappingLimitExceededException", Other, "the ECS service belongs to another deployment group", "an ECS service can be in one group only"),
    ("GitHubAccountTokenDoesNotExistException", NotFound, "there is no such connection to GitHub", "see `cdctl github tokens`"),
    ("GitHubAccountTokenNameRequiredException", Invalid, "no connection to GitHub is named", ""),
    ("IamArnRequiredException", Invalid, "no IAM identity is given", "pass `--session-arn` or `--user-arn`"),
    ("IamSessionArnAlreadyRegisteredException", Other, "another instance is registered with this session", "give each instance a session name of its own"),
    ("IamUserArnAlreadyRegisteredException", Other, "another instance is registered with this IAM user", "give each instance an IAM user of its own, or use sessions of a role"),
    ("IamUserArnRequiredException", Invalid, "no IAM user is given", "pass `--user-arn`"),
    ("InstanceDoesNotExistException", NotFound, "the deployment has no such instance", "see `cdctl deploy targets`"),
    ("InstanceIdRequiredException", Invalid, "no instance is named", ""),
    ("InstanceLimitExceededException", Other, "too many instances in one call or account", ""),
    ("InstanceNameAlreadyRegisteredException", Other, "an instance of this name is or was registered", "see `cdctl instance list`; the name of a deregistered one stays taken for a while"),
    ("InstanceNameRequiredException", Invalid, "no instance is named", ""),
    ("InstanceNotRegisteredException", NotFound, "no instance of this name is registered", "see `cdctl instance list`"),
    ("InvalidAlarmConfigException", Invalid, "the alarms cannot be used so", "alarms that are on need at least one `--alarm`"),
    ("InvalidApplicationNameException", Invalid, "this cannot be an application's name", "1 to 100 letters, digits or any of +=,.@_-"),
    ("InvalidArnException", Invalid, "this is not an ARN of CodeDeploy", ""),
    ("InvalidAutoRollbackConfigException", Invalid, "the automatic rollback cannot be set so", "a rollback on alarms needs alarms"),
    ("InvalidAutoScalingGroupException", Invalid, "an Auto Scaling group is not there or cannot be used", ""),
    ("InvalidAutoScalingGroupProcessToSuspendException", Invalid, "Auto Scaling has no such process to suspend", ""),
    ("InvalidBlueGreenDeploymentConfigurationException", Invalid, "the blue/green options do not fit together", ""),
    ("InvalidBucketNameFilterException", Invalid, "this cannot be a bucket's name", ""),
    ("InvalidComputePlatformException", Invalid, "the compute platform does not fit", "a platform is Server, Lambda or ECS"),
    ("InvalidDeployedStateFilterException", Invalid, "this is no state to filter revisions by", ""),
    ("InvalidDeploymentConfigNameException", Invalid, "this cannot be a configuration's name", "names that begin with CodeDeployDefault. are CodeDeploy's own"),
    ("InvalidDeploymentGroupNameException", Invalid, "this cannot be a deployment group's name", "1 to 100 letters, digits or any of +=,.@_-"),
    ("InvalidDeploymentIdException", Invalid, "this cannot be a deployment's id", "an id is written d-XXXXXXXXX"),
    ("InvalidDeploymentInstanceTypeException", Invalid, "instances are Blue or Green", ""),
    ("InvalidDeploymentStatusException", Invalid, "a deployment has no such status", ""),
    ("InvalidDeploymentStyleException", Invalid, "the deployment style does not fit", "see `--style` and `--traffic-control`"),
    ("InvalidDeploymentTargetIdException", Invalid, "this cannot be a target's id", ""),
    ("InvalidDeploymentWaitTypeException", Invalid, "a deployment does not wait for that", ""),
    ("InvalidEC2TagCombinationException", Invalid, "EC2 tags and EC2 tag sets exclude each other", "pass one of `--ec2-tag` and `--ec2-tag-set`; `--clear` the other"),
    ("InvalidEC2TagException", Invalid, "an EC2 tag filter is wrong", ""),
    ("InvalidECSServiceException", Invalid, "the ECS service is not as CodeDeploy needs it", "it must exist and have the CODE_DEPLOY deployment controller"),
    ("InvalidExternalIdException", Invalid, "this cannot be an external id", ""),
    ("InvalidFileExistsBehaviorException", Invalid, "what to do with existing files is DISALLOW, OVERWRITE or RETAIN", ""),
    ("InvalidGitHubAccountTokenException", Invalid, "GitHub refuses the stored connection", "connect the account again in the AWS console"),
    ("InvalidGitHubAccountTokenNameException", Invalid, "this cannot be a connection's name", ""),
    ("InvalidIamSessionArnException", Invalid, "this is not the ARN of a role's session", "it looks like arn:aws:sts::123456789012:assumed-role/ROLE/SESSION"),
    ("InvalidIamUserArnException", Invalid, "this is not the ARN of an IAM user", "it looks like arn:aws:iam::123456789012:user/NAME"),
    ("InvalidIgnoreApplicationStopFailuresValueException", Invalid, "whether to ignore ApplicationStop is true or false", ""),
    ("InvalidInputException", Invalid, "the request is wrong", ""),
    ("InvalidInstanceIdException", Invalid, "this cannot be an instance's id", ""),
    ("InvalidInstanceNameException", Invalid, "this cannot be an instance's name", "1 to 100 letters, digits or any of +=,.@_-; it must not begin with i-"),
    ("InvalidInstanceStatusException", Invalid, "an instance has no such status", ""),
    ("InvalidInstanceTypeException", Invalid, "instances are Blue or Green", ""),
    ("InvalidKeyPrefixFilterException", Invalid, "this cannot be a key's prefix", ""),
    ("InvalidLifecycleEventHookExecutionIdException", Invalid, "this cannot be a hook's execution id", ""),
    ("InvalidLifecycleEventHookExecutionStatusException", Invalid, "a hook ends with Succeeded or Failed", ""),
    ("InvalidLoadBalancerInfoException", Invalid, "the load balancer settings do not fit", "traffic control needs `--target-group NAME` or `--elb NAME`"),
    ("InvalidMinimumHealthyHostValueException", Invalid, "the number of healthy instances is wrong", "`--min-healthy` takes a count of 0 or more, or 0% to 99%"),
    ("InvalidNextTokenException", Invalid, "the list changed while it was read", "run the command again"),
    ("InvalidOnPremisesTagCombinationException", Invalid, "on-premises tags and tag sets exclude each other", "pass one of `--on-prem-tag` and `--on-prem-tag-set`; `--clear` the other"),
    ("InvalidOperationException", Invalid, "this cannot be done to it", "CodeDeploy's own configurations cannot be deleted"),
    ("InvalidRegistrationStatusException", Invalid, "instances are Registered or Deregistered", ""),
    ("InvalidRevisionException", Invalid, "the revision cannot be used so", "an S3 revision needs bucket, key and bundle type; ECS and Lambda take an AppSpec"),
    ("InvalidRoleException", Invalid, "CodeDeploy cannot assume the role", "check the ARN, and that the role trusts codedeploy.amazonaws.com and has AWSCodeDeployRole's permissions"),
    ("InvalidSortByException", Invalid, "revisions cannot be sorted by that", ""),
    ("InvalidSortOrderException", Invalid, "an order is ascending or descending", ""),
    ("InvalidTagException", Invalid, "a tag is wrong", ""),
    ("InvalidTagFilterException", Invalid, "a tag filter is wrong", ""),
    ("InvalidTagsToAddException", Invalid, "the tags cannot be added", ""),
    ("InvalidTargetException", Invalid, "a target is not valid", ""),
    ("InvalidTargetFilterNameException", Invalid, "targets cannot be filtered by that", ""),
    ("InvalidTargetGroupPairException", Invalid, "the pair of target groups is wrong", "an ECS group needs `--target-group-pair NAME,NAME --listener ARN`"),
    ("InvalidTargetInstancesException", Invalid, "the target instances cannot be used so", "they are for blue/green deployments whose fleet is there already"),
    ("InvalidTimeRangeException", Invalid, "the time range is wrong", "`--since` must be before `--until`"),
    ("InvalidTrafficRoutingConfigurationException", Invalid, "the traffic routing is wrong", "of a configuration see `--canary` and `--linear`, of a group `--listener` and `--target-group-pair`"),
    ("InvalidTriggerConfigException", Invalid, "a trigger is wrong", ""),
    ("InvalidUpdateOutdatedInstancesOnlyValueException", Invalid, "outdated instances only does not fit this deployment", ""),
    ("InvalidZonalDeploymentConfigurationException", Invalid, "the zonal settings are wrong", "zones are for the Server platform"),
    ("LifecycleEventAlreadyCompletedException", Other, "the lifecycle event has ended already", ""),
    ("LifecycleHookLimitExceededException", Other, "an Auto Scaling group has as many lifecycle hooks as it may", ""),
    ("MultipleIamArnsProvidedException", Invalid, "an IAM user and a session are both given", "pass one of `--session-arn` and `--user-arn`"),
    ("OperationNotSupportedException", Other, "the service does not do that", ""),
    ("ResourceArnRequiredException", Invalid, "no ARN is given", ""),
    ("ResourceValidationException", Invalid, "the resource is not valid", ""),
    ("RevisionDoesNotExistException", NotFound, "the revision is not registered with the application", "see `cdctl revision list APP`"),
    ("RevisionRequiredException", Invalid, "no revision is given", ""),
    ("RoleRequiredException", Invalid, "no service role is given", "pass `--service-role`"),
    ("TagLimitExceededException", Invalid, "more tags than a resource or an instance may have", ""),
    ("TagRequiredException", Invalid, "no tag is given", ""),
    ("TagSetListLimitExceededException", Invalid, "more tag groups or tags in them than a set may have", "a set has at most three groups"),
    ("ThrottlingException", Throttled, "the service asks for fewer calls", "wait a moment, or raise `--max-attempts`"),
    ("TriggerTargetsLimitExceededException", Other, "a group has at most ten triggers", ""),
    ("UnsupportedActionForDeploymentTypeException", Other, "deployments of this kind do not know that action", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_has_a_row_that_is_found() {
        assert_eq!(TABLE.len(), 114);
        for (code, kind, sentence, help) in TABLE {
            let found = exception(code).unwrap_or_else(|| panic!("{code} is out of order"));
            assert_eq!((found.kind, found.help.unwrap_or_default()), (*kind, *help));
            assert!(!sentence.is_empty() && !sentence.ends_with('.'), "{code}: {sentence}");
            assert!(!help.ends_with('.'), "{code}: {help}");
        }
        assert!(exception("TeleportationException").is_none());
        for (code, words, help) in CAUSES {
            assert!(exception(code).is_some() && !help.ends_with('.'), "{code}: {help}");
            assert_eq!(advice(code, &format!("It {words}.")), Some(*help));
        }
        assert_eq!(
            advice("InvalidMinimumHealthyHostValueException", "no"),
            exception("InvalidMinimumHealthyHostValueException").and_then(|it| it.help)
        );
    }
}
