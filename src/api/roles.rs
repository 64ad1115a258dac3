//! Assumed roles of the shared config files as the AWS CLI has them: codes of multi-factor devices, durations, and
//! its cache, so that both tools share one session. The SDK knows none of the three.
//!
//! Source: botocore's `AssumeRoleProvider` (the order in which a profile's members count).

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::{self, credentials::ImdsCredentialsProvider};
use aws_config::profile::{Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;

use super::error::from_sdk;
use super::role_cache::{Cache, Session};
use super::sources::Named;
use crate::clock;

/// A person's answer; none where there is nobody to ask.
type Answer = Pin<Box<dyn Future<Output = io::Result<Option<String>>> + Send>>;

/// Asks a person for a line that nobody else is to see.
pub type Ask = Arc<dyn Fn(String) -> Answer + Send + Sync>;

/// The role of a profile.
pub struct Roles {
    pub profiles: ProfileSet,
    pub profile: String,
    /// How the SDK's own providers are set up.
    pub provider: ProviderConfig,
    pub imds: imds::Client,
    /// How STS is called; without credentials.
    pub sts: SdkConfig,
    pub cache: Cache,
    pub ask: Ask,
    /// A code is asked for once: later, a watch may have the screen.
    pub asked: AtomicBool,
    /// What was given last, for where the cache cannot be written.
    pub last: Mutex<Option<Credentials>>,
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({})", self.profile)
    }
}

/// Whether this profile is a role that another profile or source lets one assume.
pub fn is_role(profile: &Profile) -> bool {
    profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none()
}

fn wrong(message: String) -> CredentialsError {
    CredentialsError::invalid_configuration(message)
}

impl Roles {
    /// The credentials of `name`, through as many roles as lead to it; `seen`: those on the way.
    fn of<'a>(
        &'a self,
        name: &'a str,
        seen: Vec<&'a str>,
    ) -> Pin<Box<dyn Future<Output = provider::Result> + Send + 'a>> {
        Box::pin(async move {
            let profile = self
                .profiles
                .get_profile(name)
                .ok_or_else(|| wrong(format!("source_profile {name} does not exist")))?;
            let is_first = seen.is_empty();
            if !is_first && let Some(keys) = keys(profile) {
                return Ok(keys);
            }
            if !is_role(profile) {
                return self.sdk(name).await;
            }
            if seen.contains(&name) {
                return Err(wrong(format!("the source_profile of {name} leads back to it")));
            }
            let role = Role::of(name, profile)?;
            if let Some(session) = self.cache.read(&role.key(), clock::now()) {
                return session.credentials();
            }
            let source = match (profile.get("source_profile"), profile.get("credential_source")) {
                (Some(source), None) => self.of(source, [seen, vec![name]].concat()).await?,
                (None, Some(source)) => self.source(name, source).await?,
                (Some(_), Some(_)) => {
                    return Err(wrong(format!(
                        "profile {name} has both source_profile and credential_source"
                    )));
                }
                (None, None) => {
                    return Err(wrong(format!(
                        "profile {name} has role_arn, but neither source_profile nor credential_source"
                    )));
                }
            };
            let code = match &role.mfa_serial {
                Some(serial) => Some(self.code(name, serial).await?),
                None => None,
            };
            let session = self.assume(&role, source, code).await?;
            // A cache that cannot be written costs another call, or another code, and nothing else.
            let _ = self.cache.write(&role.key(), &session);
            session.credentials()
        })
    }

    /// A profile that is no role: the SDK's to resolve (keys, SSO, `credential_process`, web identity).
    async fn sdk(&self, name: &str) -> provider::Result {
        let provider =
            ProfileFileCredentialsProvider::builder().configure(&self.provider).profile_name(name).build();
        let profile = (name, self.profiles.get_profile(name));
        Named::new(SharedCredentialsProvider::new(provider), profile, false, None).provide_credentials().await
    }

    /// `credential_source`
    async fn source(&self, profile: &str, source: &str) -> provider::Result {
        match source {
            "Environment" => {
                let keys = EnvironmentVariableCredentialsProvider::new().provide_credentials().await;
                keys.map_err(|_| {
                    wrong(format!(
                        "credential_source of profile {profile} is Environment, where AWS_ACCESS_KEY_ID or \
                         AWS_SECRET_ACCESS_KEY is missing"
                    ))
                })
            }
            "EcsContainer" => {
                EcsCredentialsProvider::builder()
                    .configure(&self.provider)
                    .build()
                    .provide_credentials()
                    .await
            }
            "Ec2InstanceMetadata" => {
                let builder = ImdsCredentialsProvider::builder().configure(&self.provider);
                builder.imds_client(self.imds.clone()).build().provide_credentials().await
            }
            other => Err(wrong(format!(
                "credential_source `{other}` of profile {profile} is none of Environment, EcsContainer, \
                 Ec2InstanceMetadata"
            ))),
        }
    }

    /// The code that the device shows; asked for once.
    async fn code(&self, profile: &str, serial: &str) -> Result<String, CredentialsError> {
        if self.asked.swap(true, Ordering::SeqCst) {
            return Err(wrong(format!(
                "the session of profile {profile} has ended and needs a new code of {serial}: start another \
                 command with this profile in a terminal"
            )));
        }
        match (self.ask)(format!("Enter MFA code for {serial}: ")).await {
            Ok(Some(code)) if !code.trim().is_empty() => Ok(code.trim().to_owned()),
            Ok(Some(_)) => Err(wrong("no code was entered".to_owned())),
            Ok(None) => Err(wrong(format!(
                "profile {profile} needs a code of the device {serial}, and there is no terminal to ask on: start \
                 a command with this profile in a terminal first (`aws sts get-caller-identity --profile \
                 {profile}` will do), and its session is used here"
            ))),
            Err(error) => Err(CredentialsError::provider_error(error)),
        }
    }

    async fn assume(
        &self,
        role: &Role,
        source: Credentials,
        code: Option<String>,
    ) -> Result<Session, CredentialsError> {
        let config =
            self.sts.to_builder().credentials_provider(SharedCredentialsProvider::new(source)).build();
        let session_name = role
            .session_name
            .clone()
            .unwrap_or_else(|| format!("cdctl-session-{}", clock::now().as_second()));
        let output = aws_sdk_sts::Client::new(&config)
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(session_name)
            .set_external_id(role.external_id.clone())
            .set_duration_seconds(role.duration)
            .set_serial_number(role.mfa_serial.clone())
            .set_token_code(code)
            .send()
            .await
            .map_err(|error| CredentialsError::provider_error(from_sdk("AssumeRole", &error)))?;
        Session::of(&output).ok_or_else(|| {
            CredentialsError::unhandled(super::ApiError::unexpected("AssumeRole", "holds no credentials"))
        })
    }
}

impl ProvideCredentials for Roles {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let mut last = self.last.lock().await;
            let lasting = |credentials: &&Credentials| {
                credentials.expiry().is_none_or(|expiry| {
                    jiff::Timestamp::try_from(expiry).is_ok_and(|expiry| {
                        expiry.duration_since(clock::now()) > jiff::SignedDuration::from_secs(60)
                    })
                })
            };
            if let Some(credentials) = last.as_ref().filter(lasting) {
                return Ok(credentials.clone());
            }
            let credentials = self.of(&self.profile, Vec::new()).await?;
            *last = Some(credentials.clone());
            Ok(credentials)
        })
    }
}

/// The keys that stand in a profile.
fn keys(profile: &Profile) -> Option<Credentials> {
    let key = profile.get("aws_access_key_id")?;
    let secret = profile.get("aws_secret_access_key")?;
    let token = profile.get("aws_session_token").map(str::to_owned);
    Some(Credentials::new(key, secret, token, None, "profile"))
}

/// What a profile says of its role.
struct Role {
    arn: String,
    session_name: Option<String>,
    external_id: Option<String>,
    mfa_serial: Option<String>,
    /// Seconds.
    duration: Option<i32>,
}

impl Role {
    fn of(name: &str, profile: &Profile) -> Result<Self, CredentialsError> {
        let text = |key: &str| profile.get(key).filter(|value| !value.is_empty()).map(str::to_owned);
        Ok(Role {
            arn: text("role_arn").ok_or_else(|| wrong(format!("role_arn of profile {name} is empty")))?,
            session_name: text("role_session_name"),
            external_id: text("external_id"),
            mfa_serial: text("mfa_serial"),
            // The AWS CLI passes over what is no number.
            duration: text("duration_seconds").and_then(|seconds| seconds.parse().ok()),
        })
    }

    /// What the AWS CLI makes its cache's file name of: the arguments of AssumeRole, sorted.
    fn key(&self) -> String {
        let mut arguments = BTreeMap::new();
        arguments.insert("RoleArn", python(&self.arn));
        for (name, value) in [
            ("RoleSessionName", &self.session_name),
            ("ExternalId", &self.external_id),
            ("SerialNumber", &self.mfa_serial),
        ] {
            if let Some(value) = value {
                arguments.insert(name, python(value));
            }
        }
        if let Some(seconds) = self.duration {
            arguments.insert("DurationSeconds", seconds.to_string());
        }
        let members: Vec<String> =
            arguments.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(", "))
    }
}

/// A JSON string as Python's `json.dumps` writes it: ASCII only.
fn python(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_that_of_the_aws_cli() {
        let role = Role {
            arn: "arn:aws:iam::123456789012:role/Deploy".to_owned(),
            session_name: None,
            external_id: Some("été 😀 \"q\"".to_owned()),
            mfa_serial: Some("arn:aws:iam::123456789012:mfa/me".to_owned()),
            duration: Some(3600),
        };
        assert_eq!(
            role.key(),
            r#"{"DurationSeconds": 3600, "ExternalId": "\u00e9t\u00e9 \ud83d\ude00 \"q\"", "RoleArn": "arn:aws:iam::123456789012:role/Deploy", "SerialNumber": "arn:aws:iam::123456789012:mfa/me"}"#
        );
    }
}
