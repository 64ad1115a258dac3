//! The parts of a large upload: begun, sent a few at a time, put together, and removed where that fails.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::timeout;

use super::error::from_sdk;
use super::resume::{Cut, Unfinished};
use super::revisions::Stored;
use super::steady::Steady;
use super::tries::Tries;
use super::upload::{Ended, Left, Place, Progress, Uploaded, described, local, stored};
use super::{Api, ApiError};

/// Parts under way at a time.
const PARALLEL: usize = 4;
/// Bytes that are read at a time: each read is another thread's.
const BUFFER: usize = 128 << 10;
/// How long an upload that is told to stop waits for the id of one that it has just begun.
const SOON: Duration = Duration::from_secs(1);
/// How long it waits for its parts to be removed.
const A_WHILE: Duration = Duration::from_secs(5);

impl Api {
    pub(super) async fn put_parts(
        &self,
        file: &Steady,
        place: &Place<'_>,
        progress: Progress,
        stop: impl Future<Output = ()>,
    ) -> Result<Uploaded, Ended> {
        let cut = Cut::new(file.size(), place.put);
        let mut stop = std::pin::pin!(stop);
        let mut found = tokio::select! {
            found = self.unfinished(file.path(), cut, place) => found,
            () = &mut stop => return Err(Ended::stopped(Left::Nothing)),
        };
        let mut again = true;
        let (stored, resumed) = loop {
            let upload = match found.unfinished.take() {
                Some(unfinished) => unfinished,
                None => {
                    let tries = Tries::default();
                    let upload = self.begin(place, &tries, stop.as_mut()).await?;
                    if let Some(known) = &found.known
                        && tries.count() > 1
                    {
                        // Of those that stay the next push tells.
                        let _ = timeout(A_WHILE, self.remove_lost(place, known, &upload.id)).await;
                    }
                    upload
                }
            };
            let resumed = upload.parts.keys().map(|number| cut.part(*number).1).sum();
            let all_sent = AtomicBool::new(false);
            let left = async || match self.abort(place, &upload.id).await {
                // Somebody else has removed it.
                Left::Object if !all_sent.load(Ordering::Relaxed) => Left::Nothing,
                left => left,
            };
            let result = tokio::select! {
                result = self.send_parts(file, cut, place, &upload, (&progress, &all_sent)) => result,
                () = &mut stop => return Err(Ended::stopped(left().await)),
            };
            match result {
                Ok(stored) => break (stored, resumed),
                // Somebody else who pushes the same content has ended it.
                Err(error) if again && error.code.as_deref() == Some("NoSuchUpload") => again = false,
                Err(error) => return Err(Ended::failed(error, left().await)),
            }
        };
        for id in &found.same {
            let left = self.abort(place, id).await;
            found.open.same += usize::from(matches!(left, Left::Upload(_)));
        }
        Ok(Uploaded { stored, resumed, open: found.open })
    }

    /// A new upload. One that is stopped while it begins is removed, where its id comes soon.
    async fn begin(
        &self,
        place: &Place<'_>,
        tries: &Tries,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Unfinished, Ended> {
        // S3 finds no part by a checksum that was not named here.
        let algorithm = self.checksum_algorithm().await;
        let mut created = std::pin::pin!(self.create_upload(place, tries, algorithm.clone()));
        let id = tokio::select! {
            created = &mut created => created.map_err(|error| Ended::failed(error, Left::Nothing))?,
            () = stop => return Err(Ended::stopped(match timeout(SOON, created).await {
                Ok(Ok(id)) => self.abort(place, &id).await,
                Ok(Err(_)) => Left::Nothing,
                Err(_) => Left::Upload(None),
            })),
        };
        Ok(Unfinished { id, algorithm, parts: BTreeMap::new() })
    }

    /// By what parts have checksums; none where they are not wanted, for some servers know of none.
    pub(super) async fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        let wanted = self.s3().await.config().request_checksum_calculation();
        (wanted != Some(&RequestChecksumCalculation::WhenRequired)).then_some(ChecksumAlgorithm::Crc32)
    }

    async fn create_upload(
        &self,
        place: &Place<'_>,
        tries: &Tries,
        algorithm: Option<ChecksumAlgorithm>,
    ) -> Result<String, ApiError> {
        let created = described!(self.s3().await.create_multipart_upload(), place)
            .set_checksum_algorithm(algorithm)
            .customize()
            .interceptor(tries.clone())
            .send()
            .await
            .map_err(|error| from_sdk("CreateMultipartUpload", &error))?;
        Ok(created.upload_id().unwrap_or_default().to_owned())
    }

    /// Removes an upload's parts, as far as that goes within a moment.
    async fn abort(&self, place: &Place<'_>, id: &str) -> Left {
        let s3 = self.s3().await;
        let abort = s3.abort_multipart_upload().bucket(place.bucket).key(place.key).upload_id(id);
        let abort = abort.set_expected_bucket_owner(place.put.expected_owner.clone()).send();
        match timeout(A_WHILE, abort).await {
            Ok(Ok(_)) => Left::Nothing,
            // Completed, unless somebody else has removed it.
            Ok(Err(error)) if error.code() == Some("NoSuchUpload") => Left::Object,
            _ => Left::Upload(Some(id.to_owned())),
        }
    }

    /// Removes what was begun before `own` and whose answer was lost: uploads that are not `known` and have no parts.
    async fn remove_lost(&self, place: &Place<'_>, known: &[String], own: &str) {
        let uploads = self.open_uploads(place).await.unwrap_or_default();
        let time = |id: &str| {
            let own = uploads.iter().find(|upload| upload.upload_id() == Some(id))?;
            own.initiated().map(|time| time.as_nanos())
        };
        for id in uploads.iter().filter_map(|upload| upload.upload_id()) {
            // Who began later is somebody else.
            let is_ours = id != own && !known.iter().any(|known| known == id) && time(id) <= time(own);
            if is_ours && self.listed_parts(place, id).await.is_some_and(|parts| parts.is_empty()) {
                self.abort(place, id).await;
            }
        }
    }

    async fn send_parts(
        &self,
        file: &Steady,
        cut: Cut,
        place: &Place<'_>,
        upload: &Unfinished,
        (progress, all_sent): (&Progress, &AtomicBool),
    ) -> Result<Stored, ApiError> {
        let s3 = self.s3().await;
        let there: u64 = upload.parts.keys().map(|number| cut.part(*number).1).sum();
        progress(there);
        let sent = AtomicU64::new(there);
        let part = |number: i32| {
            let sent = &sent;
            async move {
                if let Some(part) = upload.parts.get(&number) {
                    return Ok(part.clone());
                }
                let (offset, count) = cut.part(number);
                let body = ByteStream::read_from()
                    .path(file.path())
                    .offset(offset)
                    .length(Length::Exact(count))
                    .buffer_size(BUFFER)
                    .build()
                    .await
                    .map_err(|error| local("UploadPart", error.to_string()))?;
                let output = s3
                    .upload_part()
                    .bucket(place.bucket)
                    .key(place.key)
                    .upload_id(&upload.id)
                    .part_number(number)
                    .set_checksum_algorithm(upload.algorithm.clone())
                    .set_expected_bucket_owner(place.put.expected_owner.clone())
                    .body(body)
                    .send()
                    .await
                    .map_err(|error| from_sdk("UploadPart", &error))?;
                progress(sent.fetch_add(count, Ordering::Relaxed) + count);
                let part = CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(output.e_tag().map(str::to_owned))
                    .set_checksum_crc32(output.checksum_crc32().map(str::to_owned));
                Ok::<_, ApiError>(upload.told(part))
            }
        };
        // One that takes long holds up no other.
        let mut parts: Vec<CompletedPart> =
            stream::iter(1..=cut.count()).map(part).buffer_unordered(PARALLEL).try_collect().await?;
        parts.sort_by_key(CompletedPart::part_number);
        file.require("CompleteMultipartUpload")?;
        all_sent.store(true, Ordering::Relaxed);
        let output = s3
            .complete_multipart_upload()
            .bucket(place.bucket)
            .key(place.key)
            .upload_id(&upload.id)
            .set_expected_bucket_owner(place.put.expected_owner.clone())
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await
            .map_err(|error| from_sdk("CompleteMultipartUpload", &error))?;
        Ok(stored(output.e_tag(), output.version_id()))
    }
}
