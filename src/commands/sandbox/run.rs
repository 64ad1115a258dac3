//! `cdctl sandbox run`

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use clap::Args;
use rustix::process::{self, Pid};

use super::SandboxArgs;
use crate::api::SANDBOX_KEY;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::watch::Signal;

/// Run a command against a sandbox of its own; ends with the command's exit code
///
/// The command finds the sandbox through the AWS variables of its environment, and this cdctl first on its PATH.
/// A signal is passed on to it; a second one ends it at once.
///
/// Hook scripts are isolated by bubblewrap and have no network; --allow-host-hooks gives them this machine's, and
/// runs them also where bubblewrap is missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl sandbox run -- sh -c 'cdctl app create shop && cdctl app list'
  cdctl sandbox run --fleet examples/fleet.yaml --allow-host-hooks -- sh examples/by-hand.sh
  cdctl sandbox run --state ~/sandbox -- aws deploy list-applications")]
pub struct Arguments {
    #[command(flatten)]
    sandbox: SandboxArgs,

    /// The address [default: a free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What would send the command elsewhere than to the sandbox, beside the endpoints of single services.
const CLEARED: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    // The older name of the same, which botocore reads too.
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
];

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let listen = arguments.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    let (_folder, running) = arguments.sandbox.start(context, listen)?;
    let status = status(context, &running.url(), &arguments.command).await;
    running.shut_down()?;
    Ok(Exit::Command(code(status?)))
}

#[expect(clippy::disallowed_methods, reason = "running the user's command is what this verb is for")]
async fn status(context: &Context, url: &str, command: &[OsString]) -> anyhow::Result<ExitStatus> {
    let [program, arguments @ ..] = command else {
        return Err(Failure::new("no command was given").exit(Exit::Usage).into());
    };
    let region = context.settings.connection.region.as_deref().unwrap_or("us-east-1");
    let mut child = tokio::process::Command::new(program);
    child
        .args(arguments)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", region)
        .env("AWS_DEFAULT_REGION", region);
    child.env("AWS_ACCESS_KEY_ID", SANDBOX_KEY).env("AWS_SECRET_ACCESS_KEY", SANDBOX_KEY);
    child.env("AWS_EC2_METADATA_DISABLED", "true");
    let past_proxy = past_proxy(context.environment.no_proxy.as_deref());
    child.env("NO_PROXY", &past_proxy).env("no_proxy", &past_proxy);
    for name in CLEARED {
        child.env_remove(name);
    }
    for name in &context.environment.service_endpoints {
        child.env_remove(name);
    }
    if let Some(path) = path_with_us(context) {
        child.env("PATH", path);
    }
    // On a terminal the command has to be in the foreground's group, and gets ^C as we do. Elsewhere nobody but us
    // gets the signal, and whatever the command started shall have it too.
    let terminal = context.ui.terminal.stdin;
    if !terminal {
        child.process_group(0);
    }
    // Before the command starts: a signal that comes at once must not end us and leave it behind.
    let mut signal = Box::pin(context.signals.next());
    let mut child = child.spawn().map_err(|error| {
        Failure::new(format!("cannot run {}", program.to_string_lossy())).cause(error.to_string())
    })?;
    let mut asked = false;
    loop {
        tokio::select! {
            status = child.wait() => return status.doing("wait for the command"),
            caught = &mut signal => {
                signal.set(context.signals.next());
                let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
                match pid {
                    Some(_) if terminal && caught == Signal::Interrupt => {}
                    Some(pid) => {
                        pass_on(pid, to_send(caught, asked), terminal);
                        asked = true;
                    }
                    None => {}
                }
            }
        }
    }
}

/// What the command is sent: what we got, and KILL where it was asked to end before.
fn to_send(caught: Signal, asked: bool) -> process::Signal {
    match caught {
        _ if asked => process::Signal::KILL,
        Signal::Interrupt => process::Signal::INT,
        Signal::Terminate => process::Signal::TERM,
    }
}

fn pass_on(pid: Pid, signal: process::Signal, alone: bool) {
    // Where it has ended already, its end is seen next.
    let _ = if alone { process::kill_process(pid, signal) } else { process::kill_process_group(pid, signal) };
}

/// The hosts that are called past a proxy, and the sandbox's among them.
fn past_proxy(hosts: Option<&str>) -> String {
    let mut hosts: Vec<&str> = hosts.into_iter().collect();
    hosts.push("127.0.0.1,localhost,::1");
    hosts.join(",")
}

/// The PATH with this program's own folder before it.
fn path_with_us(context: &Context) -> Option<OsString> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let path = context.environment.path.clone().unwrap_or_default();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).ok()
}

/// The command's code; 128 and the signal's number where one ended it, as in a shell.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_passed_by() {
        assert_eq!(past_proxy(None), "127.0.0.1,localhost,::1");
        assert_eq!(past_proxy(Some("intranet")), "intranet,127.0.0.1,localhost,::1");
    }

    #[test]
    fn the_codes_of_a_shell() {
        assert_eq!(code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(code(ExitStatus::from_raw(0)), 0);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
    }
}
