//! `files`

use crate::source::Span;
use crate::source::psych::{Item, Map, Value};

use super::super::{Agent, FileEntry, Finding};
use super::{Reader, index, no_method, shape, text_or_type_error};

pub(super) const KEYS: &[&str] = &["source", "destination"];

const NO_SOURCE: &str = "The deployment failed because the application specification file specifies a destination file, but no source file. Update the files section of the AppSpec file, and then try again.";

impl Reader {
    pub(super) fn files(&mut self, entry: Option<&(Item, Item)>) -> Vec<FileEntry> {
        let Some((_, item)) = entry else { return Vec::new() };
        if self.agent == Agent::Two {
            let items = self.typed_list("A010", "files", item);
            return items.iter().enumerate().filter_map(|(at, item)| self.typed_file(at, item)).collect();
        }
        let items = match &item.value {
            Value::Null | Value::Bool(false) => return Vec::new(),
            Value::List(items) => items,
            Value::Map(map) if map.entries.is_empty() => return Vec::new(),
            other => {
                let report = match other {
                    Value::Map(_) => "no implicit conversion of String into Integer".to_owned(),
                    other => no_method("each", other),
                };
                self.add(
                    Finding::error("A010", item.span, format!("files is {}, not a list", shape(other)))
                        .help("begin each entry with a dash: `- source: …`")
                        .refused(report),
                );
                return Vec::new();
            }
        };
        items.iter().filter_map(|item| self.file(item)).collect()
    }

    fn typed_file(&mut self, at: usize, item: &Item) -> Option<FileEntry> {
        let path = format!("files[{at}]");
        let nothing = Map::default();
        let map = match &item.value {
            Value::Map(map) => map,
            _ if item.is_left_out() => &nothing,
            value => {
                let message = format!("an entry of files is {}", shape(value));
                self.mistyped("A010", &path, item, "struct RawFileMapping", message);
                return None;
            }
        };
        self.entry_keys(map);
        if self.false_nulls("A013", &path, item, Some(KEYS)) {
            return None;
        }
        let source = self.typed_text("A013", &format!("{path}.source"), map.get("source"));
        let destination = self.typed_text("A013", &format!("{path}.destination"), map.get("destination"));
        let (Ok(source), Ok(destination)) = (source, destination) else { return None };
        let Some(source) = source.filter(|source| !source.is_empty()) else {
            self.no_source(item);
            return None;
        };
        let Some(destination) = destination.filter(|destination| !destination.is_empty()) else {
            self.no_destination(item, &source);
            return None;
        };
        let span_of = |key: &str| map.get(key).map_or(item.span, |value| value.span);
        let entry = FileEntry {
            source: Ok(source),
            destination: Ok(destination),
            source_span: span_of("source"),
            destination_span: span_of("destination"),
        };
        self.paths(&entry);
        Some(entry)
    }

    fn no_source(&mut self, item: &Item) {
        let finding = Finding::error("A011", item.span, "the entry has no source").refused(NO_SOURCE);
        self.add(finding.help("add `source:`, a path in the bundle; `/` is all of it"));
    }

    fn no_destination(&mut self, item: &Item, source: &str) {
        let report = format!(
            "The deployment failed because the application specification file specifies only a source file ({source}). Add the name of the destination file to the files section of the AppSpec file, and then try again."
        );
        self.add(
            Finding::error("A012", item.span, "the entry has no destination")
                .help("add `destination:`, a directory on the host, in the same list item as its source")
                .refused(report),
        );
    }

    fn file(&mut self, item: &Item) -> Option<FileEntry> {
        if let Value::Map(map) = &item.value {
            self.entry_keys(map);
        }
        let (source, destination) = match (index(&item.value, "source"), index(&item.value, "destination")) {
            (Ok(source), Ok(destination)) => (source, destination),
            (Err(report), _) | (_, Err(report)) => {
                let message = format!("an entry of files is {}", shape(&item.value));
                let help = "an entry has `source:` and `destination:`";
                self.add(Finding::error("A010", item.span, message).help(help).refused(report));
                return None;
            }
        };
        if source.is_null() {
            self.no_source(item);
            return None;
        }
        if destination.is_null() {
            self.no_destination(item, &source.to_s());
            return None;
        }
        let span_of = |key: &str| match &item.value {
            Value::Map(map) => map.get(key).map_or(item.span, |value| value.span),
            _ => item.span,
        };
        let entry = FileEntry {
            source: text_or_type_error(&source),
            destination: text_or_type_error(&destination),
            source_span: span_of("source"),
            destination_span: span_of("destination"),
        };
        self.paths(&entry);
        Some(entry)
    }

    fn entry_keys(&mut self, map: &Map) {
        for (key, _) in &map.entries {
            if matches!(key.value.to_s().as_str(), "file_exists_behavior" | "overwrite") {
                self.add(
                    Finding::warning(
                        "A050",
                        key.span,
                        format!("the agent ignores `{}` in an entry of files", key.value.to_s()),
                    )
                    .help("write `file_exists_behavior: OVERWRITE` at the top level of the file"),
                );
            }
        }
        let others = map.without(&["file_exists_behavior", "overwrite"]);
        self.keys(&others, KEYS, "an entry of files");
    }

    fn paths(&mut self, entry: &FileEntry) {
        for (value, span, name) in [
            (&entry.source, entry.source_span, "source"),
            (&entry.destination, entry.destination_span, "destination"),
        ] {
            if let Err(error) = value {
                let message = format!("{name} is not text: Install fails ({error})");
                self.add(
                    Finding::error("A013", span, message)
                        .help("write one path, in quotes where it is a number"),
                );
            }
        }
        let Ok(destination) = &entry.destination else { return };
        let windows = self.os == super::Os::Windows;
        let span = entry.destination_span;
        if destination.contains(char::is_control) {
            let message = "the destination has a control character in its name: in double quotes a backslash is YAML's own";
            self.add(
                Finding::warning("A014", span, message).help("write it without quotes or in single ones"),
            );
            return;
        }
        if destination.starts_with('~') {
            let finding = match self.agent {
                Agent::One => Finding::error("A014", span, "`~` is not expanded: Install fails"),
                Agent::Two => Finding::warning("A014", span, "`~` is the agent's own home directory"),
            };
            self.add(finding.help("write the directory out"));
        } else if (windows && has_variable(destination)) || (!windows && destination.contains('$')) {
            let message = "variables are not expanded: a directory of this very name is made";
            self.add(Finding::warning("A014", span, message));
        } else if windows {
            self.windows_path(destination, span);
        } else if !destination.starts_with('/') {
            let message = "the destination is relative: it is taken from the agent's own directory";
            let help = if is_of_windows(destination) {
                format!(
                    "`{destination}` is a path of Windows: write `os: windows`, or a path that begins with `/`"
                )
            } else if destination.starts_with(TYPOGRAPHIC) {
                "YAML knows no typographic quotes: write plain ones, or none".to_owned()
            } else {
                "begin it with `/`".to_owned()
            };
            self.add(Finding::warning("A014", span, message).help(help));
        }
    }

    fn windows_path(&mut self, destination: &str, span: Span) {
        let is_separator = |c: char| matches!(c, '/' | '\\');
        let mut chars = destination.chars();
        match (chars.next(), chars.next(), chars.next()) {
            (Some(drive), Some(':'), Some(root)) if drive.is_ascii_alphabetic() && is_separator(root) => {}
            // `C:` alone
            (Some(drive), Some(':'), None) if drive.is_ascii_alphabetic() => {}
            // A share
            (Some(one), Some(two), _) if is_separator(one) && is_separator(two) => {}
            (Some(root), ..) if is_separator(root) => {
                let message =
                    "the destination names no drive: it lies on the drive of the agent's own directory";
                self.add(Finding::note("A014", span, message));
            }
            _ => {
                let message = "the destination is relative: it is taken from the agent's own directory";
                self.add(Finding::warning("A014", span, message).help("begin it with a drive: `C:\\`"));
            }
        }
    }
}

const TYPOGRAPHIC: [char; 8] = ['“', '”', '„', '«', '»', '‘', '’', '‚'];

/// Whether a path begins with a drive or a backslash.
fn is_of_windows(path: &str) -> bool {
    let mut chars = path.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => true,
        (Some(drive), Some(':')) => {
            drive.is_ascii_alphabetic() && matches!(chars.next(), None | Some('/' | '\\'))
        }
        _ => false,
    }
}

/// `%NAME%`, `$env:NAME`, `${NAME}` or `$NAME` at the beginning. Windows' own names may have a dollar or a percent sign.
fn has_variable(path: &str) -> bool {
    let name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_()".contains(c));
    let percent = path.split(['/', '\\']).any(|part| {
        let mut between = part.split('%').skip(1);
        between.next().is_some_and(name) && between.next().is_some()
    });
    percent || path.to_ascii_lowercase().contains("$env:") || path.contains("${") || path.starts_with('$')
}
