//! One list of findings from the readings of both agents: what both say is said once, what one says is named as its.

use super::{Agent, Finding};

/// `one` and `two` are the findings on the same text.
pub fn merge(one: Vec<Finding>, two: Vec<Finding>) -> Vec<Finding> {
    // Where an agent cannot read the file at all it has nothing to say of its parts.
    let blind = |findings: &[Finding]| findings.iter().any(|finding| UNREAD.contains(&finding.code));
    let (one_blind, two_blind) = (blind(&one), blind(&two));
    let mut rest = two;
    let mut merged = Vec::new();
    for finding in one {
        let place = |other: &Finding| other.code == finding.code && start(other) == start(&finding);
        let same = rest
            .iter()
            .position(|other| place(other) && other.severity == finding.severity)
            .or_else(|| rest.iter().position(place));
        merged.push(match same.map(|at| rest.remove(at)) {
            Some(other) if other.severity == finding.severity => finding,
            Some(other) if finding.severity < other.severity => named(finding, Agent::One, Some(other)),
            Some(other) => named(other, Agent::Two, Some(finding)),
            None if two_blind && !UNREAD.contains(&finding.code) => finding,
            None => named(finding, Agent::One, None),
        });
    }
    merged.extend(rest.into_iter().map(|finding| {
        if one_blind && !UNREAD.contains(&finding.code) { finding } else { named(finding, Agent::Two, None) }
    }));
    merged
}

/// The codes of files that are not read to their end.
const UNREAD: &[&str] = &["A001", "A002", "A006", "A007"];

fn start(finding: &Finding) -> Option<crate::source::Position> {
    finding.span.map(|span| span.start)
}

fn named(finding: Finding, agent: Agent, other: Option<Finding>) -> Finding {
    Finding { only: Some(agent), other: other.map(|other| other.message), ..finding }
}
