//! `/_cdctl/`: the sandbox's own switches: faults, changes of the fleet, and a look at it. No bucket can have that name.
//!
//! Like every other request it must come from this machine and from no foreign web page (`loopback`).

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use s3s::Body;
use serde_json::{Value, json};

use super::collect;
use crate::sandbox::Sandbox;
use crate::sandbox::fault::{ApiFault, InForce};
use crate::sandbox::fleet::{self, Change, Fault};
use crate::sandbox::store::Millis;

const FOLDER: &str = "/_cdctl/";

/// Whether the request is for these endpoints.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    request.uri().path().starts_with(FOLDER)
}

impl Sandbox {
    pub(super) async fn control(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let result = match parts.uri.path().strip_prefix(FOLDER) {
            Some("faults") => self.control_faults(&parts, body).await,
            Some("changes") => self.control_changes(&parts, body).await,
            Some("fleet") => self.control_fleet(&parts).await,
            _ => Err("the sandbox has faults, changes and fleet here".to_owned()),
        };
        let (status, body) = match result {
            Ok(body) => (StatusCode::OK, body),
            Err(why) => (StatusCode::BAD_REQUEST, json!({"error": why})),
        };
        self.respond(status.as_u16(), "application/json", &self.request_id(), body.to_string().into_bytes())
    }

    /// GET lists, POST adds the fault in its body, DELETE ends the fault named by `?id=`, or all.
    async fn control_faults(&self, parts: &Parts, body: Body) -> Result<Value, String> {
        match parts.method {
            Method::GET => Ok(self.list_faults()),
            Method::POST => {
                let posted = posted(parts, body).await?;
                if posted.get("outcome").is_some() {
                    let fault = serde_json::from_value(posted).map_err(|error| error.to_string())?;
                    Ok(json!(self.add_host_fault(fault)?))
                } else {
                    let fault = serde_json::from_value(posted).map_err(|error| error.to_string())?;
                    Ok(json!(self.add_fault(fault)?))
                }
            }
            Method::DELETE => {
                match parts.uri.query().map(|query| query.strip_prefix("id=").map(str::parse)) {
                    None => Ok(json!({"cleared": self.clear_faults(None)})),
                    Some(Some(Ok(id))) => Ok(json!({"cleared": self.clear_faults(Some(id))})),
                    Some(_) => Err("the id of a fault is a number".to_owned()),
                }
            }
            _ => Err("faults are listed, added and cleared with GET, POST and DELETE".to_owned()),
        }
    }

    /// POST makes the change in its body, written as in a fleet file's timeline.
    async fn control_changes(&self, parts: &Parts, body: Body) -> Result<Value, String> {
        if parts.method != Method::POST {
            return Err("a change is made with POST".to_owned());
        }
        let change: Change =
            serde_json::from_value(posted(parts, body).await?).map_err(|error| error.to_string())?;
        let conductor = Arc::clone(&self.conductor);
        let changed = tokio::task::spawn_blocking(move || conductor.change(change)).await;
        let changed = changed.map_err(|error| error.to_string())??;
        self.shared.journal.settled().await?;
        Ok(json!(changed))
    }

    /// GET shows the fleet as the region named by `?region=` has it.
    async fn control_fleet(&self, parts: &Parts) -> Result<Value, String> {
        let region = parts.uri.query().and_then(|query| query.strip_prefix("region="));
        let region = region.ok_or("the fleet of which ?region=").map(ToOwned::to_owned)?;
        let conductor = Arc::clone(&self.conductor);
        let fleet = tokio::task::spawn_blocking(move || conductor.fleet(&region)).await;
        Ok(json!(fleet.map_err(|error| error.to_string())??))
    }

    fn list_faults(&self) -> Value {
        let now = self.shared.clock.now();
        let hosts = self.conductor.host_faults().map(|faults| faults.list(now)).unwrap_or_default();
        let calls = self.faults.list(now);
        let mut all: Vec<(u64, Value)> = calls.iter().map(|fault| (fault.id, json!(fault))).collect();
        all.extend(hosts.iter().map(|fault| (fault.id, json!(fault))));
        all.sort_by_key(|(id, _)| *id);
        json!({"faults": all.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>()})
    }

    fn clear_faults(&self, id: Option<u64>) -> usize {
        self.faults.clear(id) + self.conductor.host_faults().map_or(0, |faults| faults.clear(id))
    }

    fn end_of(&self, lasts: Option<std::time::Duration>) -> Millis {
        let clock = &self.shared.clock;
        lasts.map_or(Millis::MAX, |lasts| clock.now().saturating_add(clock.span(lasts)))
    }

    /// Puts a fault of the API in force, for as long as it says.
    ///
    /// # Errors
    /// A fault that makes no sense.
    pub fn add_fault(&self, fault: ApiFault) -> Result<InForce, String> {
        let until = self.end_of(fault.lasts);
        self.faults.add(fault, until)
    }

    /// Puts a fault of hosts in force, for as long as it says.
    ///
    /// # Errors
    /// A fault that makes no sense, or no hosts.
    pub fn add_host_fault(&self, fault: Fault) -> Result<fleet::InForce, String> {
        let faults = self.conductor.host_faults().ok_or(crate::sandbox::NO_HOSTS)?;
        let until = self.end_of(fault.lasts);
        faults.add(fault, until)
    }
}

/// The JSON of a body.
async fn posted(parts: &Parts, body: Body) -> Result<Value, String> {
    // A plain web form cannot send this type: a page that hides its origin gets nowhere.
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type != Some("application/json") {
        return Err("it is sent as application/json".to_owned());
    }
    let body = collect(body).await.map_err(|refusal| refusal.message)?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}
