//! As much of ECS as a deployment needs: DescribeServices of the fleet's services, and RegisterTaskDefinition,
//! which counts the revisions of a family. awsJson1.1.

use http::{Request, Response};
use s3s::Body;
use serde_json::{Value, json};

use super::signature::Caller;
use super::{TARGET, collect};
use crate::sandbox::Sandbox;
use crate::sandbox::operations::Refusal;
use crate::sandbox::store::ACCOUNT;

const SERVICE: &str = "AmazonEC2ContainerServiceV20141113.";

/// Whether the request is for ECS.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    request.headers().get(TARGET).is_some_and(|target| target.as_bytes().starts_with(SERVICE.as_bytes()))
}

impl Sandbox {
    pub(super) async fn ecs(&self, request: Request<Body>) -> Response<Body> {
        let (status, body) = match self.ecs_answer(request).await {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, json!({ "__type": refusal.code, "message": refusal.message })),
        };
        self.respond(status, "application/x-amz-json-1.1", &self.request_id(), body.to_string().into_bytes())
    }

    async fn ecs_answer(&self, request: Request<Body>) -> Result<Value, Refusal> {
        let (parts, body) = request.into_parts();
        let body = collect(body).await?;
        let region = Caller::of(&parts, &body)?.region;
        let input: Value = serde_json::from_slice(&body)
            .map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
        let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
        match target.strip_prefix(SERVICE).unwrap_or_default() {
            "DescribeServices" => self.describe_services(&region, &input),
            "RegisterTaskDefinition" => self.register_task_definition(&region, input),
            other => Err(Refusal::common(
                404,
                "UnknownOperationException",
                format!(
                    "The cdctl sandbox knows DescribeServices and RegisterTaskDefinition of ECS, not {other}"
                ),
            )),
        }
    }

    fn describe_services(&self, region: &str, input: &Value) -> Result<Value, Refusal> {
        // By name or by ARN, whose last part is the name.
        let last = |value: &Value| {
            value.as_str().and_then(|text| text.rsplit('/').next()).unwrap_or_default().to_owned()
        };
        let cluster = input.get("cluster").map_or_else(|| "default".to_owned(), last);
        let world = self.shared.world();
        let arn = |kind: &str, name: &str| format!("arn:aws:ecs:{region}:{ACCOUNT}:{kind}/{name}");
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        let asked = input.get("services").and_then(Value::as_array);
        for name in asked.into_iter().flatten().map(last) {
            let arn_of = arn("service", &format!("{cluster}/{name}"));
            if let Some(service) = world.declared.services.get(&format!("{cluster}:{name}")) {
                services.push(json!({
                    "serviceArn": arn_of, "serviceName": name, "clusterArn": arn("cluster", &cluster),
                    "status": "ACTIVE", "deploymentController": { "type": service.deployment_controller.as_str() },
                    "loadBalancers": [], "taskSets": [],
                }));
            } else {
                failures.push(json!({ "arn": arn_of, "reason": "MISSING" }));
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    }

    fn register_task_definition(&self, region: &str, mut input: Value) -> Result<Value, Refusal> {
        let refuse = |message: &str| Err(Refusal::new("ClientException", message));
        let Some(family) = input.get("family").and_then(Value::as_str).filter(|family| !family.is_empty())
        else {
            return refuse("Family cannot be empty.");
        };
        let family = family.to_owned();
        if input.get("containerDefinitions").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return refuse("Container list cannot be empty.");
        }
        let revision = {
            let mut families =
                self.task_definitions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let revision = families.entry((region.to_owned(), family.clone())).or_insert(0);
            *revision += 1;
            *revision
        };
        input["taskDefinitionArn"] =
            format!("arn:aws:ecs:{region}:{ACCOUNT}:task-definition/{family}:{revision}").into();
        input["revision"] = revision.into();
        input["status"] = "ACTIVE".into();
        Ok(json!({ "taskDefinition": input }))
    }
}
