//! What hosts do when a lifecycle event reaches them: two kinds behind one trait. Knows no deployment's state.

mod local;
mod programs;
mod simulated;
mod workers;

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::fleet::Instance;
use super::store::Millis;
use super::{Bundles, Object};
use crate::model::revision::bare_etag;
use crate::model::{Diagnostics, EventName, LifecycleErrorCode};
use crate::runner::FileExists;

pub use local::{HookPolicy, Local};
pub use programs::{Ended, HostPrograms, Programs};
pub use simulated::Simulated;

/// What a deployment tells its hosts.
#[derive(Debug)]
pub struct Order {
    pub deployment: String,
    /// The deployment whose revision it is, where that is another one: what a restart starts again.
    pub installed: Option<String>,
    pub application: String,
    pub group: String,
    pub group_id: String,
    /// The wire RevisionLocation.
    pub revision: Value,
    pub file_exists: FileExists,
    /// The bundle, looked up once a deployment by those who only want to know whether there is one.
    pub bundle: OnceLock<Result<Object, String>>,
}

impl Order {
    /// A string of the revision's S3 location.
    pub fn s3(&self, member: &str) -> Option<&str> {
        self.revision.get("s3Location")?.get(member)?.as_str()
    }

    /// The S3 bundle that the revision names, or what a host reports of it: as it was when it was first asked for.
    pub fn bundle(&self, bundles: &dyn Bundles) -> Result<&Object, String> {
        let fetch = || {
            let object = self.look_up(bundles)?;
            refuse_other(self.s3("eTag"), &object).map(|()| object)
        };
        self.bundle.get_or_init(fetch).as_ref().map_err(Clone::clone)
    }

    /// As [`Order::bundle`], as it is now.
    pub fn look_up(&self, bundles: &dyn Bundles) -> Result<Object, String> {
        match (self.s3("bucket"), self.s3("key")) {
            (Some(bucket), Some(key)) => bundles.object(bucket, key, self.s3("version")),
            _ => Err("The sandbox has revisions in its own S3 only.".to_owned()),
        }
    }
}

/// Takes what a host says of an event that ended. Dropped, the host never answers.
pub type Answer = Box<dyn FnOnce(Diagnostics) + Send>;

/// How a host takes an event.
#[derive(Debug)]
pub enum Begun {
    /// It ends after so long, like this.
    Ends(Millis, Diagnostics),
    /// It ends when `Answer` is called.
    Answers,
}

/// The hosts of one kind.
pub trait Hosts: Send + Sync {
    /// An event reaches a host. Must not wait for its end.
    fn begin(
        &self,
        instance: &Instance,
        order: &Arc<Order>,
        event: &EventName,
        rng: &mut fastrand::Rng,
        answer: Answer,
    ) -> Begun;
}

/// Refuses another object than the one whose eTag a revision names, if it names one, in the agent's words.
///
/// Source: official agent 1.8.1, command_executor, which looks past quotes.
pub fn refuse_other(expected: Option<&str>, object: &Object) -> Result<(), String> {
    let actual = bare_etag(&object.etag);
    match expected.map(bare_etag) {
        Some(expected) if expected != actual => {
            Err(format!("Expected deployment artifact bundle etag {expected} but was actually {actual}"))
        }
        _ => Ok(()),
    }
}

/// What a host reports where no script is to blame.
pub fn unknown_error(message: impl Into<String>) -> Diagnostics {
    Diagnostics {
        error_code: LifecycleErrorCode::UnknownError,
        script_name: String::new(),
        message: message.into(),
        log_tail: String::new(),
    }
}
