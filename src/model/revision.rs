//! An application revision: what is deployed.

use std::fmt;

use super::open_enum;

open_enum! {
    /// The form of a bundle, as in `S3Location.bundleType`.
    BundleType {
        Tar = "tar",
        Tgz = "tgz",
        Zip = "zip",
        Yaml = "YAML",
        Json = "JSON",
    }
}

/// A `RevisionLocation` of the API. Its text form is that of `--revision`; `revision/locator.rs` parses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    S3 {
        bucket: String,
        key: String,
        bundle_type: Option<BundleType>,
        version: Option<String>,
        etag: Option<String>,
    },
    GitHub {
        repository: String,
        commit: String,
    },
    /// An inline AppSpec; the service gives back only its SHA-256.
    AppSpec {
        content: Option<String>,
        sha256: Option<String>,
    },
    /// A form that this version does not know: the API's `revisionType`.
    Other(String),
}

impl Revision {
    /// Whether both name the same object: quotes around an eTag do not count, and what one side leaves open
    /// (version, eTag, bundle type) does not tell them apart.
    pub fn same_object(&self, other: &Revision) -> bool {
        fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        match (self, other) {
            (
                Revision::S3 { bucket: b1, key: k1, version: v1, etag: e1, .. },
                Revision::S3 { bucket: b2, key: k2, version: v2, etag: e2, .. },
            ) => {
                b1 == b2
                    && k1 == k2
                    && agree(v1.as_deref(), v2.as_deref())
                    && agree(e1.as_deref().map(bare_etag), e2.as_deref().map(bare_etag))
            }
            (Revision::AppSpec { sha256: Some(a), .. }, Revision::AppSpec { sha256: Some(b), .. }) => a == b,
            (a, b) => a == b,
        }
    }

    /// Whether both bring the same files: the same object, or versions of one object that have one eTag, as a bundle has
    /// that was pushed again.
    pub fn same_content(&self, other: &Revision) -> bool {
        let versions = match (self, other) {
            (
                Revision::S3 { bucket: b1, key: k1, etag: Some(e1), .. },
                Revision::S3 { bucket: b2, key: k2, etag: Some(e2), .. },
            ) => b1 == b2 && k1 == k2 && bare_etag(e1) == bare_etag(e2),
            _ => false,
        };
        versions || self.same_object(other)
    }
}

/// An eTag without the quotes that some calls add.
pub fn bare_etag(etag: &str) -> &str {
    etag.trim_matches('"')
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revision::S3 { bucket, key, bundle_type, version, etag } => {
                write!(f, "s3://{bucket}/{key}")?;
                let mut separator = '?';
                let mut parameter = |f: &mut fmt::Formatter<'_>, name: &str, value: &str| {
                    let result = write!(f, "{separator}{name}={value}");
                    separator = '&';
                    result
                };
                // Both: the service takes the same object with and without its eTag, and with and without quotes around
                // that, for other revisions.
                if let Some(version) = version {
                    parameter(f, "versionId", version)?;
                }
                if let Some(etag) = etag {
                    parameter(f, "etag", etag)?;
                }
                // What stands after the last question mark of a key alone would be read as parameters.
                let open = key.contains('?') && version.is_none() && etag.is_none();
                match bundle_type {
                    Some(kind) if open || BundleType::of_key(key).as_ref() != Some(kind) => {
                        parameter(f, "bundleType", kind.as_str())
                    }
                    _ => Ok(()),
                }
            }
            Revision::GitHub { repository, commit } => write!(f, "github:{repository}@{commit}"),
            Revision::AppSpec { sha256: Some(sha256), .. } => {
                write!(f, "appspec:sha256={}", sha256.get(..12).unwrap_or(sha256))
            }
            Revision::AppSpec { .. } => f.write_str("appspec:inline"),
            Revision::Other(kind) => write!(f, "({kind})"),
        }
    }
}

impl BundleType {
    /// The bundle type that an object key's ending names.
    pub fn of_key(key: &str) -> Option<BundleType> {
        let lower = key.to_ascii_lowercase();
        let endings = [
            (".tar.gz", BundleType::Tgz),
            (".tgz", BundleType::Tgz),
            (".tar", BundleType::Tar),
            (".zip", BundleType::Zip),
            (".yaml", BundleType::Yaml),
            (".yml", BundleType::Yaml),
            (".json", BundleType::Json),
        ];
        endings.into_iter().find(|(ending, _)| lower.ends_with(ending)).map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(version: Option<&str>, etag: Option<&str>) -> Revision {
        Revision::S3 {
            bucket: "rel".into(),
            key: "a/site.zip".into(),
            bundle_type: Some(BundleType::Zip),
            version: version.map(Into::into),
            etag: etag.map(Into::into),
        }
    }

    #[test]
    fn prints_as_it_is_written_on_the_command_line() {
        assert_eq!(s3(None, None).to_string(), "s3://rel/a/site.zip");
        assert_eq!(s3(Some("v1"), Some("e")).to_string(), "s3://rel/a/site.zip?versionId=v1&etag=e");
        // With and without quotes they are two revisions to the service.
        assert_eq!(s3(None, Some("\"e\"")).to_string(), "s3://rel/a/site.zip?etag=\"e\"");
    }

    #[test]
    fn quotes_do_not_make_another_revision() {
        assert!(s3(None, Some("\"e\"")).same_object(&s3(None, Some("e"))));
        assert!(!s3(None, Some("f")).same_object(&s3(None, Some("e"))));
        assert!(s3(Some("v"), None).same_object(&s3(None, Some("e"))));
        assert!(s3(Some("v"), Some("e")).same_content(&s3(Some("w"), Some("\"e\""))));
        assert!(!s3(Some("v"), Some("e")).same_content(&s3(Some("v"), Some("f"))));
        assert!(!s3(Some("v"), None).same_content(&s3(Some("w"), None)));
    }
}
