//! Scripted timelines from the API's answers to every reporter: a stand-in serves what was recorded from the sandbox
//! (`tests/timelines/record.py`) or, of what only AWS does, made by hand; the watch of it is recorded, and what each
//! reporter makes of that recording is committed. `SNAPSHOTS=overwrite cargo test --test cdctl timelines` writes it anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Map, Value, json};
use snapbox::{Data, assert_data_eq};

use crate::support::cdctl::{Machine, Run, package};
use crate::support::screen::Terminal;
use crate::support::stand_in::{Answer, Request, StandIn};

/// Looks that follow one another at once, and no limit on the calls of a look: each frame is told whole.
const AT_ONCE: &str = "--interval 100ms --max-calls-per-minute 1000000";

fn folder(name: &str) -> PathBuf {
    package("tests/timelines").join(name)
}

fn timeline(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder(name).with_extension("json")).unwrap()).unwrap()
}

/// What the API knows at one moment of a timeline.
#[derive(Default)]
struct Moment {
    frame: usize,
    date: String,
    deployments: Map<String, Value>,
    /// By deployment, and by their own id.
    targets: BTreeMap<String, Map<String, Value>>,
}

impl Moment {
    /// Goes one frame on; the last one stays.
    fn next(&mut self, timeline: &Value) {
        let Some(frame) = timeline["frames"].get(self.frame) else { return };
        self.frame += 1;
        frame["date"].as_str().unwrap().clone_into(&mut self.date);
        self.deployments.extend(members(&frame["deployments"]));
        for (deployment, targets) in members(&frame["targets"]) {
            self.targets.entry(deployment).or_default().extend(members(&targets));
        }
    }

    fn answer(&mut self, timeline: &Value, request: &Request) -> Answer {
        let operation = request.operation().unwrap();
        let asked: Value = serde_json::from_str(&request.body).unwrap();
        if operation == "GetDeployment" {
            self.next(timeline);
        }
        let answer = self.known(operation, &asked).or_else(|| timeline["once"].get(operation).cloned());
        let told = match (answer, operation) {
            (Some(answer), _) => Answer::json(&answer.to_string()),
            (None, "GetDeployment") => Answer::error(400, "DeploymentDoesNotExistException"),
            (None, "ListDeploymentTargets" | "BatchGetDeploymentTargets") => {
                Answer::error(400, "DeploymentNotStartedException")
            }
            (None, _) => Answer::error(400, "AccessDeniedException"),
        };
        Answer { date: Some(self.date.clone()), ..told }
    }

    fn known(&self, operation: &str, asked: &Value) -> Option<Value> {
        let id = asked["deploymentId"].as_str()?;
        match operation {
            "GetDeployment" => Some(json!({"deploymentInfo": self.deployments.get(id)?})),
            "ListDeploymentTargets" => {
                let wanted = asked["targetFilters"]["TargetStatus"].as_array();
                let targets = self.targets.get(id)?.iter();
                let found =
                    targets.filter(|(_, target)| wanted.is_none_or(|wanted| wanted.contains(status(target))));
                Some(json!({"targetIds": found.map(|(id, _)| id).collect::<Vec<_>>()}))
            }
            "BatchGetDeploymentTargets" => {
                let targets = self.targets.get(id)?;
                let ids = asked["targetIds"].as_array().unwrap().iter();
                let found: Vec<_> = ids.filter_map(|id| targets.get(id.as_str().unwrap())).collect();
                Some(json!({"deploymentTargets": found}))
            }
            _ => None,
        }
    }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The status of a target of whatever kind.
fn status(target: &Value) -> &Value {
    &target.as_object().unwrap().values().find(|member| member.is_object()).unwrap()["status"]
}

/// A service that goes through this timeline, a frame with each GetDeployment.
fn service(timeline: &Value) -> StandIn {
    let (timeline, moment) = (timeline.clone(), Mutex::new(Moment::default()));
    StandIn::new(move |request| moment.lock().unwrap().answer(&timeline, request))
}

/// A recording without what is another each time: the parts of a second at which something was observed, and the word
/// that nothing was, which comes after ten real seconds.
fn settled(recording: &str) -> String {
    let events = recording.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).unwrap());
    let mut text = String::new();
    for (seq, mut event) in events.filter(|event| event["type"] != "seen").enumerate() {
        let ts: jiff::Timestamp = event["ts"].as_str().unwrap().parse().unwrap();
        event["ts"] = ts.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string().into();
        event["seq"] = seq.into();
        text += &format!("{}\n", Value::from(event));
    }
    text
}

/// Holds `text` against the committed one. The version is the one thing in it that another release changes.
fn compare(name: &str, kind: &str, text: &str) {
    let text = text.replace(concat!("cdctl ", env!("CARGO_PKG_VERSION")), "cdctl 0.0.0");
    let expected = Data::read_from(&folder(name).join(kind), None);
    assert_data_eq!(Data::text(text).raw(), expected.raw());
}

/// One timeline through the watch, and its recording through every reporter. `code` is the exit code of all that watch.
fn told_by_all(name: &str, code: i32) {
    let timeline = timeline(name);
    let id = timeline["watch"].as_str().unwrap();
    let stand_in = service(&timeline);
    let machine = Machine::new().against(&stand_in.url);
    let file = machine.home().join("recording.ndjson").display().to_string();
    let watched = machine.run(&format!("deploy watch {id} --record {file} {AT_ONCE}")).ends_with(code);
    let all = timeline["frames"].as_array().unwrap().len();
    let looks = stand_in.seen().iter().filter(|request| request.operation() == Some("GetDeployment")).count();
    assert!(looks + 2 >= all, "{looks} looks at {all} frames\n{watched}");
    let recording = settled(&fs::read_to_string(&file).unwrap());
    fs::write(&file, recording).unwrap();

    // Nothing is called any more.
    let offline = Machine::new();
    let summary = offline.home().join("summary.md");
    fs::write(&summary, "").unwrap();
    let offline = offline.set("GITHUB_STEP_SUMMARY", &summary.display().to_string());
    let replay = |more: &str| -> Run {
        offline.run(&format!("deploy watch --replay {file} {more}")).ends_with(code).holds_no_escape()
    };
    compare(name, "log.txt", &replay("").says_nothing().stderr);
    compare(name, "linear.txt", &replay("--linear").says_nothing().stderr);
    compare(name, "github.txt", &replay("--ci github").to_string());
    compare(name, "github.md", &fs::read_to_string(&summary).unwrap());
    let gitlab: Run = offline.run(&format!("deploy watch --replay {file} --ci gitlab")).ends_with(code);
    compare(name, "gitlab.txt", &gitlab.to_string().replace('\x1b', "ESC").replace('\r', "CR"));
    let junit = offline.home().join("junit.xml");
    let quiet = replay(&format!("-q --junit {}", junit.display())).says_nothing();
    assert_eq!(quiet.stderr, "", "{quiet}");
    compare(name, "junit.xml", &fs::read_to_string(&junit).unwrap());
    let events = replay("-o ndjson");
    compare(name, "events.ndjson", &events.stdout);
    assert_eq!(events.stdout, fs::read_to_string(&file).unwrap(), "a replayed stream is the recorded one");
    for (format, kind) in [("html", "report.html"), ("markdown", "report.md")] {
        let report = offline.run(&format!("deploy report --replay {file} -f {format}")).ends_with(0);
        compare(name, kind, &without_style(&report.stdout));
    }
    compare(name, "screen.txt", &last_screen(&file, code));

    let stand_in = service(&timeline);
    let silent = Machine::new().against(&stand_in.url).run(&format!("deploy wait {id} {AT_ONCE}"));
    let silent = silent.ends_with(code).says_nothing();
    assert_eq!(silent.stderr, "", "{silent}");
}

/// A page without its style, which is the same in all.
fn without_style(html: &str) -> String {
    let Some((head, rest)) = html.split_once("<style>") else { return html.to_owned() };
    format!("{head}<style>…{}", &rest[rest.find("</style>").unwrap()..])
}

/// What a live view leaves on the terminal.
fn last_screen(recording: &str, code: i32) -> String {
    let line = format!("deploy watch --replay {recording} --speed 1000000");
    let (ended, screen) = Terminal::start(Machine::new(), &line, (100, 60)).ends();
    assert_eq!(ended, Some(code), "{screen}");
    format!("{}\n", screen.trim_end())
}

#[test]
fn hosts_of_which_some_fail_are_rolled_back() {
    told_by_all("in_place", 5);
}

#[test]
fn hosts_that_change_places() {
    told_by_all("blue_green", 0);
}

#[test]
fn a_function_whose_traffic_moves_in_two_steps() {
    told_by_all("lambda_canary", 0);
}

#[test]
fn a_service_whose_traffic_moves_in_two_steps() {
    told_by_all("ecs", 0);
}

#[test]
fn a_stack_of_cloud_formation() {
    told_by_all("cloud_formation", 0);
}

#[test]
fn a_platform_with_targets_and_states_that_nobody_knows() {
    told_by_all("unknown", 3);
}

/// Every file beside the timelines is one that a test has looked at: none is left of an earlier name.
#[test]
fn each_timeline_has_its_snapshots() {
    let entries = fs::read_dir(package("tests/timelines")).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let named = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut timelines: Vec<_> =
        files.iter().filter(|path| path.extension().unwrap() == "json").map(|path| named(path)).collect();
    let mut told: Vec<_> = folders.iter().map(|path| named(path)).collect();
    timelines.sort();
    told.sort();
    assert_eq!(timelines, told);
}
