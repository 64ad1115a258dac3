//! The sandbox's state on disk: one redb file, opened, checked and read at the start, written by the journal.
//!
//! The only place that knows redb.

mod journal;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::rows::{self, Parts};
use super::store::Millis;
use crate::source::guarded;

pub use journal::{Journal, Step};

/// What this version writes, and the only thing that it reads.
const FORMAT: u32 = 1;
const FILE: &str = "state.redb";
/// What the file is called until a database is in it: whoever is killed before has left no state.
const UNFINISHED: &str = "state.redb.new";
/// redb's own default is a gigabyte. What is read again is in memory already.
const CACHE: usize = 16 << 20;

/// What is known before the rows are read, as JSON by name.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Entities as JSON, by path.
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

/// What a sandbox was started with, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub seed: u64,
    /// How many sandboxes had this state before.
    pub starts: u64,
    /// When the sandbox began, as if it had never been down.
    pub began: Millis,
}

/// Why there is no state.
#[derive(Debug)]
pub enum StateError {
    /// The directory holds something else.
    NotEmpty,
    /// Another sandbox has it.
    Locked,
    /// It is in this format, which is not ours.
    Format(u32),
    /// It was made with this seed, and another is asked for.
    Seed(u64),
    /// What is written there makes no sense.
    Damaged(String),
    Io(io::Error),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::NotEmpty => f.write_str("it is not empty, and holds no sandbox"),
            StateError::Locked => f.write_str("another sandbox uses it"),
            StateError::Format(format) if *format > FORMAT => {
                write!(f, "a newer cdctl wrote it: in format {format}, and this one reads format {FORMAT}")
            }
            StateError::Format(format) => {
                write!(f, "another cdctl wrote it: in format {format}, and this one reads format {FORMAT}")
            }
            StateError::Seed(seed) => write!(f, "it was made with --seed {seed}, which cannot be changed"),
            StateError::Damaged(why) => write!(f, "{FILE} is damaged: {why}"),
            StateError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

impl From<io::Error> for StateError {
    fn from(error: io::Error) -> Self {
        StateError::Io(error)
    }
}

/// What redb says that is not about the disk.
fn damaged(error: impl Into<redb::Error>) -> StateError {
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => StateError::Locked,
        redb::Error::Io(error)
            if !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            StateError::Io(error)
        }
        error => StateError::Damaged(error.to_string()),
    }
}

/// redb gave up on the file.
fn broken_off<T>() -> Result<T, StateError> {
    Err(StateError::Damaged("it cannot be read".to_owned()))
}

/// The database of a directory, begun where there is none.
fn database(directory: &Path) -> Result<Database, StateError> {
    let (path, unfinished) = (directory.join(FILE), directory.join(UNFINISHED));
    // For this moment only: two that begin here would take each other's file. The database has a lock of its own, and
    // a file system that locks no directories is one more chance to begin two at once.
    let held = File::open(directory)?;
    if matches!(held.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(StateError::Locked);
    }
    let is_empty = match path.metadata() {
        Ok(found) => found.is_file() && found.len() == 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut names = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name()));
            if names.any(|name| name.map_or(true, |name| name != UNFINISHED)) {
                return Err(StateError::NotEmpty);
            }
            true
        }
        Err(error) => return Err(error.into()),
    };
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    if !is_empty {
        return open(&path);
    }
    let database = open(&unfinished)?;
    fs::rename(&unfinished, &path)?;
    held.sync_all()?;
    Ok(database)
}

fn open(path: &Path) -> Result<Database, StateError> {
    Database::builder().set_cache_size(CACHE).create(path).map_err(|error| match error {
        DatabaseError::UpgradeRequired(version) => StateError::Format(version.into()),
        error => damaged(error),
    })
}

/// A state that nobody else has.
pub struct State {
    database: Database,
    /// The directory that it is in.
    directory: PathBuf,
    pub origin: Origin,
    /// The sandbox's time when it was written last; none where it is new.
    pub recorded: Option<Millis>,
}

impl State {
    /// Opens the state in `directory`, or begins one there. A new one has this seed, or one drawn where none is given.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn open(directory: &Path, seed: Option<u64>) -> Result<Self, StateError> {
        guarded(|| State::open_whole(directory, seed)).unwrap_or_else(broken_off)
    }

    fn open_whole(directory: &Path, seed: Option<u64>) -> Result<Self, StateError> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let mut database = database(&directory)?;
        // Read before any of it is trusted: every page has a checksum.
        if !database.check_integrity().map_err(damaged)? {
            return Err(StateError::Damaged("parts of it are not what was written".to_owned()));
        }
        let mut state = State {
            database,
            directory,
            origin: Origin { seed: seed.unwrap_or_else(|| fastrand::u64(..)), starts: 0, began: 0 },
            recorded: None,
        };
        // A crash between the file and its first row leaves a new state.
        if let Some(format) = state.meta("format")? {
            if format != FORMAT {
                return Err(StateError::Format(format));
            }
            let missing = || StateError::Damaged("it does not say how it began".to_owned());
            state.origin = state.meta("origin")?.ok_or_else(missing)?;
            state.recorded = state.meta("clock")?;
            if seed.is_some_and(|seed| seed != state.origin.seed) {
                return Err(StateError::Seed(state.origin.seed));
            }
        }
        Ok(state)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn meta<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StateError> {
        let read = self.database.begin_read().map_err(damaged)?;
        let table = match read.open_table(META) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table.map_err(damaged)?,
        };
        let Some(json) = table.get(name).map_err(damaged)? else { return Ok(None) };
        let read = serde_json::from_slice(json.value());
        read.map(Some).map_err(|error| StateError::Damaged(format!("{name}: {error}")))
    }

    /// Reads all rows into the parts that they belong to.
    ///
    /// # Errors
    /// Rows that make no sense.
    pub fn read(&self, parts: Parts<'_>) -> Result<(), StateError> {
        guarded(|| self.read_whole(parts)).unwrap_or_else(broken_off)
    }

    fn read_whole(&self, mut parts: Parts<'_>) -> Result<(), StateError> {
        let read = self.database.begin_read().map_err(damaged)?;
        let table = match read.open_table(ROWS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            table => table.map_err(damaged)?,
        };
        for row in table.iter().map_err(damaged)? {
            let (path, json) = row.map_err(damaged)?;
            let path = rows::Path::components(path.value())
                .ok_or_else(|| StateError::Damaged("a row has no path".to_owned()))?;
            rows::accept(&mut parts, &path, json.value())
                .map_err(|why| StateError::Damaged(format!("{}: {why}", path.join("/"))))?;
        }
        Ok(())
    }

    /// Counts this start, and goes over to writing. `began` is when the sandbox began, as if it had never been down.
    ///
    /// # Errors
    /// A disk that cannot be written, a system that gives no thread.
    pub fn journal(self, began: Millis, clock: Arc<dyn Clock>) -> Result<Journal, StateError> {
        let origin = Origin { starts: self.origin.starts + 1, began, ..self.origin };
        let write = self.database.begin_write().map_err(damaged)?;
        {
            let mut meta = write.open_table(META).map_err(damaged)?;
            for (name, json) in [
                ("format", serde_json::to_vec(&FORMAT)),
                ("origin", serde_json::to_vec(&origin)),
                ("clock", serde_json::to_vec(&clock.now())),
            ] {
                let json = json.map_err(|error| StateError::Io(error.into()))?;
                meta.insert(name, json.as_slice()).map_err(damaged)?;
            }
        }
        write.commit().map_err(damaged)?;
        Ok(Journal::start(self.database, clock)?)
    }
}

#[cfg(test)]
mod tests;
