//! An AppSpec of an EC2/on-premises deployment, as the agent holds it once it has accepted it.

use crate::source::Span;

use super::Finding;

/// `os`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    Linux,
    Windows,
}

impl Os {
    pub fn as_str(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
        }
    }
}

/// What to do with a file that is there before Install: `file_exists_behavior`, and the API's `fileExistsBehavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileExists {
    #[default]
    Disallow,
    Overwrite,
    Retain,
}

impl FileExists {
    /// The value as AppSpec and API write it (`DISALLOW`, `OVERWRITE`, `RETAIN`).
    pub fn of(text: &str) -> Option<FileExists> {
        match text {
            "DISALLOW" => Some(FileExists::Disallow),
            "OVERWRITE" => Some(FileExists::Overwrite),
            "RETAIN" => Some(FileExists::Retain),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AppSpec {
    pub os: Os,
    pub file_exists: Option<FileExists>,
    pub files: Vec<FileEntry>,
    pub permissions: Vec<Permission>,
    /// Events in the order of the file; unknown ones included, for the agent passes over them.
    pub hooks: Vec<(String, Vec<Script>)>,
}

impl AppSpec {
    /// The scripts of an event, in order.
    pub fn scripts(&self, event: &str) -> &[Script] {
        self.hooks.iter().find(|(name, _)| name == event).map_or(&[], |(_, scripts)| scripts)
    }
}

/// An entry of `files`. A value that is no text passes the agent's parser and breaks Install: it is kept as the
/// error that Install reports.
#[derive(Clone, Debug, PartialEq)]
pub struct FileEntry {
    pub source: Result<String, String>,
    pub destination: Result<String, String>,
    pub source_span: Span,
    pub destination_span: Span,
}

/// An entry of `permissions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    pub object: String,
    pub pattern: String,
    pub except: Vec<String>,
    /// Where each of `except` stands, in its order; none where it is no list.
    pub except_spans: Vec<Span>,
    /// As for [`FileEntry`]: what is no text breaks Install.
    pub owner: Option<Result<String, String>>,
    pub group: Option<Result<String, String>>,
    /// Three or four octal digits.
    pub mode: Option<String>,
    pub files: bool,
    pub directories: bool,
    /// Entries as written.
    pub acls: Vec<String>,
    pub context: Option<Context>,
    /// What Install says of its values once there is something to set them on.
    pub at_install: Vec<Finding>,
    pub span: Span,
}

/// `context`: an SELinux label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub name: Option<String>,
    pub kind: String,
    /// The agent's Install breaks without one, although the guide calls it optional.
    pub range: Option<String>,
}

/// An entry of an event's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Below the bundle's root, as written.
    pub location: String,
    /// Seconds, for this script.
    pub timeout: u64,
    pub runas: Option<String>,
    pub sudo: bool,
    pub span: Span,
}
