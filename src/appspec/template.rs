//! Texts that are YAML or JSON only once a pipeline has filled them in.
//!
//! Each placeholder becomes a word as long as it is, so that all else stays where it is. The words have letters that no
//! file has, one of its own for each placeholder: wherever it is told, what was written takes its place again.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::source;

use super::Finding;
use super::placeholder::{MOST, is_capitals, is_name};

/// Of a plane for private use. Source: Unicode, plane 15.
pub const LETTERS: RangeInclusive<char> = '\u{F0000}'..='\u{FFFFD}';

/// A text with its placeholders filled in.
pub struct Filled {
    pub text: String,
    /// The placeholders, of which the first has the first letter.
    written: Vec<String>,
}

/// The text, filled in where it cannot be read as it is.
pub fn readable(text: &[u8]) -> Cow<'_, [u8]> {
    match filled(text) {
        Some(filled) => Cow::Owned(filled.text.into_bytes()),
        None => Cow::Borrowed(text),
    }
}

/// A text that can be read, or has all its values, once it is filled in; none where it is so as it is, or never.
pub fn filled(text: &[u8]) -> Option<Filled> {
    let is_read = |text: &[u8]| source::parse(text).is_ok() && source::json_error(text).is_none();
    let utf_8 = std::str::from_utf8(text).ok()?;
    if is_read(text) && !utf_8.lines().any(has_hidden_value) {
        return None;
    }
    let filled = [false, true].map(|blank| fill(utf_8, blank)).into_iter();
    filled.filter(|filled| !filled.written.is_empty()).find(|filled| is_read(filled.text.as_bytes()))
}

/// Whether `#{NAME}` stands for a value, and YAML takes it for a comment; or `{{ name }}`, which it takes for a mapping.
fn has_hidden_value(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with('#');
    let mut mappings = line.match_indices("{{").filter(|_| !is_comment);
    if mappings.any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let before = before.trim_end();
        (before.is_empty() || before.ends_with([':', '-'])) && token(rest, before).is_some()
    }) {
        return true;
    }
    let mut tokens = line.match_indices("#{").filter(|_| !is_comment);
    tokens.any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        before.ends_with([' ', '\t']) && token(rest, before).is_some()
    })
}

impl Filled {
    /// Says of a finding's words what was written.
    pub fn restore(&self, finding: &mut Finding) {
        let texts = [Some(&mut finding.message), finding.help.as_mut(), finding.refusal.as_mut()];
        let others = [finding.fix.as_mut(), finding.other.as_mut()];
        for text in texts.into_iter().chain(others).flatten() {
            if text.contains(|c| LETTERS.contains(&c)) {
                *text = self.written(text);
            }
        }
    }

    fn written(&self, text: &str) -> String {
        let (mut output, mut last) = (String::with_capacity(text.len()), None);
        for c in text.chars() {
            let number = LETTERS.contains(&c).then(|| u32::from(c) - u32::from(*LETTERS.start()));
            let written = number.and_then(|number| self.written.get(usize::try_from(number).ok()?));
            match written {
                Some(written) if last != Some(c) => output.push_str(written),
                Some(_) => {}
                None => output.push(c),
            }
            last = Some(c);
        }
        output
    }
}

/// `blank`: what stands alone on a line is not one word, but whole lines of which nothing is known.
fn fill(text: &str, blank: bool) -> Filled {
    let body = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('{');
    let is_json = body.is_some_and(|body| body.trim_start().starts_with('"'));
    let mut filled = Filled { text: String::with_capacity(text.len()), written: Vec::new() };
    let mut letters = LETTERS;
    // Where the line begins, and whether it has blanks alone so far.
    let (mut at, mut line, mut is_blank, mut is_string) = (0, 0, true, false);
    // How deep in a branch that another one stands for.
    let mut other = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let before = text.get(line..at).unwrap_or_default();
        if let Some(token) = token(rest, before)
            && let Some(letter) = letters.next()
        {
            at += token.len();
            let width = token.chars().count();
            let word = |width: usize| letter.to_string().repeat(width);
            let after = rest.get(token.len()..).unwrap_or_default().trim_start_matches([' ', '\t', '\r']);
            let is_alone = is_blank && (after.is_empty() || after.starts_with('\n'));
            let is_statement = is_alone && (is_statement(token) || (blank && token.starts_with("{{")));
            if is_statement {
                other = branch(token, other);
            }
            if is_statement || other > 0 {
                filled.text.push_str(&" ".repeat(width));
            } else if is_json && !is_string && width > 2 {
                filled.text.push_str(&format!("\"{}\"", word(width - 2)));
            } else {
                filled.text.push_str(&word(width));
            }
            filled.written.push(token.to_owned());
            is_blank = false;
            continue;
        }
        // A backslash of JSON goes with what follows it.
        let taken = if is_string && rest.starts_with('\\') { 2 } else { 1 };
        is_string ^= is_json && rest.starts_with('"');
        for c in rest.chars().take(taken) {
            let is_left = other == 0 || matches!(c, '\n' | '\r');
            filled.text.push(if is_left { c } else { ' ' });
            at += c.len_utf8();
            is_blank = c == '\n' || (is_blank && matches!(c, ' ' | '\t'));
            if c == '\n' {
                line = at;
            }
        }
    }
    filled
}

/// The placeholder that a text begins with; `before` is what stands before it on its line.
fn token<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    if !text.starts_with(['{', '<', '[', '(', '%', '@', '_', '#', '$']) {
        return None;
    }
    let line = text.bytes().take(MOST).position(|byte| byte == b'\n');
    let end = line.unwrap_or_else(|| text.floor_char_boundary(MOST));
    let text = text.get(..end)?;
    let any = |name: &str| !name.trim().is_empty();
    let word = |name: &str| is_name(name, "-. ");
    let within = |open: &str, close: &str, fits: &dyn Fn(&str) -> bool| {
        let rest = text.strip_prefix(open)?;
        let at = rest.find(close).filter(|at| fits(rest.get(..*at).unwrap_or_default()))?;
        text.get(..open.len() + at + close.len())
    };
    match text.as_bytes() {
        [b'{', b'{', ..] => within("{{{", "}}}", &any).or_else(|| within("{{", "}}", &any)),
        [b'{', b'%', ..] => within("{%", "%}", &any),
        [b'{', b'#', ..] => within("{#", "#}", &any),
        [b'<', b'%', ..] => within("<%", "%>", &any),
        [b'<', ..] => within("<", ">", &word),
        [b'[', b'[', ..] => within("[[", "]]", &|name| is_name(name.trim(), "-./\" ")),
        [b'(', b'(', ..] => within("((", "))", &|name| is_name(name.trim(), "-./:")),
        [b'%', ..] => within("%", "%", &word),
        [b'@', ..] => within("@", "@", &word),
        [b'_', b'_', ..] => within("__", "__", &is_capitals),
        // A comment but within a word, or where a value is to come.
        [b'#', b'{', ..] => {
            let is_comment = before.is_empty()
                || (before.ends_with([' ', '\t']) && !before.trim_end().ends_with([':', '-', '[', ',']));
            let octopus = within("#{", "}", &any).filter(|_| !is_comment)?;
            let tokens = text.get(..=octopus.len()).filter(|tokens| tokens.ends_with('#'));
            Some(tokens.unwrap_or(octopus))
        }
        [b'$', b'{', b'{', ..] => within("${{", "}}", &any),
        [b'$', b'{', ..] => within("${", "}", &any),
        [b'$', b'(', ..] => within("$(", ")", &word),
        [b'$', ..] => {
            let name = text.get(1..)?;
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            let name = name.get(..end).filter(|name| is_name(name, "") && *name != "LATEST")?;
            text.get(..=name.len())
        }
        _ => None,
    }
}

/// The first word of a statement; `/` before the word that it ends.
fn word(statement: &str) -> &str {
    let inner = statement.trim_start_matches(['{', '<', '%', '-', '~', '#', '^', ' ', '\t']);
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/')).unwrap_or(inner.len());
    inner.get(..end).unwrap_or_default()
}

/// How deep a text is behind a statement in branches of which another one is read: where there are several, the first
/// stands for all.
fn branch(statement: &str, other: usize) -> usize {
    let word = word(statement);
    match word {
        _ if other > 0 && (word.starts_with("end") || word.starts_with('/')) => other - 1,
        "else" | "elif" | "elsif" | "elseif" => other.max(1),
        "block" | "case" | "define" | "for" | "if" | "range" | "unless" | "with" if other > 0 => other + 1,
        _ => other,
    }
}

/// Whether a placeholder is no value: alone on its line, nothing is left of it.
fn is_statement(token: &str) -> bool {
    const WORDS: &[&str] = &["block", "define", "else", "end", "if", "include", "range", "template", "with"];
    if token.starts_with("{%")
        || token.starts_with("{#")
        || (token.starts_with("<%") && !token.starts_with("<%="))
    {
        return true;
    }
    let Some(inner) = token.strip_prefix("{{") else { return false };
    let inner = inner.trim_start_matches('-').trim_start();
    let first = inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    WORDS.contains(&first) || inner.starts_with(['#', '/', '^', '!', '>'])
}
