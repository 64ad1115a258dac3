//! S3 as the SDK's client sees it.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Delete,
    MetadataDirective, ObjectIdentifier, ServerSideEncryption, StorageClass, VersioningConfiguration,
};
use cdctl::sandbox::Bundles;

use crate::support::client::s3;
use crate::support::stage::Stage;

#[tokio::test]
async fn objects_come_back_as_they_went() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket("releases").versioning_configuration(enabled).send().await.unwrap();
    let put = |text: &'static str| {
        s3.put_object().bucket("releases").key("a/../site.zip").body(ByteStream::from_static(text.as_bytes()))
    };
    let first =
        put("0123456789").content_type("application/zip").metadata("by", "test").send().await.unwrap();
    let second = put("new").checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    assert_ne!(first.version_id(), second.version_id());
    assert_eq!(first.e_tag(), Some("\"781e5e245d69b566979b86e28d23f2c7\""));
    assert!(first.checksum_crc32().is_some(), "the SDK's own default sum is answered");
    assert!(second.checksum_sha256().is_some());

    let get = || s3.get_object().bucket("releases").key("a/../site.zip");
    let newest = get().send().await.unwrap();
    assert_eq!(newest.body.collect().await.unwrap().into_bytes(), "new");
    let old = get().version_id(first.version_id().unwrap()).send().await.unwrap();
    assert_eq!(old.content_type(), Some("application/zip"));
    assert_eq!(old.metadata().unwrap()["by"], "test");
    assert_eq!(old.body.collect().await.unwrap().into_bytes(), "0123456789");
    let part = get().version_id(first.version_id().unwrap()).range("bytes=2-4").send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(part.body.collect().await.unwrap().into_bytes(), "234");

    let host = stage.objects.object("releases", "a/../site.zip", first.version_id()).unwrap();
    assert_eq!(std::fs::read(host.path).unwrap(), b"0123456789");
    assert_eq!(host.etag, "781e5e245d69b566979b86e28d23f2c7");
}

#[tokio::test]
async fn objects_are_copied_and_deleted_many_at_a_time() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let put = s3.put_object().bucket("releases").key("site.zip").content_type("application/zip");
    put.metadata("by", "test").body(ByteStream::from_static(b"bundle")).send().await.unwrap();
    let copy = |key| s3.copy_object().bucket("releases").key(key).copy_source("releases/site.zip");
    let copied = copy("../live.zip").send().await.unwrap();
    assert_eq!(copied.copy_object_result().unwrap().e_tag(), Some("\"94377c156735b39dfa4ac607234cb87c\""));
    copy("plain").metadata_directive(MetadataDirective::Replace).send().await.unwrap();
    let get = |key| s3.get_object().bucket("releases").key(key);
    let live = get("../live.zip").send().await.unwrap();
    assert_eq!(
        (live.content_type(), live.metadata().unwrap()["by"].as_str()),
        (Some("application/zip"), "test")
    );
    assert_eq!(live.body.collect().await.unwrap().into_bytes(), "bundle");
    assert!(get("plain").send().await.unwrap().metadata().unwrap().is_empty());
    let nothing = s3.copy_object().bucket("releases").key("x").copy_source("releases/nix").send().await;
    assert_eq!(aws_sdk_s3::error::ProvideErrorMetadata::code(&nothing.unwrap_err()), Some("NoSuchKey"));

    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let keys = ["site.zip", "../live.zip", "nix"].map(object);
    let delete = Delete::builder().set_objects(Some(keys.into())).build().unwrap();
    let done = s3.delete_objects().bucket("releases").delete(delete).send().await.unwrap();
    assert_eq!(done.deleted().len(), 3);
    let left = s3.list_objects_v2().bucket("releases").send().await.unwrap();
    assert_eq!(left.contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), ["plain"]);
}

/// boto3 and the AWS CLI ask for keys as in a URL; XML cannot hold all that a key may have.
#[tokio::test]
async fn keys_that_xml_cannot_hold_are_listed() {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    use aws_sdk_s3::types::EncodingType;
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let put =
        |key: &str| s3.put_object().bucket("releases").key(key).body(ByteStream::from_static(b"x")).send();
    for key in ["a/+ b", "a\rb", "x\u{1}y", "\u{fffe}"] {
        put(key).await.unwrap();
    }
    let list = || s3.list_objects_v2().bucket("releases");
    let listed = list().encoding_type(EncodingType::Url).start_after("a").send().await.unwrap();
    assert_eq!(listed.encoding_type(), Some(&EncodingType::Url));
    let keys = |listed: &[aws_sdk_s3::types::Object]| -> Vec<String> {
        listed.iter().map(|object| object.key().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(listed.contents()), ["a%0Db", "a/%2B%20b", "x%01y", "%EF%BF%BE"]);
    let first = s3.list_objects().bucket("releases").encoding_type(EncodingType::Url).delimiter("+");
    let first = first.max_keys(2).send().await.unwrap();
    assert_eq!(keys(first.contents()), ["a%0Db"]);
    assert_eq!(first.common_prefixes()[0].prefix(), Some("a/%2B"));
    assert_eq!((first.next_marker(), first.delimiter()), (Some("a/%2B"), Some("%2B")));

    let code = |code: Option<&str>| code.map(str::to_owned);
    let refused = list().send().await.unwrap_err();
    assert_eq!(code(refused.code()), Some("InvalidArgument".into()));
    let refused = s3.list_objects().bucket("releases").send().await.unwrap_err();
    assert_eq!(code(refused.code()), Some("InvalidArgument".into()));
    assert_eq!(keys(list().prefix("a/").send().await.unwrap().contents()), ["a/+ b"]);
    let upload = s3.create_multipart_upload().bucket("releases").key("m\u{1}").send().await.unwrap();
    let uploads = || s3.list_multipart_uploads().bucket("releases");
    assert!(uploads().send().await.is_err());
    let listed = uploads().encoding_type(EncodingType::Url).send().await.unwrap();
    assert_eq!(listed.uploads()[0].key(), Some("m%01"));
    let id = upload.upload_id().unwrap();
    let parts = s3.list_parts().bucket("releases").key("m\u{1}").upload_id(id).send().await.unwrap();
    assert!(parts.parts().is_empty());
    for key in ["a\rb", "x\u{1}y", "\u{fffe}"] {
        s3.delete_object().bucket("releases").key(key).send().await.unwrap();
    }
    assert_eq!(keys(list().send().await.unwrap().contents()), ["a/+ b"]);
}

#[tokio::test]
async fn parts_are_put_together() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let upload = s3.create_multipart_upload().bucket("releases").key("big").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(1, vec![b'a'; 5 << 20]), (2, b"the end".to_vec())] {
        let sent = s3.upload_part().bucket("releases").key("big").upload_id(id).part_number(number);
        let sent = sent.body(body.into()).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).e_tag(sent.e_tag().unwrap()).build());
    }
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert_eq!(open.uploads().len(), 1);
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = s3.complete_multipart_upload().bucket("releases").key("big").upload_id(id);
    let done = complete.multipart_upload(parts).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""), "{done:?}");
    let head = s3.head_object().bucket("releases").key("big").send().await.unwrap();
    assert_eq!(head.content_length(), Some((5 << 20) + 7));
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert!(open.uploads().is_empty());
}

#[tokio::test]
async fn what_is_missing_or_spoilt_has_s3s_own_code() {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    let put = || s3.put_object().bucket("releases").key("k").body(ByteStream::from_static(b"x"));
    assert_eq!(put().send().await.unwrap_err().code(), Some("NoSuchBucket"));
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let spoilt = put().checksum_crc32("AAAAAA==").send().await.unwrap_err();
    assert_eq!(spoilt.code(), Some("BadDigest"));
    let spoilt = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await.unwrap_err();
    assert_eq!(spoilt.code(), Some("BadDigest"));
    let missing = s3.get_object().bucket("releases").key("k").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("NoSuchKey"));
    put().send().await.unwrap();
    let far = s3.get_object().bucket("releases").key("k").range("bytes=9-").send().await.unwrap_err();
    assert_eq!(far.code(), Some("InvalidRange"));
    let full = s3.delete_bucket().bucket("releases").send().await.unwrap_err();
    assert_eq!(full.code(), Some("BucketNotEmpty"));
    let again = s3.create_bucket().bucket("releases").send().await.unwrap_err();
    assert_eq!(again.code(), Some("BucketAlreadyOwnedByYou"));
}

#[tokio::test]
async fn tags_come_with_an_object_and_change() {
    use aws_sdk_s3::types::{Tag, Tagging, TaggingDirective};
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let put = s3.put_object().bucket("releases").key("k").body(ByteStream::from_static(b"x"));
    put.tagging("stage=prod&owner=a%26b").send().await.unwrap();
    let tags = async |key: &str| {
        let got = s3.get_object_tagging().bucket("releases").key(key).send().await.unwrap();
        got.tag_set().iter().map(|tag| format!("{}={}", tag.key(), tag.value())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tags("k").await, "owner=a&b stage=prod");
    let got = s3.get_object().bucket("releases").key("k").send().await.unwrap();
    assert_eq!(got.tag_count(), Some(2));
    let copy = |key: &str| s3.copy_object().bucket("releases").key(key).copy_source("releases/k");
    copy("same").send().await.unwrap();
    copy("other").tagging_directive(TaggingDirective::Replace).tagging("a=b").send().await.unwrap();
    assert_eq!((tags("same").await.as_str(), tags("other").await.as_str()), ("owner=a&b stage=prod", "a=b"));
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let tagging = |keys: &[&str]| {
        Tagging::builder().set_tag_set(Some(keys.iter().copied().map(tag).collect())).build().unwrap()
    };
    let put = |keys: &[&str]| s3.put_object_tagging().bucket("releases").key("k").tagging(tagging(keys));
    put(&["new"]).send().await.unwrap();
    assert_eq!(tags("k").await, "new=v");
    let twice = put(&["new", "new"]).send().await.unwrap_err();
    assert_eq!(aws_sdk_s3::error::ProvideErrorMetadata::code(&twice), Some("InvalidTag"));
    s3.delete_object_tagging().bucket("releases").key("k").send().await.unwrap();
    assert_eq!(tags("k").await, "");
}

#[tokio::test]
async fn how_an_object_is_stored_is_told_and_another_owner_is_refused() {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let put = || {
        let put = s3.put_object().bucket("releases").key("k").body(ByteStream::from_static(b"x"));
        put.storage_class(StorageClass::StandardIa).ssekms_key_id("key-1")
    };
    let put = |owner| put().server_side_encryption(ServerSideEncryption::AwsKms).expected_bucket_owner(owner);
    let error = put("000000000000").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    let error = put("000000000000").send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    put("123456789012").send().await.unwrap();
    let put = || s3.put_object().bucket("releases").key("k").body(ByteStream::from_static(b"x"));
    for (put, code) in [
        (put().server_side_encryption("AES256".into()).ssekms_key_id("key-1"), "InvalidArgument"),
        (put().ssekms_key_id("key-1"), "InvalidArgument"),
        (put().server_side_encryption("nope".into()), "InvalidArgument"),
        (put().storage_class("nope".into()), "InvalidStorageClass"),
        (put().acl("nope".into()), "InvalidArgument"),
    ] {
        assert_eq!(put.send().await.unwrap_err().code(), Some(code));
    }
    let upload = s3.create_multipart_upload().bucket("releases").key("m").storage_class("nope".into());
    assert_eq!(upload.send().await.unwrap_err().code(), Some("InvalidStorageClass"));
    let upload =
        s3.create_multipart_upload().bucket("releases").key("m").storage_class(StorageClass::Glacier);
    let upload = upload.send().await.unwrap().upload_id.unwrap();
    let part = s3.upload_part().bucket("releases").key("m").upload_id(&upload).part_number(1);
    let etag = part.body(ByteStream::from_static(b"x")).send().await.unwrap().e_tag.unwrap();
    let parts = CompletedMultipartUpload::builder()
        .parts(CompletedPart::builder().part_number(1).e_tag(etag).build())
        .build();
    let complete = s3.complete_multipart_upload().bucket("releases").key("m").upload_id(&upload);
    complete.multipart_upload(parts).send().await.unwrap();
    let head = |key| s3.head_object().bucket("releases").key(key).send();
    let (whole, parts) = (head("k").await.unwrap(), head("m").await.unwrap());
    assert_eq!(whole.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(whole.ssekms_key_id(), Some("key-1"));
    assert_eq!(whole.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(parts.storage_class(), Some(&StorageClass::Glacier));
}

#[tokio::test]
async fn preconditions_are_kept() {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let put = |text: &'static str| {
        s3.put_object().bucket("releases").key("k").body(ByteStream::from_static(text.as_bytes()))
    };
    let code = |error: Option<&str>| error.map(ToOwned::to_owned);
    let early = put("x").if_match("\"0\"").send().await.unwrap_err();
    assert_eq!(code(early.code()), Some("NoSuchKey".into()));
    let first = put("one").if_none_match("*").send().await.unwrap();
    let etag = first.e_tag().unwrap();
    assert_eq!(put("two").if_none_match("*").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    assert_eq!(put("two").if_match("\"0\"").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    assert_eq!(put("two").if_none_match(etag).send().await.unwrap_err().code(), Some("NotImplemented"));
    put("one").if_match(etag).send().await.unwrap();

    let get = || s3.get_object().bucket("releases").key("k");
    assert!(get().if_match(etag).send().await.is_ok());
    assert_eq!(get().if_match("\"0\"").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    let known = get().if_none_match(etag).send().await.unwrap_err();
    assert_eq!(known.raw_response().unwrap().status().as_u16(), 304);
    let head = s3.head_object().bucket("releases").key("k").if_none_match(etag).send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 304);
    let modified = *get().send().await.unwrap().last_modified().unwrap();
    let before = aws_sdk_s3::primitives::DateTime::from_secs(modified.secs() - 1);
    assert_eq!(
        get().if_unmodified_since(before).send().await.unwrap_err().code(),
        Some("PreconditionFailed")
    );
    assert!(get().if_unmodified_since(modified).if_modified_since(before).send().await.is_ok());

    let upload = s3.create_multipart_upload().bucket("releases").key("k").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = s3.upload_part().bucket("releases").key("k").upload_id(id).part_number(1);
    let part = part.body(ByteStream::from_static(b"three")).send().await.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(part.e_tag().unwrap()).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = || {
        s3.complete_multipart_upload()
            .bucket("releases")
            .key("k")
            .upload_id(id)
            .multipart_upload(parts.clone())
    };
    assert_eq!(complete().if_none_match("*").send().await.unwrap_err().code(), Some("PreconditionFailed"));
    complete().if_match(etag).send().await.unwrap();
    let copy = s3.copy_object().bucket("releases").key("copy").copy_source("releases/k");
    let refused = copy.copy_source_if_match("\"0\"").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("PreconditionFailed"));
}

/// S3 finds no part by a checksum that was not named when the upload began.
#[tokio::test]
async fn parts_have_the_checksums_that_their_upload_was_begun_with() {
    use aws_sdk_s3::error::ProvideErrorMetadata;
    use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let begin = async |algorithm: Option<ChecksumAlgorithm>, kind: Option<ChecksumType>| {
        let upload = s3.create_multipart_upload().bucket("releases").key("k");
        let upload = upload.set_checksum_algorithm(algorithm).set_checksum_type(kind).send().await.unwrap();
        upload.upload_id.unwrap()
    };
    let part = |id: &str, algorithm: Option<ChecksumAlgorithm>| {
        let part = s3.upload_part().bucket("releases").key("k").upload_id(id).part_number(1);
        part.set_checksum_algorithm(algorithm).body(ByteStream::from_static(b"123456789")).send()
    };
    let complete = |id: &str, etag: &str, sum: Option<&str>| {
        let part = CompletedPart::builder().part_number(1).e_tag(etag);
        let part = part.set_checksum_crc32(sum.map(str::to_owned)).build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let complete = s3.complete_multipart_upload().bucket("releases").key("k").upload_id(id);
        complete.multipart_upload(parts).send()
    };
    let head = || s3.head_object().bucket("releases").key("k").checksum_mode(ChecksumMode::Enabled).send();
    // The check value of CRC-32: cbf43926.
    let sum = Some("y/Q5Jg==");

    let id = begin(None, None).await;
    let sent = part(&id, None).await.unwrap();
    let etag = sent.e_tag().unwrap();
    assert_eq!(sent.checksum_crc32(), sum, "it is taken, and not kept");
    let listed = s3.list_parts().bucket("releases").key("k").upload_id(&id).send().await.unwrap();
    assert_eq!((listed.checksum_algorithm(), listed.parts()[0].checksum_crc32()), (None, None));
    assert_eq!(complete(&id, etag, sum).await.unwrap_err().code(), Some("InvalidPart"));
    assert_eq!(complete(&id, etag, None).await.unwrap().checksum_crc32(), None);
    assert_eq!(head().await.unwrap().checksum_crc32(), None);

    let id = begin(Some(ChecksumAlgorithm::Crc32), None).await;
    let other = part(&id, Some(ChecksumAlgorithm::Sha256)).await.unwrap_err();
    assert_eq!(other.code(), Some("InvalidRequest"));
    assert_eq!(
        other.message(),
        Some("Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha256")
    );
    part(&id, None).await.unwrap();
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert_eq!(open.uploads()[0].checksum_algorithm(), Some(&ChecksumAlgorithm::Crc32));
    let listed = s3.list_parts().bucket("releases").key("k").upload_id(&id).send().await.unwrap();
    assert_eq!(listed.parts()[0].checksum_crc32(), sum);
    assert_eq!(complete(&id, etag, None).await.unwrap_err().code(), Some("InvalidRequest"));
    assert_eq!(complete(&id, etag, Some("AAAAAA==")).await.unwrap_err().code(), Some("InvalidPart"));
    let done = complete(&id, etag, sum).await.unwrap();
    assert_eq!(done.checksum_type(), Some(&ChecksumType::Composite));
    let kept = done.checksum_crc32().unwrap();
    assert!(kept.ends_with("==-1") && !kept.starts_with("y/Q5Jg"), "{kept}");
    assert_eq!(head().await.unwrap().checksum_crc32(), Some(kept));
    let copy = s3.copy_object().bucket("releases").key("k").copy_source("releases/k");
    copy.send().await.unwrap();
    assert_eq!(head().await.unwrap().checksum_crc32(), None);

    let id = begin(Some(ChecksumAlgorithm::Crc32), Some(ChecksumType::FullObject)).await;
    part(&id, None).await.unwrap();
    assert_eq!(complete(&id, etag, None).await.unwrap().checksum_crc32(), sum);
    assert_eq!(head().await.unwrap().checksum_type(), Some(&ChecksumType::FullObject));
}

#[tokio::test]
async fn what_a_kms_key_encrypts_has_no_md5_for_an_etag() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let kms = ServerSideEncryption::AwsKms;
    let put = |key: &str| s3.put_object().bucket("releases").key(key).body(ByteStream::from_static(b"x"));
    let plain = put("plain").send().await.unwrap();
    let own = put("own").server_side_encryption(kms.clone()).send().await.unwrap();
    let upload = s3.create_multipart_upload().bucket("releases").key("m").server_side_encryption(kms);
    let id = upload.send().await.unwrap().upload_id.unwrap();
    let part = s3.upload_part().bucket("releases").key("m").upload_id(&id).part_number(1);
    let part = part.body(ByteStream::from_static(b"x")).send().await.unwrap();
    assert_ne!(own.e_tag(), plain.e_tag());
    assert_eq!(part.e_tag(), own.e_tag());
    let part = CompletedPart::builder().part_number(1).e_tag(part.e_tag().unwrap()).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = s3.complete_multipart_upload().bucket("releases").key("m").upload_id(&id);
    complete.multipart_upload(parts).send().await.unwrap();
}
