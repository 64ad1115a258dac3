//! Tags of applications and groups: by name, not by ARN, and only what is there comes off.

use serde_json::json;

use super::{ROLE, Shop};
use crate::support::stage::Scene;

#[test]
fn a_misspelt_name_is_answered_with_the_nearest() {
    let shop = Shop::with_group(Scene::Created);
    for (name, line, near) in [
        ("application shpo", "app tags shpo", "application `shop`"),
        ("application shpo", "app tag shpo a=b", "application `shop`"),
        ("application shpo", "app untag shpo a", "application `shop`"),
        ("deployment group shop/prd", "group tags shop/prd", "deployment group `prod`"),
        ("deployment group shop/prd", "group tag shop/prd a=b", "deployment group `prod`"),
        ("deployment group shpo/prod", "group untag shpo/prod a", "application `shop`"),
    ] {
        let run = shop.run(line).ends_with(1).says_nothing().complains(name);
        run.complains(&format!("did you mean {near}?"));
    }
}

#[test]
fn only_a_tag_that_is_there_comes_off() {
    let shop = Shop::with_group(Scene::Created);
    for (noun, name, what) in
        [("app", "shop", "application shop"), ("group", "shop/prod", "deployment group shop/prod")]
    {
        let tags = || shop.json(&format!("{noun} tags {name}"))["Tags"].clone();
        let run = shop.run(&format!("{noun} tag {name} Team=web Stage=prod")).ends_with(0);
        run.complains_only(&format!("tagged {what}\n"));
        for wrong in ["Nope", "Team=api", "=api"] {
            let run = shop.run(&format!("{noun} untag {name} {wrong}")).ends_with(0);
            run.complains_only(&format!("{what} has no such tag; nothing to change\n"));
        }
        shop.run(&format!("{noun} untag {name} Team=web"))
            .ends_with(0)
            .complains(&format!("untagged {what}\n"));
        assert_eq!(tags(), json!([{ "Key": "Stage", "Value": "prod" }]));
        shop.run(&format!("{noun} untag {name} Stage Nope")).ends_with(0);
        assert_eq!(tags(), json!([]));
    }
}

#[test]
fn what_is_changed_before_the_tags_fail_is_told() {
    let shop = Shop::with_group(Scene::Created);
    let fault = serde_json::from_value(json!({ "fault": "error", "operation": "TagResource" })).unwrap();
    shop.stage.sandbox.add_fault(fault).unwrap();
    let line =
        format!("group ensure shop/prod --service-role {ROLE} --outdated ignore --tag a=b --max-attempts 1");
    let run = shop.run(&line).ends_with(1).complains("error: cannot tag deployment group shop/prod\n");
    run.complains("updated deployment group shop/prod: outdatedInstancesStrategy\n");
}
