//! JSON and CBOR as they are on CodeDeploy's wire, through the SDK's own types and schemas.
//!
//! What is stored in wire form comes from here and goes back through here, so that no shape is written twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use aws_smithy_cbor::Encoder;
use aws_smithy_cbor::codec::{CborCodec, CborCodecSettings, CborDeserializer};
use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings, JsonDeserializer};
use aws_smithy_schema::codec::{Codec, FinishSerializer};
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer, ShapeSerializer};
use aws_smithy_types::date_time::Format;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// awsJson1.1: `jsonName` does not count, times are epoch seconds, and the text must be JSON to the letter.
static CODEC: LazyLock<JsonCodec> = LazyLock::new(|| {
    JsonCodec::new(
        JsonCodecSettings::builder()
            .use_json_name(false)
            .default_timestamp_format(Format::EpochSeconds)
            .enforce_strictness(true)
            .build(),
    )
});

/// The JSON text of an SDK type.
///
/// # Errors
/// What the codec refuses, such as a time out of range.
pub fn write(shape: &dyn SerializableStruct) -> Result<Vec<u8>, SerdeError> {
    let mut serializer = CODEC.create_serializer();
    serializer.write_struct(shape.schema(), shape)?;
    Ok(serializer.finish())
}

/// What an SDK type's own `deserialize` reads JSON text with.
///
/// # Errors
/// Text that is not one JSON object: the codec itself would read as far as it needs and leave the rest.
pub fn reader(text: &[u8]) -> Result<JsonDeserializer<'_>, SerdeError> {
    serde_json::from_slice::<HashMap<Cow<'_, str>, IgnoredAny>>(text)
        .map_err(|error| SerdeError::custom(error.to_string()))?;
    Ok(CODEC.create_deserializer(text))
}

/// Smithy RPC v2 CBOR: times are tag 1, and the body must be one whole map.
static CBOR: LazyLock<CborCodec> =
    LazyLock::new(|| CborCodec::new(CborCodecSettings::default().enforce_strictness(true)));

/// The CBOR of an SDK type.
///
/// # Errors
/// What the codec refuses.
pub fn write_cbor(shape: &dyn SerializableStruct) -> Result<Vec<u8>, SerdeError> {
    let mut serializer = CBOR.create_serializer();
    serializer.write_struct(shape.schema(), shape)?;
    Ok(serializer.finish())
}

/// A CBOR body whose times are read as the milliseconds that are meant: the codec cuts what is finer, so that .405, which
/// no floating point number is, would be read as .404. A body that is no CBOR stays as it is, for the codec to refuse.
pub fn with_whole_milliseconds(body: &[u8]) -> Cow<'_, [u8]> {
    let mut body = Cow::Borrowed(body);
    let (mut at, mut of_time) = (0, false);
    while let Some(head) = body.get(at).copied() {
        let (major, info) = (head >> 5, head & 31);
        let size = match info {
            24..=27 => 1 << (info - 24),
            _ => 0,
        };
        let start = at + 1;
        let Some(bytes) = body.get(start..start + size) else { break };
        let argument = bytes.iter().fold(u64::from(info), |number, byte| (number << 8) | u64::from(*byte));
        let argument = if size == 0 { argument } else { argument & (u64::MAX >> (64 - 8 * size)) };
        at = start + size;
        match major {
            // Bytes and text, of a length that is known; what is in pieces comes as items of its own.
            2 | 3 if info != 31 => {
                match usize::try_from(argument).ok().and_then(|length| at.checked_add(length)) {
                    Some(end) => at = end,
                    None => break,
                }
            }
            7 if of_time && info == 27 => {
                let millis = (f64::from_bits(argument) * 1_000.0).round();
                // A tenth of one more outlives both roundings. Beyond the limit a time has no milliseconds.
                if millis.abs() < 1e15 {
                    let seconds = (millis + 0.1) / 1_000.0;
                    body.to_mut()[start..at].copy_from_slice(&seconds.to_be_bytes());
                }
            }
            _ => {}
        }
        of_time = major == 6 && argument == 1;
    }
    body
}

/// What an SDK type's own `deserialize` reads CBOR with.
pub fn cbor_reader(body: &[u8]) -> CborDeserializer<'_> {
    CBOR.create_deserializer(body)
}

/// A CBOR map of texts.
pub fn cbor_texts(members: &[(&str, &str)]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(members.len());
    for (name, text) in members {
        encoder.str(name).str(text);
    }
    encoder.into_writer()
}

/// The members of an SDK type.
///
/// # Errors
/// As [`write()`].
pub fn members(shape: &dyn SerializableStruct) -> Result<Map<String, Value>, SerdeError> {
    serde_json::from_slice(&write(shape)?).map_err(|error| SerdeError::custom(error.to_string()))
}

/// An SDK type from stored members; `deserialize` is the type's own function of that name.
///
/// # Errors
/// Members that do not fit the type.
pub fn typed<T>(
    members: &Map<String, Value>,
    deserialize: impl FnOnce(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>,
) -> Result<T, SerdeError> {
    let text = serde_json::to_vec(members).map_err(|error| SerdeError::custom(error.to_string()))?;
    deserialize(&mut CODEC.create_deserializer(&text))
}

#[cfg(test)]
mod tests {
    use aws_sdk_codedeploy::operation::create_application::CreateApplicationInput;
    use aws_sdk_codedeploy::operation::list_deployments::ListDeploymentsInput;
    use aws_sdk_codedeploy::primitives::DateTime;
    use aws_sdk_codedeploy::types::DeploymentInfo;

    use super::*;

    #[test]
    fn reads_one_object_to_the_end() {
        let good = br#"{"applicationName":"a","unknown":[1,{"x":null}]}"#;
        let input = CreateApplicationInput::deserialize(&mut reader(good).unwrap()).unwrap();
        assert_eq!(input.application_name(), Some("a"));
        for bad in
            ["", "[]", "null", "{", r#"{"applicationName":"a"} x"#, r#"{"applicationName":1}"#, "{'a':1}"]
        {
            let read = reader(bad.as_bytes())
                .and_then(|mut reader| CreateApplicationInput::deserialize(&mut reader));
            assert!(read.is_err(), "{bad}");
        }
    }

    #[test]
    fn cbor_is_read_to_the_end() {
        let good = cbor_texts(&[("applicationName", "a"), ("unknown", "x")]);
        let input = CreateApplicationInput::deserialize(&mut cbor_reader(&good)).unwrap();
        assert_eq!(input.application_name(), Some("a"));
        let mut longer = good.clone();
        longer.push(0);
        // A text, an array, a map that ends early, a map that goes on, a number for a text, a length beyond the end.
        let number = b"\xa1\x6fapplicationName\x01";
        let bad: [&[u8]; 6] = [
            b"\x61a",
            b"\x80",
            &good[..good.len() - 1],
            &longer,
            number,
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        for body in bad {
            let read = CreateApplicationInput::deserialize(&mut cbor_reader(body));
            assert!(read.is_err(), "{body:x?}");
        }
        let deep = [0x81; 100_000];
        assert!(CreateApplicationInput::deserialize(&mut cbor_reader(&deep)).is_err());
    }

    #[test]
    fn cbor_times_keep_their_milliseconds() {
        let mut rng = fastrand::Rng::with_seed(1);
        let known = [0, 1, -1, -1_500, 1_556_918_687_504, 1_795_907_653_405, 253_402_300_799_999];
        let drawn = std::iter::repeat_with(|| rng.i64(1_400_000_000_000..2_000_000_000_000));
        for millis in drawn.take(20_000).chain(known) {
            #[expect(clippy::cast_precision_loss, reason = "as clients do")]
            let seconds = (millis as f64) / 1_000.0;
            let mut body = b"\xa2\x61x\x43\xc1\xfb\x00\x6fcreateTimeRange\xbf\x65start\xc1\xfb".to_vec();
            body.extend(seconds.to_be_bytes());
            body.push(0xff);
            let body = with_whole_milliseconds(&body);
            assert!(body.starts_with(b"\xa2\x61x\x43\xc1\xfb\x00"), "what is no time stays");
            let input = ListDeploymentsInput::deserialize(&mut cbor_reader(&body)).unwrap();
            let start = *input.create_time_range().unwrap().start().unwrap();
            assert_eq!(start.to_millis().unwrap(), millis);
        }
        let odd: [&[u8]; 6] = [
            b"",
            b"\xc1\xfb\x00",
            b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xff",
            b"\xc1\x01",
            b"\x7f\x61",
        ];
        for body in odd {
            assert_eq!(with_whole_milliseconds(body), body);
        }
        let far = [&b"\xc1\xfb"[..], &f64::INFINITY.to_be_bytes()].concat();
        assert_eq!(with_whole_milliseconds(&far), far);
    }

    #[test]
    fn cbor_times_are_tagged_seconds() {
        let info = DeploymentInfo::builder().create_time(DateTime::from_millis(1_556_918_687_504)).build();
        let written = write_cbor(&info).unwrap();
        let at = written.windows(10).position(|part| part == b"createTime").unwrap();
        assert_eq!(written[at + 10..at + 12], [0xc1, 0xfb]);
        let seconds = f64::from_be_bytes(written[at + 12..at + 20].try_into().unwrap());
        assert!((seconds - 1_556_918_687.504).abs() < 1e-6, "{seconds}");
    }

    #[test]
    fn times_keep_their_milliseconds() {
        let info = DeploymentInfo::builder().create_time(DateTime::from_millis(1_556_918_687_504)).build();
        assert_eq!(members(&info).unwrap()["createTime"].to_string(), "1556918687.504");
        for text in ["1408406400.25", "1.40840640025E9"] {
            let text = format!(r#"{{"createTimeRange":{{"start":{text}}}}}"#);
            let input = ListDeploymentsInput::deserialize(&mut reader(text.as_bytes()).unwrap()).unwrap();
            let start = *input.create_time_range().unwrap().start().unwrap();
            assert_eq!(start.to_millis().unwrap(), 1_408_406_400_250);
        }
    }
}
