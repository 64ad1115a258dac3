//! What goes into a bundle: the flags that `bundle` and `push` share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::fetched::Fetched;
use super::pushing;
use super::reading::Reading;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::BundleType;
use crate::revision::{GitSource, Links, Selection, Source, check_pattern};

#[derive(Debug, Args)]
#[command(next_help_heading = "Bundle options")]
pub struct Packing {
    /// Bundle a commit of a git repository instead, without its history: a branch, tag or commit, and a directory in it
    #[arg(long, value_name = "URL[@REF][:PATH]")]
    git: Option<GitSource>,

    #[command(flatten)]
    reading: Reading,

    /// The form of the bundle that a directory becomes [default: by the ending of its name, else zip]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,

    /// What becomes of links
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    symlinks: Symlinks,

    /// Leave out what this pattern of gitignore's syntax names; repeat for more (see also .cdctlignore)
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    exclude: Vec<String>,

    /// Leave out names that begin with a dot
    #[arg(long)]
    ignore_hidden_files: bool,

    /// Take .git along
    #[arg(long)]
    include_git: bool,
}

fn pattern(text: &str) -> Result<String, String> {
    check_pattern(text).map(|()| text.to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Zip,
    Tar,
    Tgz,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Symlinks {
    /// They stay links
    Keep,
    /// What they lead to takes their place
    Follow,
    /// They are an error
    Error,
}

impl Packing {
    /// For a bundle that is called `name`, of the type that this names; `own`: where it is written.
    ///
    /// # Errors
    /// What is bundled is of another type, or is taken as it is although something of it shall be another.
    pub fn packing(
        &self,
        fetched: &Fetched,
        (name, named): (&str, Option<BundleType>),
        own: Option<PathBuf>,
    ) -> anyhow::Result<pushing::Packing> {
        let source = fetched.source();
        if let Source::Ready(_, kind) = source {
            let other_type = self.kind().filter(|asked| asked != kind).map(|_| "--type");
            if let Some(flag) = other_type.or(self.choosing()) {
                let what = fetched.name();
                return Err(Failure::new(format!("{what} is taken as it is: {flag} changes nothing of it"))
                    .help(format!("leave {flag} out, or give the directory"))
                    .exit(Exit::Usage)
                    .into());
            }
        }
        Ok(pushing::Packing {
            scope: self.reading.scope(),
            selection: Selection {
                links: match self.symlinks {
                    Symlinks::Keep => Links::Keep,
                    Symlinks::Follow => Links::Follow,
                    Symlinks::Error => Links::Refuse,
                },
                exclude: self.exclude.clone(),
                without_hidden: self.ignore_hidden_files,
                with_git: self.include_git,
                unpacked: false,
                own,
            },
            kind: pushing::kind(source, self.kind(), (name, named))?,
        })
    }

    /// The first flag that is given, of those that say what a directory's bundle has.
    fn choosing(&self) -> Option<&'static str> {
        let given = [
            ("--exclude", !self.exclude.is_empty()),
            ("--ignore-hidden-files", self.ignore_hidden_files),
            ("--symlinks", self.symlinks != Symlinks::Keep),
            ("--include-git", self.include_git),
        ];
        given.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }

    /// The first flag that is given.
    pub fn given(&self) -> Option<&'static str> {
        self.choosing().or(self.kind.map(|_| "--type")).or(self.reading.given())
    }

    pub fn git(&self) -> Option<&GitSource> {
        self.git.as_ref()
    }

    /// The type that is asked for.
    pub fn kind(&self) -> Option<BundleType> {
        Some(match self.kind? {
            Kind::Zip => BundleType::Zip,
            Kind::Tar => BundleType::Tar,
            Kind::Tgz => BundleType::Tgz,
        })
    }
}
