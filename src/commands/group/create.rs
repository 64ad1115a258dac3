//! `cdctl group create`

use clap::Args;

use crate::api::CreateGroup;
use crate::commands::missing;
use crate::commands::names::GroupArgs;
use crate::context::Context;
use crate::error::{Failure, nearest};
use crate::exit::Exit;
use crate::format::{Table, View};

/// Create a deployment group: which instances an application is deployed to, and how
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cdctl group create shop/prod --ec2-tag Role=web --config CodeDeployDefault.HalfAtATime \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy")]
pub struct Arguments {
    #[command(flatten)]
    name: GroupArgs,

    /// ARN of the role that CodeDeploy assumes
    #[arg(long, value_name = "ARN")]
    service_role: String,

    /// EC2 instances with this tag; KEY alone matches any value; several: an instance needs one of them
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    ec2_tag: Vec<(String, Option<String>)>,

    /// Instances of this Auto Scaling group; repeatable
    #[arg(long, value_name = "NAME")]
    asg: Vec<String>,

    /// How many instances at a time [default: CodeDeployDefault.OneAtATime]
    #[arg(long, value_name = "CONFIG")]
    config: Option<String>,

    /// Roll back by itself after these endings
    #[arg(long, value_name = "ENDING", value_delimiter = ',')]
    auto_rollback: Vec<crate::commands::deploy::RollbackEvent>,
}

fn tag(text: &str) -> Result<(String, Option<String>), String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text, None),
    };
    if key.is_empty() {
        return Err("a tag is written KEY=VALUE, or KEY for any value".to_owned());
    }
    Ok((key.to_owned(), value))
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.name.resolve()?;
    let create = CreateGroup {
        application: name.application.clone(),
        name: name.group.clone(),
        service_role: arguments.service_role.clone(),
        ec2_tags: arguments.ec2_tag.clone(),
        auto_scaling_groups: arguments.asg.clone(),
        config: arguments.config.clone(),
        auto_rollback: arguments.auto_rollback.iter().map(|event| event.as_str().to_owned()).collect(),
    };
    let api = context.api().await?;
    let doing = format!("create deployment group {name}");
    let json = match api.create_group(&create).await {
        Ok(json) => json,
        Err(error) if error.code.as_deref() == Some("DeploymentConfigDoesNotExistException") => {
            let wanted = create.config.as_deref().unwrap_or_default();
            let names = api.config_names().await.unwrap_or_default();
            let mut failure = Failure::api(format!("cannot {doing}"), &error);
            if let Some(near) = nearest(wanted, names.iter().map(String::as_str)) {
                failure = failure.help(format!("did you mean `{near}`?"));
            }
            return Err(failure.into());
        }
        Err(error) => return Err(missing::explain(api, error, &name, doing).await),
    };
    context.ui.note(&format!("created deployment group {name}"));
    let id = json.get("deploymentGroupId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    let mut table = Table::properties();
    table.row([id]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags() {
        assert_eq!(tag("Role=web"), Ok(("Role".into(), Some("web".into()))));
        assert_eq!(tag("Role=a=b"), Ok(("Role".into(), Some("a=b".into()))));
        assert_eq!(tag("Role="), Ok(("Role".into(), Some(String::new()))));
        assert_eq!(tag("Role"), Ok(("Role".into(), None)));
        assert!(tag("=web").is_err());
    }
}
