//! What an upload that was cut short has left in S3, so that the next one of the same file goes on from there.
//!
//! S3 tells neither an open upload's metadata nor its settings. So they are in the lengths of its parts ([`Cut`]): parts
//! of these lengths with this content are this file's, on its way to be stored in this way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use aws_sdk_s3::types::builders::CompletedPartBuilder;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedPart, MultipartUpload, Part};
use flate2::Crc;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::Api;
use super::upload::{Place, Put};
use crate::model::bare_etag;

/// The least bytes of a part; more where a file would have too many.
const PART: u64 = 8 << 20;
/// S3 takes 10,000.
const MAX_PARTS: u64 = 9_000;

/// Where a file is cut into parts.
#[derive(Clone, Copy)]
pub struct Cut {
    size: u64,
    length: u64,
}

impl Cut {
    /// `size` in bytes, above none.
    pub fn new(size: u64, put: &Put) -> Self {
        let digest = Sha256::digest(format!("{put:?}"));
        // 18 bits: at most 256 KiB beyond the length that it would be.
        let mark = digest.iter().take(3).fold(0, |mark, byte| (mark << 8) | u64::from(*byte)) >> 6;
        Cut { size, length: PART.max(size.div_ceil(MAX_PARTS)) + mark }
    }

    pub fn count(self) -> i32 {
        i32::try_from(self.size.div_ceil(self.length)).unwrap_or(i32::MAX)
    }

    /// Offset and length in bytes of a part, from 1.
    pub fn part(self, number: i32) -> (u64, u64) {
        let before = u64::try_from(number.saturating_sub(1)).unwrap_or_default();
        let offset = before.saturating_mul(self.length).min(self.size);
        (offset, self.length.min(self.size - offset))
    }

    fn fits(self, part: &Part) -> bool {
        let number = part.part_number().unwrap_or_default();
        let length = part.size().and_then(|size| u64::try_from(size).ok());
        (1..=self.count()).contains(&number) && length == Some(self.part(number).1)
    }
}

/// An upload that is not complete.
pub struct Unfinished {
    pub id: String,
    /// Of the checksums that it was begun with. Without, none of a part may be named when it is completed.
    pub algorithm: Option<ChecksumAlgorithm>,
    /// By number.
    pub parts: BTreeMap<i32, CompletedPart>,
}

impl Unfinished {
    /// A part as S3 is told of it in the end.
    pub(super) fn told(&self, part: CompletedPartBuilder) -> CompletedPart {
        told(self.algorithm.as_ref(), part)
    }
}

fn told(algorithm: Option<&ChecksumAlgorithm>, part: CompletedPartBuilder) -> CompletedPart {
    if algorithm.is_none() { part.set_checksum_crc32(None).build() } else { part.build() }
}

/// What is open where a file goes.
#[derive(Default)]
pub(super) struct Found {
    /// The file's own with the most parts.
    pub unfinished: Option<Unfinished>,
    /// The ids of its others: nothing in them is not in the file.
    pub same: Vec<String>,
    /// The ids of all; none where nobody may ask for them.
    pub known: Option<Vec<String>>,
    pub open: Open,
}

/// How many other uploads to the same place are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Those whose parts are this file's, and which could not be removed.
    pub same: usize,
    /// Those without parts, which may be of any file.
    pub empty: usize,
    /// Those whose parts are not this file's, or cannot be looked at.
    pub others: usize,
}

impl Api {
    /// The open upload of this file to this place that has the most parts, and what else is open there. Where nobody may
    /// ask for them it is as if there were none.
    pub(super) async fn unfinished(&self, file: &Path, cut: Cut, place: &Place<'_>) -> Found {
        let (mut found, mut own) = (Found::default(), Vec::new());
        let Some(uploads) = self.open_uploads(place).await else { return found };
        let names_none = self.checksum_algorithm().await.is_none();
        found.known = Some(uploads.iter().filter_map(|upload| upload.upload_id.clone()).collect());
        for upload in uploads {
            let (Some(id), algorithm) = (upload.upload_id, upload.checksum_algorithm) else { continue };
            let Some(listed) = self.listed_parts(place, &id).await else {
                found.open.others += 1;
                continue;
            };
            if listed.is_empty() {
                found.open.empty += 1;
                continue;
            }
            let (file, count, by) = (file.to_owned(), listed.len(), algorithm.clone());
            let same = tokio::task::spawn_blocking(move || same(&file, cut, by.as_ref(), &listed));
            let parts = same.await.ok().and_then(Result::ok).unwrap_or_default();
            let is_crc32 = algorithm.as_ref().is_none_or(|algorithm| *algorithm == ChecksumAlgorithm::Crc32);
            // Of a part of one with checksums S3 wants one.
            let is_wanting = names_none && algorithm.is_some();
            if parts.is_empty() || !is_crc32 || is_wanting {
                found.open.others += 1;
            } else {
                own.push((parts.len() == count, Unfinished { id, algorithm, parts }));
            }
        }
        own.sort_by_key(|(_, upload)| upload.parts.len());
        found.unfinished = own.pop().map(|(_, upload)| upload);
        found.open.others += own.iter().filter(|(whole, _)| !whole).count();
        found.same = own.into_iter().filter(|(whole, _)| *whole).map(|(_, upload)| upload.id).collect();
        found
    }

    /// Those of the place's key.
    pub(super) async fn open_uploads(&self, place: &Place<'_>) -> Option<Vec<MultipartUpload>> {
        let request = self.s3().await.list_multipart_uploads().bucket(place.bucket).prefix(place.key);
        let answer = request.set_expected_bucket_owner(place.put.expected_owner.clone()).send().await;
        let uploads = answer.ok()?.uploads.unwrap_or_default();
        Some(uploads.into_iter().filter(|upload| upload.key() == Some(place.key)).collect())
    }

    pub(super) async fn listed_parts(&self, place: &Place<'_>, id: &str) -> Option<Vec<Part>> {
        let request = self.s3().await.list_parts().bucket(place.bucket).key(place.key).upload_id(id);
        let request = request.set_expected_bucket_owner(place.put.expected_owner.clone());
        request.into_paginator().items().send().try_collect().await.ok()
    }
}

/// The parts that hold what the file holds; none where the upload was cut in another way.
fn same(
    file: &Path,
    cut: Cut,
    algorithm: Option<&ChecksumAlgorithm>,
    listed: &[Part],
) -> io::Result<BTreeMap<i32, CompletedPart>> {
    let mut parts = BTreeMap::new();
    if !listed.iter().all(|part| cut.fits(part)) {
        return Ok(parts);
    }
    let mut file = File::open(file)?;
    for part in listed {
        let number = part.part_number().unwrap_or_default();
        if holds(&mut file, cut.part(number), part)? {
            let part = CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag().map(str::to_owned))
                .set_checksum_crc32(part.checksum_crc32().map(str::to_owned));
            parts.insert(number, told(algorithm, part));
        }
    }
    Ok(parts)
}

/// By the eTag, which is the MD5 unless a key of KMS encrypts the object; by the CRC-32 then.
fn holds(file: &mut File, (offset, length): (u64, u64), part: &Part) -> io::Result<bool> {
    file.seek(SeekFrom::Start(offset))?;
    let (mut md5, mut crc, mut rest) = (Md5::new(), Crc::new(), file.take(length));
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = rest.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        md5.update(bytes);
        crc.update(bytes);
    }
    let md5: String = md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let crc = aws_smithy_types::base64::encode(crc.sum().to_be_bytes());
    Ok(part.e_tag().map(bare_etag) == Some(md5.as_str()) || part.checksum_crc32() == Some(crc.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(digest: &str) -> Put {
        Put { digest: Some(digest.to_owned()), ..Put::default() }
    }

    #[test]
    fn parts_make_the_whole_and_are_few_enough() {
        for size in [1, PART, (17 << 20) + 5, 5 << 40] {
            let cut = Cut::new(size, &put("a"));
            let mut end = 0;
            for number in 1..=cut.count() {
                let (offset, length) = cut.part(number);
                assert!(offset == end && length > 0);
                end += length;
            }
            assert!(end == size && cut.count() <= 9_000, "{size}");
        }
    }

    #[test]
    fn a_length_tells_content_and_settings() {
        let length = |put: &Put| Cut::new(1 << 30, put).part(1).1;
        let plain = length(&put("a"));
        assert_eq!(plain, length(&put("a")));
        assert_ne!(plain, length(&put("b")));
        assert_ne!(plain, length(&Put { encryption: Some("AES256".to_owned()), ..put("a") }));
        assert!((PART..PART + (256 << 10)).contains(&plain));
    }

    #[test]
    fn a_part_is_known_by_its_md5_or_its_crc() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"123456789").unwrap();
        let cut = Cut::new(9, &put("a"));
        let part = |etag: &str, crc: Option<&str>, size| {
            let part = Part::builder().part_number(1).size(size).e_tag(etag);
            part.set_checksum_crc32(crc.map(str::to_owned)).build()
        };
        let known = |part: Part| same(&path, cut, None, &[part]).unwrap().len() == 1;
        assert!(known(part("\"25f9e794323b453885f5181f1b624d0b\"", None, 9)));
        // The check value of CRC-32: cbf43926.
        assert!(known(part("\"0\"", Some("y/Q5Jg=="), 9)));
        assert!(!known(part("\"0\"", Some("AAAAAA=="), 9)));
        assert!(!known(part("\"25f9e794323b453885f5181f1b624d0b\"", None, 8)));
    }
}
