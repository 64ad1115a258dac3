//! `context`: the grammar of an SELinux label.

use crate::source::psych::Value;

use super::super::Agent;
use super::super::model::Context;
use super::index;

/// The label; the error is what the agent reports.
///
/// Source: official agent 1.8.1, context_info and range_info. The name is read from `name`, not from `user`.
pub fn read(value: &Value, agent: Agent) -> Result<Context, String> {
    let member =
        |key: &str| index(value, key).map(|value| (!value.is_null()).then(|| value.to_s().trim().to_owned()));
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
    let parts: Vec<&str> = range.split(':').collect();
    let (sensitivity, categories) = match parts.as_slice() {
        [sensitivity] => (*sensitivity, None),
        [sensitivity, categories] => (*sensitivity, Some(*categories)),
        _ => return Err(format!("invalid range part {range}")),
    };
    let level = |text: &str, letter: char, most: u32| {
        let number =
            text.strip_prefix(letter).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.and_then(|digits| digits.parse::<u32>().ok()).filter(|number| *number <= most)
    };
    let bounds = sensitivity
        .split('-')
        .map(|part| level(part, 's', u32::MAX).ok_or_else(|| format!("invalid sensitivity {part}")))
        .collect::<Result<Vec<_>, _>>()?;
    if bounds.len() > 2 || bounds.first() > bounds.last() {
        return Err(format!(
            "The deployment failed because of a problem with the SELinux range specified ({range}) for the context parameter in the permissions section of the application specification file. Make corrections in the permissions section of the AppSpec file, and then try again."
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    // Ruby splits an empty text into nothing.
    let categories = categories.filter(|categories| !categories.is_empty());
    for part in categories.into_iter().flat_map(|categories| categories.split(',')) {
        let category = |text: &str| level(text, 'c', 1023).ok_or_else(|| format!("invalid category {text}"));
        let (low, high) = match part.split_once('.') {
            Some((low, high)) => (category(low)?, category(high)?),
            None => (category(part)?, category(part)?),
        };
        if low > high {
            return Err(format!("invalid category range {part}"));
        }
        if !(low..=high).all(|number| seen.insert(number)) {
            return Err("duplicate categories".to_owned());
        }
    }
    Ok(())
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
        for good in ["s0", "s0-s1", "s0:c0.c1023", "s0-s1:c1,c3.c5"] {
            assert_eq!(check_range(good, Agent::One), Ok(()), "{good}");
        }
        for bad in ["x", "s5-s1", "s0:c1024", "s0:c3.c1", "s0:c1,c1", "s0:c0:c1"] {
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
