//! `--regions`: how they are written, and one region's part.

use clap::builder::RangedU64ValueParser;

use super::Arguments;
use crate::model::Revision;
use crate::revision::Locator;

/// At least one region a wave.
pub fn wave_size() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// A name of `--regions`.
pub fn region(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it names no region; regions are written like eu-west-1,us-east-1".to_owned()),
        name => Ok(name.to_owned()),
    }
}

impl Arguments {
    /// The same for one of `--regions`.
    pub fn in_region(&self, region: &str) -> Self {
        let named = |text: &str| text.replace("{region}", region);
        let revision = match &self.revision {
            Some(Locator::Revision(Revision::S3 { bucket, key, bundle_type, version, etag })) => {
                Some(Locator::Revision(Revision::S3 {
                    bucket: named(bucket),
                    key: named(key),
                    bundle_type: bundle_type.clone(),
                    version: version.clone(),
                    etag: etag.clone(),
                }))
            }
            other => other.clone(),
        };
        Arguments { revision, bucket: self.bucket.as_deref().map(named), ..self.clone() }
    }
}
