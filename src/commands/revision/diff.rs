//! `cdctl revision diff`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::fetched::Fetched;
use crate::appspec::Kind;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Format, Table, View};
use crate::report::upload::size;
use crate::revision::{Change, Item, Opened, compare};

/// Show what changed from one revision to another: files, modes, the AppSpec
///
/// Each is a directory, an archive, an object of S3 or a commit of GitHub, in whatever form: what a host would find is
/// compared, not the archives. A directory is taken as it would be bundled.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision diff s3://releases/site-1.zip s3://releases/site-2.zip\n  cdctl revision diff s3://releases/site-2.zip . --exit-code"
)]
pub struct Arguments {
    /// The older one: a path, s3://BUCKET/KEY[?versionId=V] or github:OWNER/REPO@COMMIT
    #[arg(value_name = "A")]
    before: PathBuf,

    /// The newer one
    #[arg(value_name = "B")]
    after: PathBuf,

    /// End with 10 where they differ
    #[arg(long)]
    exit_code: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let before = Fetched::of(context, &arguments.before).await?;
    let after = Fetched::of(context, &arguments.after).await?;
    let (one, two) = (before.source().clone(), after.source().clone());
    let names = (before.names(), after.names());
    let (changes, appspec) = context
        .blocking(move || {
            let one = Opened::of(&one).map_err(|error| names.0.error(error))?;
            let two = Opened::of(&two).map_err(|error| names.1.error(error))?;
            let texts = [one.appspec(), two.appspec()].map(Option::unwrap_or_default);
            compare(&one, &two).map(|changes| (changes, lines(&texts[0], &texts[1])))
        })
        .await??;
    let mut table = Table::new(["CHANGE", "PATH", "BEFORE", "AFTER"]);
    for (name, change) in &changes {
        let (what, old, new) = parts(change);
        let cell = |item: Option<&Item>| item.map_or_else(|| "-".to_owned(), cell);
        table.row([what.to_owned(), name.clone(), cell(old), cell(new)]);
    }
    let json = json!({
        "changes": changes.iter().map(|(name, change)| wire(name, change)).collect::<Vec<_>>(),
        "appspec": appspec.iter().map(|(sign, line)| format!("{sign}{line}")).collect::<Vec<_>>(),
    });
    let for_people =
        context.settings.output.format == Format::Table && context.settings.output.query.is_none();
    let view = View { json, items: Some("changes"), table, empty: "they hold the same" };
    view.print(&context.settings.output, &context.ui)?;
    if for_people && !appspec.is_empty() {
        context.ui.data("\nappspec.yml")?;
        for (sign, line) in appspec {
            context.ui.data(&format!("{sign}{}", crate::ui::line(&line)))?;
        }
    }
    let differ = arguments.exit_code && !changes.is_empty();
    Ok(if differ { Exit::Findings } else { Exit::Ok })
}

fn parts(change: &Change) -> (&'static str, Option<&Item>, Option<&Item>) {
    match change {
        Change::Added(new) => ("added", None, Some(new)),
        Change::Removed(old) => ("removed", Some(old), None),
        Change::Changed(old, new, true) => ("changed", Some(old), Some(new)),
        Change::Changed(old, new, false) => ("mode", Some(old), Some(new)),
    }
}

fn cell(item: &Item) -> String {
    match item.kind {
        Kind::File => format!("{:03o} {}", item.mode, size(item.size)),
        Kind::Directory => format!("{:03o} directory", item.mode),
        Kind::Link => format!("link -> {}", item.target().unwrap_or_default()),
    }
}

fn wire(name: &str, change: &Change) -> Value {
    let (what, old, new) = parts(change);
    let item = |item: Option<&Item>| {
        item.map(|item| {
            let kind = match item.kind {
                Kind::File => "file",
                Kind::Directory => "directory",
                Kind::Link => "link",
            };
            let mode = format!("{:04o}", item.mode);
            json!({ "type": kind, "mode": mode, "bytes": item.size, "target": item.target() })
        })
    };
    json!({ "path": name, "change": what, "before": item(old), "after": item(new) })
}

/// Beyond this many pairs of lines two texts are compared as wholes: the table of a line diff would not fit.
const MAX_PAIRS: usize = 4 << 20;

/// The lines that went (`-`) and came (`+`), by the longest common subsequence.
fn lines(before: &str, after: &str) -> Vec<(char, String)> {
    // A carriage return is part of its line: it may be all that changed.
    fn split(text: &str) -> Vec<&str> {
        text.split_terminator('\n').collect()
    }
    let (old, new) = (split(before), split(after));
    let took = |sign: char, lines: &[&str]| -> Vec<(char, String)> {
        lines.iter().map(|line| (sign, (*line).to_owned())).collect()
    };
    if old == new {
        return Vec::new();
    }
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_PAIRS {
        return [took('-', &old), took('+', &new)].concat();
    }
    // How many lines the rests from here on have in common.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            common[i * width + j] = if a == b {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut changed) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            changed.push(('-', old[i].to_owned()));
            i += 1;
        } else {
            changed.push(('+', new[j].to_owned()));
            j += 1;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_that_went_and_came() {
        let said = |before: &str, after: &str| -> String {
            lines(before, after).iter().map(|(sign, line)| format!("{sign}{line} ")).collect()
        };
        assert_eq!(said("a\nb\nc\n", "a\nc\nd\n"), "-b +d ");
        assert_eq!(said("", "a\n"), "+a ");
        assert_eq!(said("a\nb", "a\nb\n"), "");
        assert_eq!(said("a\nb\n", "a\r\nb\n"), "-a +a\r ");
        let many = "x\n".repeat(3000);
        assert_eq!(lines(&many, &"y\n".repeat(3000)).len(), 6000);
    }
}
