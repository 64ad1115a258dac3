//! The calls of a watch. The watch paces and counts its own tries: each call is sent once. Credentials that were refused
//! are asked for again from the beginning, since a client keeps those that tell no expiry.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Api, ApiError, Ask, Calls, Wait};
use crate::model::{Deployment, DeploymentConfig, Target, TargetStatus};
use crate::settings::Connection;
use crate::watch::source::{Seen, Source};

/// The service under watch, behind credentials that may expire.
pub struct Watching {
    connection: Connection,
    calls: Option<Calls>,
    api: RwLock<Arc<Api>>,
}

impl Watching {
    pub fn new(api: &Api, connection: &Connection) -> Self {
        let (connection, calls) = (connection.clone(), api.calls.clone());
        Watching { connection, calls, api: RwLock::new(Arc::new(api.once())) }
    }

    fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Source for Watching {
    async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let seen = self.api().deployment(id).await?;
        Ok(Seen { value: seen.value, date: seen.date })
    }

    async fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ApiError> {
        self.api().target_ids(id, statuses, token).await
    }

    async fn targets(&self, id: &str, ids: &[String]) -> Result<Vec<Target>, ApiError> {
        Ok(self.api().targets(id, ids).await?.value)
    }

    async fn config(&self, name: &str) -> Result<DeploymentConfig, ApiError> {
        Ok(self.api().config(name).await?.value)
    }

    async fn stop(&self, id: &str, rollback: Option<bool>) -> Result<(), ApiError> {
        self.api().stop_deployment(id, rollback).await.map(drop)
    }

    async fn proceed(&self, id: &str, wait: Wait) -> Result<(), ApiError> {
        self.api().continue_deployment(id, wait).await
    }

    async fn renew(&self) {
        // Nobody is asked for a code while a view has the screen.
        let ask: Ask = Arc::new(|_| Box::pin(async { Ok(None) }));
        // What is refused again is told by the next call.
        if let Ok(api) = Api::connect(&self.connection, ask, self.calls.clone()).await {
            *self.api.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(api.once());
        }
    }
}
