//! Texts that are not read, or not as they are written: no YAML, more than one document, an indented first key, a byte
//! order mark.

use crate::source::psych::Item;
use crate::source::{self, Indented, Position, Span, core, psych};

use super::super::{Agent, AppSpec, Finding, refusal};
use super::{Reader, read, typed};

/// Of an [`Indented`] text.
pub const INDENTED: &str =
    "the first key is indented and the keys below it are not: nothing but that is read";
pub const NOT_INDENTED: &str = "put it in the column of the others";

impl Reader {
    /// A mark takes a column of the first line: what begins there is all that is read, and nothing where nothing does.
    pub(super) fn mark(&mut self, text: &[u8]) {
        let Some(text) = text.strip_prefix(source::MARK) else { return };
        let first = Span::at(Position { line: 1, column: 1 });
        let message = "the file begins with a byte order mark";
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
        let finding = match line.first() {
            None | Some(b'#' | b'{') => Finding::note("A008", first, message)
                .help("the agent passes over it here; save the file as UTF-8 without BOM"),
            _ => Finding::warning("A008", first, message)
                .help("the agent then reads only the first key; save the file as UTF-8 without BOM"),
        };
        self.add(finding.fix(""));
    }

    pub(super) fn unreadable(&mut self, text: &[u8], error: &source::Error) -> Option<AppSpec> {
        self.mark(text);
        let finding = Finding::error("A001", unreadable_span(error), error.message.clone());
        let report = match self.agent {
            Agent::One => psych::report(error),
            Agent::Two => typed::yaml(&core::report(error)),
        };
        let finding = finding.refused(report);
        self.add(match unreadable_help(text, &error.message) {
            Some(help) => finding.help(help),
            None => finding,
        });
        None
    }

    /// Agent 2 refuses what follows the first document, after what is wrong with that.
    pub(super) fn more_documents(&mut self, rest: Position, help: &str) {
        let message = "the agent refuses a file with more than one YAML document";
        let finding = Finding::error("A007", Span::at(rest), message).help(help);
        self.add(finding.refused(typed::yaml(core::MORE_DOCUMENTS)));
    }

    /// What comes of the first key alone, `root`, and what there is to say of all of them.
    pub(super) fn indented(&mut self, root: &Item, meant: &Indented) -> Option<AppSpec> {
        let mut alone = Reader { findings: Vec::new(), ..*self };
        let appspec = alone.root(root);
        if self.agent == Agent::Two {
            alone.more_documents(meant.start, NOT_INDENTED);
        }
        let place = Span::at(meant.start);
        let finding = match refusal(&alone.findings, self.agent) {
            Some(report) => Finding::error("A007", place, INDENTED).refused(report),
            None => Finding::warning("A007", place, INDENTED),
        };
        self.add(finding.help(NOT_INDENTED));
        // Nothing of this is what a host would report.
        self.findings.extend(read(&meant.text, self.host, self.agent).1.into_iter().map(|finding| Finding {
            span: finding.span.map(|span| meant.span(span)),
            refusal: None,
            ..finding
        }));
        appspec
    }
}

/// Where a text that is not read is wrong: at what is never closed and at a key without a colon, which both are noticed
/// only further down.
pub fn unreadable_span(error: &source::Error) -> Span {
    let is_above = ["unexpected end of stream", "could not find expected ':'"];
    let above = error.context.filter(|_| is_above.iter().any(|words| error.message.contains(words)));
    Span::at(above.unwrap_or(error.position))
}

/// What to do about a text that is not read, by the message.
pub fn unreadable_help(text: &[u8], message: &str) -> Option<&'static str> {
    let has = |words: &str| message.contains(words);
    if (has("UTF-8") || has("control characters")) && is_utf_16(text) {
        Some("the file is UTF-16: save it as UTF-8")
    } else if has("UTF-8") {
        Some("save the file as UTF-8")
    } else if has("control characters") {
        Some("take the character out; an editor may not show it")
    } else if text.strip_prefix(source::MARK).is_some_and(|text| text.starts_with(b"---")) {
        Some("behind the byte order mark `---` is no beginning: save the file as UTF-8 without BOM")
    } else if text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< ")) {
        Some(
            "the file holds a merge conflict: settle it and take out the lines `<<<<<<<`, `=======` and `>>>>>>>`",
        )
    } else if has("cannot start any token") {
        Some("YAML indents with spaces, never tabs, and a value that begins with @, ` or % needs quotes")
    } else if has("mapping values are not allowed") {
        Some("a colon is followed by a blank, a dash too, and keys of one list item begin in the same column")
    } else if has("did not find expected '-' indicator") || has("did not find expected key") {
        Some("what belongs to one list or one mapping begins in the same column")
    } else if has("could not find expected ':'") {
        Some("a key is followed by a colon and a blank")
    } else if has("unexpected end of stream while scanning a quoted scalar") {
        Some("the quote that opens here is never closed")
    } else if has("unknown escape character") {
        Some("in double quotes a backslash is YAML's own: write it without quotes or in single ones")
    } else if message.starts_with("Unknown alias") {
        Some("the agent does not load YAML aliases: write the value out")
    } else if message.ends_with("class: Date") || message.ends_with("class: Time") {
        Some("quote it: the agent does not load dates")
    } else {
        None
    }
}

/// What to do about what follows the first document.
pub fn rest_help(text: &[u8], rest: Position) -> &'static str {
    if text.starts_with("\u{feff}".as_bytes()) {
        return "save the file without the byte order mark at its begin";
    }
    let text = String::from_utf8_lossy(text);
    let line = rest.line.checked_sub(1).and_then(|line| source::lines(&text).get(line).map(|line| line.1));
    match line.is_some_and(|line| line.starts_with("---")) {
        true => "remove `---` and what follows",
        false => "the first document ends above: remove what follows",
    }
}

/// By the mark, or by the zero that each letter of ASCII has there.
fn is_utf_16(text: &[u8]) -> bool {
    matches!(text, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, ..] | [_, 0, ..])
}
