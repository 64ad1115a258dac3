//! `cdctl api`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::deploy::sending;
use super::request;
use crate::api::{ALL, Operation};
use crate::context::Context;
use crate::error::{Doing, Failure, nearest};
use crate::exit::Exit;
use crate::format::print_json;
use crate::signals;

/// Any operation of the API by its name: JSON or YAML in, the service's answer out
///
/// The request is checked against the operation's members before anything is sent, then sent as it was written.
/// Pages are joined. Where the answer to CreateDeployment is lost, the deployment is looked for before it is sent again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl api --list
  cdctl api CreateDeploymentGroup --skeleton -o yaml > group.yaml
  cdctl api CreateDeploymentGroup group.yaml
  echo '{\"deploymentId\": \"d-7F3K2QX9A\"}' | cdctl api GetDeployment -")]
pub struct Arguments {
    /// The operation, such as GetDeployment
    #[arg(value_name = "OPERATION", required_unless_present = "list")]
    operation: Option<String>,

    /// The request; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["skeleton", "schema"])]
    request: Option<PathBuf>,

    /// List the operations
    #[arg(long, conflicts_with_all = ["operation", "skeleton", "schema"])]
    list: bool,

    /// Print a request with every member, to be filled in
    #[arg(long, conflicts_with = "schema")]
    skeleton: bool,

    /// Print the JSON Schema of the request
    #[arg(long)]
    schema: bool,

    /// Only the first page
    #[arg(long)]
    no_paginate: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let print =
        |json: &Value| print_json(json, None, &context.settings.output, &context.ui).map(|()| Exit::Ok);
    let Some(name) = &arguments.operation else {
        for operation in ALL {
            context.ui.data(operation.name)?;
        }
        return Ok(Exit::Ok);
    };
    let operation = find(name)?;
    if arguments.skeleton {
        return print(&operation.input().skeleton());
    }
    if arguments.schema {
        let mut schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" });
        if let (Some(whole), Value::Object(members)) =
            (schema.as_object_mut(), operation.input().json_schema())
        {
            whole.extend(members);
        }
        return print(&schema);
    }
    let request = match &arguments.request {
        Some(file) => request::read(file, operation)?,
        None => json!({}),
    };
    request::complete(&request, operation)?;
    if let Some(create) = sending::as_written(&request).filter(|_| operation.name == "CreateDeployment") {
        let sent = sending::send(context, &create).await?;
        let mut made = sent.doing("call CreateDeployment")?;
        print(&made.created.json)?;
        return Ok(made.signals.heard().map_or(Exit::Ok, signals::exit));
    }
    let api = context.api().await?;
    let answer = if arguments.no_paginate {
        api.perform(operation, &request).await
    } else {
        api.pages(operation, request).joined().await
    };
    print(&answer.doing(format_args!("call {}", operation.name))?)
}

fn find(name: &str) -> anyhow::Result<&'static Operation> {
    if let Some(operation) = Operation::named(name) {
        return Ok(operation);
    }
    let help = match nearest(name, ALL.iter().map(|operation| operation.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "see `cdctl api --list`".to_owned(),
    };
    Err(Failure::new(format!("CodeDeploy has no operation {name}")).help(help).exit(Exit::Usage).into())
}
