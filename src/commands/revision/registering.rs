//! Revisions are registered. After a signal the answer to what was sent is still waited for, for a moment.

use std::pin::pin;
use std::time::Duration;

use crate::api::Tries;
use crate::commands::demo::quoted;
use crate::commands::missing;
use crate::context::Context;
use crate::error::Failure;
use crate::model::Revision;
use crate::signals::{self, Listener};
use crate::watch::sleep;

/// How long an answer is waited for after a signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// The application, the revision and its description.
type Wanted<'a> = (&'a str, &'a Revision, Option<&'a str>);

/// What is said.
struct Words {
    waiting: &'static str,
    done: &'static str,
    unknown: &'static str,
    again: String,
    /// Beside the error, and where nothing was sent.
    refused: Option<String>,
}

/// Registers a revision that is where it says.
pub async fn register(context: &Context, wanted: Wanted<'_>) -> anyhow::Result<()> {
    let words = Words {
        waiting: "waiting until it is registered",
        done: "stopped; it is registered",
        unknown: "no answer has come: it may be registered or not",
        again: "the same command does that, also where it is".to_owned(),
        refused: None,
    };
    settle(context, wanted, context.signals.listen(), &words).await
}

/// Registers what was uploaded; where that fails, tells how it is done.
pub async fn pushed(context: &Context, wanted: Wanted<'_>, signals: Listener) -> anyhow::Result<()> {
    let (application, revision, _) = wanted;
    let (revision, application) = (quoted(&revision.to_string()), quoted(application));
    let by_hand = format!("`cdctl revision register {revision} --app {application}`");
    let words = Words {
        waiting: "the bundle is there: waiting until it is registered",
        done: "stopped; the bundle is there and registered",
        unknown: "no answer has come: the bundle is there, and may be registered or not",
        again: format!("{by_hand} does that, also where it is"),
        refused: Some(format!("the bundle is there and not registered: {by_hand} does that")),
    };
    settle(context, wanted, signals, &words).await
}

async fn settle(
    context: &Context,
    wanted: Wanted<'_>,
    mut signals: Listener,
    words: &Words,
) -> anyhow::Result<()> {
    let tries = Tries::default();
    let mut answer = pin!(ask(context, wanted, words, &tries));
    let signal = tokio::select! {
        biased;
        answer = &mut answer => return answer,
        signal = signals.next() => signal,
    };
    if tries.count() == 0 {
        // Whoever is asked for credentials may leave at once.
        let nothing = words.refused.as_deref().unwrap_or("nothing was registered");
        return Err(Failure::new(format!("stopped; {nothing}")).exit(signals::exit(signal)).into());
    }
    context.ui.note(&format!("{}; another ^C leaves at once", words.waiting));
    let (answer, signal) = tokio::select! {
        biased;
        answer = answer => (Some(answer), signal),
        again = signals.next() => (None, again),
        () = sleep(PATIENCE) => (None, signal),
    };
    let failure = match answer {
        Some(Ok(())) => Failure::new(words.done),
        Some(Err(error)) => Failure::of(error),
        None => Failure::new(words.unknown).help(&words.again),
    };
    Err(failure.exit(signals::exit(signal)).into())
}

async fn ask(
    context: &Context,
    (application, revision, description): Wanted<'_>,
    words: &Words,
    tries: &Tries,
) -> anyhow::Result<()> {
    let api = context.api().await?;
    let Err(error) = api.register_revision(application, revision, description, tries).await else {
        context.ui.note(&format!("registered {revision} with application {application}"));
        return Ok(());
    };
    if let Some(refused) = &words.refused {
        context.ui.warn(refused);
    }
    let failure = Failure::api(format!("cannot register {revision} with application {application}"), &error);
    if error.code.as_deref() != Some("ApplicationDoesNotExistException") {
        return Err(failure.into());
    }
    Err(match missing::soon(api.application_names()).await {
        Some(names) => {
            failure.help(missing::suggestion("application", application, &names, api.region())).into()
        }
        None => failure.into(),
    })
}
