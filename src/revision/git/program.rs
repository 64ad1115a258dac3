//! The system's `git`, the one program that is started here.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{Error, GitSource};
use crate::model::without_credentials;
use crate::scratch;

/// The system's git on a repository of our own.
pub struct Git<'a> {
    pub source: &'a GitSource,
    pub repository: PathBuf,
    /// What the names of its objects are made by, whatever the user's settings say of new repositories.
    pub hash: &'static str,
    pub ask: bool,
}

/// What git takes for its caller's repository. Source: `git rev-parse --local-env-vars` of 2.39, without the settings.
const CALLERS: &[&str] = &[
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_PREFIX",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
];

/// Beside these a URL may name a program to run (`ext::…`).
const PROTOCOLS: &str = "file:git:http:https:ssh";

/// What of a user's settings would change the bytes of an archive, beside filters.
const SAME_BYTES: &[&str] = &[
    "tar.umask=0022",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.attributesFile=/dev/null",
    // Else as many digits as the repository's size asks for.
    "core.abbrev=7",
];

/// The first line of a file of Git LFS that stands for one elsewhere. Source: its specification.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

impl Git<'_> {
    #[expect(clippy::disallowed_methods, reason = "the one place that starts git")]
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        for setting in SAME_BYTES {
            command.args(["-c", setting]);
        }
        // From within a hook or an alias of git the caller's repository would be meant.
        for variable in CALLERS {
            command.env_remove(variable);
        }
        if let Some(login) = &self.source.login {
            login.tell(&mut command);
        }
        command.env("GIT_ALLOW_PROTOCOL", PROTOCOLS).env("GIT_DEFAULT_HASH", self.hash);
        command.env("LC_ALL", "C").stdin(Stdio::null());
        if !self.ask {
            command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
        }
        command
    }

    pub fn init(&self) -> Result<(), Error> {
        self.init_at(&self.repository)
    }

    fn init_at(&self, repository: &Path) -> Result<(), Error> {
        let path = repository.to_string_lossy();
        self.run(&["init", "--quiet", "--bare", "--template=", "--", &path]).map(|_| ())
    }

    /// What git says; an error is what it complained of, without credentials.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = self.command();
        if arguments.first() != Some(&"init") {
            command.arg("--git-dir").arg(&self.repository);
        }
        let output =
            output(command.args(arguments).stdout(Stdio::piped())).map_err(|error| self.missing(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.failed(&output.stderr))
    }

    fn missing(&self, error: &io::Error) -> Error {
        let error_text = format!("cannot start git for {}: {error}", self.source.shown());
        Error::new(error_text).help("install git; a directory or an archive needs none")
    }

    fn failed(&self, stderr: &[u8]) -> Error {
        let said = String::from_utf8_lossy(stderr);
        let lines: Vec<String> =
            said.lines().filter(|line| !line.trim().is_empty()).map(without_credentials).collect();
        // What came first is the cause; the last line is the same for most.
        let cause = lines.iter().find(|line| !line.to_lowercase().starts_with("warning"));
        let why = cause.or(lines.first()).map_or("git says nothing", String::as_str);
        Error::new(format!("cannot read {}: {why}", self.source.shown()))
    }

    pub fn at(&self, commit: &str) -> String {
        format!("{} at {}", without_credentials(&self.source.url), commit.get(..12).unwrap_or(commit))
    }

    /// Gets one commit without its history. Where a server gives no single commits, or the name is a short form of
    /// one, all branches and tags.
    pub fn fetch(&self) -> Result<String, Error> {
        let (url, reference) = (&self.source.url, self.source.reference.as_deref().unwrap_or("HEAD"));
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        let single = [&fetch[..], &["--depth=1", "--", url, reference]].concat();
        let hexadecimal = reference.len() >= 4 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = match self.run(&single) {
            Ok(_) => "FETCH_HEAD",
            Err(_) if hexadecimal => {
                let all = ["--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
                self.run(&[&fetch[..], &all].concat())?;
                reference
            }
            Err(error) if error.message.contains("couldn't find remote ref") => {
                let message = format!("{} has no {reference}", without_credentials(url));
                return Err(Error::new(message).help("a REF is a branch, a tag or a commit"));
            }
            Err(error) => return Err(error),
        };
        let commit = format!("{name}^{{commit}}");
        let found = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        found.map(|commit| commit.trim().to_owned()).map_err(|_| {
            Error::new(format!("{} has no commit {reference}", without_credentials(url)))
                .help("a REF is a branch, a tag or a commit")
        })
    }

    /// The commit, or its directory under its path, so that the attributes of those above hold. It is taken out of a
    /// repository without branches, tags and the mark of a history cut short, all of which `export-subst` shows: how the
    /// commit was found changes no byte.
    pub fn archive(&self, commit: &str, to: &Path) -> Result<(), Error> {
        let told = |error: io::Error| Error::new(format!("cannot read {}: {error}", self.source.shown()));
        let alone = self.repository.with_extension("alone");
        self.init_at(&alone)?;
        let mut command = self.command();
        command.env("GIT_OBJECT_DIRECTORY", self.repository.join("objects"));
        // Large files' content is not fetched, and no other filter of the user's is asked: what the commit has stays what it
        // is everywhere.
        for filter in self.filters() {
            for setting in ["smudge=", "process=", "required=false"] {
                command.args(["-c", &format!("{filter}.{setting}")]);
            }
        }
        command.arg("--git-dir").arg(&alone).args(["--literal-pathspecs", "archive"]);
        command.args(["--format=tar", "--end-of-options", commit]).args(&self.source.path);
        command.stdout(File::create(to).map_err(told)?);
        let output = output(&mut command).map_err(|error| self.missing(&error))?;
        if output.status.success() { Ok(()) } else { Err(self.failed(&output.stderr)) }
    }

    /// The filters that the user's settings name: `filter.lfs`.
    fn filters(&self) -> BTreeSet<String> {
        // An error is that there are none.
        let names =
            self.run(&["config", "--name-only", "--get-regexp", r"^filter\..*\."]).unwrap_or_default();
        let filters = names.lines().filter_map(|name| Some(name.rsplit_once('.')?.0.to_owned()));
        // Git has no way to say one with an equals sign in its name on a command line.
        filters.filter(|filter| !filter.contains('=')).collect()
    }

    /// Submodules, which are other repositories, and files whose content is in a store of large files.
    pub fn notes(&self, tree: &str, directory: &Path) -> Result<Vec<String>, Error> {
        let listed = self.run(&["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", tree])?;
        let mut notes = Vec::new();
        for entry in listed.split('\0') {
            let Some((kind, name)) = entry.split_once('\t') else { continue };
            if kind.starts_with("160000 ") {
                notes.push(format!("the submodule {name} is another repository and is left out"));
            } else if kind.starts_with("100") && is_pointer(&directory.join(name)) {
                notes.push(format!("{name} is a pointer of Git LFS: the file itself is not in the commit"));
            }
        }
        Ok(notes)
    }
}

/// What a program leaves behind; it ends where a signal ends this one.
fn output(command: &mut Command) -> io::Result<Output> {
    let (child, _running) = scratch::spawn(command.stderr(Stdio::piped()))?;
    child.wait_with_output()
}

fn is_pointer(path: &Path) -> bool {
    let size =
        fs::symlink_metadata(path).map_or(0, |metadata| if metadata.is_file() { metadata.len() } else { 0 });
    // The specification's limit of a pointer is 1024 bytes.
    (LFS_POINTER.len() as u64..1024).contains(&size)
        && fs::read(path).is_ok_and(|text| text.starts_with(LFS_POINTER))
}
