//! `deploy create --from FILE`: a request of CreateDeployment as the arguments that it stands for. What the line says
//! beats the file; calls nothing.

use serde_json::{Map, Value};

use super::Arguments;
use crate::commands::appspec_file;
use crate::commands::names::{GroupArgs, GroupName};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::Revision;
use crate::revision::Locator;

impl Arguments {
    /// These arguments, and where they say nothing what the request `file` says.
    ///
    /// # Errors
    /// The file's revision names nothing that can be deployed.
    pub(super) fn laid_on(&self, context: &Context, file: Value) -> anyhow::Result<Self> {
        let Value::Object(mut file) = file else { return Ok(self.clone()) };
        let mut arguments = self.clone();
        let name = (text(&mut file, "applicationName"), text(&mut file, "deploymentGroupName"));
        if let (None, (Some(application), Some(group))) = (self.group.written(context)?, name) {
            arguments.group = GroupArgs::of(GroupName { application, group });
        }
        if let Some(wanted) = file.remove("revision")
            && !self.names_something()
        {
            arguments.revision = Some(Locator::Revision(revision(&wanted)?));
        }
        let (config, description) = (text(&mut file, "deploymentConfigName"), text(&mut file, "description"));
        arguments.config = arguments.config.or(config);
        arguments.description = arguments.description.or(description);
        for (given, member) in [
            (self.ignore_application_stop_failures, "ignoreApplicationStopFailures"),
            (self.file_exists.is_some(), "fileExistsBehavior"),
            (self.outdated_only, "updateOutdatedInstancesOnly"),
            (self.auto_rollback.is_some(), "autoRollbackConfiguration"),
        ] {
            if given {
                file.remove(member);
            }
        }
        arguments.overrides.file = file;
        Ok(arguments)
    }

    /// The line itself says what is deployed, or that nothing is.
    fn names_something(&self) -> bool {
        self.revision.is_some()
            || self.push.is_some()
            || self.appspec.is_given()
            || self.overrides.is_restart()
    }
}

fn text(file: &mut Map<String, Value>, member: &str) -> Option<String> {
    file.remove(member)?.as_str().map(str::to_owned)
}

/// The RevisionLocation that a request holds.
pub fn revision(written: &Value) -> anyhow::Result<Revision> {
    let text = |path: &str| written.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let form = text("/revisionType");
    let is = |name: &str, member: &str| match &form {
        Some(form) => form == name,
        None => written.get(member).is_some(),
    };
    let found = if is("S3", "s3Location") {
        text("/s3Location/bucket").zip(text("/s3Location/key")).map(|(bucket, key)| Revision::S3 {
            bucket,
            key,
            bundle_type: text("/s3Location/bundleType").as_deref().map(Into::into),
            version: text("/s3Location/version"),
            etag: text("/s3Location/eTag"),
        })
    } else if is("GitHub", "gitHubLocation") {
        text("/gitHubLocation/repository")
            .zip(text("/gitHubLocation/commitId"))
            .map(|(repository, commit)| Revision::GitHub { repository, commit })
    } else {
        // `string` is what `appSpecContent` was called before.
        text("/appSpecContent/content").or_else(|| text("/string/content")).map(appspec_file::of_text)
    };
    found.ok_or_else(|| {
        Failure::new("the request's revision names nothing to deploy")
            .cause("it needs a revisionType and its s3Location, gitHubLocation or appSpecContent, whole")
            .help("see `cdctl deploy create --skeleton -o yaml`, or pass --revision")
            .exit(Exit::Usage)
            .into()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_is_the_one_that_its_type_names() {
        let whole = json!({
            "revisionType": "GitHub",
            "s3Location": { "bucket": "b", "key": "k.zip", "bundleType": "zip", "version": "1", "eTag": "e" },
            "gitHubLocation": { "repository": "me/site", "commitId": "0a" },
            "appSpecContent": { "content": "version: 0.0" },
        });
        let of = |form: Value| {
            let mut whole = whole.clone();
            whole["revisionType"] = form;
            revision(&whole).unwrap().to_string()
        };
        assert_eq!(of("GitHub".into()), "github:me/site@0a");
        assert_eq!(of("S3".into()), "s3://b/k.zip?versionId=1&etag=e");
        assert_eq!(of(Value::Null), "s3://b/k.zip?versionId=1&etag=e");
        assert!(of("AppSpecContent".into()).starts_with("appspec:sha256="));
        for half in [json!({}), json!({ "revisionType": "S3", "s3Location": { "bucket": "b" } })] {
            assert!(revision(&half).is_err(), "{half}");
        }
    }
}
