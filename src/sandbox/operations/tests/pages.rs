//! Lists that change while somebody reads them page by page.

use serde_json::{Value, json};

use super::read_back::{engine, target};
use super::{Api, NOW, ROLE, deployment, revision, with};
use crate::model::{DeploymentStatus, TargetStatus};

/// The pages of a list, each with what `between` makes of the sandbox after it.
fn pages(
    api: &Api,
    operation: &str,
    input: &Value,
    member: &str,
    between: impl Fn(&Value),
) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut page = api.ok(operation, &with(input, &json!({"nextToken": token})));
        between(&page[member]);
        pages.push(serde_json::from_value(page[member].take()).unwrap());
        token = page["nextToken"].take();
        if token.is_null() {
            return pages;
        }
    }
}

#[test]
fn what_is_deleted_meanwhile_takes_nothing_along() {
    let api = Api::with_pages_of(2);
    for name in ["a", "b", "c", "d", "e"] {
        api.ok("CreateApplication", &json!({"applicationName": name}));
    }
    let deleted = pages(&api, "ListApplications", &json!({}), "applications", |names| {
        for name in names.as_array().unwrap() {
            api.ok("DeleteApplication", &json!({"applicationName": name}));
        }
    });
    assert_eq!(json!(deleted), json!([["a", "b"], ["c", "d"], ["e"]]));
    assert_eq!(api.ok("ListApplications", &json!({})), json!({"applications": []}));
}

#[test]
fn what_is_not_asked_for_any_more_takes_nothing_along() {
    let api = Api::with_pages_of(2);
    api.ok("CreateApplication", &json!({"applicationName": "shop"}));
    let group = json!({"applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": ROLE});
    api.ok("CreateDeploymentGroup", &group);
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..5 {
        if let Some(before) = ids.first() {
            engine(&api, before, |deployment| deployment.status = DeploymentStatus::Succeeded);
        }
        ids.insert(0, api.deploy());
    }
    engine(&api, &ids[0], |deployment| {
        deployment.status = DeploymentStatus::Succeeded;
        deployment.started = Some(NOW);
        let hosts = ["i-1", "i-2", "i-3", "i-4", "i-5"];
        deployment.targets = hosts.map(|id| target(id, TargetStatus::InProgress)).to_vec().into();
    });
    let input = json!({"deploymentId": ids[0], "targetFilters": {"TargetStatus": ["InProgress"]}});
    let seen = pages(&api, "ListDeploymentTargets", &input, "targetIds", |page| {
        engine(&api, &ids[0], |deployment| {
            for index in
                (0..5).filter(|index| *page.as_array().unwrap().last().unwrap() == format!("i-{}", index + 1))
            {
                deployment.targets[index].status = TargetStatus::Succeeded;
            }
        });
    });
    assert_eq!(json!(seen), json!([["i-1", "i-2"], ["i-3", "i-4"], ["i-5"]]));
    let seen = pages(
        &api,
        "ListDeployments",
        &json!({"includeOnlyStatuses": ["Succeeded"]}),
        "deployments",
        |page| {
            for id in page.as_array().unwrap() {
                engine(&api, id.as_str().unwrap(), |deployment| deployment.status = DeploymentStatus::Failed);
            }
        },
    );
    assert_eq!(json!(seen), json!([&ids[..2], &ids[2..4], &ids[4..]]));
}

#[test]
fn revisions_come_in_order_whatever_is_registered_meanwhile() {
    let api = Api::with_pages_of(2);
    api.ok("CreateApplication", &json!({"applicationName": "shop"}));
    let register = |key: &str| {
        let input = json!({"applicationName": "shop", "revision": revision(key)});
        api.ok("RegisterApplicationRevision", &input);
    };
    ["a", "b", "c", "d", "e"].iter().for_each(|key| register(key));
    let list = |order: &str| {
        let input = json!({"applicationName": "shop", "sortBy": "registerTime", "sortOrder": order});
        let pages = pages(&api, "ListApplicationRevisions", &input, "revisions", |_| ());
        let keys =
            pages.concat().into_iter().map(|one| one["s3Location"]["key"].as_str().unwrap().to_owned());
        keys.collect::<String>()
    };
    assert_eq!((list("ascending"), list("descending")), ("abcde".to_owned(), "edcba".to_owned()));
    let input = json!({"applicationName": "shop", "sortBy": "lastUsedTime"});
    let seen = pages(&api, "ListApplicationRevisions", &input, "revisions", |_| register("f"));
    assert_eq!(seen.concat().len(), 6, "the new one comes last");
    let input = with(&deployment(), &json!({"nextToken": "x"}));
    api.refused("ListApplicationRevisions", &input, "InvalidNextToken: The next token is not valid");
}
