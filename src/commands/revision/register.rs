//! `cdctl revision register`

use clap::Args;

use super::{pushing, registering};
use crate::commands::appspec_file;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::revision::Locator;

/// Register a revision that is where it says with an application; nothing is uploaded
///
/// Prints the revision as `deploy create --revision` takes it; of an AppSpec, its digest. CodeDeploy does not look whether
/// the object or the commit is there: `revision push` uploads one first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision register s3://releases/site-1.zip --app shop --description 'the first'\n  cdctl revision register github:owner/repo@0123456789abcdef0123456789abcdef01234567 --app shop"
)]
pub struct Arguments {
    /// s3://BUCKET/KEY[?versionId=V], github:OWNER/REPO@COMMIT or, for Lambda and ECS, appspec:FILE
    #[arg(value_name = "REVISION")]
    revision: Locator,

    /// The application whose revision it is
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: String,

    /// Said of the revision wherever it is listed
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let revision = match &arguments.revision {
        Locator::Revision(revision) => revision.clone(),
        Locator::AppSpecFile(file) => appspec_file::revision(context, file)?,
        Locator::LastGood => {
            return Err(Failure::new("last-good is registered already")
                .help("name a revision by its place: s3://BUCKET/KEY or github:OWNER/REPO@COMMIT")
                .exit(Exit::Usage)
                .into());
        }
    };
    registering::register(context, (&arguments.app, &revision, arguments.description.as_deref())).await?;
    pushing::print(context, &arguments.app, &revision)?;
    Ok(Exit::Ok)
}
