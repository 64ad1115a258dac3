//! What a fault of the fleet makes of an event. Pure.

use fastrand::Rng;

use super::texts;
use crate::model::{Diagnostics, EventName, LifecycleErrorCode};
use crate::sandbox::fleet::{Failure, Faults, Instance, Outcome};
use crate::sandbox::host::unknown_error;
use crate::sandbox::store::Millis;

/// How long an event that no agent takes is waited for. Source: AWS's quota page.
const RECEIVE_LIMIT: Millis = 300_000;
/// How long an event may take. Source: AWS's quota page.
pub(super) const EVENT_LIMIT: Millis = 3_600_000;
/// The end of a script's output that the service keeps, in bytes. Source: API reference, Diagnostics.
const LOG_TAIL: usize = 4_096;

/// The fault that meets an event, if any.
pub(super) struct Met(Option<Outcome>);

/// `gone`: the host has disappeared, which looks like an agent that is offline.
pub(super) fn meet(faults: &Faults, instance: &Instance, event: &EventName, now: Millis, gone: bool) -> Met {
    Met(if gone { Some(Outcome::AgentOffline) } else { faults.meet(instance, event, now) })
}

impl Met {
    /// How many times as long as usual the event takes.
    pub(super) fn factor(&self) -> f64 {
        match &self.0 {
            Some(Outcome::Slow(factor)) => *factor,
            _ => 1.0,
        }
    }

    /// When and how the event ends without reaching the host; none where it does reach it.
    pub(super) fn outcome(&self, event: &EventName, mut rng: Rng) -> Option<(Millis, Diagnostics)> {
        match self.0.as_ref()? {
            Outcome::Fail(failure) => Some((rng.i64(200..1_500), diagnostics(failure, event))),
            Outcome::Hang => Some((EVENT_LIMIT, unknown_error(texts::EVENT_TIMED_OUT))),
            Outcome::AgentOffline => Some((RECEIVE_LIMIT, unknown_error(texts::AGENT_OFFLINE))),
            Outcome::Slow(_) => None,
        }
    }
}

/// What a host says of a failure, in the agent's words. Source: official agent 1.8.1, hook_executor.
fn diagnostics(failure: &Failure, event: &EventName) -> Diagnostics {
    let blamed = failure.script.is_some();
    let default = if blamed { LifecycleErrorCode::ScriptFailed } else { LifecycleErrorCode::UnknownError };
    let error_code = failure.error_code.clone().unwrap_or(default);
    let script = failure.script.clone().unwrap_or_default();
    let message = failure.message.clone().unwrap_or_else(|| match error_code {
        LifecycleErrorCode::ScriptMissing => format!("Script does not exist at specified location: {script}"),
        LifecycleErrorCode::ScriptNotExecutable => {
            format!("Unable to set script at specified location: {script} as executable")
        }
        LifecycleErrorCode::ScriptTimedOut => {
            format!("Script at specified location: {script} failed to complete in 3600 seconds")
        }
        LifecycleErrorCode::ScriptFailed => {
            let code = failure.exit_code.unwrap_or(1);
            format!("Script at specified location: {script} failed with exit code {code}")
        }
        _ => "The host reported no reason.".to_owned(),
    });
    Diagnostics { error_code, script_name: script.clone(), message, log_tail: log(failure, event, &script) }
}

/// The log as the agent writes it, or rather its end.
fn log(failure: &Failure, event: &EventName, script: &str) -> String {
    let Some(text) = &failure.log else { return String::new() };
    let mut log = format!("LifecycleEvent - {event}\nScript - {script}\n");
    for line in text.lines() {
        log.push_str("[stderr]");
        log.push_str(line);
        log.push('\n');
    }
    let start = log.len().saturating_sub(LOG_TAIL);
    let start = (start..log.len()).find(|index| log.is_char_boundary(*index)).unwrap_or(0);
    log.split_off(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_script_is_told_in_the_agents_words() {
        let failure = Failure {
            script: Some("scripts/start.sh".into()),
            exit_code: Some(3),
            log: Some("port 80\nis taken".into()),
            ..Failure::default()
        };
        assert_eq!(
            diagnostics(&failure, &EventName::ApplicationStart),
            Diagnostics {
                error_code: LifecycleErrorCode::ScriptFailed,
                script_name: "scripts/start.sh".into(),
                message: "Script at specified location: scripts/start.sh failed with exit code 3".into(),
                log_tail: "LifecycleEvent - ApplicationStart\nScript - scripts/start.sh\n[stderr]port 80\n\
                           [stderr]is taken\n"
                    .into(),
            }
        );
    }

    #[test]
    fn a_long_log_keeps_its_end() {
        let failure = Failure { log: Some("é".repeat(5_000)), ..Failure::default() };
        let tail = diagnostics(&failure, &EventName::Install).log_tail;
        assert!(tail.len() <= LOG_TAIL && tail.ends_with("é\n"));
    }
}
