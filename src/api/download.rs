//! GetObject into a file. What breaks off is gone on with, and what did not come as it was stored comes again.

use std::io::SeekFrom;
use std::path::Path;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::error::{from_sdk, last};
use super::revisions::Stored;
use super::upload::{DIGEST, local, stored};
use super::{Api, ApiError, ErrorKind};

/// A file that is being filled.
struct Filling {
    file: File,
    /// Bytes that are there.
    there: u64,
    sha256: Sha256,
}

/// Why a body did not come.
enum Broken {
    /// The connection, or the sums that S3 sent with it.
    Body(String),
    /// The file could not be written.
    Here(std::io::Error),
}

impl Api {
    /// GetObject into a new file, a part at a time in memory. A body that breaks off is gone on with, as often as a call is
    /// tried. What was written of a download that failed stays there.
    ///
    /// # Errors
    /// Also content that is not the one whose SHA-256 this tool kept with it.
    pub async fn download(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        file: &Path,
    ) -> Result<Stored, ApiError> {
        let told =
            |error: std::io::Error| local("GetObject", format!("cannot write {}: {error}", file.display()));
        let mut to =
            Filling { file: File::create_new(file).await.map_err(told)?, there: 0, sha256: Sha256::new() };
        let mut tries = 1..=self.attempts();
        let (mut object, mut size) = (None::<Stored>, None);
        loop {
            let seen = object.as_ref();
            let version = version.or(seen.and_then(|object| object.version.as_deref()));
            let etag = seen.and_then(|object| object.etag.as_ref()).map(|etag| format!("\"{etag}\""));
            let request = self.s3().await.get_object().bucket(bucket).key(key);
            let output = request
                .set_version_id(version.map(str::to_owned))
                .set_if_match(etag)
                .set_range((to.there > 0).then(|| format!("bytes={}-", to.there)))
                .send()
                .await
                .map_err(|error| from_sdk("GetObject", &error))?;
            let kept = output.metadata().and_then(|metadata| metadata.get(DIGEST)).cloned();
            if to.there == 0 {
                size = output.content_length().and_then(|length| u64::try_from(length).ok());
            }
            if to.there > 0 && output.content_range().is_none() {
                to.start_again().await.map_err(told)?;
            }
            let object = &*object.insert(stored(output.e_tag(), output.version_id()));
            tries.next();
            let wrong = match to.fill(output).await {
                Err(Broken::Here(error)) => return Err(told(error)),
                Ok(()) => match to.differs(kept.as_deref()) {
                    None => return Ok(object.clone()),
                    Some(wrong) => wrong,
                },
                Err(Broken::Body(wrong)) if size.is_some_and(|size| to.there < size) => {
                    if tries.is_empty() {
                        return Err(ApiError { kind: ErrorKind::Transient, ..local("GetObject", wrong) });
                    }
                    continue;
                }
                Err(Broken::Body(wrong)) => wrong,
            };
            if tries.is_empty() {
                return Err(local("GetObject", wrong));
            }
            to.start_again().await.map_err(told)?;
        }
    }
}

impl Filling {
    async fn fill(&mut self, mut output: GetObjectOutput) -> Result<(), Broken> {
        loop {
            let part = output.body.try_next().await;
            let part = match part.map_err(|error| Broken::Body(last(&error))) {
                Ok(Some(part)) => part,
                // What came before it counts.
                end => return self.file.flush().await.map_err(Broken::Here).and(end.map(|_| ())),
            };
            self.file.write_all(&part).await.map_err(Broken::Here)?;
            self.sha256.update(&part);
            self.there += part.len() as u64;
        }
    }

    /// What is wrong, where the SHA-256 that was kept with the object is another.
    fn differs(&self, kept: Option<&str>) -> Option<String> {
        let is: String = self.sha256.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let kept = kept.filter(|kept| !kept.eq_ignore_ascii_case(&is))?;
        Some(format!("what came is not what was pushed: its SHA-256 is {is}, that in {DIGEST} is {kept}"))
    }

    async fn start_again(&mut self) -> std::io::Result<()> {
        self.file.set_len(0).await?;
        self.file.seek(SeekFrom::Start(0)).await?;
        (self.there, self.sha256) = (0, Sha256::new());
        Ok(())
    }
}
