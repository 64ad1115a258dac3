//! On-premises instances: registered with their tags or not at all, and let go with them.

use serde_json::{Value, json};

use super::Shop;

const USER: &str = "arn:aws:iam::123456789012:user/rack-7";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/CodeDeployInstance/rack-8";

impl Shop {
    /// From now on the operation fails.
    fn breaks(&self, operation: &str) {
        let fault = serde_json::from_value(json!({ "fault": "error", "operation": operation })).unwrap();
        self.stage.sandbox.add_fault(fault).unwrap();
    }

    fn instance(&self, name: &str) -> Value {
        self.json(&format!("instance show {name}"))["instanceInfo"].clone()
    }
}

#[test]
fn an_instance_is_registered_with_its_tags() {
    let shop = Shop::empty();
    let line = format!("instance register rack-7 --user-arn {USER} --tag Role=web --tag Zone=a");
    shop.run(&line).ends_with(0).says_nothing().complains("registered instance rack-7\n");
    shop.run(&format!("instance register rack-8 --session-arn {SESSION}")).ends_with(0);
    let info = shop.instance("rack-7");
    let tags = json!([{ "Key": "Role", "Value": "web" }, { "Key": "Zone", "Value": "a" }]);
    assert_eq!((&info["tags"], &info["iamUserArn"]), (&tags, &json!(USER)));
    assert_eq!(shop.instance("rack-8")["iamSessionArn"], SESSION);
    let rows = shop.says("instance list -o text");
    assert_eq!(rows.lines().count(), 2);
    assert!(rows.contains(&format!("Role=web, Zone=a\t{USER}")) && rows.contains(SESSION), "{rows}");
    shop.run("instance register rack-9").ends_with(2).complains("pass --session-arn ARN or --user-arn ARN");
    shop.run(&format!("instance register rack-9 --user-arn {USER} --session-arn {SESSION}")).ends_with(2);
    shop.run(&format!("instance register rack-7 --user-arn {USER}9"))
        .ends_with(1)
        .complains("AlreadyRegistered");
    shop.run("instance show rack-6").ends_with(1).complains("did you mean on-premises instance `rack-7`?");
}

#[test]
fn a_registration_whose_tags_fail_is_undone() {
    let shop = Shop::empty();
    let line = format!("instance register rack-7 --user-arn {USER} --tag Role=web --max-attempts 1");
    shop.breaks("AddTagsToOnPremisesInstances");
    let run = shop.run(&line).ends_with(1).says_nothing();
    run.complains("error: cannot tag instance rack-7\n").complains("help: the registration was undone\n");
    assert!(shop.instance("rack-7")["deregisterTime"].is_string());
    shop.breaks("DeregisterOnPremisesInstance");
    let run = shop.run(&line.replace("rack-7", "rack-8")).ends_with(1);
    run.complains("stayed registered without tags").complains("`cdctl instance deregister rack-8`");
    assert!(shop.instance("rack-8").get("deregisterTime").is_none());
}

#[test]
fn deregistering_takes_the_tags_along() {
    let shop = Shop::empty();
    shop.run(&format!("instance register rack-7 --user-arn {USER} --tag Role=web")).ends_with(0);
    shop.run("instance deregister rack-7").ends_with(2).complains("pass --yes");
    shop.run("instance deregister rack-77 --yes").ends_with(1).complains("did you mean");
    let run = shop.run("instance deregister rack-7 --yes").ends_with(0);
    run.complains("deregistered instance rack-7; CodeDeploy keeps its record");
    let info = shop.instance("rack-7");
    assert!(info["tags"].as_array().is_none_or(Vec::is_empty), "{info}");
    assert!(info["deregisterTime"].is_string());
    assert_eq!(shop.says("instance list --status registered -o text"), "");
    assert_eq!(shop.says("instance list --status deregistered -o text").lines().count(), 1);
}

#[test]
fn tags_come_and_go_by_key_or_by_value() {
    let shop = Shop::empty();
    shop.run(&format!("instance register rack-7 --user-arn {USER}")).ends_with(0);
    shop.run("instance tag rack-7 Role=web Zone=a").ends_with(0);
    shop.run("instance untag rack-7 Role=api").ends_with(0).complains("has no such tag; nothing to change");
    shop.run("instance untag rack-7 Role").ends_with(0).complains("untagged instance rack-7");
    assert_eq!(shop.instance("rack-7")["tags"], json!([{ "Key": "Zone", "Value": "a" }]));
    shop.run("instance untag rack-7 Zone=a").ends_with(0);
    assert!(shop.instance("rack-7")["tags"].as_array().is_none_or(Vec::is_empty));
}
