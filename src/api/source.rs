//! The calls of a watch. The watch paces and counts its own tries: each call is sent once. Credentials that were refused
//! are asked for again from the beginning, since a client keeps those that tell no expiry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{self as api, Api, ApiError, Ask, Calls, Wait};
use crate::model::{Deployment, DeploymentConfig, Target, TargetStatus};
use crate::settings::Connection;
use crate::watch::budget::Ledger;
use crate::watch::source::{Seen, Source};

/// The service under watch, behind credentials that may expire.
pub struct Watching {
    connection: Connection,
    calls: Option<Calls>,
    ledger: Ledger,
    api: RwLock<Arc<Api>>,
    /// The API for a command that goes on, where the credentials were asked for anew.
    renewed: Mutex<Option<Arc<Api>>>,
    /// The last answer about each deployment.
    last: Mutex<HashMap<String, api::Seen<Deployment>>>,
}

impl Watching {
    pub fn new(api: &Api, connection: &Connection) -> Self {
        Watching {
            connection: connection.clone(),
            calls: api.calls.clone(),
            ledger: api.ledger.clone(),
            api: RwLock::new(Arc::new(api.once())),
            renewed: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The API with the credentials that were asked for anew, for calls after the watch; once.
    pub fn renewed(&self) -> Option<Arc<Api>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the service said of deployment `id` when it was looked at last.
    pub fn last(&self, id: &str) -> Option<api::Seen<Deployment>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Source for Watching {
    async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let seen = self.api().deployment(id).await?;
        let told = Seen { value: seen.value.clone(), date: seen.date };
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), seen);
        Ok(told)
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
        let connected = Api::connect(&self.connection, ask, self.calls.clone(), self.ledger.clone()).await;
        if let Ok(api) = connected {
            *self.api.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(api.once());
            *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(api));
        }
    }
}
