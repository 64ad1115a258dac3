//! `cdctl revision init`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::appspec;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};

/// Write an AppSpec to begin with, and the scripts that it names
///
/// What is there already is never touched: an AppSpec under any of its names is an error, and a script stays as it is.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision init\n  cdctl revision init site --platform windows\n  cdctl revision init --platform ecs"
)]
pub struct Arguments {
    /// The directory that will be deployed
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,

    /// What it is for
    #[arg(long, value_name = "PLATFORM", default_value = "linux")]
    platform: Platform,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Platform {
    /// EC2 and on-premises hosts with Linux
    Linux,
    /// EC2 and on-premises hosts with Windows
    Windows,
    Lambda,
    Ecs,
}

impl Platform {
    fn appspec(self) -> &'static str {
        match self {
            Platform::Linux => include_str!("templates/linux.yml"),
            Platform::Windows => include_str!("templates/windows.yml"),
            Platform::Lambda => include_str!("templates/lambda.yml"),
            Platform::Ecs => include_str!("templates/ecs.yml"),
        }
    }

    /// A name as the template has it: a value of its own for Lambda and ECS, where YAML has words that are no text.
    fn written(self, name: String) -> String {
        let is_word = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
        let is_value = matches!(self, Platform::Lambda | Platform::Ecs);
        if is_value && is_word.contains(&name.to_ascii_lowercase().as_str()) {
            format!("\"{name}\"")
        } else {
            name
        }
    }

    /// Scripts by their names, and what is in them.
    fn scripts(self) -> Vec<(String, String)> {
        let (ending, head) = match self {
            Platform::Linux => ("sh", "#!/bin/sh\nset -eu\n"),
            Platform::Windows => ("ps1", "$ErrorActionPreference = \"Stop\"\r\n"),
            Platform::Lambda | Platform::Ecs => return Vec::new(),
        };
        let line = if self == Platform::Windows { "\r\n" } else { "\n" };
        [
            ("stop", "Stops the service before the next revision comes. It may not be there yet."),
            ("start", "Starts the service."),
            ("validate", "Ends with another code than 0 where the service does not answer."),
        ]
        .map(|(name, what)| (format!("scripts/{name}.{ending}"), format!("{head}# {what}{line}")))
        .into()
    }
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let directory = &arguments.directory;
    // On Windows, and on many a developer's disk, names that differ in case only are one.
    let is_appspec = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
        [appspec::FILE_NAME, "appspec.yaml", "appspec.json"].iter().any(|known| name == **known)
    };
    let mut there = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    if let Some(path) = there.find(is_appspec) {
        return Err(Failure::new(format!("{} is there already; nothing was written", path.display()))
            .help(format!("check it with `cdctl revision validate {}`", directory.display()))
            .into());
    }
    let scripts = arguments.platform.scripts();
    let folder = if scripts.is_empty() { directory.clone() } else { directory.join("scripts") };
    fs::create_dir_all(&folder).doing(format!("make {}", folder.display()))?;
    let mut table = Table::properties();
    let mut written = Vec::new();
    for (name, text) in scripts {
        let path = directory.join(name);
        match write(&path, &text, 0o777) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            result => result.doing(format!("write {}", path.display()))?,
        }
        written.push(path);
    }
    let path = directory.join(appspec::FILE_NAME);
    let name = arguments.platform.written(name(directory));
    let text = arguments.platform.appspec().replace("NAME", &name);
    write(&path, &text, 0o666).doing(format!("write {}", path.display()))?;
    written.insert(0, path);
    let shown: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    shown.iter().for_each(|path| table.row([path.clone()]));
    View { json: json!({ "files": shown }), items: Some("files"), table, empty: "" }
        .print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// A name that is right in a path, in YAML and as a container's.
fn name(directory: &Path) -> String {
    let path = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    if kept.starts_with(|c: char| c.is_ascii_alphabetic()) { kept } else { "app".to_owned() }
}

/// A file that is not there yet; the user's umask takes away from `mode`.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}
