//! AppSpec files: the model, the rules of each platform, the findings. Text in, findings out; opens no files.
//!
//! Codes of findings are stable: A00x the file, A01x `files`, A02x `permissions`, A03x and A04x `hooks`, A05x keys,
//! A06x the bundle, A07x Lambda and ECS.

mod both;
mod bundle;
mod codes;
mod finding;
mod fix;
pub mod inline;
mod managed;
mod model;
mod read;
mod render;
mod schema;

pub use bundle::{Entry, Kind, Listing, MOST, matches_glob, names};
pub use codes::{CODES, Code, code};
pub use finding::{Agent, Finding, Severity};
pub use fix::fixed;
pub use model::{AppSpec, Context, FileEntry, FileExists, Os, Permission, Script};
pub use render::render;
pub use schema::schema;

/// The name that the agent looks for at the root of a bundle.
pub const FILE_NAME: &str = "appspec.yml";

/// What a text turned out to hold.
#[derive(Debug)]
pub struct Checked {
    /// What the agent would load; none where it refuses.
    pub appspec: Option<AppSpec>,
    /// In the order of the text.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// Something in it will make a deployment fail.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Loads an AppSpec as an agent on a host of this kind does; the error is the message that the host reports.
///
/// Source: official agents 1.8.1 and 2.x, application_specification.
pub fn load(text: &[u8], host: Os, agent: Agent) -> Result<AppSpec, String> {
    let (appspec, findings) = read::read(text, Some(host), agent);
    let place = |finding: &Finding| finding.span.map(|span| span.start);
    let refusals: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.refusal.as_deref().map(|refusal| (refusal, place(finding))))
        .collect();
    // Agent 2's types refuse while it reads, from the top, before it looks at any value.
    let typed = refusals
        .iter()
        .filter(|(refusal, _)| agent == Agent::Two && read::is_yaml_refusal(refusal))
        .min_by_key(|(refusal, place)| (read::is_missing_field(refusal), *place));
    match typed.or(refusals.first()) {
        Some((message, _)) => Err((*message).to_owned()),
        None => appspec.ok_or_else(|| read::EMPTY.to_owned()),
    }
}

/// What an AppSpec of EC2/on-premises hosts is checked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    /// None: both, and an error for either is an error.
    pub agent: Option<Agent>,
    /// None: found out from the text.
    pub platform: Option<Platform>,
    /// Placeholders are meant.
    pub placeholders: bool,
}

/// What an AppSpec is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// EC2/on-premises hosts, of the system that `os` names.
    Server,
    Linux,
    Windows,
    Lambda,
    Ecs,
}

impl Platform {
    /// As `--platform` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Server => "server",
            Platform::Linux => "linux",
            Platform::Windows => "windows",
            Platform::Lambda => "lambda",
            Platform::Ecs => "ecs",
        }
    }

    /// By what a text holds: [`Platform::Server`], [`Platform::Lambda`] or [`Platform::Ecs`].
    pub fn of(text: &[u8]) -> Platform {
        managed::detect(text)
    }
}

/// Checks an AppSpec, and against the bundle that holds it where one is given.
pub fn check(text: &[u8], bundle: Option<&Listing>, scope: Scope) -> Checked {
    let host = match scope.platform.unwrap_or_else(|| Platform::of(text)) {
        Platform::Server => None,
        Platform::Linux => Some(Os::Linux),
        Platform::Windows => Some(Os::Windows),
        platform @ (Platform::Lambda | Platform::Ecs) => {
            let findings = managed::check(text, platform, scope.placeholders);
            return Checked { appspec: None, findings };
        }
    };
    let read = |agent| read::read(text, host, agent);
    let (appspec, mut findings) = match scope.agent {
        Some(agent) => read(agent),
        None => {
            let (one, two) = (read(Agent::One), read(Agent::Two));
            (one.0.or(two.0), both::merge(one.1, two.1))
        }
    };
    if let (Some(appspec), Some(listing)) = (&appspec, bundle) {
        findings.extend(bundle::check(appspec, listing, scope.agent));
    }
    findings.sort_by_key(|finding| finding.span.map(|span| span.start));
    let refused = findings.iter().any(|finding| finding.refusal.is_some());
    Checked { appspec: appspec.filter(|_| !refused), findings }
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod serde_tests;
#[cfg(test)]
mod tests;
