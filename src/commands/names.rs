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
use crate::settings::Environment;

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

/// `--app` and `--group`, behind them the environment.
#[derive(Clone, Debug, Default, Args)]
pub struct GroupFlags {
    /// The application, where no APP/GROUP is written [env: CDCTL_APP]
    #[arg(long, value_name = "APP")]
    app: Option<String>,

    /// The deployment group of --app [env: CDCTL_GROUP]
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl GroupFlags {
    /// The group, where a flag or both variables name it.
    ///
    /// # Errors
    /// A flag names a half, and nothing the other.
    fn resolve(&self, environment: &Environment) -> anyhow::Result<Option<GroupName>> {
        let application = self.app.as_ref().or(environment.application.as_ref());
        let group = self.group.as_ref().or(environment.group.as_ref());
        match (application, group) {
            (Some(application), Some(group)) => {
                format!("{application}/{group}").parse().map(Some).map_err(wrong)
            }
            _ if self.is_given() => {
                Err(wrong("--app and --group name a deployment group together".to_owned()))
            }
            _ => Ok(None),
        }
    }

    fn is_given(&self) -> bool {
        self.app.is_some() || self.group.is_some()
    }
}

fn wrong(what: String) -> anyhow::Error {
    Failure::new(what).help("write APP/GROUP, or pass --app and --group").exit(Exit::Usage).into()
}

/// The group of a command: `APP/GROUP`, or `--app` with `--group`.
#[derive(Clone, Debug, Args)]
pub struct GroupArgs {
    /// The deployment group
    #[arg(value_name = "APP/GROUP", conflicts_with_all = ["app", "group"])]
    name: Option<GroupName>,

    #[command(flatten)]
    flags: GroupFlags,
}

impl GroupArgs {
    /// As if it were written on the line.
    pub fn of(name: GroupName) -> Self {
        GroupArgs { name: Some(name), flags: GroupFlags::default() }
    }

    pub fn resolve(&self, context: &Context) -> anyhow::Result<GroupName> {
        self.named(context)?.ok_or_else(|| wrong("no deployment group is named".to_owned()))
    }

    /// The group, where one is named.
    pub fn named(&self, context: &Context) -> anyhow::Result<Option<GroupName>> {
        match &self.name {
            Some(name) => Ok(Some(name.clone())),
            None => self.flags.resolve(&context.environment),
        }
    }

    /// The same where something is deleted: the line itself must name it, and all of it.
    pub fn doomed(&self, context: &Context) -> anyhow::Result<GroupName> {
        let flagged = || self.flags.resolve(&Environment::default());
        let named = self.name.clone().map_or_else(flagged, |name| Ok(Some(name)))?;
        named.ok_or_else(|| {
            let variables = [
                ("CDCTL_APP", &context.environment.application),
                ("CDCTL_GROUP", &context.environment.group),
            ];
            unnamed_to_delete("deployment group", &variables, "write APP/GROUP, or pass --app and --group")
        })
    }

    /// The group, where the line itself names it: that beats a file, the environment does not.
    pub fn written(&self, context: &Context) -> anyhow::Result<Option<GroupName>> {
        if self.name.is_some() || self.flags.is_given() { self.named(context) } else { Ok(None) }
    }
}

/// The application of a command.
#[derive(Clone, Debug, Args)]
pub struct AppArgs {
    /// The application [env: CDCTL_APP]
    #[arg(value_name = "APP", conflicts_with = "app")]
    name: Option<String>,

    /// The same as a flag
    #[arg(long, value_name = "APP")]
    app: Option<String>,
}

impl AppArgs {
    /// The application, where something is deleted: the line itself must name it.
    pub fn doomed(&self, context: &Context) -> anyhow::Result<&str> {
        let variables = [("CDCTL_APP", &context.environment.application)];
        let named = self.name.as_deref().or(self.app.as_deref());
        named.ok_or_else(|| unnamed_to_delete("application", &variables, "write its name"))
    }

    pub fn resolve(&self, context: &Context) -> anyhow::Result<String> {
        let named = self.name.as_ref().or(self.app.as_ref()).or(context.environment.application.as_ref());
        named.cloned().ok_or_else(no_application)
    }
}

/// Nothing on the line says what to delete; variables that are set are named, for they were meant to.
fn unnamed_to_delete(what: &str, variables: &[(&str, &Option<String>)], help: &str) -> anyhow::Error {
    let set: Vec<_> = variables.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name).collect();
    let failure = Failure::new(format!("the line names no {what} to delete")).help(help).exit(Exit::Usage);
    match set.is_empty() {
        true => failure.into(),
        false => {
            let set = set.join(" and ");
            let does = if set.contains(' ') { "do" } else { "does" };
            failure
                .cause(format!("{set} {does} not count here: what is deleted stands on the line, not in a forgotten setting"))
                .into()
        }
    }
}

pub fn no_application() -> anyhow::Error {
    Failure::new("no application is named").help("write its name, or set CDCTL_APP").exit(Exit::Usage).into()
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
    #[arg(value_name = "DEPLOYMENT", conflicts_with_all = ["app", "group"])]
    name: Option<DeploymentName>,

    #[command(flatten)]
    flags: GroupFlags,

    /// With APP/GROUP: count deployments that Auto Scaling made, too
    #[arg(long)]
    any_creator: bool,
}

impl DeploymentArgs {
    /// The deployment's id.
    pub async fn resolve(&self, context: &Context) -> anyhow::Result<String> {
        let name = match (&self.name, self.flags.resolve(&context.environment)) {
            (Some(name), _) => name.clone(),
            (None, group) => DeploymentName::LatestOf(group?.ok_or_else(unnamed)?),
        };
        name.resolve(context, self.any_creator).await
    }
}

impl DeploymentName {
    /// The deployment's id.
    pub async fn resolve(&self, context: &Context, any_creator: bool) -> anyhow::Result<String> {
        match self {
            DeploymentName::Id(id) => Ok(id.clone()),
            DeploymentName::LatestOf(group) => latest(context.api().await?, group, any_creator).await,
        }
    }
}

fn unnamed() -> anyhow::Error {
    Failure::new("no deployment is named")
        .help("write its id, or APP/GROUP for the group's latest one")
        .exit(Exit::Usage)
        .into()
}

/// The deployments of a command that takes several.
#[derive(Clone, Debug, Args)]
pub struct DeploymentsArgs {
    /// Deployments by id, or APP/GROUP for a group's latest one
    #[arg(value_name = "DEPLOYMENT", conflicts_with_all = ["app", "group"])]
    names: Vec<DeploymentName>,

    #[command(flatten)]
    flags: GroupFlags,

    /// With APP/GROUP: count deployments that Auto Scaling made, too
    #[arg(long)]
    pub any_creator: bool,
}

impl DeploymentsArgs {
    /// What is named, at least one.
    pub fn names(&self, context: &Context) -> anyhow::Result<Vec<DeploymentName>> {
        if !self.names.is_empty() {
            return Ok(self.names.clone());
        }
        let group = self.flags.resolve(&context.environment)?.ok_or_else(unnamed)?;
        Ok(vec![DeploymentName::LatestOf(group)])
    }

    /// The deployments' ids, each once.
    pub async fn resolve(&self, context: &Context) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for name in self.names(context)? {
            let id = name.resolve(context, self.any_creator).await?;
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
            .help("`cdctl deploy create --help` shows how to make one")
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
