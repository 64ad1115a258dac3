//! Requests that a user wrote: read from a file or standard input, checked against the operation.

use std::io::Read;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::api::{Operation, input};
use crate::error::Failure;
use crate::exit::Exit;

/// More than any request: the service takes less than one megabyte.
const LIMIT: u64 = 4 << 20;

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
    Err(Failure::new(format!("{} needs {}", operation.name, missing.join(", ")))
        .help(format!("see `cdctl api {} --skeleton -o yaml`", operation.name))
        .exit(Exit::Usage)
        .into())
}
