//! The AWS CLI's cache of assumed roles, `~/.aws/cli/cache`: a JSON file a role, named by the SHA-1 of what
//! AssumeRole was asked. Both tools read and write it.
//!
//! Source: botocore's `JSONFileCache` and `CachedCredentialFetcher`.

use std::io::{self, Write};
use std::path::PathBuf;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// What has less time left is fetched anew.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// More than any session's file.
const LONGEST: u64 = 1 << 20;

/// The folder; none where the machine has no home.
#[derive(Debug)]
pub struct Cache(pub Option<PathBuf>);

/// A file of the cache.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Session {
    credentials: Keys,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    assumed_role_user: Option<User>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// `2026-11-22T22:57:27UTC`, as the AWS CLI writes it.
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    account_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    assumed_role_id: String,
    arn: String,
}

impl Cache {
    fn file(&self, key: &str) -> Option<PathBuf> {
        let digest = Sha1::digest(key.as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.0.as_ref()?.join(format!("{name}.json")))
    }

    /// The session that is kept under `key`, where it is good for a while yet.
    pub fn read(&self, key: &str, now: Timestamp) -> Option<Session> {
        let file = std::fs::File::open(self.file(key)?).ok()?;
        let session: Session = serde_json::from_reader(io::Read::take(file, LONGEST)).ok()?;
        (session.expires()?.duration_since(now) >= WINDOW).then_some(session)
    }

    /// Keeps a session, readable for its owner only.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn write(&self, key: &str, session: &Session) -> io::Result<()> {
        let (Some(folder), Some(file)) = (&self.0, self.file(key)) else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(serde_json::to_string(session)?.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        Ok(())
    }
}

impl Session {
    /// What AssumeRole gave.
    pub fn of(output: &AssumeRoleOutput) -> Option<Self> {
        let keys = output.credentials()?;
        let expires = Timestamp::from_second(keys.expiration().secs()).ok()?;
        let user = output.assumed_role_user();
        Some(Session {
            credentials: Keys {
                access_key_id: keys.access_key_id().to_owned(),
                secret_access_key: keys.secret_access_key().to_owned(),
                session_token: keys.session_token().to_owned(),
                expiration: expires.strftime("%Y-%m-%dT%H:%M:%SUTC").to_string(),
                account_id: user.and_then(|user| user.arn().split(':').nth(4)).map(str::to_owned),
            },
            assumed_role_user: user.map(|user| User {
                assumed_role_id: user.assumed_role_id().to_owned(),
                arn: user.arn().to_owned(),
            }),
        })
    }

    fn expires(&self) -> Option<Timestamp> {
        let text = &self.credentials.expiration;
        text.strip_suffix("UTC").map_or_else(|| text.clone(), |time| format!("{time}Z")).parse().ok()
    }

    /// # Errors
    /// A time that is none.
    pub fn credentials(self) -> provider::Result {
        let expires = self.expires().ok_or_else(|| {
            CredentialsError::unhandled(format!("`{}` is no time", self.credentials.expiration))
        })?;
        let Keys { access_key_id, secret_access_key, session_token, .. } = self.credentials;
        Ok(Credentials::new(
            access_key_id,
            secret_access_key,
            Some(session_token),
            Some(expires.into()),
            "AssumeRole",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(expiration: &str) -> Session {
        serde_json::from_value(serde_json::json!({"Credentials": {
            "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expiration,
        }, "ResponseMetadata": {"RequestId": "r"}}))
        .unwrap()
    }

    #[test]
    fn every_form_of_a_time_is_read() {
        for form in ["2026-11-22T12:00:00UTC", "2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00"] {
            assert_eq!(session(form).expires().unwrap().to_string(), "2026-11-22T12:00:00Z", "{form}");
        }
        assert!(session("noon").credentials().is_err());
    }

    #[test]
    fn what_ends_soon_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache(Some(folder.path().join("cli/cache")));
        cache.write("{}", &session("2026-11-22T12:00:00UTC")).unwrap();
        let at = |time: &str| cache.read("{}", time.parse().unwrap()).is_some();
        assert!(at("2026-11-22T11:45:00Z") && !at("2026-11-22T11:45:01Z") && !at("2026-11-22T12:00:01Z"));
        assert!(cache.read("{\"RoleArn\": \"x\"}", Timestamp::UNIX_EPOCH).is_none());
        // SHA-1 of `{}`
        let file = folder.path().join("cli/cache/bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f.json");
        std::fs::write(&file, "no JSON").unwrap();
        assert!(!at("2026-11-22T11:00:00Z"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            cache.write("{}", &session("2026-11-22T12:00:00UTC")).unwrap();
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
