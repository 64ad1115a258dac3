//! Keys in the XML of an answer, which cannot hold every character that a key may have.

use std::fmt::Write as _;

use s3s::dto::EncodingType;
use s3s::{S3Result, s3_error};

/// How a list writes keys, prefixes and what else names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Plain,
    /// As in a URL: `encoding-type=url`, which boto3 and the AWS CLI ask for.
    Url,
}

impl Keys {
    pub fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None | Some("") => Ok(Keys::Plain),
            Some(EncodingType::URL) => Ok(Keys::Url),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    /// What the answer says of it.
    pub fn encoding_type(self) -> Option<EncodingType> {
        (self == Keys::Url).then(|| EncodingType::from_static(EncodingType::URL))
    }

    /// A key as it stands in the answer. SANDBOX: what XML cannot hold is refused, where S3 answers what is no XML.
    pub fn write(self, text: String) -> S3Result<String> {
        match self {
            Keys::Url => Ok(encoded(&text)),
            Keys::Plain => sayable(text).ok_or_else(|| {
                s3_error!(
                    InvalidArgument,
                    "XML cannot hold one of the keys: ask for them with encoding-type=url"
                )
            }),
        }
    }

    pub fn write_some(self, text: Option<String>) -> S3Result<Option<String>> {
        text.map(|text| self.write(text)).transpose()
    }
}

/// A text that XML can hold and a reader gives back as it was; none for any other.
///
/// Source: XML 1.0, "Characters" and "End-of-Line Handling".
pub fn sayable(text: String) -> Option<String> {
    let fits = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().all(fits).then_some(text)
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/*".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_so_that_it_can_be_read() {
        let url = EncodingType::from_static(EncodingType::URL);
        let keys = Keys::of(Some(&url)).unwrap();
        assert_eq!(keys.write("a/b c+\u{1}é".into()).unwrap(), "a/b%20c%2B%01%C3%A9");
        assert_eq!(keys.encoding_type(), Some(url));
        let keys = Keys::of(None).unwrap();
        assert_eq!(keys.write("a/b c+é\t\u{1f600}".into()).unwrap(), "a/b c+é\t\u{1f600}");
        for unsayable in ["\0", "x\u{1}y", "a\rb", "\u{fffe}", "\u{ffff}", "\u{1f}"] {
            assert!(keys.write(unsayable.into()).is_err(), "{unsayable:?}");
        }
        assert!(Keys::of(Some(&EncodingType::from("base64".to_owned()))).is_err());
    }
}
