//! The built binary in an environment of its own.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary under test.
pub const CDCTL: &str = env!("CARGO_BIN_EXE_cdctl");

/// A file or folder of the package.
pub fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a run left.
#[derive(Clone, Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Run {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().expect("no signal ended it"),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "------- stderr -------\n{}", self.stderr)?;
        }
        write!(f, "[exit {}]", self.code)
    }
}

impl Run {
    /// Asserts the exit code, showing everything where it is another.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Asserts that neither stream holds an escape byte.
    #[track_caller]
    pub fn holds_no_escape(self) -> Self {
        assert!(!self.stdout.contains('\x1b') && !self.stderr.contains('\x1b'), "{self}");
        self
    }

    /// Asserts that stderr holds `text`.
    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "not on stderr: {text}\n{self}");
        self
    }

    /// Asserts that stderr is exactly `text`, request ids apart.
    #[track_caller]
    pub fn complains_only(self, text: &str) -> Self {
        assert_eq!(without_request_ids(&self.stderr), text, "{self}");
        self
    }

    /// Asserts that stdout holds nothing.
    #[track_caller]
    pub fn says_nothing(self) -> Self {
        assert_eq!(self.stdout, "", "{self}");
        self
    }

    /// Asserts that stdout holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "not on stdout: {text}\n{self}");
        self
    }
}

/// `text` with every request id as `…`.
fn without_request_ids(text: &str) -> String {
    let mut output = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("(request ") {
        output.push_str(before);
        output.push_str("(request …");
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-');
    }
    output + rest
}

/// A machine of its own for the binary: an empty home, no AWS settings, nobody's environment.
pub struct Machine {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Machine {
    pub fn new() -> Self {
        Machine { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Talks to a sandbox at `url`.
    pub fn against(self, url: &str) -> Self {
        self.set("AWS_ENDPOINT_URL", url)
            .set("AWS_REGION", "us-east-1")
            .set("AWS_ACCESS_KEY_ID", "sandbox")
            .set("AWS_SECRET_ACCESS_KEY", "sandbox")
    }

    /// A command in this environment, in the package's folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let bin = Path::new(CDCTL).parent().unwrap();
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
            .env("HOME", self.home.path())
            .env("LANG", "C.UTF-8")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(package(""))
            .stdin(Stdio::null());
        command
    }

    #[must_use = "look at the output or at least at the exit code"]
    pub fn cdctl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        self.command(CDCTL).args(arguments).output().unwrap().into()
    }

    /// As [`Machine::cdctl`], from a line that is split at white space.
    #[must_use = "look at the output or at least at the exit code"]
    pub fn run(&self, line: &str) -> Run {
        self.cdctl(line.split_whitespace())
    }
}
