//! S3, as much of it as a revision needs: `s3s` speaks the protocol, `objects` stores.

mod answers;
mod checksums;
mod conditions;
mod copies;
mod keys;
mod multipart;
mod read;
mod receive;
mod storage;
mod tagging;

use std::sync::{Arc, OnceLock};

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use self::keys::Keys;
use super::rpc::trouble;
use crate::sandbox::clock::Clock;
use crate::sandbox::fault::{ApiFaults, Trouble};
use crate::sandbox::objects::{Objects, Versioning};
use crate::sandbox::store::ACCOUNT;

/// The S3 of a sandbox.
struct Store {
    objects: Arc<Objects>,
    clock: Arc<dyn Clock>,
}

/// The protocol in front of `objects`.
pub fn service(objects: Arc<Objects>, clock: Arc<dyn Clock>, faults: Arc<ApiFaults>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Store { objects, clock: clock.clone() });
    builder.set_auth(SameSecret);
    builder.set_access(OneAccount { clock, faults });
    builder.set_host(Loopback);
    builder.build()
}

/// The sandbox's one rule: the secret equals the access key.
struct SameSecret;

#[async_trait::async_trait]
impl S3Auth for SameSecret {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(access_key))
    }
}

/// Requests are signed, and every bucket is the sandbox's account's: who expects another owner is refused. A fault
/// strikes where the operation is known and nothing has been done.
struct OneAccount {
    clock: Arc<dyn Clock>,
    faults: Arc<ApiFaults>,
}

/// On a request: the fault that has struck it.
#[derive(Clone, Default)]
pub struct Struck(Arc<OnceLock<Trouble>>);

impl Struck {
    /// The call is answered with an error before its body was read.
    pub fn is_refused(&self) -> bool {
        matches!(self.0.get(), Some(Trouble::Throttle | Trouble::Error))
    }

    /// The connection is to be reset instead of answered.
    pub fn is_cut_off(&self) -> bool {
        matches!(self.0.get(), Some(Trouble::Reset | Trouble::Lost))
    }
}

#[async_trait::async_trait]
impl S3Access for OneAccount {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        let expected = context.headers().get("x-amz-expected-bucket-owner");
        if expected.is_some_and(|owner| owner != ACCOUNT) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let Some(fault) = self.faults.strike(context.s3_op().name(), self.clock.now()) else { return Ok(()) };
        let answer = trouble(Some(&fault)).await.map_err(|_| match fault {
            Trouble::Throttle => s3_error!(SlowDown, "Please reduce your request rate."),
            _ => s3_error!(InternalError, "A fault of the cdctl sandbox"),
        });
        if let Some(struck) = context.extensions_mut().get::<Struck>() {
            // A request is struck once.
            let _ = struck.0.set(fault);
        }
        answer
    }
}

/// `bucket.localhost` names a bucket; every other loopback name leaves that to the path.
struct Loopback;

impl S3Host for Loopback {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Ok(match name.strip_suffix(".localhost") {
            Some(bucket) => VirtualHost::new("localhost").with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Store {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let configuration = req.input.create_bucket_configuration.unwrap_or_default();
        let location = configuration.location_constraint.map(|location| location.as_str().to_owned());
        self.objects.create_bucket(&req.input.bucket, location, self.clock.now())?;
        let location = Some(format!("/{}", req.input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.objects.delete_bucket(&req.input.bucket)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        let location = self.objects.location(&req.input.bucket)?;
        let bucket_region = Some(location.unwrap_or_else(|| "us-east-1".to_owned()));
        Ok(S3Response::new(HeadBucketOutput { bucket_region, ..Default::default() }))
    }

    async fn list_buckets(&self, _req: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        Ok(S3Response::new(answers::buckets(self.objects.buckets())))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        let location = self.objects.location(&req.input.bucket)?;
        let location_constraint = location.map(BucketLocationConstraint::from);
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        let status = match self.objects.versioning(&req.input.bucket)? {
            Versioning::Off => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        let status = status.map(BucketVersioningStatus::from_static);
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..Default::default() }))
    }

    async fn put_bucket_versioning(
        &self,
        req: S3Request<PutBucketVersioningInput>,
    ) -> Answer<PutBucketVersioningOutput> {
        let status = req.input.versioning_configuration.status;
        let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => return Err(s3_error!(MalformedXML)),
        };
        self.objects.set_versioning(&req.input.bucket, versioning)?;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.put(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.get(req.input)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.head(req.input)
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let DeleteObjectInput { bucket, key, version_id, .. } = req.input;
        let (version_id, marker) = self.objects.delete(&bucket, &key, version_id.as_deref())?;
        let delete_marker = marker.then_some(true);
        Ok(S3Response::new(DeleteObjectOutput { version_id, delete_marker, ..Default::default() }))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        self.delete_many(req.input)
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        self.copy(req.input)
    }

    async fn get_object_tagging(
        &self,
        req: S3Request<GetObjectTaggingInput>,
    ) -> Answer<GetObjectTaggingOutput> {
        self.get_tags(req.input)
    }

    async fn put_object_tagging(
        &self,
        req: S3Request<PutObjectTaggingInput>,
    ) -> Answer<PutObjectTaggingOutput> {
        self.put_tags(req.input)
    }

    async fn delete_object_tagging(
        &self,
        req: S3Request<DeleteObjectTaggingInput>,
    ) -> Answer<DeleteObjectTaggingOutput> {
        self.delete_tags(req.input)
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        self.list(req.input)
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.list_v2(req.input)
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.create_upload(req.input)
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.put_part(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.complete_upload(req.input).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let AbortMultipartUploadInput { bucket, key, upload_id, .. } = req.input;
        self.objects.abort_upload(&bucket, &key, &upload_id)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let ListPartsInput { bucket, key, upload_id, part_number_marker, max_parts, .. } = req.input;
        let mut parts = self.objects.uploaded(&bucket, &key, &upload_id)?;
        parts.retain(|part| part.number > part_number_marker.unwrap_or_default());
        let checksums = self.objects.checksums(&bucket, &key, &upload_id)?;
        let most = usize::try_from(max_parts.unwrap_or(1000)).unwrap_or_default().min(1000);
        let is_truncated = parts.len() > most;
        parts.truncate(most);
        let (bucket, key, upload_id) = (Some(bucket), keys::sayable(key), Some(upload_id));
        let output =
            ListPartsOutput { bucket, key, upload_id, ..answers::parts(parts, checksums, is_truncated) };
        Ok(S3Response::new(output))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let prefix = req.input.prefix.as_deref().unwrap_or_default();
        let uploads = self.objects.uploads(&req.input.bucket, prefix)?;
        let keys = Keys::of(req.input.encoding_type.as_ref())?;
        Ok(S3Response::new(answers::uploads(req.input.bucket, uploads, keys)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_be_a_host() {
        let bucket = |host| Loopback.parse_host_header(host).unwrap().bucket().map(ToOwned::to_owned);
        assert_eq!(bucket("releases.localhost:4577").as_deref(), Some("releases"));
        assert_eq!(bucket("my.releases.localhost").as_deref(), Some("my.releases"));
        for host in ["localhost", "localhost:4577", "127.0.0.1:4577", "[::1]:4577", "[::1]"] {
            assert_eq!(bucket(host), None, "{host}");
        }
    }
}
