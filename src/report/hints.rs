//! What usually is behind a failure that the service's own words do not explain. Pure.

use super::words::shell;
use crate::model::{EventName, Serving};
use crate::watch::causes::Cause;
use crate::watch::event::ErrorEvent;

/// The usual reason of a cause, and what to do; `hosts`: it is one of hosts.
///
/// Source: AWS user guide, "Troubleshoot EC2/On-Premises deployment issues".
pub fn of_cause(cause: &Cause, hosts: bool) -> Option<&'static str> {
    if cause.message.contains("was not able to receive the lifecycle event") {
        return Some(
            "the host did not ask for work for five minutes: is its agent running, and can it reach CodeDeploy?",
        );
    }
    match cause.event.as_ref()? {
        EventName::ApplicationStop | EventName::BeforeBlockTraffic | EventName::AfterBlockTraffic => Some(
            "this script is the old revision's; a new one cannot mend it: deploy with --ignore-application-stop-failures",
        ),
        // A function and a service have no host that says why.
        EventName::AllowTraffic if hosts && cause.log_tail.trim().is_empty() => {
            Some("no script ran: the load balancer did not find the host healthy; look at its health check")
        }
        _ => None,
    }
}

/// The usual reason of what the service says of the whole deployment.
///
/// Source: AWS user guide, "Troubleshoot AWS Lambda deployment issues".
pub fn of_error(error: &ErrorEvent) -> Option<&'static str> {
    let split = error.code == "INVALID_LAMBDA_CONFIGURATION"
        && error.message.contains("does not match the current version");
    split.then_some(
        "a deployment that was stopped may have left the alias on two versions: look with `aws lambda get-alias`, \
         point it at one of them, or deploy with its version as the current one",
    )
}

/// What is to be said of a function's alias that a deployment has left on two versions, and the command that puts it back
/// to the one before.
///
/// Source: AWS Lambda developer guide, "Implement Lambda canary deployments using a weighted alias".
pub fn of_serving(serving: &Serving) -> Option<(&'static str, String)> {
    let Serving::Lambda { function, alias, current, weight: Some(weight), .. } = serving else { return None };
    (*weight > 0.0 && *weight < 1.0).then(|| {
        let command = format!(
            "aws lambda update-alias --function-name {} --name {} --function-version {} \
             --routing-config AdditionalVersionWeights={{}}",
            shell(function),
            shell(alias),
            shell(current)
        );
        ("the alias is left on two versions, and deployments fail until it is on one", command)
    })
}
