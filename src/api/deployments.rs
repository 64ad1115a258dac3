//! Deployments and their targets.

use aws_sdk_codedeploy::operation::batch_get_deployment_targets::BatchGetDeploymentTargetsOutput;
use aws_sdk_codedeploy::operation::batch_get_deployments::BatchGetDeploymentsOutput;
use aws_sdk_codedeploy::operation::create_deployment::builders::CreateDeploymentFluentBuilder;
use aws_sdk_codedeploy::operation::get_deployment::GetDeploymentOutput;
use aws_sdk_codedeploy::operation::get_deployment_target::GetDeploymentTargetOutput;
use aws_sdk_codedeploy::operation::stop_deployment::StopDeploymentOutput;
use aws_sdk_codedeploy::types as sdk;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};

use super::batch::AT_ONCE;
use super::operation::Body;
use super::pages::Pages;
use super::retry::{self, ThrottledOnly};
use super::{Api, ApiError, ErrorKind, Seen, call, convert, raw};
use crate::model::{Deployment, Revision, Target, TargetStatus};

/// How many ids the batch calls take. Source: the API reference of each.
const BATCH: usize = 25;

/// What CreateDeployment is told.
#[derive(Clone, Debug)]
pub struct CreateDeployment {
    pub application: String,
    pub group: String,
    /// None where nothing new is deployed: a restart.
    pub revision: Option<Revision>,
    pub config: Option<String>,
    pub description: Option<String>,
    pub ignore_application_stop_failures: bool,
    /// `DISALLOW`, `OVERWRITE` or `RETAIN`.
    pub file_exists: Option<String>,
    pub outdated_only: bool,
    /// `None`: as the group has it; an empty list: off.
    pub auto_rollback: Option<Vec<String>>,
    /// Members that say otherwise than the group, with the API's names.
    pub overrides: Map<String, Value>,
}

/// A deployment that was made.
#[derive(Clone, Debug)]
pub struct Created {
    pub id: String,
    pub json: Value,
}

/// A CreateDeployment without a usable answer.
#[derive(Clone, Debug)]
pub enum NotCreated {
    /// Nothing was made: the service said so, or the request never reached it.
    Refused(ApiError),
    /// The request was sent and its answer was lost: a deployment may have been made.
    Lost(ApiError),
}

impl Api {
    /// CreateDeployment. Sent once, but where it was throttled: the call has no client token, so that sending it
    /// again after a lost answer could deploy twice.
    pub async fn create_deployment(&self, create: &CreateDeployment) -> Result<Created, NotCreated> {
        let body = Body::of(&self.planned_deployment(create).map_err(NotCreated::Refused)?);
        let request = self.create_deployment_request(create).customize().interceptor(body);
        let answer = raw::Answer::default();
        let once = aws_sdk_codedeploy::Config::builder().retry_classifier(ThrottledOnly);
        let sent = request.config_override(once).interceptor(answer.clone()).send().await;
        let output = sent.map_err(|error| {
            let told = super::error::from_sdk("CreateDeployment", &error);
            if retry::may_have_happened(&error) { NotCreated::Lost(told) } else { NotCreated::Refused(told) }
        })?;
        match output.deployment_id().filter(|id| !id.is_empty()) {
            Some(id) => Ok(Created { id: id.to_owned(), json: answer.json() }),
            None => Err(NotCreated::Lost(ApiError::unexpected("CreateDeployment", "names no deployment"))),
        }
    }

    /// The request of [`Api::create_deployment`] as the API's JSON, as it would be sent.
    pub fn planned_deployment(&self, create: &CreateDeployment) -> Result<Value, ApiError> {
        match self.create_deployment_request(create).as_input().clone().build() {
            Ok(input) => {
                let mut json = raw::wire("CreateDeployment", &input)?;
                json.as_object_mut().into_iter().for_each(|members| members.extend(create.overrides.clone()));
                Ok(json)
            }
            Err(error) => Err(ApiError {
                operation: "CreateDeployment".to_owned(),
                kind: ErrorKind::Invalid,
                code: None,
                message: error.to_string(),
                request_id: None,
            }),
        }
    }

    fn create_deployment_request(&self, create: &CreateDeployment) -> CreateDeploymentFluentBuilder {
        let rollback = create.auto_rollback.as_ref().map(|events| {
            sdk::AutoRollbackConfiguration::builder()
                .enabled(!events.is_empty())
                .set_events(Some(events.iter().map(|event| event.as_str().into()).collect()))
                .build()
        });
        self.codedeploy
            .create_deployment()
            .application_name(&create.application)
            .deployment_group_name(&create.group)
            .set_revision(create.revision.as_ref().map(convert::location))
            .set_deployment_config_name(create.config.clone())
            .set_description(create.description.clone())
            .set_ignore_application_stop_failures(create.ignore_application_stop_failures.then_some(true))
            .set_file_exists_behavior(create.file_exists.as_deref().map(Into::into))
            .set_update_outdated_instances_only(create.outdated_only.then_some(true))
            .set_auto_rollback_configuration(rollback)
    }

    /// ListDeployments of a group's deployments that have not ended; at most one, but for Auto Scaling's own.
    pub async fn active_deployment_ids(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Vec<String>, ApiError> {
        use sdk::DeploymentStatus::{Baking, Created, InProgress, Queued, Ready};
        let request = self
            .codedeploy
            .list_deployments()
            .application_name(application)
            .deployment_group_name(group)
            .set_include_only_statuses(Some(vec![Created, Queued, InProgress, Baking, Ready]));
        let (page, _) = call!("ListDeployments", request)?;
        Ok(page.deployments().to_vec())
    }

    /// GetDeployment.
    pub async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let (output, answer) = call!("GetDeployment", self.codedeploy.get_deployment().deployment_id(id))?;
        let info = output
            .deployment_info()
            .ok_or_else(|| ApiError::unexpected("GetDeployment", "tells of no deployment"))?;
        Ok(Seen {
            value: convert::deployment(info),
            json: raw::readable(answer.json(), |de| GetDeploymentOutput::deserialize(de)),
            date: answer.date(),
        })
    }

    /// StopDeployment; gives its answer. `rollback`: overrides the deployment's own settings.
    pub async fn stop_deployment(&self, id: &str, rollback: Option<bool>) -> Result<Value, ApiError> {
        let request = self.codedeploy.stop_deployment().deployment_id(id).set_auto_rollback_enabled(rollback);
        let (_, answer) = call!("StopDeployment", request)?;
        Ok(raw::readable(answer.json(), |de| StopDeploymentOutput::deserialize(de)))
    }

    /// ListDeployments of a group, newest first as the service gives them, until `limit` ids are there.
    pub async fn deployment_ids(
        &self,
        application: &str,
        group: &str,
        limit: usize,
    ) -> Result<Vec<String>, ApiError> {
        let mut ids = Vec::new();
        let mut pages = Pages::of("ListDeployments");
        loop {
            let request = self
                .codedeploy
                .list_deployments()
                .application_name(application)
                .deployment_group_name(group)
                .set_next_token(pages.token());
            let (page, _) = call!("ListDeployments", request)?;
            ids.extend_from_slice(page.deployments());
            if !pages.turn(page.next_token())? || ids.len() >= limit {
                ids.truncate(limit);
                return Ok(ids);
            }
        }
    }

    /// BatchGetDeployments in the order of `ids`, 25 a call, some calls at once. The JSON joins them.
    pub async fn deployments(&self, ids: &[String]) -> Result<Seen<Vec<Deployment>>, ApiError> {
        let calls = chunks(ids).into_iter().map(|chunk| async {
            call!(
                "BatchGetDeployments",
                self.codedeploy.batch_get_deployments().set_deployment_ids(Some(chunk))
            )
        });
        let answers: Vec<_> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let mut rows: Vec<(Deployment, Value)> = Vec::new();
        let mut date = None;
        for (output, answer) in answers {
            let json = raw::readable(answer.json(), |de| BatchGetDeploymentsOutput::deserialize(de));
            rows.extend(
                output.deployments_info().iter().map(convert::deployment).zip(list(json, "deploymentsInfo")),
            );
            date = answer.date().or(date);
        }
        rows.sort_by_key(|(row, _)| ids.iter().position(|id| *id == row.id));
        let (value, wire): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Ok(Seen { value, json: json!({ "deploymentsInfo": wire }), date })
    }

    /// One page of ListDeploymentTargets, filtered by status.
    pub async fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ApiError> {
        let mut request = self.codedeploy.list_deployment_targets().deployment_id(id).set_next_token(token);
        if !statuses.is_empty() {
            let values = statuses.iter().map(|status| status.as_str().to_owned()).collect();
            request = request.target_filters(sdk::TargetFilterName::TargetStatus, values);
        }
        let (page, _) = call!("ListDeploymentTargets", request)?;
        Ok((page.target_ids().to_vec(), page.next_token().map(str::to_owned)))
    }

    /// ListDeploymentTargets, all pages.
    pub async fn all_target_ids(&self, id: &str, statuses: &[TargetStatus]) -> Result<Vec<String>, ApiError> {
        let mut ids = Vec::new();
        let mut pages = Pages::of("ListDeploymentTargets");
        loop {
            let (page, next) = self.target_ids(id, statuses, pages.token()).await?;
            ids.extend(page);
            if !pages.turn(next.as_deref())? {
                return Ok(ids);
            }
        }
    }

    /// BatchGetDeploymentTargets, 25 ids a call, some calls at once. The JSON joins them.
    pub async fn targets(&self, id: &str, ids: &[String]) -> Result<Seen<Vec<Target>>, ApiError> {
        let calls = chunks(ids).into_iter().map(|chunk| async {
            let request = self.codedeploy.batch_get_deployment_targets().deployment_id(id);
            call!("BatchGetDeploymentTargets", request.set_target_ids(Some(chunk)))
        });
        let answers: Vec<_> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let (mut value, mut wire, mut date) = (Vec::new(), Vec::new(), None);
        for (output, answer) in answers {
            let told = answer.json();
            let of = |n: usize| &told["deploymentTargets"][n];
            value.extend((0..).zip(output.deployment_targets()).map(|(n, one)| convert::target(one, of(n))));
            let json = raw::readable(told, |de| BatchGetDeploymentTargetsOutput::deserialize(de));
            wire.extend(list(json, "deploymentTargets"));
            date = answer.date().or(date);
        }
        Ok(Seen { value, json: json!({ "deploymentTargets": wire }), date })
    }

    /// GetDeploymentTarget.
    pub async fn target(&self, id: &str, target: &str) -> Result<Seen<Target>, ApiError> {
        let request = self.codedeploy.get_deployment_target().deployment_id(id).target_id(target);
        let (output, answer) = call!("GetDeploymentTarget", request)?;
        let told = answer.json();
        let one = output
            .deployment_target()
            .ok_or_else(|| ApiError::unexpected("GetDeploymentTarget", "tells of no target"))?;
        Ok(Seen {
            value: convert::target(one, &told["deploymentTarget"]),
            json: raw::readable(told, |de| GetDeploymentTargetOutput::deserialize(de)),
            date: answer.date(),
        })
    }
}

fn chunks(ids: &[String]) -> Vec<Vec<String>> {
    ids.chunks(BATCH).map(<[String]>::to_vec).collect()
}

/// The list `name` of an answer.
fn list(mut json: Value, name: &str) -> Vec<Value> {
    match json.get_mut(name).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}
