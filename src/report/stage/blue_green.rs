//! A fleet of hosts that changes places with another: both fleets side by side, and the stages between them. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::{NARROW, kept, mark, wrapped};
use crate::clock;
use crate::model::{DeploymentStatus, EventName, EventStatus, TargetStatus};
use crate::report::view::{Row, View};

/// What is known of one fleet, by the targets that have been looked at.
#[derive(Default)]
struct Fleet {
    hosts: u64,
    ready: u64,
    failed: u64,
    begun: u64,
    /// Its traffic has moved.
    moved: u64,
    moving: u64,
    /// When its first host began, and when its last one changed.
    began: Option<Timestamp>,
    changed: Option<Timestamp>,
}

impl Fleet {
    fn of(view: &View, label: &str, traffic: &[EventName]) -> Fleet {
        let mut fleet = Fleet::default();
        for row in view.targets.values().filter(|row| row.label.as_deref() == Some(label)) {
            fleet.add(row, traffic);
        }
        fleet
    }

    fn add(&mut self, row: &Row, traffic: &[EventName]) {
        let [.., moves, after] = traffic else { return };
        let at = |name: &EventName| row.event.as_ref() == Some(name);
        let done = row.status == TargetStatus::Succeeded || at(after);
        self.hosts += 1;
        self.ready += u64::from(row.status == TargetStatus::Ready);
        self.failed += u64::from(row.status == TargetStatus::Failed);
        self.begun += u64::from(row.event.is_some());
        self.moved += u64::from(done);
        self.moving += u64::from(done || at(moves) || traffic.first().is_some_and(at));
        self.began = [self.began, row.began].into_iter().flatten().min();
        self.changed = self.changed.max(row.time);
    }
}

/// Both fleets and the stages; nothing where the deployment has no fleet that is replaced.
pub fn lines(view: &View, width: usize, unicode: bool) -> Vec<String> {
    let blue = Fleet::of(view, "Blue", EventName::BLOCK_TRAFFIC);
    let green = Fleet::of(view, "Green", EventName::ALLOW_TRAFFIC);
    if blue.hosts + green.hosts == 0 {
        return Vec::new();
    }
    let count = |fleet: &Fleet, in_service: bool| {
        let mut text = fleet.hosts.to_string();
        if in_service && fleet.hosts > fleet.moved {
            text.push_str(&format!(", {} in service", fleet.hosts - fleet.moved));
        }
        for (count, word) in [(fleet.ready, "ready"), (fleet.failed, "failed")] {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        text
    };
    let (of_blue, of_green) = (count(&blue, true), count(&green, false));
    let total = view.counts().map_or(0, |counts| counts.total());
    let part = (!view.is_read()).then(|| format!("{} of {total} read", view.targets.len()));
    let block = format!("BlockTraffic {}/{}", blue.moved, blue.hosts);
    let allow = format!("AllowTraffic {}/{}", green.moved, green.hosts);
    let mut lines = match width < NARROW {
        true => part
            .map(|part| format!("hosts    {part}"))
            .into_iter()
            .chain([
                format!("blue     {of_blue}"),
                format!("green    {of_green}"),
                format!("traffic  {block}"),
                format!("         {allow}"),
            ])
            .collect(),
        false => vec![
            format!(
                "         {:<24} GREEN (replacement){}",
                "BLUE (original)",
                part.map(|part| format!("   ({part})")).unwrap_or_default()
            ),
            format!("hosts    {of_blue:<24} {of_green}"),
            format!("traffic  {block:<24} {allow}"),
        ],
    };
    lines.extend(wrapped("stages   ", &stages(view, &blue, &green, unicode), width));
    lines
}

/// Each stage with a mark and its time, as far as the hosts' own times tell it.
fn stages(view: &View, blue: &Fleet, green: &Fleet, unicode: bool) -> Vec<String> {
    let Some(deployment) = &view.deployment else { return Vec::new() };
    let ready = deployment.status == DeploymentStatus::Ready;
    let kept = kept(view).is_some() || deployment.waits.termination_started;
    let counts = view.counts().unwrap_or_default();
    // What has been ready, and goes on, moves its traffic, and so does one of which a host is through.
    let past_ready = view.waited.is_some() && !ready;
    let moving = green.moving > 0 || blue.moving > 0 || counts.ok > 0 || past_ready;
    // A part of the hosts tells neither that none has begun nor that all are ready.
    let read = view.is_read();
    let begun = green.begun > 0 || counts.run + counts.ready + counts.ok + counts.fail > 0;
    let installed = ready || moving || (read && green.hosts > 0 && green.ready == green.hosts);
    let now = match (begun, installed, ready, kept) {
        (.., true) => 4,
        (.., true, _) => 2,
        _ if moving => 3,
        (_, true, ..) => 3,
        (true, ..) => 1,
        (false, ..) => 0,
    };
    let keep = match deployment.waits.termination_s {
        Some(wait) => format!("keep blue {}", clock::whole(Duration::from_secs(wait))),
        None => "keep blue".to_owned(),
    };
    let took = |from: Option<Timestamp>, to: Option<Timestamp>| {
        from.zip(to)
            .filter(|_| read)
            .map(|(from, to)| format!(" {}", clock::whole(clock::between(from, to))))
            .unwrap_or_default()
    };
    let provision = took(deployment.start_time, green.began.or((now == 0).then_some(view.now)));
    let install = match now {
        0 => String::new(),
        1 => took(green.began, Some(view.now)),
        _ if moving || now > 2 => took(green.began, view.waited.map(|(since, _)| since)),
        _ => took(green.began, green.changed),
    };
    let wait = match now {
        2 => took(view.ready_since().map(|since| since.at), Some(view.now)),
        _ => view.waited.map(|(since, until)| took(Some(since), Some(until))).unwrap_or_default(),
    };
    let mut names = vec![format!("provision{provision}"), format!("install{install}")];
    names.extend([format!("wait{wait}"), "reroute".to_owned(), keep]);
    names.extend(deployment.waits.termination_s.map(|_| "end blue".to_owned()));
    let stage = |(place, name): (usize, String)| {
        let status = match place.cmp(&now) {
            std::cmp::Ordering::Less => EventStatus::Succeeded,
            std::cmp::Ordering::Equal => EventStatus::InProgress,
            std::cmp::Ordering::Greater => EventStatus::Pending,
        };
        format!("{} {name}", mark(&status, unicode))
    };
    // Where nobody is asked there is no wait.
    let asked = deployment.waits.ready_s.is_some() || ready;
    names.into_iter().enumerate().filter(|(place, _)| asked || *place != 2).map(stage).collect()
}
