//! Programs of this machine that stand for hook functions: they get the payload on standard input and may call back.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Takes whether a program ended with exit code 0.
pub type Ended = Box<dyn FnOnce(bool) + Send>;

/// What invokes the programs of hook functions.
pub trait Programs: Send + Sync {
    /// Starts a program and does not wait for it. `ended` is called once it has ended; the error is why it was not
    /// started.
    fn invoke(&self, command: &[String], payload: &Value, region: &str, ended: Ended) -> Result<(), String>;
}

/// Programs of this machine, where `--allow-host-hooks` says so.
#[derive(Debug)]
pub struct HostPrograms {
    pub allowed: bool,
    /// What programs see of their environment beside the region: nothing of the caller's.
    pub environment: BTreeMap<String, String>,
}

impl Programs for HostPrograms {
    #[expect(clippy::disallowed_methods, reason = "a hook function may be a program of the machine")]
    fn invoke(&self, command: &[String], payload: &Value, region: &str, ended: Ended) -> Result<(), String> {
        if !self.allowed {
            return Err("The hook function is a program, which would run on this machine as you. Start the \
                        sandbox with --allow-host-hooks."
                .to_owned());
        }
        let [program, arguments @ ..] = command else {
            return Err("The hook's command is empty.".to_owned());
        };
        let spawned = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .env("AWS_REGION", region)
            .env("AWS_DEFAULT_REGION", region)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.map_err(|error| format!("{program} could not be started: {error}"))?;
        let payload = payload.to_string();
        let waiting = std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
            if let Some(mut stdin) = child.stdin.take() {
                // A program that doesn't read ends all the same.
                let _ = stdin.write_all(payload.as_bytes());
            }
            ended(child.wait().is_ok_and(|status| status.success()));
        });
        waiting.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// What a shell script makes of the payload: whether it ended well.
    fn run(allowed: bool, script: &str) -> Result<bool, String> {
        let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into();
        let programs = HostPrograms { allowed, environment };
        let (ended, end) = channel();
        let command = ["sh", "-c", script].map(str::to_owned);
        let payload = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e"});
        programs.invoke(&command, &payload, "eu-west-1", Box::new(move |well| ended.send(well).unwrap()))?;
        Ok(end.recv_timeout(Duration::from_secs(60)).unwrap())
    }

    #[test]
    fn a_program_reads_the_payload_and_sees_nothing_of_the_caller() {
        let payload = r#"{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e"}"#;
        assert_eq!(run(true, &format!("test \"$(cat)\" = '{payload}'")), Ok(true));
        assert_eq!(
            run(true, "test \"$AWS_REGION\" = eu-west-1 && test -z \"$HOME$CARGO_MANIFEST_DIR\""),
            Ok(true)
        );
        assert_eq!(run(true, "exit 3"), Ok(false));
    }

    #[test]
    fn programs_run_only_where_they_may() {
        assert!(run(false, "true").unwrap_err().contains("--allow-host-hooks"));
        let programs = HostPrograms { allowed: true, environment: BTreeMap::new() };
        let command = ["/nowhere/program".to_owned()];
        let error = programs.invoke(&command, &json!({}), "eu-west-1", Box::new(|_| {})).unwrap_err();
        assert!(error.contains("/nowhere/program could not be started"), "{error}");
        assert!(programs.invoke(&[], &json!({}), "eu-west-1", Box::new(|_| {})).is_err());
    }
}
