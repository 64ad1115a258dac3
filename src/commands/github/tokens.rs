//! `cdctl github tokens`

use clap::Args;
use serde_json::json;

use crate::api::strings;
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
    let doing = "list the connections to GitHub";
    let api = context.api().await?;
    let mut list = Listing::new(output, ui, "tokenNameList", ["TOKEN"], "no connections to GitHub");
    let mut pages = api.pages_of("ListGitHubAccountTokenNames", json!({})).doing(doing)?;
    while let Some(page) = pages.next().await.doing(doing)? {
        for name in strings(page.get("tokenNameList")) {
            list.add(name.as_str().into(), vec![name])?;
        }
    }
    list.finish()?;
    Ok(Exit::Ok)
}
