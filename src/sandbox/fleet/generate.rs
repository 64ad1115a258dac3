//! Instances by the dozen: many alike ones from one entry of a fleet file. Plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::MOST_INSTANCES;
use super::instance::{Instance, Kind, check_id, with_traits};

with_traits! {
    /// So many alike instances; they take the zones in turn.
    #[derive(Deserialize)]
    pub(super) struct Generator {
        count: usize,
        /// What ids start with: `i-0` where it is left out, `host-` on premises (`host-1`, `host-2`, …).
        prefix: Option<String>,
        #[serde(default)]
        zones: Vec<String>,
    }
}

impl Generator {
    /// Adds them to `instances` and `ids`; the error says why they cannot be there.
    pub(super) fn fill(
        &self,
        instances: &mut Vec<Instance>,
        ids: &mut BTreeSet<String>,
        rng: &mut fastrand::Rng,
    ) -> Result<(), String> {
        if instances.len().saturating_add(self.count) > MOST_INSTANCES {
            return Err(format!("more than {MOST_INSTANCES} instances"));
        }
        let prefix = self.prefix.as_deref().unwrap_or(if self.on_premises { "host-" } else { "i-0" });
        for index in 0..self.count {
            let id =
                if self.on_premises { format!("{prefix}{}", index + 1) } else { ec2_id(prefix, ids, rng)? };
            check_id(&id)?;
            if self.on_premises == id.starts_with("i-") || !ids.insert(id.clone()) {
                return Err(format!("generate: prefix {prefix:?} gives {id}, which can't be used"));
            }
            instances.push(Instance {
                id,
                zone: self.zones.get(index % self.zones.len().max(1)).cloned().unwrap_or_default(),
                tags: self.tags.clone(),
                kind: self.kind,
                auto_scaling_group: self.auto_scaling_group.clone(),
                on_premises: self.on_premises,
                arn: None,
            });
        }
        Ok(())
    }
}

/// An id with this prefix that is not taken: 17 hexadecimal digits in all, as EC2's are.
fn ec2_id(prefix: &str, ids: &BTreeSet<String>, rng: &mut fastrand::Rng) -> Result<String, String> {
    let open = "i-".len().saturating_add(17).saturating_sub(prefix.len());
    for _ in 0..1_000 {
        let digits = format!("{:016x}", rng.u64(..));
        let id = format!("{prefix}{}", digits.get(..open.min(16)).unwrap_or(""));
        if !ids.contains(&id) {
            return Ok(id);
        }
    }
    Err(format!("generate: too few ids start with {prefix:?}"))
}
