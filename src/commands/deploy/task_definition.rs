//! `--task-definition`: an ARN or a file, and whether the group's ECS service can take it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::Value;

use crate::api::{EcsService, ErrorKind, Seen};
use crate::appspec::inline;
use crate::commands::appspec_file;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::Group;

#[derive(Clone, Debug)]
pub enum TaskDefinition {
    Arn(String),
    /// To be registered.
    File(PathBuf),
}

impl FromStr for TaskDefinition {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("arn:") {
            TaskDefinition::Arn(text.to_owned())
        } else {
            TaskDefinition::File(text.into())
        })
    }
}

/// `NAME:PORT`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    pub name: String,
    pub port: u64,
}

impl FromStr for Container {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, port) = text.rsplit_once(':').ok_or("a container is written NAME:PORT, as in web:80")?;
        match port.parse::<u16>() {
            Ok(port) if port > 0 && !name.is_empty() => {
                Ok(Container { name: name.to_owned(), port: port.into() })
            }
            _ => Err("a container is written NAME:PORT, as in web:80"),
        }
    }
}

/// Members that ECS tells of a task definition and does not take.
///
/// Source: the service model of ECS, `TaskDefinition` beside `RegisterTaskDefinitionRequest`.
const TOLD: [&str; 8] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
];

/// A task definition as `aws ecs register-task-definition --cli-input-json` takes it, or as
/// `describe-task-definition` shows it; YAML, too.
pub fn read(file: &Path) -> anyhow::Result<Value> {
    let wrong = |why: &str| {
        Failure::new(format!("{} is not a task definition", file.display())).cause(why).exit(Exit::Usage)
    };
    if !file.exists() {
        return Err(Failure::new(format!("there is no file {}", file.display()))
            .help("--task-definition takes an ARN (arn:aws:ecs:…:task-definition/NAME:REVISION) or a file")
            .exit(Exit::Usage)
            .into());
    }
    let mut whole = inline::read(&appspec_file::read(file)?).map_err(|why| wrong(&why))?;
    let mut definition = match whole.get_mut("taskDefinition").map(Value::take) {
        Some(inner @ Value::Object(_)) => inner,
        _ => whole,
    };
    if let Some(members) = definition.as_object_mut() {
        members.retain(|name, _| !TOLD.contains(&name.as_str()));
    }
    for member in ["family", "containerDefinitions"] {
        if definition.get(member).is_none() {
            return Err(wrong(&format!("it has no {member}")).into());
        }
    }
    Ok(definition)
}

/// An error where a container that the AppSpec names, or its port, is not in the definition: ECS would refuse it once
/// it is registered and the deployment runs.
///
/// Source: ECS user guide, `PortMapping`.
pub fn require_containers(file: &Path, definition: &Value, appspec: &Value) -> anyhow::Result<()> {
    let list = |value: &Value, member: &str| {
        value.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let containers = list(definition, "containerDefinitions");
    let name =
        |container: &Value| container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wrong = |cause: String| {
        let file = file.display();
        Failure::new(format!("the AppSpec does not fit {file}; nothing was registered"))
            .cause(cause)
            .help("name the container that takes the traffic with --container NAME:PORT")
            .exit(Exit::Findings)
    };
    for (wanted, port) in inline::containers(appspec) {
        let Some(container) = containers.iter().find(|container| name(container) == wanted) else {
            let there: Vec<String> = containers.iter().map(name).collect();
            return Err(
                wrong(format!("there is no container {wanted} in it, but {}", there.join(", "))).into()
            );
        };
        let mappings = list(container, "portMappings");
        if !mappings.iter().any(|mapping| maps(mapping, port)) {
            return Err(wrong(format!("its container {wanted} maps no port {port}")).into());
        }
    }
    Ok(())
}

/// `containerPort`, or a `containerPortRange` such as 80-90.
fn maps(mapping: &Value, port: u64) -> bool {
    let range =
        mapping.get("containerPortRange").and_then(Value::as_str).and_then(|range| range.split_once('-'));
    let within = range.and_then(|(first, last)| Some(first.parse().ok()?..=last.parse().ok()?));
    mapping.get("containerPort").and_then(Value::as_u64) == Some(port)
        || within.is_some_and(|range| range.contains(&port))
}

/// Whether the group's service can take a new task definition; gives what is known of it. A caller who may not look
/// at ECS finds out at the end.
pub async fn ready(
    context: &Context,
    name: &GroupName,
    group: Option<&Seen<Group>>,
    registers: bool,
) -> anyhow::Result<Option<EcsService>> {
    if context.settings.connection.ecs_has_no_endpoint {
        if registers {
            return Err(Failure::new(
                "CodeDeploy has an endpoint of its own, ECS has none: the task definition would be registered at AWS",
            )
            .help("set AWS_ENDPOINT_URL for all services, or AWS_ENDPOINT_URL_ECS as well")
            .into());
        }
        return Ok(None);
    }
    let text = |member: &str| {
        let path = format!("/deploymentGroupInfo/ecsServices/0/{member}");
        group.and_then(|group| group.json.pointer(&path)?.as_str().map(str::to_owned))
    };
    let (Some(cluster), Some(service)) = (text("clusterName"), text("serviceName")) else {
        return match group {
            None => Ok(None),
            Some(_) => Err(Failure::new(format!("deployment group {name} names no ECS service"))
                .help(format!("name it with `cdctl group update {name} --ecs-service CLUSTER/SERVICE`"))
                .into()),
        };
    };
    let cannot =
        |why: String| Failure::new(format!("the ECS service of {name} cannot be deployed to")).cause(why);
    match context.api().await?.ecs_service(&cluster, &service).await {
        Ok(None) => Err(cannot(format!("there is no service {service} in cluster {cluster}")).into()),
        Ok(Some(found)) if found.status != "ACTIVE" => {
            Err(cannot(format!("{cluster}/{service} is {}", found.status)).into())
        }
        Ok(Some(found)) if found.controller != "CODE_DEPLOY" => Err(cannot(format!(
            "the deployment controller of {cluster}/{service} is {}, not CODE_DEPLOY",
            found.controller
        ))
        .help("the controller is chosen when a service is made: `aws ecs create-service --deployment-controller type=CODE_DEPLOY …`")
        .into()),
        Ok(found) => Ok(found),
        Err(error) if error.kind == ErrorKind::Denied => Ok(None),
        Err(error) => Err(error).doing(format!("look at the ECS service {cluster}/{service}")),
    }
}
