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
mod placeholder;
mod read;
mod render;
mod schema;
mod template;

pub use bundle::{
    Entry, Kind, Listing, MOST, NAME_MAX, PATH_MAX, Pattern, apart_in, file_at, is_comparable, is_read_back,
    names, taken_apart,
};
pub use codes::{CODES, Code, code};
pub use finding::{Agent, Finding, Severity};
pub use fix::fixed;
pub use managed::OUTCOME;
pub use model::{AppSpec, Context, FileEntry, FileExists, Os, Permission, Script};
pub use read::acl::{is_default as is_default_acl, named as named_in_acl};
pub use read::is_nobodys;
pub use render::{Look, render, wrapped};
pub use schema::schema;
pub use template::readable;

/// The name that the agent looks for at the root of a bundle.
pub const FILE_NAME: &str = "appspec.yml";
/// What the agents look for where that is not there; agent 1 in Install alone.
pub const OTHER_NAME: &str = "appspec.yaml";

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
    match refusal(&findings, agent) {
        Some(message) => Err(message),
        None => appspec.ok_or_else(|| read::EMPTY.to_owned()),
    }
}

/// What a host reports first.
fn refusal(findings: &[Finding], agent: Agent) -> Option<String> {
    let place = |finding: &Finding| finding.span.map(|span| span.start);
    let refusals: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.refusal.as_deref().map(|refusal| (refusal, place(finding))))
        .collect();
    // Agent 2's types refuse while it reads, from the top, before it looks at any value.
    let typed = refusals
        .iter()
        .filter(|(refusal, _)| agent == Agent::Two && read::is_yaml_refusal(refusal))
        .min_by_key(|(refusal, place)| (read::yaml_order(refusal), *place));
    typed.or(refusals.first()).map(|(message, _)| (*message).to_owned())
}

/// Whether a text names Windows as its system.
pub fn is_for_windows(text: &[u8]) -> bool {
    read::read(text, None, Agent::One).0.is_some_and(|appspec| appspec.os == Os::Windows)
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

/// Findings beyond these are counted, not told: a text or a bundle that is made to have millions is no use to anybody.
const MOST_FINDINGS: usize = 1000;

/// Checks an AppSpec, and against the bundle that holds it where one is given. Where placeholders are meant, it need be
/// readable only once they are filled in.
pub fn check(text: &[u8], bundle: Option<&Listing>, scope: Scope) -> Checked {
    let filled = if scope.placeholders { template::filled(text) } else { None };
    if let Some(filled) = filled {
        let mut checked = check_text(filled.text.as_bytes(), bundle, scope);
        checked.findings.iter_mut().for_each(|finding| filled.restore(finding));
        return checked;
    }
    let mut checked = check_text(text, bundle, scope);
    let unread: Vec<_> = checked.findings.iter_mut().filter(|finding| finding.code == "A001").collect();
    if !unread.is_empty() && template::filled(text).is_some() {
        unread.into_iter().for_each(|finding| finding.help = Some(placeholder::HELP.to_owned()));
    }
    checked
}

fn check_text(text: &[u8], bundle: Option<&Listing>, scope: Scope) -> Checked {
    let host = match scope.platform.unwrap_or_else(|| Platform::of(text)) {
        Platform::Server => None,
        Platform::Linux => Some(Os::Linux),
        Platform::Windows => Some(Os::Windows),
        platform @ (Platform::Lambda | Platform::Ecs) => {
            let findings = managed::check(text, platform, scope.placeholders);
            let findings = placeholder::noted(text, findings, scope.placeholders);
            return Checked { appspec: None, findings: told(findings) };
        }
    };
    let (appspec, mut findings) = match scope.agent {
        Some(agent) => {
            let (appspec, mut findings) = read::read(text, host, agent);
            findings.extend(appspec.iter().flat_map(|appspec| paths(appspec, bundle, agent)));
            (appspec, findings)
        }
        None => for_both(text, host, bundle),
    };
    let is_there = |name: &str| bundle.is_some_and(|bundle| bundle.contains_key(name.trim_matches('/')));
    findings = placeholder::of_hosts(text, findings, scope.placeholders, is_there);
    fix::make_safe(text, &mut findings);
    findings.sort_by_key(|finding| finding.span.map(|span| span.start));
    let refused = findings.iter().any(|finding| finding.refusal.is_some());
    Checked { appspec: appspec.filter(|_| !refused), findings: told(findings) }
}

/// What the paths of an AppSpec are, in the bundle or by their text alone.
fn paths(appspec: &AppSpec, bundle: Option<&Listing>, agent: Agent) -> Vec<Finding> {
    match bundle {
        Some(listing) => bundle::check(appspec, listing, agent),
        None => bundle::by_text(appspec, agent),
    }
}

fn for_both(text: &[u8], host: Option<Os>, bundle: Option<&Listing>) -> (Option<AppSpec>, Vec<Finding>) {
    let (one, two) = (read::read(text, host, Agent::One), read::read(text, host, Agent::Two));
    let takes = |findings: &[Finding]| findings.iter().all(|finding| finding.refusal.is_none());
    let (first, second) = (takes(&one.1), takes(&two.1));
    let mut findings = both::merge(one.1, two.1);
    match (one.0, two.0) {
        (Some(one), Some(two)) if first == second => {
            // A large bundle is gone through for both at once.
            let two = || paths(&two, bundle, Agent::Two);
            let (one_says, two_says) = std::thread::scope(|scope| {
                let beside = std::thread::Builder::new().spawn_scoped(scope, two);
                let one = paths(&one, bundle, Agent::One);
                let joined = beside.map(|beside| beside.join());
                // Where there may be no more threads it is done here.
                let two = joined.map_or_else(
                    |_| two(),
                    |two| two.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                );
                (one, two)
            });
            findings.extend(both::merge(one_says, two_says));
            (Some(one), findings)
        }
        // What an agent refuses it does not deploy.
        (Some(one), two) if first || two.is_none() => {
            findings.extend(paths(&one, bundle, Agent::One));
            (Some(one), findings)
        }
        (one, Some(two)) => {
            findings.extend(paths(&two, bundle, Agent::Two));
            (one.or(Some(two)), findings)
        }
        (one, None) => (one, findings),
    }
}

/// The worst of the findings, in their order, and how many there are beyond.
fn told(findings: Vec<Finding>) -> Vec<Finding> {
    let more = findings.len().saturating_sub(MOST_FINDINGS);
    if more == 0 {
        return findings;
    }
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| findings.get(*at).map(|finding| finding.severity));
    order.truncate(MOST_FINDINGS);
    let kept: std::collections::HashSet<usize> = order.into_iter().collect();
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .enumerate()
        .filter(|(at, _)| kept.contains(at))
        .map(|(_, finding)| finding)
        .collect();
    let message = format!("there are {more} more findings: these are the worst {MOST_FINDINGS}");
    findings.push(Finding::note("A099", None, message));
    findings
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod serde_tests;
#[cfg(test)]
mod tests;
