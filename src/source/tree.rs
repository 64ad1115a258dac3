//! libyaml's events as a tree. The only place that knows the parser crate.

use libyaml_safer::{Encoding, Event, EventData, Mark, Parser, ScalarStyle};

use super::guard::guarded;
use super::{Error, ErrorKind, Position, Span};

/// The byte order mark of UTF-8.
pub const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Text beyond this many bytes is not read.
pub const MAX_BYTES: usize = 4 << 20;
/// Lists and maps within each other.
const MAX_DEPTH: usize = 200;

/// A scalar as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    /// No quotes, no block style, no tag that says text: its meaning is for a reader to decide.
    pub plain: bool,
    /// No quotes and no block style, whatever its tag.
    pub bare: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the text, repeated keys included.
    Map(Vec<(Node, Node)>),
    /// `*name`
    Alias(String),
}

/// A value with its place and its explicit tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub content: Content,
    pub tag: Option<String>,
    /// The name that `*name` calls it by.
    pub anchor: Option<String>,
    pub span: Span,
}

/// The first document of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// None where the text holds nothing but blanks and comments.
    pub root: Option<Node>,
    /// Where the text goes on after the first document; readers that load one document never see it.
    pub rest: Option<Position>,
    /// The text begins with a byte order mark.
    pub byte_order_mark: bool,
}

/// The first document of `bytes`. What follows it is not even checked, as in readers that load one document.
pub fn parse(bytes: &[u8]) -> Result<Document, Error> {
    let limit = |message: &str| Error {
        kind: ErrorKind::Limit,
        message: message.to_owned(),
        position: Position { line: 1, column: 1 },
        context: None,
    };
    if bytes.len() > MAX_BYTES {
        return Err(limit("the text is longer than 4 MiB"));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
        return Err(Error {
            kind: ErrorKind::Syntax,
            message: "invalid UTF-8".to_owned(),
            position: end_of(&before),
            context: None,
        });
    }
    let byte_order_mark = bytes.starts_with(MARK);
    let (root, rest) = match document_of(bytes) {
        Ok(parsed) => parsed.map_err(|error| placed(error, bytes))?,
        // libyaml-safer 0.3 panics on a block scalar whose last line has no end, which libyaml reads.
        Err(position) => match document_of(&[bytes, b"\n"].concat()) {
            Ok(Ok((Some(mut root), rest))) if !bytes.ends_with(b"\n") => {
                without_added_end(&mut root);
                (Some(root), rest)
            }
            _ => {
                let message = "the YAML parser cannot read what comes here".to_owned();
                return Err(Error { kind: ErrorKind::Syntax, message, position, context: None });
            }
        },
    };
    Ok(Document { root, rest, byte_order_mark })
}

/// A refusal of libyaml's reader, which has no place, at the character that it is about.
fn placed(error: Error, bytes: &[u8]) -> Error {
    if error.message != "control characters are not allowed" {
        return error;
    }
    let text = String::from_utf8_lossy(bytes);
    let is_taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    let position = end_of(text.split_once(|c| !is_taken(c)).map_or(&text, |(before, _)| before));
    // Psych knows none and names the beginning.
    Error { position, context: Some(Position { line: 1, column: 1 }), ..error }
}

type Parsed = (Option<Node>, Option<Position>);

/// `Err`: the parser broke after this place.
fn document_of(bytes: &[u8]) -> Result<Result<Parsed, Error>, Position> {
    let mut last = Position { line: 1, column: 1 };
    let parsed = guarded(|| {
        let mut input = bytes;
        let mut events = Events { parser: Parser::new(), last: &mut last };
        events.parser.set_encoding(Encoding::Utf8);
        events.parser.set_input_string(&mut input);
        events.document()
    });
    parsed.ok_or(last)
}

/// Takes the line's end that was added behind the last scalar off again.
fn without_added_end(node: &mut Node) {
    match &mut node.content {
        Content::Scalar(scalar) => {
            if !scalar.bare && scalar.text.ends_with('\n') {
                scalar.text.pop();
            }
        }
        Content::List(items) => items.last_mut().into_iter().for_each(without_added_end),
        Content::Map(entries) => {
            entries.last_mut().into_iter().for_each(|(_, value)| without_added_end(value));
        }
        Content::Alias(_) => {}
    }
}

/// Why a text that begins like JSON is none; YAML's readers take more than JSON has. None where it is JSON or no such
/// text, as YAML in braces without quotes is none.
pub fn json_error(bytes: &[u8]) -> Option<Error> {
    let body = bytes.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    if !body.starts_with(b"\"") {
        return None;
    }
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err()?;
    let position = Position { line: error.line().max(1), column: error.column().max(1) };
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    Some(Error { kind: ErrorKind::Syntax, message, position, context: None })
}

/// The lines of a text as libyaml counts them: where each begins, in bytes, and what it holds, without its end.
pub fn lines(text: &str) -> Vec<(usize, &str)> {
    let (mut lines, mut start) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            continue;
        }
        lines.push((start, text.get(start..at).unwrap_or_default()));
        if c == '\r' {
            chars.next_if(|(_, next)| *next == '\n');
        }
        start = chars.peek().map_or(text.len(), |(next, _)| *next);
    }
    lines.push((start, text.get(start..).unwrap_or_default()));
    lines
}

/// The position after the last character of `text`.
fn end_of(text: &str) -> Position {
    let lines = lines(text);
    let column = lines.last().map_or(0, |(_, line)| line.chars().count()) + 1;
    Position { line: lines.len(), column }
}

struct Events<'a, 'b> {
    parser: Parser<&'a mut &'b [u8]>,
    /// How far the text was read.
    last: &'a mut Position,
}

impl Events<'_, '_> {
    fn next(&mut self) -> Result<Event, Error> {
        let last = *self.last;
        let event = self.parser.parse().map_err(|error| {
            let message = match error.context() {
                Some(context) => format!("{} {context}", error.problem()),
                None => error.problem().to_owned(),
            };
            let position = error.problem_mark().map_or(last, position);
            Error {
                kind: ErrorKind::Syntax,
                message,
                position,
                context: error.context_mark().map(self::position),
            }
        })?;
        *self.last = position(event.end_mark);
        Ok(event)
    }

    fn document(&mut self) -> Result<(Option<Node>, Option<Position>), Error> {
        loop {
            match self.next()?.data {
                EventData::StreamEnd => return Ok((None, None)),
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        let first = self.next()?;
        let root = self.node(first, 0)?;
        let end = self.next()?;
        let rest = match self.next() {
            Ok(Event { data: EventData::StreamEnd, .. }) => None,
            Ok(event) => Some(position(event.start_mark)),
            Err(error) => Some(error.position.max(position(end.end_mark))),
        };
        Ok((Some(root), rest))
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Error> {
        let mut span = Span { start: position(event.start_mark), end: position(event.end_mark) };
        if depth > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Error { kind: ErrorKind::Limit, message, position: span.start, context: None });
        }
        let (content, tag, anchor) = match event.data {
            EventData::Scalar { tag, anchor, value, quoted_implicit, plain_implicit, style } => {
                let (plain, bare) = (plain_implicit || !quoted_implicit, style == ScalarStyle::Plain);
                (Content::Scalar(Scalar { text: value, plain, bare }), tag, anchor)
            }
            EventData::Alias { anchor } => (Content::Alias(anchor), None, None),
            EventData::SequenceStart { tag, anchor, .. } => {
                let mut items = Vec::new();
                loop {
                    let next = self.next()?;
                    if matches!(next.data, EventData::SequenceEnd) {
                        span.end = position(next.end_mark);
                        break (Content::List(items), tag, anchor);
                    }
                    items.push(self.node(next, depth + 1)?);
                }
            }
            EventData::MappingStart { tag, anchor, .. } => {
                let mut entries = Vec::new();
                loop {
                    let next = self.next()?;
                    if matches!(next.data, EventData::MappingEnd) {
                        span.end = position(next.end_mark);
                        break (Content::Map(entries), tag, anchor);
                    }
                    let key = self.node(next, depth + 1)?;
                    let next = self.next()?;
                    entries.push((key, self.node(next, depth + 1)?));
                }
            }
            _ => {
                let message = "did not find expected node content".to_owned();
                return Err(Error { kind: ErrorKind::Syntax, message, position: span.start, context: None });
            }
        };
        Ok(Node { content, tag, anchor, span })
    }
}

fn position(mark: Mark) -> Position {
    let one_based = |value: u64| usize::try_from(value).unwrap_or(usize::MAX - 1) + 1;
    Position { line: one_based(mark.line), column: one_based(mark.column) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(Node, Node)> {
        match parse(text.as_bytes()).unwrap().root.unwrap().content {
            Content::Map(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn positions_count_from_one_in_characters() {
        let entries = entries("a: 1\nbé: 'x y'\n");
        assert_eq!(entries[1].0.span.start, Position { line: 2, column: 1 });
        assert_eq!(
            entries[1].1.span,
            Span { start: Position { line: 2, column: 5 }, end: Position { line: 2, column: 10 } }
        );
        assert_eq!(
            entries[1].1.content,
            Content::Scalar(Scalar { text: "x y".into(), plain: false, bare: false })
        );
        assert_eq!(
            entries[0].1.content,
            Content::Scalar(Scalar { text: "1".into(), plain: true, bare: true })
        );
    }

    #[test]
    fn errors_carry_libyamls_words_and_the_place() {
        let error = parse(b"a: b\nc: @x\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "found character that cannot start any token while scanning for the next token at line 2 column 4"
        );
        let error = parse(b"ok: 1\n\tb: 2\n").unwrap_err();
        assert_eq!(error.position.line, 2);
        assert_eq!(parse(b"a: \xff").unwrap_err().position, Position { line: 1, column: 4 });
    }

    #[test]
    fn lines_end_where_libyaml_ends_them() {
        let text = "a\r\nb\rc\u{2028}é\u{85}\nlast";
        let starts: Vec<(usize, &str)> = lines(text);
        assert_eq!(starts, [(0, "a"), (3, "b"), (5, "c"), (9, "é"), (13, ""), (14, "last")]);
        let document = parse("x: \"\u{2028}\"\ny: 1\n".as_bytes()).unwrap();
        let Content::Map(entries) = document.root.unwrap().content else { panic!("a map") };
        assert_eq!(lines("x: \"\u{2028}\"\ny: 1\n")[entries[1].0.span.start.line - 1].1, "y: 1");
    }

    #[test]
    fn json_that_is_none_is_told_from_yaml_in_braces() {
        let place = |text: &str| json_error(text.as_bytes()).map(|error| error.position.line);
        assert_eq!(place("{\n \"a\": 1,\n}"), Some(3));
        for text in ["{\"a\": 1}", "{a: 1}", "{}", "a: {\"b\": 1,}"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_first_document_counts() {
        let document = parse(b"a: 1\n---\n@ not yaml\n").unwrap();
        assert!(document.root.is_some());
        assert_eq!(document.rest.map(|position| position.line), Some(2));
        assert_eq!(parse(b"# only a comment\n\n").unwrap().root, None);
        assert_eq!(parse(b"a: 1\n").unwrap().rest, None);
    }

    #[test]
    fn a_byte_order_mark_shifts_the_first_line_so_that_the_map_ends_there() {
        let document = parse("\u{feff}version: 0.0\nos: linux\n".as_bytes()).unwrap();
        assert!(document.byte_order_mark);
        let Content::Map(entries) = document.root.unwrap().content else { panic!("a map") };
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn a_block_scalar_may_end_with_the_text() {
        for text in ["x: 1\na: |\n  linux", "a: >\n  linux", "a: |-\n  linux", "a: |+\n  linux"] {
            let last = entries(text).pop().unwrap().1;
            assert_eq!(
                last.content,
                Content::Scalar(Scalar { text: "linux".into(), plain: false, bare: false }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_panic_of_the_parser_is_an_error_where_it_happened() {
        let error = parse(b"{\n  \"version\": !0.0,\n").unwrap_err();
        assert_eq!((error.kind, error.position.line), (ErrorKind::Syntax, 2));
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let text = "[".repeat(100_000);
        assert_eq!(parse(text.as_bytes()).unwrap_err().kind, ErrorKind::Limit);
    }
}
