//! Instances: what a fleet file says of each. Plain data.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::seeded;
use crate::sandbox::store::ACCOUNT;

/// Whether an instance runs scripts or only takes its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A directory in which files are installed and hooks run.
    Local,
    /// Events with seeded durations.
    #[default]
    Simulated,
}

/// A structure of the fleet file with the members that an instance has, alone or by the dozen, after its own.
macro_rules! with_traits {
    ($(#[$on:meta])* $visibility:vis struct $name:ident { $($own:tt)* }) => {
        $(#[$on])*
        #[serde(deny_unknown_fields)]
        $visibility struct $name {
            $($own)*
            #[serde(default)]
            pub tags: BTreeMap<String, String>,
            #[serde(default)]
            pub kind: Kind,
            /// The Auto Scaling group that it belongs to.
            pub auto_scaling_group: Option<String>,
            /// An on-premises instance: only on-premises tag filters find it.
            #[serde(default)]
            pub on_premises: bool,
        }
    };
}

pub(super) use with_traits;

with_traits! {
    /// A host.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Instance {
        /// `i-` and 8 to 17 hexadecimal digits; for an on-premises instance its name.
        #[serde(deserialize_with = "instance_id")]
        pub id: String,
        /// The availability zone.
        #[serde(default)]
        pub zone: String,
        /// The ARN that it was registered with, where that is known.
        #[serde(skip)]
        pub arn: Option<String>,
    }
}

impl Instance {
    /// An instance without anything but its name.
    pub fn named(id: &str, kind: Kind) -> Self {
        Instance {
            id: id.to_owned(),
            zone: String::new(),
            tags: BTreeMap::new(),
            kind,
            auto_scaling_group: None,
            on_premises: false,
            arn: None,
        }
    }

    /// The ARN that targets show. An on-premises one ends in ten characters of the service's own, here
    /// drawn from the name.
    pub fn arn(&self, region: &str) -> String {
        if let Some(arn) = &self.arn {
            arn.clone()
        } else if self.on_premises {
            let mut rng = seeded(0, &[&self.id]);
            let ending: String = (0..10).map(|_| rng.alphanumeric()).collect();
            format!("arn:aws:codedeploy:{region}:{ACCOUNT}:instance/{}_{ending}", self.id)
        } else {
            format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{}", self.id)
        }
    }
}

/// An instance's id is also the name of its directory.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let valid = match id.strip_prefix("i-") {
        Some(digits) => {
            (8..=17).contains(&digits.len())
                && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        None => {
            (1..=100).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
                && id.bytes().any(|byte| byte != b'.')
        }
    };
    if valid {
        Ok(())
    } else {
        Err(format!(
            "{id:?} is no instance id: i- and 8 to 17 hexadecimal digits, or an on-premises name of at most \
             100 letters, digits and +=,.@_-"
        ))
    }
}

/// Reads an instance's id.
fn instance_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    check_id(&id).map_err(D::Error::custom)?;
    Ok(id)
}
