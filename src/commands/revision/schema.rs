//! `cdctl revision schema`

use clap::Args;

use super::reading::WhichPlatform;
use crate::appspec;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Format, Output, print_json};

/// Print the JSON Schema of an AppSpec file, for editors
///
/// It describes right files: what `validate` finds fault with by shape, an editor underlines. A line
/// `# yaml-language-server: $schema=appspec.schema.json` at the top of a file names it to most editors.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision schema > appspec.schema.json\n  cdctl revision schema --platform ecs"
)]
pub struct Arguments {
    /// What it is for [default: all, told apart by what the file holds]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<WhichPlatform>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let schema = appspec::schema(arguments.platform.map(WhichPlatform::platform));
    // A schema is JSON; a table of it would be none.
    let output = match context.settings.output.format {
        Format::Table | Format::Text => Output { format: Format::Json, ..context.settings.output.clone() },
        _ => context.settings.output.clone(),
    };
    print_json(&schema, None, &output, &context.ui)?;
    Ok(Exit::Ok)
}
