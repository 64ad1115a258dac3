//! What a watch writes beside its lines: files that are opened before it, and missed after it.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::context::Context;
use crate::error::{self, Doing, Failure, is_broken_pipe};
use crate::exit::Exit;
use crate::report::sink::{Sink, Unwritten};
use crate::ui::Stream;

/// The file at `path`, opened, which an error calls `what`.
pub fn sink(what: &str, path: &Path, file: io::Result<File>) -> anyhow::Result<Sink> {
    let what = format!("{what} {}", path.display());
    Ok(Sink::new(what.clone(), Stream::new(file.doing(format_args!("write {what}"))?)))
}

/// The exit code after a watch; what was asked for and could not be written makes an error of a success.
pub fn written(context: &Context, unwritten: Vec<Unwritten>, exit: Exit) -> Exit {
    unwritten.into_iter().fold(exit, |exit, Unwritten { what, error }| {
        missed(context, Failure::new(format!("cannot write {what}")).cause(error.to_string()), exit)
    })
}

/// The exit code after a watch whose outcome could not be printed, which makes an error of a success. Whoever closed
/// the pipe did not want it.
pub fn unprinted(context: &Context, error: anyhow::Error, exit: Exit) -> Exit {
    if is_broken_pipe(&error) { exit } else { missed(context, Failure::of(error), exit) }
}

/// Tells of what is missing, with the code that the command ends with.
fn missed(context: &Context, failure: Failure, exit: Exit) -> Exit {
    let failure = if exit == Exit::Ok { failure } else { failure.exit(exit) };
    error::show(&failure.into(), &context.ui, context.settings.output.format.is_machine())
}
