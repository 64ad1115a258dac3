//! What a command is given: settings, the streams, the API on first use.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::api::{Api, Ask, Calls};
use crate::clock;
use crate::error::Failure;
use crate::exit::Exit;
use crate::settings::{Environment, Settings};
use crate::signals::Signals;
use crate::ui::Ui;
use crate::watch::budget::Ledger;

pub struct Context {
    pub settings: Settings,
    pub environment: Environment,
    pub ui: Ui,
    pub signals: Signals,
    /// The calls to CodeDeploy that the command makes, in whichever region.
    pub ledger: Ledger,
    api: Connected,
}

/// The API, and after it the one that took its place.
#[derive(Default)]
struct Connected {
    api: OnceCell<Arc<Api>>,
    next: OnceLock<Box<Connected>>,
}

impl Connected {
    fn last(&self) -> &Connected {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        last
    }
}

impl Context {
    pub fn new(settings: Settings, environment: Environment, ui: Ui) -> Self {
        let (signals, ledger, api) = (Signals::default(), Ledger::default(), Connected::default());
        Context { settings, environment, ui, signals, ledger, api }
    }

    /// The same streams and signals for another command with its own settings.
    pub fn with(&self, settings: Settings) -> Self {
        Context {
            settings,
            environment: self.environment.clone(),
            ui: self.ui.clone(),
            signals: self.signals.clone(),
            ledger: self.ledger.clone(),
            api: Connected::default(),
        }
    }

    /// Connects when first asked: a command that calls nothing needs no region and no credentials.
    pub async fn api(&self) -> anyhow::Result<&Arc<Api>> {
        self.api
            .last()
            .api
            .get_or_try_init(|| async {
                let ui = self.ui.clone();
                let ask: Ask = Arc::new(move |question| {
                    let ui = ui.clone();
                    Box::pin(async move { ui.ask_unseen(&question).await })
                });
                let (connection, ledger) = (&self.settings.connection, self.ledger.clone());
                Api::connect(connection, ask, self.calls(), ledger).await.map(Arc::new)
            })
            .await
    }

    /// The time by CodeDeploy's clock when it last answered; by our own where it has not.
    pub fn service_time(&self) -> Timestamp {
        self.api.last().api.get().and_then(|api| api.last_answered()).unwrap_or_else(clock::now)
    }

    /// Calls from now on go by `api`, whose credentials were asked for anew.
    pub fn renew(&self, api: Arc<Api>) {
        let renewed = Connected { api: OnceCell::from(api), next: OnceLock::new() };
        // Nobody else renews meanwhile: a command watches and then goes on.
        let _ = self.api.last().next.set(Box::new(renewed));
    }

    /// Where `--verbose` goes.
    fn calls(&self) -> Option<Calls> {
        let ui = self.ui.clone();
        let tell = move |line: &str| ui.show(&crate::ui::line(line));
        (self.settings.verbose > 0).then(|| Calls::new(self.settings.verbose > 1, tell))
    }

    /// Does work that blocks on a thread of its own, so that a signal still ends the command.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    /// Asks before something is destroyed; off a terminal `--yes` is needed.
    pub async fn confirm(&self, question: &str) -> anyhow::Result<()> {
        if self.settings.yes {
            return Ok(());
        }
        match self.ui.ask(question).await? {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::new("nothing was done: the answer was no").into()),
            None => Err(Failure::new(format!("{question} There is no terminal to ask on"))
                .help("pass --yes")
                .exit(Exit::Usage)
                .into()),
        }
    }
}
