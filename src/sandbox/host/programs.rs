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
