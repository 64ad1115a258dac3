//! AppSpec files of EC2/on-premises deployments: the model, the rules, the findings. Text in, findings out; opens no files.
//!
//! Codes of findings are stable: A00x the file, A01x `files`, A02x `permissions`, A03x and A04x `hooks`, A05x keys.

mod bundle;
mod finding;
mod model;
mod read;
mod render;

pub use bundle::{Entry, Kind, Listing, matches_glob};
pub use finding::{Finding, Severity};
pub use model::{AppSpec, FileEntry, FileExists, Os, Permission, Script};
pub use render::render;

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

/// Loads an AppSpec as the agent on a host of this kind does; the error is the message that the host reports.
///
/// Source: official agent 1.8.1, application_specification.
pub fn load(text: &[u8], host: Os) -> Result<AppSpec, String> {
    let (appspec, findings) = read::read(text, Some(host));
    match findings.into_iter().find_map(|finding| finding.refusal) {
        Some(message) => Err(message),
        None => appspec.ok_or_else(|| read::EMPTY.to_owned()),
    }
}

/// Checks an AppSpec for any host, and against the bundle that holds it where one is given.
pub fn check(text: &[u8], bundle: Option<&Listing>) -> Checked {
    let (appspec, mut findings) = read::read(text, None);
    if let (Some(appspec), Some(listing)) = (&appspec, bundle) {
        findings.extend(bundle::check(appspec, listing));
    }
    findings.sort_by_key(|finding| finding.span.map(|span| span.start));
    let refused = findings.iter().any(|finding| finding.refusal.is_some());
    Checked { appspec: appspec.filter(|_| !refused), findings }
}

#[cfg(test)]
mod tests;
