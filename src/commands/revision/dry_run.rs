//! `cdctl revision run --dry-run`: each script and file of a deployment, and what is in its way. Does nothing.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::run::{fetch, kind};
use super::run_report;
use crate::appspec::{Agent, AppSpec};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::print_json;
use crate::model::EventName;
use crate::revision::Source;
use crate::runner::{self, Host, Preview, Specification};

pub fn show(
    context: &Context,
    source: &Source,
    appspec: &AppSpec,
    (host, specification, agent): (&Host, &Specification, Agent),
    events: &[EventName],
) -> anyhow::Result<Exit> {
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).context("cannot make a temporary directory")?;
    let bundle = folder.path().join("bundle");
    fetch(source, &bundle)
        .and_then(|()| runner::unpack(&bundle, &kind(source), &archive))
        .map_err(Failure::new)?;
    let refuse = |message| Failure::new("Install would fail").cause(message).exit(Exit::Failed);
    let preview = runner::preview(host, (specification, agent), appspec, &archive).map_err(refuse)?;
    let archive = archive.canonicalize().unwrap_or(archive);
    let mut lines = Vec::new();
    for event in events {
        for script in appspec.scripts(event.as_str()) {
            lines.push(json!({"event": event.as_str(), "type": "script", "location": script.location,
                "timeout": script.timeout, "runas": script.runas}));
        }
        if *event == EventName::Install {
            lines.extend(install(&preview, &archive));
        }
    }
    if context.settings.output.format.is_machine() {
        let json = json!({ "steps": lines });
        print_json(&json, Some("steps"), &context.settings.output, &context.ui)?;
    } else {
        run_report::steps(&lines, &context.ui)?;
    }
    match preview.conflicts.first() {
        Some(path) => Err(refuse(runner::conflict(path))
            .help("--file-exists-behavior OVERWRITE or RETAIN, where the AppSpec says nothing of it")
            .into()),
        None => Ok(Exit::Ok),
    }
}

/// The steps of Install, sources as the bundle has them.
fn install(preview: &Preview, archive: &Path) -> Vec<Value> {
    let mut steps = preview.steps.get("instructions").and_then(Value::as_array).cloned().unwrap_or_default();
    for step in &mut steps {
        let path = |name: &str| step.get(name).and_then(Value::as_str).map(Path::new);
        let source = path("source").map(|path| path.strip_prefix(archive).unwrap_or(path).to_owned());
        let in_the_way = path("destination")
            .is_some_and(|path| preview.conflicts.iter().any(|conflict| conflict.as_path() == path));
        if let Some(source) = source {
            step["source"] = source.to_string_lossy().into();
            step["conflict"] = in_the_way.into();
        }
        step["event"] = EventName::Install.as_str().into();
    }
    steps
}
