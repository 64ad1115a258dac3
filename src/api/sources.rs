//! Where credentials come from when no role is assumed here, and the words for those that could not be had: the SDK's
//! own name neither the profile nor the file.

use std::error::Error;
use std::fmt;
use std::io;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::{self, credentials::ImdsCredentialsProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::Calls;
use super::error::last;
use super::retry::chain;

/// A profile that `--profile` names, then the container's and the instance's roles: keys and web identities of the
/// environment are passed over.
///
/// Source: botocore's `create_credential_resolver` with `disable_env_vars`.
pub fn of_profile(name: &str, provider: &ProviderConfig, imds: imds::Client) -> SharedCredentialsProvider {
    let profile = ProfileFileCredentialsProvider::builder().configure(provider).profile_name(name).build();
    let container = EcsCredentialsProvider::builder().configure(provider).build();
    let instance = ImdsCredentialsProvider::builder().configure(provider).imds_client(imds).build();
    let chain = CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance);
    SharedCredentialsProvider::new(chain)
}

/// The environment first, as where nothing is named.
pub async fn of_environment(
    provider: ProviderConfig,
    region: Option<aws_config::Region>,
    imds: imds::Client,
) -> SharedCredentialsProvider {
    // Without a region it looks for one of its own, at the instance metadata in the end.
    let chain = DefaultCredentialsChain::builder().configure(provider).region(region).imds_client(imds);
    SharedCredentialsProvider::new(chain.build().await)
}

/// A source whose refusals say what they are about.
#[derive(Debug)]
pub struct Named {
    source: SharedCredentialsProvider,
    profile: String,
    /// `--profile` names it.
    explicit: bool,
    single_sign_on: bool,
    /// The file of a web identity.
    token: Option<String>,
    calls: Option<Calls>,
}

impl Named {
    /// `token`: the file of a web identity that the environment names.
    pub fn new(
        source: SharedCredentialsProvider,
        (name, profile): (&str, Option<&Profile>),
        explicit: bool,
        token: Option<String>,
    ) -> Self {
        let has = |member: &str| profile.is_some_and(|profile| profile.get(member).is_some());
        let own = profile.and_then(|profile| profile.get("web_identity_token_file")).map(str::to_owned);
        Named {
            source,
            profile: name.to_owned(),
            explicit,
            single_sign_on: has("sso_session") || has("sso_start_url"),
            token: own.or(token),
            calls: None,
        }
    }

    /// Tells `calls` who was asked where nobody has any.
    pub fn telling(self, calls: Option<Calls>) -> Self {
        Named { calls, ..self }
    }

    fn told(&self, error: CredentialsError) -> CredentialsError {
        let name = &self.profile;
        if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
            if let Some(calls) = &self.calls {
                last(&error).lines().for_each(|line| calls.tell(&format!("credentials: {}", line.trim())));
            }
            return CredentialsError::not_loaded(match self.explicit {
                true => format!("profile {name} has no credentials, and no container or instance gives any"),
                false => format!(
                    "no credentials are in the environment or in profile {name}, and no container or instance gives any"
                ),
            });
        }
        let file = find::<io::Error>(&error).filter(|_| find::<ConnectorError>(&error).is_none());
        match (&self.token, file) {
            _ if self.single_sign_on && find::<ConnectorError>(&error).is_none() => told(format!(
                "{}: sign in with `aws sso login --profile {name}`",
                file.map_or_else(|| last(&error), |_| format!("profile {name} has no session"))
            )),
            (Some(token), Some(cause)) => told(format!("the web identity token {token}: {cause}")),
            _ => error,
        }
    }
}

impl ProvideCredentials for Named {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let given: provider::Result = self.source.provide_credentials().await;
            given.map_err(|error| self.told(error))
        })
    }
}

fn told(text: String) -> CredentialsError {
    CredentialsError::provider_error(Told(text))
}

/// An error that is its text.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Told {}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}
