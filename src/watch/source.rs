//! What a watch asks the service: four calls to look, and two for what the user wants done. The API
//! client implements it; tests answer from a script.

use jiff::Timestamp;

use crate::api::{ApiError, Wait};
use crate::model::{Deployment, DeploymentConfig, Target, TargetStatus};

/// The most targets that one BatchGetDeploymentTargets may ask for.
///
/// Source: API reference, `BatchGetDeploymentTargets`.
pub const BATCH: usize = 25;

/// An answer, with the service's time where the answer told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    pub value: T,
    /// The answer's `Date`.
    pub date: Option<Timestamp>,
}

/// The calls of a watch. Each is one request to the service, so that a budget of calls holds.
pub trait Source: Send + Sync + 'static {
    /// GetDeployment.
    fn deployment(&self, id: &str) -> impl Future<Output = Result<Seen<Deployment>, ApiError>> + Send;

    /// One page of ListDeploymentTargets, and the token of the next; no `statuses` means all targets.
    fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> impl Future<Output = Result<(Vec<String>, Option<String>), ApiError>> + Send;

    /// BatchGetDeploymentTargets, for at most [`BATCH`] ids.
    fn targets(&self, id: &str, ids: &[String])
    -> impl Future<Output = Result<Vec<Target>, ApiError>> + Send;

    /// GetDeploymentConfig.
    fn config(&self, name: &str) -> impl Future<Output = Result<DeploymentConfig, ApiError>> + Send;

    /// StopDeployment; `rollback` overrides the deployment's own settings.
    fn stop(&self, id: &str, rollback: Option<bool>) -> impl Future<Output = Result<(), ApiError>> + Send;

    /// ContinueDeployment.
    fn proceed(&self, id: &str, wait: Wait) -> impl Future<Output = Result<(), ApiError>> + Send;
}
