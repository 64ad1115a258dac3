//! The JSON Schema of an AppSpec, for editors: what a right file holds, with a word on each key. Text of its own; the
//! checks do not use it, a test holds the two against each other.
//!
//! It is draft 7, which editors and their YAML plug-ins read. A schema sees values and not how they are written, so the
//! traps of YAML (an unquoted mode, a quoted version of a time-out) are the checker's alone.

use serde_json::{Value, json};

use super::Platform;
use super::managed::{ECS_EVENTS, LAMBDA_EVENTS, SECURITY_GROUP, SUBNET, TASK_DEFINITION, VERSION};
use super::placeholder::REPLACED;
use super::read::EVENTS;

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// What a pipeline fills in may stand for any text.
const FILLED_IN: &str = r"<.*>|[$]\{|\{\{|^[$](?!LATEST$)[A-Za-z]|^%.+%$|PLACEHOLDER";

/// The schema for a platform; without one, for whichever a file turns out to be for.
pub fn schema(platform: Option<Platform>) -> Value {
    let (title, mut body) = match platform {
        Some(Platform::Server) => ("EC2 and on-premises hosts", server(&["linux", "windows"])),
        Some(Platform::Linux) => ("Linux hosts", server(&["linux"])),
        Some(Platform::Windows) => ("Windows hosts", server(&["windows"])),
        Some(Platform::Lambda) => ("AWS Lambda", managed(lambda(), hooks(LAMBDA_EVENTS))),
        Some(Platform::Ecs) => ("Amazon ECS", managed(ecs(), hooks(ECS_EVENTS))),
        None => ("every platform", any()),
    };
    body["$schema"] = DRAFT.into();
    body["title"] = format!("AppSpec of AWS CodeDeploy for {title}").into();
    body
}

/// By what tells the platforms apart, so that an editor shows the mistakes of one of them.
fn any() -> Value {
    let of_type = json!({ "patternProperties": { any_case("Type"): { "const": "AWS::Lambda::Function" } } });
    let is_lambda = json!({ "additionalProperties": { "allOf": [has("Type"), of_type] } });
    json!({
        "type": "object",
        "if": has("Resources"),
        "then": {
            "if": { "patternProperties": { any_case("Resources"): { "contains": is_lambda } } },
            "then": managed(lambda(), hooks(LAMBDA_EVENTS)),
            "else": managed(ecs(), hooks(ECS_EVENTS)),
        },
        "else": server(&["linux", "windows"]),
    })
}

fn version() -> Value {
    json!({ "description": "0.0, without quotes", "type": "number", "const": 0 })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

/// An object that holds these keys and no other.
fn object(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "description": description, "type": "object", "required": required,
        "properties": properties, "additionalProperties": false,
    })
}

/// As [`object`], of keys whose case does not count: the service reads AppSpec files of Lambda and ECS so.
fn object_in_any_case(description: &str, required: &[&str], properties: Value) -> Value {
    let mut body = object(description, &[], properties);
    let patterns = body["properties"].as_object().into_iter().flatten();
    let patterns: serde_json::Map<String, Value> = patterns
        .map(|(name, property)| (format!("^(?!{name}$){}", any_case(name)), property.clone()))
        .collect();
    body["patternProperties"] = Value::Object(patterns);
    if !required.is_empty() {
        // The first is what an editor tells of.
        let either = |name: &&str| json!({ "anyOf": [{ "required": [name] }, has(name)] });
        body["allOf"] = required.iter().map(either).collect();
    }
    body
}

/// A name in whatever case, as a regular expression.
fn any_case(name: &str) -> String {
    let either = |c: char| format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase());
    format!("^{}$", name.chars().map(either).collect::<String>())
}

/// An object with a key of this name in whatever case.
fn has(name: &str) -> Value {
    json!({ "not": { "propertyNames": { "not": { "pattern": any_case(name) } } } })
}

/// Left empty it is as good as left out.
fn or_empty(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// Left empty it is as good as left out.
fn list(description: &str, items: Value) -> Value {
    json!({ "description": description, "type": ["array", "null"], "items": items })
}

fn server(systems: &[&str]) -> Value {
    let hooks: serde_json::Map<String, Value> =
        EVENTS.iter().map(|event| ((*event).to_owned(), list(event_help(event), script()))).collect();
    let behaviour = "What becomes of a file that is there already; without it, what the deployment says";
    let mut schema = object(
        "How a revision is installed on a host",
        &["version", "os"],
        json!({
            "version": version(),
            "os": { "description": "The hosts' system", "enum": systems },
            "file_exists_behavior": { "description": behaviour, "enum": ["DISALLOW", "OVERWRITE", "RETAIN", null] },
            "files": list("What is copied to the host", file()),
            "permissions": list("Modes, owners and labels of what was copied; Linux only", permission()),
            "hooks": or_empty(object("Scripts of the revision, by the event that runs them", &[], Value::Object(hooks))),
        }),
    );
    if systems.contains(&"windows") {
        schema["if"] = json!({ "required": ["os"], "properties": { "os": { "const": "windows" } } });
        schema["then"] = json!({ "properties": { "permissions": { "maxItems": 0 } } });
    }
    schema
}

fn file() -> Value {
    let source = "A file or directory of the revision; `/` is all of it. Wildcards are not known";
    let destination = "The directory on the host that it is copied into, from the root on";
    object(
        "A copy",
        &["source", "destination"],
        json!({ "source": text(source), "destination": text(destination) }),
    )
}

fn permission() -> Value {
    let pattern = "Which names directly in the directory; `**`, the default, is everything below it";
    let entry = r"^(d(efault)?:)?(([ug]|user|group):[^:]*|([mo]|mask|other)|[^:]+)?:{1,2}([0-7]|[rwx-]+)$";
    let range = r"^s[0-9]+(-s[0-9]+)?(:c[0-9]+([.]c[0-9]+)?(,c[0-9]+([.]c[0-9]+)?)*)?$";
    let kind = json!({ "enum": ["file", "directory"] });
    let name =
        |description: &str| json!({ "description": description, "type": "string", "pattern": "[^0-9\\s]" });
    object(
        "What becomes of a copied file, or of what was copied below a directory",
        &["object"],
        json!({
            "object": text("The file or directory on the host, from the root on"),
            "pattern": or_empty(text(pattern)),
            "except": list("Names directly in the directory that are passed over", json!({ "type": "string" })),
            "owner": or_empty(name("A user's name; numbers are not known")),
            "group": or_empty(name("A group's name; numbers are not known")),
            "mode": {
                "description": "Up to four octal digits, in quotes",
                "anyOf": [
                    { "type": "string", "pattern": "^[0-7]{1,4}$" },
                    { "type": "integer", "minimum": 0, "maximum": 7777 },
                    { "type": "null" },
                ],
            },
            "acls": list("Entries of an access control list", json!({ "type": "string", "pattern": entry })),
            "context": or_empty(object("An SELinux label", &["type", "range"], json!({
                "name": or_empty(text("The label's user")),
                "type": text("The label's type"),
                "range": {
                    "description": "The label's level, such as s0 or s0-s1:c0.c3", "type": "string", "pattern": range,
                },
            }))),
            "type": list("What it is for; both where it is left out", kind),
        }),
    )
}

fn script() -> Value {
    object(
        "A script",
        &["location"],
        json!({
            "location": {
                "description": "The script's path in the revision, without arguments",
                "type": ["string", "number"], "minLength": 1,
            },
            "timeout": {
                "description": "Seconds; 3600 where it is left out, which is also the most that the service waits",
                "type": ["integer", "null"], "minimum": 1, "maximum": 3600,
            },
            "runas": { "description": "The user who runs it; Linux only", "type": ["string", "number", "boolean", "null"] },
            "sudo": { "description": "Run it with sudo", "type": ["boolean", "null"] },
        }),
    )
}

fn event_help(event: &str) -> &'static str {
    match event {
        "ApplicationStop" => "Before the new revision comes; these are the scripts of the revision before",
        "BeforeInstall" => "Before the files are copied",
        "AfterInstall" => "When the files are there",
        "ApplicationStart" => "To start what ApplicationStop stopped",
        "ValidateService" => "To see whether it runs; the last event without a load balancer",
        "BeforeBlockTraffic" => "Before the host leaves its load balancer; the revision before's scripts",
        "AfterBlockTraffic" => "When the host has left its load balancer; the revision before's scripts",
        "BeforeAllowTraffic" => "Before the host comes back to its load balancer",
        _ => "When the host is back at its load balancer",
    }
}

/// What Lambda and ECS have in common: one resource, and functions that the events call.
fn managed(resource: Value, hooks: Value) -> Value {
    let version = json!({ "anyOf": [version(), property_or_placeholder("0.0", r"^0\.0$")] });
    object_in_any_case(
        "What a deployment moves its traffic to",
        &["version", "Resources"],
        json!({
            "version": version,
            "Resources": {
                "description": "Exactly one resource",
                "type": "array", "minItems": 1, "maxItems": 1, "items": resource,
            },
            "Hooks": hooks,
        }),
    )
}

fn hooks(events: &[&str]) -> Value {
    let mut function = property_or_placeholder("A Lambda function's name or ARN", "^[A-Za-z0-9_:$-]+$");
    function["type"] = json!(["string", "integer"]);
    let events: serde_json::Map<String, Value> =
        events.iter().map(|event| ((*event).to_owned(), function.clone())).collect();
    let mut hook = object_in_any_case("An event and the function that it calls", &[], Value::Object(events));
    (hook["minProperties"], hook["maxProperties"]) = (1.into(), 1.into());
    list("Functions that the events call", hook)
}

fn property_or_placeholder(description: &str, pattern: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": format!("{pattern}|{FILLED_IN}") })
}

/// The end of a regular expression for what is one of [`REPLACED`] or of `wanted` in words of capitals.
fn capitals(wanted: &[&str]) -> String {
    let words = [REPLACED, wanted].concat().join("|");
    format!("(?=[A-Z])(?=.*_)([A-Z0-9]*_)*({words})(_[A-Z0-9]*)*$")
}

fn lambda() -> Value {
    let version = |description: &str| {
        json!({ "anyOf": [
            { "description": description, "type": "integer", "minimum": 1 },
            property_or_placeholder(description, &format!("^0*[1-9][0-9]*$|^{}", capitals(VERSION))),
        ] })
    };
    let mut name = property_or_placeholder("The function's name", "^[A-Za-z0-9_:$-]+$");
    name["type"] = json!(["string", "integer"]);
    let alias = property_or_placeholder("The alias whose traffic moves", "^(?![0-9]+$)[A-Za-z0-9_-]+$");
    let properties = object_in_any_case(
        "Which alias goes from which version to which",
        &["Name", "Alias", "CurrentVersion", "TargetVersion"],
        json!({
            "Name": name,
            "Alias": alias,
            "CurrentVersion": version("The version that the alias points to"),
            "TargetVersion": version("The version that it shall point to"),
        }),
    );
    let body = object_in_any_case(
        "A Lambda function",
        &["Type", "Properties"],
        json!({ "Type": { "const": "AWS::Lambda::Function" }, "Properties": properties }),
    );
    json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": body })
}

fn ecs() -> Value {
    let arn = r"^arn:aws[a-z-]*:ecs:[A-Za-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_-]+(:[0-9]+)?$";
    let arn = format!("{arn}|^{}", capitals(TASK_DEFINITION));
    let mut container =
        property_or_placeholder("The container's name in the task definition", "^[A-Za-z0-9_-]+$");
    container["type"] = json!(["string", "integer"]);
    let count = |description: &str, most: u32| {
        json!({ "anyOf": [
            { "description": description, "type": ["integer", "null"], "minimum": 0, "maximum": most },
            property_or_placeholder(description, "^[0-9]+$"),
        ] })
    };
    let load_balancer = object_in_any_case(
        "Where the load balancer sends the traffic",
        &["ContainerName", "ContainerPort"],
        json!({
            "ContainerName": container,
            "ContainerPort": { "anyOf": [
                { "description": "The container's port", "type": "integer", "minimum": 1, "maximum": 65535 },
                property_or_placeholder("The container's port", "^[0-9]{1,5}$"),
            ] },
        }),
    );
    let properties = object_in_any_case(
        "What the service shall run",
        &["TaskDefinition", "LoadBalancerInfo"],
        json!({
            "TaskDefinition": property_or_placeholder("The task definition's ARN, or a placeholder of a pipeline", &arn),
            "LoadBalancerInfo": load_balancer,
            "PlatformVersion": { "description": "Fargate's platform version", "type": ["string", "number", "null"] },
            "NetworkConfiguration": network(),
            "CapacityProviderStrategy": {
                "description": "How tasks are shared out among capacity providers",
                "type": ["array", "null"],
                "items": object_in_any_case("A capacity provider", &["CapacityProvider"], json!({
                    "CapacityProvider": text("Such as FARGATE_SPOT"),
                    "Base": count("Tasks at least; one provider may have it", 100_000),
                    "Weight": count("Its share", 1000),
                })),
            },
        }),
    );
    let body = object_in_any_case(
        "An ECS service",
        &["Type", "Properties"],
        json!({ "Type": { "const": "AWS::ECS::Service" }, "Properties": properties }),
    );
    object("An ECS service", &["TargetService"], json!({ "TargetService": body }))
}

fn network() -> Value {
    let ids = |description: &str, prefix: &str| {
        let id = format!("^{prefix}[A-Za-z0-9]+$|^({prefix})?[A-Z][A-Z0-9_-]*$");
        json!({ "anyOf": [
            {
                "description": description, "type": "array", "minItems": 1,
                "items": property_or_placeholder("An id", &id),
            },
            { "type": "string", "pattern": FILLED_IN },
        ] })
    };
    let vpc = object_in_any_case(
        "All three, or leave NetworkConfiguration out",
        &["Subnets", "SecurityGroups", "AssignPublicIp"],
        json!({
            "Subnets": ids("Ids of subnets", SUBNET),
            "SecurityGroups": ids("Ids of security groups", SECURITY_GROUP),
            "AssignPublicIp": property_or_placeholder("ENABLED or DISABLED", "^(ENABLED|DISABLED)$"),
        }),
    );
    let network = json!({ "AwsvpcConfiguration": vpc });
    or_empty(object_in_any_case("The tasks' network", &["AwsvpcConfiguration"], network))
}
