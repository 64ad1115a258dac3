//! Any operation by its name: the user's JSON is sent as it was written, signed and retried by the SDK; the answer
//! is the service's own.

use std::pin::Pin;

use aws_config::retry::RetryConfig;
use aws_sdk_codedeploy::{Client, operation as ops};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use super::error::from_sdk;
use super::shape::{Reader, Shape, shape_of};
use super::{Api, ApiError, ErrorKind, raw};

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>>;

/// One operation of the API.
pub struct Operation {
    /// As in the API: `CreateDeployment`.
    pub name: &'static str,
    input: Reader,
    output: Reader,
    /// The JSON of the request that the API sees when `{}` is meant: its keys are the required members.
    least: fn() -> Option<Value>,
    send: for<'a> fn(&'a Client, Body, raw::Answer) -> Sending<'a>,
}

impl Operation {
    /// The operation called `name`.
    pub fn named(name: &str) -> Option<&'static Operation> {
        ALL.iter().find(|operation| operation.name == name)
    }

    /// What it takes.
    pub fn input(&self) -> Shape {
        let mut shape = shape_of(self.input);
        let least = (self.least)().unwrap_or_default();
        if let Shape::Struct(_, members) = &mut shape {
            for member in members {
                // The SDK fills in required text and lists, but has no default for a structure.
                member.required = least.get(&member.name).is_some()
                    || (member.name == "revision" && self.name != "CreateDeployment");
            }
        }
        shape
    }

    /// What it gives.
    pub fn output(&self) -> Shape {
        shape_of(self.output)
    }

    /// The member that asks for the next page, in the request and in the answer.
    fn token(&self) -> Option<&'static str> {
        let shape = shape_of(self.input);
        ["nextToken", "NextToken"].into_iter().find(|name| shape.has(name))
    }
}

/// Puts the user's JSON in the place of the body that the SDK made, before it is signed.
#[derive(Debug)]
pub(super) struct Body(Vec<u8>);

impl Body {
    pub fn of(json: &Value) -> Self {
        Body(json.to_string().into_bytes())
    }
}

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "cdctl::Body"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        *request.body_mut() = SdkBody::from(self.0.clone());
        request.headers_mut().insert("content-length", self.0.len().to_string());
        Ok(())
    }
}

impl Api {
    /// Sends `input` to the operation called `name`; gives the answer with readable timestamps.
    ///
    /// CreateDeployment is sent once only: the call has no client token, so that sending it again after a lost
    /// answer could deploy twice.
    pub async fn send(&self, name: &'static str, input: &Value) -> Result<Value, ApiError> {
        self.perform(known(name)?, input).await
    }

    /// As [`Api::send`], for what makes something that is there once only: where it is refused because it is there,
    /// `found` tells whether an earlier try of the same call has made it, whose answer was lost.
    pub async fn make(
        &self,
        name: &'static str,
        input: &Value,
        refusal: &str,
        found: impl AsyncFnOnce(&Api) -> Result<Option<Value>, ApiError>,
    ) -> Result<Value, ApiError> {
        let answer = raw::Answer::default();
        let operation = known(name)?;
        match (operation.send)(&self.codedeploy, Body::of(input), answer.clone()).await {
            Ok(()) => Ok(raw::readable(answer.json(), operation.output)),
            Err(error) if answer.was_lost() && error.code.as_deref() == Some(refusal) => {
                found(self).await.ok().flatten().ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`Api::send`], of an operation that was looked up.
    pub async fn perform(&self, operation: &'static Operation, input: &Value) -> Result<Value, ApiError> {
        let answer = raw::Answer::default();
        (operation.send)(&self.codedeploy, Body::of(input), answer.clone()).await?;
        Ok(raw::readable(answer.json(), operation.output))
    }

    /// The pages of an operation, from the first; of one without pages its only answer.
    pub fn pages(&self, operation: &'static Operation, input: Value) -> Pages<'_> {
        Pages { api: self, operation, input, token: operation.token(), done: false }
    }

    /// As [`Api::pages`], by the operation's name.
    pub fn pages_of(&self, name: &'static str, input: Value) -> Result<Pages<'_>, ApiError> {
        known(name).map(|operation| self.pages(operation, input))
    }
}

fn known(name: &str) -> Result<&'static Operation, ApiError> {
    Operation::named(name).ok_or_else(|| ApiError {
        operation: name.to_owned(),
        kind: ErrorKind::Invalid,
        code: None,
        message: "there is no such operation".to_owned(),
        request_id: None,
    })
}

/// Answers, a page each, fetched when asked for.
pub struct Pages<'a> {
    api: &'a Api,
    operation: &'static Operation,
    input: Value,
    token: Option<&'static str>,
    done: bool,
}

impl Pages<'_> {
    /// The next page without its token; none after the last.
    pub async fn next(&mut self) -> Result<Option<Value>, ApiError> {
        if self.done {
            return Ok(None);
        }
        let mut page = self.api.perform(self.operation, &self.input).await?;
        let token = self.token.and_then(|name| Some((name, page.as_object_mut()?.shift_remove(name)?)));
        match token {
            Some((name, token)) if self.input.get(name) == Some(&token) => {
                return Err(ApiError::unexpected(
                    self.operation.name,
                    &format!("leads back to its own page {token}"),
                ));
            }
            // An empty one is none, as other clients of the service read it.
            Some((name, token)) if token.as_str().is_some_and(|token| !token.is_empty()) => {
                if let Some(input) = self.input.as_object_mut() {
                    input.insert(name.to_owned(), token);
                }
            }
            _ => self.done = true,
        }
        Ok(Some(page))
    }

    /// All pages as one answer: lists are joined, the rest is the first page's.
    pub async fn joined(mut self) -> Result<Value, ApiError> {
        let mut whole = Value::Null;
        while let Some(page) = self.next().await? {
            match (whole.as_object_mut(), page) {
                (Some(whole), Value::Object(page)) => {
                    for (name, value) in page {
                        match (whole.get_mut(&name), value) {
                            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                            (Some(_), _) => {}
                            (None, value) => {
                                whole.insert(name, value);
                            }
                        }
                    }
                }
                (None, page) => whole = page,
                _ => {}
            }
        }
        Ok(whole)
    }
}

/// What overrides the client's settings for one operation.
fn overrides(name: &str) -> aws_sdk_codedeploy::config::Builder {
    let builder = aws_sdk_codedeploy::Config::builder();
    if name == "CreateDeployment" { builder.retry_config(RetryConfig::disabled()) } else { builder }
}

macro_rules! operations {
    ($($module:ident $input:ident $output:ident $name:literal;)+) => {
        /// All of them, by name.
        #[expect(deprecated, reason = "the deprecated operations are reached, too")]
        pub static ALL: &[Operation] = &[$(Operation {
            name: $name,
            input: |de| ops::$module::$input::deserialize(de).map(|_| ()),
            output: |de| ops::$module::$output::deserialize(de).map(|_| ()),
            least: || raw::least($name, |de| ops::$module::$input::deserialize(de)),
            send: |client, body, answer| {
                let request = client.$module().customize();
                let request = request.config_override(overrides($name)).interceptor(body).interceptor(answer);
                Box::pin(async move {
                    request.send().await.map(|_| ()).map_err(|error| from_sdk($name, &error))
                })
            },
        }),+];
    };
}

operations! {
    add_tags_to_on_premises_instances AddTagsToOnPremisesInstancesInput AddTagsToOnPremisesInstancesOutput "AddTagsToOnPremisesInstances";
    batch_get_application_revisions BatchGetApplicationRevisionsInput BatchGetApplicationRevisionsOutput "BatchGetApplicationRevisions";
    batch_get_applications BatchGetApplicationsInput BatchGetApplicationsOutput "BatchGetApplications";
    batch_get_deployment_groups BatchGetDeploymentGroupsInput BatchGetDeploymentGroupsOutput "BatchGetDeploymentGroups";
    batch_get_deployment_instances BatchGetDeploymentInstancesInput BatchGetDeploymentInstancesOutput "BatchGetDeploymentInstances";
    batch_get_deployment_targets BatchGetDeploymentTargetsInput BatchGetDeploymentTargetsOutput "BatchGetDeploymentTargets";
    batch_get_deployments BatchGetDeploymentsInput BatchGetDeploymentsOutput "BatchGetDeployments";
    batch_get_on_premises_instances BatchGetOnPremisesInstancesInput BatchGetOnPremisesInstancesOutput "BatchGetOnPremisesInstances";
    continue_deployment ContinueDeploymentInput ContinueDeploymentOutput "ContinueDeployment";
    create_application CreateApplicationInput CreateApplicationOutput "CreateApplication";
    create_deployment CreateDeploymentInput CreateDeploymentOutput "CreateDeployment";
    create_deployment_config CreateDeploymentConfigInput CreateDeploymentConfigOutput "CreateDeploymentConfig";
    create_deployment_group CreateDeploymentGroupInput CreateDeploymentGroupOutput "CreateDeploymentGroup";
    delete_application DeleteApplicationInput DeleteApplicationOutput "DeleteApplication";
    delete_deployment_config DeleteDeploymentConfigInput DeleteDeploymentConfigOutput "DeleteDeploymentConfig";
    delete_deployment_group DeleteDeploymentGroupInput DeleteDeploymentGroupOutput "DeleteDeploymentGroup";
    delete_git_hub_account_token DeleteGitHubAccountTokenInput DeleteGitHubAccountTokenOutput "DeleteGitHubAccountToken";
    delete_resources_by_external_id DeleteResourcesByExternalIdInput DeleteResourcesByExternalIdOutput "DeleteResourcesByExternalId";
    deregister_on_premises_instance DeregisterOnPremisesInstanceInput DeregisterOnPremisesInstanceOutput "DeregisterOnPremisesInstance";
    get_application GetApplicationInput GetApplicationOutput "GetApplication";
    get_application_revision GetApplicationRevisionInput GetApplicationRevisionOutput "GetApplicationRevision";
    get_deployment GetDeploymentInput GetDeploymentOutput "GetDeployment";
    get_deployment_config GetDeploymentConfigInput GetDeploymentConfigOutput "GetDeploymentConfig";
    get_deployment_group GetDeploymentGroupInput GetDeploymentGroupOutput "GetDeploymentGroup";
    get_deployment_instance GetDeploymentInstanceInput GetDeploymentInstanceOutput "GetDeploymentInstance";
    get_deployment_target GetDeploymentTargetInput GetDeploymentTargetOutput "GetDeploymentTarget";
    get_on_premises_instance GetOnPremisesInstanceInput GetOnPremisesInstanceOutput "GetOnPremisesInstance";
    list_application_revisions ListApplicationRevisionsInput ListApplicationRevisionsOutput "ListApplicationRevisions";
    list_applications ListApplicationsInput ListApplicationsOutput "ListApplications";
    list_deployment_configs ListDeploymentConfigsInput ListDeploymentConfigsOutput "ListDeploymentConfigs";
    list_deployment_groups ListDeploymentGroupsInput ListDeploymentGroupsOutput "ListDeploymentGroups";
    list_deployment_instances ListDeploymentInstancesInput ListDeploymentInstancesOutput "ListDeploymentInstances";
    list_deployment_targets ListDeploymentTargetsInput ListDeploymentTargetsOutput "ListDeploymentTargets";
    list_deployments ListDeploymentsInput ListDeploymentsOutput "ListDeployments";
    list_git_hub_account_token_names ListGitHubAccountTokenNamesInput ListGitHubAccountTokenNamesOutput "ListGitHubAccountTokenNames";
    list_on_premises_instances ListOnPremisesInstancesInput ListOnPremisesInstancesOutput "ListOnPremisesInstances";
    list_tags_for_resource ListTagsForResourceInput ListTagsForResourceOutput "ListTagsForResource";
    put_lifecycle_event_hook_execution_status PutLifecycleEventHookExecutionStatusInput PutLifecycleEventHookExecutionStatusOutput "PutLifecycleEventHookExecutionStatus";
    register_application_revision RegisterApplicationRevisionInput RegisterApplicationRevisionOutput "RegisterApplicationRevision";
    register_on_premises_instance RegisterOnPremisesInstanceInput RegisterOnPremisesInstanceOutput "RegisterOnPremisesInstance";
    remove_tags_from_on_premises_instances RemoveTagsFromOnPremisesInstancesInput RemoveTagsFromOnPremisesInstancesOutput "RemoveTagsFromOnPremisesInstances";
    skip_wait_time_for_instance_termination SkipWaitTimeForInstanceTerminationInput SkipWaitTimeForInstanceTerminationOutput "SkipWaitTimeForInstanceTermination";
    stop_deployment StopDeploymentInput StopDeploymentOutput "StopDeployment";
    tag_resource TagResourceInput TagResourceOutput "TagResource";
    untag_resource UntagResourceInput UntagResourceOutput "UntagResource";
    update_application UpdateApplicationInput UpdateApplicationOutput "UpdateApplication";
    update_deployment_group UpdateDeploymentGroupInput UpdateDeploymentGroupOutput "UpdateDeploymentGroup";
}
