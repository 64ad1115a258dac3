//! The batch calls: what they are told, how many at once, in parallel.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Api, ApiError};

/// How many batch calls run at once; a person's account shares its call rate with all its tools.
pub const AT_ONCE: usize = 4;

/// One of the API's BatchGet calls.
pub struct Batch {
    operation: &'static str,
    /// The member of the request that holds the names.
    names: &'static str,
    /// The member of the answer that holds the items.
    pub items: &'static str,
    /// The member of an item that holds its name.
    key: &'static str,
    /// How many names a call takes. Source: the API reference of each.
    size: usize,
}

pub const APPLICATIONS: Batch = Batch {
    operation: "BatchGetApplications",
    names: "applicationNames",
    items: "applicationsInfo",
    key: "applicationName",
    size: 100,
};

pub const GROUPS: Batch = Batch {
    operation: "BatchGetDeploymentGroups",
    names: "deploymentGroupNames",
    items: "deploymentGroupsInfo",
    key: "deploymentGroupName",
    size: 100,
};

pub const INSTANCES: Batch = Batch {
    operation: "BatchGetOnPremisesInstances",
    names: "instanceNames",
    items: "instanceInfos",
    key: "instanceName",
    size: 25,
};

impl Api {
    /// The items called `names`, in that order; `base` is what each request says beside the names.
    pub async fn batch(&self, batch: &Batch, base: &Value, names: &[String]) -> Result<Vec<Value>, ApiError> {
        let calls = names.chunks(batch.size).map(|chunk| {
            let mut input = base.clone();
            if let Some(input) = input.as_object_mut() {
                input.insert(batch.names.to_owned(), chunk.into());
            }
            async move { self.send(batch.operation, &input).await }
        });
        let answers: Vec<Value> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let mut items: Vec<Value> = answers
            .into_iter()
            .filter_map(|mut answer| match answer.get_mut(batch.items).map(Value::take) {
                Some(Value::Array(items)) => Some(items),
                _ => None,
            })
            .flatten()
            .collect();
        items.sort_by_key(|item| {
            names.iter().position(|name| item.get(batch.key) == Some(&name.as_str().into()))
        });
        Ok(items)
    }
}
