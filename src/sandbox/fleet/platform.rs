//! Lambda functions and ECS services, as a fleet file declares them. Plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A Lambda function: one that is deployed, one that validates a deployment, or both.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    pub name: String,
    /// The versions that there are; any version is there where it is left out.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Aliases with the version that each points at.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// What it does as a deployment's hook; it says `Succeeded` after a second where it is left out.
    #[serde(default, with = "serde_yaml::with::singleton_map")]
    pub hook: Hook,
}

/// How a function that is a deployment's hook calls back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// It says `Succeeded` after so many seconds.
    Succeeds(f64),
    /// It says `Failed` after so many seconds.
    Fails(f64),
    /// It never calls back.
    Never,
    /// A program of this machine with its arguments: it is given the payload on standard input. Where it ends
    /// without having called back, its exit code answers.
    Command(Vec<String>),
}

impl Hook {
    /// Whether it makes sense; the error says why not.
    fn check(&self) -> Result<(), String> {
        match self {
            Hook::Succeeds(seconds) | Hook::Fails(seconds) if !(0.0..=3_600.0).contains(seconds) => {
                Err(format!(
                    "a hook calls back within 0 to 3600 seconds, not after {seconds}; `never` is one that does not"
                ))
            }
            Hook::Command(command) if command.first().is_none_or(String::is_empty) => {
                Err("a command names a program".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Function {
    /// Whether it makes sense; the error says why not.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("a function has a name".to_owned());
        }
        let missing = |version: &&String| !self.versions.is_empty() && !self.versions.contains(*version);
        if let Some(version) = self.aliases.values().find(missing) {
            return Err(format!("an alias is at version {version}, which {} does not have", self.name));
        }
        self.hook.check()
    }
}

impl Default for Hook {
    fn default() -> Self {
        Hook::Succeeds(1.0)
    }
}

/// An ECS service behind a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub cluster: String,
    pub name: String,
    /// How many tasks it runs.
    #[serde(default = "one")]
    pub tasks: u32,
    /// Who deploys it: groups are made for services of `CODE_DEPLOY` only.
    #[serde(default)]
    pub deployment_controller: DeploymentController,
    /// What its traffic comes through.
    #[serde(default)]
    pub load_balancer: LoadBalancer,
}

/// A load balancer's kind: only `application` ones shift traffic step by step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancer {
    #[default]
    Application,
    Network,
}

/// What an ECS service is deployed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentController {
    #[default]
    CodeDeploy,
    Ecs,
    External,
}

impl DeploymentController {
    /// As ECS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            DeploymentController::CodeDeploy => "CODE_DEPLOY",
            DeploymentController::Ecs => "ECS",
            DeploymentController::External => "EXTERNAL",
        }
    }
}

fn one() -> u32 {
    1
}

impl Service {
    /// Whether its names make an id that can be taken apart; the error says why not.
    pub(super) fn check(&self) -> Result<(), String> {
        let fits = |name: &str| !name.is_empty() && !name.contains([':', '/']);
        if fits(&self.cluster) && fits(&self.name) {
            return Ok(());
        }
        Err("a cluster and a service have names, without `:` and `/`".to_owned())
    }

    /// The id that targets have: `cluster:service`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.cluster, self.name)
    }
}
