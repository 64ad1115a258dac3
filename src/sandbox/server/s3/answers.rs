//! The store's words in S3's shapes.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::keys::Keys;
use crate::sandbox::objects::{Error, Fault, Stored};
use crate::sandbox::store::{ACCOUNT, Millis};

impl From<Fault> for S3Error {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            Fault::NoSuchKey => S3ErrorCode::NoSuchKey,
            Fault::NoSuchVersion => S3ErrorCode::NoSuchVersion,
            Fault::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            Fault::BucketAlreadyOwnedByYou => S3ErrorCode::BucketAlreadyOwnedByYou,
            Fault::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
            Fault::InvalidPart => S3ErrorCode::InvalidPart,
            Fault::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            Fault::EntityTooSmall => S3ErrorCode::EntityTooSmall,
            Fault::PreconditionFailed => S3ErrorCode::PreconditionFailed,
        };
        S3Error::with_message(code, fault.message())
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => fault.into(),
            Error::Io(error) => S3Error::with_message(S3ErrorCode::InternalError, error.to_string()),
        }
    }
}

pub fn time(millis: Millis) -> Timestamp {
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    Timestamp::from(time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH))
}

/// A size or a count; S3's are signed.
pub fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn owner() -> Owner {
    Owner { display_name: Some("sandbox".to_owned()), id: Some(ACCOUNT.to_owned()) }
}

pub fn buckets(buckets: Vec<(String, Millis)>) -> ListBucketsOutput {
    let bucket = |(name, created)| Bucket {
        name: Some(name),
        creation_date: Some(time(created)),
        ..Default::default()
    };
    let buckets = buckets.into_iter().map(bucket).collect();
    ListBucketsOutput { buckets: Some(buckets), owner: Some(owner()), ..Default::default() }
}

/// The objects of a list.
pub fn objects(objects: Vec<Stored>, keys: Keys) -> S3Result<ObjectList> {
    objects.into_iter().map(|stored| object(stored, keys)).collect()
}

fn object(stored: Stored, keys: Keys) -> S3Result<Object> {
    Ok(Object {
        e_tag: Some(ETag::Strong(stored.etag)),
        key: Some(keys.write(stored.key)?),
        last_modified: Some(time(stored.modified)),
        size: Some(signed(stored.size)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    })
}

pub fn prefixes(prefixes: Vec<String>, keys: Keys) -> S3Result<CommonPrefixList> {
    prefixes.into_iter().map(|prefix| Ok(CommonPrefix { prefix: Some(keys.write(prefix)?) })).collect()
}

pub fn uploads(
    bucket: String,
    uploads: Vec<(String, String, Millis)>,
    keys: Keys,
) -> S3Result<ListMultipartUploadsOutput> {
    let upload = |(id, key, initiated)| {
        Ok(MultipartUpload {
            upload_id: Some(id),
            key: Some(keys.write(key)?),
            initiated: Some(time(initiated)),
            owner: Some(owner()),
            ..Default::default()
        })
    };
    let uploads: S3Result<_> = uploads.into_iter().map(upload).collect();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(bucket),
        uploads: Some(uploads?),
        is_truncated: Some(false),
        encoding_type: keys.encoding_type(),
        ..Default::default()
    })
}

/// A page of an upload's parts: number, size and eTag.
pub fn parts(parts: Vec<(i32, u64, String)>, is_truncated: bool) -> ListPartsOutput {
    let part = |(number, size, etag)| Part {
        part_number: Some(number),
        size: Some(signed(size)),
        e_tag: Some(ETag::Strong(etag)),
        ..Default::default()
    };
    ListPartsOutput {
        next_part_number_marker: parts.last().map(|(number, ..)| *number).filter(|_| is_truncated),
        is_truncated: Some(is_truncated),
        parts: Some(parts.into_iter().map(part).collect()),
        ..Default::default()
    }
}
