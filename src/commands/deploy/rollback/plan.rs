//! What a rollback comes to, and how it is shown before it is done.

use serde_json::{Map, Value, json};

use super::super::retry::whole;
use super::super::versions::{self, Shift};
use crate::api::Api;
use crate::commands::names::GroupName;
use crate::format::{Table, View};
use crate::model::{ComputePlatform, Deployment, Revision};

/// What a rollback comes to.
#[derive(Debug)]
pub enum Plan {
    /// CodeDeploy has made one already.
    Exists(String),
    /// The deployment is on its way there itself.
    UnderWay,
    /// CodeDeploy makes it when the deployment is stopped; none of one that is `untouched`.
    Automatic { untouched: bool },
    /// This is deployed; first the deployment is stopped if it goes on.
    Deploy { stop: bool, group: GroupName, goal: Box<Goal> },
}

/// What is gone back to.
#[derive(Debug)]
pub struct Goal {
    pub revision: Revision,
    /// As the good deployment had it, by the API's names.
    pub overrides: Map<String, Value>,
}

/// What CodeDeploy's own rollback brings back, where the revision is an inline AppSpec and has no more than a digest.
#[derive(Debug, Default)]
pub struct Back {
    /// The way back of a Lambda function's alias.
    shift: Option<Shift>,
    /// The text of the AppSpec of an ECS service.
    appspec: Option<String>,
}

impl Back {
    /// Nothing of what cannot be read, nor where the plan itself tells.
    pub async fn read(api: &Api, deployment: &Deployment, plan: &Plan) -> anyhow::Result<Self> {
        let mut back = Back::default();
        if !matches!(plan, Plan::Automatic { .. } | Plan::Exists(_)) {
            return Ok(back);
        }
        match (&deployment.platform, &deployment.application, &deployment.previous_revision) {
            (Some(ComputePlatform::Lambda), ..) => {
                let forth = versions::shift(api, &deployment.id).await.unwrap_or_default();
                back.shift = forth.map(|Shift { function, alias, from, to }| Shift {
                    function,
                    alias,
                    from: to,
                    to: from,
                });
            }
            (Some(ComputePlatform::Ecs), Some(application), Some(previous)) => {
                back.appspec = content(&whole(api, application, previous.clone()).await?);
            }
            _ => {}
        }
        Ok(back)
    }
}

/// The text of an inline AppSpec.
fn content(revision: &Revision) -> Option<String> {
    match revision {
        Revision::AppSpec { content, .. } => content.clone(),
        _ => None,
    }
}

/// The plan in words, and as data.
pub fn shown(deployment: &Deployment, plan: &Plan, config: Option<&str>, back: Back) -> View {
    let own = || deployment.revision.as_ref().map(Revision::to_string);
    let (first, how, from, to) = match plan {
        Plan::Exists(rollback) => {
            (None, format!("watch {rollback}, which CodeDeploy has made"), own(), previous(deployment))
        }
        Plan::UnderWay => (None, "watch it: it goes there already".to_owned(), None, own()),
        Plan::Automatic { untouched } => {
            let how = match untouched {
                true => "nothing more: its traffic has not moved",
                false => "CodeDeploy deploys its last good revision",
            };
            (Some("stop it"), how.to_owned(), own(), previous(deployment))
        }
        Plan::Deploy { stop, group, goal } => {
            let first = stop.then_some("stop it");
            (first, format!("deploy to {group}"), own(), Some(goal.revision.to_string()))
        }
    };
    let (appspec, fleet) = match plan {
        Plan::Deploy { goal, .. } => (content(&goal.revision), goal.overrides.get("targetInstances")),
        _ => (back.appspec, None),
    };
    let mut table = Table::properties();
    table.property("Deployment", Some(format!("{} ({})", deployment.id, deployment.status)));
    table.property("First", first);
    table.property("Then", Some(how.clone()));
    table.property("From", from.clone());
    table.property("To", to.clone());
    let function =
        |shift: &Shift| format!("{}:{} v{} -> v{}", shift.function, shift.alias, shift.from, shift.to);
    table.property("Function", back.shift.as_ref().map(function));
    table.property("Config", config);
    table.property("Instances", fleet.map(Value::to_string));
    table.property("AppSpec", appspec.clone());
    let versions = back.shift.map(|Shift { function, alias, from, to }| {
        json!({ "function": function, "alias": alias, "from": from, "to": to })
    });
    let json = json!({
        "deploymentId": deployment.id, "stop": first.is_some(), "action": how,
        "from": from, "to": to, "deploymentConfigName": config, "targetInstances": fleet, "appSpec": appspec,
        "versions": versions,
    });
    View { json, items: None, table, empty: "" }
}

/// The revision that the plan would deploy, and its application.
pub fn goal<'a>(deployment: &'a Deployment, plan: &'a Plan) -> Option<(&'a str, &'a Revision)> {
    match plan {
        Plan::Deploy { group, goal, .. } => Some((&group.application, &goal.revision)),
        Plan::Automatic { .. } => {
            Some((deployment.application.as_deref()?, deployment.previous_revision.as_ref()?))
        }
        Plan::Exists(_) | Plan::UnderWay => None,
    }
}

/// What CodeDeploy's own rollback goes back to.
fn previous(deployment: &Deployment) -> Option<String> {
    deployment.previous_revision.as_ref().map(Revision::to_string)
}
