//! `cdctl revision validate`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::appspec::Finding;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Format, print_json};
use crate::revision::{Report, Source, check};

/// Check the AppSpec of a directory or an archive, as the agent on a Linux host reads it
///
/// An error means that the agent refuses it or that the deployment is certain to fail; a warning, that it does
/// something else than it says. Ends with 10 where there are errors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdctl revision validate\n  cdctl revision validate site.zip -o json")]
pub struct Arguments {
    /// A directory with an appspec.yml, or a .zip, .tar or .tgz file
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let source = Source::of(&arguments.path)?;
    let report = context.blocking(move || check(&source)).await??;
    let ui = &context.ui;
    if context.settings.output.format == Format::Table {
        if !report.findings.is_empty() {
            ui.data(report.render(ui.terminal.colour.0).trim_end())?;
        }
        ui.note(&format!("{}: {}", report.path, report.in_words()));
    } else {
        let findings: Vec<Value> = report.findings.iter().map(|finding| wire(&report, finding)).collect();
        print_json(&json!({ "findings": findings }), Some("findings"), &context.settings.output, ui)?;
    }
    Ok(if report.has_errors() { Exit::Findings } else { Exit::Ok })
}

fn wire(report: &Report, finding: &Finding) -> Value {
    json!({
        "code": finding.code,
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "help": finding.help,
        "file": report.path,
        "line": finding.span.map(|span| span.start.line),
        "column": finding.span.map(|span| span.start.column),
    })
}
