//! The SDK's types -> ours. Nothing is lost that the tool reads; unknown values stay as they came.

use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types as sdk;
use jiff::Timestamp;

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
        messages: info.deployment_status_messages().to_vec(),
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

pub(super) fn target(target: &sdk::DeploymentTarget) -> Target {
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
    };
    if let Some(t) = target.instance_target() {
        let label = t.instance_label().map(|label| label.as_str().to_owned());
        return make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), label);
    }
    if let Some(t) = target.lambda_target() {
        return make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
    }
    if let Some(t) = target.ecs_target() {
        return make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
    }
    if let Some(t) = target.cloud_formation_target() {
        return make(t.target_id(), t.status(), t.last_updated_at(), t.lifecycle_events(), None);
    }
    make(None, None, None, &[], None)
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
    let hosts = info.minimum_healthy_hosts().and_then(|hosts| {
        let value = u32::try_from(hosts.value()).ok()?;
        match hosts.r#type()?.as_str() {
            "HOST_COUNT" => Some(MinimumHealthyHosts::Count(value)),
            "FLEET_PERCENT" => Some(MinimumHealthyHosts::Percent(value)),
            "MOST_CONCURRENCY" => Some(MinimumHealthyHosts::Concurrency(value)),
            _ => None,
        }
    });
    DeploymentConfig {
        name: info.deployment_config_name().unwrap_or_default().to_owned(),
        minimum_healthy_hosts: hosts,
    }
}
