//! The AppSpec of a Lambda or ECS deployment: which resource, to what, with which hooks. Keys in any case.
//!
//! Source: AWS's user guide, "AppSpec File structure" and its examples, which write keys in different cases.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use serde_json::Value;

use super::texts;
use crate::appspec::{self, Platform, Scope, Severity};
use crate::model::{ComputePlatform, EventName};
use crate::sandbox::Bundles;
use crate::sandbox::host::refuse_other;
use crate::sandbox::store::ErrorInformation;
use crate::source::{self, Content, Node};

/// What an AppSpec says.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) properties: BTreeMap<String, String>,
    /// The function that each event invokes.
    pub(super) hooks: BTreeMap<EventName, String>,
    /// The first thing in it that makes the service refuse it.
    wrong: Option<String>,
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
        let text = text(revision, bundles)?;
        let document = source::parse(&text).map_err(|_| texts::appspec_malformed())?;
        let root = document.root.filter(|root| matches!(root.content, Content::Map(_)));
        let mut declaration = read(&root.ok_or_else(texts::appspec_malformed)?, platform);
        let platform = if *platform == ComputePlatform::Lambda { Platform::Lambda } else { Platform::Ecs };
        let scope = Scope { platform: Some(platform), ..Scope::default() };
        let findings = appspec::check(&text, None, scope).findings;
        let error = findings.into_iter().find(|finding| finding.severity == Severity::Error);
        // The service's own words go around it.
        let told = |message: String| message.trim_end_matches(appspec::OUTCOME).to_owned();
        declaration.wrong = error.map(|error| told(error.message));
        Ok(declaration)
    }

    /// Refuses what `cdctl revision validate` calls an error.
    pub(super) fn refuse_invalid(&self) -> Result<(), ErrorInformation> {
        self.wrong.as_ref().map_or(Ok(()), |wrong| Err(texts::appspec_invalid(&format!("{wrong}."))))
    }

    /// A property of the resource that must be there.
    pub(super) fn property(&self, name: &str) -> Result<String, ErrorInformation> {
        let found = self.properties.get(&name.to_ascii_lowercase()).filter(|value| !value.is_empty());
        found.cloned().ok_or_else(|| texts::appspec_invalid(&format!("The property {name} is missing.")))
    }
}

/// The text of the AppSpec, wherever it is.
fn text(revision: &Value, bundles: &dyn Bundles) -> Result<Vec<u8>, ErrorInformation> {
    let content = |member: &str| revision.get(member)?.get("content")?.as_str();
    if let Some(content) = content("appSpecContent").or_else(|| content("string")) {
        return Ok(content.as_bytes().to_vec());
    }
    let member = |name: &str| revision.get("s3Location")?.get(name)?.as_str();
    let found = || bundles.object(member("bucket")?, member("key")?, member("version")).ok();
    let object = found().ok_or_else(texts::appspec_missing)?;
    refuse_other(member("eTag"), &object).map_err(|wrong| texts::appspec_invalid(&format!("{wrong}.")))?;
    let limit = u64::try_from(source::MAX_BYTES).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let read =
        File::open(object.path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut text));
    read.map_err(|_| texts::appspec_missing())?;
    Ok(text)
}

/// What is there to be read; whether it is as it must be, `wrong` says.
fn read(root: &Node, platform: &ComputePlatform) -> Declaration {
    let allowed = if *platform == ComputePlatform::Lambda { LAMBDA_HOOKS } else { ECS_HOOKS };
    let mut properties = BTreeMap::new();
    for (_, resource) in member(root, "resources").map(entries).unwrap_or_default() {
        if let Some(node) = member(resource, "properties") {
            collect(node, &mut properties);
        }
    }
    let hook = |(name, function): (&str, &Node)| {
        let event = allowed.iter().find(|event| event.as_str().eq_ignore_ascii_case(name))?;
        Some((event.clone(), scalar(function)?.to_owned()))
    };
    let hooks = member(root, "hooks").map(entries).unwrap_or_default().into_iter().filter_map(hook).collect();
    Declaration { properties, hooks, wrong: None }
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
    fn an_etag_that_is_given_must_be_the_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        std::fs::write(&path, "Resources: []").unwrap();
        for (etag, refused) in [("e", false), ("\"e\"", false), ("f", true)] {
            let revision = json!({"revisionType": "S3",
                "s3Location": {"bucket": "b", "key": "a.yaml", "bundleType": "YAML", "eTag": etag}});
            let read = Declaration::of(&revision, &ComputePlatform::Lambda, &Shelf(path.clone()));
            let words = "Expected deployment artifact bundle etag f but was actually e.";
            assert_eq!(read.is_err_and(|error| error.message.ends_with(words)), refused, "{etag}");
        }
    }

    #[test]
    fn what_is_wrong_ends_as_invalid_revision() {
        let good = "version: 0.0\nResources: [{a: {Type: AWS::Lambda::Function, Properties: {Name: f, Alias: a, \
                    CurrentVersion: '1', TargetVersion: '2'}}}]\nHooks:\n- AfterAllowTraffic: f\n";
        assert!(of(good, &ComputePlatform::Lambda).unwrap().refuse_invalid().is_ok());
        let cases = [
            ("a: [", "a not well-formed yaml"),
            ("just text", "a not well-formed yaml"),
            ("Resources: []", "no version."),
            ("version: 0.0", "the file has no Resources."),
            ("version: 1.0\nResources: [{a: {Type: AWS::Lambda::Function}}]", "the version must be 0.0."),
            (&good.replace("Lambda::Function", "ECS::Service"), "no resource of type `AWS::ECS::Service`."),
            (
                "version: 0.0\nResources: [{a: {Type: AWS::Lambda::Function}}]",
                "the resource has no Properties.",
            ),
            (
                &good.replace("'2'", "$LATEST"),
                "TargetVersion `$LATEST` is not the number of a published version.",
            ),
            (&good.replace("- After", "  After"), "Hooks is not a list."),
            (&good.replace("AfterAllowTraffic", "Install"), "there is no event `Install` here."),
        ];
        for (text, expected) in cases {
            let read = of(text, &ComputePlatform::Lambda);
            let error = read.and_then(|read| read.refuse_invalid()).unwrap_err();
            assert_eq!(error.code, "INVALID_REVISION");
            assert!(error.message.contains(expected), "{text}: {}", error.message);
        }
        let missing = json!({"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k"}});
        let error = Declaration::of(&missing, &ComputePlatform::Ecs, &Nothing).unwrap_err();
        assert!(error.message.contains("could not be found"), "{}", error.message);
    }
}
