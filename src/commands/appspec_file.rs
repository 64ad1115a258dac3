//! Inline revisions: the AppSpec itself, as Lambda and ECS take it.

use std::io::Read;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use crate::appspec::{self, Finding, Scope, Severity};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::Revision;

/// An AppSpec as the revision itself, once it is found right; `-` is standard input.
pub fn revision(context: &Context, file: &Path) -> anyhow::Result<Revision> {
    let text = read(file)?;
    let shown = if file == Path::new("-") { "standard input".into() } else { file.to_string_lossy() };
    check(context, &shown, &text, Scope::default())?;
    Ok(of_text(text))
}

/// Holds a text against the rules of `revision validate`; warnings are shown, an error ends it.
pub fn check(context: &Context, shown: &str, text: &str, scope: Scope) -> anyhow::Result<()> {
    let checked = appspec::check(text.as_bytes(), None, scope);
    let worth = |finding: &&Finding| finding.severity != Severity::Note;
    let findings: Vec<Finding> = checked.findings.iter().filter(worth).cloned().collect();
    let ui = &context.ui;
    if checked.has_errors() || (!findings.is_empty() && !ui.quiet) {
        let rendered = appspec::render(shown, text.as_bytes(), &findings, ui.err_look());
        ui.complain(rendered.trim_end());
    }
    if checked.has_errors() {
        return Err(Failure::new("the AppSpec would be refused; nothing was sent")
            .help("`cdctl revision explain CODE` says what a finding means")
            .exit(Exit::Findings)
            .into());
    }
    Ok(())
}

/// The text as an inline revision.
pub fn of_text(content: String) -> Revision {
    let sha256 = digest(&content);
    Revision::AppSpec { content: Some(content), sha256: Some(sha256) }
}

/// The SHA-256 of a text, which names it as a revision: lower-case hexadecimal digits.
pub fn digest(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of a file that is no larger than an AppSpec may be; `-` is standard input.
pub fn read(file: &Path) -> anyhow::Result<String> {
    /// More than any AppSpec; the API's requests are smaller still.
    const LIMIT: u64 = 1 << 20;
    let cannot = || format!("cannot read {}", file.display());
    let mut content = String::new();
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(cannot)?)
    };
    source.take(LIMIT + 1).read_to_string(&mut content).with_context(cannot)?;
    if content.len() as u64 > LIMIT {
        return Err(Failure::new(cannot()).cause("it is larger than a megabyte").into());
    }
    Ok(content)
}
