//! The only place that calls AWS: connect, errors, pages and batches, wire JSON, conversions.

mod account;
mod acts;
pub mod batch;
mod calls;
mod connect;
mod convert;
mod deployments;
mod download;
mod ecs;
mod entered;
pub mod error;
mod exceptions;
mod groups;
mod http;
pub mod input;
mod operation;
mod pages;
mod parts;
mod raw;
mod regions;
mod resume;
mod retry;
mod revisions;
mod role_cache;
mod roles;
mod shape;
pub mod source;
mod sources;
mod steady;
mod tries;
mod upload;

use aws_config::SdkConfig;
use serde_json::Value;
use tokio::sync::OnceCell;

pub use account::strings;
pub use acts::Wait;
pub use calls::Calls;
pub use connect::{SANDBOX_KEY, profile_names};
pub use deployments::{CreateDeployment, Created, NotCreated};
pub use ecs::EcsService;
pub use error::{ApiError, ErrorKind};
pub use exceptions::{advice, exception};
pub use http::is_loopback;
pub use operation::{ALL, Operation, Pages};
pub use regions::REGIONS;
pub use resume::Open;
pub use revisions::{Stored, wire_revision};
pub use roles::Ask;
pub use shape::Shape;
pub use steady::Steady;
pub use tries::Tries;
pub use upload::{Ended, Left, Put, Uploaded};

use crate::settings::Connection;
use crate::watch::budget::Ledger;
use entered::Entered;

/// The services, as a command sees them. Clients are made on first use.
pub struct Api {
    config: SdkConfig,
    codedeploy: aws_sdk_codedeploy::Client,
    s3: OnceCell<aws_sdk_s3::Client>,
    /// A custom endpoint stands for AWS: S3 is spoken to by path.
    custom_endpoint: bool,
    last_date: raw::LastDate,
    /// `--endpoint-url` was given: it holds for every service.
    endpoint_is_a_flag: bool,
    calls: Option<Calls>,
    ledger: Ledger,
}

/// An answer: as the tool reads it, and as the service wrote it (timestamps made readable).
#[derive(Clone, Debug)]
pub struct Seen<T> {
    pub value: T,
    pub json: Value,
    /// The answer's `Date`.
    pub date: Option<jiff::Timestamp>,
}

impl<T> Seen<Vec<T>> {
    /// Each item with its own JSON, which is under `name`.
    pub fn rows(mut self, name: &str) -> impl Iterator<Item = (T, Value)> {
        let json = match self.json.get_mut(name).map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        self.value.into_iter().zip(json)
    }
}

impl Api {
    /// Errors name what is missing (region, profile); no connection is opened yet.
    ///
    /// `ask` is asked for the code of a multi-factor device, where the profile's role needs one; `calls` is told of
    /// every call, and those to CodeDeploy are entered in `ledger`.
    pub async fn connect(
        connection: &Connection,
        ask: Ask,
        calls: Option<Calls>,
        ledger: Ledger,
    ) -> anyhow::Result<Self> {
        let config = connect::configuration(connection, ask, calls.clone()).await?;
        let last_date = raw::LastDate::default();
        let mut codedeploy = aws_sdk_codedeploy::config::Builder::from(&config)
            .retry_classifier(retry::WrongAddress)
            .retry_classifier(retry::Gateway)
            .interceptor(last_date.clone())
            .interceptor(Entered(ledger.clone()));
        if let Some(calls) = calls.clone() {
            codedeploy = codedeploy.interceptor(calls);
        }
        Ok(Api {
            codedeploy: aws_sdk_codedeploy::Client::from_conf(codedeploy.build()),
            last_date,
            endpoint_is_a_flag: connection.endpoint_url.is_some(),
            s3: OnceCell::new(),
            calls,
            ledger,
            custom_endpoint: connection.endpoint_url.is_some() || config.endpoint_url().is_some(),
            config,
        })
    }

    /// The same services with each call sent once and entered nowhere: for callers that count and pace their own tries.
    pub fn once(&self) -> Self {
        let mut builder = aws_sdk_codedeploy::config::Builder::from(&self.config)
            .retry_config(aws_config::retry::RetryConfig::disabled());
        if let Some(calls) = self.calls.clone() {
            builder = builder.interceptor(calls);
        }
        Api {
            codedeploy: aws_sdk_codedeploy::Client::from_conf(builder.build()),
            s3: OnceCell::new(),
            custom_endpoint: self.custom_endpoint,
            last_date: self.last_date.clone(),
            endpoint_is_a_flag: self.endpoint_is_a_flag,
            config: self.config.clone(),
            calls: self.calls.clone(),
            ledger: self.ledger.clone(),
        }
    }

    /// The time by CodeDeploy's clock when it last answered.
    pub fn last_answered(&self) -> Option<jiff::Timestamp> {
        self.last_date.get()
    }

    /// How often a call is tried.
    pub fn attempts(&self) -> u32 {
        self.config.retry_config().map_or(1, aws_config::retry::RetryConfig::max_attempts)
    }

    /// The region that is called.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", AsRef::as_ref)
    }

    /// The endpoint is on this machine: a sandbox, not AWS.
    pub fn is_local(&self) -> bool {
        self.config.endpoint_url().is_some_and(http::is_loopback)
    }

    async fn s3(&self) -> &aws_sdk_s3::Client {
        self.s3
            .get_or_init(|| async {
                let timeouts = aws_config::timeout::TimeoutConfig::builder()
                    .connect_timeout(std::time::Duration::from_secs(5))
                    .build();
                let mut builder = aws_sdk_s3::config::Builder::from(&self.config)
                    .retry_classifier(retry::WrongAddress)
                    .retry_classifier(retry::Gateway)
                    // A read time-out would count the whole upload; stalls are caught by the SDK itself.
                    .timeout_config(timeouts);
                builder.set_force_path_style(Some(self.custom_endpoint));
                if let Some(calls) = self.calls.clone() {
                    builder = builder.interceptor(calls);
                }
                aws_sdk_s3::Client::from_conf(builder.build())
            })
            .await
    }
}

/// Sends a fluent builder and keeps the raw answer: `Result<(Output, Answer), ApiError>`.
macro_rules! call {
    ($operation:literal, $builder:expr) => {{
        let answer = $crate::api::raw::Answer::default();
        match $builder.customize().interceptor(answer.clone()).send().await {
            Ok(output) => Ok((output, answer)),
            Err(error) => Err($crate::api::error::from_sdk($operation, &error)),
        }
    }};
}
use call;
