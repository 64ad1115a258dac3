//! How applications, groups and deployments are named on the command line.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use serde_json::{Value, json};

use super::missing;
use crate::api::Api;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::Creator;

/// `APP/GROUP`. Neither name can hold a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    pub application: String,
    pub group: String,
}

impl FromStr for GroupName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((application, group))
                if !application.is_empty() && !group.is_empty() && !group.contains('/') =>
            {
                Ok(GroupName { application: application.to_owned(), group: group.to_owned() })
            }
            _ => Err("a deployment group is written APP/GROUP, as in shop/prod".to_owned()),
        }
    }
}

impl GroupName {
    /// The two members by which the API's requests name it.
    pub fn request(&self) -> Value {
        json!({ "applicationName": self.application, "deploymentGroupName": self.group })
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.application, self.group)
    }
}

/// The group of a command: `APP/GROUP`, or `--app` with `--group`.
#[derive(Clone, Debug, Args)]
pub struct GroupArgs {
    /// The deployment group
    #[arg(value_name = "APP/GROUP")]
    name: Option<GroupName>,

    /// The application, where the group is not written APP/GROUP
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: Option<String>,

    /// The deployment group of --app
    #[arg(long, value_name = "GROUP", env = "CDCTL_GROUP", hide_env_values = true)]
    group: Option<String>,
}

impl GroupArgs {
    pub fn resolve(&self) -> anyhow::Result<GroupName> {
        self.named().ok_or_else(|| {
            Failure::new("no deployment group is named")
                .help("write APP/GROUP, or pass --app and --group")
                .exit(Exit::Usage)
                .into()
        })
    }

    /// The group, where one is named.
    pub fn named(&self) -> Option<GroupName> {
        let parts = || Some(GroupName { application: self.app.clone()?, group: self.group.clone()? });
        self.name.clone().or_else(parts)
    }
}

/// The application of a command.
#[derive(Clone, Debug, Args)]
pub struct AppArgs {
    /// The application
    #[arg(value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    name: String,
}

impl std::ops::Deref for AppArgs {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

/// A deployment: its id, or `APP/GROUP` for the group's latest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentName {
    Id(String),
    LatestOf(GroupName),
}

impl FromStr for DeploymentName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return text.parse().map(DeploymentName::LatestOf);
        }
        let id = text.strip_prefix("d-").is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
        if id {
            Ok(DeploymentName::Id(text.to_owned()))
        } else {
            Err("a deployment is written d-XXXXXXXXX, or APP/GROUP for the group's latest one".to_owned())
        }
    }
}

/// The deployment of a command.
#[derive(Clone, Debug, Args)]
pub struct DeploymentArgs {
    /// The deployment's id, or APP/GROUP for the group's latest one
    #[arg(value_name = "DEPLOYMENT")]
    name: DeploymentName,

    /// With APP/GROUP: count deployments that Auto Scaling made, too
    #[arg(long)]
    any_creator: bool,
}

impl DeploymentArgs {
    /// The deployment's id.
    pub async fn resolve(&self, context: &Context) -> anyhow::Result<String> {
        match &self.name {
            DeploymentName::Id(id) => Ok(id.clone()),
            DeploymentName::LatestOf(group) => latest(context.api().await?, group, self.any_creator).await,
        }
    }
}

/// The deployments of a command that takes several.
#[derive(Clone, Debug, Args)]
pub struct DeploymentsArgs {
    /// Deployments by id, or APP/GROUP for a group's latest one
    #[arg(value_name = "DEPLOYMENT")]
    pub names: Vec<DeploymentName>,

    /// With APP/GROUP: count deployments that Auto Scaling made, too
    #[arg(long)]
    pub any_creator: bool,
}

impl DeploymentsArgs {
    /// The deployments' ids, each once.
    pub async fn resolve(&self, context: &Context) -> anyhow::Result<Vec<String>> {
        if self.names.is_empty() {
            return Err(Failure::new("no deployment is named")
                .help("write its id, or APP/GROUP for the group's latest one")
                .exit(Exit::Usage)
                .into());
        }
        let mut ids = Vec::new();
        for name in &self.names {
            let one = DeploymentArgs { name: name.clone(), any_creator: self.any_creator };
            let id = one.resolve(context).await?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

/// The id of the group's latest deployment; those that Auto Scaling made for its own instances are passed over
/// unless `any_creator`.
async fn latest(api: &Api, group: &GroupName, any_creator: bool) -> anyhow::Result<String> {
    let list = |limit| api.deployment_ids(&group.application, &group.group, limit);
    let ids = match list(100).await {
        Ok(ids) => ids,
        Err(error) => {
            return Err(missing::explain(api, error, group, format!("find deployments of {group}")).await);
        }
    };
    let none = || {
        Failure::new(format!("deployment group {group} has no deployment yet"))
            .help(format!("make one with `cdctl deploy create {group} --push DIR`"))
    };
    if any_creator {
        return Ok(ids.first().cloned().ok_or_else(none)?);
    }
    for chunk in ids.chunks(25) {
        let deployments = match api.deployments(chunk).await {
            Ok(deployments) => deployments.value,
            Err(error) => {
                return Err(Failure::api(format!("cannot find deployments of {group}"), &error).into());
            }
        };
        let made = deployments
            .into_iter()
            .find(|deployment| !deployment.creator.as_ref().is_some_and(Creator::is_auto_scaling));
        if let Some(deployment) = made {
            return Ok(deployment.id);
        }
    }
    Err(none().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_deployments_are_told_apart() {
        let group: GroupName = "shop/prod".parse().unwrap();
        assert_eq!((group.application.as_str(), group.group.as_str()), ("shop", "prod"));
        for wrong in ["shop", "/prod", "shop/", "a/b/c", ""] {
            assert!(wrong.parse::<GroupName>().is_err(), "{wrong}");
        }
        assert_eq!("d-A1B2C3D4E".parse(), Ok(DeploymentName::Id("d-A1B2C3D4E".into())));
        assert_eq!("shop/prod".parse(), Ok(DeploymentName::LatestOf(group)));
        for wrong in ["d-", "shop", "d-a b", "a/b/c"] {
            assert!(wrong.parse::<DeploymentName>().is_err(), "{wrong}");
        }
    }
}
