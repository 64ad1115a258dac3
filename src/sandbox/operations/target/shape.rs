//! A stored target in the API's shape, by its kind.

use aws_sdk_codedeploy::types::{
    DeploymentTarget, DeploymentTargetType, Diagnostics, EcsTarget, EcsTaskSet, InstanceTarget,
    LambdaFunctionInfo, LambdaTarget, LifecycleErrorCode, LifecycleEvent, LifecycleEventStatus,
    TargetGroupInfo, TargetLabel, TargetStatus,
};

use crate::sandbox::operations::rules::time;
use crate::sandbox::store::{self, Deployment, Label, LambdaFunction, Target, TargetKind, TaskSet};

pub fn target(deployment: &Deployment, target: &Target) -> DeploymentTarget {
    let shape = DeploymentTarget::builder();
    match &target.kind {
        TargetKind::Instance(label) => shape
            .deployment_target_type(DeploymentTargetType::InstanceTarget)
            .instance_target(instance(deployment, target, *label)),
        TargetKind::Lambda(function) => shape
            .deployment_target_type(DeploymentTargetType::LambdaTarget)
            .lambda_target(lambda(deployment, target, function)),
        TargetKind::Ecs(task_sets) => shape
            .deployment_target_type(DeploymentTargetType::EcsTarget)
            .ecs_target(ecs(deployment, target, task_sets)),
    }
    .build()
}

fn instance(deployment: &Deployment, target: &Target, label: Option<Label>) -> InstanceTarget {
    InstanceTarget::builder()
        .deployment_id(&deployment.id)
        .target_id(&target.id)
        .target_arn(&target.arn)
        .status(TargetStatus::from(target.status.as_str()))
        .set_last_updated_at(target.last_updated.map(time))
        .set_lifecycle_events(Some(target.events.iter().map(event).collect()))
        .set_instance_label(label.map(|label| TargetLabel::from(label.as_str())))
        .build()
}

fn lambda(deployment: &Deployment, target: &Target, function: &LambdaFunction) -> LambdaTarget {
    let function = LambdaFunctionInfo::builder()
        .function_name(&function.name)
        .function_alias(&function.alias)
        .current_version(&function.current_version)
        .target_version(&function.target_version)
        .target_version_weight(function.target_version_weight)
        .build();
    LambdaTarget::builder()
        .deployment_id(&deployment.id)
        .target_id(&target.id)
        .target_arn(&target.arn)
        .status(TargetStatus::from(target.status.as_str()))
        .set_last_updated_at(target.last_updated.map(time))
        .set_lifecycle_events(Some(target.events.iter().map(event).collect()))
        .lambda_function_info(function)
        .build()
}

fn ecs(deployment: &Deployment, target: &Target, task_sets: &[TaskSet]) -> EcsTarget {
    EcsTarget::builder()
        .deployment_id(&deployment.id)
        .target_id(&target.id)
        .target_arn(&target.arn)
        .status(TargetStatus::from(target.status.as_str()))
        .set_last_updated_at(target.last_updated.map(time))
        .set_lifecycle_events(Some(target.events.iter().map(event).collect()))
        .set_task_sets_info(Some(task_sets.iter().map(task_set).collect()))
        .build()
}

fn task_set(set: &TaskSet) -> EcsTaskSet {
    let target_group = set.target_group.as_ref().map(|name| TargetGroupInfo::builder().name(name).build());
    EcsTaskSet::builder()
        .identifer(&set.id)
        .desired_count(set.desired)
        .pending_count(set.pending)
        .running_count(set.running)
        .status(&set.status)
        .traffic_weight(set.traffic_weight)
        .set_target_group(target_group)
        .set_task_set_label(set.label.map(|label| TargetLabel::from(label.as_str())))
        .build()
}

pub fn event(event: &store::Event) -> LifecycleEvent {
    let diagnostics = event.diagnostics.as_ref().map(|diagnostics| {
        Diagnostics::builder()
            .error_code(LifecycleErrorCode::from(diagnostics.error_code.as_str()))
            .script_name(&diagnostics.script_name)
            .message(&diagnostics.message)
            .log_tail(&diagnostics.log_tail)
            .build()
    });
    LifecycleEvent::builder()
        .lifecycle_event_name(event.name.as_str())
        .status(LifecycleEventStatus::from(event.status.as_str()))
        .set_start_time(event.start.map(time))
        .set_end_time(event.end.map(time))
        .set_diagnostics(diagnostics)
        .build()
}
