//! What the hosts run once a watch has ended, and, where not all of them run the same, which; or who has the traffic. Pure.

use super::words::{self, line, short_revision, short_revisions};
use crate::model::Serving;
use crate::watch::event::{Counts, Fleets, Report};

/// Hosts named of those that run the same.
const HOSTS: usize = 6;

/// So many hosts, what they run, and the names that are known of them.
type Part<'a> = (u64, String, &'a [String]);

/// The lines of a summary, behind its label. After a rollback its hosts tell, before one the deployment's own; the broken
/// ones stand by their causes.
pub fn lines(report: &Report) -> Vec<String> {
    if matches!(report.serving, Serving::CloudFormation { .. }) {
        // What a stack's resource runs is the stack's affair.
        return Vec::new();
    }
    if let Some(serving) = served(&report.serving) {
        return vec![serving];
    }
    let (new, old) = match (report.revision.as_deref(), report.previous_revision.as_deref()) {
        (Some(new), Some(old)) => short_revisions(new, old),
        (new, old) => {
            let or = |revision: Option<&str>, otherwise: &str| {
                revision.map_or(otherwise.to_owned(), short_revision)
            };
            (or(new, "the new revision"), or(old, "what they had"))
        }
    };
    // What was deployed before may have failed on them, or have left them out too.
    let untouched = match report.previous_revision {
        Some(_) => format!("untouched (last good: {old})"),
        None => format!("untouched on {old}"),
    };
    match (&report.rollback_fleets, &report.fleets) {
        (Some(back), _) => return both(came_back(back, &old)),
        // The rollback has changed what the deployment before had left.
        (None, _) if report.blue_green && report.rollback_counts.is_some() => {
            return unread(report, &new, &old);
        }
        (None, Some(fleets)) => return both(change_places(fleets, &new, &old)),
        (None, None) if report.blue_green => return unread(report, &new, &old),
        (None, None) => {}
    }
    let (mut parts, hosts) = match (report.rollback_counts, report.counts) {
        (Some(back), _) => (rolled_back(report, back, &new, &old, untouched), &report.rollback_hosts),
        (None, Some(counts)) => {
            let mut parts = reached(counts, &report.hosts.ok, &new);
            parts.push((counts.pend + counts.skip, untouched, &report.hosts.skip));
            (parts, &report.hosts)
        }
        (None, None) => return Vec::new(),
    };
    parts.retain(|(count, _, _)| *count > 0);
    if parts.len() > 1 && !hosts.is_empty() {
        return parts
            .iter()
            .map(|(count, what, known)| format!("{count} {what}{}", which(*count, known)))
            .collect();
    }
    let parts: Vec<_> = parts.into_iter().map(|(count, what, _)| format!("{count} {what}")).collect();
    if parts.is_empty() { parts } else { vec![parts.join(", ")] }
}

/// Who has the traffic of a function or a service, as its target said last.
fn served(serving: &Serving) -> Option<String> {
    let shares = |shares: Vec<(String, f64)>| {
        let all = shares.iter().filter(|(_, share)| *share > 0.0);
        all.map(|(name, share)| format!("{name} {share:.0}%")).collect::<Vec<_>>().join(", ")
    };
    match serving {
        Serving::Lambda { function, alias, current, target, weight: Some(weight) } => {
            let versions =
                [(format!("v{current}"), (1.0 - weight) * 100.0), (format!("v{target}"), weight * 100.0)];
            Some(line(&format!("{function}:{alias} {}", shares(versions.into()))))
        }
        Serving::Ecs { task_sets } if !task_sets.is_empty() => {
            let sets = task_sets.iter().map(|set| {
                let parts = [set.label.as_deref(), set.status.as_deref(), set.target_group.as_deref()];
                let name: Vec<_> = parts.into_iter().flatten().collect();
                (name.join(" "), set.weight.unwrap_or_default())
            });
            Some(line(&shares(sets.collect())))
        }
        _ => None,
    }
}

/// The hosts that were reached on the way to revision `to`.
fn reached<'a>(counts: Counts, ok: &'a [String], to: &str) -> Vec<Part<'a>> {
    vec![
        (counts.ok, format!("on {to}"), ok),
        (counts.run + counts.ready, format!("at work on {to}"), &[]),
        (counts.fail, format!("broken (failed half way to {to})"), &[]),
    ]
}

/// What the rollback has not reached is as the deployment before has left it: on the new revision, the old, or half way.
fn rolled_back<'a>(
    report: &'a Report,
    back: Counts,
    new: &str,
    old: &str,
    untouched: String,
) -> Vec<Part<'a>> {
    let left = &report.rollback_left;
    let mut parts = reached(back, &report.rollback_hosts.ok, old);
    let unknown =
        (back.pend + back.skip).saturating_sub(left.counts.ok + left.counts.fail + left.counts.skip);
    let unreached = "not reached by the rollback";
    let rest: &[String] = if left.is_empty() { &report.rollback_hosts.skip } else { &[] };
    parts.extend([
        (left.counts.ok, format!("still on {new} ({unreached})"), left.hosts.ok.as_slice()),
        (left.counts.fail, format!("still half way to {new} ({unreached})"), &[]),
        (left.counts.skip, untouched, left.hosts.skip.as_slice()),
        (unknown, unreached.to_owned(), rest),
    ]);
    parts
}

/// A fleet's name, so many hosts in each state, and what all of them run.
type Fleet<'a> = (&'a str, Vec<(u64, String)>, String);

fn change_places<'a>(fleets: &Fleets, new: &str, old: &str) -> [Fleet<'a>; 2] {
    let Fleets { blue, green } = fleets;
    let text = str::to_owned;
    [
        (
            "green",
            vec![
                (green.ok, format!("in service on {new}")),
                (green.ready, format!("ready on {new}")),
                (green.run, format!("at work on {new}")),
                (green.fail, format!("broken (failed half way to {new})")),
                (green.pend + green.skip, text("untouched")),
            ],
            String::new(),
        ),
        (
            "blue",
            vec![
                (blue.ok, text("out of service")),
                (blue.run, text("on the way out of service")),
                (blue.fail, text("failed on the way out of service")),
                (blue.pend + blue.skip + blue.ready, text("in service")),
            ],
            format!(" on {old}"),
        ),
    ]
}

fn came_back<'a>(fleets: &Fleets, old: &str) -> [Fleet<'a>; 2] {
    let states = |counts: &Counts, done: &str| {
        vec![
            (counts.ok, done.to_owned()),
            (counts.run + counts.ready, format!("on the way {done}")),
            (counts.fail, format!("failed on the way {done}")),
            (counts.pend + counts.skip, "not reached by the rollback".to_owned()),
        ]
    };
    [
        ("blue", states(&fleets.blue, "back in service"), format!(" on {old}")),
        ("green", states(&fleets.green, "out of service"), String::new()),
    ]
}

/// Two fleets of which not each host was read. Where all went well all of each are where they were to be; else the counts
/// are of both.
fn unread(report: &Report, new: &str, old: &str) -> Vec<String> {
    let back = report.rollback_counts;
    match (back, back.or(report.counts)) {
        (_, None) => Vec::new(),
        (None, Some(counts)) if counts.ok == counts.total() => {
            vec![format!("green: all in service on {new}"), "blue: all out of service".to_owned()]
        }
        (Some(_), Some(counts)) if counts.ok == counts.total() => {
            vec![format!("blue: all back in service on {old}"), "green: all out of service".to_owned()]
        }
        (_, Some(counts)) => {
            vec![format!(
                "{}, of both fleets together; which host is where was not read",
                words::counts(&counts)
            )]
        }
    }
}

fn both(fleets: [Fleet<'_>; 2]) -> Vec<String> {
    let one = |(name, states, on): Fleet<'_>| {
        let states: Vec<_> = states
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!states.is_empty()).then(|| format!("{name}: {}{on}", states.join(", ")))
    };
    fleets.into_iter().filter_map(one).collect()
}

/// `: a, b, +3 more`: the names that are known of `count` hosts.
fn which(count: u64, known: &[String]) -> String {
    let shown: Vec<_> = known
        .iter()
        .take(HOSTS.min(usize::try_from(count).unwrap_or(HOSTS)))
        .map(|host| line(host))
        .collect();
    let more = count.saturating_sub(shown.len() as u64);
    match (shown.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", shown.join(", ")),
        (false, more) => format!(": {}, +{more} more", shown.join(", ")),
    }
}
