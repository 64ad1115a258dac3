//! What is wrong with a fleet file, in words: where, and what was meant. Reads text, knows no fleet.

use crate::error::nearest;
use crate::source::{Content, Document, Node, Position};

/// What the reader's libraries call things that have no such name in a file.
const WORDS: [(&str, &str); 7] = [
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected u8", "expected a whole number up to 255"),
    ("expected f64", "expected a number"),
    ("invalid type: unit value", "nothing is written here"),
    ("expected map with a single key", "expected one name with its value"),
];

/// serde's message in words of the file, with the name that was meant where one is near. Its expected names stand in
/// backticks.
pub(super) fn explained(message: &str) -> String {
    let message = &WORDS.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to));
    let meant = || {
        let at = ["unknown field `", "unknown variant `"]
            .into_iter()
            .find_map(|words| message.find(words).map(|start| start + words.len()))?;
        let (written, rest) = message.get(at..)?.split_once('`')?;
        nearest(written, rest.split('`').skip(1).step_by(2))
    };
    match meant() {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message.to_owned(),
    }
}

/// The places of names in a file.
pub(super) struct Places(Option<Node>);

impl Places {
    pub(super) fn of(document: Document) -> Self {
        Places(document.root)
    }

    /// `what`, with where this name stands: for the time that counts from 0, or the last.
    pub(super) fn told(&self, what: &str, name: &str, time: usize) -> String {
        let mut found = Vec::new();
        if let Some(root) = &self.0 {
            find(root, name, &mut found);
        }
        match found.get(time).or(found.last()) {
            Some(place) => format!("{what} at line {} column {}", place.line, place.column),
            None => what.to_owned(),
        }
    }
}

impl Places {
    /// `what`, with where the entry of this number stands in a list of the file.
    pub(super) fn entry(&self, what: &str, list: &str, number: usize) -> String {
        let Some(Node { content: Content::Map(members), .. }) = &self.0 else { return what.to_owned() };
        let named = |(key, value): &'_ (Node, Node)| match (&key.content, &value.content) {
            (Content::Scalar(scalar), Content::List(items)) if scalar.text == list => {
                items.get(number).map(|item| item.span.start)
            }
            _ => None,
        };
        match members.iter().find_map(named) {
            Some(place) => format!("{what} at line {} column {}", place.line, place.column),
            None => what.to_owned(),
        }
    }
}

fn find(node: &Node, name: &str, found: &mut Vec<Position>) {
    match &node.content {
        Content::Scalar(scalar) if scalar.text == name => found.push(node.span.start),
        Content::List(items) => items.iter().for_each(|item| find(item, name, found)),
        Content::Map(members) => members.iter().for_each(|(key, value)| {
            find(key, name, found);
            find(value, name, found);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_said_where_it_is_near() {
        let message =
            "buckets[0]: unknown field `versionning`, expected `name` or `versioning` at line 3 column 3";
        assert_eq!(explained(message), format!("{message}; did you mean `versioning`?"));
        let message = "unknown variant `explode`, expected one of `fail`, `hang`";
        assert_eq!(explained(message), message);
        assert_eq!(explained("invalid type: `x`"), "invalid type: `x`");
        assert_eq!(
            explained("count: invalid value: -1, expected usize"),
            "count: invalid value: -1, expected a whole number"
        );
    }
}
