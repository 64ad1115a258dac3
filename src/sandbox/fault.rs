//! What goes wrong with calls of CodeDeploy's API, and with those of S3 that a fault names: throttling, errors,
//! connections that are reset or fall silent, slow answers. The fleet file or `cdctl sandbox fault` sets it; `server/`
//! does it to the calls.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::operations::{OPERATIONS, Operation};
use super::store::Millis;
use crate::error::nearest;

/// Faults that are in force at the same time: enough for anything that is not a mistake.
pub(super) const MOST: usize = 100;

/// What of S3 the sandbox answers; no name is one of CodeDeploy's too.
const OF_S3: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetBucketLocation",
    "GetBucketVersioning",
    "GetObject",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListMultipartUploads",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutBucketVersioning",
    "PutObject",
    "PutObjectTagging",
    "UploadPart",
];

/// The numbers of faults, those of the API and those of hosts in one row.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Arc<AtomicU64>);

impl Numbers {
    /// From 1.
    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A fault of the API, as the fleet file and the control endpoint write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiFault {
    pub fault: Kind,
    /// The operation of CodeDeploy or S3 that it strikes; every one of CodeDeploy where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The share of calls that it strikes: above 0, at most 1.
    #[serde(default = "every_call")]
    pub rate: f64,
    /// How long it lasts, in real time; as long as the sandbox where it is left out.
    #[serde(default, rename = "for", with = "span", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Duration>,
    /// How many calls it strikes before it is over; any number where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How long a `slow` answer takes.
    #[serde(default, with = "span", skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
}

fn every_call() -> f64 {
    1.0
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `ThrottlingException`, "Rate exceeded"
    Throttle,
    /// HTTP 500 `InternalFailure`
    Error,
    /// The connection is reset; nothing is done.
    Reset,
    /// The call is carried out and the connection reset instead of answered.
    Lost,
    /// No answer ever comes.
    Stall,
    /// The answer comes late.
    Slow,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Throttle => "throttle",
            Kind::Error => "error",
            Kind::Reset => "reset",
            Kind::Lost => "lost",
            Kind::Stall => "stall",
            Kind::Slow => "slow",
        })
    }
}

/// What one call meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    Throttle,
    Error,
    Reset,
    Lost,
    Stall,
    /// Real time.
    Slow(Duration),
}

/// Durations as people write them: `30s`, `1m 30s`, `500ms`.
pub(super) mod span {
    use super::*;

    pub fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        let text =
            |span: &Duration| format!("{:#}", jiff::SignedDuration::try_from(*span).unwrap_or_default());
        span.as_ref().map(text).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse_span(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

/// A duration as people write it, such as `30s` or `1m 30s`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<jiff::SignedDuration>();
    let span = span.map_err(|_| format!("`{text}` is not a duration; write it like 30s, 1m 30s or 500ms"))?;
    Duration::try_from(span).map_err(|_| format!("`{text}` is less than nothing"))
}

impl ApiFault {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return Err(format!("the rate {} is not above 0 and at most 1", self.rate));
        }
        if self.times == Some(0) {
            return Err("a fault strikes at least once".to_owned());
        }
        let known = |name: &str| Operation::named(name).is_some() || OF_S3.contains(&name);
        if let Some(name) = self.operation.as_deref().filter(|name| !known(name)) {
            let names = OPERATIONS.iter().map(|operation| operation.name).chain(OF_S3.iter().copied());
            let meant = nearest(name, names).map(|name| format!("; did you mean `{name}`?"));
            let meant = meant.unwrap_or_default();
            return Err(format!("neither CodeDeploy nor the sandbox's S3 has an operation `{name}`{meant}"));
        }
        match (self.fault, self.delay) {
            (Kind::Slow, None) => Err("a slow answer needs a delay".to_owned()),
            (Kind::Slow, Some(_)) | (_, None) => Ok(()),
            (kind, Some(_)) => Err(format!("a delay belongs to slow answers, not to `{kind}`")),
        }
    }

    fn trouble(&self) -> Trouble {
        match self.fault {
            Kind::Throttle => Trouble::Throttle,
            Kind::Error => Trouble::Error,
            Kind::Reset => Trouble::Reset,
            Kind::Lost => Trouble::Lost,
            Kind::Stall => Trouble::Stall,
            Kind::Slow => Trouble::Slow(self.delay.unwrap_or_default()),
        }
    }
}

/// A fault that is in force.
#[derive(Clone, Debug, Serialize)]
pub struct InForce {
    pub id: u64,
    #[serde(flatten)]
    pub fault: ApiFault,
    #[serde(skip)]
    until: Millis,
    /// How many calls it has struck.
    pub struck: u64,
}

/// The faults in force.
pub struct ApiFaults(Mutex<State>);

struct State {
    faults: Vec<InForce>,
    numbers: Numbers,
    random: fastrand::Rng,
}

impl ApiFaults {
    pub fn new(random: fastrand::Rng, numbers: Numbers) -> Self {
        ApiFaults(Mutex::new(State { faults: Vec::new(), numbers, random }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force until `until`, and gives it back with its id.
    ///
    /// # Errors
    /// A fault that makes no sense, or one too many.
    pub fn add(&self, fault: ApiFault, until: Millis) -> Result<InForce, String> {
        fault.check()?;
        let mut state = self.state();
        if state.faults.len() >= MOST {
            return Err(format!("{MOST} faults are in force, which is the most there can be"));
        }
        let in_force = InForce { id: state.numbers.next(), fault, until, struck: 0 };
        state.faults.push(in_force.clone());
        Ok(in_force)
    }

    /// What is in force, oldest first.
    pub fn list(&self, now: Millis) -> Vec<InForce> {
        let mut state = self.state();
        state.faults.retain(|fault| now < fault.until);
        state.faults.clone()
    }

    /// Ends the fault of this id, or all; gives back how many ended.
    pub fn clear(&self, id: Option<u64>) -> usize {
        let mut state = self.state();
        let before = state.faults.len();
        state.faults.retain(|fault| id.is_some_and(|id| id != fault.id));
        before - state.faults.len()
    }

    /// What a call meets now: the first fault that strikes it.
    pub fn strike(&self, operation: &str, now: Millis) -> Option<Trouble> {
        let State { faults, random, .. } = &mut *self.state();
        faults.retain(|fault| now < fault.until);
        let struck = faults.iter_mut().find(|one| {
            one.fault.operation.as_deref().map_or(!OF_S3.contains(&operation), |name| name == operation)
                && random.f64() < one.fault.rate
        })?;
        struck.struck += 1;
        let trouble = struck.fault.trouble();
        faults.retain(|one| one.fault.times.is_none_or(|times| one.struck < times));
        Some(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> ApiFault {
        serde_json::from_str(json).unwrap()
    }

    fn faults() -> ApiFaults {
        ApiFaults::new(fastrand::Rng::with_seed(1), Numbers::default())
    }

    #[test]
    fn a_fault_strikes_its_operation_at_its_rate() {
        let faults = faults();
        faults
            .add(fault(r#"{"fault":"throttle","operation":"GetDeployment","rate":0.3}"#), Millis::MAX)
            .unwrap();
        let hit = (0..10_000).filter(|_| faults.strike("GetDeployment", 0).is_some()).count();
        assert!((2800..3200).contains(&hit), "{hit}");
        assert_eq!(faults.strike("ListDeployments", 0), None);
        faults.add(fault(r#"{"fault":"lost"}"#), Millis::MAX).unwrap();
        assert_eq!(faults.strike("ListDeployments", 0), Some(Trouble::Lost));
        assert_eq!(faults.strike("PutObject", 0), None, "S3 is struck where it is named");
        assert_eq!(faults.list(0)[0].struck, hit as u64);
    }

    #[test]
    fn a_fault_ends_by_time_or_by_hand() {
        let faults = faults();
        let slow = fault(r#"{"fault":"slow","delay":"1m 30s","for":"5s"}"#);
        assert_eq!(slow.lasts, Some(Duration::from_secs(5)));
        let first = faults.add(slow, 100).unwrap();
        let second = faults.add(fault(r#"{"fault":"error"}"#), Millis::MAX).unwrap();
        assert_eq!(faults.strike("X", 99), Some(Trouble::Slow(Duration::from_secs(90))));
        assert_eq!(faults.strike("X", 100), Some(Trouble::Error));
        assert_eq!(faults.clear(Some(first.id)), 0, "it is over");
        assert_eq!(faults.clear(Some(second.id)), 1);
        assert_eq!(faults.strike("X", 100), None);
        faults.add(fault(r#"{"fault":"stall"}"#), Millis::MAX).unwrap();
        faults.add(fault(r#"{"fault":"reset"}"#), Millis::MAX).unwrap();
        assert_eq!(faults.clear(None), 2);
        faults.add(fault(r#"{"fault":"lost","times":2}"#), Millis::MAX).unwrap();
        assert_eq!([(); 3].map(|()| faults.strike("X", 0)), [Some(Trouble::Lost), Some(Trouble::Lost), None]);
        assert!(faults.list(0).is_empty());
    }

    #[test]
    fn nonsense_is_refused() {
        let cases = [
            (r#"{"fault":"error","rate":0}"#, "the rate 0 is not above 0 and at most 1"),
            (r#"{"fault":"error","rate":1.5}"#, "the rate 1.5 is not above 0 and at most 1"),
            (
                r#"{"fault":"error","operation":"GetLunch"}"#,
                "neither CodeDeploy nor the sandbox's S3 has an operation `GetLunch`",
            ),
            (r#"{"fault":"lost","times":0}"#, "a fault strikes at least once"),
            (r#"{"fault":"slow"}"#, "a slow answer needs a delay"),
            (r#"{"fault":"stall","delay":"1s"}"#, "a delay belongs to slow answers, not to `stall`"),
        ];
        for (json, expected) in cases {
            assert_eq!(faults().add(fault(json), 1).unwrap_err(), expected);
        }
        for json in [
            r#"{"fault":"lunch"}"#,
            r#"{"fault":"slow","delay":"soon"}"#,
            r#"{"fault":"slow","delay":"-1s"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<ApiFault>(json).is_err(), "{json}");
        }
        let faults = faults();
        let error = fault(r#"{"fault":"error"}"#);
        assert_eq!((0..=MOST).filter(|_| faults.add(error.clone(), 1).is_ok()).count(), MOST);
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let fault =
            fault(r#"{"fault":"slow","operation":"GetDeployment","rate":0.5,"for":"2m","delay":"500ms"}"#);
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<ApiFault>(&text).unwrap(), fault);
        assert!(text.contains("500ms"), "{text}");
    }
}
