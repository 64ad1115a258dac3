//! `cdctl sandbox serve`

use std::net::SocketAddr;

use clap::Args;

use super::SandboxArgs;
use crate::api::SANDBOX_KEY;
use crate::context::Context;
use crate::exit::Exit;

/// Serve CodeDeploy, S3 and STS on this machine until ^C
///
/// Any AWS client can talk to it. Its first line is its address; the lines after it are for your shell.
///
/// Hook scripts are isolated by bubblewrap and have no network; --allow-host-hooks gives them this machine's, and
/// runs them also where bubblewrap is missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, in two terminals:
  cdctl sandbox serve --allow-host-hooks --state ~/sandbox
  export AWS_ENDPOINT_URL=http://127.0.0.1:4577 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \\
      AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox")]
pub struct Arguments {
    /// The address; a loopback one. Port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4577")]
    listen: SocketAddr,

    #[command(flatten)]
    sandbox: SandboxArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let interrupted = context.signals.next();
    let (folder, running) = arguments.sandbox.start(context, arguments.listen)?;
    let url = running.url();
    let ui = &context.ui;
    ui.data(&url)?;
    ui.data(&format!("export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"))?;
    ui.data(&format!("export AWS_ACCESS_KEY_ID={SANDBOX_KEY} AWS_SECRET_ACCESS_KEY={SANDBOX_KEY}"))?;
    ui.note(&format!("hosts and objects are in {}; ^C ends it", folder.path().display()));
    interrupted.await;
    running.shut_down()?;
    Ok(Exit::Ok)
}
