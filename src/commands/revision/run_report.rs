//! What `revision run` shows: the events as they go, a summary; for machines one object an event, or all in one.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::short;
use crate::format::{Format, Output, Table, print_json};
use crate::model::{Diagnostics, EventName, LifecycleErrorCode};
use crate::runner::Host;
use crate::ui::{self, Style, Ui};

/// An event that was run.
pub struct Ended {
    pub event: EventName,
    pub diagnostics: Diagnostics,
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
            },
        })
    }
}

pub struct Report {
    ui: Ui,
    output: Output,
}

impl Report {
    pub fn new(ui: &Ui, output: &Output) -> Self {
        Report { ui: ui.clone(), output: output.clone() }
    }

    pub fn begin(&self, id: &str, host: &Host) {
        self.ui.note(&format!("deployment {id} below {}", host.root.display()));
    }

    pub fn event(&self, event: &EventName) -> anyhow::Result<()> {
        if self.output.format == Format::Table {
            self.ui.data(&Style::Strong.paint(&ui::line(event.as_str()), self.ui.terminal.colour.0))?;
        }
        Ok(())
    }

    /// A line of a script's log, as it comes.
    pub fn line(&self, text: &str) {
        if self.output.format != Format::Table || text.starts_with("LifecycleEvent - ") {
            return;
        }
        // A reader of stdout that has gone is no reason to fail the deployment.
        let _ = self.ui.data(&format!("  {}", ui::line(text.trim_end_matches('\n'))));
    }

    pub fn ended(&self, ended: &Ended) -> anyhow::Result<()> {
        match self.output.format {
            Format::Ndjson => print_json(&ended.wire(), None, &self.output, &self.ui),
            Format::Table | Format::Text if ended.failed() => {
                let what = Style::Error.paint("failed", self.ui.terminal.colour.0);
                Ok(self.ui.data(&format!("  {what}: {}", ui::line(&ended.diagnostics.message)))?)
            }
            _ => Ok(()),
        }
    }

    /// Says how it went; true where it failed.
    pub fn summary(&self, id: &str, ended: &[Ended], planned: &[EventName]) -> anyhow::Result<bool> {
        let failed = ended.iter().any(Ended::failed);
        let status = if failed { "Failed" } else { "Succeeded" };
        match self.output.format {
            Format::Table | Format::Text => {
                let mut table = Table::new(["EVENT", "STATUS", "TIME"]);
                for event in planned {
                    let (status, time) = match ended.iter().find(|ended| ended.event == *event) {
                        Some(end) => {
                            let status = if end.failed() { "Failed" } else { "Succeeded" };
                            (status, short(end.took))
                        }
                        None => ("Skipped", String::new()),
                    };
                    table.row([event.as_str().to_owned(), status.to_owned(), time]);
                }
                self.ui.data("")?;
                table.write(&mut self.ui.out(), &self.ui)?;
            }
            Format::Json | Format::Yaml => {
                let events: Vec<Value> = ended.iter().map(Ended::wire).collect();
                let json = json!({ "deploymentId": id, "status": status, "lifecycleEvents": events });
                print_json(&json, None, &self.output, &self.ui)?;
            }
            Format::Ndjson => {
                let json = json!({ "deploymentId": id, "status": status });
                print_json(&json, None, &self.output, &self.ui)?;
            }
        }
        self.ui.note(&format!("deployment {id}: {status}"));
        Ok(failed)
    }
}

/// The steps of a dry run, a line each.
pub fn steps(steps: &[Value], ui: &Ui) -> anyhow::Result<()> {
    let text =
        |step: &Value, name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut table = Table::new(["EVENT", "STEP", "WHAT"]);
    for step in steps {
        let kind = text(step, "type");
        let what = match kind.as_str() {
            "script" => text(step, "location"),
            "mkdir" => text(step, "directory"),
            "copy" => {
                let name = text(step, "destination");
                format!("{} -> {name}", Path::new(&text(step, "source")).display())
            }
            "setfacl" => format!("{} {}", step["acl"], text(step, "file")),
            "semanage" => format!("{} {}", step["context"]["type"], text(step, "file")),
            "chmod" => format!("{} {}", text(step, "mode"), text(step, "file")),
            _ => format!("{}:{} {}", text(step, "owner"), text(step, "group"), text(step, "file")),
        };
        table.row([text(step, "event"), kind, what]);
    }
    Ok(table.write(&mut ui.out(), ui)?)
}
