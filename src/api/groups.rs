//! Deployment groups and configurations.

use aws_sdk_codedeploy::operation::get_deployment_config::GetDeploymentConfigOutput;
use aws_sdk_codedeploy::operation::get_deployment_group::GetDeploymentGroupOutput;

use super::{Api, ApiError, Seen, call, convert, raw};
use crate::model::{DeploymentConfig, Group};

impl Api {
    /// GetDeploymentGroup.
    pub async fn group(&self, application: &str, name: &str) -> Result<Seen<Group>, ApiError> {
        let request =
            self.codedeploy.get_deployment_group().application_name(application).deployment_group_name(name);
        let (output, answer) = call!("GetDeploymentGroup", request)?;
        let info = output
            .deployment_group_info()
            .ok_or_else(|| ApiError::unexpected("GetDeploymentGroup", "tells of no deployment group"))?;
        Ok(Seen {
            value: convert::group(info),
            json: raw::readable(answer.json(), |de| GetDeploymentGroupOutput::deserialize(de)),
            date: answer.date(),
        })
    }

    /// GetDeploymentConfig.
    pub async fn config(&self, name: &str) -> Result<Seen<DeploymentConfig>, ApiError> {
        let (output, answer) = call!(
            "GetDeploymentConfig",
            self.codedeploy.get_deployment_config().deployment_config_name(name)
        )?;
        let info = output
            .deployment_config_info()
            .ok_or_else(|| ApiError::unexpected("GetDeploymentConfig", "tells of no configuration"))?;
        Ok(Seen {
            value: convert::config(info),
            json: raw::readable(answer.json(), |de| GetDeploymentConfigOutput::deserialize(de)),
            date: answer.date(),
        })
    }
}
