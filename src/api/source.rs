//! The calls of a watch. The watch paces and counts its own tries: it is given [`Api::once`].

use super::{Api, ApiError, Wait};
use crate::model::{Deployment, DeploymentConfig, Target, TargetStatus};
use crate::watch::source::{Seen, Source};

impl Source for Api {
    async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let seen = Api::deployment(self, id).await?;
        Ok(Seen { value: seen.value, date: seen.date })
    }

    async fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ApiError> {
        Api::target_ids(self, id, statuses, token).await
    }

    async fn targets(&self, id: &str, ids: &[String]) -> Result<Vec<Target>, ApiError> {
        Ok(Api::targets(self, id, ids).await?.value)
    }

    async fn config(&self, name: &str) -> Result<DeploymentConfig, ApiError> {
        Ok(Api::config(self, name).await?.value)
    }

    async fn stop(&self, id: &str, rollback: Option<bool>) -> Result<(), ApiError> {
        self.stop_deployment(id, rollback).await.map(drop)
    }

    async fn proceed(&self, id: &str, wait: Wait) -> Result<(), ApiError> {
        self.continue_deployment(id, wait).await
    }
}
