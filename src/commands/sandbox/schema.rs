//! `cdctl sandbox schema`

use clap::Args;

use crate::context::Context;
use crate::exit::Exit;
use crate::sandbox::fleet::SCHEMA;

/// Print the JSON Schema of fleet files, for editors
///
/// In VS Code and others a first line `# yaml-language-server: $schema=FILE` lets a fleet file be checked while it is
/// written.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl sandbox schema > fleet.schema.json")]
pub struct Arguments {}

pub fn run(context: &Context, _arguments: &Arguments) -> anyhow::Result<Exit> {
    context.ui.data(SCHEMA.trim_end())?;
    Ok(Exit::Ok)
}
