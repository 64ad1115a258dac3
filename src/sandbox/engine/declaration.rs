//! The AppSpec of a Lambda or ECS deployment: which resource, to what, with which hooks. Keys in any case.
//!
//! Source: AWS's user guide, "AppSpec File structure" and its examples, which write keys in different cases.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use serde_json::Value;

use super::texts;
use crate::model::{ComputePlatform, EventName};
use crate::sandbox::Bundles;
use crate::sandbox::store::ErrorInformation;
use crate::source::{self, Content, Node};

/// What an AppSpec says.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) properties: BTreeMap<String, String>,
    /// The function that each event invokes.
    pub(super) hooks: BTreeMap<EventName, String>,
}

/// Events that may have a hook.
const LAMBDA_HOOKS: &[EventName] = &[EventName::BeforeAllowTraffic, EventName::AfterAllowTraffic];
const ECS_HOOKS: &[EventName] = &[
    EventName::BeforeInstall,
    EventName::AfterInstall,
    EventName::AfterAllowTestTraffic,
    EventName::BeforeAllowTraffic,
    EventName::AfterAllowTraffic,
];

impl Declaration {
    /// Reads the AppSpec that a wire RevisionLocation holds or names.
    pub(super) fn of(
        revision: &Value,
        platform: &ComputePlatform,
        bundles: &dyn Bundles,
    ) -> Result<Self, ErrorInformation> {
        let text = text(revision, bundles).ok_or_else(texts::appspec_missing)?;
        let document = source::parse(&text).map_err(|_| texts::appspec_malformed())?;
        let root = document.root.filter(|root| matches!(root.content, Content::Map(_)));
        let root = root.ok_or_else(texts::appspec_malformed)?;
        read(&root, platform).map_err(|wrong| texts::appspec_invalid(&wrong))
    }

    /// A property of the resource that must be there.
    pub(super) fn property(&self, name: &str) -> Result<String, ErrorInformation> {
        let found = self.properties.get(&name.to_ascii_lowercase()).filter(|value| !value.is_empty());
        found.cloned().ok_or_else(|| texts::appspec_invalid(&format!("The property {name} is missing.")))
    }
}

/// The text of the AppSpec, wherever it is.
fn text(revision: &Value, bundles: &dyn Bundles) -> Option<Vec<u8>> {
    let content = |member: &str| revision.get(member)?.get("content")?.as_str();
    if let Some(content) = content("appSpecContent").or_else(|| content("string")) {
        return Some(content.as_bytes().to_vec());
    }
    let location = revision.get("s3Location")?;
    let member = |name: &str| location.get(name).and_then(Value::as_str);
    let object = bundles.object(member("bucket")?, member("key")?, member("version")).ok()?;
    let limit = u64::try_from(source::MAX_BYTES).ok()?;
    let mut text = Vec::new();
    File::open(object.path).ok()?.take(limit + 1).read_to_end(&mut text).ok()?;
    Some(text)
}

fn read(root: &Node, platform: &ComputePlatform) -> Result<Declaration, String> {
    let (kind, allowed) = match platform {
        ComputePlatform::Lambda => ("AWS::Lambda::Function", LAMBDA_HOOKS),
        _ => ("AWS::ECS::Service", ECS_HOOKS),
    };
    let resources = member(root, "resources").map(entries).unwrap_or_default();
    let [(_, resource)] = resources.as_slice() else {
        return Err("Exactly one resource must be specified.".to_owned());
    };
    if member(resource, "type").and_then(scalar) != Some(kind) {
        return Err(format!("The type of the resource must be {kind}."));
    }
    let mut properties = BTreeMap::new();
    collect(member(resource, "properties").ok_or("The resource has no properties.")?, &mut properties);
    let mut hooks = BTreeMap::new();
    for (name, function) in member(root, "hooks").map(entries).unwrap_or_default() {
        let event = allowed.iter().find(|event| event.as_str().eq_ignore_ascii_case(name));
        let function = scalar(function).filter(|function| !function.is_empty());
        match (event, function) {
            (Some(event), Some(function)) => hooks.insert(event.clone(), function.to_owned()),
            (None, _) => return Err(format!("{name} is not a lifecycle event that can have a hook.")),
            (_, None) => return Err(format!("The hook {name} names no function.")),
        };
    }
    Ok(Declaration { properties, hooks })
}

/// All scalars of a map and of the maps in it, by lower-case key.
fn collect(node: &Node, properties: &mut BTreeMap<String, String>) {
    let Content::Map(members) = &node.content else { return };
    for (key, value) in members {
        match (scalar(key), scalar(value)) {
            (Some(key), Some(value)) => {
                properties.insert(key.to_ascii_lowercase(), value.to_owned());
            }
            _ => collect(value, properties),
        }
    }
}

/// The entries of a map, or of a list of maps with one entry each.
fn entries(node: &Node) -> Vec<(&str, &Node)> {
    match &node.content {
        Content::Map(members) => {
            members.iter().filter_map(|(key, value)| Some((scalar(key)?, value))).collect()
        }
        Content::List(items) => items.iter().flat_map(entries).collect(),
        _ => Vec::new(),
    }
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Content::Map(members) = &node.content else { return None };
    let named = |(key, _): &&(Node, Node)| scalar(key).is_some_and(|key| key.eq_ignore_ascii_case(name));
    members.iter().find(named).map(|(_, value)| value)
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::Object;

    /// Holds one file under every key.
    struct Shelf(std::path::PathBuf);

    impl Bundles for Shelf {
        fn object(&self, _: &str, _: &str, _: Option<&str>) -> Result<Object, String> {
            Ok(Object { path: self.0.clone(), etag: "e".into(), version: None })
        }
    }

    struct Nothing;

    impl Bundles for Nothing {
        fn object(&self, _: &str, _: &str, _: Option<&str>) -> Result<Object, String> {
            Err("NoSuchKey".to_owned())
        }
    }

    fn of(text: &str, platform: &ComputePlatform) -> Result<Declaration, ErrorInformation> {
        let revision = json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": text}});
        Declaration::of(&revision, platform, &Nothing)
    }

    /// The example of AWS's user guide, in its own case and in lower case, as YAML and as JSON.
    #[test]
    fn aws_example_for_lambda() {
        let yaml = "version: 0.0\nResources:\n  - myLambdaFunction:\n      Type: AWS::Lambda::Function\n      Properties:\n        Name: \"myLambdaFunction\"\n        Alias: \"myLambdaFunctionAlias\"\n        CurrentVersion: \"1\"\n        TargetVersion: \"2\"\nHooks:\n  - BeforeAllowTraffic: \"before\"\n  - AfterAllowTraffic: \"after\"\n";
        let lower = yaml.replace("Resources", "resources").replace("Properties", "properties");
        let lower = lower.replace("Name:", "name:").replace("Alias:", "alias:");
        let json = "{\"version\": 0.0, \"Resources\": [{\"f\": {\"Type\": \"AWS::Lambda::Function\", \"Properties\": {\"Name\": \"myLambdaFunction\", \"Alias\": \"myLambdaFunctionAlias\", \"CurrentVersion\": \"1\", \"TargetVersion\": \"2\"}}}], \"Hooks\": [{\"BeforeAllowTraffic\": \"before\"}, {\"AfterAllowTraffic\": \"after\"}]}";
        for text in [yaml, &lower, json] {
            let read = of(text, &ComputePlatform::Lambda).unwrap();
            assert_eq!(read.property("Name").unwrap(), "myLambdaFunction");
            assert_eq!(read.property("TargetVersion").unwrap(), "2");
            assert_eq!(read.hooks[&EventName::BeforeAllowTraffic], "before");
            assert_eq!(read.hooks.len(), 2);
        }
    }

    #[test]
    fn the_file_may_be_in_s3_or_in_the_deprecated_string() {
        let text = "Resources: [{a: {Type: AWS::Lambda::Function, Properties: {Name: f}}}]";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        std::fs::write(&path, text).unwrap();
        let revisions = [
            json!({"revisionType": "S3", "s3Location": {"bucket": "b", "key": "a.yaml", "bundleType": "YAML"}}),
            json!({"revisionType": "String", "string": {"content": text}}),
        ];
        for revision in revisions {
            let shelf = Shelf(path.clone());
            let read = Declaration::of(&revision, &ComputePlatform::Lambda, &shelf).unwrap();
            assert_eq!(read.property("Name").unwrap(), "f");
            assert!(read.property("Alias").unwrap_err().message.ends_with("The property Alias is missing."));
        }
    }

    #[test]
    fn what_is_wrong_ends_as_invalid_revision() {
        let cases = [
            ("a: [", "a not well-formed yaml"),
            ("just text", "a not well-formed yaml"),
            ("version: 0.0", "Exactly one resource"),
            ("Resources: [{a: {Type: AWS::ECS::Service, Properties: {}}}]", "must be AWS::Lambda::Function"),
            ("Resources: [{a: {Type: AWS::Lambda::Function}}]", "no properties"),
            (
                "Resources: [{a: {Type: AWS::Lambda::Function, Properties: {}}}]\nHooks: [{Install: f}]",
                "Install is not a lifecycle event",
            ),
        ];
        for (text, expected) in cases {
            let error = of(text, &ComputePlatform::Lambda).unwrap_err();
            assert_eq!(error.code, "INVALID_REVISION");
            assert!(error.message.contains(expected), "{text}: {}", error.message);
        }
        let missing = json!({"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k"}});
        let error = Declaration::of(&missing, &ComputePlatform::Ecs, &Nothing).unwrap_err();
        assert!(error.message.contains("could not be found"), "{}", error.message);
    }
}
