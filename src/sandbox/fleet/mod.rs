//! What the sandbox deploys to: instances, the buckets beside them, and what goes wrong where. Plain data.
//!
//! `file` reads it from YAML; `fault` says which fault meets an event.

mod change;
mod fault;
mod file;
mod generate;
mod instance;
mod platform;
mod status;
mod wrong;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use super::fault::ApiFault;
use crate::source;

pub use change::{Change, Changed, Moment, Scaling};
pub use fault::{Failure, Fault, Faults, Hosts, InForce, Outcome};
pub use instance::{Instance, Kind};
pub use platform::{DeploymentController, Function, Hook, LoadBalancer, Service};
pub use status::{InstanceStatus, ScalingStatus, ServiceStatus, Status};

/// More instances than this are a slip of the keyboard.
pub const MOST_INSTANCES: usize = 100_000;

/// The fleet that is there where no file names another: twelve local hosts tagged `Role=web` in three zones, an Auto
/// Scaling group `web-pool` without instances, the bucket `releases`, a GitHub account, a Lambda function `checkout` with
/// a hook `verify`, and an ECS service `web` in a cluster `shop`.
const DEFAULT: &str = "
buckets: [{name: releases, versioning: true}]
generate: [{count: 12, kind: local, zones: [a, b, c], tags: {Role: web}}]
auto_scaling_groups: [web-pool]
git_hub_accounts: [octocat]
functions: [{name: checkout, aliases: {live: '1'}}, {name: verify}]
services: [{cluster: shop, name: web, tasks: 2}]
";

/// What a fleet file may say, as JSON Schema.
pub const SCHEMA: &str = include_str!("../../../docs/fleet.schema.json");

/// Everything that a fleet file declares. Instances, functions and services are there in every region.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    pub instances: Vec<Instance>,
    pub buckets: Vec<Bucket>,
    pub faults: Vec<Fault>,
    /// What goes wrong with calls of the API from the start.
    pub api_faults: Vec<ApiFault>,
    /// Auto Scaling groups that are there, those without instances among them.
    pub auto_scaling_groups: BTreeSet<String>,
    /// GitHub accounts that are connected: names of tokens.
    pub git_hub_accounts: BTreeSet<String>,
    /// SNS topics by name; any topic is there where they are left out.
    pub topics: Option<BTreeSet<String>>,
    pub functions: Vec<Function>,
    pub services: Vec<Service>,
    /// What changes while the sandbox runs.
    pub timeline: Vec<Moment>,
    /// The most instances of one deployment; no limit where it is left out.
    pub instance_quota: Option<usize>,
    /// The most deployments that run at the same time in a region; AWS's own limit where it is left out.
    pub deployment_quota: Option<usize>,
}

/// A bucket of the sandbox's S3.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// 3 to 63 lower-case letters, digits, dots and hyphens.
    #[serde(deserialize_with = "file::bucket_name")]
    pub name: String,
    /// Whether objects keep their older versions.
    #[serde(default)]
    pub versioning: bool,
}

/// Why there is no fleet.
#[derive(Debug)]
pub enum FleetError {
    /// The file can't be read.
    Read(std::io::Error),
    /// The text is not a fleet: what is wrong, with line and column where they are known.
    Invalid(String),
}

impl std::fmt::Display for FleetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FleetError::Read(error) => error.fmt(f),
            FleetError::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for FleetError {}

impl Fleet {
    /// Whether one deployment may go to so many instances.
    pub fn admits(&self, instances: usize) -> bool {
        self.instance_quota.is_none_or(|quota| instances <= quota)
    }

    /// The Auto Scaling groups that it declares, by name or by an instance of theirs.
    pub fn scaling_groups(&self) -> BTreeSet<String> {
        let named = self.instances.iter().filter_map(|instance| instance.auto_scaling_group.as_ref());
        named.chain(&self.auto_scaling_groups).cloned().collect()
    }

    /// The built-in fleet.
    pub fn built_in(seed: u64) -> Result<Self, FleetError> {
        Fleet::parse(DEFAULT, seed)
    }

    /// The fleet that a file declares. `seed` draws the ids that the file leaves open.
    pub fn load(path: &Path, seed: u64) -> Result<Self, FleetError> {
        let text = read(path).map_err(FleetError::Read)?;
        Fleet::parse(&text, seed)
    }

    /// The fleet that YAML text declares.
    pub fn parse(text: &str, seed: u64) -> Result<Self, FleetError> {
        file::parse(text, seed).map_err(FleetError::Invalid)
    }
}

/// A file's text, which a device or a pipe has not. One byte more than is parsed is enough to see that it is too long.
fn read(path: &Path) -> io::Result<String> {
    // Asked before it is opened: to open a pipe is to wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(source::MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Randomness that repeats: the same seed and the same names give the same numbers, whatever else was drawn.
pub fn seeded(seed: u64, names: &[&str]) -> fastrand::Rng {
    // FNV-1a: spread enough to seed a generator, and the same on every machine.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
    for name in names {
        for byte in name.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    fastrand::Rng::with_seed(hash)
}
