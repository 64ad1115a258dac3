//! `cdctl github tokens`

use clap::Args;

use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::Listing;

/// List the names of the stored connections to GitHub accounts
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl github tokens")]
pub struct Arguments {}

pub async fn run(context: &Context, _: &Arguments) -> anyhow::Result<Exit> {
    let (output, ui) = (&context.settings.output, &context.ui);
    let names = context.api().await?.token_names().await.doing("list the connections to GitHub")?;
    let mut list = Listing::new(output, ui, "tokenNameList", ["TOKEN"], "no connections to GitHub");
    for name in names {
        list.add(name.as_str().into(), vec![name])?;
    }
    list.finish()?;
    Ok(Exit::Ok)
}
