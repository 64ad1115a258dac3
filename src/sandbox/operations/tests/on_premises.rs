//! On-premises instances: registered, tagged, found, deregistered.

use serde_json::{Value, json};

use super::{Api, with};

const USER: &str = "arn:aws:iam::123456789012:user/rack-1";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/rack/rack-2";

fn with_two() -> Api {
    let api = Api::with_pages_of(100);
    api.ok("RegisterOnPremisesInstance", &json!({"instanceName": "rack-1", "iamUserArn": USER}));
    api.ok("RegisterOnPremisesInstance", &json!({"instanceName": "rack-2", "iamSessionArn": SESSION}));
    let tags = json!([{"Key": "Role", "Value": "web"}, {"Key": "Zone"}]);
    api.ok("AddTagsToOnPremisesInstances", &json!({"instanceNames": ["rack-1"], "tags": tags}));
    api
}

#[test]
fn an_instance_is_kept_after_its_registration_ends() {
    let api = with_two();
    let get = |name| api.ok("GetOnPremisesInstance", &json!({"instanceName": name}))["instanceInfo"].take();
    let mut info = get("rack-1");
    let arn = info["instanceArn"].take();
    let ending =
        arn.as_str().unwrap().strip_prefix("arn:aws:codedeploy:eu-west-1:123456789012:instance/rack-1_");
    assert!(
        ending.is_some_and(|ending| ending.len() == 10 && ending.chars().all(char::is_alphanumeric)),
        "{arn}"
    );
    let tags = json!([{"Key": "Role", "Value": "web"}, {"Key": "Zone", "Value": ""}]);
    let expected = json!({"instanceName": "rack-1", "iamUserArn": USER, "instanceArn": null,
                          "registerTime": 1_795_348_800.123, "tags": tags});
    assert_eq!(info, expected);
    assert_eq!(get("rack-2")["iamSessionArn"], SESSION);

    for _ in 0..2 {
        let gone = api.ok("DeregisterOnPremisesInstance", &json!({"instanceName": "rack-1"}));
        assert_eq!(gone, Value::Null);
    }
    assert_eq!(get("rack-1")["deregisterTime"], json!(1_795_348_800.123));
    let both = json!({"instanceNames": ["rack-1", "rack-9", "rack-2"]});
    let infos = api.ok("BatchGetOnPremisesInstances", &both)["instanceInfos"].take();
    let names: Vec<&Value> = infos.as_array().unwrap().iter().map(|info| &info["instanceName"]).collect();
    assert_eq!(names, ["rack-1", "rack-2"]);
    let again = json!({"instanceName": "rack-1", "iamUserArn": USER});
    api.ok("RegisterOnPremisesInstance", &again);
    assert_eq!(get("rack-1")["tags"], json!([]));
    assert_eq!(get("rack-1")["deregisterTime"], Value::Null);
}

#[test]
fn instances_are_listed_by_tag_and_status() {
    let api = with_two();
    let filter = |kind, key, value| json!({"Type": kind, "Key": key, "Value": value});
    let list = |more: Value| {
        let names = api.ok("ListOnPremisesInstances", &more)["instanceNames"].take();
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(json!({})), "rack-1 rack-2");
    let by = |filters: &[Value]| list(json!({"tagFilters": filters}));
    assert_eq!(by(&[filter("KEY_ONLY", "Role", "")]), "rack-1");
    assert_eq!(by(&[filter("VALUE_ONLY", "", "web")]), "rack-1");
    assert_eq!(by(&[filter("KEY_AND_VALUE", "Role", "db")]), "");
    assert_eq!(by(&[filter("KEY_AND_VALUE", "Role", "db"), filter("KEY_ONLY", "Zone", "")]), "rack-1");
    assert_eq!(by(&[json!({"Key": "Role"})]), "rack-1");
    let tags = json!([{"Key": "Role", "Value": "db"}, {"Key": "Zone"}]);
    api.ok("RemoveTagsFromOnPremisesInstances", &json!({"instanceNames": ["rack-1"], "tags": tags}));
    assert_eq!(by(&[filter("KEY_ONLY", "Role", "")]), "rack-1", "another value is another tag");
    assert_eq!(by(&[filter("KEY_ONLY", "Zone", "")]), "");
    api.ok("DeregisterOnPremisesInstance", &json!({"instanceName": "rack-2"}));
    assert_eq!(list(json!({"registrationStatus": "Registered"})), "rack-1");
    assert_eq!(list(json!({"registrationStatus": "Deregistered"})), "rack-2");
}

#[test]
fn refusals() {
    let api = with_two();
    api.ok("RegisterOnPremisesInstance", &json!({"instanceName": "gone", "iamUserArn": format!("{USER}0")}));
    api.ok("DeregisterOnPremisesInstance", &json!({"instanceName": "gone"}));
    let register = |more: &Value| with(&json!({"instanceName": "new"}), more);
    let tags = |names: Value, tags: Value| json!({"instanceNames": names, "tags": tags});
    let eleven: Vec<Value> = (0..11).map(|n| json!({"Key": n.to_string()})).collect();
    let taken = |kind: &str, either: &str| {
        format!(
            "The on-premises instance could not be registered because the request included an IAM {kind} ARN that \
             has already been used to register an instance. Include either a different {either} in the request, \
             and then try again."
        )
    };
    let user_taken =
        format!("IamUserArnAlreadyRegistered: {}", taken("user", "IAM user ARN or IAM session ARN"));
    let session_taken =
        format!("IamSessionArnAlreadyRegistered: {}", taken("session", "IAM session ARN or IAM user ARN"));
    let (register_op, add) = ("RegisterOnPremisesInstance", "AddTagsToOnPremisesInstances");
    let cases = [
        (register_op, json!({"iamUserArn": USER}), "InstanceNameRequired: Instance name is missing"),
        (
            register_op,
            json!({"instanceName": "i-0123456789abcdef0", "iamUserArn": USER}),
            "InvalidInstanceName: Instance name is not valid: i-0123456789abcdef0",
        ),
        (
            register_op,
            register(&json!({})),
            "IamArnRequired: An IAM user ARN or an IAM session ARN must be specified",
        ),
        (
            register_op,
            register(&json!({"iamUserArn": USER, "iamSessionArn": SESSION})),
            "MultipleIamArnsProvided: Both an IAM user ARN and an IAM session ARN were specified; only one may be",
        ),
        (
            register_op,
            register(&json!({"iamUserArn": SESSION})),
            &format!("InvalidIamUserArn: Iam User ARN {SESSION} is not in a valid format"),
        ),
        (
            register_op,
            register(&json!({"iamSessionArn": "x"})),
            "InvalidIamSessionArn: Iam Session ARN x is not in a valid format",
        ),
        (
            register_op,
            json!({"instanceName": "rack-1", "iamUserArn": USER}),
            "InstanceNameAlreadyRegistered: The on-premises instance name is already registered: rack-1",
        ),
        (register_op, register(&json!({"iamUserArn": USER})), &user_taken),
        (register_op, register(&json!({"iamSessionArn": SESSION})), &session_taken),
        ("DeregisterOnPremisesInstance", json!({}), "InstanceNameRequired: Instance name is missing"),
        (
            "GetOnPremisesInstance",
            json!({"instanceName": "nix"}),
            "InstanceNotRegistered: The on-premises instance is not registered: nix",
        ),
        ("BatchGetOnPremisesInstances", json!({}), "InstanceNameRequired: Instance name is missing"),
        (
            "BatchGetOnPremisesInstances",
            json!({"instanceNames": vec!["rack-1"; 26]}),
            "BatchLimitExceeded: The maximum number of names or IDs allowed for this request (25) was exceeded.",
        ),
        (
            "ListOnPremisesInstances",
            json!({"registrationStatus": "Lost"}),
            "InvalidRegistrationStatus: Registration status 'Lost' is not valid. Valid values are [Deregistered, Registered]",
        ),
        (
            "ListOnPremisesInstances",
            json!({"tagFilters": [{"Type": "KEY_ONLY", "Key": "a", "Value": "b"}]}),
            "InvalidTagFilter: Values must not be provided for key-only filters.",
        ),
        (add, tags(json!([]), json!([{"Key": "a"}])), "InstanceNameRequired: Instance name is missing"),
        (add, tags(json!(["rack-1"]), json!([])), "TagRequired: At least one tag must be specified"),
        (
            add,
            tags(json!(["rack-1"]), json!([{"Value": "b"}])),
            "InvalidTag: A tag key must be 1 to 128 characters long, its value no more than 256",
        ),
        (
            add,
            tags(json!(["rack-1", "gone"]), json!([{"Key": "b"}])),
            "InstanceNotRegistered: The on-premises instance is not registered: gone",
        ),
        (
            add,
            tags(json!(["rack-2"]), json!(eleven)),
            "TagLimitExceeded: The maximum number of tags of an on-premises instance is 10: rack-2",
        ),
        (
            "RemoveTagsFromOnPremisesInstances",
            tags(json!(vec!["rack-1"; 101]), json!([{"Key": "a"}])),
            "InstanceLimitExceeded: The maximum number of on-premises instances in a request is 100",
        ),
    ];
    for (operation, input, expected) in cases {
        api.refused(operation, &input, expected);
    }
    let info = api.ok("GetOnPremisesInstance", &json!({"instanceName": "rack-1"}));
    assert_eq!(info["instanceInfo"]["tags"].as_array().unwrap().len(), 2, "a refused call changes nothing");
}

/// Those that the fleet declares are registered from the start, and may be deregistered like others.
#[test]
fn the_fleets_own_are_registered() {
    let api = Api::with_pages_of(100);
    let fleet = "generate: [{count: 2, on_premises: true, prefix: rack-, tags: {Rack: x}}, {count: 1}]";
    api.declare(fleet);
    let list = || api.ok("ListOnPremisesInstances", &json!({"registrationStatus": "Registered"}));
    assert_eq!(list(), json!({"instanceNames": ["rack-1", "rack-2"]}));
    let one = json!({"instanceName": "rack-1"});
    let info = api.ok("GetOnPremisesInstance", &one)["instanceInfo"].take();
    assert_eq!(info["tags"], json!([{"Key": "Rack", "Value": "x"}]));
    api.ok("AddTagsToOnPremisesInstances", &json!({"instanceNames": ["rack-1"], "tags": [{"Key": "Row"}]}));
    api.ok("DeregisterOnPremisesInstance", &one);
    assert_eq!(list(), json!({"instanceNames": ["rack-2"]}));
}
