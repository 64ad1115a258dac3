//! Ruby's Psych 4 (`YAML.load` of Ruby 3.1 and later), with which agent 1 reads an AppSpec.
//!
//! Source: official agent 1.8.1, application_specification; Psych 4.0.4's scalar scanner as observed.

mod scalar;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::source::{Content, Document, Error, ErrorKind, Node, Span};

pub use scalar::Scanned;

/// A value as Ruby has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Item>),
    Map(Map),
}

/// A value with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub value: Value,
    pub span: Span,
    /// The scalar's text where it is written without quotes; Psych decided what it is.
    pub plain: Option<String>,
    /// `!!null` stands before what is no null, which serde_yaml refuses where a value may be left out. Psych has no such
    /// items.
    pub false_null: bool,
}

/// A Ruby Hash: the last of repeated keys has won.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    pub entries: Vec<(Item, Item)>,
    /// Keys that came again later, where the earlier one stands, with the values that they had there.
    pub repeated: Vec<(Item, Item)>,
}

impl Item {
    /// Nothing stands there, not even quotes; a tag may.
    pub fn is_left_out(&self) -> bool {
        self.plain.as_deref() == Some("")
    }
}

impl Map {
    /// The value of a text key.
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The entry of a text key.
    pub fn entry(&self, key: &str) -> Option<&(Item, Item)> {
        self.entries.iter().find(|(name, _)| matches!(&name.value, Value::Text(text) if text == key))
    }

    /// The map without the entries of these keys.
    pub fn without(&self, keys: &[&str]) -> Map {
        let stays = |(key, _): &&(Item, Item)| !keys.contains(&key.value.to_s().as_str());
        Map { entries: self.entries.iter().filter(stays).cloned().collect(), repeated: self.repeated.clone() }
    }

    /// `places` are those of the keys that are there, for this map alone.
    pub(super) fn insert(&mut self, places: &mut HashMap<String, usize>, key: Item, value: Item) {
        match places.entry(key.value.inspect()) {
            Entry::Occupied(place) => {
                if let Some(entry) = self.entries.get_mut(*place.get()) {
                    self.repeated.push(std::mem::replace(entry, (key, value)));
                }
            }
            Entry::Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push((key, value));
            }
        }
    }
}

impl Value {
    /// Ruby's `to_s`.
    pub fn to_s(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => scalar::float_to_s(*value),
            Value::Text(text) => text.clone(),
            Value::List(_) | Value::Map(_) => self.inspect(),
        }
    }

    /// Ruby's `inspect` (of Ruby 3.1: `{"a"=>1}`).
    pub fn inspect(&self) -> String {
        let join = |parts: Vec<String>| parts.join(", ");
        match self {
            Value::Null => "nil".to_owned(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(items) => {
                format!("[{}]", join(items.iter().map(|item| item.value.inspect()).collect()))
            }
            Value::Map(map) => {
                let pair = |(key, value): &(Item, Item)| {
                    format!("{}=>{}", key.value.inspect(), value.value.inspect())
                };
                format!("{{{}}}", join(map.entries.iter().map(pair).collect()))
            }
            scalar => scalar.to_s(),
        }
    }

    /// The Ruby class, as its error messages name it.
    pub fn class(&self) -> &'static str {
        match self {
            Value::Null => "NilClass",
            Value::Bool(true) => "TrueClass",
            Value::Bool(false) => "FalseClass",
            Value::Int(_) => "Integer",
            Value::Float(_) => "Float",
            Value::Text(_) => "String",
            Value::List(_) => "Array",
            Value::Map(_) => "Hash",
        }
    }

    /// Ruby's `to_s.strip`: NUL and ASCII blanks go, all others stay.
    pub fn stripped(&self) -> String {
        self.to_s().trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\0']).to_owned()
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// The document as Psych loads it; none where there is none.
pub fn load(document: &Document) -> Result<Option<Item>, Error> {
    document.root.as_ref().map(resolve).transpose()
}

/// An error in the words of Ruby's exception.
pub fn report(error: &Error) -> String {
    match error.kind {
        ErrorKind::Refused => error.message.clone(),
        ErrorKind::Syntax | ErrorKind::Limit => {
            let at = error.context.unwrap_or(error.position);
            format!("(<unknown>): {} at line {} column {}", error.message, at.line, at.column)
        }
    }
}

fn refused(node: &Node, message: String) -> Error {
    Error { kind: ErrorKind::Refused, message, position: node.span.start, context: None }
}

fn resolve(node: &Node) -> Result<Item, Error> {
    if let Some(class) = node.tag.as_deref().and_then(|tag| ruby_class(tag, &node.content)) {
        return Err(refused(node, format!("Tried to load unspecified class: {class}")));
    }
    let mut plain = None;
    let value = match &node.content {
        Content::Alias(name) => return Err(refused(node, format!("Unknown alias: {name}"))),
        Content::List(items) => Value::List(items.iter().map(resolve).collect::<Result<_, _>>()?),
        Content::Map(entries) => Value::Map(resolve_map(entries)?),
        Content::Scalar(scalar) => {
            let tag = node.tag.as_deref().unwrap_or_default();
            // What is behind `!!binary` Ruby decodes, which matters to nobody; that it is text does.
            let tags = ["tag:yaml.org,2002:str", "!str", "tag:yaml.org,2002:binary", "!binary"];
            if !scalar.plain || tags.contains(&tag) {
                Value::Text(scalar.text.clone())
            } else if tag.starts_with("!ruby/sym") {
                // A Symbol is equal to no text; it is kept as the text that would make it one.
                Value::Text(format!(":{}", scalar.text))
            } else {
                plain = Some(scalar.text.clone());
                match scalar::scan(&scalar.text) {
                    Scanned::Value(value) if matches!(tag, "tag:yaml.org,2002:float" | "!float") => {
                        float(value).map_err(|message| refused(node, message))?
                    }
                    Scanned::Value(value) => value,
                    Scanned::Class(class) => {
                        return Err(refused(node, format!("Tried to load unspecified class: {class}")));
                    }
                }
            }
        }
    };
    Ok(Item { value, span: node.span, plain, false_null: false })
}

/// Ruby's `Float(value)`; the error is what it raises.
fn float(value: Value) -> Result<Value, String> {
    match value {
        Value::Int(value) => Ok(Value::Float(value as f64)),
        Value::Float(_) => Ok(value),
        Value::Text(text) => match text.trim().parse() {
            Ok(value) => Ok(Value::Float(value)),
            Err(_) => Err(format!("invalid value for Float(): {text:?}")),
        },
        Value::Null => Err("can't convert nil into Float".to_owned()),
        Value::Bool(value) => Err(format!("can't convert {value} into Float")),
        other => Err(format!("can't convert {} into Float", other.class())),
    }
}

fn resolve_map(entries: &[(Node, Node)]) -> Result<Map, Error> {
    let (mut map, mut places) = (Map::default(), HashMap::new());
    for (key_node, value_node) in entries {
        let key = resolve(key_node)?;
        let value = resolve(value_node)?;
        let merges = key.value == Value::Text("<<".to_owned())
            && key_node.tag.as_deref() != Some("tag:yaml.org,2002:str");
        match value.value {
            Value::Map(other) if merges => merge(&mut map, &mut places, other),
            Value::List(items) if merges && items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
                // The first of the list has the last word.
                for item in items.into_iter().rev() {
                    if let Value::Map(other) = item.value {
                        merge(&mut map, &mut places, other);
                    }
                }
            }
            value_of_key => map.insert(&mut places, key, Item { value: value_of_key, ..value }),
        }
    }
    Ok(map)
}

/// Quoted or not, `<<` merges, and what it brings wins over what stands above it.
fn merge(map: &mut Map, places: &mut HashMap<String, usize>, other: Map) {
    other.entries.into_iter().for_each(|(key, value)| map.insert(places, key, value));
}

/// The class that a tag asks for, which safe loading refuses. A tag without a class, or on a value of another shape, is
/// passed over.
///
/// Source: Psych 4.0, visitors/to_ruby.
fn ruby_class<'a>(tag: &'a str, content: &'a Content) -> Option<&'a str> {
    let bare = tag.strip_prefix("!ruby/").or(tag.strip_prefix('!')).unwrap_or(tag);
    let (kind, name) = bare.split_once(':').unwrap_or((bare, ""));
    let named = (!name.is_empty()).then_some(name);
    let is_ruby = tag.starts_with("!ruby/");
    match content {
        Content::Scalar(_) | Content::Map(_) if matches!(kind, "str" | "string") && tag.starts_with('!') => {
            named
        }
        Content::Scalar(scalar) if is_ruby => match kind {
            "object" => {
                named.filter(|name| matches!(*name, "BigDecimal" | "DateTime" | "Complex" | "Rational"))
            }
            "class" | "module" => Some(scalar.text.as_str()).filter(|text| !text.is_empty()),
            "regexp" => Some("Regexp"),
            "range" => Some("Range"),
            _ => None,
        },
        Content::List(_) if matches!(kind, "seq" | "array") => named,
        Content::Map(_) if matches!(tag, "tag:yaml.org,2002:set" | "!set") => Some("Psych::Set"),
        Content::Map(_) if matches!(tag, "tag:yaml.org,2002:omap" | "!omap") => Some("Psych::Omap"),
        Content::Map(_) if tag == "!ruby/object:Hash" => None,
        Content::Map(_) if is_ruby => match kind {
            "object" => Some(named.unwrap_or("Object")),
            "struct" => Some(named.unwrap_or("Struct")),
            "exception" => Some(named.unwrap_or("Exception")),
            "range" => Some("Range"),
            "array" | "hash" | "hash-with-ivars" | "marshalable" => named,
            _ => None,
        },
        Content::Map(_) if kind == "map" => named,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    fn load_text(text: &str) -> Result<Value, String> {
        let document = parse(text.as_bytes()).map_err(|error| error.to_string())?;
        load(&document)
            .map(|item| item.map_or(Value::Null, |item| item.value))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_last_of_repeated_keys_wins_and_is_remembered() {
        let Ok(Value::Map(map)) = load_text("a: 1\nb: 2\na: 3\n") else { panic!("a map") };
        assert_eq!(map.get("a").map(|item| &item.value), Some(&Value::Int(3)));
        assert_eq!(map.repeated.len(), 1);
        assert_eq!((map.repeated[0].0.span.start.line, &map.repeated[0].1.value), (1, &Value::Int(1)));
    }

    #[test]
    fn what_safe_loading_refuses() {
        assert_eq!(load_text("a: &x 1\nb: *x\n").unwrap_err(), "Unknown alias: x at line 2 column 4");
        assert_eq!(
            load_text("a: 2020-01-31").unwrap_err(),
            "Tried to load unspecified class: Date at line 1 column 4"
        );
        assert_eq!(
            load_text("a: !ruby/object:Object {}").unwrap_err(),
            "Tried to load unspecified class: Object at line 1 column 4"
        );
        assert!(load_text("a: !Ref x").is_ok());
    }

    #[test]
    fn inline_merge_keys_merge() {
        let value = load_text("<<: {a: 1}\nb: 2").unwrap();
        assert_eq!(value.inspect(), r#"{"a"=>1, "b"=>2}"#);
    }

    #[test]
    fn merge_keys_may_be_quoted_and_have_a_list() {
        assert_eq!(load_text("\"<<\": {a: 1}").unwrap().inspect(), r#"{"a"=>1}"#);
        assert_eq!(load_text("<<: [{a: 1}, {a: 2, b: 3}]").unwrap().inspect(), r#"{"a"=>1, "b"=>3}"#);
        assert_eq!(load_text("<<: [1]").unwrap().inspect(), r#"{"<<"=>[1]}"#);
    }

    #[test]
    fn tags_that_convert_or_are_refused() {
        assert_eq!(load_text("!!float 0"), Ok(Value::Float(0.0)));
        assert!(load_text("!!float abc").unwrap_err().starts_with("invalid value for Float(): \"abc\""));
        assert!(
            load_text("!!set {a}").unwrap_err().starts_with("Tried to load unspecified class: Psych::Set")
        );
        assert_ne!(load_text("!ruby/sym linux"), load_text("linux"));
        let classes = |text: &str| {
            let error = load_text(text).err()?;
            let (_, class) = error.split_once("class: ")?;
            class.split_once(' ').map(|(class, _)| class.to_owned())
        };
        for (text, class) in [
            ("!ruby/object:A::B {}", Some("A::B")),
            ("!ruby/object {}", Some("Object")),
            ("!ruby/object:Hash {a: 1}", None),
            ("!ruby/object:Foo x", None),
            ("!ruby/object:Complex 1", Some("Complex")),
            ("!ruby/hash {a: b}", None),
            ("!ruby/hash:Foo {}", Some("Foo")),
            ("!ruby/array [a]", None),
            ("!ruby/array:Foo [a]", Some("Foo")),
            ("!ruby/regexp /a/", Some("Regexp")),
            ("!ruby/class String", Some("String")),
            ("!ruby/string:Foo x", Some("Foo")),
            ("!ruby/struct {}", Some("Struct")),
            ("!seq:Foo [a]", Some("Foo")),
            ("!omap {a: b}", Some("Psych::Omap")),
            ("!Ref x", None),
        ] {
            assert_eq!(classes(text).as_deref(), class, "{text}");
        }
    }

    #[test]
    fn quotes_and_tags_make_text() {
        for text in ["'0.0'", "\"0.0\"", "!!str 0.0"] {
            assert_eq!(load_text(text), Ok(Value::Text("0.0".into())), "{text}");
        }
        assert_eq!(load_text("~"), Ok(Value::Null));
    }
}
