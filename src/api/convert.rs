//! The SDK's types -> ours. Nothing is lost that the tool reads; unknown values stay as they came.

use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types as sdk;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::raw;
use crate::model::*;

pub(super) fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|time| time.to_millis().ok()).and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

pub(super) fn revision(revision: &sdk::RevisionLocation) -> Revision {
    if let Some(s3) = revision.s3_location() {
        return Revision::S3 {
            bucket: s3.bucket().unwrap_or_default().to_owned(),
            key: s3.key().unwrap_or_default().to_owned(),
            bundle_type: s3.bundle_type().map(|kind| kind.as_str().into()),
            version: owned(s3.version()),
            etag: owned(s3.e_tag()),
        };
    }
    if let Some(github) = revision.git_hub_location() {
        return Revision::GitHub {
            repository: github.repository().unwrap_or_default().to_owned(),
            commit: github.commit_id().unwrap_or_default().to_owned(),
        };
    }
    if let Some(app_spec) = revision.app_spec_content() {
        return Revision::AppSpec { content: owned(app_spec.content()), sha256: owned(app_spec.sha256()) };
    }
    Revision::Other(revision.revision_type().map_or("?", |kind| kind.as_str()).to_owned())
}

/// Ours -> the SDK's. `last-good` and the like are resolved before.
pub(super) fn location(revision: &Revision) -> sdk::RevisionLocation {
    let builder = sdk::RevisionLocation::builder();
    match revision {
        Revision::S3 { bucket, key, bundle_type, version, etag } => builder
            .revision_type(sdk::RevisionLocationType::S3)
            .s3_location(
                sdk::S3Location::builder()
                    .bucket(bucket)
                    .key(key)
                    .set_bundle_type(bundle_type.as_ref().map(|kind| sdk::BundleType::from(kind.as_str())))
                    .set_version(version.clone())
                    .set_e_tag(etag.clone())
                    .build(),
            )
            .build(),
        Revision::GitHub { repository, commit } => builder
            .revision_type(sdk::RevisionLocationType::GitHub)
            .git_hub_location(sdk::GitHubLocation::builder().repository(repository).commit_id(commit).build())
            .build(),
        Revision::AppSpec { content, sha256 } => builder
            .revision_type(sdk::RevisionLocationType::AppSpecContent)
            .app_spec_content(
                sdk::AppSpecContent::builder()
                    .set_content(content.clone())
                    .set_sha256(sha256.clone())
                    .build(),
            )
            .build(),
        Revision::Other(kind) => {
            builder.revision_type(sdk::RevisionLocationType::from(kind.as_str())).build()
        }
    }
}

pub(super) fn deployment(info: &sdk::DeploymentInfo) -> Deployment {
    // No fleet is that large: sums of what a broken answer says stay far from any limit.
    let count = |n: i64| u64::try_from(n).unwrap_or(0).min(u32::MAX.into());
    Deployment {
        id: info.deployment_id().unwrap_or_default().to_owned(),
        application: owned(info.application_name()),
        group: owned(info.deployment_group_name()),
        config: owned(info.deployment_config_name()),
        platform: info.compute_platform().map(|platform| platform.as_str().into()),
        status: info.status().map_or("Unknown", |status| status.as_str()).into(),
        creator: info.creator().map(|creator| creator.as_str().into()),
        description: owned(info.description()),
        revision: info.revision().map(revision),
        previous_revision: info.previous_revision().map(revision),
        create_time: time(info.create_time()),
        start_time: time(info.start_time()),
        complete_time: time(info.complete_time()),
        overview: info.deployment_overview().map(|overview| Overview {
            pending: count(overview.pending()),
            in_progress: count(overview.in_progress()),
            succeeded: count(overview.succeeded()),
            failed: count(overview.failed()),
            skipped: count(overview.skipped()),
            ready: count(overview.ready()),
        }),
        error: info.error_information().map(|error| ErrorInformation {
            code: error.code().map_or("", |code| code.as_str()).to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        }),
        rollback: info.rollback_info().map_or_else(RollbackInfo::default, |rollback| RollbackInfo {
            rollback_deployment_id: owned(rollback.rollback_deployment_id()),
            triggering_deployment_id: owned(rollback.rollback_triggering_deployment_id()),
            message: owned(rollback.rollback_message()),
        }),
        auto_rollback: info.auto_rollback_configuration().map_or_else(AutoRollback::default, |auto| {
            AutoRollback {
                enabled: auto.enabled(),
                events: auto.events().iter().map(|event| event.as_str().to_owned()).collect(),
            }
        }),
        waits: waits(info),
        messages: info.deployment_status_messages().to_vec(),
    }
}

fn waits(info: &sdk::DeploymentInfo) -> Waits {
    let minutes = |minutes: i32| u64::try_from(minutes).ok().map(|minutes| 60 * minutes);
    let style = info.deployment_style();
    let blue_green = info.blue_green_deployment_configuration();
    let ready = blue_green
        .and_then(|config| config.deployment_ready_option())
        .filter(|ready| ready.action_on_timeout() == Some(&sdk::DeploymentReadyAction::StopDeployment));
    let blue = blue_green.and_then(|config| config.terminate_blue_instances_on_deployment_success());
    let blue = blue.filter(|blue| blue.action() == Some(&sdk::InstanceAction::Terminate));
    Waits {
        blue_green: style.and_then(|style| style.deployment_type()) == Some(&sdk::DeploymentType::BlueGreen),
        traffic_control: style.and_then(|style| style.deployment_option())
            == Some(&sdk::DeploymentOption::WithTrafficControl),
        ready_s: ready.and_then(|ready| minutes(ready.wait_time_in_minutes())),
        termination_s: blue.and_then(|blue| minutes(blue.termination_wait_time_in_minutes())),
        termination_started: info.instance_termination_wait_time_started(),
    }
}

fn events(events: &[sdk::LifecycleEvent]) -> Vec<LifecycleEvent> {
    events
        .iter()
        .map(|event| LifecycleEvent {
            name: event.lifecycle_event_name().unwrap_or_default().into(),
            status: event.status().map_or("Unknown", |status| status.as_str()).into(),
            start_time: time(event.start_time()),
            end_time: time(event.end_time()),
            diagnostics: event.diagnostics().map(|diagnostics| Diagnostics {
                error_code: diagnostics.error_code().map_or("", |code| code.as_str()).into(),
                script_name: diagnostics.script_name().unwrap_or_default().to_owned(),
                message: diagnostics.message().unwrap_or_default().to_owned(),
                log_tail: diagnostics.log_tail().unwrap_or_default().to_owned(),
            }),
        })
        .collect()
}

/// `wire`: the same target as the service wrote it.
pub(super) fn target(target: &sdk::DeploymentTarget, wire: &Value) -> Target {
    let kind: TargetKind = target.deployment_target_type().map_or("", |kind| kind.as_str()).into();
    let make = |id: Option<&str>,
                status: Option<&sdk::TargetStatus>,
                updated: Option<&DateTime>,
                list: &[sdk::LifecycleEvent],
                label: Option<String>| Target {
        id: id.unwrap_or_default().to_owned(),
        kind: kind.clone(),
        status: status.map_or("Unknown", |status| status.as_str()).into(),
        label,
        last_updated: time(updated),
        events: events(list),
        serving: Serving::Unsaid,
    };
    if let Some(t) = target.instance_target() {
        let label = t.instance_label().map(|label| label.as_str().to_owned());
        return make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), label);
    }
    if let Some(t) = target.lambda_target() {
        let made = make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
        return Target { serving: t.lambda_function_info().map_or(Serving::Unsaid, lambda), ..made };
    }
    if let Some(t) = target.ecs_target() {
        let made = make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
        let task_sets = t.task_sets_info().iter().map(task_set).collect();
        return Target { serving: Serving::Ecs { task_sets }, ..made };
    }
    if let Some(t) = target.cloud_formation_target() {
        let made = make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
        let resource_type = t.resource_type().unwrap_or_default().to_owned();
        let weight = Some(t.target_version_weight());
        return Target { serving: Serving::CloudFormation { resource_type, weight }, ..made };
    }
    let like_one = of_new_kind(wire);
    match like_one.as_ref().and_then(sdk::DeploymentTarget::instance_target) {
        Some(t) => make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None),
        None => make(None, None, None, &[], None),
    }
}

/// A target of a kind that the SDK does not know, by the members that all kinds have.
fn of_new_kind(wire: &Value) -> Option<sdk::DeploymentTarget> {
    let told = wire.as_object()?.values().find(|member| member.get("targetId").is_some())?;
    raw::read(&json!({ "instanceTarget": told }), |de| sdk::DeploymentTarget::deserialize(de))
}

fn lambda(info: &sdk::LambdaFunctionInfo) -> Serving {
    let weight = info.target_version_weight();
    Serving::Lambda {
        function: info.function_name().unwrap_or_default().to_owned(),
        alias: info.function_alias().unwrap_or_default().to_owned(),
        current: info.current_version().unwrap_or_default().to_owned(),
        target: info.target_version().unwrap_or_default().to_owned(),
        // A fraction on the wire, a percentage in the documentation.
        weight: Some(if weight > 1.0 { weight / 100.0 } else { weight }),
    }
}

fn task_set(set: &sdk::EcsTaskSet) -> TaskSet {
    TaskSet {
        label: set.task_set_label().map(|label| label.as_str().to_owned()),
        status: owned(set.status()),
        desired: set.desired_count(),
        running: set.running_count(),
        pending: set.pending_count(),
        weight: Some(set.traffic_weight()),
        target_group: set.target_group().and_then(|group| owned(group.name())),
    }
}

pub(super) fn group(info: &sdk::DeploymentGroupInfo) -> Group {
    let id = |last: Option<&sdk::LastDeploymentInfo>| last.and_then(|last| owned(last.deployment_id()));
    Group {
        application: info.application_name().unwrap_or_default().to_owned(),
        name: info.deployment_group_name().unwrap_or_default().to_owned(),
        config: owned(info.deployment_config_name()),
        target_revision: info.target_revision().map(revision),
        last_successful: id(info.last_successful_deployment()),
        last_attempted: id(info.last_attempted_deployment()),
    }
}

pub(super) fn config(info: &sdk::DeploymentConfigInfo) -> DeploymentConfig {
    let hosts = info.minimum_healthy_hosts();
    let hosts = hosts.and_then(|hosts| minimum(hosts.r#type()?.as_str(), hosts.value()));
    DeploymentConfig {
        name: info.deployment_config_name().unwrap_or_default().to_owned(),
        minimum_healthy_hosts: hosts,
        routing: info.traffic_routing_config().and_then(routing),
        zonal: info.zonal_config().map(|zonal| {
            let seconds =
                zonal.monitor_duration_in_seconds().or(zonal.first_zone_monitor_duration_in_seconds());
            Zonal {
                monitor_s: seconds
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .filter(|seconds| *seconds > 0),
                minimum: zonal
                    .minimum_healthy_hosts_per_zone()
                    .filter(|hosts| hosts.value() > 0)
                    .and_then(|hosts| minimum(hosts.r#type()?.as_str(), hosts.value())),
            }
        }),
    }
}

fn minimum(kind: &str, value: i32) -> Option<MinimumHealthyHosts> {
    let value = u32::try_from(value).ok()?;
    match kind {
        "HOST_COUNT" => Some(MinimumHealthyHosts::Count(value)),
        "FLEET_PERCENT" => Some(MinimumHealthyHosts::Percent(value)),
        "MOST_CONCURRENCY" => Some(MinimumHealthyHosts::Concurrency(value)),
        _ => None,
    }
}

fn routing(config: &sdk::TrafficRoutingConfig) -> Option<TrafficRouting> {
    let step =
        |percent: i32, minutes: i32| Some((u32::try_from(percent).ok()?, 60 * u64::try_from(minutes).ok()?));
    match config.r#type()?.as_str() {
        "AllAtOnce" => Some(TrafficRouting::AllAtOnce),
        "TimeBasedCanary" => {
            let canary = config.time_based_canary()?;
            let (percent, interval_s) = step(canary.canary_percentage(), canary.canary_interval())?;
            Some(TrafficRouting::Canary { percent, interval_s })
        }
        "TimeBasedLinear" => {
            let linear = config.time_based_linear()?;
            let (percent, interval_s) = step(linear.linear_percentage(), linear.linear_interval())?;
            Some(TrafficRouting::Linear { percent, interval_s })
        }
        _ => None,
    }
}
