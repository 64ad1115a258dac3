//! How an object is stored: what S3 knows.
//!
//! Source: the API's enumerations ServerSideEncryption, StorageClass and ObjectCannedACL, and S3's list of error codes.

use s3s::dto::{ObjectCannedACL, ServerSideEncryption, StorageClass};
use s3s::{S3Result, s3_error};

const ENCRYPTIONS: &[&str] = &["AES256", "aws:fsx", "aws:backup", "aws:kms", "aws:kms:dsse"];

const CLASSES: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
    "FSX_ONTAP",
    "AWS_BACKUP_WARM",
    "AWS_BACKUP_LOW_COST_WARM",
];

const ACLS: &[&str] = &[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

/// # Errors
/// S3 knows no such thing, or takes no key for it.
pub fn check(
    (encryption, key): (Option<&ServerSideEncryption>, Option<&String>),
    class: Option<&StorageClass>,
    acl: Option<&ObjectCannedACL>,
) -> S3Result<()> {
    let encryption = encryption.map(ServerSideEncryption::as_str);
    if encryption.is_some_and(|name| !ENCRYPTIONS.contains(&name)) {
        return Err(s3_error!(InvalidArgument, "The encryption method specified is not supported"));
    }
    if key.is_some() && !encryption.is_some_and(|name| name.starts_with("aws:kms")) {
        return Err(s3_error!(
            InvalidArgument,
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
        ));
    }
    if class.is_some_and(|class| !CLASSES.contains(&class.as_str())) {
        return Err(s3_error!(InvalidStorageClass, "The storage class you specified is not valid"));
    }
    if acl.is_some_and(|acl| !ACLS.contains(&acl.as_str())) {
        return Err(s3_error!(InvalidArgument, "x-amz-acl names no canned ACL"));
    }
    Ok(())
}
