//! Agent 2's reading beside serde_yaml itself, on its types: every field with every shape of value and every tag.

use std::collections::HashMap;

use serde::Deserialize;

use super::*;

/// The fields of agent 2, by their names and types alone.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct RawAppSpec {
    version: f64,
    os: String,
    #[serde(default)]
    hooks: HashMap<String, Option<Vec<RawScript>>>,
    #[serde(default)]
    files: Vec<RawFileMapping>,
    #[serde(default)]
    permissions: Vec<RawPermission>,
    file_exists_behavior: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct RawScript {
    location: Option<String>,
    runas: Option<String>,
    sudo: Option<bool>,
    timeout: Option<u32>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct RawFileMapping {
    source: Option<String>,
    destination: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct RawPermission {
    object: Option<String>,
    pattern: Option<String>,
    except: Option<Vec<String>>,
    r#type: Option<Vec<String>>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<String>,
    acls: Option<Vec<String>>,
    context: Option<RawContext>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct RawContext {
    name: Option<String>,
    r#type: Option<String>,
    range: Option<String>,
}

/// Where a value may stand.
const PLACES: &[&str] = &[
    "version: @\nos: linux\n",
    "version: 0.0\nos: @\n",
    "version: 0.0\nos: linux\n@: 1\n",
    "version: 0.0\nos: linux\nunknown: @\n",
    "version: 0.0\nos: linux\nfile_exists_behavior: @\n",
    "version: 0.0\nos: linux\nfiles: @\n",
    "version: 0.0\nos: linux\nfiles:\n  - @\n",
    "version: 0.0\nos: linux\nfiles:\n  - source: @\n    destination: /d\n",
    "version: 0.0\nos: linux\nfiles:\n  - source: s\n    destination: @\n",
    "version: 0.0\nos: linux\npermissions: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    pattern: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    except: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    except:\n      - @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    owner: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    mode: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    type: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    type:\n      - @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    acls: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    context: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    context:\n      name: @\n      type: t\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    context:\n      type: @\n",
    "version: 0.0\nos: linux\npermissions:\n  - object: /o\n    context:\n      type: t\n      range: @\n",
    "version: 0.0\nos: linux\nhooks: @\n",
    "version: 0.0\nos: linux\nhooks:\n  @: []\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall: @\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - @\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: @\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: l\n      timeout: @\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: l\n      runas: @\n",
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: l\n      sudo: @\n",
    "@\n",
];

const TAGS: &[&str] =
    &["", "!!null ", "!!str ", "!!int ", "!!float ", "!!bool ", "!!binary ", "!!seq ", "!!map ", "!x ", "! "];

const VALUES: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "x",
    "5",
    "0",
    "0.0",
    "-1",
    "true",
    "yes",
    "2020-01-01",
    "\"\"",
    "\"5\"",
    "'0.0'",
    "'true'",
    "\"~\"",
    "|-\n         5",
    "|-\n         0.0",
    "|-\n         true",
    ">-\n         x y",
    "[]",
    "[a]",
    "{}",
    "{location: l}",
    "{source: s, destination: /d}",
    "{object: /o}",
    "&n x",
];

/// How the readings of a text differ, where they do: in the verdict, or in its words alone.
fn differs(text: &str) -> Option<(bool, String)> {
    let theirs = serde_yaml::from_str::<RawAppSpec>(text).err().map(|error| error.to_string());
    let ours = load(text.as_bytes(), Os::Linux, Agent::Two).err();
    let ours = ours.filter(|refusal| read::is_yaml_refusal(refusal));
    let told = format!("{text:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}");
    match (ours, theirs) {
        (None, None) => None,
        (Some(ours), Some(theirs)) => (!ours.ends_with(&format!(": {theirs}"))).then_some((false, told)),
        _ => Some((true, told)),
    }
}

#[test]
fn whatever_serde_yaml_refuses_is_refused() {
    let (mut total, mut wrong, mut words) = (0, Vec::new(), Vec::new());
    for place in PLACES {
        for (tag, value) in TAGS.iter().flat_map(|tag| VALUES.iter().map(move |value| (tag, value))) {
            let text = place.replace('@', &format!("{tag}{value}"));
            // A number in a block with the tag of numbers is one to serde_yaml; nobody writes that, and here it is none.
            if text.trim().is_empty() || (value.starts_with("|-") && tag.starts_with("!!")) {
                continue;
            }
            total += 1;
            match differs(&text) {
                Some((true, told)) => wrong.push(told),
                // With a tag serde_yaml words some of its refusals by the tag's type.
                Some((false, told)) if tag.is_empty() => words.push(told),
                Some(_) | None => {}
            }
        }
    }
    for text in ["# only\n", "---\n", "--- # a\n", "---\n...\n", "\n\n# b\n", "--- ~\n"] {
        total += 1;
        wrong.extend(differs(text).map(|(_, told)| told));
    }
    // What follows the first document is counted once that was read.
    for first in [
        "version: 0.0\nos: linux\n",
        "version: 0.0\n",
        "version: x\nos: linux\n",
        "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - {location: l, timeout: \"300\"}\n",
        " version: 0.0\nos: linux\n",
        " version: 0.0\n os: linux\nfiles: []\n",
        " version: 0.0\n os: linux\n hooks: a\nfiles: []\n",
        "# a\n  version: 0.0\n os: linux\n",
    ] {
        for rest in ["", "---\n", "---\nos: linux\n", "---\n@ no YAML\n", "...\nos: linux\n", "... x\n"] {
            total += 1;
            wrong.extend(differs(&format!("{first}{rest}")).map(|(_, told)| told));
        }
    }
    assert!(wrong.is_empty(), "{} of {total} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(words.is_empty(), "{} of {total} have other words:\n{}", words.len(), words.join("\n"));
}
