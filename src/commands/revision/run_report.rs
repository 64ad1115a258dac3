//! What `revision run` shows: the events as they go, a summary; for machines one object an event, or all in one.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::short;
use crate::format::{Format, Output, Table, View, print_json};
use crate::model::{Diagnostics, EventName, LifecycleErrorCode};
use crate::runner::Host;
use crate::ui::{self, Style, Ui};

/// An event that was run.
pub struct Ended {
    pub event: EventName,
    pub diagnostics: Diagnostics,
    /// What ended its script, where that was a signal.
    pub signal: Option<String>,
    pub took: Duration,
}

impl Ended {
    fn failed(&self) -> bool {
        self.diagnostics.error_code != LifecycleErrorCode::Success
    }

    fn wire(&self) -> Value {
        json!({
            "lifecycleEventName": self.event.as_str(),
            "status": if self.failed() { "Failed" } else { "Succeeded" },
            "seconds": self.took.as_secs_f64(),
            "diagnostics": {
                "errorCode": self.diagnostics.error_code.as_str(),
                "scriptName": self.diagnostics.script_name,
                "message": self.diagnostics.message,
                "logTail": self.diagnostics.log_tail,
                "signal": self.signal,
            },
        })
    }
}

/// An event that was not run any more.
fn skipped(event: &EventName) -> Value {
    json!({ "lifecycleEventName": event.as_str(), "status": "Skipped" })
}

pub struct Report {
    ui: Ui,
    output: Output,
    /// Whose lines come now.
    script: Mutex<String>,
    /// Nothing more can be written to stdout.
    deaf: AtomicBool,
}

impl Report {
    pub fn new(ui: &Ui, output: &Output) -> Self {
        Report {
            ui: ui.clone(),
            output: output.clone(),
            script: Mutex::default(),
            deaf: AtomicBool::new(false),
        }
    }

    pub fn begin(&self, id: &str, host: &Host, log: Option<&Path>) {
        self.ui.note(&format!("deployment {id} below {}", host.root.display()));
        if let Some(log) = log {
            self.ui.note(&format!("its log is {}", log.display()));
        }
    }

    /// Whether stdout has the events as they go, and not one document or a script's table.
    fn is_live(&self) -> bool {
        self.output.format == Format::Table && self.output.query.is_none()
    }

    /// A reader of stdout that has gone, or a full disk, is no reason to leave a host half way: it is said once, and the
    /// deployment goes on.
    fn show(&self, shown: anyhow::Result<()>) {
        let Err(error) = shown else { return };
        if !self.deaf.swap(true, Ordering::SeqCst) {
            let gone = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
            if !gone.into_iter().any(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
                self.ui.note(&format!("warning: cannot write to stdout: {error:#}; the deployment goes on"));
            }
        }
    }

    pub fn event(&self, event: &EventName) {
        self.show(match self.output.format {
            Format::Table if self.is_live() => {
                let line = Style::Strong.paint(&ui::line(event.as_str()), self.ui.terminal.colour.0);
                self.ui.data(&line).map_err(Into::into)
            }
            Format::Ndjson => {
                let json = json!({ "lifecycleEventName": event.as_str(), "status": "InProgress" });
                print_json(&json, None, &self.output, &self.ui)
            }
            _ => Ok(()),
        });
    }

    /// A line of a script's log, as it comes. Where stdout is one document, it goes to stderr.
    pub fn line(&self, event: &EventName, text: &str) {
        if text.starts_with("LifecycleEvent - ") {
            return;
        }
        let text = text.trim_end_matches('\n');
        match self.output.format {
            Format::Table if self.is_live() => {
                self.show(self.ui.data(&format!("  {}", ui::line(text))).map_err(Into::into));
            }
            Format::Ndjson => self.show(self.object(event, text)),
            _ => self.ui.note(&format!("  {}", ui::line(text))),
        }
    }

    /// A script's name is remembered for the lines that follow it.
    fn object(&self, event: &EventName, text: &str) -> anyhow::Result<()> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = text.strip_prefix("Script - ") {
            name.clone_into(&mut script);
            return Ok(());
        }
        let parts = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (stream, line) = parts.unwrap_or(("note", text));
        let json = json!({
            "lifecycleEventName": event.as_str(), "scriptName": *script, "stream": stream, "line": line,
        });
        print_json(&json, None, &self.output, &self.ui)
    }

    pub fn ended(&self, ended: &Ended) {
        self.show(match self.output.format {
            Format::Ndjson => print_json(&ended.wire(), None, &self.output, &self.ui),
            Format::Table if self.is_live() && ended.failed() => {
                let what = Style::Error.paint("failed", self.ui.terminal.colour.0);
                let line = format!("  {what}: {}", ui::line(&ended.diagnostics.message));
                self.ui.data(&line).map_err(Into::into)
            }
            Format::Table | Format::Text if ended.failed() => {
                self.ui.note(&format!("  failed: {}", ui::line(&ended.diagnostics.message)));
                Ok(())
            }
            _ => Ok(()),
        });
    }

    /// Says how it went, or that the user stopped it; true where it failed.
    pub fn summary(&self, id: &str, ended: &[Ended], (planned, stopped): (&[EventName], bool)) -> bool {
        let failed = ended.iter().any(Ended::failed);
        let status = match (stopped, failed) {
            (true, _) => "Stopped",
            (_, true) => "Failed",
            _ => "Succeeded",
        };
        self.show(self.outcome(id, ended, planned, status));
        self.ui.note(&format!("deployment {id}: {status}"));
        if stopped && ended.iter().any(|ended| ended.event == EventName::Install && !ended.failed()) {
            self.ui.note("its files stay, and the next run takes it for the last successful one");
        }
        failed
    }

    fn outcome(&self, id: &str, ended: &[Ended], planned: &[EventName], status: &str) -> anyhow::Result<()> {
        // An event that is named twice has an end of its own each time.
        let not_run = planned.iter().skip(ended.len());
        if self.output.format == Format::Ndjson {
            for event in not_run {
                print_json(&skipped(event), None, &self.output, &self.ui)?;
            }
            let json = json!({ "deploymentId": id, "status": status });
            return print_json(&json, None, &self.output, &self.ui);
        }
        let mut table = Table::new(["EVENT", "STATUS", "TIME"]);
        for (place, event) in planned.iter().enumerate() {
            let (status, time) = match ended.get(place) {
                Some(end) => (if end.failed() { "Failed" } else { "Succeeded" }, short(end.took)),
                None => ("Skipped", String::new()),
            };
            table.row([event.as_str().to_owned(), status.to_owned(), time]);
        }
        if self.is_live() {
            self.ui.data("")?;
        }
        let events: Vec<Value> = ended.iter().map(Ended::wire).chain(not_run.map(skipped)).collect();
        let json = json!({ "deploymentId": id, "status": status, "lifecycleEvents": events });
        View { json, items: None, table, empty: "" }.print(&self.output, &self.ui)
    }
}

/// The steps of a dry run, a line each.
pub fn steps(steps: &[Value]) -> Table {
    let text =
        |step: &Value, name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut table = Table::new(["EVENT", "STEP", "WHAT"]);
    table.keep_last();
    for step in steps {
        let kind = text(step, "type");
        let what = match kind.as_str() {
            "script" => {
                let gone = if step["missing"] == true { " (is not there)" } else { "" };
                format!("{}{gone}", text(step, "location"))
            }
            "mkdir" => text(step, "directory"),
            "copy" => {
                let name = text(step, "destination");
                let there = if step["conflict"] == true { " (is there already)" } else { "" };
                format!("{} -> {name}{there}", Path::new(&text(step, "source")).display())
            }
            "remove" | "remove-context" => text(step, "file"),
            "setfacl" => format!("{} {}", step["acl"], text(step, "file")),
            "semanage" => format!("{} {}", step["context"]["type"], text(step, "file")),
            "chmod" => format!("{} {}", text(step, "mode"), text(step, "file")),
            _ => format!("{}:{} {}", text(step, "owner"), text(step, "group"), text(step, "file")),
        };
        table.row([text(step, "event"), kind, what]);
    }
    table
}
