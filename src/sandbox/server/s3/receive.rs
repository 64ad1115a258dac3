//! Bodies from clients: to disk as they come, and held against the sums that came with them.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, ready};
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};

use super::{Answer, Store, conditions, storage, tagging};
use crate::sandbox::objects::{Attributes, Incoming, Received};

/// Bytes of a body that are hashed and written at a time.
const PIECE: usize = 1 << 20;
pub const PREFIX: &str = "x-amz-checksum-";

/// The sums that a client sends with a body: some in headers, some after the body.
pub struct Sums {
    headers: HeaderMap,
    trailers: Option<TrailingHeaders>,
    md5: Option<String>,
}

impl Sums {
    pub fn of<T>(request: &mut S3Request<T>, md5: Option<String>) -> Self {
        Sums { headers: request.headers.clone(), trailers: request.trailing_headers.take(), md5 }
    }

    /// The algorithms that are announced, and so worth computing.
    fn hasher(&self) -> ChecksumHasher {
        hasher(|name| self.announces(name))
    }

    /// Whether a sum by this algorithm, in small letters, comes with the body.
    pub fn announces(&self, name: &str) -> bool {
        let trailer = self.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or("");
        let header = format!("{PREFIX}{name}");
        self.headers.contains_key(&header) || trailer.split(',').any(|name| name.trim() == header)
    }

    /// Holds what was computed against what was sent.
    fn check(&self, computed: &HashMap<String, String>, md5: &[u8]) -> S3Result<()> {
        let trailers = self.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        for (name, sum) in computed {
            let sent = trailers.get(name).or_else(|| self.headers.get(name));
            if sent.is_some_and(|sent| sent != sum.as_str()) {
                return Err(s3_error!(
                    BadDigest,
                    "The {} you specified did not match what we received.",
                    name
                ));
            }
        }
        let own = aws_smithy_types::base64::encode(md5);
        if self.md5.as_ref().is_some_and(|sent| *sent != own) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        Ok(())
    }
}

/// Computes what is wanted, by names in small letters.
pub fn hasher(wanted: impl Fn(&str) -> bool) -> ChecksumHasher {
    ChecksumHasher {
        crc32: wanted("crc32").then(Crc32::new),
        crc32c: wanted("crc32c").then(Crc32c::new),
        sha1: wanted("sha1").then(Sha1::new),
        sha256: wanted("sha256").then(Sha256::new),
        crc64nvme: wanted("crc64nvme").then(Crc64Nvme::new),
    }
}

/// Writes a body to `file`. Gives the sums by header name.
pub async fn receive(
    file: Incoming,
    body: Option<StreamingBlob>,
    sums: &Sums,
) -> S3Result<(Received, HashMap<String, String>)> {
    let mut hasher = sums.hasher();
    // While a piece is written the next one comes in.
    let mut file: BoxFuture<'static, S3Result<Incoming>> = Box::pin(ready(Ok(file)));
    let (mut chunks, mut bytes) = (Vec::new(), 0);
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk
                .map_err(|error| S3Error::with_message(S3ErrorCode::IncompleteBody, error.to_string()))?;
            hasher.update(&chunk);
            bytes += chunk.len();
            chunks.push(chunk);
            if bytes >= PIECE {
                bytes = 0;
                file = write(file.await?, std::mem::take(&mut chunks));
            }
        }
    }
    let mut file = file.await?;
    chunks.iter().try_for_each(|chunk| file.write(chunk)).map_err(internal)?;
    let received = file.finish().map_err(internal)?;
    let computed = named(hasher.finalize());
    sums.check(&computed, &received.md5)?;
    Ok((received, computed))
}

/// Begins at once, on another thread: other bodies come in meanwhile.
fn write(mut file: Incoming, chunks: Vec<Bytes>) -> BoxFuture<'static, S3Result<Incoming>> {
    let written = tokio::task::spawn_blocking(move || {
        chunks.iter().try_for_each(|chunk| file.write(chunk)).map(|()| file)
    });
    Box::pin(async { written.await.map_err(|error| s3_error!(error, InternalError))?.map_err(internal) })
}

fn internal(error: std::io::Error) -> S3Error {
    S3Error::with_message(S3ErrorCode::InternalError, error.to_string())
}

/// Sums by header name.
pub fn named(sums: Checksum) -> HashMap<String, String> {
    let all = [
        ("crc32", sums.checksum_crc32),
        ("crc32c", sums.checksum_crc32c),
        ("sha1", sums.checksum_sha1),
        ("sha256", sums.checksum_sha256),
        ("crc64nvme", sums.checksum_crc64nvme),
    ];
    all.into_iter().filter_map(|(name, sum)| Some((format!("{PREFIX}{name}"), sum?))).collect()
}

/// Sums as headers of an answer.
pub fn headers(sums: &HashMap<String, String>) -> HeaderMap {
    let parsed = sums.iter().map(|(name, sum)| Some((name.parse().ok()?, sum.parse().ok()?)));
    parsed.collect::<Option<HeaderMap>>().unwrap_or_default()
}

impl Store {
    pub(super) async fn put(&self, mut req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let md5 = req.input.content_md5.take();
        let sums = Sums::of(&mut req, md5);
        let PutObjectInput {
            bucket,
            key,
            body,
            content_type,
            metadata,
            if_match,
            if_none_match,
            tagging,
            server_side_encryption,
            ssekms_key_id,
            storage_class,
            acl,
            ..
        } = req.input;
        let when = conditions::of_write(if_match.as_ref(), if_none_match.as_ref())?;
        storage::check(
            (server_side_encryption.as_ref(), ssekms_key_id.as_ref()),
            storage_class.as_ref(),
            acl.as_ref(),
        )?;
        let tags = tagging::of_header(tagging.as_deref())?;
        let file = self.objects.receive(&bucket)?;
        let (received, checksums) = receive(file, body, &sums).await?;
        let answered = headers(&checksums);
        let metadata = metadata.unwrap_or_default();
        let attributes = Attributes {
            content_type: content_type.map(|kind| kind.to_string()),
            metadata,
            checksums,
            tags,
            encryption: server_side_encryption.map(|kind| kind.as_str().to_owned()),
            kms_key: ssekms_key_id,
            storage_class: storage_class.map(|class| class.as_str().to_owned()),
        };
        let stored = self.objects.put(&bucket, &key, received, attributes, &when, self.clock.now())?;
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(stored.etag)),
            version_id: stored.version,
            server_side_encryption: stored.attributes.encryption.map(ServerSideEncryption::from),
            ssekms_key_id: stored.attributes.kms_key,
            ..Default::default()
        };
        Ok(S3Response::with_headers(output, answered))
    }
}
