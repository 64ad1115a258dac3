//! What is done to a deployment under way beside stopping it.

use serde_json::Value;

use super::{Api, ApiError, call};

/// Which of its waits a deployment is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Before the traffic moves.
    Ready,
    /// Before the original fleet ends.
    Termination,
}

impl Wait {
    /// The API's `DeploymentWaitType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Wait::Ready => "READY_WAIT",
            Wait::Termination => "TERMINATION_WAIT",
        }
    }
}

impl Api {
    /// ContinueDeployment: ends a wait.
    pub async fn continue_deployment(&self, id: &str, wait: Wait) -> Result<(), ApiError> {
        let request = self.codedeploy.continue_deployment().deployment_id(id);
        call!("ContinueDeployment", request.deployment_wait_type(wait.as_str().into())).map(drop)
    }

    /// PutLifecycleEventHookExecutionStatus: what a hook's function would answer. Gives the service's answer.
    pub async fn put_hook_status(&self, id: &str, execution: &str, status: &str) -> Result<Value, ApiError> {
        let request = self
            .codedeploy
            .put_lifecycle_event_hook_execution_status()
            .deployment_id(id)
            .lifecycle_event_hook_execution_id(execution)
            .status(status.into());
        let (_, answer) = call!("PutLifecycleEventHookExecutionStatus", request)?;
        Ok(answer.json())
    }
}
