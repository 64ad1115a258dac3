//! Values that a pipeline fills in before a file is deployed.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{self, Content, Node, Span};

use super::read::TOP_KEYS;
use super::template::LETTERS;
use super::{Finding, Severity};

/// Bytes of a placeholder, at most.
pub const MOST: usize = 200;

/// `<TASK_DEFINITION>`, `${VAR}`, `$(Var)`, `$VAR`, `arn:…:$var:…`, `{{ name }}`, `[[ name ]]`, `((name))`, `#{name}`,
/// `%NAME%`, `@name@`, `__NAME__`, `NAME_PLACEHOLDER`.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let within = |open: &str, close: &str| {
        text.find(open).is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(close)))
    };
    // Between what may stand in other texts too, only what looks like a name, and is no longer than one.
    let named = |open: &str, close: &str, others: &str| {
        text.match_indices(open).any(|(at, _)| {
            let rest = text.get(at + open.len()..).unwrap_or_default();
            let rest = rest.get(..rest.floor_char_boundary(MOST)).unwrap_or_default();
            rest.split_once(close).is_some_and(|(name, _)| is_name(name.trim(), others))
        })
    };
    let bare = text
        .strip_prefix('$')
        .is_some_and(|name| name != "LATEST" && name.starts_with(|c: char| c.is_ascii_alphabetic()));
    // Within other text only what looks like a variable of a shell, which in an ARN is in any case.
    let is_arn = text.starts_with("arn:");
    let variable = text.split('$').skip(1).any(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        name.len() > 1 && name != "LATEST" && (is_capitals(name) || (is_arn && is_name(name, "")))
    });
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let in_underscores = words.any(|word| {
        word.strip_prefix("__").and_then(|word| word.strip_suffix("__")).is_some_and(is_capitals)
    });
    text.contains("PLACEHOLDER")
        || text.contains(|c| LETTERS.contains(&c))
        || within("<", ">")
        || within("${", "}")
        || within("{{", "}}")
        || within("#{", "}")
        || named("$(", ")", "-.")
        || named("((", "))", "-./:")
        || (named("[[", "]]", "-./\" ") && is_brackets(text))
        || named("@", "@", "-.")
        || in_underscores
        || bare
        || variable
        || (text.len() > 2 && text.starts_with('%') && text.ends_with('%'))
}

/// A name of letters, digits, underscores and these others; it begins with a letter or an underscore, or with a dot before
/// one.
pub fn is_name(text: &str, others: &str) -> bool {
    let first = if others.contains('.') { text.strip_prefix('.').unwrap_or(text) } else { text };
    first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || others.contains(c))
}

/// `app/[[lang]]` is what directories of websites are called.
fn is_brackets(text: &str) -> bool {
    let is_whole = text.starts_with("[[") && text.ends_with("]]");
    is_whole || text.contains("[[ ") || text.contains(|c: char| c.is_ascii_uppercase())
}

/// `NAME`: in small letters between two underscores Python's own files are called, and others.
pub fn is_capitals(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(is_letter)
}

/// Words of a placeholder that say what is to be done with it.
pub const REPLACED: &[&str] = &["CHANGE", "REPLACE", "REPLACED", "YOUR"];

/// `REPLACE_TASK_DEFINITION`: words of capitals, of which one is of [`REPLACED`] or of `wanted`, what the place wants. To be
/// asked only where such a word can be no value.
pub fn stands_for(text: &str, wanted: &[&str]) -> bool {
    let is_told = |word: &str| REPLACED.contains(&word) || wanted.contains(&word);
    is_capitals(text) && text.contains('_') && text.split('_').any(is_told)
}

pub const HELP: &str = "a pipeline fills it in; --allow-placeholders says that this is meant";

/// A placeholder for Lambda or ECS.
pub fn finding(span: Span, text: &str, allowed: bool) -> Finding {
    told(span, format!("`{text}` is a placeholder: deployed as it is, it fails"), allowed)
}

fn told(span: Span, message: String, allowed: bool) -> Finding {
    if allowed {
        Finding::note("A075", span, message)
    } else {
        Finding::warning("A075", span, message).help(HELP)
    }
}

/// The findings of an AppSpec for hosts, with its placeholders. Where they are meant, what else there is to say of one goes
/// unsaid. `is_there`: whether the bundle has a file of this very name.
pub fn of_hosts(
    text: &[u8],
    mut findings: Vec<Finding>,
    allowed: bool,
    is_there: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let Ok(Some(root)) = source::parse(text).map(|document| document.root) else { return findings };
    let mut places = BTreeMap::new();
    if let Content::Map(entries) = &root.content {
        let known = |key: &Node| matches!(&key.content, Content::Scalar(key) if TOP_KEYS.contains(&key.text.as_str()));
        for (key, value) in entries {
            collect(key, &mut places);
            if known(key) {
                collect(value, &mut places);
            }
        }
    }
    places.retain(|_, text| !is_there(text));
    if allowed {
        findings.retain(|found| {
            found.severity == Severity::Note || found.span.is_none_or(|span| !places.contains_key(&span))
        });
    }
    for found in findings.iter_mut().filter(|found| found.severity != Severity::Note) {
        if found.span.is_some_and(|span| places.remove(&span).is_some()) {
            found.help = Some(HELP.to_owned());
        }
    }
    findings.extend(
        places.into_iter().map(|(span, text)| {
            told(span, format!("`{text}` is a placeholder: no agent fills it in"), allowed)
        }),
    );
    findings
}

/// The findings, of which those about a placeholder say just that, once for each.
pub fn noted(text: &[u8], findings: Vec<Finding>, allowed: bool) -> Vec<Finding> {
    let Ok(Some(root)) = source::parse(text).map(|document| document.root) else { return findings };
    let (mut places, mut told) = (BTreeMap::new(), BTreeSet::new());
    collect(&root, &mut places);
    let one = |found: Finding| {
        let place = found.span.filter(|_| found.severity != Severity::Note || found.code == "A075");
        match place.and_then(|span| Some((span, places.get(&span)?))) {
            Some((span, text)) => told.insert(span).then(|| finding(span, text, allowed)),
            None => Some(found),
        }
    };
    findings.into_iter().filter_map(one).collect()
}

/// Whether a tag is not YAML's own.
pub fn is_foreign(tag: &str) -> bool {
    !tag.starts_with("tag:yaml.org,")
}

/// The scalars that are placeholders, keys included, and `{{ name }}` without quotes, which YAML takes for a mapping.
fn collect(node: &Node, places: &mut BTreeMap<Span, String>) {
    match &node.content {
        // A tag of CloudFormation's is a mistake of its own.
        _ if node.tag.as_deref().is_some_and(is_foreign) => {}
        Content::Scalar(scalar) if is_placeholder(&scalar.text) => {
            places.insert(node.span, scalar.text.clone());
        }
        Content::List(items) => items.iter().for_each(|item| collect(item, places)),
        Content::Map(entries) => {
            if let [(key, _)] = entries.as_slice()
                && let Content::Map(inner) = &key.content
                && let [(Node { content: Content::Scalar(name), .. }, _)] = inner.as_slice()
            {
                places.insert(node.span, format!("{{{{ {} }}}}", name.text));
            }
            for (key, value) in entries {
                collect(key, places);
                collect(value, places);
            }
        }
        Content::Scalar(_) | Content::Alias(_) => {}
    }
}
