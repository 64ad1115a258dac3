//! Why a deployment ended as it did, in the same words in every form. Pure; what comes from outside is not made safe
//! here, because each form has its own way.

use super::words::plural;
use crate::watch::causes::Cause;
use crate::watch::event::{ErrorEvent, Report};

/// What a watch says of its deployment.
pub fn of_report(report: &Report) -> Vec<String> {
    match &report.reason {
        // The outcome's own words say it.
        Some(_) if matches!(report.outcome.as_str(), "timed_out" | "detached") => Vec::new(),
        Some(reason) => vec![reason.clone()],
        None => of_error(
            report.error.as_ref(),
            &report.causes,
            report.counts.map_or(report.failures_not_read, |counts| counts.fail),
        ),
    }
}

/// The service's reason and the hosts' own, with `failed` targets. That too few healthy hosts were left is a symptom,
/// and never the lead.
pub fn of_error(error: Option<&ErrorEvent>, causes: &[Cause], failed: u64) -> Vec<String> {
    let of_causes = || plural(causes.iter().map(|cause| cause.count).sum(), "target");
    let own = match causes.len() {
        0 => None,
        1 => Some(format!("{} failed for one cause", of_causes())),
        many => Some(format!("{} failed for {many} causes", of_causes())),
    };
    match (own, error) {
        (own, Some(error)) if error.code == "HEALTH_CONSTRAINTS" => {
            let unread = || match failed {
                0 => "which targets failed, and why, was not read".to_owned(),
                failed => format!("{} failed, and why was not read", plural(failed, "target")),
            };
            let lead = own.unwrap_or_else(unread);
            vec![format!("{lead}; too few healthy ones were left (HEALTH_CONSTRAINTS)")]
        }
        (own, Some(error)) => {
            let said = format!("{}: {}", error.code, error.message.trim());
            [Some(said), own].into_iter().flatten().collect()
        }
        (own, None) => own.into_iter().collect(),
    }
}
