//! `deploy create --if-changed`: whether the group has what would be deployed. In doubt it is deployed.

use serde_json::json;

use super::{Arguments, Destination, Prepared, Stage, Taken};
use crate::api::{Api, Created, ErrorKind, Stored};
use crate::appspec::inline;
use crate::commands::deploy::retry::whole;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::Doing;
use crate::model::{DeploymentStatus, Group, Revision, bare_etag};

/// A group's last attempt that is its last success, on every target.
pub struct Last {
    id: String,
    revision: Revision,
}

impl Last {
    /// None where the last attempt was no whole success, or nobody may know.
    pub async fn of(context: &Context, name: &GroupName, group: &Group) -> anyhow::Result<Option<Self>> {
        let Some(id) = group.last_attempted.clone() else { return Ok(None) };
        if group.last_successful.as_ref() != Some(&id) {
            return Ok(None);
        }
        let api = context.api().await?;
        let deployment = match api.deployment(&id).await {
            Ok(seen) => seen.value,
            Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error).doing(format_args!("see what {name} has")),
        };
        let all = deployment.overview.is_none_or(|overview| overview.failed == 0);
        match deployment.revision {
            Some(revision) if all && deployment.status == DeploymentStatus::Succeeded => {
                let revision = whole(api, &name.application, revision).await?;
                Ok(Some(Last { id, revision }))
            }
            _ => Ok(None),
        }
    }

    /// Whether it deployed what the line names, as far as nothing has to be made for it.
    pub async fn has(
        &self,
        context: &Context,
        arguments: &Arguments,
        bundle: Option<(&Prepared, &Destination)>,
        given: Option<&Revision>,
    ) -> anyhow::Result<bool> {
        if let Some((prepared, to)) = bundle {
            let there = context.api().await?.object(&to.bucket, &to.key, None, None).await.ok();
            let there = there.filter(|there| there.digest.as_ref() == Some(&prepared.sha256));
            return Ok(there.is_some_and(|there| self.is(&stored(&to.bucket, &to.key, there))));
        }
        if let Some(given) = given {
            return Ok(self.is(given));
        }
        let Revision::AppSpec { content: Some(content), .. } = &self.revision else { return Ok(false) };
        Ok(inline::read(content).is_ok_and(|appspec| arguments.appspec.is_where(&appspec)))
    }

    /// Says that nothing is done.
    pub fn stays(&self, context: &Context, name: &GroupName, stage: Stage) -> Taken {
        let id = self.id.clone();
        if stage != Stage::Checked {
            context.ui.note(&format!("{name} has this since deployment {id}: nothing to do"));
        }
        Taken::Unchanged(Created { json: json!({ "deploymentId": id }), id })
    }

    /// The same content: by the version or the eTag of an object, which a name alone does not tell.
    pub fn is(&self, wanted: &Revision) -> bool {
        match (&self.revision, wanted) {
            (
                Revision::S3 { bucket: b1, key: k1, version: v1, etag: e1, .. },
                Revision::S3 { bucket: b2, key: k2, version: v2, etag: e2, .. },
            ) => {
                let etags = e1.as_deref().map(bare_etag).zip(e2.as_deref().map(bare_etag));
                let same = |(a, b): (&str, &str)| a == b;
                let versions = v1.as_deref().zip(v2.as_deref());
                b1 == b2 && k1 == k2 && (versions.is_some_and(same) || etags.is_some_and(same))
            }
            (there, wanted) => there.same_object(wanted),
        }
    }
}

fn stored(bucket: &str, key: &str, there: Stored) -> Revision {
    Revision::S3 {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        bundle_type: None,
        version: there.version,
        etag: there.etag,
    }
}

/// An object with the version and the eTag that it has now, so that the next `--if-changed` can tell. Who may not look
/// deploys it as it is named.
pub async fn resolved(api: &Api, revision: Revision) -> Revision {
    let Revision::S3 { bucket, key, bundle_type, version, etag } = &revision else { return revision };
    let Ok(there) = api.object(bucket, key, version.as_deref(), None).await else { return revision };
    Revision::S3 {
        bucket: bucket.clone(),
        key: key.clone(),
        bundle_type: bundle_type.clone(),
        version: version.clone().or(there.version),
        etag: etag.clone().or(there.etag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_no_content() {
        let s3 = |version: Option<&str>, etag: Option<&str>| Revision::S3 {
            bucket: "b".into(),
            key: "k.zip".into(),
            bundle_type: None,
            version: version.map(Into::into),
            etag: etag.map(Into::into),
        };
        let is = |there, wanted| Last { id: "d-1".into(), revision: there }.is(&wanted);
        assert!(is(s3(Some("1"), None), s3(Some("1"), Some("e"))));
        assert!(is(s3(Some("1"), Some("\"e\"")), s3(Some("2"), Some("e"))), "uploaded again");
        assert!(!is(s3(Some("1"), Some("e")), s3(Some("2"), Some("f"))));
        assert!(!is(s3(None, None), s3(Some("1"), Some("e"))));
        assert!(!is(s3(None, None), s3(None, None)));
    }
}
