//! The service's own JSON: the raw response body, with timestamps made readable by a walk along the SDK's schema.
//!
//! Names, order and members that this version does not know stay as the service sent them.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_schema::Schema;
use aws_smithy_schema::codec::Codec;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer, ShapeSerializer};
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ApiError, ErrorKind};

/// What an interceptor keeps of the last answer of a call.
#[derive(Clone, Debug, Default)]
pub struct Answer(Arc<Mutex<Kept>>);

#[derive(Clone, Debug, Default)]
struct Kept {
    body: Vec<u8>,
    date: Option<Timestamp>,
    lost: bool,
}

impl Answer {
    /// The answer's `Date`.
    pub fn date(&self) -> Option<Timestamp> {
        self.kept().date
    }

    /// The answer's body as JSON; an empty body is an empty object.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.kept().body).unwrap_or_else(|_| Value::Object(Map::new()))
    }

    /// A try of the call ended without a word of the service, which may have done what was asked all the same.
    pub fn was_lost(&self) -> bool {
        self.kept().lost
    }

    fn kept(&self) -> Kept {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "cdctl::Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let date = date(response);
        let body = response.body().bytes().map(<[u8]>::to_vec).unwrap_or_default();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Kept { body, date, lost: kept.lost };
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().map(|response| response.status().as_u16());
        if status.is_none_or(|status| status >= 500) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).lost = true;
        }
        Ok(())
    }
}

/// The `Date` of the last answer of a client's calls: what the time is for the service.
#[derive(Clone, Debug, Default)]
pub struct LastDate(Arc<Mutex<Option<Timestamp>>>);

impl LastDate {
    pub fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for LastDate {
    fn name(&self) -> &'static str {
        "cdctl::LastDate"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = date(context.response()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
        }
        Ok(())
    }
}

fn date(response: &HttpResponse) -> Option<Timestamp> {
    let date = response.headers().get("date")?;
    jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(date).ok()
}

/// Rewrites the epoch seconds of `value` as ISO 8601 with offset, wherever the shape that `deserialize` reads
/// has a timestamp. `deserialize` is an output's own `XxxOutput::deserialize`.
pub fn readable<T>(
    mut value: Value,
    deserialize: impl Fn(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>,
) -> Value {
    // A shape that the walk cannot follow is left as the service wrote it.
    let _ = deserialize(&mut Walk(&mut value));
    value
}

/// The service's own JSON as the shape that `deserialize` reads.
pub(super) fn read<T>(
    value: &Value,
    deserialize: impl Fn(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>,
) -> Option<T> {
    let bytes = serde_json::to_vec(value).ok()?;
    let codec = JsonCodec::new(JsonCodecSettings::builder().build());
    deserialize(&mut codec.create_deserializer(&bytes)).ok()
}

/// A shape of the SDK as the API's JSON, timestamps readable.
pub fn wire(operation: &str, shape: &dyn SerializableStruct) -> Result<Value, ApiError> {
    let settings = JsonCodecSettings::builder().default_timestamp_format(Format::DateTime).build();
    let mut serializer = JsonCodec::new(settings).create_serializer();
    let failed = |message: String| ApiError {
        operation: operation.to_owned(),
        kind: ErrorKind::Invalid,
        code: None,
        message,
        request_id: None,
    };
    serializer.write_struct(shape.schema(), shape).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&serializer.finish()).map_err(|error| failed(error.to_string()))
}

/// A shape that was read from `{}`, as JSON: what `deserialize` filled in is what the API requires.
pub(super) fn least<T: SerializableStruct>(
    operation: &str,
    deserialize: impl Fn(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>,
) -> Option<Value> {
    let shape = deserialize(&mut Walk(&mut Value::Object(Map::new()))).ok()?;
    wire(operation, &shape).ok()
}

/// `2026-11-22T22:57:27.108000+00:00`, as the AWS CLI v2 prints it; UTC.
fn iso(seconds: f64) -> Option<String> {
    #[expect(clippy::cast_possible_truncation, reason = "epoch milliseconds of any sane date fit")]
    let time = Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string())
}

/// Visits the known members of a JSON value along a schema; what is unknown is never touched.
struct Walk<'a>(&'a mut Value);

impl ShapeDeserializer for Walk<'_> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        consumer: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        for (name, value) in self.0.as_object_mut().into_iter().flatten() {
            if let Some(member) = schema.member_schema(name).filter(|_| !value.is_null()) {
                consumer(member, &mut Walk(value))?;
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        _: &Schema<'_>,
        consumer: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        for value in self.0.as_array_mut().into_iter().flatten() {
            consumer(&mut Walk(value))?;
        }
        Ok(())
    }

    fn read_map(
        &mut self,
        _: &Schema<'_>,
        consumer: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        for (name, value) in self.0.as_object_mut().into_iter().flatten() {
            consumer(name.clone(), &mut Walk(value))?;
        }
        Ok(())
    }

    fn read_timestamp(&mut self, _: &Schema<'_>) -> Result<DateTime, SerdeError> {
        if let Some(text) = self.0.as_f64().and_then(iso) {
            *self.0 = Value::String(text);
        }
        Ok(DateTime::from_secs(0))
    }

    fn read_boolean(&mut self, _: &Schema<'_>) -> Result<bool, SerdeError> {
        Ok(false)
    }

    fn read_byte(&mut self, _: &Schema<'_>) -> Result<i8, SerdeError> {
        Ok(0)
    }

    fn read_short(&mut self, _: &Schema<'_>) -> Result<i16, SerdeError> {
        Ok(0)
    }

    fn read_integer(&mut self, _: &Schema<'_>) -> Result<i32, SerdeError> {
        Ok(0)
    }

    fn read_long(&mut self, _: &Schema<'_>) -> Result<i64, SerdeError> {
        Ok(0)
    }

    fn read_float(&mut self, _: &Schema<'_>) -> Result<f32, SerdeError> {
        Ok(0.0)
    }

    fn read_double(&mut self, _: &Schema<'_>) -> Result<f64, SerdeError> {
        Ok(0.0)
    }

    fn read_big_integer(&mut self, _: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        Err(SerdeError::unsupported("big integer"))
    }

    fn read_big_decimal(&mut self, _: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        Err(SerdeError::unsupported("big decimal"))
    }

    fn read_string(&mut self, _: &Schema<'_>) -> Result<String, SerdeError> {
        Ok(String::new())
    }

    fn read_blob(&mut self, _: &Schema<'_>) -> Result<Blob, SerdeError> {
        Ok(Blob::new(Vec::new()))
    }

    fn read_document(&mut self, _: &Schema<'_>) -> Result<Document, SerdeError> {
        Err(SerdeError::unsupported("document"))
    }

    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_codedeploy::operation::get_deployment::GetDeploymentOutput;

    use super::*;

    #[test]
    fn only_timestamps_change() {
        let wire: Value = serde_json::from_str(
            r#"{"deploymentInfo":{"status":"Teleporting","createTime":1.7000000001234E9,"newField":{"when":1.7E9},
                "revision":{"futureLocation":{"x":1}},"instanceTerminationWaitTimeStarted":false},"later":1}"#,
        )
        .unwrap();
        let shown = readable(wire, |de| GetDeploymentOutput::deserialize(de));
        assert_eq!(
            shown.to_string(),
            r#"{"deploymentInfo":{"status":"Teleporting","createTime":"2023-11-14T22:13:20.123000+00:00","newField":{"when":1700000000.0},"revision":{"futureLocation":{"x":1}},"instanceTerminationWaitTimeStarted":false},"later":1}"#
        );
    }
}
