//! Objects to clients: whole, in ranges, their heads, and lists of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use aws_smithy_types::base64;
use bytes::Bytes;
use http::HeaderMap;
use s3s::dto::*;
use s3s::{S3Response, S3Result, s3_error};

use super::answers::{objects, prefixes, signed, time};
use super::conditions::Conditions;
use super::keys::Keys;
use super::{Answer, Store, receive};
use crate::sandbox::objects::Listing;

const CHUNK: u64 = 64 * 1024;
const MAX_KEYS: i32 = 1000;

/// The bytes of an open file in pieces.
struct Chunks {
    file: File,
    left: u64,
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let size = usize::try_from(self.left.min(CHUNK)).unwrap_or(0);
        let mut chunk = vec![0; size];
        let read = self.file.read_exact(&mut chunk);
        // After an error there is nothing more to say.
        self.left = if read.is_ok() { self.left - size as u64 } else { 0 };
        Some(read.map(|()| chunk.into()))
    }
}

impl Store {
    pub(super) fn get(&self, input: GetObjectInput) -> Answer<GetObjectOutput> {
        let stored = self.objects.get(&input.bucket, &input.key, input.version_id.as_deref())?;
        let conditions = Conditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&stored)?;
        let range = input.range.map(|range| range.check(stored.size)).transpose()?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return Err(s3_error!(InvalidRange));
        }
        let content_range =
            range.as_ref().map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, stored.size));
        let span = range.unwrap_or(0..stored.size);
        let left = span.end - span.start;
        let open = || {
            let mut file = File::open(&stored.path)?;
            file.seek(SeekFrom::Start(span.start))?;
            Ok(file)
        };
        let file = open().map_err(|error: io::Error| s3_error!(error, InternalError))?;
        let whole = content_range.is_none();
        let sums = if whole && input.checksum_mode.is_some() {
            receive::headers(&stored.attributes.checksums)
        } else {
            HeaderMap::new()
        };
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(futures_util::stream::iter(Chunks { file, left }))),
            content_length: Some(signed(left)),
            content_range,
            content_type: content_type(stored.attributes.content_type.as_deref()),
            e_tag: Some(ETag::Strong(stored.etag)),
            last_modified: Some(time(stored.modified)),
            tag_count: i32::try_from(stored.attributes.tags.len()).ok().filter(|count| *count > 0),
            metadata: Some(stored.attributes.metadata),
            version_id: stored.version,
            server_side_encryption: stored.attributes.encryption.map(ServerSideEncryption::from),
            ssekms_key_id: stored.attributes.kms_key,
            storage_class: stored.attributes.storage_class.map(StorageClass::from),
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, sums))
    }

    pub(super) fn head(&self, input: HeadObjectInput) -> Answer<HeadObjectOutput> {
        let stored = self.objects.get(&input.bucket, &input.key, input.version_id.as_deref())?;
        let conditions = Conditions {
            matches: input.if_match,
            none_match: input.if_none_match,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&stored)?;
        let sums = match input.checksum_mode {
            Some(_) => receive::headers(&stored.attributes.checksums),
            None => HeaderMap::new(),
        };
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(stored.size)),
            content_type: content_type(stored.attributes.content_type.as_deref()),
            e_tag: Some(ETag::Strong(stored.etag)),
            last_modified: Some(time(stored.modified)),
            metadata: Some(stored.attributes.metadata),
            version_id: stored.version,
            server_side_encryption: stored.attributes.encryption.map(ServerSideEncryption::from),
            ssekms_key_id: stored.attributes.kms_key,
            storage_class: stored.attributes.storage_class.map(StorageClass::from),
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, sums))
    }

    pub(super) fn list(&self, input: ListObjectsInput) -> Answer<ListObjectsOutput> {
        let keys = Keys::of(input.encoding_type.as_ref())?;
        let max_keys = limit(input.max_keys)?;
        let marker = input.marker.as_deref().filter(|marker| !marker.is_empty());
        let found =
            self.page(&input.bucket, input.prefix.as_deref(), input.delimiter.as_deref(), marker, max_keys)?;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: keys.write_some(input.prefix)?,
            delimiter: keys.write_some(input.delimiter)?,
            marker: keys.write_some(input.marker)?,
            encoding_type: keys.encoding_type(),
            max_keys: Some(max_keys),
            is_truncated: Some(found.next.is_some()),
            next_marker: keys.write_some(found.next)?,
            contents: Some(objects(found.objects, keys)?),
            common_prefixes: Some(prefixes(found.prefixes, keys)?),
            ..Default::default()
        }))
    }

    pub(super) fn list_v2(&self, input: ListObjectsV2Input) -> Answer<ListObjectsV2Output> {
        let keys = Keys::of(input.encoding_type.as_ref())?;
        let max_keys = limit(input.max_keys)?;
        let after = match &input.continuation_token {
            Some(token) => {
                Some(base64::decode(token).ok().and_then(|text| String::from_utf8(text).ok()).ok_or_else(
                    || s3_error!(InvalidArgument, "The continuation token provided is incorrect"),
                )?)
            }
            None => input.start_after.clone(),
        };
        let found = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            after.as_deref(),
            max_keys,
        )?;
        let count = found.objects.len() + found.prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: keys.write_some(input.prefix)?,
            delimiter: keys.write_some(input.delimiter)?,
            start_after: keys.write_some(input.start_after)?,
            encoding_type: keys.encoding_type(),
            max_keys: Some(max_keys),
            key_count: Some(i32::try_from(count).unwrap_or(max_keys)),
            continuation_token: input.continuation_token,
            is_truncated: Some(found.next.is_some()),
            next_continuation_token: found.next.map(base64::encode),
            contents: Some(objects(found.objects, keys)?),
            common_prefixes: Some(prefixes(found.prefixes, keys)?),
            ..Default::default()
        }))
    }

    fn page(
        &self,
        bucket: &str,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        after: Option<&str>,
        max_keys: i32,
    ) -> S3Result<Listing> {
        let limit = usize::try_from(max_keys).unwrap_or(0);
        Ok(self.objects.list(bucket, prefix.unwrap_or(""), delimiter, after, limit)?)
    }
}

fn limit(asked: Option<i32>) -> S3Result<i32> {
    match asked.unwrap_or(MAX_KEYS) {
        negative @ ..0 => Err(s3_error!(InvalidArgument, "max-keys {} is negative", negative)),
        keys => Ok(keys.min(MAX_KEYS)),
    }
}

fn content_type(stored: Option<&str>) -> Option<ContentType> {
    stored.unwrap_or("binary/octet-stream").parse().ok()
}
