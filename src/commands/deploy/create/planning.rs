//! `deploy create --dry-run`: what would be made, as far as it is known before.

use super::{Destination, Prepared};
use crate::api::{CreateDeployment, Seen};
use crate::commands::deploy::appspec::Unfinished;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::exit::Exit;
use crate::model::{Group, Revision};
use crate::report::upload::size;
use crate::view;

/// What would be done.
#[derive(Debug)]
pub struct Plan {
    pub request: CreateDeployment,
    pub group: Seen<Group>,
    /// What comes before the deployment.
    pub first: Vec<String>,
}

impl Plan {
    pub async fn show(&self, context: &Context) -> anyhow::Result<Exit> {
        let json = context.api().await?.planned_deployment(&self.request)?;
        view::plan::show(&self.request, &self.group, &self.first, json)
            .print(&context.settings.output, &context.ui)?;
        context.ui.note("nothing was changed");
        Ok(Exit::Ok)
    }
}

/// What is made before the deployment, in words.
pub fn first(
    name: &GroupName,
    bundle: Option<(&Prepared, &Destination)>,
    appspec: Option<&Unfinished>,
) -> Vec<String> {
    let bundle = bundle.map(|(prepared, to)| {
        let place = format!("s3://{}/{}", to.bucket, to.key);
        format!(
            "upload {} to {place} and register that with application {}",
            size(prepared.bytes),
            name.application
        )
    });
    let task = appspec.and_then(Unfinished::registers);
    let task = task.map(|file| format!("register the task definition {}", file.display()));
    bundle.into_iter().chain(task).collect()
}

/// What a push would make, as far as it is known before.
pub fn revision(prepared: &Prepared, to: &Destination) -> Revision {
    Revision::S3 {
        bucket: to.bucket.clone(),
        key: to.key.clone(),
        bundle_type: Some(prepared.bundle_type.clone()),
        version: None,
        etag: None,
    }
}
