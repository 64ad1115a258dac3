//! What changes while the sandbox runs: alarms, the size of Auto Scaling groups, hosts that disappear. Plain data.

use serde::{Deserialize, Serialize};

/// Something that happens once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The CloudWatch alarm of this name goes off.
    Alarm(String),
    /// The alarm of this name is over.
    AlarmOver(String),
    /// An Auto Scaling group launches instances like those that it has.
    Grow(Scaling),
    /// An Auto Scaling group terminates its last instances.
    Shrink(Scaling),
    /// The host with this id is there no more, and nobody is told.
    Disappear(String),
    /// The host with this id, which had disappeared, is there again.
    Appear(String),
}

/// By how many instances an Auto Scaling group grows or shrinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    pub group: String,
    pub count: usize,
}

/// What a change did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// How many instances an Auto Scaling group launches or terminates: the most of any region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<usize>,
    /// The Auto Scaling group shrinks once it may terminate instances again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub put_off: bool,
}

impl Moment {
    /// Whether it makes sense; the error says why not.
    pub(super) fn check(&self) -> Result<(), String> {
        match &self.change {
            Change::Grow(by) | Change::Shrink(by) if by.count == 0 => {
                Err("an Auto Scaling group grows or shrinks by at least one instance".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A change at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Seconds after the sandbox's start.
    pub at: u32,
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub change: Change,
}
