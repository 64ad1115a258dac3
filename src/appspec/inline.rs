//! AppSpecs of Lambda and ECS as JSON: read, made, filled in. They are sent with the deployment itself.
//!
//! Sources: AWS user guide, "AppSpec 'resources' section"; `aws ecs deploy`, which fills in `TaskDefinition`.

use serde_json::{Map, Value, json};

use crate::source::{self, Content, Node, core};

/// The AppSpec of a text, YAML or JSON.
///
/// # Errors
/// It is neither, or no map.
pub fn read(text: &str) -> Result<Value, String> {
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
        return Ok(value);
    }
    let document = source::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    match document.root.map(|root| value(&root)).transpose()? {
        Some(value @ Value::Object(_)) => Ok(value),
        _ => Err("it is no map".to_owned()),
    }
}

fn value(node: &Node) -> Result<Value, String> {
    let at = format!("line {}", node.span.start.line);
    Ok(match &node.content {
        Content::Scalar(scalar) if scalar.plain => plain(&scalar.text),
        Content::Scalar(scalar) => Value::String(scalar.text.clone()),
        Content::List(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        Content::Map(entries) => {
            let mut map = Map::new();
            for (key, node) in entries {
                let Content::Scalar(key) = &key.content else {
                    return Err(format!("{at}: a key is no text"));
                };
                if map.insert(key.text.clone(), value(node)?).is_some() {
                    return Err(format!("{at}: `{}` is there twice", key.text));
                }
            }
            Value::Object(map)
        }
        Content::Alias(name) => return Err(format!("{at}: the alias *{name} cannot be used here")),
    })
}

/// What a plain scalar means.
fn plain(text: &str) -> Value {
    if core::is_null(text) {
        return Value::Null;
    }
    if let Some(truth) = core::boolean(text) {
        return truth.into();
    }
    if let Some(number) = core::unsigned(text) {
        return number.into();
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    match core::float(text).filter(|_| numeric).and_then(serde_json::Number::from_f64) {
        Some(number) => Value::Number(number),
        None => text.into(),
    }
}

/// One ECS service.
pub fn ecs(task_definition: &str, container: &str, port: u64) -> Value {
    let balancer = json!({ "ContainerName": container, "ContainerPort": port });
    resource(
        "TargetService",
        "AWS::ECS::Service",
        json!({ "TaskDefinition": task_definition, "LoadBalancerInfo": balancer }),
    )
}

/// One step of a function's alias.
pub fn lambda(function: &str, alias: &str, from: &str, to: &str) -> Value {
    let properties = json!({ "Name": function, "Alias": alias, "CurrentVersion": from, "TargetVersion": to });
    resource("function", "AWS::Lambda::Function", properties)
}

fn resource(name: &str, kind: &str, properties: Value) -> Value {
    json!({ "version": 0.0, "Resources": [{ name: { "Type": kind, "Properties": properties } }] })
}

/// Whether it deploys an ECS service.
pub fn has_ecs(appspec: &Value) -> bool {
    !properties(&mut appspec.clone(), "AWS::ECS::Service").is_empty()
}

/// The properties of each resource of this type.
fn properties<'a>(appspec: &'a mut Value, kind: &str) -> Vec<&'a mut Map<String, Value>> {
    let resources = member(appspec, "Resources").and_then(Value::as_array_mut);
    let named = resources.into_iter().flatten().filter_map(Value::as_object_mut);
    named
        .flat_map(|named| named.values_mut())
        .filter(|resource| {
            let found = resource.as_object().into_iter().flatten();
            let mut types = found.filter(|(name, _)| name.eq_ignore_ascii_case("Type"));
            types.any(|(_, value)| value.as_str() == Some(kind))
        })
        .filter_map(|resource| member(resource, "Properties")?.as_object_mut())
        .collect()
}

/// A member by its name, whatever its case: `aws ecs deploy` takes any.
fn member<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let map = value.as_object_mut()?;
    map.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn put(map: &mut Map<String, Value>, name: &str, value: Value) {
    match map.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
        Some((_, old)) => *old = value,
        None => {
            map.insert(name.to_owned(), value);
        }
    }
}

/// Puts the task definition, and the container where one is named, into each ECS service of the AppSpec.
///
/// # Errors
/// It has no ECS service.
pub fn fill_ecs(
    appspec: &mut Value,
    task_definition: &str,
    container: Option<&(String, u64)>,
) -> Result<(), String> {
    let services = properties(appspec, "AWS::ECS::Service");
    if services.is_empty() {
        return Err("it has no resource of type AWS::ECS::Service with properties".to_owned());
    }
    for service in services {
        put(service, "TaskDefinition", task_definition.into());
        if let Some((name, port)) = container {
            put(service, "LoadBalancerInfo", json!({ "ContainerName": name, "ContainerPort": port }));
        }
    }
    Ok(())
}

/// The alias that the AppSpec has for this function.
pub fn alias(appspec: &Value, function: &str) -> Option<String> {
    target(appspec, function).map(|(alias, _)| alias)
}

/// The alias and the version that it goes to, in the AppSpec for this function.
pub fn target(appspec: &Value, function: &str) -> Option<(String, String)> {
    let mut appspec = appspec.clone();
    let functions = properties(&mut appspec, "AWS::Lambda::Function");
    let named = functions.into_iter().find(|map| text(map, "Name").as_deref() == Some(function))?;
    Some((text(named, "Alias")?, text(named, "TargetVersion")?))
}

/// The containers that load balancers reach, and their ports, as the AppSpec names them.
pub fn containers(appspec: &Value) -> Vec<(String, u64)> {
    let mut appspec = appspec.clone();
    let services = properties(&mut appspec, "AWS::ECS::Service");
    let balancers = services.into_iter().flat_map(|service| service.iter_mut());
    let balancers = balancers.filter(|(name, _)| name.eq_ignore_ascii_case("LoadBalancerInfo"));
    balancers
        .filter_map(|(_, balancer)| {
            let name = member(balancer, "ContainerName")?.as_str()?.to_owned();
            let port = member(balancer, "ContainerPort")?;
            Some((name, port.as_u64().or_else(|| port.as_str()?.parse().ok())?))
        })
        .collect()
}

/// Makes this step of the function in the AppSpec; false where that is another function's.
pub fn fill_lambda(appspec: &mut Value, function: &str, alias: &str, from: &str, to: &str) -> bool {
    let [properties] = &mut properties(appspec, "AWS::Lambda::Function")[..] else { return false };
    if text(properties, "Name").as_deref() != Some(function) {
        return false;
    }
    for (name, value) in [("Alias", alias), ("CurrentVersion", from), ("TargetVersion", to)] {
        put(properties, name, value.into());
    }
    true
}

fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    let (_, value) = map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    value.as_str().map(str::to_owned)
}

/// Sets what `path` names (`Resources[0].TargetService.Properties.TaskDefinition`) to `text`. A text stays a text;
/// where nothing stood, or something else, a number is a number.
///
/// # Errors
/// The path leads nowhere.
pub fn set(appspec: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let mut place = appspec;
    for step in steps(path)? {
        place = match step {
            Step::Item(index) => {
                let length = place.as_array().map_or(0, Vec::len);
                let item = place.as_array_mut().and_then(|list| list.get_mut(index));
                item.ok_or_else(|| format!("`{path}`: there is no item [{index}] of {length}"))?
            }
            Step::Member(name) => {
                if place.is_null() {
                    *place = json!({});
                }
                let map =
                    place.as_object_mut().ok_or_else(|| format!("`{path}`: `{name}` is within no map"))?;
                let known = map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
                map.entry(known.unwrap_or_else(|| name.to_owned())).or_insert(Value::Null)
            }
        };
    }
    match place {
        Value::Array(_) | Value::Object(_) => Err(format!("`{path}` is a list or a map, no value")),
        Value::String(old) => {
            text.clone_into(old);
            Ok(())
        }
        old => {
            *old = plain(text);
            Ok(())
        }
    }
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn steps(path: &str) -> Result<Vec<Step<'_>>, String> {
    let wrong =
        || format!("`{path}` is no path; write it like Resources[0].TargetService.Properties.TaskDefinition");
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut pieces = part.split('[');
        steps.push(Step::Member(pieces.next().filter(|name| !name.is_empty()).ok_or_else(wrong)?));
        for piece in pieces {
            let index = piece.strip_suffix(']').and_then(|index| index.parse().ok());
            steps.push(Step::Item(index.ok_or_else(wrong)?));
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "version: 0.0\nresources:\n  - web:\n      type: AWS::ECS::Service\n      properties:\n        \
                        taskDefinition: <TASK>\n        loadBalancerInfo:\n          containerName: \"8080\"\n          \
                        containerPort: 80\nhooks:\n  - BeforeInstall: check\n";

    #[test]
    fn yaml_is_what_the_aws_cli_reads_it_as() {
        let mut appspec = read(YAML).unwrap();
        fill_ecs(&mut appspec, "arn:1", None).unwrap();
        let expected = r#"{"version":0.0,"resources":[{"web":{"type":"AWS::ECS::Service","properties":{"taskDefinition":"arn:1","loadBalancerInfo":{"containerName":"8080","containerPort":80}}}}],"hooks":[{"BeforeInstall":"check"}]}"#;
        assert_eq!(appspec.to_string(), expected);
        fill_ecs(&mut appspec, "arn:2", Some(&("web".to_owned(), 81))).unwrap();
        assert!(
            appspec.to_string().contains(r#""loadBalancerInfo":{"ContainerName":"web","ContainerPort":81}"#)
        );
        assert_eq!(read("[]").unwrap_err(), "it is no map");
        assert!(read("a: 1\na: 2").unwrap_err().contains("there twice"));
        assert!(fill_ecs(&mut json!({}), "arn", None).unwrap_err().contains("AWS::ECS::Service"));
    }

    #[test]
    fn a_path_is_set() {
        let mut appspec = ecs("arn", "web", 80);
        let balancer = "resources[0].TargetService.Properties.LoadBalancerInfo";
        set(&mut appspec, &format!("{balancer}.ContainerPort"), "81").unwrap();
        set(&mut appspec, "Resources[0].TargetService.Properties.TaskDefinition", "7").unwrap();
        set(&mut appspec, "Resources[0].TargetService.Properties.PlatformVersion", "LATEST").unwrap();
        assert_eq!(
            appspec.to_string(),
            r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"7","LoadBalancerInfo":{"ContainerName":"web","ContainerPort":81},"PlatformVersion":"LATEST"}}}]}"#
        );
        for (path, why) in [
            ("Resources[1].x", "there is no item [1] of 1"),
            ("Resources", "is a list or a map"),
            ("version.x", "`x` is within no map"),
            ("a..b", "is no path"),
            ("a[x]", "is no path"),
            ("", "is no path"),
        ] {
            assert!(set(&mut appspec, path, "v").unwrap_err().contains(why), "{path}");
        }
    }

    #[test]
    fn a_function_keeps_its_hooks() {
        let mut appspec = lambda("checkout", "live", "1", "2");
        appspec["Hooks"] = json!([{ "BeforeAllowTraffic": "check" }]);
        assert_eq!(alias(&appspec, "checkout").as_deref(), Some("live"));
        assert!(fill_lambda(&mut appspec, "checkout", "live", "2", "3"));
        assert!(appspec.to_string().contains(r#""CurrentVersion":"2","TargetVersion":"3""#), "{appspec}");
        assert!(appspec.to_string().contains("BeforeAllowTraffic"));
        assert!(!fill_lambda(&mut appspec, "other", "live", "2", "3"));
    }
}
