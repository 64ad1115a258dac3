//! Requests that a user wrote: read from a file or standard input, checked against the operation.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::api::{Operation, input};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::print_json;

/// More than any request: the service takes less than one megabyte.
const LIMIT: u64 = 4 << 20;

/// A request from a file, under the flags.
#[derive(Clone, Debug, Args)]
pub struct RequestArgs {
    /// Take what no flag says from this YAML or JSON file with the API's names; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,

    /// Print such a file with every member, to be filled in, and do nothing
    #[arg(long)]
    pub skeleton: bool,
}

impl RequestArgs {
    /// What the file says, an empty request without one; none where only the skeleton was asked for, which is printed.
    pub fn base(&self, context: &Context, operation: &Operation) -> anyhow::Result<Option<Value>> {
        if self.skeleton {
            print_json(&operation.input().skeleton(), None, &context.settings.output, &context.ui)?;
            return Ok(None);
        }
        self.from.as_deref().map_or_else(|| Ok(json!({})), |file| read(file, operation)).map(Some)
    }
}

/// The operation called `name`.
pub fn operation(name: &str) -> anyhow::Result<&'static Operation> {
    Operation::named(name).ok_or_else(|| Failure::new(format!("CodeDeploy has no operation {name}")).into())
}

/// Lays the request `over` on `base`: what a member of both has inside is replaced one by one, and as a whole. Half of
/// an old choice beside half of a new one would make none.
pub fn merge(base: &mut Value, over: Value) {
    let (Some(base), Value::Object(over)) = (base.as_object_mut(), over) else { return };
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (Some(Value::Object(there)), Value::Object(inner)) => there.extend(inner),
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

/// The request in `file` (`-`: standard input), YAML or JSON with the API's names.
pub fn read(file: &Path, operation: &Operation) -> anyhow::Result<Value> {
    let cannot = || format!("cannot read the request {}", file.display());
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(cannot)?)
    };
    let mut text = Vec::new();
    source.take(LIMIT).read_to_end(&mut text).with_context(cannot)?;
    input::read(&text, &operation.input()).map_err(|wrong| {
        let failure = Failure::new(format!("{} is not a request of {}", file.display(), operation.name))
            .cause(wrong.to_string())
            .exit(Exit::Usage);
        match wrong.near {
            Some(near) => failure.help(format!("did you mean `{near}`?")).into(),
            None => failure.help(format!("see `cdctl api {} --skeleton -o yaml`", operation.name)).into(),
        }
    })
}

/// A member that an operation cannot do without, though the API does not require it.
pub fn text<'a>(request: &'a Value, member: &str, operation: &Operation) -> anyhow::Result<&'a str> {
    request.get(member).and_then(Value::as_str).ok_or_else(|| needs(operation, member))
}

/// An error where a member that the API requires is missing.
pub fn complete(request: &Value, operation: &Operation) -> anyhow::Result<()> {
    let shape = operation.input();
    let missing: Vec<&str> = shape
        .members()
        .iter()
        .filter(|member| member.required && request.get(&member.name).is_none())
        .map(|member| member.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(needs(operation, &missing.join(", ")))
}

fn needs(operation: &Operation, members: &str) -> anyhow::Error {
    Failure::new(format!("{} needs {members}", operation.name))
        .help(format!("see `cdctl api {} --skeleton -o yaml`", operation.name))
        .exit(Exit::Usage)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_replaced_as_a_whole() {
        let mut request = json!({ "a": 1, "waits": {
            "ready": { "action": "STOP", "minutes": 30 }, "end": { "action": "KEEP" } } });
        merge(&mut request, json!({ "b": 2, "waits": { "ready": { "action": "CONTINUE" } } }));
        let waits = json!({ "ready": { "action": "CONTINUE" }, "end": { "action": "KEEP" } });
        assert_eq!(request, json!({ "a": 1, "b": 2, "waits": waits }));
    }
}
