//! Names that exist, and the ARNs that CodeDeploy itself never tells.

use serde_json::{Value, json};

use super::error::from_sdk;
use super::{Api, ApiError};
use crate::model::ComputePlatform;

impl Api {
    /// ListApplications, all pages.
    pub async fn application_names(&self) -> Result<Vec<String>, ApiError> {
        self.names("ListApplications", json!({}), "applications").await
    }

    /// GetApplication, for no more than what it deploys to; none where the service does not say.
    pub async fn platform(&self, application: &str) -> Result<Option<ComputePlatform>, ApiError> {
        let answer = self.send("GetApplication", &json!({ "applicationName": application })).await?;
        let platform = answer.pointer("/application/computePlatform").and_then(Value::as_str);
        Ok(platform.map(ComputePlatform::from))
    }

    /// ListDeploymentGroups, all pages.
    pub async fn group_names(&self, application: &str) -> Result<Vec<String>, ApiError> {
        self.names("ListDeploymentGroups", json!({ "applicationName": application }), "deploymentGroups")
            .await
    }

    /// ListDeploymentConfigs, all pages.
    pub async fn config_names(&self) -> Result<Vec<String>, ApiError> {
        self.names("ListDeploymentConfigs", json!({}), "deploymentConfigsList").await
    }

    /// ListOnPremisesInstances, all pages.
    pub async fn instance_names(&self) -> Result<Vec<String>, ApiError> {
        self.names("ListOnPremisesInstances", json!({}), "instanceNames").await
    }

    /// ListGitHubAccountTokenNames, all pages.
    pub async fn token_names(&self) -> Result<Vec<String>, ApiError> {
        self.names("ListGitHubAccountTokenNames", json!({}), "tokenNameList").await
    }

    async fn names(
        &self,
        operation: &'static str,
        input: Value,
        member: &str,
    ) -> Result<Vec<String>, ApiError> {
        let answer = self.pages_of(operation, input)?.joined().await?;
        Ok(strings(answer.get(member)))
    }

    /// The ARN of a CodeDeploy resource (`application:shop`). Partition and account are those of the caller, whom
    /// STS names to anybody.
    pub async fn arn(&self, resource: &str) -> Result<String, ApiError> {
        let mut sts = aws_sdk_sts::config::Builder::from(&self.config);
        if let Some(calls) = self.calls.clone() {
            sts = sts.interceptor(calls);
        }
        let caller = aws_sdk_sts::Client::from_conf(sts.build())
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| from_sdk("GetCallerIdentity", &error))?;
        let partition = caller.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
        let account = caller.account().unwrap_or_default();
        Ok(format!("arn:{partition}:codedeploy:{}:{account}:{resource}", self.region()))
    }
}

/// The texts of a list.
pub fn strings(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
