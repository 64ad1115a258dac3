//! What an operation takes and gives, read off the SDK's own schemas: shapes as data, with a skeleton and a JSON
//! Schema of each.

use aws_sdk_codedeploy::types as sdk;
use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use serde_json::{Map, Value, json};

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The structure's name, its members in the API's order.
    Struct(String, Vec<Member>),
    List(Box<Shape>),
    Map(Box<Shape>),
    /// Text, or one of these words as far as this version knows.
    Text(&'static [&'static str]),
    Bool,
    Integer,
    Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub shape: Shape,
    /// The API refuses a request without it; known of the members of a request itself.
    pub required: bool,
}

/// The `deserialize` of an SDK shape, its result thrown away.
pub(super) type Reader = fn(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>;

/// The shape that `read` reads.
pub(super) fn shape_of(read: Reader) -> Shape {
    let mut probe = Probe::default();
    // A reader that refuses an invented value has told its members by then.
    let _ = read(&mut probe);
    probe.found.unwrap_or_else(|| Shape::Struct(String::new(), Vec::new()))
}

impl Shape {
    pub fn members(&self) -> &[Member] {
        match self {
            Shape::Struct(_, members) => members,
            _ => &[],
        }
    }

    pub fn has(&self, member: &str) -> bool {
        self.members().iter().any(|known| known.name == member)
    }

    /// A value with every member, to be filled in: enumerations as `A|B`.
    pub fn skeleton(&self) -> Value {
        match self {
            Shape::Struct(_, members) => {
                let member = |member: &Member| (member.name.clone(), member.shape.skeleton());
                Value::Object(members.iter().map(member).collect())
            }
            Shape::List(item) => json!([item.skeleton()]),
            Shape::Map(value) => json!({ "": value.skeleton() }),
            Shape::Text(words) => Value::String(words.join("|")),
            Shape::Bool => json!(false),
            Shape::Integer => json!(0),
            Shape::Time => json!("1970-01-01T00:00:00Z"),
        }
    }

    /// JSON Schema, draft 2020-12.
    pub fn json_schema(&self) -> Value {
        match self {
            Shape::Struct(name, members) => {
                let property = |member: &Member| (member.name.clone(), member.shape.json_schema());
                let required: Vec<&str> = members
                    .iter()
                    .filter(|member| member.required)
                    .map(|member| member.name.as_str())
                    .collect();
                let mut schema = Map::new();
                schema.insert("title".into(), name.as_str().into());
                schema.insert("type".into(), "object".into());
                schema.insert("properties".into(), Value::Object(members.iter().map(property).collect()));
                if !required.is_empty() {
                    schema.insert("required".into(), required.into());
                }
                schema.insert("additionalProperties".into(), false.into());
                Value::Object(schema)
            }
            Shape::List(item) => json!({ "type": "array", "items": item.json_schema() }),
            Shape::Map(value) => json!({ "type": "object", "additionalProperties": value.json_schema() }),
            Shape::Text([]) => json!({ "type": "string" }),
            Shape::Text(words) => json!({ "type": "string", "enum": words }),
            Shape::Bool => json!({ "type": "boolean" }),
            Shape::Integer => json!({ "type": "integer" }),
            Shape::Time => json!({ "type": ["string", "number"], "format": "date-time" }),
        }
    }
}

/// The words of a member of a request; the schemas do not tell an enumeration from other text.
#[expect(deprecated, reason = "the deprecated operations are reached, too")]
fn words(structure: &str, member: &str) -> &'static [&'static str] {
    match (structure, member) {
        ("AutoRollbackConfiguration", "events") => sdk::AutoRollbackEvent::values(),
        ("BlueInstanceTerminationOption", "action") => sdk::InstanceAction::values(),
        ("ContinueDeploymentInput", "deploymentWaitType") => sdk::DeploymentWaitType::values(),
        ("CreateApplicationInput" | "CreateDeploymentConfigInput", "computePlatform") => {
            sdk::ComputePlatform::values()
        }
        ("CreateDeploymentGroupInput" | "UpdateDeploymentGroupInput", "outdatedInstancesStrategy") => {
            sdk::OutdatedInstancesStrategy::values()
        }
        ("CreateDeploymentInput", "deploymentMode") => sdk::DeploymentMode::values(),
        ("CreateDeploymentInput", "fileExistsBehavior") => sdk::FileExistsBehavior::values(),
        ("DeploymentReadyOption", "actionOnTimeout") => sdk::DeploymentReadyAction::values(),
        ("DeploymentStyle", "deploymentOption") => sdk::DeploymentOption::values(),
        ("DeploymentStyle", "deploymentType") => sdk::DeploymentType::values(),
        ("EC2DeploymentOptions", "autoScalingGroupProcessesToSuspend") => {
            sdk::AutoScalingGroupProcess::values()
        }
        ("EC2TagFilter", "Type") => sdk::Ec2TagFilterType::values(),
        ("TagFilter", "Type") => sdk::TagFilterType::values(),
        ("GreenFleetProvisioningOption", "action") => sdk::GreenFleetProvisioningAction::values(),
        ("ListApplicationRevisionsInput", "deployed") => sdk::ListStateFilterAction::values(),
        ("ListApplicationRevisionsInput", "sortBy") => sdk::ApplicationRevisionSortBy::values(),
        ("ListApplicationRevisionsInput", "sortOrder") => sdk::SortOrder::values(),
        ("ListDeploymentInstancesInput", "instanceStatusFilter") => sdk::InstanceStatus::values(),
        ("ListDeploymentInstancesInput", "instanceTypeFilter") => sdk::InstanceType::values(),
        ("ListDeploymentsInput", "includeOnlyStatuses") => sdk::DeploymentStatus::values(),
        ("ListOnPremisesInstancesInput", "registrationStatus") => sdk::RegistrationStatus::values(),
        ("MinimumHealthyHosts", "type") => sdk::MinimumHealthyHostsType::values(),
        ("MinimumHealthyHostsPerZone", "type") => sdk::MinimumHealthyHostsPerZoneType::values(),
        ("PutLifecycleEventHookExecutionStatusInput", "status") => sdk::LifecycleEventStatus::values(),
        ("RevisionLocation", "revisionType") => sdk::RevisionLocationType::values(),
        ("S3Location", "bundleType") => sdk::BundleType::values(),
        ("TrafficRoutingConfig", "type") => sdk::TrafficRoutingType::values(),
        ("TriggerConfig", "triggerEvents") => sdk::TriggerEventType::values(),
        _ => &[],
    }
}

/// Offers every member of every structure, one item of every list, and writes down what is asked for.
#[derive(Debug, Default)]
struct Probe {
    found: Option<Shape>,
    /// What a text that is found here may be.
    words: &'static [&'static str],
}

impl Probe {
    fn inner(&self) -> Self {
        Probe { found: None, words: self.words }
    }

    fn text(&mut self) -> Result<String, SerdeError> {
        self.found = Some(Shape::Text(self.words));
        Ok(String::new())
    }
}

impl ShapeDeserializer for Probe {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        consumer: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let structure = schema.shape_id().shape_name();
        let mut members = Vec::new();
        for member in schema.members() {
            let name = member.member_name().unwrap_or_default();
            let mut probe = Probe { found: None, words: words(structure, name) };
            consumer(member, &mut probe)?;
            let shape = probe.found.unwrap_or(Shape::Text(&[]));
            members.push(Member { name: name.to_owned(), shape, required: false });
        }
        self.found = Some(Shape::Struct(structure.to_owned(), members));
        Ok(())
    }

    fn read_list(
        &mut self,
        _: &Schema<'_>,
        consumer: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut item = self.inner();
        consumer(&mut item)?;
        self.found = item.found.map(|shape| Shape::List(Box::new(shape)));
        Ok(())
    }

    fn read_map(
        &mut self,
        _: &Schema<'_>,
        consumer: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut value = self.inner();
        consumer(String::new(), &mut value)?;
        self.found = value.found.map(|shape| Shape::Map(Box::new(shape)));
        Ok(())
    }

    fn read_boolean(&mut self, _: &Schema<'_>) -> Result<bool, SerdeError> {
        self.found = Some(Shape::Bool);
        Ok(false)
    }

    fn read_byte(&mut self, _: &Schema<'_>) -> Result<i8, SerdeError> {
        self.found = Some(Shape::Integer);
        Ok(0)
    }

    fn read_short(&mut self, _: &Schema<'_>) -> Result<i16, SerdeError> {
        self.found = Some(Shape::Integer);
        Ok(0)
    }

    fn read_integer(&mut self, _: &Schema<'_>) -> Result<i32, SerdeError> {
        self.found = Some(Shape::Integer);
        Ok(0)
    }

    fn read_long(&mut self, _: &Schema<'_>) -> Result<i64, SerdeError> {
        self.found = Some(Shape::Integer);
        Ok(0)
    }

    fn read_float(&mut self, _: &Schema<'_>) -> Result<f32, SerdeError> {
        Err(SerdeError::unsupported("float"))
    }

    fn read_double(&mut self, _: &Schema<'_>) -> Result<f64, SerdeError> {
        Err(SerdeError::unsupported("double"))
    }

    fn read_big_integer(&mut self, _: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        Err(SerdeError::unsupported("big integer"))
    }

    fn read_big_decimal(&mut self, _: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        Err(SerdeError::unsupported("big decimal"))
    }

    fn read_string(&mut self, _: &Schema<'_>) -> Result<String, SerdeError> {
        self.text()
    }

    fn read_blob(&mut self, _: &Schema<'_>) -> Result<Blob, SerdeError> {
        Err(SerdeError::unsupported("blob"))
    }

    fn read_timestamp(&mut self, _: &Schema<'_>) -> Result<DateTime, SerdeError> {
        self.found = Some(Shape::Time);
        Ok(DateTime::from_secs(0))
    }

    fn read_document(&mut self, _: &Schema<'_>) -> Result<Document, SerdeError> {
        Err(SerdeError::unsupported("document"))
    }

    fn is_null(&self) -> bool {
        false
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}
