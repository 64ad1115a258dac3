//! `cdctl revision validate`

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::fetched::Fetched;
use super::reading::Reading;
use crate::appspec::{self, Finding, Severity};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Format, Output, print_json};
use crate::model::BundleType;
use crate::revision::{Report, Selection, check};
use crate::scratch::Half;
use crate::view::findings::{github, sarif};

/// Check the AppSpec of a directory, an archive or a file, and what it names in the bundle
///
/// An error means that the agent or the service refuses it, or that the deployment is certain to fail; a warning, that
/// it does something else than it says. Ends with 10 where there are errors.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision validate\n  cdctl revision validate site.zip -o json\n  cdctl revision validate --format sarif > appspec.sarif\n  cdctl revision validate s3://releases/site-1.zip --agent 2"
)]
pub struct Arguments {
    /// A directory with an appspec.yml, a .zip, .tar or .tgz file, an AppSpec file or - for one on standard input,
    /// s3://BUCKET/KEY, or github:OWNER/REPO@COMMIT
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    #[command(flatten)]
    reading: Reading,

    /// Warnings end with 10 too
    #[arg(long)]
    strict: bool,

    /// Correct what is safe to correct in the AppSpec file, then check
    #[arg(long)]
    fix: bool,

    /// A form that other tools read, instead of --output
    #[arg(long, value_name = "FORM")]
    format: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// SARIF 2.1, for code scanning and editors
    Sarif,
    /// Workflow commands that GitHub shows beside the lines
    Github,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let fetched = match arguments.path.to_str() {
        Some("-") => Fetched::standard_input(context).await?,
        _ => Fetched::of_type(context, &arguments.path, (text(&arguments.path), None)).await?,
    };
    let scope = arguments.reading.scope();
    let look = || {
        let (source, names) = (fetched.source().clone(), fetched.names());
        context.blocking(move || names.report(check(&source, scope, &Selection::default())))
    };
    let mut report = look().await??;
    if arguments.fix {
        let file = report.file.clone().filter(|_| !fetched.is_remote());
        let file = file.ok_or_else(|| {
            Failure::new(format!("{} cannot be corrected in place", report.path))
                .help("give a directory or an AppSpec file to --fix")
                .exit(Exit::Usage)
        })?;
        if fix(context, &file, &report, scope)? {
            report = look().await??;
        }
    }
    show(context, arguments, &report)?;
    let fails = report.has_errors() || (arguments.strict && report.has(Severity::Warning));
    Ok(if fails { Exit::Findings } else { Exit::Ok })
}

/// An AppSpec where a file's name does not say what it is: templates are called `appspec.yml.tpl` and the like.
fn text(path: &Path) -> Option<BundleType> {
    if !path.is_file() || BundleType::of_key(&path.to_string_lossy()).is_some() {
        return None;
    }
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(4096).read_to_end(&mut head).ok()?;
    // The last character may be cut.
    let is_utf_8 = std::str::from_utf8(&head).map_or_else(|error| error.error_len().is_none(), |_| true);
    (is_utf_8 && !head.contains(&0)).then_some(BundleType::Yaml)
}

fn show(context: &Context, arguments: &Arguments, report: &Report) -> anyhow::Result<()> {
    let ui = &context.ui;
    match (arguments.format, context.settings.output.format) {
        (Some(Form::Sarif), _) => {
            print_json(
                &sarif(&report.path, &report.findings),
                None,
                &Output { format: Format::Json, query: None },
                ui,
            )?;
        }
        (Some(Form::Github), _) => {
            for finding in &report.findings {
                ui.data(&github(&report.path, finding))?;
            }
        }
        (None, Format::Table | Format::Text) if context.settings.output.query.is_none() => {
            if !report.findings.is_empty() {
                ui.data(report.render(ui.out_look()).trim_end())?;
            }
        }
        (None, _) => {
            let findings: Vec<Value> = report.findings.iter().map(|finding| wire(report, finding)).collect();
            print_json(&json!({ "findings": findings }), Some("findings"), &context.settings.output, ui)?;
            return Ok(());
        }
    }
    ui.note(&format!("{}: {}", report.path, report.in_words()));
    Ok(())
}

/// Writes the corrected text in place; false where there was nothing to correct.
fn fix(context: &Context, file: &Path, report: &Report, scope: appspec::Scope) -> anyhow::Result<bool> {
    let Ok(text) = std::str::from_utf8(&report.text) else { return Ok(false) };
    let Some((fixed, count)) = appspec::fixed(text, scope) else { return Ok(false) };
    replace(file, &fixed).doing(format!("write {}", file.display()))?;
    let s = if count == 1 { "" } else { "s" };
    context.ui.note(&format!("{}: {count} correction{s}", file.display()));
    Ok(true)
}

/// Gives a file another content: at once where that leaves its owner and its other names what they are, else in place.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = file.canonicalize()?;
    let old = fs::metadata(&file)?;
    let half = Half::within(file.parent().unwrap_or(Path::new("/")), 0o600)?;
    let new = half.file;
    fs::write(new.path(), text)?;
    let made = fs::metadata(new.path())?;
    let is_owned = (old.uid(), old.gid()) == (made.uid(), made.gid())
        || fchown(new.as_file(), Some(old.uid()), Some(old.gid())).is_ok();
    if old.nlink() > 1 || !is_owned {
        return fs::write(file, text);
    }
    fs::set_permissions(new.path(), old.permissions())?;
    new.persist(file).map(|_| ()).map_err(|error| error.error)
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
        "endLine": finding.span.map(|span| span.end.line),
        "endColumn": finding.span.map(|span| span.end.column),
        "agent": finding.only.map(|agent| agent.as_str()),
        "reported": finding.refusal,
        "fix": finding.fix,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_keeps_its_other_names_its_mode_and_its_links() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::write(path("a"), "old").unwrap();
        fs::set_permissions(path("a"), fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a", path("link")).unwrap();
        replace(&path("link"), "new").unwrap();
        assert!(path("link").is_symlink());
        assert_eq!(fs::metadata(path("a")).unwrap().mode() & 0o777, 0o640);
        fs::hard_link(path("a"), path("b")).unwrap();
        replace(&path("a"), "newer").unwrap();
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "newer");
        // Another owner only root can give.
        if std::os::unix::fs::chown(path("b"), Some(12345), None).is_ok() {
            fs::remove_file(path("a")).unwrap();
            replace(&path("b"), "newest").unwrap();
            assert_eq!(fs::metadata(path("b")).unwrap().uid(), 12345);
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), if path("a").exists() { 3 } else { 2 });
    }
}
