//! serde_yaml 0.9, with which agent 2 reads an AppSpec: YAML 1.1's grammar, the scalars of YAML 1.2's core schema.
//!
//! Types decide there: a field that wants text takes any scalar as it is written. So a scalar stays text here, with
//! [`Item::plain`] where it has no quotes, and what it is as a number is asked with [`float`], [`unsigned`], [`boolean`].
//!
//! Source: official agent 2.x, application_specification; serde_yaml 0.9.

use std::collections::HashMap;

use super::psych::{Item, Map, Value};
use crate::source::{Content, Document, Error, ErrorKind, MAX_BYTES, Node, Position, Span};

/// Values that aliases may add to a text.
const MAX_COPIES: usize = 200_000;
/// Bytes of text that aliases may add: as much as a text may have.
const MAX_COPIED_BYTES: usize = MAX_BYTES;
/// Lists and maps within each other, aliases followed; what is deeper counts by its kind alone.
const MAX_DEPTH: usize = 250;

const UNKNOWN_ANCHOR: &str = "unknown anchor";

/// What it says of a second document, once it has read the first.
pub const MORE_DOCUMENTS: &str = "deserializing from YAML containing more than one document is not supported";

/// The document as serde_yaml reads it; none where there is none.
pub fn load(document: &Document) -> Result<Option<Item>, Error> {
    let root = load_first(document)?;
    match document.rest {
        Some(position) => {
            let message = MORE_DOCUMENTS.to_owned();
            Err(Error { kind: ErrorKind::Refused, message, position, context: None })
        }
        None => Ok(root),
    }
}

/// As [`load`], whatever follows.
pub fn load_first(document: &Document) -> Result<Option<Item>, Error> {
    let mut resolver =
        Resolver { anchors: HashMap::new(), open: Vec::new(), aliases: 0, copies: 0, bytes: 0 };
    document.root.as_ref().map(|root| resolver.resolve(root, 0)).transpose()
}

/// An error in serde_yaml's words.
pub fn report(error: &Error) -> String {
    let at = |position: Position| format!("line {} column {}", position.line, position.column);
    match (error.kind.clone(), error.message.split_once(" while ")) {
        (ErrorKind::Refused, _) if error.message != UNKNOWN_ANCHOR => error.message.clone(),
        (_, Some((problem, context))) => {
            let start = Position { line: 1, column: 1 };
            let began = error.context.filter(|context| *context != error.position && *context != start);
            let place = began.map(|position| format!(" at {}", at(position))).unwrap_or_default();
            format!("{problem} at {}, while {context}{place}", at(error.position))
        }
        _ => format!("{} at {}", error.message, at(error.position)),
    }
}

/// A plain scalar that an optional field takes for nothing.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A plain scalar as an `f64`.
pub fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix('+').unwrap_or(text);
    if body.len() < text.len() && body.starts_with(['+', '-']) {
        return None;
    }
    match body {
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        body => body.parse::<f64>().ok().filter(|value| value.is_finite()),
    }
}

/// A plain scalar as a whole number. `0300` is text, for YAML 1.2 has no such octal numbers.
pub fn integer(text: &str) -> Option<i128> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let based = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| body.strip_prefix(prefix).map(|digits| (digits, radix)));
    let (digits, radix) = based.unwrap_or((body, 10));
    if digits.starts_with(['+', '-']) || is_padded(body) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    Some(if text.starts_with('-') { -number } else { number })
}

/// Digits behind a zero.
fn is_padded(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A plain scalar as a number of at most 32 bits.
pub fn unsigned(text: &str) -> Option<u32> {
    integer(text).filter(|_| !text.starts_with('-')).and_then(|number| u32::try_from(number).ok())
}

/// What serde's messages call a scalar that is no text where one was not expected.
pub fn unexpected(text: &str) -> Option<String> {
    if is_null(text) {
        return Some("unit value".to_owned());
    }
    if let Some(truth) = boolean(text) {
        return Some(format!("boolean `{truth}`"));
    }
    if let Some(number) = integer(text) {
        let size = match number {
            _ if number > u64::MAX.into() => " as u128",
            _ if number < i64::MIN.into() => " as i128",
            _ => "",
        };
        return Some(format!("integer `{number}`{size}"));
    }
    let number = float(text).filter(|_| !is_padded(text.strip_prefix(['+', '-']).unwrap_or(text)))?;
    let point = if number.is_finite() && number.fract() == 0.0 { ".0" } else { "" };
    Some(format!("floating point `{number}{point}`"))
}

/// A plain scalar as a truth value: `yes` and `on` are none.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

struct Resolver<'a> {
    anchors: HashMap<&'a str, &'a Node>,
    /// The nodes that the present one is within, aliases followed.
    open: Vec<&'a Node>,
    /// How many aliases the present value is within.
    aliases: usize,
    copies: usize,
    /// Of text, in these copies.
    bytes: usize,
}

impl<'a> Resolver<'a> {
    fn resolve(&mut self, node: &'a Node, depth: usize) -> Result<Item, Error> {
        let refused =
            |kind, message: String| Err(Error { kind, message, position: node.span.start, context: None });
        if depth > MAX_DEPTH {
            return Ok(hollow(node, node.span));
        }
        if self.aliases > 0 {
            self.copies += 1;
            self.bytes += if let Content::Scalar(scalar) = &node.content { scalar.text.len() } else { 0 };
        }
        if self.copies > MAX_COPIES || self.bytes > MAX_COPIED_BYTES {
            return refused(ErrorKind::Limit, "repetition limit exceeded".to_owned());
        }
        if let Some(anchor) = &node.anchor {
            self.anchors.insert(anchor, node);
        }
        let (mut plain, mut false_null) = (None, false);
        self.open.push(node);
        let value = match &node.content {
            Content::Alias(name) => {
                self.open.pop();
                return match self.anchors.get(name.as_str()) {
                    Some(target) if self.open.iter().any(|open| std::ptr::eq(*open, *target)) => {
                        Ok(hollow(target, node.span))
                    }
                    Some(target) => {
                        self.aliases += 1;
                        let item = self.resolve(target, depth + 1);
                        self.aliases -= 1;
                        item
                    }
                    None => refused(ErrorKind::Refused, UNKNOWN_ANCHOR.to_owned()),
                };
            }
            Content::List(items) => {
                Value::List(items.iter().map(|item| self.resolve(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Content::Map(entries) => {
                let (mut map, mut places) = (Map::default(), HashMap::new());
                for (key, value) in entries {
                    let key = self.resolve(key, depth + 1)?;
                    map.insert(&mut places, key, self.resolve(value, depth + 1)?);
                }
                Value::Map(map)
            }
            Content::Scalar(scalar) => {
                plain = scalar.bare.then(|| scalar.text.clone());
                let is_null = is_nothing(node.tag.as_deref(), &scalar.text);
                false_null = scalar.bare && node.tag.as_deref() == Some(NULL) && !is_null;
                if scalar.bare && is_null { Value::Null } else { Value::Text(scalar.text.clone()) }
            }
        };
        self.open.pop();
        Ok(Item { value, span: node.span, plain, false_null })
    }
}

/// What a value within itself or very deep is worth: the types of an AppSpec never go there.
fn hollow(node: &Node, span: Span) -> Item {
    let value = match &node.content {
        Content::List(_) => Value::List(Vec::new()),
        _ => Value::Map(Map::default()),
    };
    Item { value, span, plain: None, false_null: false }
}

/// `!!null`
const NULL: &str = "tag:yaml.org,2002:null";

/// With a tag, only `!!null` makes nothing of a scalar, and not of an empty one.
fn is_nothing(tag: Option<&str>, text: &str) -> bool {
    is_null(text) && tag.is_none_or(|tag| tag == NULL && !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    const SCALARS: &[&str] = &[
        "0",
        "0.0",
        "00",
        "-0.0",
        "0e0",
        "1e-20",
        "+300",
        "0x10",
        "0o17",
        "0b11",
        "0300",
        "300.0",
        "3.7",
        "1e3",
        "1_000",
        "5m",
        "1:30",
        "-1",
        "4294967295",
        "4294967296",
        ".inf",
        "-.INF",
        "+.5",
        "++1",
        "+-1",
        "yes",
        "on",
        "true",
        "TRUE",
        "tRUE",
        "False",
        "0,0",
        "0x-1",
        "~",
        "null",
        "",
        "08",
        "+0x1F",
        "0X10",
        "1.",
        ".5",
        "-0",
        "-5",
        "-0x1F",
        "-08",
        "1e300",
        "99999999999999999999",
    ];

    #[test]
    fn scalars_are_read_as_serde_yaml_reads_them() {
        for text in SCALARS {
            assert_eq!(float(text), serde_yaml::from_str::<f64>(text).ok(), "{text} as f64");
            assert_eq!(unsigned(text), serde_yaml::from_str::<u32>(text).ok(), "{text} as u32");
            assert_eq!(boolean(text), serde_yaml::from_str::<bool>(text).ok(), "{text} as bool");
            if let Some(word) = unexpected(text) {
                let error = serde_yaml::from_str::<Vec<u8>>(text).err().map(|error| error.to_string());
                assert!(text.is_empty() || error.unwrap().contains(&format!("{word},")), "{text}: {word}");
            }
            let none = matches!(serde_yaml::from_str::<Option<String>>(text), Ok(None));
            assert_eq!(is_null(text), none, "{text} as nothing");
        }
    }

    fn loaded(text: &str) -> Result<String, String> {
        let document = parse(text.as_bytes()).map_err(|error| report(&error))?;
        let item = load(&document).map_err(|error| report(&error))?;
        Ok(item.map_or_else(String::new, |item| item.value.inspect()))
    }

    #[test]
    fn an_empty_scalar_with_a_tag_is_text_and_quotes_count_more_than_tags() {
        let text = "a: !x\nb: !!str\nc: !!null\nd: !!null ~\ne: !!null \"~\"\nf: ! \"\"\n";
        assert_eq!(loaded(text).unwrap(), r#"{"a"=>"", "b"=>"", "c"=>"", "d"=>nil, "e"=>"~", "f"=>""}"#);
        let document = parse(b"a: !!int \"0\"\nb: !!str 0.0\n").unwrap();
        let Value::Map(map) = load(&document).unwrap().unwrap().value else { panic!("a map") };
        let plain = |key| map.get(key).and_then(|item| item.plain.as_deref());
        assert_eq!((plain("a"), plain("b")), (None, Some("0.0")));
    }

    #[test]
    fn aliases_are_followed_and_merge_keys_are_keys() {
        assert_eq!(loaded("a: &x [1]\nb: *x\n").unwrap(), r#"{"a"=>["1"], "b"=>["1"]}"#);
        assert_eq!(loaded("<<: {a: 1}\n").unwrap(), r#"{"<<"=>{"a"=>"1"}}"#);
        assert_eq!(loaded("a: *x\n").unwrap_err(), "unknown anchor at line 1 column 4");
    }

    #[test]
    fn aliases_cannot_make_a_text_endless() {
        assert_eq!(loaded("a: &x [*x]\nb: &y {c: *y}\n").unwrap(), r#"{"a"=>[[]], "b"=>{"c"=>{}}}"#);
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..9 {
            let before = format!("*a{}", n - 1);
            text.push_str(&format!("a{n}: &a{n} [{}]\n", vec![before; 10].join(",")));
        }
        assert!(loaded(&text).unwrap_err().contains("repetition limit"));
        let text = format!("x: &x {}\ny: [{}]\n", "a".repeat(100_000), "*x,".repeat(100));
        assert!(loaded(&text).unwrap_err().contains("repetition limit"));
        let text = format!("x: &x {}\ny: [{}]\n", "a".repeat(1000), "*x,".repeat(100));
        assert!(loaded(&text).is_ok());
    }

    #[test]
    fn a_second_document_is_refused() {
        assert!(loaded("a: 1\n---\n").unwrap_err().contains("more than one document"));
        assert!(loaded("---\na: 1\n...\n").is_ok());
    }

    #[test]
    fn errors_have_serde_yamls_words() {
        let text = "a: b\nc: @x\n";
        let theirs = serde_yaml::from_str::<serde_yaml::Value>(text).unwrap_err().to_string();
        assert!(theirs.ends_with(&loaded(text).unwrap_err()), "{theirs}");
    }
}
