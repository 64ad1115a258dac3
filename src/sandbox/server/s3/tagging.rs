//! Tags of objects, as a header and as a document of their own.

use std::collections::BTreeMap;

use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result, s3_error};

use super::{Answer, Store};

/// Source: Amazon S3 user guide, "Categorizing your storage using tags".
const MOST: usize = 10;

pub type Tags = BTreeMap<String, String>;

/// The tags of an `x-amz-tagging` header: a query string.
pub fn of_header(text: Option<&str>) -> S3Result<Tags> {
    let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    checked(pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    }))
}

fn checked(pairs: impl Iterator<Item = (Option<String>, Option<String>)>) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for pair in pairs {
        let (Some(key), Some(value)) = pair else {
            return Err(s3_error!(InvalidTag, "The tag is not UTF-8"));
        };
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if tags.insert(key, value).is_some() {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    if tags.len() > MOST {
        let code = S3ErrorCode::Custom("BadRequest".into());
        let mut error = S3Error::with_message(code, "Object tags cannot be greater than 10");
        error.set_status_code(http::StatusCode::BAD_REQUEST);
        return Err(error);
    }
    Ok(tags)
}

/// A percent-encoded text of a query; none where it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

impl Store {
    pub(super) fn get_tags(&self, input: GetObjectTaggingInput) -> Answer<GetObjectTaggingOutput> {
        let stored = self.objects.get(&input.bucket, &input.key, input.version_id.as_deref())?;
        let tag = |(key, value)| Tag { key: Some(key), value: Some(value) };
        let tag_set = stored.attributes.tags.into_iter().map(tag).collect();
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: stored.version }))
    }

    pub(super) fn put_tags(&self, input: PutObjectTaggingInput) -> Answer<PutObjectTaggingOutput> {
        let pairs = input.tagging.tag_set.into_iter();
        let tags = checked(
            pairs.map(|tag| (Some(tag.key.unwrap_or_default()), Some(tag.value.unwrap_or_default()))),
        )?;
        let version_id =
            self.objects.set_tags(&input.bucket, &input.key, input.version_id.as_deref(), tags)?;
        Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
    }

    pub(super) fn delete_tags(&self, input: DeleteObjectTaggingInput) -> Answer<DeleteObjectTaggingOutput> {
        let version = input.version_id.as_deref();
        let version_id = self.objects.set_tags(&input.bucket, &input.key, version, Tags::new())?;
        Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_query() {
        let tags = of_header(Some("stage=prod&owner=a%26b+c&empty")).unwrap();
        let expected = [("empty", ""), ("owner", "a&b c"), ("stage", "prod")];
        assert_eq!(
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(),
            expected
        );
        assert!(of_header(None).unwrap().is_empty());
        for bad in ["=x", "a=1&a=2", "a=%ff", "a=%", "a=%zz", &format!("{}=x", "k".repeat(129))] {
            assert_eq!(of_header(Some(bad)).unwrap_err().code().as_str(), "InvalidTag", "{bad}");
        }
        let many: Vec<String> = (0..11).map(|index| format!("k{index}=v")).collect();
        assert_eq!(of_header(Some(&many.join("&"))).unwrap_err().code().as_str(), "BadRequest");
    }
}
