//! `context`: the grammar of an SELinux label.

use crate::source::psych::{Item, Map, Value};

use super::super::model::Context;
use super::super::{Agent, Finding};
use super::{Reader, index, shape};

const KEYS: &[&str] = &["name", "type", "range"];

const RANGE: &str = "a range is `s0`, `s0-s1`, or `s0:c0.c5` with categories up to c1023";

impl Reader {
    /// `path` is the permission's.
    pub(super) fn context(&mut self, item: Option<&Item>, path: &str) -> Option<Context> {
        let item = item?;
        // A tag alone stands for keys without values.
        let nothing = Item { value: Value::Map(Map::default()), ..item.clone() };
        let item = if self.agent == Agent::Two && item.is_left_out() { &nothing } else { item };
        if self.agent == Agent::Two && !matches!(item.value, Value::Map(_)) {
            let message = format!("context is {}", shape(&item.value));
            self.mistyped("A026", &format!("{path}.context"), item, "struct RawContext", message);
            return None;
        }
        if let Value::Map(map) = &item.value {
            self.keys(&map.without(&["user"]), KEYS, "a context");
        }
        if let (Agent::Two, Value::Map(map)) = (self.agent, &item.value) {
            if self.false_nulls("A026", &format!("{path}.context"), item, Some(KEYS)) {
                return None;
            }
            for key in KEYS {
                self.typed_text("A026", &format!("{path}.context.{key}"), map.get(key)).ok()?;
            }
        }
        match read(&item.value, self.agent) {
            Ok(read) => {
                self.user_of_guide(item);
                Some(read)
            }
            Err(report) => {
                let given = |key: &str| match &item.value {
                    Value::Map(map) => map.get(key).filter(|item| !item.value.is_null()),
                    _ => None,
                };
                let finding = match (given("type"), given("range")) {
                    (Some(_), Some(range)) => {
                        let message = format!("`{}` is no SELinux range", range.value.to_s());
                        Finding::error("A026", range.span, message).help(RANGE)
                    }
                    _ => Finding::error("A026", item.span, "the SELinux context is not valid")
                        .help("a context has `type:`, and `range:` for agent 1"),
                };
                self.add(finding.refused(report));
                None
            }
        }
    }

    fn user_of_guide(&mut self, item: &Item) {
        if let Value::Map(map) = &item.value
            && let Some((key, _)) = map.entry("user")
        {
            let message = "the agent ignores `user`, although AWS's guide names it";
            self.add(Finding::warning("A050", key.span, message).help("write `name:`"));
        }
    }
}

/// The label; the error is what the agent reports.
///
/// Source: official agent 1.8.1, context_info and range_info. The name is read from `name`, not from `user`.
fn read(value: &Value, agent: Agent) -> Result<Context, String> {
    let member = |key: &str| index(value, key).map(|value| (!value.is_null()).then(|| value.to_s()));
    let name = member("name")?;
    let Some(kind) = member("type")? else {
        return Err(format!(
            "The deployment failed because the application specification file specifies an invalid context type ({}). Update the permissions section of the AppSpec file, and then try again.",
            value.inspect()
        ));
    };
    let range = member("range")?;
    if let Some(range) = &range {
        check_range(range, agent)?;
    }
    Ok(Context { name, kind, range })
}

fn check_range(range: &str, agent: Agent) -> Result<(), String> {
    if agent == Agent::Two {
        return check_typed_range(range);
    }
    let (sensitivity, categories) = parted(range, ':')?;
    let (low, high) = parted(sensitivity, '-')?;
    let sensitivity =
        |text: &str| level(text, 's', u64::MAX).ok_or_else(|| format!("invalid sensitivity {text}"));
    if let Some(high) = high
        && sensitivity(high)? < sensitivity(low)?
    {
        return Err(format!(
            "The deployment failed because of a problem with the SELinux range specified ({range}) for the context parameter in the permissions section of the application specification file. Make corrections in the permissions section of the AppSpec file, and then try again."
        ));
    }
    sensitivity(low)?;
    let mut seen = std::collections::BTreeSet::new();
    // Ruby's split leaves out what is empty at the end.
    let categories = categories.map(|categories| categories.trim_end_matches(',')).filter(|c| !c.is_empty());
    for part in categories.into_iter().flat_map(|categories| categories.split(',')) {
        let category = |text: &str| level(text, 'c', 1023).ok_or_else(|| format!("invalid category {text}"));
        let (low, high) = parted(part, '.')?;
        let (low, high) = (category(low)?, category(high.unwrap_or(low))?);
        if low > high {
            return Err(format!("invalid category range {part}"));
        }
        if !(low..=high).all(|number| seen.insert(number)) {
            return Err("duplicate categories".to_owned());
        }
    }
    Ok(())
}

/// Before and after the first separator, where there is one; neither may be empty.
fn parted(text: &str, separator: char) -> Result<(&str, Option<&str>), String> {
    let (first, second) = match text.split_once(separator) {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    };
    if first.is_empty() || second == Some("") {
        return Err(format!("invalid range part {text}"));
    }
    Ok((first, second))
}

/// The number behind its letter.
fn level(text: &str, letter: char, most: u64) -> Option<u64> {
    let digits = text.strip_prefix(letter).filter(|digits| !digits.is_empty())?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX)).filter(|number| *number <= most)
}

/// Agent 2 holds the first two sensitivities and every category to their sizes, and passes over the rest.
fn check_typed_range(range: &str) -> Result<(), String> {
    let wrong = || {
        format!(
            "The deployment failed because of a problem with the SELinux range specified ({range}) for the context parameter in the permissions section of the application specification file. Make corrections in the permissions section of the AppSpec file, and then try again."
        )
    };
    let mut parts = range.split(':');
    let sensitivities = parts
        .next()
        .unwrap_or_default()
        .split('-')
        .map(|part| part.strip_prefix('s').and_then(|digits| digits.parse::<u8>().ok()))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)?;
    if let [low, high, ..] = sensitivities.as_slice()
        && low > high
    {
        return Err(wrong());
    }
    for part in parts.next().into_iter().flat_map(|categories| categories.split(',')) {
        let bounds = part
            .split('.')
            .map(|bound| bound.strip_prefix('c').and_then(|digits| digits.parse::<u16>().ok()))
            .map(|bound| bound.filter(|number| *number <= 1023))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(wrong)?;
        if bounds.first() > bounds.last() {
            return Err(wrong());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for good in ["s0", "s0-s1", "s0:c0.c1023", "s0-s1:c1,c3.c5", "s0:c1,", "s0:,", "s01"] {
            assert_eq!(check_range(good, Agent::One), Ok(()), "{good}");
        }
        for bad in [
            "x",
            "s",
            "s5-s1",
            "s0-s1-s2",
            "s0-",
            "s0:",
            "s0:c1024",
            "s0:c3.c1",
            "s0:c1.",
            "s0:c1,c1",
            "s0:c1,,c2",
            "s0:c0:c1",
            " s0",
        ] {
            assert!(check_range(bad, Agent::One).is_err(), "{bad}");
        }
        for good in ["s0-s1-s2", "s+1", "s0:c1,c1", "s0:c0:x"] {
            assert_eq!(check_range(good, Agent::Two), Ok(()), "{good}");
        }
        for bad in ["s256", "s5-s1", "s0:c1024", "x"] {
            assert!(check_range(bad, Agent::Two).is_err(), "{bad}");
        }
    }
}
