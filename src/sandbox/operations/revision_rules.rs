//! What may be a revision, by platform.

use aws_sdk_codedeploy::types::{BundleType, RevisionLocation, RevisionLocationType};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Refusal;
use crate::model::ComputePlatform;
use crate::sandbox::wire;

/// Checks a revision and gives its wire form. Whether the object exists is not looked at, as in the service.
///
/// # Errors
/// `RevisionRequiredException`, `InvalidRevisionException`.
pub fn check(revision: Option<&RevisionLocation>, platform: &ComputePlatform) -> Result<Value, Refusal> {
    let Some(revision) = revision else {
        return Err(Refusal::new("RevisionRequiredException", "RevisionLocation must be specified"));
    };
    // What the SDK fills in for an absent required member.
    if *revision == RevisionLocation::builder().build() {
        return Err(Refusal::new("RevisionRequiredException", "RevisionLocation must be specified"));
    }
    let given = [
        revision.s3_location.is_some(),
        revision.git_hub_location.is_some(),
        revision.app_spec_content.is_some(),
        // The SDK marks the field of the old inline form as deprecated; the wire does not.
        wire::members(revision)?.contains_key("string"),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(invalid("Only one revision location can be specified"));
    }
    match revision.revision_type() {
        Some(RevisionLocationType::S3) => check_s3(revision, platform)?,
        Some(RevisionLocationType::GitHub) => check_git_hub(revision, platform)?,
        Some(RevisionLocationType::AppSpecContent) if *platform != ComputePlatform::Server => {
            return check_inline(wire::members(revision)?, "appSpecContent");
        }
        // The deprecated form, for Lambda only.
        Some(RevisionLocationType::String) if *platform == ComputePlatform::Lambda => {
            return check_inline(wire::members(revision)?, "string");
        }
        Some(kind @ (RevisionLocationType::AppSpecContent | RevisionLocationType::String)) => {
            return Err(unsupported(kind, platform));
        }
        _ => return Err(invalid("Revision type must be either S3, GitHub or AppSpecContent")),
    }
    Ok(Value::Object(wire::members(revision)?))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("InvalidRevisionException", message)
}

fn unsupported(kind: &RevisionLocationType, platform: &ComputePlatform) -> Refusal {
    let platform = platform.as_str().to_uppercase();
    invalid(&format!("Revision type: {kind} is not supported under compute platform: {platform}"))
}

fn check_s3(revision: &RevisionLocation, platform: &ComputePlatform) -> Result<(), Refusal> {
    let location = revision.s3_location().ok_or_else(|| invalid("S3 location must be specified"))?;
    if location.bucket().is_none_or(str::is_empty) || location.key().is_none_or(str::is_empty) {
        return Err(invalid("Bucket and key of the S3 location must be specified"));
    }
    let bundle = location.bundle_type();
    if *platform == ComputePlatform::Server {
        if !matches!(bundle, Some(BundleType::Tar | BundleType::TarGZip | BundleType::Zip)) {
            return Err(invalid("BundleType must be either tar, zip or tgz"));
        }
    } else if !matches!(bundle, Some(BundleType::Yaml | BundleType::Json)) {
        return Err(invalid("BundleType must be either YAML or JSON"));
    }
    Ok(())
}

fn check_git_hub(revision: &RevisionLocation, platform: &ComputePlatform) -> Result<(), Refusal> {
    if *platform != ComputePlatform::Server {
        return Err(unsupported(&RevisionLocationType::GitHub, platform));
    }
    let location = revision.git_hub_location().ok_or_else(|| invalid("GitHub location must be specified"))?;
    let repository = location.repository().unwrap_or_default();
    if !repository.split_once('/').is_some_and(|(owner, name)| !owner.is_empty() && !name.is_empty()) {
        return Err(invalid("Repository of the GitHub location must have the form account/repository"));
    }
    if location.commit_id().is_none_or(str::is_empty) {
        return Err(invalid("Commit id of the GitHub location must be specified"));
    }
    Ok(())
}

/// An inline AppSpec is known by its SHA-256, which the caller may leave to the service.
fn check_inline(mut members: Map<String, Value>, member: &str) -> Result<Value, Refusal> {
    let Some(Value::Object(inline)) = members.get_mut(member) else {
        return Err(content_missing());
    };
    let text = |name: &str| inline.get(name).and_then(Value::as_str);
    let computed = text("content").map(|content| format!("{:x}", Sha256::digest(content)));
    let sha256 = match (text("sha256"), computed) {
        (Some(given), Some(computed)) if !given.eq_ignore_ascii_case(&computed) => {
            return Err(invalid("The SHA-256 hash of the AppSpec content does not match"));
        }
        (Some(given), _) => given.to_ascii_lowercase(),
        (None, Some(computed)) => computed,
        (None, None) => return Err(content_missing()),
    };
    inline.insert("sha256".to_owned(), sha256.into());
    Ok(Value::Object(members))
}

pub fn content_missing() -> Refusal {
    invalid("AppSpec content must be specified")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str, platform: ComputePlatform) -> String {
        let revision = RevisionLocation::deserialize(&mut wire::reader(json.as_bytes()).unwrap()).unwrap();
        match check(Some(&revision), &platform) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => format!("{}: {}", refusal.code.trim_end_matches("Exception"), refusal.message),
        }
    }

    #[test]
    fn by_platform() {
        use ComputePlatform::{Ecs, Lambda, Server};
        let s3 = |bundle| {
            format!(
                r#"{{"revisionType":"S3","s3Location":{{"bucket":"b","key":"k","bundleType":"{bundle}"}}}}"#
            )
        };
        let git = r#"{"revisionType":"GitHub","gitHubLocation":{"repository":"a/b","commitId":"c"}}"#;
        let inline = r#"{"revisionType":"AppSpecContent","appSpecContent":{"content":"x"}}"#;
        let raw = r#"{"revisionType":"String","string":{"content":"x"}}"#;
        let wrong_sum = r#"{"revisionType":"AppSpecContent","appSpecContent":{"content":"x","sha256":"00"}}"#;
        let both = r#"{"revisionType":"S3","s3Location":{"bucket":"b","key":"k","bundleType":"zip"},
                       "gitHubLocation":{"repository":"a/b","commitId":"c"}}"#;
        let cases: &[(&str, ComputePlatform, &str)] = &[
            ("{}", Server, "RevisionRequired: RevisionLocation must be specified"),
            (&s3("zip"), Server, "ok"),
            (&s3("ZIP"), Server, "InvalidRevision: BundleType must be either tar, zip or tgz"),
            (&s3("YAML"), Lambda, "ok"),
            (&s3("zip"), Lambda, "InvalidRevision: BundleType must be either YAML or JSON"),
            (r#"{"revisionType":"S3"}"#, Server, "InvalidRevision: S3 location must be specified"),
            (git, Server, "ok"),
            (
                git,
                Lambda,
                "InvalidRevision: Revision type: GitHub is not supported under compute platform: LAMBDA",
            ),
            (inline, Lambda, "ok"),
            (
                inline,
                Server,
                "InvalidRevision: Revision type: AppSpecContent is not supported under compute platform: SERVER",
            ),
            (wrong_sum, Lambda, "InvalidRevision: The SHA-256 hash of the AppSpec content does not match"),
            (raw, Lambda, "ok"),
            (raw, Ecs, "InvalidRevision: Revision type: String is not supported under compute platform: ECS"),
            (r#"{"revisionType":"String"}"#, Lambda, "InvalidRevision: AppSpec content must be specified"),
            (both, Server, "InvalidRevision: Only one revision location can be specified"),
        ];
        for (json, platform, expected) in cases {
            assert_eq!(refused(json, platform.clone()), *expected, "{json} on {platform}");
        }
    }
}
