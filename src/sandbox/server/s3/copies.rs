//! Objects that are copied within the store, and those that are deleted many at a time.

use std::fs::File;
use std::io::Read;

use s3s::dto::*;
use s3s::{S3Response, s3_error};

use super::answers::time;
use super::conditions::Conditions;
use super::keys::sayable;
use super::{Answer, Store, checksums, tagging};
use crate::sandbox::objects::When;

const CHUNK: usize = 64 * 1024;

impl Store {
    pub(super) fn copy(&self, input: CopyObjectInput) -> Answer<CopyObjectOutput> {
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "The cdctl sandbox has no access points."));
        };
        let source = self.objects.get(bucket, key, version_id.as_deref())?;
        let conditions = Conditions {
            matches: input.copy_source_if_match,
            none_match: input.copy_source_if_none_match,
            modified_since: input.copy_source_if_modified_since,
            unmodified_since: input.copy_source_if_unmodified_since,
        };
        conditions.check_source(&source)?;
        let mut copy = self.objects.receive(&input.bucket)?;
        let mut fill = || {
            let mut file = File::open(&source.path)?;
            let mut chunk = vec![0; CHUNK];
            loop {
                match file.read(&mut chunk)? {
                    0 => return Ok(()),
                    read => copy.write(&chunk[..read])?,
                }
            }
        };
        fill().map_err(|error: std::io::Error| s3_error!(error, InternalError))?;
        let received = copy.finish().map_err(|error| s3_error!(error, InternalError))?;
        let mut attributes = source.attributes;
        // Those of parts are none of a whole.
        if attributes.checksums.get(checksums::TYPE).is_some_and(|kind| kind == ChecksumType::COMPOSITE) {
            attributes.checksums.clear();
        }
        let directive = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
        if directive == Some(MetadataDirective::REPLACE) {
            attributes.metadata = input.metadata.unwrap_or_default();
            attributes.content_type = input.content_type.map(|kind| kind.to_string());
        }
        if input.tagging_directive.as_ref().map(TaggingDirective::as_str) == Some(TaggingDirective::REPLACE) {
            attributes.tags = tagging::of_header(input.tagging.as_deref())?;
        }
        let (bucket, key) = (&input.bucket, &input.key);
        let stored = self.objects.put(bucket, key, received, attributes, &When::Always, self.clock.now())?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(stored.etag)),
            last_modified: Some(time(stored.modified)),
            ..Default::default()
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: source.version,
            version_id: stored.version,
            ..Default::default()
        }))
    }

    /// What is not there counts as deleted, as in S3.
    pub(super) fn delete_many(&self, input: DeleteObjectsInput) -> Answer<DeleteObjectsOutput> {
        let quiet = input.delete.quiet.unwrap_or_default();
        let mut deleted = Vec::new();
        for ObjectIdentifier { key, version_id, .. } in input.delete.objects {
            let (made, marker) = self.objects.delete(&input.bucket, &key, version_id.as_deref())?;
            deleted.push(DeletedObject {
                key: sayable(key),
                version_id,
                delete_marker: marker.then_some(true),
                delete_marker_version_id: made.filter(|_| marker),
            });
        }
        let deleted = Some(deleted).filter(|_| !quiet);
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }
}
