//! Deployment groups and configurations.

use aws_sdk_codedeploy::operation::create_deployment_group::CreateDeploymentGroupOutput;
use aws_sdk_codedeploy::operation::get_deployment_config::GetDeploymentConfigOutput;
use aws_sdk_codedeploy::operation::get_deployment_group::GetDeploymentGroupOutput;
use aws_sdk_codedeploy::types as sdk;
use serde_json::Value;

use super::pages::Pages;
use super::{Api, ApiError, Seen, call, convert, raw};
use crate::model::{DeploymentConfig, Group};

/// What CreateDeploymentGroup is told.
#[derive(Clone, Debug, Default)]
pub struct CreateGroup {
    pub application: String,
    pub name: String,
    pub service_role: String,
    /// `ec2TagFilters`: key and value; one without a value matches any.
    pub ec2_tags: Vec<(String, Option<String>)>,
    pub auto_scaling_groups: Vec<String>,
    pub config: Option<String>,
    /// `autoRollbackConfiguration.events`; empty leaves rollbacks off.
    pub auto_rollback: Vec<String>,
}

impl Api {
    /// CreateDeploymentGroup; gives its answer.
    pub async fn create_group(&self, group: &CreateGroup) -> Result<Value, ApiError> {
        let filters = group.ec2_tags.iter().map(|(key, value)| {
            let kind = match value {
                Some(_) => sdk::Ec2TagFilterType::KeyAndValue,
                None => sdk::Ec2TagFilterType::KeyOnly,
            };
            sdk::Ec2TagFilter::builder().key(key).set_value(value.clone()).r#type(kind).build()
        });
        let rollback = (!group.auto_rollback.is_empty()).then(|| {
            let events = group.auto_rollback.iter().map(|event| sdk::AutoRollbackEvent::from(event.as_str()));
            sdk::AutoRollbackConfiguration::builder().enabled(true).set_events(Some(events.collect())).build()
        });
        let request = self
            .codedeploy
            .create_deployment_group()
            .application_name(&group.application)
            .deployment_group_name(&group.name)
            .service_role_arn(&group.service_role)
            .set_deployment_config_name(group.config.clone())
            .set_ec2_tag_filters((!group.ec2_tags.is_empty()).then(|| filters.collect()))
            .set_auto_scaling_groups(
                (!group.auto_scaling_groups.is_empty()).then(|| group.auto_scaling_groups.clone()),
            )
            .set_auto_rollback_configuration(rollback);
        let (_, answer) = call!("CreateDeploymentGroup", request)?;
        Ok(raw::readable(answer.json(), |de| CreateDeploymentGroupOutput::deserialize(de)))
    }

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

    /// ListDeploymentGroups, all pages.
    pub async fn group_names(&self, application: &str) -> Result<Vec<String>, ApiError> {
        let mut names = Vec::new();
        let mut pages = Pages::of("ListDeploymentGroups");
        loop {
            let request = self
                .codedeploy
                .list_deployment_groups()
                .application_name(application)
                .set_next_token(pages.token());
            let (page, _) = call!("ListDeploymentGroups", request)?;
            names.extend_from_slice(page.deployment_groups());
            if !pages.turn(page.next_token())? {
                return Ok(names);
            }
        }
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

    /// ListDeploymentConfigs, all pages.
    pub async fn config_names(&self) -> Result<Vec<String>, ApiError> {
        let mut names = Vec::new();
        let mut pages = Pages::of("ListDeploymentConfigs");
        loop {
            let request = self.codedeploy.list_deployment_configs().set_next_token(pages.token());
            let (page, _) = call!("ListDeploymentConfigs", request)?;
            names.extend_from_slice(page.deployment_configs_list());
            if !pages.turn(page.next_token())? {
                return Ok(names);
            }
        }
    }
}
