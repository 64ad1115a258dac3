//! What a watch writes beside its lines: files that are opened before it, and missed after it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::report::sink::{Sink, Unwritten};
use crate::ui::Stream;

/// The file at `path`, opened, which an error calls `what`.
pub fn sink(what: &str, path: &Path, file: io::Result<File>) -> anyhow::Result<Sink> {
    let what = format!("{what} {}", path.display());
    Ok(Sink::new(what.clone(), Stream::new(file.doing(format_args!("write {what}"))?)))
}

/// An error where the file at `path` could not be written; it is neither made nor changed.
pub fn writable(path: &Path) -> io::Result<()> {
    let place = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            parent.unwrap_or(Path::new("."))
        }
        _ => path,
    };
    Ok(rustix::fs::access(place, rustix::fs::Access::WRITE_OK)?)
}

/// The exit code after a watch; what was asked for and could not be written makes an error of a success.
pub fn written(context: &Context, unwritten: Vec<Unwritten>, exit: Exit) -> Exit {
    unwritten.into_iter().fold(exit, |exit, Unwritten { what, error }| {
        let failure = Failure::new(format!("cannot write {what}")).cause(error.to_string());
        let machine = context.settings.output.format.is_machine();
        let shown = crate::error::show(&failure.into(), &context.ui, machine);
        if exit == Exit::Ok { shown } else { exit }
    })
}
