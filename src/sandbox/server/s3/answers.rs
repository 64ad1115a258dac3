//! The store's words in S3's shapes.

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::keys::Keys;
use crate::sandbox::objects::{Checksums, Error, Fault, Opened, Stored, Uploaded};
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

pub fn uploads(bucket: String, uploads: Vec<Opened>, keys: Keys) -> S3Result<ListMultipartUploadsOutput> {
    let upload = |upload: Opened| {
        Ok(MultipartUpload {
            upload_id: Some(upload.id),
            key: Some(keys.write(upload.key)?),
            initiated: Some(time(upload.initiated)),
            owner: Some(owner()),
            checksum_type: upload.checksums.as_ref().map(checksum_type),
            checksum_algorithm: upload.checksums.map(|checksums| checksums.algorithm.into()),
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

/// How an upload's checksums make the object's.
pub fn checksum_type(checksums: &Checksums) -> ChecksumType {
    ChecksumType::from_static(match checksums.full_object {
        true => ChecksumType::FULL_OBJECT,
        false => ChecksumType::COMPOSITE,
    })
}

/// A page of an upload's parts.
pub fn parts(parts: Vec<Uploaded>, checksums: Option<Checksums>, is_truncated: bool) -> ListPartsOutput {
    let of = |name: &str, part: &Uploaded| {
        part.checksum.clone().filter(|_| checksums.as_ref().is_some_and(|it| it.algorithm == name))
    };
    let part = |part: &Uploaded| Part {
        part_number: Some(part.number),
        size: Some(signed(part.size)),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        checksum_crc32: of(ChecksumAlgorithm::CRC32, part),
        checksum_crc32c: of(ChecksumAlgorithm::CRC32C, part),
        checksum_crc64nvme: of(ChecksumAlgorithm::CRC64NVME, part),
        checksum_sha1: of(ChecksumAlgorithm::SHA1, part),
        checksum_sha256: of(ChecksumAlgorithm::SHA256, part),
        ..Default::default()
    };
    ListPartsOutput {
        next_part_number_marker: parts.last().map(|part| part.number).filter(|_| is_truncated),
        checksum_type: checksums.as_ref().map(checksum_type),
        checksum_algorithm: checksums.as_ref().map(|checksums| checksums.algorithm.clone().into()),
        is_truncated: Some(is_truncated),
        parts: Some(parts.iter().map(part).collect()),
        ..Default::default()
    }
}
