//! Revisions: the upload to S3 and the registration.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;

use super::error::from_sdk;
use super::{Api, ApiError, ErrorKind, call, convert, raw};
use crate::model::{Revision, bare_etag};

/// Where an upload ended up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Without quotes.
    pub etag: Option<String>,
    pub version: Option<String>,
}

/// Is told how many bytes of the file have been sent; an attempt that starts again starts at zero.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

impl Api {
    /// RegisterApplicationRevision. The call answers with nothing.
    pub async fn register_revision(
        &self,
        application: &str,
        revision: &Revision,
        description: Option<&str>,
    ) -> Result<(), ApiError> {
        let request = self
            .codedeploy
            .register_application_revision()
            .application_name(application)
            .revision(convert::location(revision))
            .set_description(description.map(str::to_owned));
        call!("RegisterApplicationRevision", request).map(|_| ())
    }

    /// PutObject of a file, streamed.
    pub async fn upload(
        &self,
        file: &Path,
        bucket: &str,
        key: &str,
        progress: Progress,
    ) -> Result<Stored, ApiError> {
        let local = |error: String| ApiError {
            operation: "PutObject".to_owned(),
            kind: ErrorKind::Other,
            code: None,
            message: error,
            request_id: None,
        };
        let stream = ByteStream::from_path(file).await.map_err(|error| local(error.to_string()))?;
        let body = stream.into_inner().map_preserve_contents(move |inner| {
            SdkBody::from_body_1_x(Counting { inner, sent: 0, progress: progress.clone() })
        });
        let output = self
            .s3()
            .await
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::new(body))
            .send()
            .await
            .map_err(|error| from_sdk("PutObject", &error))?;
        Ok(Stored {
            etag: output.e_tag().map(|etag| bare_etag(etag).to_owned()),
            version: output.version_id().filter(|version| *version != "null").map(str::to_owned),
        })
    }

    /// GetObject into a new file, a part at a time in memory. What was written of a download that failed stays there.
    pub async fn download(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        file: &Path,
    ) -> Result<Stored, ApiError> {
        use tokio::io::AsyncWriteExt;
        let told = |message: String| ApiError {
            operation: "GetObject".to_owned(),
            kind: ErrorKind::Other,
            code: None,
            message,
            request_id: None,
        };
        let request = self.s3().await.get_object().bucket(bucket).key(key);
        let mut output = request
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| from_sdk("GetObject", &error))?;
        let mut to = tokio::fs::File::create_new(file).await.map_err(|error| told(error.to_string()))?;
        while let Some(part) = output.body.try_next().await.map_err(|error| told(error.to_string()))? {
            to.write_all(&part).await.map_err(|error| told(error.to_string()))?;
        }
        to.flush().await.map_err(|error| told(error.to_string()))?;
        Ok(Stored {
            etag: output.e_tag().map(|etag| bare_etag(etag).to_owned()),
            version: output.version_id().filter(|version| *version != "null").map(str::to_owned),
        })
    }

    /// HeadObject: what is there under this key now.
    pub async fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Stored, ApiError> {
        let output = self
            .s3()
            .await
            .head_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| from_sdk("HeadObject", &error))?;
        Ok(Stored {
            etag: output.e_tag().map(|etag| bare_etag(etag).to_owned()),
            version: output.version_id().filter(|version| *version != "null").map(str::to_owned),
        })
    }

    /// ListBuckets: the names, for a misspelt one.
    pub async fn bucket_names(&self) -> Result<Vec<String>, ApiError> {
        let output =
            self.s3().await.list_buckets().send().await.map_err(|error| from_sdk("ListBuckets", &error))?;
        Ok(output.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)).collect())
    }
}

/// A revision as the API's JSON.
pub fn wire_revision(revision: &Revision) -> Result<Value, ApiError> {
    raw::wire("RegisterApplicationRevision", &convert::location(revision))
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
