//! Settings -> a configured SDK. Beyond the shared config files nothing is read, opened or asked for here, but for
//! the role of a profile: other credentials are resolved when the first request is signed.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{Profile, ProfileFileRegionProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Mutex;

use super::error::deepest;
use super::http::LazyHttp;
use super::role_cache::Cache;
use super::roles::{self, Ask, Roles};
use super::sources::{self, Named};
use super::{ApiError, Calls};
use crate::error::Failure;
use crate::exit::Exit;
use crate::settings::Connection;

/// The sandbox's rule: the secret equals the access key.
pub const SANDBOX_KEY: &str = "sandbox";

/// Instance metadata is the last link of the credential chain; off EC2 its address does not answer, and the
/// AWS SDK's own limits make that a wait of seconds.
const IMDS_CONNECT: Duration = Duration::from_millis(300);
const IMDS_READ: Duration = Duration::from_millis(500);
/// `credential_process` may open a browser or ask for a token.
const CREDENTIALS_LOAD: Duration = Duration::from_secs(300);

/// How often a call is tried where nothing says it.
const ATTEMPTS: u32 = 4;

/// Builds the configuration that all clients share.
pub async fn configuration(
    connection: &Connection,
    ask: Ask,
    calls: Option<Calls>,
) -> anyhow::Result<SdkConfig> {
    let profiles = if connection.sandbox { None } else { Some(profiles(connection).await?) };
    let profile =
        profiles.as_ref().map(|profiles| check_profile(connection, profiles)).transpose()?.flatten();
    let http = LazyHttp::new(if connection.sandbox { None } else { ca_bundle(connection, profile)? });
    let attempts = attempts(connection, profile);
    let retries = RetryConfig::standard().with_max_attempts(attempts);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(connection.connect_timeout)
        .read_timeout(connection.read_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(retries.clone())
        .timeout_config(timeouts.clone())
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_LOAD).build());
    if let Some(url) = &connection.endpoint_url {
        check_endpoint(url)?;
        loader = loader.endpoint_url(url);
    }
    let Some(profiles) = &profiles else {
        let region = connection.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = Credentials::new(SANDBOX_KEY, SANDBOX_KEY, None, None, "sandbox");
        loader = loader.use_fips(false).use_dual_stack(false);
        return Ok(loader.region(Region::new(region)).credentials_provider(credentials).load().await);
    };
    let region = region(connection).await?;
    let provider = ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_http_client(http)
        // Their own would be read from the environment, where the SDK panics on what the AWS CLI takes.
        .with_retry_config(retries)
        .with_timeout_config(timeouts);
    if let Some(profile) = &connection.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.region(region).no_credentials().load().await;
    let mut builder = config.to_builder();
    if config.endpoint_url() == Some("") {
        builder.set_endpoint_url(None);
    }
    let config = builder.service_config(Filled(config)).build();
    // From the environment or the profile, where no flag named one.
    endpoint(&config).as_deref().map(check_endpoint).transpose()?;
    let credentials = credentials(connection, provider, profiles, &config, (ask, calls)).await?;
    Ok(config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(Sendable(credentials)))
        .build())
}

/// What the environment and the profile say of a service; an empty value, on which the SDK panics, says nothing.
#[derive(Debug)]
struct Filled(SdkConfig);

impl LoadServiceConfig for Filled {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.service_config()?.load_config(key).filter(|value| !value.is_empty())
    }
}

/// Credentials that fit into the header of a request; on others the SDK panics.
#[derive(Debug)]
struct Sendable(SharedCredentialsProvider);

impl ProvideCredentials for Sendable {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.0.provide_credentials().await?;
            let fits = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
            let wrong = if !fits(credentials.access_key_id()) {
                "access key id"
            } else if !credentials.session_token().is_none_or(fits) {
                "session token"
            } else {
                return Ok(credentials);
            };
            Err(CredentialsError::invalid_configuration(format!(
                "the {wrong} has a character that no key has, such as a line break at its end"
            )))
        })
    }
}

/// Flag, then environment, then profile.
fn attempts(connection: &Connection, profile: Option<&Profile>) -> u32 {
    let configured = || profile?.get("max_attempts")?.parse().ok().filter(|&attempts| attempts > 0);
    connection.max_attempts.or_else(configured).unwrap_or(ATTEMPTS)
}

/// Flag, then environment, then profile; never instance metadata.
async fn region(connection: &Connection) -> anyhow::Result<Region> {
    let region = match &connection.region {
        Some(region) => Region::new(region.clone()),
        None => configured_region(connection).await?,
    };
    let is_label = |name: &str| {
        (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if is_label(region.as_ref()) {
        return Ok(region);
    }
    let name = region.as_ref().escape_default();
    Err(Failure::new(format!("`{name}` is no region")).help("a region is written like us-east-1").into())
}

async fn configured_region(connection: &Connection) -> anyhow::Result<Region> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &connection.profile {
        profile = profile.profile_name(name);
    }
    let chain =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
    chain.region().await.ok_or_else(|| {
        Failure::new("no AWS region is set")
            .help("pass `--region REGION`, set AWS_REGION, or put `region = …` into your profile in ~/.aws/config")
            .into()
    })
}

/// An explicit `--profile` beats keys in the environment. A role is assumed here and now: what
/// stands in the way is told before anything is called, and a code is asked for while nothing is on the screen.
async fn credentials(
    connection: &Connection,
    provider: ProviderConfig,
    profiles: &ProfileSet,
    config: &SdkConfig,
    (ask, calls): (Ask, Option<Calls>),
) -> anyhow::Result<SharedCredentialsProvider> {
    let imds = imds::Client::builder()
        .configure(&provider)
        .connect_timeout(IMDS_CONNECT)
        .read_timeout(IMDS_READ)
        .max_attempts(1)
        .build();
    let name = profiles.selected_profile().to_owned();
    let keys_come_first = connection.profile.is_none()
        && EnvironmentVariableCredentialsProvider::new().provide_credentials().await.is_ok();
    if !keys_come_first && profiles.get_profile(&name).is_some_and(roles::is_role) {
        let roles = Roles {
            profiles: profiles.clone(),
            profile: name.clone(),
            provider,
            imds,
            sts: config.clone(),
            cache: Cache(connection.home.as_ref().map(|home| home.join(".aws/cli/cache"))),
            ask,
            asked: AtomicBool::new(false),
            last: Mutex::default(),
        };
        let cannot = format!("the role of profile {name} cannot be assumed");
        roles.provide_credentials().await.map_err(|error| {
            match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<ApiError>()) {
                Some(refusal) => Failure::api(cannot, refusal),
                None => Failure::new(cannot).cause(deepest(&error)),
            }
        })?;
        return Ok(SharedCredentialsProvider::new(roles));
    }
    let explicit = connection.profile.is_some();
    let source = match explicit {
        true => sources::of_profile(&name, &provider, imds),
        false => sources::of_environment(provider, config.region().cloned(), imds).await,
    };
    let token = connection.web_identity.clone().filter(|_| !explicit);
    let named = Named::new(source, (&name, profiles.get_profile(&name)), explicit, token).telling(calls);
    Ok(SharedCredentialsProvider::new(named))
}

/// The profile that counts. One that is asked for and not there is named; the SDK would pass over it in silence.
fn check_profile<'a>(
    connection: &Connection,
    profiles: &'a ProfileSet,
) -> anyhow::Result<Option<&'a Profile>> {
    let selected = profiles.selected_profile();
    let profile = profiles.get_profile(selected);
    if profile.is_some() || (selected == "default" && connection.profile.is_none()) {
        return Ok(profile);
    }
    let names: Vec<&str> = profiles.profiles().collect();
    let help = match crate::error::nearest(selected, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "no profile is configured; see `aws configure`".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    };
    Err(Failure::new(format!("profile {selected} does not exist in the AWS config files")).help(help).into())
}

/// The names of all profiles, sorted.
///
/// # Errors
/// The AWS config files cannot be read.
pub async fn profile_names(connection: &Connection) -> anyhow::Result<Vec<String>> {
    let profiles = profiles(connection).await?;
    let mut names: Vec<String> = profiles.profiles().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

async fn profiles(connection: &Connection) -> anyhow::Result<ProfileSet> {
    let files = aws_runtime::env_config::file::EnvConfigFiles::default();
    let name = connection.profile.clone().map(Into::into);
    aws_config::profile::load(
        &aws_types::os_shim_internal::Fs::real(),
        &aws_types::os_shim_internal::Env::real(),
        &files,
        name,
    )
    .await
    .map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Failure::new("the AWS config files cannot be read").cause(cause).into()
    })
}

/// CodeDeploy's endpoint as it was written: `SdkConfig::endpoint_url` is silent of one that does not parse.
fn endpoint(config: &SdkConfig) -> Option<String> {
    let builder = ServiceConfigKey::builder().service_id("CodeDeploy").env("AWS_ENDPOINT_URL");
    let key = builder.profile("endpoint_url").build().ok()?;
    let own = config.service_config().and_then(|services| services.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn check_endpoint(url: &str) -> anyhow::Result<()> {
    let uri = url.parse::<http::Uri>();
    if let Ok(uri) = &uri
        && matches!((uri.scheme_str(), uri.host()), (Some("http" | "https"), Some(_)))
    {
        return Ok(());
    }
    let meant = format!("http://{url}");
    let meant = meant.parse::<http::Uri>().is_ok_and(|uri| uri.port().is_some()).then_some(meant);
    let help = match meant.filter(|_| !url.contains("://")) {
        Some(meant) => format!("write {meant}"),
        None => "write it as http://127.0.0.1:4577 or https://host".to_owned(),
    };
    let why = match uri {
        Err(error) if url.contains("://") => error.to_string(),
        _ => "it needs http:// or https:// and a host".to_owned(),
    };
    Err(Failure::new(format!("the endpoint `{url}` is not a URL: {why}")).help(help).exit(Exit::Usage).into())
}

/// The PEM file's bytes; the HTTP client panics where one does not parse.
fn ca_bundle(connection: &Connection, profile: Option<&Profile>) -> anyhow::Result<Option<Vec<u8>>> {
    let configured = profile.and_then(|profile| profile.get("ca_bundle")).map(PathBuf::from);
    let Some(path) = connection.ca_bundle.clone().or(configured) else { return Ok(None) };
    let failure = |cause: String| {
        Failure::new(format!("the CA bundle {} cannot be used", path.display()))
            .cause(cause)
            .help("it comes from --ca-bundle, AWS_CA_BUNDLE or the profile and must hold PEM certificates")
    };
    let bytes = std::fs::read(&path).map_err(|error| failure(error.to_string()))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| failure("its PEM text is malformed".to_owned()))?;
    if certificates.is_empty() {
        return Err(failure("it holds no PEM certificate".to_owned()).into());
    }
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|_| failure("a certificate in it does not parse".to_owned()))?;
    }
    Ok(Some(bytes))
}
