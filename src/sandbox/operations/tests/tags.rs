//! Tags of applications and groups, tokens of GitHub accounts.

use serde_json::{Value, json};

use super::{Api, REGION, with};
use crate::sandbox::store::Fact;

const SHOP: &str = "arn:aws:codedeploy:eu-west-1:123456789012:application:shop";
const PROD: &str = "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:shop/prod";

#[test]
fn tags_come_and_go() {
    let api = Api::new();
    for arn in [SHOP, PROD] {
        let of = json!({"ResourceArn": arn});
        let tags = json!([{"Key": "b", "Value": "1"}, {"Key": "a"}]);
        assert_eq!(api.ok("TagResource", &with(&of, &json!({"Tags": tags}))), json!({}));
        api.ok("TagResource", &with(&of, &json!({"Tags": [{"Key": "b", "Value": "2"}]})));
        let tags = json!([{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]);
        assert_eq!(api.ok("ListTagsForResource", &of), json!({"Tags": tags}));
        let keys = with(&of, &json!({"TagKeys": ["a", "nix"]}));
        assert_eq!(api.ok("UntagResource", &keys), json!({}));
        assert_eq!(api.ok("ListTagsForResource", &of), json!({"Tags": [{"Key": "b", "Value": "2"}]}));
    }
}

/// semantics.md, 3.2 (tags) and 7.1: InvalidArn, ArnNotSupported, InvalidTagsToAdd
#[test]
fn what_cannot_be_tagged() {
    let api = Api::new();
    let fifty: Vec<Value> = (0..50).map(|n| json!({"Key": n.to_string()})).collect();
    api.ok("TagResource", &json!({"ResourceArn": SHOP, "Tags": fifty}));
    let tags = json!([{"Key": "new"}]);
    let in_region = |rest: &str| format!("arn:aws:codedeploy:eu-west-1:123456789012:{rest}");
    let cases = [
        (String::new(), tags.clone(), "ResourceArnRequired: Resource ARN is missing"),
        ("shop".to_owned(), tags.clone(), "InvalidArn: The ARN is not valid: shop"),
        (SHOP.to_owned(), json!([]), "TagRequired: At least one tag must be specified"),
        (
            SHOP.to_owned(),
            json!([{"Key": "aws:x"}]),
            "InvalidTagsToAdd: Tag keys that begin with aws: are reserved",
        ),
        (SHOP.to_owned(), tags.clone(), "InvalidTagsToAdd: The maximum number of tags for a resource is 50"),
        (
            in_region("application:nix"),
            tags.clone(),
            "ApplicationDoesNotExist: No application found for name: nix",
        ),
        (
            in_region("deploymentgroup:shop/nix"),
            tags.clone(),
            "DeploymentGroupDoesNotExist: No Deployment Group found for name: nix",
        ),
        (
            in_region("deploymentconfig:nix"),
            tags.clone(),
            "DeploymentConfigDoesNotExist: No deployment configuration found for name: nix",
        ),
        (
            in_region("deploymentconfig:CodeDeployDefault.OneAtATime"),
            tags.clone(),
            "ArnNotSupported: Tags are not supported for resources of type deploymentconfig",
        ),
        (
            in_region("instance/rack-1_0123456789"),
            tags.clone(),
            "ArnNotSupported: Tags are not supported for resources of type instance",
        ),
    ];
    for (arn, tags, expected) in cases {
        api.refused("TagResource", &json!({"ResourceArn": arn, "Tags": tags}), expected);
    }
    let elsewhere = "arn:aws:codedeploy:us-east-1:123456789012:application:shop";
    for arn in [elsewhere, &in_region("application:"), &in_region("function:f"), &"a".repeat(1012)] {
        let refusal = format!("InvalidArn: The ARN is not valid: {arn}");
        api.refused("ListTagsForResource", &json!({"ResourceArn": arn}), &refusal);
    }
    let missing = json!({"ResourceArn": in_region("application:nix")});
    api.refused("ListTagsForResource", &missing, "InvalidArn: No application found for name: nix");
    let none = json!({"ResourceArn": SHOP, "TagKeys": []});
    api.refused("UntagResource", &none, "TagRequired: At least one tag must be specified");
}

/// semantics.md, 7.1: the GitHub token calls
#[test]
fn tokens_of_git_hub_accounts() {
    let api = Api::new();
    let tokens = ["one", "two"].map(ToOwned::to_owned);
    for token in tokens {
        api.shared.world().regions.get_mut(REGION).unwrap().git_hub_tokens.insert(token, Fact);
    }
    let list = || api.ok("ListGitHubAccountTokenNames", &json!({}))["tokenNameList"].take();
    assert_eq!(list(), json!(["one", "two"]));
    assert_eq!(api.ok("DeleteGitHubAccountToken", &json!({"tokenName": "one"})), json!({"tokenName": "one"}));
    assert_eq!(list(), json!(["two"]));
    let cases = [
        (json!({}), "GitHubAccountTokenNameRequired: GitHub account token name is missing"),
        (
            json!({"tokenName": "a\u{1b}"}),
            "InvalidGitHubAccountTokenName: GitHub account token name is not valid",
        ),
        (
            json!({"tokenName": "one"}),
            "GitHubAccountTokenDoesNotExist: No GitHub account token found for name: one",
        ),
    ];
    for (input, expected) in cases {
        api.refused("DeleteGitHubAccountToken", &input, expected);
    }
}

#[test]
fn a_token_belongs_to_its_list() {
    let api = Api::with_pages_of(1);
    for name in ["a", "b"] {
        api.ok("CreateApplication", &json!({"applicationName": name}));
        let arn = format!("arn:aws:codedeploy:eu-west-1:123456789012:application:{name}");
        let tags = json!([{"Key": "x"}, {"Key": "y"}]);
        api.ok("TagResource", &json!({"ResourceArn": arn, "Tags": tags}));
    }
    let of = |name: &str, token: &Value| {
        let arn = format!("arn:aws:codedeploy:eu-west-1:123456789012:application:{name}");
        json!({"ResourceArn": arn, "NextToken": token})
    };
    let first = api.ok("ListTagsForResource", &of("a", &Value::Null));
    let token = &first["NextToken"];
    assert_eq!(first["Tags"], json!([{"Key": "x", "Value": ""}]));
    assert_eq!(api.ok("ListTagsForResource", &of("a", token)), json!({"Tags": [{"Key": "y", "Value": ""}]}));
    let refusal = "InvalidNextToken: The next token is not valid";
    api.refused("ListApplications", &json!({"nextToken": token}), refusal);
    let refusal = "ValidationError: The next token is not valid";
    api.refused("ListTagsForResource", &of("b", token), refusal);
}
