//! One list of findings from the readings of both agents: what both say is said once, what one says is named as its.

use std::collections::HashMap;

use crate::source::Position;

use super::{Agent, Finding};

/// `one` and `two` are the findings on the same text.
pub fn merge(one: Vec<Finding>, two: Vec<Finding>) -> Vec<Finding> {
    // Where an agent cannot read the file at all it has nothing to say of its parts.
    let blind = |findings: &[Finding]| findings.iter().any(|finding| UNREAD.contains(&finding.code));
    let (one_blind, two_blind) = (blind(&one), blind(&two));
    // Of one code at one place there are few; of all there may be many.
    let mut rest: HashMap<_, Vec<Finding>> = HashMap::new();
    for finding in two {
        rest.entry(place(&finding)).or_default().push(finding);
    }
    let mut merged = Vec::new();
    for finding in one {
        let others = rest.get_mut(&place(&finding)).filter(|others| !others.is_empty());
        let same = others.map(|others| {
            let equal = others.iter().position(|other| other.severity == finding.severity);
            others.remove(equal.unwrap_or_default())
        });
        merged.push(match same {
            Some(other) if other.severity == finding.severity => finding,
            Some(other) if finding.severity < other.severity => named(finding, Agent::One, Some(other)),
            Some(other) => named(other, Agent::Two, Some(finding)),
            None if two_blind && !UNREAD.contains(&finding.code) => finding,
            None => named(finding, Agent::One, None),
        });
    }
    let mut left: Vec<Finding> = rest.into_values().flatten().collect();
    left.sort_by_key(|finding| (start(finding), finding.code));
    merged.extend(left.into_iter().map(|finding| {
        if one_blind && !UNREAD.contains(&finding.code) { finding } else { named(finding, Agent::Two, None) }
    }));
    merged
}

/// The codes of files that are not read to their end.
const UNREAD: &[&str] = &["A001", "A002", "A006"];

/// What is said, and where.
fn place(finding: &Finding) -> (&'static str, Option<Position>) {
    (finding.code, start(finding))
}

fn start(finding: &Finding) -> Option<Position> {
    finding.span.map(|span| span.start)
}

fn named(finding: Finding, agent: Agent, other: Option<Finding>) -> Finding {
    Finding { only: Some(agent), other: other.map(|other| other.message), ..finding }
}
