//! A request that the user wrote, as YAML or JSON with the API's names, checked along the operation's shape. What is
//! wrong has its line; what is right is sent as it was written.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Shape;
use crate::error::nearest;
use crate::source::{self, Content, Node, Position};

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub position: Position,
    /// A name that may have been meant.
    pub near: Option<String>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}: {}", self.position.line, self.position.column, self.message)
    }
}

/// The text's first document as a request of the given shape; an empty text is an empty request.
pub fn read(text: &[u8], shape: &Shape) -> Result<Value, Wrong> {
    let document = match source::parse(text) {
        Ok(document) => document,
        // JSON writes characters beyond the basic plane as two escapes, which YAML does not know.
        Err(error) => match serde_json::from_slice::<Value>(text).ok().map(|json| json.to_string()) {
            Some(json) => source::parse(json.as_bytes()).map_err(syntax)?,
            None => return Err(syntax(error)),
        },
    };
    match document.root {
        Some(root) => Ok(value(&root, shape)?.unwrap_or_else(|| Value::Object(Map::new()))),
        None => Ok(Value::Object(Map::new())),
    }
}

fn syntax(error: source::Error) -> Wrong {
    Wrong { message: error.message, position: error.position, near: None }
}

fn wrong(node: &Node, message: impl Into<String>) -> Wrong {
    Wrong { message: message.into(), position: node.span.start, near: None }
}

/// None for a null: the member is as good as absent.
fn value(node: &Node, shape: &Shape) -> Result<Option<Value>, Wrong> {
    if let Content::Scalar(scalar) = &node.content
        && scalar.plain
        && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    {
        return Ok(None);
    }
    match (&node.content, shape) {
        (Content::Map(entries), Shape::Struct(name, _)) => structure(entries, name, shape).map(Some),
        (Content::List(items), Shape::List(item)) => {
            let items = items.iter().filter_map(|node| value(node, item).transpose());
            Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)))
        }
        (Content::Map(entries), Shape::Map(inner)) => {
            let mut map = Map::new();
            for (key, node) in entries {
                insert(&mut map, key, node, inner)?;
            }
            Ok(Some(Value::Object(map)))
        }
        (Content::Scalar(scalar), Shape::Text(words @ [_, ..])) if !words.contains(&scalar.text.as_str()) => {
            Err(Wrong {
                near: nearest(&scalar.text, words.iter().copied()).map(str::to_owned),
                ..wrong(node, format!("`{}` is none of {}", scalar.text, words.join(", ")))
            })
        }
        (Content::Scalar(scalar), _) => match scalar_value(&scalar.text, shape) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong(node, format!("here stands {}, not `{}`", wanted(shape), scalar.text))),
        },
        (Content::Alias(name), _) => Err(wrong(node, format!("the alias *{name} cannot be used here"))),
        (Content::List(_), _) => Err(wrong(node, format!("here stands {}, not a list", wanted(shape)))),
        (Content::Map(_), _) => Err(wrong(node, format!("here stands {}, not a map", wanted(shape)))),
    }
}

fn structure(entries: &[(Node, Node)], name: &str, shape: &Shape) -> Result<Value, Wrong> {
    let mut map = Map::new();
    for (key, node) in entries {
        let wanted = text(key)?;
        let Some(member) = shape.members().iter().find(|member| member.name == wanted) else {
            let names = || shape.members().iter().map(|member| member.name.as_str());
            let list = names().collect::<Vec<_>>().join(", ");
            let has = if list.is_empty() { "takes nothing".to_owned() } else { format!("has: {list}") };
            return Err(Wrong {
                near: nearest(wanted, names()).map(str::to_owned),
                ..wrong(key, format!("unknown member `{wanted}`; {} {has}", spoken(name)))
            });
        };
        insert(&mut map, key, node, &member.shape)?;
    }
    Ok(Value::Object(map))
}

fn insert(map: &mut Map<String, Value>, key: &Node, node: &Node, shape: &Shape) -> Result<(), Wrong> {
    let name = text(key)?;
    if map.contains_key(name) {
        return Err(wrong(key, format!("`{name}` stands here twice")));
    }
    if let Some(value) = value(node, shape)? {
        map.insert(name.to_owned(), value);
    }
    Ok(())
}

fn text(key: &Node) -> Result<&str, Wrong> {
    match &key.content {
        Content::Scalar(scalar) => Ok(&scalar.text),
        _ => Err(wrong(key, "a member's name is text")),
    }
}

/// `CreateDeploymentInput` is nobody's word for it.
fn spoken(name: &str) -> &str {
    name.strip_suffix("Input").unwrap_or(name)
}

fn scalar_value(text: &str, shape: &Shape) -> Option<Value> {
    match shape {
        Shape::Text(_) => Some(text.into()),
        Shape::Bool => match text {
            "true" | "True" | "TRUE" => Some(true.into()),
            "false" | "False" | "FALSE" => Some(false.into()),
            _ => None,
        },
        Shape::Integer => text.parse::<i64>().ok().map(Value::from),
        Shape::Time => time(text),
        Shape::Struct(..) | Shape::List(_) | Shape::Map(_) => None,
    }
}

/// Epoch seconds: as written, or from RFC 3339 or a date (its beginning in UTC).
fn time(text: &str) -> Option<Value> {
    if let Ok(seconds) = text.parse::<f64>() {
        return serde_json::Number::from_f64(seconds).map(Value::Number);
    }
    let date =
        || text.parse::<Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp());
    let time = text.parse::<Timestamp>().ok().or_else(date)?;
    Some(seconds(time))
}

/// A time as the API's requests have it.
pub fn seconds(time: Timestamp) -> Value {
    match time.as_millisecond() {
        whole if whole % 1000 == 0 => Value::from(whole / 1000),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any sane date are exact")]
        parts => Value::from(parts as f64 / 1000.0),
    }
}

fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Struct(name, _) => format!("a map of {}'s members", spoken(name)),
        Shape::List(_) => "a list".to_owned(),
        Shape::Map(_) => "a map".to_owned(),
        Shape::Text(_) => "text".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Integer => "a whole number".to_owned(),
        Shape::Time => "a time such as 2026-11-22T12:00:00Z".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Operation;

    fn read_for(operation: &str, text: &str) -> Result<Value, Wrong> {
        read(text.as_bytes(), &Operation::named(operation).unwrap().input())
    }

    #[test]
    fn yaml_and_json_mean_the_same() {
        let group = json!({
            "applicationName": "shop", "deploymentGroupName": "0123", "terminationHookEnabled": true,
            "ec2TagSet": {"ec2TagSetList": [[{"Key": "Role", "Type": "KEY_ONLY"}]]},
        });
        let yaml = "applicationName: shop\ndeploymentGroupName: 0123\nterminationHookEnabled: true\n\
                    ec2TagSet:\n  ec2TagSetList:\n  - - Key: Role\n      Value: null\n      Type: KEY_ONLY\n";
        assert_eq!(read_for("CreateDeploymentGroup", yaml), Ok(group.clone()));
        assert_eq!(read_for("CreateDeploymentGroup", &group.to_string()), Ok(group));
        let face = r#"{"description": "\ud83d\ude00"}"#;
        assert_eq!(read_for("CreateDeployment", face), Ok(json!({"description": "😀"})));
    }

    #[test]
    fn times_become_the_wires() {
        let list = "createTimeRange: {start: 2026-11-22, end: '2026-11-22T12:00:00.5+01:00'}";
        let range = json!({"start": 1_795_305_600, "end": 1_795_345_200.5});
        assert_eq!(read_for("ListDeployments", list), Ok(json!({"createTimeRange": range})));
    }

    #[test]
    fn what_is_wrong_has_its_line_and_the_nearest_name() {
        let error = read_for("CreateDeploymentGroup", "ec2TagFilters:\n- Kye: Role\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 column 3: unknown member `Kye`; EC2TagFilter has: Key, Value, Type"
        );
        assert_eq!(error.near.as_deref(), Some("Key"));
        let told = |operation, text| read_for(operation, text).unwrap_err().to_string();
        assert_eq!(
            told("StopDeployment", "autoRollbackEnabled: maybe"),
            "line 1 column 22: here stands true or false, not `maybe`"
        );
        assert_eq!(
            told("GetDeployment", "deploymentId: [d-1]"),
            "line 1 column 15: here stands text, not a list"
        );
        assert_eq!(
            told("GetDeployment", "deploymentId: d-1\ndeploymentId: d-2"),
            "line 2 column 1: `deploymentId` stands here twice"
        );
        let error = read_for("ListDeployments", "includeOnlyStatuses:\n- Succeded\n").unwrap_err();
        assert!(
            error.to_string().starts_with("line 2 column 3: `Succeded` is none of Baking, Created,"),
            "{error}"
        );
        assert_eq!(error.near.as_deref(), Some("Succeeded"));
        assert!(told("GetDeployment", "{").starts_with("line "));
    }
}
