//! `cdctl group update`

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::settings::Settings;
use crate::commands::missing;
use crate::commands::names::{GroupArgs, GroupName};
use crate::commands::request::{self, RequestArgs};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Members that the service replaces as a whole, though a flag sets a part of them.
const WHOLE: [&str; 4] =
    ["alarmConfiguration", "blueGreenDeploymentConfiguration", "deploymentStyle", "loadBalancerInfo"];

/// Change a deployment group; what no flag names stays as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl group update shop/prod --config CodeDeployDefault.OneAtATime
  cdctl group update shop/prod --ec2-tag-set 'Role=web & Env=prod' --clear ec2-tags
  cdctl group update shop/prod --rename live")]
pub struct Arguments {
    #[command(flatten)]
    name: GroupArgs,

    #[command(flatten)]
    settings: Settings,

    /// A new name for the group
    #[arg(long, value_name = "GROUP")]
    rename: Option<String>,

    /// Take these settings away
    #[arg(long, value_name = "SETTING,…", value_delimiter = ',')]
    clear: Vec<Clear>,

    #[command(flatten)]
    request: RequestArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Clear {
    Ec2Tags,
    Ec2TagSet,
    OnPremTags,
    OnPremTagSet,
    Asgs,
    Triggers,
    Alarms,
    AutoRollback,
    LoadBalancers,
    SuspendAsg,
}

impl Clear {
    /// Left out means kept: what is to go is sent empty. Source: the API reference of UpdateDeploymentGroup.
    fn members(self) -> Value {
        match self {
            Clear::Ec2Tags => json!({ "ec2TagFilters": [] }),
            Clear::Ec2TagSet => json!({ "ec2TagSet": { "ec2TagSetList": [] } }),
            Clear::OnPremTags => json!({ "onPremisesInstanceTagFilters": [] }),
            Clear::OnPremTagSet => json!({ "onPremisesTagSet": { "onPremisesTagSetList": [] } }),
            Clear::Asgs => json!({ "autoScalingGroups": [] }),
            Clear::Triggers => json!({ "triggerConfigurations": [] }),
            Clear::Alarms => json!({ "alarmConfiguration": { "enabled": false, "alarms": [] } }),
            Clear::AutoRollback => json!({ "autoRollbackConfiguration": { "enabled": false, "events": [] } }),
            // An empty list of load balancers is refused.
            Clear::LoadBalancers => json!({ "loadBalancerInfo": {} }),
            Clear::SuspendAsg => {
                json!({ "ec2DeploymentOptions": { "autoScalingGroupProcessesToSuspend": [] } })
            }
        }
    }
}

/// As [`request::merge`]; what a flag says of the two target groups of ECS, which are one pair, is laid on that pair.
pub fn lay(base: &mut Value, mut over: Value) {
    const PAIR: &str = "/loadBalancerInfo/targetGroupPairInfoList/0";
    if let (Some(mut pair), Some(new)) = (base.pointer(PAIR).cloned(), over.pointer_mut(PAIR)) {
        request::merge(&mut pair, new.take());
        *new = pair;
    }
    request::merge(base, over);
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("UpdateDeploymentGroup")?;
    let Some(mut request) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    for clear in &arguments.clear {
        request::merge(&mut request, clear.members());
    }
    let members = arguments.settings.members();
    let name = match arguments.name.written(context)?.or_else(|| written(&request)) {
        Some(name) => name,
        None => arguments.name.resolve(context)?,
    };
    let api = context.api().await?;
    let doing = format!("update deployment group {name}");
    let partial = |member: &&&str| members.get(**member).is_some() && request.get(**member).is_none();
    let partial: Vec<&str> = WHOLE.iter().filter(partial).copied().collect();
    if !partial.is_empty() {
        let current = match api.send("GetDeploymentGroup", &name.request()).await {
            Ok(current) => current,
            Err(error) => return Err(missing::explain(api, error, &name, doing).await),
        };
        for member in partial {
            if let Some(value) = current.pointer(&format!("/deploymentGroupInfo/{member}")) {
                request[member] = value.clone();
            }
        }
    }
    lay(&mut request, members);
    if let Some(new) = &arguments.rename {
        request["newDeploymentGroupName"] = new.as_str().into();
    }
    let settings = request.as_object().into_iter().flatten();
    if settings
        .filter(|(member, _)| !matches!(member.as_str(), "applicationName" | "currentDeploymentGroupName"))
        .count()
        == 0
    {
        return Err(Failure::new(format!("nothing to change in {name}"))
            .help("name a setting; see `cdctl group update --help`")
            .exit(Exit::Usage)
            .into());
    }
    update(context, &name, request).await?;
    context.ui.note(&format!("updated deployment group {name}"));
    Ok(Exit::Ok)
}

fn written(request: &Value) -> Option<GroupName> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(GroupName { application: text("applicationName")?, group: text("currentDeploymentGroupName")? })
}

/// Sends it.
pub async fn update(context: &Context, name: &GroupName, mut request: Value) -> anyhow::Result<()> {
    let names = json!({ "applicationName": name.application, "currentDeploymentGroupName": name.group });
    request::merge(&mut request, names);
    let api = context.api().await?;
    let doing = format!("update deployment group {name}");
    let answer = match api.send("UpdateDeploymentGroup", &request).await {
        Ok(answer) => answer,
        Err(error) if error.code.as_deref() == Some("DeploymentConfigDoesNotExistException") => {
            let wanted = request.get("deploymentConfigName").and_then(Value::as_str).unwrap_or_default();
            return Err(missing::explain_config(api, &error, wanted, doing).await);
        }
        Err(error) => return Err(missing::explain(api, error, name, doing).await),
    };
    super::delete::warn_of_hooks(context, &answer);
    Ok(())
}
