//! CodeDeploy's things as plain data. No I/O, no AWS types, no drawing.
//!
//! Enumerations are open sets: a value that this version does not know is kept as it came (`Other`).

pub mod config;
pub mod deployment;
pub mod group;
pub mod lifecycle;
pub mod revision;
mod secrets;
pub mod target;

pub use config::{DeploymentConfig, MinimumHealthyHosts, TrafficRouting, Zonal};
pub use deployment::{
    AutoRollback, ComputePlatform, Creator, Deployment, DeploymentStatus, ErrorInformation, Overview,
    RollbackInfo, Waits,
};
pub use group::Group;
pub use lifecycle::{Diagnostics, EventName, EventStatus, LifecycleErrorCode, LifecycleEvent};
pub use revision::{BundleType, Revision, bare_etag};
pub use secrets::{mask, without_credentials};
pub use target::{Serving, Target, TargetKind, TargetStatus, TaskSet, labelled};

/// An enumeration of the service: known values as variants, any other kept verbatim in `Other`.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value that this version does not know, as the service sent it.
            Other(String),
        }

        impl $name {
            /// The values that this version knows, in the API's order.
            pub const KNOWN: &'static [$name] = &[$($name::$variant),+];

            /// The value as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)+
                    $name::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => $name::$variant,)+
                    other => $name::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(|text| $name::from(text.as_str()))
            }
        }
    };
}
pub(crate) use open_enum;
