//! Values that a pipeline fills in before a file is deployed.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{self, Content, Node, Span};

use super::{Finding, Severity};

/// `<TASK_DEFINITION>`, `${VAR}`, `$VAR`, `arn:…:$VAR:…`, `{{ name }}`, `%NAME%`, `NAME_PLACEHOLDER`.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let within = |open: &str, close: &str| {
        text.find(open).is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(close)))
    };
    let bare = text
        .strip_prefix('$')
        .is_some_and(|name| name != "LATEST" && name.starts_with(|c: char| c.is_ascii_alphabetic()));
    // Within other text, as in an ARN, only what looks like a variable of a shell.
    let variable = text.split('$').skip(1).any(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        name.len() > 1
            && name != "LATEST"
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && !name.contains(|c: char| c.is_ascii_lowercase())
    });
    text.to_ascii_uppercase().contains("PLACEHOLDER")
        || within("<", ">")
        || within("${", "}")
        || within("{{", "}}")
        || bare
        || variable
        || (text.len() > 2 && text.starts_with('%') && text.ends_with('%'))
}

/// Where a placeholder stands.
pub fn finding(span: Span, text: &str, allowed: bool) -> Finding {
    let message = format!("`{text}` is a placeholder: deployed as it is, it fails");
    if allowed {
        return Finding::note("A075", span, message);
    }
    Finding::warning("A075", span, message)
        .help("a pipeline fills it in; --allow-placeholders says that this is meant")
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

/// The scalars that are placeholders, keys included, and `{{ name }}` without quotes, which YAML takes for a mapping.
fn collect(node: &Node, places: &mut BTreeMap<Span, String>) {
    match &node.content {
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
