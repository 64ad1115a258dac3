//! `cdctl revision run --dry-run`: each script and file of a deployment, and what is in its way. Does nothing.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::run::{fetch, kind};
use super::run_report;
use crate::appspec::{Agent, AppSpec, Finding, Script, Severity};
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Output, View};
use crate::model::EventName;
use crate::revision::Source;
use crate::runner::{self, Host, Preview, Specification};
use crate::scratch::Folder;
use crate::ui::Ui;

pub fn show(
    (output, ui): (&Output, &Ui),
    source: &Source,
    (appspec, findings): &(AppSpec, Vec<Finding>),
    (host, specification, agent): (&Host, &Specification, Agent),
    events: &[EventName],
) -> anyhow::Result<Exit> {
    let folder = Folder::new().context("cannot make a temporary directory")?;
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).context("cannot make a temporary directory")?;
    let bundle = folder.path().join("bundle");
    let unpack = if specification.of_directory { runner::extract } else { runner::unpack };
    fetch(source, host, &bundle)
        .and_then(|()| unpack(&bundle, &kind(source), &archive))
        .map_err(Failure::new)?;
    let archive = archive.canonicalize().unwrap_or(archive);
    let within = format!("{}/", archive.display());
    let refuse = |event: &EventName, message: String| {
        let message = message.replace(&within, "");
        Failure::new(format!("{event} would fail")).cause(message).exit(Exit::Failed)
    };
    let preview = runner::preview(host, (specification, agent), appspec, &archive)
        .map_err(|message| refuse(&EventName::Install, message))?;
    let stops = |event: &EventName| runner::stops(event) && !has_download_before(events, event);
    let earlier = if events.iter().any(stops) {
        runner::earlier(host, specification, agent).map_err(|message| {
            let what = "the events of the revision before would fail";
            Failure::new(what).cause(message).exit(Exit::Failed)
        })?
    } else {
        None
    };
    let mut lines = Vec::new();
    let (mut failing, mut scripts_before) = (None, false);
    for event in events {
        let appspec = if stops(event) { earlier.as_ref() } else { Some(appspec) };
        let appspec = appspec.filter(|_| runner::runs_scripts(event));
        for script in appspec.into_iter().flat_map(|appspec| appspec.scripts(event.as_str())) {
            let is_missing = !stops(event) && !runner::has_script(&archive, &script.location);
            if !stops(event) && failing.is_none() {
                let what = format!("Script does not exist at specified location: {}", script.location);
                let what = if is_missing { Some(what) } else { fails(script, findings, host.is_roots()) };
                failing = what.map(|what| (event, what));
            }
            lines.push(json!({"event": event.as_str(), "type": "script", "location": script.location,
                "timeout": script.timeout, "runas": script.runas, "missing": is_missing}));
        }
        if *event == EventName::Install {
            scripts_before = !lines.is_empty();
            let step = |kind: &str, path: &PathBuf| json!({"event": event.as_str(), "type": kind, "file": path.to_string_lossy()});
            lines.extend(preview.forgotten.iter().map(|path| step("remove-context", path)));
            lines.extend(preview.removed.iter().map(|path| step("remove", path)));
            lines.extend(install(&preview, &archive));
        }
    }
    let table = run_report::steps(&lines);
    View { json: json!({ "steps": lines }), items: Some("steps"), table, empty: "" }.print(output, ui)?;
    if let Some(why) = &preview.distrusted {
        ui.warn(why);
    }
    match (preview.conflicts.first(), failing) {
        (Some(path), _) => Err(refuse(&EventName::Install, runner::conflict(path))
            .help("--file-exists-behavior OVERWRITE or RETAIN, where the AppSpec says nothing of it")
            .into()),
        (None, Some((event, what))) => Err(refuse(event, what).into()),
        (None, None) => match preview.lacks {
            Some(message) if scripts_before => {
                ui.warn(&format!("{message}: Install would fail, unless a script before it changes that"));
                Ok(Exit::Ok)
            }
            Some(message) => Err(refuse(&EventName::Install, message).into()),
            None => Ok(Exit::Ok),
        },
    }
}

/// Why a script that is there is certain to fail its event, by what was said of it. `roots`: scripts run as others.
fn fails(script: &Script, findings: &[Finding], roots: bool) -> Option<String> {
    let name = script.runas.as_ref().map(|name| format!("`{name}`"));
    let of_it = |finding: &&Finding| {
        let is_of_it = match finding.code {
            "A037" | "A038" | "A039" | "A040" | "A047" => finding.span == Some(script.span),
            // It stands at the name, which fails wherever it is.
            "A044" => roots && name.as_ref().is_some_and(|name| finding.message.contains(name)),
            _ => false,
        };
        finding.severity == Severity::Error && is_of_it
    };
    findings.iter().find(of_it).map(|finding| finding.message.clone())
}

/// A deployment's own archive is there once it is downloaded, and wins.
fn has_download_before(events: &[EventName], event: &EventName) -> bool {
    let at = |wanted: &EventName| events.iter().position(|event| event == wanted);
    at(&EventName::DownloadBundle) < at(event)
}

/// The steps of Install, sources as the bundle has them.
fn install(preview: &Preview, archive: &Path) -> Vec<Value> {
    let mut steps = preview.steps.get("instructions").and_then(Value::as_array).cloned().unwrap_or_default();
    let conflicts: HashSet<&Path> = preview.conflicts.iter().map(PathBuf::as_path).collect();
    for step in &mut steps {
        let path = |name: &str| step.get(name).and_then(Value::as_str).map(Path::new);
        let source = path("source").map(|path| path.strip_prefix(archive).unwrap_or(path).to_owned());
        let in_the_way = path("destination").is_some_and(|path| conflicts.contains(path));
        if let Some(source) = source {
            step["source"] = source.to_string_lossy().into();
            step["conflict"] = in_the_way.into();
        }
        step["event"] = EventName::Install.as_str().into();
    }
    steps
}
