//! The checksums of a multipart upload: named when it begins, sent with each part and again when it is completed.
//!
//! Source: Amazon S3 user guide, "Checking object integrity"; S3's own errors. An upload that was begun without takes
//! parts with any, keeps none, and finds no part by one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

use aws_smithy_types::base64;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::receive::{PREFIX, Sums, hasher, named};
use crate::sandbox::objects::{Checksums, Fault, Uploaded};

/// The header that says how an object's checksum was made.
pub const TYPE: &str = "x-amz-checksum-type";
const ALGORITHMS: [&str; 5] = [
    ChecksumAlgorithm::CRC32,
    ChecksumAlgorithm::CRC32C,
    ChecksumAlgorithm::CRC64NVME,
    ChecksumAlgorithm::SHA1,
    ChecksumAlgorithm::SHA256,
];
const CHUNK: usize = 64 * 1024;

/// What an upload is begun with.
pub fn begun(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<Checksums>> {
    let Some(algorithm) = algorithm.map(ChecksumAlgorithm::as_str) else { return Ok(None) };
    if !ALGORITHMS.contains(&algorithm) {
        return Err(s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, \
             CRC32C, CRC64NVME, SHA1, SHA256]"
        ));
    }
    let is_64 = algorithm == ChecksumAlgorithm::CRC64NVME;
    let full_object = kind.map_or(is_64, |kind| kind.as_str() == ChecksumType::FULL_OBJECT);
    if full_object != is_64 && (is_64 || algorithm.starts_with("SHA")) {
        return Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            if full_object { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE },
            algorithm.to_lowercase()
        ));
    }
    Ok(Some(Checksums { algorithm: algorithm.to_owned(), full_object }))
}

/// A part comes with the upload's checksum and with no other.
pub fn check_part(checksums: Option<&Checksums>, sums: &Sums) -> S3Result<()> {
    let Some(Checksums { algorithm, full_object }) = checksums else { return Ok(()) };
    let sent = ALGORITHMS.iter().find(|name| sums.announces(&name.to_lowercase()));
    if sent.map_or(*full_object, |sent| *sent == algorithm.as_str()) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        algorithm.to_lowercase(),
        sent.map_or_else(|| "null".to_owned(), |sent| sent.to_lowercase())
    ))
}

/// The name of the header of a checksum.
pub fn header(algorithm: &str) -> String {
    format!("{PREFIX}{}", algorithm.to_lowercase())
}

/// Holds the checksums of the parts that an upload is to be completed with against those that came with them.
pub fn check_named(
    checksums: Option<&Checksums>,
    named: &[CompletedPart],
    there: &[Uploaded],
) -> S3Result<()> {
    for part in named {
        let number = part.part_number.unwrap_or_default();
        let kept = there.iter().find(|there| there.number == number).and_then(|it| it.checksum.as_ref());
        let sums = [
            (ChecksumAlgorithm::CRC32, &part.checksum_crc32),
            (ChecksumAlgorithm::CRC32C, &part.checksum_crc32c),
            (ChecksumAlgorithm::CRC64NVME, &part.checksum_crc64nvme),
            (ChecksumAlgorithm::SHA1, &part.checksum_sha1),
            (ChecksumAlgorithm::SHA256, &part.checksum_sha256),
        ];
        let mut sums = sums.into_iter().filter_map(|(name, sum)| Some((name, sum.as_ref()?))).peekable();
        if let Some(Checksums { algorithm, full_object: false }) = checksums
            && sums.peek().is_none()
        {
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a {} checksum. The complete request must include the checksum for each \
                 part. It was missing for part {} in the request.",
                algorithm.to_lowercase(),
                number
            ));
        }
        let is_kept = |(name, sum): (&str, &String)| {
            checksums.is_some_and(|checksums| checksums.algorithm == name) && kept == Some(sum)
        };
        if !sums.all(is_kept) {
            return Err(S3Error::with_message(S3ErrorCode::InvalidPart, Fault::InvalidPart.message()));
        }
    }
    Ok(())
}

/// The object's checksum by header name. Reads all parts where it is that of the whole.
pub fn of_object(checksums: &Checksums, parts: &[&Uploaded]) -> io::Result<HashMap<String, String>> {
    let mut hasher = hasher(|name| name == checksums.algorithm.to_lowercase());
    for part in parts {
        if checksums.full_object {
            let (mut file, mut chunk) = (File::open(&part.path)?, vec![0; CHUNK]);
            loop {
                match file.read(&mut chunk)? {
                    0 => break,
                    read => hasher.update(chunk.get(..read).unwrap_or_default()),
                }
            }
        } else {
            let sum = part.checksum.as_deref().and_then(|sum| base64::decode(sum).ok());
            hasher.update(&sum.unwrap_or_default());
        }
    }
    let mut sums = named(hasher.finalize());
    if !checksums.full_object {
        sums.values_mut().for_each(|sum| sum.push_str(&format!("-{}", parts.len())));
    }
    sums.insert(TYPE.to_owned(), super::answers::checksum_type(checksums).as_str().to_owned());
    Ok(sums)
}
