//! Multipart uploads over the wire.

use s3s::dto::*;
use s3s::{S3Request, S3Response, s3_error};

use super::keys::sayable;
use super::receive::{Sums, headers, receive};
use super::{Answer, Store, answers, checksums, conditions, storage, tagging};
use crate::sandbox::objects::Attributes;

impl Store {
    pub(super) fn create_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Answer<CreateMultipartUploadOutput> {
        let CreateMultipartUploadInput {
            bucket,
            key,
            content_type,
            metadata,
            checksum_algorithm,
            checksum_type,
            tagging,
            server_side_encryption,
            ssekms_key_id,
            storage_class,
            acl,
            ..
        } = input;
        storage::check(
            (server_side_encryption.as_ref(), ssekms_key_id.as_ref()),
            storage_class.as_ref(),
            acl.as_ref(),
        )?;
        let attributes = Attributes {
            content_type: content_type.map(|kind| kind.to_string()),
            metadata: metadata.unwrap_or_default(),
            tags: tagging::of_header(tagging.as_deref())?,
            encryption: server_side_encryption.as_ref().map(|kind| kind.as_str().to_owned()),
            kms_key: ssekms_key_id.clone(),
            storage_class: storage_class.map(|class| class.as_str().to_owned()),
            ..Default::default()
        };
        let begun = checksums::begun(checksum_algorithm.as_ref(), checksum_type.as_ref())?;
        let checksum_type = begun.as_ref().map(answers::checksum_type);
        let id = self.objects.create_upload(&bucket, &key, attributes, begun, self.clock.now())?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(bucket),
            key: sayable(key),
            upload_id: Some(id),
            checksum_algorithm,
            checksum_type,
            server_side_encryption,
            ssekms_key_id,
            ..Default::default()
        }))
    }

    pub(super) async fn put_part(&self, mut req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let md5 = req.input.content_md5.take();
        let sums = Sums::of(&mut req, md5);
        let UploadPartInput { bucket, key, upload_id, part_number, body, .. } = req.input;
        if !(1..=10_000).contains(&part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let begun = self.objects.checksums(&bucket, &key, &upload_id)?;
        checksums::check_part(begun.as_ref(), &sums)?;
        let file = self.objects.receive_part(&bucket, &key, &upload_id)?;
        let (received, computed) = receive(file, body, &sums).await?;
        let sum = begun.and_then(|begun| computed.get(&checksums::header(&begun.algorithm)).cloned());
        let etag = self.objects.put_part(&bucket, &key, &upload_id, part_number, (received, sum))?;
        let output = UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() };
        Ok(S3Response::with_headers(output, headers(&computed)))
    }

    pub(super) async fn complete_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let CompleteMultipartUploadInput {
            bucket,
            key,
            upload_id,
            multipart_upload,
            if_match,
            if_none_match,
            ..
        } = input;
        let when = conditions::of_write(if_match.as_ref(), if_none_match.as_ref())?;
        let parts = multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let named: Option<Vec<(i32, String)>> = parts
            .iter()
            .map(|part| Some((part.part_number?, part.e_tag.as_ref()?.value().to_owned())))
            .collect();
        let named = named.ok_or_else(|| s3_error!(MalformedXML))?;
        let begun = self.objects.checksums(&bucket, &key, &upload_id)?;
        let there = self.objects.uploaded(&bucket, &key, &upload_id)?;
        checksums::check_named(begun.as_ref(), &parts, &there)?;
        let (objects, now) = (self.objects.clone(), self.clock.now());
        let (in_bucket, of_key) = (bucket.clone(), key.clone());
        let copied = tokio::task::spawn_blocking(move || {
            let is_named = |number: i32| named.iter().any(|(named, _)| *named == number);
            let parts: Vec<_> = there.iter().filter(|part| is_named(part.number)).collect();
            let sums =
                begun.map(|begun| checksums::of_object(&begun, &parts)).transpose()?.unwrap_or_default();
            objects.complete_upload(&in_bucket, &of_key, &upload_id, (&named, sums), &when, now)
        });
        let stored = copied.await.map_err(|error| s3_error!(error, InternalError))??;
        let mut sums = stored.attributes.checksums;
        let mut sum = |name: &str| sums.remove(&checksums::header(name));
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            checksum_crc32: sum(ChecksumAlgorithm::CRC32),
            checksum_crc32c: sum(ChecksumAlgorithm::CRC32C),
            checksum_crc64nvme: sum(ChecksumAlgorithm::CRC64NVME),
            checksum_sha1: sum(ChecksumAlgorithm::SHA1),
            checksum_sha256: sum(ChecksumAlgorithm::SHA256),
            checksum_type: sums.remove(checksums::TYPE).map(ChecksumType::from),
            location: sayable(format!("/{bucket}/{key}")),
            bucket: Some(bucket),
            key: sayable(key),
            e_tag: Some(ETag::Strong(stored.etag)),
            version_id: stored.version,
            server_side_encryption: stored.attributes.encryption.map(ServerSideEncryption::from),
            ssekms_key_id: stored.attributes.kms_key,
            ..Default::default()
        }))
    }
}
