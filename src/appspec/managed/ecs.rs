//! `Properties` of an ECS service: the task definition, where the load balancer sends traffic, the network.

use crate::source::psych::{Item, Map, Value};

use super::super::{Finding, placeholder};
use super::{Checker, is_empty, member, with_lost};

pub const PROPERTIES: &[&str] = &[
    "TaskDefinition",
    "LoadBalancerInfo",
    "PlatformVersion",
    "NetworkConfiguration",
    "CapacityProviderStrategy",
];

pub const LOAD_BALANCER: &[&str] = &["ContainerName", "ContainerPort"];
pub const VPC: &[&str] = &["Subnets", "SecurityGroups", "AssignPublicIp"];

/// What a placeholder for a task definition's ARN is called by.
pub const TASK_DEFINITION: &[&str] = &["ARN", "DEF", "DEFINITION", "TASKDEF", "TASKDEFINITION"];
/// What an id begins with, and what a placeholder for one is called by.
pub const SUBNET: &str = "subnet-";
pub const SECURITY_GROUP: &str = "sg-";

impl Checker {
    pub(super) fn ecs(&mut self, resource: &Item, map: &Map) {
        self.keys(map, PROPERTIES, "A071", "an ECS service");
        let name = resource.value.to_s();
        if name != "TargetService" {
            let message = format!("the resource of an ECS deployment is not named `{name}`");
            self.error("A070", resource.span, message, "name it `TargetService`");
        }
        if let Some((item, text)) = self.required(map, "TaskDefinition", resource.span) {
            self.task_definition(item, &text);
        }
        self.load_balancer(resource, map);
        if let Some(version) = member(map, "PlatformVersion") {
            self.one_value("PlatformVersion", version);
        }
        if let Some(network) = member(map, "NetworkConfiguration") {
            self.network(network);
        }
        if let Some(strategy) = member(map, "CapacityProviderStrategy") {
            self.strategy(strategy);
        }
    }

    fn task_definition(&mut self, item: &Item, text: &str) {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let family = match parts.as_slice() {
            [arn, partition, ecs, region, account, rest] => {
                rest.strip_prefix("task-definition/").filter(|_| {
                    *arn == "arn"
                        && partition.starts_with("aws")
                        && *ecs == "ecs"
                        && !region.is_empty()
                        && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                        && account.len() == 12
                        && account.bytes().all(|byte| byte.is_ascii_digit())
                })
            }
            _ => None,
        };
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let digits = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()) && !text.trim_start_matches('0').is_empty()
        };
        match family.map(|family| family.split_once(':').unwrap_or((family, ""))) {
            Some((family, "")) if word(family) => {
                let message = "without a revision the newest task definition of the family is deployed";
                self.add(Finding::warning("A079", item.span, message).help("add its revision: `…:3`"));
            }
            Some((family, revision)) if word(family) && digits(revision) => {}
            _ if self.stand_in(item, text, TASK_DEFINITION) => {}
            _ => {
                let message = format!("`{text}` is not the ARN of a task definition");
                let help = "write arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION";
                self.error("A074", item.span, message, help);
            }
        }
    }

    fn load_balancer(&mut self, resource: &Item, map: &Map) {
        let item = member(map, "LoadBalancerInfo");
        let span = &item.map_or(resource.span, |item| item.span);
        let Some(info) = &with_lost(item, map, "LoadBalancerInfo") else {
            let help = "add `LoadBalancerInfo:` with ContainerName and ContainerPort";
            return self.error("A073", *span, "LoadBalancerInfo is missing or no mapping", help);
        };
        self.keys(info, LOAD_BALANCER, "A071", "LoadBalancerInfo");
        if let Some((item, text)) = self.required(info, "ContainerName", *span)
            && !is_container(&text)
        {
            let message = format!("no container is named `{text}`");
            self.error("A074", item.span, message, "a name has letters, digits, hyphens and underscores");
        }
        if let Some((item, text)) = self.required(info, "ContainerPort", *span)
            && !text.parse::<u16>().is_ok_and(|port| port > 0)
        {
            let message = format!("`{text}` is no port");
            self.error("A074", item.span, message, "write a number from 1 to 65535");
        }
    }

    fn network(&mut self, item: &Item) {
        let outer = match &item.value {
            Value::Map(map) => map,
            Value::Null => return,
            _ => return self.error("A074", item.span, "NetworkConfiguration is no mapping", NETWORK),
        };
        self.keys(outer, &["AwsvpcConfiguration"], "A071", "NetworkConfiguration");
        let Some(Item { value: Value::Map(vpc), span, .. }) = member(outer, "AwsvpcConfiguration") else {
            return self.error("A073", item.span, "NetworkConfiguration has no AwsvpcConfiguration", NETWORK);
        };
        self.keys(vpc, VPC, "A071", "AwsvpcConfiguration");
        for name in ["Subnets", "SecurityGroups", "AssignPublicIp"] {
            match member(vpc, name) {
                Some(Item { value: Value::List(items), .. })
                    if name != "AssignPublicIp" && !items.is_empty() =>
                {
                    for item in items {
                        let text = item.value.to_s();
                        if matches!(item.value, Value::List(_) | Value::Map(_)) || text.trim().is_empty() {
                            let message = format!("an item of {name} is not one id");
                            self.error("A074", item.span, message, NETWORK);
                        } else if !self.placeholder(item, &text) {
                            self.id(item, &text, name);
                        }
                    }
                }
                Some(item) if !is_empty(&item.value) => {
                    let text = item.value.to_s();
                    if self.placeholder(item, &text) {
                        continue;
                    }
                    if name == "AssignPublicIp" && !matches!(text.as_str(), "ENABLED" | "DISABLED") {
                        let message = format!("AssignPublicIp is not `{text}`");
                        self.error("A074", item.span, message, "write ENABLED or DISABLED");
                    } else if name != "AssignPublicIp" {
                        self.error("A074", item.span, format!("{name} is not a list"), NETWORK);
                    }
                }
                missing => {
                    let span = missing.map_or(*span, |item| item.span);
                    let message =
                        format!("AwsvpcConfiguration has no {name}: it needs all three or is left out");
                    self.error("A073", span, message, NETWORK);
                }
            }
        }
    }

    /// An item of Subnets or SecurityGroups.
    ///
    /// Source: Amazon EC2 user guide, resource IDs: a prefix, a hyphen, letters and digits. The real ones are hexadecimal.
    fn id(&mut self, item: &Item, text: &str, name: &str) {
        let (prefix, what) = match name {
            "Subnets" => (SUBNET, "a subnet"),
            _ => (SECURITY_GROUP, "a security group"),
        };
        let rest = text.strip_prefix(prefix);
        let is_dummy = |rest: &str| rest.chars().all(|c| matches!(c, 'x' | 'X' | 'y' | 'Y' | 'z' | 'Z'));
        let is_filled_in = |text: &str| placeholder::is_capitals(&text.replace('-', "_"));
        match rest.filter(|rest| !rest.is_empty()) {
            Some(rest) if !is_dummy(rest) && rest.chars().all(|c| c.is_ascii_alphanumeric()) => {}
            // No id is of capitals alone.
            rest if rest.is_some_and(is_dummy) || is_filled_in(rest.unwrap_or(text)) => {
                self.add(placeholder::finding(item.span, text, self.placeholders));
            }
            _ => {
                let help = format!("it begins with `{prefix}`; letters and digits follow");
                self.error("A074", item.span, format!("`{text}` is not the id of {what}"), &help);
            }
        }
    }

    fn strategy(&mut self, item: &Item) {
        let providers = match &item.value {
            Value::List(providers) => providers,
            Value::Null => return,
            _ => return self.error("A074", item.span, "CapacityProviderStrategy is not a list", STRATEGY),
        };
        let (mut bases, mut weights) = (0, Vec::new());
        for provider in providers {
            let Value::Map(map) = &provider.value else {
                self.error("A074", provider.span, "a capacity provider is a mapping", STRATEGY);
                continue;
            };
            self.keys(map, &["Base", "CapacityProvider", "Weight"], "A071", "a capacity provider");
            self.required(map, "CapacityProvider", provider.span);
            let (base, weight) = (self.count(map, "Base", 100_000), self.count(map, "Weight", 1000));
            bases += usize::from(base.is_some_and(|base| base > 0));
            weights.push(weight);
        }
        if bases > 1 {
            self.error("A074", item.span, "only one capacity provider has a Base", STRATEGY);
        }
        if !weights.is_empty() && weights.iter().all(|weight| *weight == Some(0)) {
            self.error("A074", item.span, "every capacity provider has Weight 0", STRATEGY);
        }
    }

    /// A whole number up to `most` that may be left out; none where it is, or where it is none.
    fn count(&mut self, map: &Map, name: &str, most: u32) -> Option<u32> {
        let item = member(map, name).filter(|item| !is_empty(&item.value))?;
        let text = item.value.to_s();
        let count = text.parse().ok().filter(|count| *count <= most);
        if count.is_none() && !self.placeholder(item, &text) {
            self.error("A074", item.span, format!("{name} is no whole number up to {most}"), STRATEGY);
        }
        count
    }
}

/// Source: Amazon ECS' API, ContainerDefinition.
fn is_container(text: &str) -> bool {
    text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

const NETWORK: &str = "AwsvpcConfiguration has Subnets and SecurityGroups as lists, and AssignPublicIp";
const STRATEGY: &str = "a list item has CapacityProvider, Weight, and one of them a Base";
