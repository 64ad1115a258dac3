//! `cdctl group create`

use clap::Args;
use serde_json::{Value, json};

use super::settings::Settings;
use crate::api::Api;
use crate::commands::missing;
use crate::commands::names::{GroupArgs, GroupName};
use crate::commands::request::{self, RequestArgs};
use crate::commands::tags::{self, Tag};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::View;

/// Create a deployment group: which instances an application is deployed to, and how
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl group create shop/prod --ec2-tag Role=web --config CodeDeployDefault.HalfAtATime \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group create shop/prod --ec2-tag-set 'Role=web,api & Env=prod' \\
      --auto-rollback failure,alarm --alarm too-many-errors \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group create checkout/live --config CodeDeployDefault.LambdaCanary10Percent5Minutes \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group create shop/web --ecs-service shop/web --target-group-pair blue,green \\
      --listener arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/… \\
      --when-ready continue --terminate-blue 60 \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group create shop/prod --ec2-tag Role=web --style blue-green --green-fleet discover \\
      --target-group web --when-ready 60 --terminate-blue keep \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group create --skeleton -o yaml > group.yaml   # fill it in
  cdctl group create shop/prod --from group.yaml")]
pub struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
}

/// A whole deployment group, as `create` and `ensure` take it.
#[derive(Debug, Args)]
pub struct Wanted {
    #[command(flatten)]
    name: GroupArgs,

    #[command(flatten)]
    settings: Settings,

    /// A tag of the deployment group itself; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,

    #[command(flatten)]
    request: RequestArgs,
}

impl Wanted {
    /// The group and the request for it; none where only the skeleton was asked for, which is printed.
    pub fn request(&self, context: &Context) -> anyhow::Result<Option<(GroupName, Value)>> {
        let operation = request::operation("CreateDeploymentGroup")?;
        let Some(mut request) = self.request.base(context, operation)? else { return Ok(None) };
        request::merge(&mut request, self.settings.members());
        if !self.tag.is_empty() {
            request::merge(&mut request, json!({ "tags": tags::list(&self.tag) }));
        }
        let name = named(context, &mut request, &self.name)?;
        Ok(Some((name, request)))
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    match arguments.wanted.request(context)? {
        Some((name, request)) => create(context, &name, &request).await,
        None => Ok(Exit::Ok),
    }
}

/// The group's name from the arguments, else from the request; the request has it afterwards.
fn named(context: &Context, request: &mut Value, arguments: &GroupArgs) -> anyhow::Result<GroupName> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).map(str::to_owned);
    let written =
        || Some(GroupName { application: text("applicationName")?, group: text("deploymentGroupName")? });
    let name = match arguments.written(context)?.or_else(written) {
        Some(name) => name,
        None => arguments.resolve(context)?,
    };
    request::merge(request, name.request());
    Ok(name)
}

/// What a group of Lambda or ECS has where nothing is said of it: the one style that there is, without which the service
/// refuses it, and of the configurations the one that the console proposes. The service's own default is one of servers.
///
/// Source: the refusals of CreateDeploymentGroup (InvalidDeploymentStyleException, InvalidInputException).
fn defaults(platform: &str) -> Value {
    json!({
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "deploymentConfigName": format!("CodeDeployDefault.{platform}AllAtOnce"),
    })
}

/// Part of that is open, and nothing says that the group is of instances.
fn needs_defaults(request: &Value) -> bool {
    let instances = [
        "ec2TagFilters",
        "ec2TagSet",
        "onPremisesInstanceTagFilters",
        "onPremisesTagSet",
        "autoScalingGroups",
    ];
    let said =
        ["/deploymentConfigName", "/deploymentStyle/deploymentType", "/deploymentStyle/deploymentOption"];
    said.iter().any(|member| request.pointer(member).is_none())
        && !instances.iter().any(|member| request.get(member).is_some())
}

/// `Lambda` or `ECS`, where the application is for that. Who may not look gets by without: the service says what is
/// missing.
async fn moves_traffic(api: &Api, name: &GroupName, request: &Value) -> Option<&'static str> {
    if request.get("ecsServices").is_some() {
        return Some("ECS");
    }
    let asked = json!({ "applicationName": name.application });
    let application = api.send("GetApplication", &asked).await.ok()?;
    let platform = application.pointer("/application/computePlatform")?.as_str()?;
    ["Lambda", "ECS"].into_iter().find(|name| *name == platform)
}

/// Sends it and prints the id.
pub async fn create(context: &Context, name: &GroupName, request: &Value) -> anyhow::Result<Exit> {
    if request.get("serviceRoleArn").is_none() {
        return Err(Failure::new("a deployment group needs the role that CodeDeploy assumes")
            .help("pass --service-role ARN")
            .exit(Exit::Usage)
            .into());
    }
    let api = context.api().await?;
    let doing = format!("create deployment group {name}");
    let mut request = request.clone();
    if needs_defaults(&request)
        && let Some(platform) = moves_traffic(api, name, &request).await
    {
        let mut whole = defaults(platform);
        if let (None, Some(config)) = (request.get("deploymentConfigName"), whole.get("deploymentConfigName"))
        {
            let config = config.as_str().unwrap_or_default();
            context.ui.note(&format!("no deployment configuration is named: {config}"));
        }
        request::merge(&mut whole, request);
        request = whole;
    }
    let refusal = "DeploymentGroupAlreadyExistsException";
    let made = api.make("CreateDeploymentGroup", &request, refusal, async |api| {
        let answer = api.send("GetDeploymentGroup", &name.request()).await?;
        let there = answer.get("deploymentGroupInfo");
        let there = there.filter(|there| there.get("serviceRoleArn") == request.get("serviceRoleArn"));
        Ok(there.map(|there| json!({ "deploymentGroupId": there.get("deploymentGroupId") })))
    });
    let json = match made.await {
        Ok(json) => json,
        Err(error) if error.code.as_deref() == Some("DeploymentConfigDoesNotExistException") => {
            let wanted = request.get("deploymentConfigName").and_then(Value::as_str).unwrap_or_default();
            return Err(missing::explain_config(api, &error, wanted, doing).await);
        }
        Err(error) => return Err(missing::explain(api, error, name, doing).await),
    };
    context.ui.note(&format!("created deployment group {name}"));
    let id = json.get("deploymentGroupId").and_then(Value::as_str).unwrap_or_default().to_owned();
    View::of(json, id).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
