//! Which call the roster wants next, by what it has been told.

use super::*;
use crate::model::{Serving, TargetKind};

fn overview(pending: u64, in_progress: u64, succeeded: u64, failed: u64) -> Option<Overview> {
    Some(Overview { pending, in_progress, succeeded, failed, ..Overview::default() })
}

fn ids(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("i-{n:04}")).collect()
}

fn targets(ids: &[String], status: &TargetStatus) -> Vec<Target> {
    let target = |id: &String| Target {
        id: id.clone(),
        kind: TargetKind::Instance,
        status: status.clone(),
        label: None,
        last_updated: None,
        events: Vec::new(),
        serving: Serving::Unsaid,
    };
    ids.iter().map(target).collect()
}

/// A roster that has listed `count` targets.
fn listed(count: u32, counts: Option<Overview>) -> Roster {
    let mut roster = Roster::default();
    roster.tick(counts, Stage::Running);
    let (_, want) = roster.next().unwrap();
    assert_eq!(want, Want::List(Filter::All, None));
    roster.begin(&want);
    roster.listed(Filter::All, ids(0..count), None);
    roster
}

/// Describes all that the roster wants in this tick, as `status`.
fn describe_all(roster: &mut Roster, status: &TargetStatus) -> Vec<usize> {
    let mut batches = Vec::new();
    while let Some((_, Want::Describe(ids))) = roster.next() {
        batches.push(ids.len());
        roster.described(&ids, &targets(&ids, status));
    }
    batches
}

#[test]
fn few_targets_are_listed_once_and_described_each_tick_until_they_finish() {
    let mut roster = listed(40, overview(0, 40, 0, 0));
    assert_eq!(describe_all(&mut roster, &TargetStatus::InProgress), [25, 15]);
    roster.tick(overview(0, 0, 40, 0), Stage::Running);
    assert_eq!(describe_all(&mut roster, &TargetStatus::Succeeded), [25, 15]);
    roster.tick(overview(0, 0, 40, 0), Stage::Each);
    assert_eq!(roster.next(), None);
}

#[test]
fn failures_go_before_all_else() {
    let mut roster = listed(300, overview(0, 300, 0, 0));
    roster.tick(overview(0, 299, 0, 1), Stage::Running);
    let failed = Want::List(Filter::Failed, None);
    assert_eq!(roster.next(), Some((Purpose::Failure, failed.clone())));
    roster.begin(&failed);
    roster.listed(Filter::Failed, ids(299..300), None);
    let described = Want::Describe(ids(299..300));
    assert_eq!(roster.next(), Some((Purpose::Failure, described)));
    roster.described(&ids(299..300), &targets(&ids(299..300), &TargetStatus::Failed));
    assert!(matches!(roster.next(), Some((Purpose::Detail, Want::Describe(_)))), "the sample again");
}

#[test]
fn those_in_progress_take_turns() {
    let mut roster = listed(100, overview(0, 100, 0, 0));
    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        roster.tick(overview(0, 100, 0, 0), Stage::Running);
        let Some((Purpose::Detail, Want::Describe(ids))) = roster.next() else { panic!() };
        roster.described(&ids, &targets(&ids, &TargetStatus::InProgress));
        seen.extend(ids);
    }
    assert_eq!(seen.len(), 100);
}

#[test]
fn targets_that_show_up_late_are_listed_with_the_filter() {
    let mut roster = listed(10, overview(0, 10, 0, 0));
    roster.tick(overview(2, 10, 0, 0), Stage::Running);
    let late = Want::List(Filter::Running, None);
    assert_eq!(roster.next(), Some((Purpose::Detail, late.clone())));
    roster.begin(&late);
    roster.listed(Filter::Running, ids(0..12), None);
    assert_eq!(describe_all(&mut roster, &TargetStatus::InProgress), [12]);
}

#[test]
fn what_is_refused_is_not_asked_again_and_what_is_missing_not_in_this_tick() {
    let mut roster = listed(10, overview(0, 10, 0, 0));
    let Some((_, want)) = roster.next() else { panic!() };
    roster.untold(&want);
    assert_eq!(roster.next(), None);
    roster.tick(overview(0, 10, 0, 0), Stage::Running);
    roster.refused(&want);
    assert_eq!(roster.next(), None);
    roster.tick(overview(0, 10, 0, 0), Stage::Running);
    assert_eq!(roster.next(), None);
}

#[test]
fn a_fleet_of_none_is_asked_for_once_a_tick() {
    let mut roster = listed(0, overview(0, 0, 0, 0));
    assert_eq!(roster.next(), None);
    roster.tick(None, Stage::Running);
    assert!(matches!(roster.next(), Some((_, Want::List(Filter::All, None)))));
}
