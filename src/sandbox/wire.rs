//! JSON as it is on CodeDeploy's wire, through the SDK's own types and schemas.
//!
//! What is stored in wire form comes from here and goes back through here, so that no shape is written twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings, JsonDeserializer};
use aws_smithy_schema::codec::Codec;
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
