//! As much of ECS as a deployment needs: what a service is like, and a new revision of a task definition. The
//! client is CodeDeploy's with another endpoint, another signing name and another target; the SDK's own crate for
//! ECS would be heavier than all the others together.

use aws_sdk_codedeploy::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::SigningName;
use aws_types::service_config::ServiceConfigKey;
use serde_json::{Value, json};

use super::error::from_sdk;
use super::{Api, ApiError, raw};

/// Source: the service model of ECS, `targetPrefix`.
const TARGET: &str = "AmazonEC2ContainerServiceV20141113";

/// A service of ECS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsService {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// `CODE_DEPLOY`, `ECS` or `EXTERNAL`.
    pub controller: String,
    /// The container that the load balancer reaches, and its port.
    pub container: Option<(String, u64)>,
}

/// Turns a call of CodeDeploy into one of ECS before it is signed.
#[derive(Debug)]
struct Redirected {
    operation: &'static str,
    body: Vec<u8>,
}

impl Intercept for Redirected {
    fn name(&self) -> &'static str {
        "cdctl::Redirected"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(SigningName::from_static("ecs"));
        let request = context.request_mut();
        *request.body_mut() = SdkBody::from(self.body.clone());
        request.headers_mut().insert("content-length", self.body.len().to_string());
        request.headers_mut().insert("x-amz-target", format!("{TARGET}.{}", self.operation));
        Ok(())
    }
}

impl Api {
    /// DescribeServices of one; none where the cluster has no such service.
    pub async fn ecs_service(&self, cluster: &str, service: &str) -> Result<Option<EcsService>, ApiError> {
        let answer =
            self.ecs("DescribeServices", &json!({ "cluster": cluster, "services": [service] })).await?;
        Ok(answer.pointer("/services/0").map(service_of))
    }

    /// RegisterTaskDefinition; gives the new revision's ARN.
    pub async fn register_task_definition(&self, definition: &Value) -> Result<String, ApiError> {
        let answer = self.ecs("RegisterTaskDefinition", definition).await?;
        match answer.pointer("/taskDefinition/taskDefinitionArn").and_then(Value::as_str) {
            Some(arn) => Ok(arn.to_owned()),
            None => Err(ApiError::unexpected("RegisterTaskDefinition", "names no task definition")),
        }
    }

    async fn ecs(&self, operation: &'static str, input: &Value) -> Result<Value, ApiError> {
        let url =
            self.ecs_endpoint().await.map_err(|error| ApiError::unexpected(operation, &error.to_string()))?;
        let answer = raw::Answer::default();
        self.codedeploy
            .get_deployment()
            // Required, and replaced with everything else.
            .deployment_id("-")
            .customize()
            .config_override(aws_sdk_codedeploy::Config::builder().endpoint_url(url))
            .interceptor(Redirected { operation, body: input.to_string().into_bytes() })
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| from_sdk(operation, &error))?;
        Ok(answer.json())
    }

    /// The endpoint that is set for ECS or for all services, else AWS's.
    async fn ecs_endpoint(&self) -> Result<String, BoxError> {
        let config = &self.config;
        let key = ServiceConfigKey::builder()
            .service_id("ecs")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()?;
        let set = match self.endpoint_is_a_flag {
            true => None,
            false => config.service_config().and_then(|all| all.load_config(key)),
        };
        if let Some(url) = set.or_else(|| config.endpoint_url().map(str::to_owned)) {
            return Ok(url);
        }
        let params = Params::builder()
            .region(self.region())
            .use_fips(config.use_fips().unwrap_or_default())
            .use_dual_stack(config.use_dual_stack().unwrap_or_default())
            .build()?;
        // The services' hosts differ in nothing but the name, in every partition.
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await?;
        Ok(endpoint.url().replacen("://codedeploy", "://ecs", 1))
    }
}

fn service_of(service: &Value) -> EcsService {
    let text =
        |pointer: &str| service.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    // A service that CodeDeploy deploys to has its load balancers in its task sets, once it has some.
    let sets = service.get("taskSets").and_then(Value::as_array).into_iter().flatten();
    let primary = sets.filter(|set| set.get("status").and_then(Value::as_str) == Some("PRIMARY"));
    let balancers = primary.chain([service]).filter_map(|holder| holder.pointer("/loadBalancers/0"));
    let container = balancers.filter_map(|balancer| {
        let name = balancer.get("containerName")?.as_str()?;
        Some((name.to_owned(), balancer.get("containerPort")?.as_u64()?))
    });
    EcsService {
        status: text("/status"),
        // A service that says nothing is deployed by ECS itself.
        controller: Some(text("/deploymentController/type"))
            .filter(|kind| !kind.is_empty())
            .unwrap_or_else(|| "ECS".to_owned()),
        container: { container }.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_that_of_the_primary_task_set() {
        let service = json!({
            "status": "ACTIVE", "deploymentController": {"type": "CODE_DEPLOY"},
            "loadBalancers": [{"containerName": "old", "containerPort": 1}],
            "taskSets": [
                {"status": "ACTIVE", "loadBalancers": [{"containerName": "blue", "containerPort": 2}]},
                {"status": "PRIMARY", "loadBalancers": [{"containerName": "web", "containerPort": 80}]},
            ],
        });
        let service = service_of(&service);
        assert_eq!(service.container, Some(("web".to_owned(), 80)));
        assert_eq!(service_of(&json!({"status": "ACTIVE"})).controller, "ECS");
    }
}
