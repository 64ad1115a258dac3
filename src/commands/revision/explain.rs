//! `cdctl revision explain`

use clap::Args;
use serde_json::json;

use crate::appspec::{CODES, Code, code, wrapped};
use crate::context::Context;
use crate::error::{Failure, nearest};
use crate::exit::Exit;
use crate::format::{Table, View};

/// Say what a finding of `validate` means for a deployment
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdctl revision explain A023\n  cdctl revision explain")]
pub struct Arguments {
    /// The finding's code; all of them without one
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let wire = |code: &Code| json!({ "code": code.id, "title": code.title, "text": code.text });
    let mut table = Table::properties();
    let json = match &arguments.code {
        None => {
            CODES.iter().for_each(|code| table.row([code.id.to_owned(), code.title.to_owned()]));
            json!({ "codes": CODES.iter().map(wire).collect::<Vec<_>>() })
        }
        Some(name) => {
            let found = code(name).ok_or_else(|| {
                let near = nearest(name, CODES.iter().map(|code| code.id));
                let near = near.or_else(|| code(&format!("A{name:0>3}")).map(|code| code.id));
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                Failure::new(format!("there is no code {name}"))
                    .help(format!("{near}`cdctl revision explain` lists all"))
                    .exit(Exit::Usage)
            })?;
            let columns = context.ui.out_look().columns;
            for text in [&format!("{}: {}", found.id, found.title), found.text] {
                wrapped(text, columns, 0).split('\n').for_each(|line| table.row([line.to_owned()]));
            }
            wire(found)
        }
    };
    View { json, items: Some("codes"), table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
