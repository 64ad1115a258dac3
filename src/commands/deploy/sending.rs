//! CreateDeployment, made once: the call has no client token, so that one whose answer was lost is looked for
//! before it is sent again. A signal meanwhile waits for the answer, so that nobody leaves a deployment unknown.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::create::written;
use super::retry::plain;
use crate::api::{Api, ApiError, CreateDeployment, Created, ErrorKind, NotCreated};
use crate::clock;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::{Creator, Deployment};
use crate::signals::{self, Listener};
use crate::watch::sleep;

/// Before each look for a deployment that may have been made: a request may still be at work when its answer is
/// given up.
const LOOKS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
/// How many of the group's newest deployments are looked at.
const NEWEST: usize = 25;
/// The service's `Date` has whole seconds, and its machines need not agree to the last one.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);
/// How long the answer is waited for after a signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// A deployment that was made.
#[derive(Debug)]
pub struct Made {
    pub created: Created,
    /// Has listened since before it was asked for: what it has heard is for whoever goes on with the deployment.
    pub signals: Listener,
}

/// Told beside the error where it is not known whether a deployment was made.
#[derive(Debug)]
pub struct Untold;

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer has come")
    }
}

/// Sends it until it is known whether the deployment was made, and gives that deployment or the refusal. After a signal
/// the answer is still waited for, for a moment, and nothing more is sent.
///
/// # Errors
/// It cannot be found out whether the deployment was made, or every answer was lost. After a signal also a refusal.
pub async fn send(context: &Context, request: &CreateDeployment) -> anyhow::Result<Result<Made, ApiError>> {
    // Whoever is asked for credentials first may leave at once.
    context.api().await?;
    let (mut signals, kept) = (context.signals.listen(), context.signals.listen());
    let made = |created| Made { created, signals: kept };
    let left = Cell::new(false);
    let mut answer = pin!(answered(context, request, &left));
    let signal = tokio::select! {
        biased;
        answer = &mut answer => return Ok(answer?.map(made)),
        signal = signals.next() => signal,
    };
    left.set(true);
    let group = format!("{}/{}", request.application, request.group);
    context.ui.note("the deployment may have been made: waiting for its id; another ^C leaves at once");
    let (answer, signal) = tokio::select! {
        biased;
        answer = answer => (Some(answer), signal),
        again = signals.next() => (None, again),
        () = sleep(PATIENCE) => (None, signal),
    };
    let exit = signals::exit(signal);
    Err(match answer {
        Some(Ok(Ok(created))) => return Ok(Ok(made(created))),
        Some(Ok(Err(error))) => {
            Failure::api(format!("nothing was deployed to {group}"), &error).exit(exit).into()
        }
        Some(Err(error)) => {
            let untold = error.is::<Untold>();
            let error = anyhow::Error::new(Failure::of(error).exit(exit));
            if untold { error.context(Untold) } else { error }
        }
        None => {
            let failure = Failure::new(format!("{Untold}: a deployment of {group} may have been made"))
                .help(format!("find it with `cdctl deploy list {group}`"));
            anyhow::Error::new(failure.exit(exit)).context(Untold)
        }
    })
}

/// The answer, once there is one. Nothing is sent again once the user has `left`.
async fn answered(
    context: &Context,
    request: &CreateDeployment,
    left: &Cell<bool>,
) -> anyhow::Result<Result<Created, ApiError>> {
    let api = context.api().await?;
    // By the service's own clock, which its last answer told: ours may be another.
    let now = api.last_answered().unwrap_or_else(clock::now);
    let since = now.checked_sub(GRAIN).unwrap_or(Timestamp::MIN);
    let mut lost: Option<ApiError> = None;
    for attempt in 1..=api.attempts() {
        match api.create_deployment(request).await {
            Ok(created) => return Ok(Ok(created)),
            Err(NotCreated::Refused(error)) if lost.is_some() && error.kind == ErrorKind::Busy => {
                // What keeps the group busy may be what the lost answer told of.
                return Ok(match look(api, request, since, &error).await? {
                    Some(id) => Ok(found(context, id)),
                    None => Err(error),
                });
            }
            Err(NotCreated::Refused(error)) => return Ok(Err(error)),
            Err(NotCreated::Lost(error)) => {
                context.ui.note(&format!("the answer was lost ({error}); looking for the deployment"));
                for pause in LOOKS {
                    sleep(pause).await;
                    if let Some(id) = look(api, request, since, &error).await? {
                        return Ok(Ok(found(context, id)));
                    }
                }
                lost = Some(error);
                if left.get() {
                    break;
                }
                if attempt < api.attempts() {
                    context.ui.note("there is none: sending it again");
                }
            }
        }
    }
    let what = format!("cannot deploy to {}/{}", request.application, request.group);
    Err(match lost {
        Some(error) => Failure::api(format!("{what}: no answer came, and no deployment was made"), &error),
        None => Failure::new(what),
    }
    .into())
}

/// A request as somebody wrote it, to be sent as it is; none where it lacks what a look needs, or names no known
/// revision: nothing comes of it then.
pub fn as_written(request: &Value) -> Option<CreateDeployment> {
    let text = |member: &str| request.get(member).and_then(Value::as_str).map(str::to_owned);
    let group = GroupName { application: text("applicationName")?, group: text("deploymentGroupName")? };
    let revision = request.get("revision").map(written::revision).transpose().ok()?;
    let made = plain(&group, revision, text("description"));
    Some(CreateDeployment { overrides: request.as_object()?.clone(), ..made })
}

/// The deployment that this request made, if one is there.
async fn look(
    api: &Api,
    request: &CreateDeployment,
    since: Timestamp,
    lost: &ApiError,
) -> anyhow::Result<Option<String>> {
    let newest = async {
        let ids = api.deployment_ids(&request.application, &request.group, NEWEST).await?;
        api.deployments(&ids).await
    };
    let seen = newest.await.map_err(|error| unknown(request, lost, &error))?;
    Ok(seen.value.iter().find(|deployment| made_by(deployment, request, since)).map(|it| it.id.clone()))
}

/// Same revision (a restart names none), same description, created since.
fn made_by(deployment: &Deployment, request: &CreateDeployment, since: Timestamp) -> bool {
    deployment.create_time.is_some_and(|time| time >= since)
        && deployment.creator.as_ref().is_none_or(|creator| *creator == Creator::User)
        && deployment.description.as_deref().unwrap_or_default()
            == request.description.as_deref().unwrap_or_default()
        && request.revision.as_ref().is_none_or(|wanted| {
            deployment.revision.as_ref().is_some_and(|revision| revision.same_object(wanted))
        })
}

fn found(context: &Context, id: String) -> Created {
    context.ui.note(&format!("deployment {id} was made"));
    Created { json: json!({ "deploymentId": id }), id }
}

fn unknown(request: &CreateDeployment, lost: &ApiError, why: &ApiError) -> anyhow::Error {
    let group = format!("{}/{}", request.application, request.group);
    let what = format!("it is not known whether a deployment of {group} was made: {}", lost.message);
    let failure = Failure::api(what, why)
        .help(format!("look before you deploy again: `cdctl deploy list {group}`"))
        .exit(Exit::Unknown);
    anyhow::Error::new(failure).context(Untold)
}
