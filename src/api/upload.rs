//! An upload to S3: whole, or in parts where it is large (`parts.rs`). Memory does not grow with the file, an upload that
//! ends early leaves no parts behind, and one that was killed is gone on with (`resume.rs`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};

use super::error::from_sdk;
use super::resume::Open;
use super::revisions::Stored;
use super::steady::Steady;
use super::{Api, ApiError, ErrorKind};
use crate::model::bare_etag;

/// A file beyond this many bytes goes in parts.
const WHOLE: u64 = 16 << 20;
/// The metadata that holds an object's SHA-256.
pub const DIGEST: &str = "cdctl-sha256";
/// The metadata that tells how an object was asked to be stored.
pub const SETTINGS: &str = "cdctl-stored-as";

/// Is told how many bytes of the file have been sent; an attempt that starts again starts at zero.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// How an object is stored.
#[derive(Clone, Debug, Default)]
pub struct Put {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub encryption: Option<String>,
    pub kms_key: Option<String>,
    pub storage_class: Option<String>,
    pub acl: Option<String>,
    pub tags: Vec<(String, String)>,
    /// The account that the bucket must belong to.
    pub expected_owner: Option<String>,
    /// The SHA-256 of the file, kept with the object.
    pub digest: Option<String>,
}

impl Put {
    /// A short form of all but the content: the same for two objects that are stored in the same way. None where
    /// nothing was asked for.
    pub fn settings(&self) -> Option<String> {
        let Put { encryption, kms_key, storage_class, acl, tags, expected_owner: _, digest: _ } = self;
        let asked = [encryption, kms_key, storage_class, acl];
        if tags.is_empty() && asked.iter().all(|asked| asked.is_none()) {
            return None;
        }
        let digest = Sha256::digest(format!("{asked:?} {tags:?}"));
        Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Where a file goes.
pub(super) struct Place<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub put: &'a Put,
}

/// What an upload came to.
pub struct Uploaded {
    pub stored: Stored,
    /// Bytes that an earlier upload, which was cut short, had left.
    pub resumed: u64,
    /// Uploads to the same place that are open: left alone.
    pub open: Open,
}

/// Why an upload ended early.
pub struct Ended {
    pub error: ApiError,
    /// It was told to.
    pub stopped: bool,
    pub left: Left,
}

/// What an upload that ended early has left where it went.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// All had been sent: the object may be there.
    Object,
    /// An unfinished upload, which could not be removed. Without an id: there may be one, and it has no parts.
    Upload(Option<String>),
}

impl Ended {
    pub(super) fn failed(error: ApiError, left: Left) -> Self {
        Ended { error, stopped: false, left }
    }

    pub(super) fn stopped(left: Left) -> Self {
        Ended { error: local("PutObject", "stopped".to_owned()), stopped: true, left }
    }
}

/// Sets what PutObject and CreateMultipartUpload have in common.
macro_rules! described {
    ($request:expr, $place:expr) => {{
        let put = $place.put;
        $request
            .bucket($place.bucket)
            .key($place.key)
            .set_server_side_encryption(put.encryption.as_deref().map(Into::into))
            .set_ssekms_key_id(put.kms_key.clone())
            .set_storage_class(put.storage_class.as_deref().map(Into::into))
            .set_acl(put.acl.as_deref().map(Into::into))
            .set_tagging((!put.tags.is_empty()).then(|| $crate::api::upload::tagging(&put.tags)))
            .set_expected_bucket_owner(put.expected_owner.clone())
            .set_metadata(put.digest.clone().map(|digest| {
                let settings =
                    put.settings().map(|settings| ($crate::api::upload::SETTINGS.to_owned(), settings));
                std::iter::once(($crate::api::upload::DIGEST.to_owned(), digest)).chain(settings).collect()
            }))
    }};
}
pub(super) use described;

impl Api {
    /// Uploads a file; ends where `stop` is ready before it is complete, and in an error where the file does not stay as
    /// it was. However it ends early, its parts are removed. What an upload of the same file to the same place has left,
    /// killed, is not sent again.
    pub async fn upload(
        &self,
        file: &Steady,
        (bucket, key): (&str, &str),
        put: &Put,
        progress: Progress,
        stop: impl Future<Output = ()>,
    ) -> Result<Uploaded, Ended> {
        let failed = |error| Ended::failed(error, Left::Nothing);
        let size = file.size();
        let place = Place { bucket, key, put };
        if size > WHOLE {
            return self.put_parts(file, &place, progress, stop).await;
        }
        let most = Arc::new(AtomicU64::new(0));
        let sent = Arc::clone(&most);
        let progress = Arc::new(move |count| {
            sent.fetch_max(count, Ordering::Relaxed);
            progress(count);
        });
        tokio::select! {
            stored = self.put_whole(file, &place, progress) => {
                let stored = stored.map_err(failed)?;
                Ok(Uploaded { stored, resumed: 0, open: Open::default() })
            }
            () = stop => {
                let whole = most.load(Ordering::Relaxed) >= size;
                Err(Ended::stopped(if whole { Left::Object } else { Left::Nothing }))
            }
        }
    }

    async fn put_whole(
        &self,
        file: &Steady,
        place: &Place<'_>,
        progress: Progress,
    ) -> Result<Stored, ApiError> {
        // All of it first: once a body is sent nobody can take the object back.
        let bytes =
            tokio::fs::read(file.path()).await.map_err(|error| local("PutObject", error.to_string()))?;
        file.require("PutObject")?;
        let body = ByteStream::from(bytes).into_inner().map_preserve_contents(move |inner| {
            SdkBody::from_body_1_x(Counting { inner, sent: 0, progress: progress.clone() })
        });
        let output = described!(self.s3().await.put_object(), place)
            .body(ByteStream::new(body))
            .send()
            .await
            .map_err(|error| from_sdk("PutObject", &error))?;
        Ok(stored(output.e_tag(), output.version_id()))
    }
}

/// What a response says of the object that it made.
pub fn stored(etag: Option<&str>, version: Option<&str>) -> Stored {
    Stored {
        etag: etag.map(|etag| bare_etag(etag).to_owned()),
        version: version.filter(|version| *version != "null").map(str::to_owned),
        digest: None,
        settings: None,
    }
}

/// An error on this side.
pub fn local(operation: &str, message: String) -> ApiError {
    ApiError {
        operation: operation.to_owned(),
        kind: ErrorKind::Other,
        code: None,
        message,
        request_id: None,
    }
}

/// Tags as the header has them: names and values percent-encoded.
pub(super) fn tagging(tags: &[(String, String)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> =
        tags.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// A body that tells how much of it was read.
struct Counting {
    inner: SdkBody,
    sent: u64,
    progress: Progress,
}

impl Body for Counting {
    type Data = Bytes;
    type Error = aws_smithy_types::body::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
            (self.progress)(self.sent);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::tagging;

    #[test]
    fn tags_are_encoded() {
        let tags = [("team".to_owned(), "a&b=c".to_owned()), ("é".to_owned(), String::new())];
        assert_eq!(tagging(&tags), "team=a%26b%3Dc&%C3%A9=");
    }
}
