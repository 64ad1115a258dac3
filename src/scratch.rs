//! What lies on the disk, or runs, only while a command does: temporary folders, files that are half written, git, hook
//! scripts. A signal ends a command while another thread is still at work on them, so they are known here and go with it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::{Builder, NamedTempFile, TempDir};

#[derive(Debug)]
struct Held {
    paths: Vec<PathBuf>,
    children: Vec<Pid>,
    /// Process groups, by their leaders.
    groups: Vec<Pid>,
    /// Nothing is begun any more.
    closed: bool,
}

static HELD: Mutex<Held> =
    Mutex::new(Held { paths: Vec::new(), children: Vec::new(), groups: Vec::new(), closed: false });

fn held() -> io::Result<MutexGuard<'static, Held>> {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.closed { Err(io::Error::new(io::ErrorKind::Interrupted, "the command ends")) } else { Ok(held) }
}

/// A path that [`clear`] removes while this lives.
#[derive(Debug)]
struct Known(PathBuf);

impl Drop for Known {
    fn drop(&mut self) {
        if let Ok(mut held) = held() {
            held.paths.retain(|path| *path != self.0);
        }
    }
}

/// A temporary folder.
#[derive(Debug)]
pub struct Folder {
    // Removed before it is forgotten.
    folder: TempDir,
    _known: Known,
}

impl Folder {
    /// Where the system has its temporary files.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> io::Result<Self> {
        Self::made(TempDir::new)
    }

    /// In another folder, with a name that begins so.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn within(parent: &Path, prefix: &str) -> io::Result<Self> {
        Self::made(|| Builder::new().prefix(prefix).tempdir_in(parent))
    }

    fn made(make: impl FnOnce() -> io::Result<TempDir>) -> io::Result<Self> {
        let mut held = held()?;
        let folder = make()?;
        let path = folder.path().to_owned();
        held.paths.push(path.clone());
        Ok(Folder { folder, _known: Known(path) })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A file without a name in a folder: it is gone when it is closed, however the process ends.
pub fn unnamed(folder: &Path) -> io::Result<fs::File> {
    tempfile::tempfile_in(folder)
}

/// A file that is half written, beside the one that it will be; [`clear`] removes it while this lives.
#[derive(Debug)]
pub struct Half {
    // Removed before it is forgotten.
    pub file: NamedTempFile,
    _known: Known,
}

impl Half {
    /// In a folder, with no more permissions than these, of which the user's umask takes away as from any new file.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn within(folder: &Path, mode: u32) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let mut held = held()?;
        let file = Builder::new()
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder)
            .map_err(plain)?;
        held.paths.push(file.path().to_owned());
        let known = Known(file.path().to_owned());
        Ok(Half { file, _known: known })
    }
}

/// What the system says, without the temporary name that was to be.
fn plain(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((what, _)) => io::Error::new(error.kind(), what),
        None => error,
    }
}

/// Writes a file, whole or not at all: what is half written has another name beside it. One that is there is replaced, or,
/// where it is `new`, an error.
///
/// # Errors
/// It cannot be written, or is there already.
pub fn write(to: &Path, new: bool, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Half { mut file, _known } = Half::within(folder, 0o666)?;
    fill(file.as_file_mut())?;
    let placed = if new { file.persist_noclobber(to) } else { file.persist(to) };
    placed.map(drop).map_err(|error| error.error)
}

/// A program that [`clear`] ends while this lives.
#[derive(Debug)]
pub struct Running(Option<Pid>);

/// Starts a program. It is known from the first moment: [`clear`] waits until it is.
///
/// # Errors
/// It cannot be started, or the command ends.
pub fn spawn(command: &mut Command) -> io::Result<(Child, Running)> {
    started(command, |held| &mut held.children)
}

/// As [`spawn`], of the leader of a process group: [`clear`] kills all of the group. It lives until the leader is about to
/// be waited for, whose number may be another's afterwards.
///
/// # Errors
/// It cannot be started, or the command ends.
pub fn spawn_group(command: &mut Command) -> io::Result<(Child, Running)> {
    started(command.process_group(0), |held| &mut held.groups)
}

fn started(command: &mut Command, of: fn(&mut Held) -> &mut Vec<Pid>) -> io::Result<(Child, Running)> {
    let mut held = held()?;
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    of(&mut held).extend(pid);
    Ok((child, Running(pid)))
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(mut held) = held() {
            held.children.retain(|pid| Some(*pid) != self.0);
            held.groups.retain(|pid| Some(*pid) != self.0);
        }
    }
}

/// Ends and removes all of it, where a signal ends the process.
pub fn clear() {
    let Ok(mut held) = held() else { return };
    held.closed = true;
    for pid in held.children.drain(..) {
        let _ = kill_process(pid, Signal::TERM);
    }
    // They had their TERM, where the signal was the second one, and nobody is left to wait for them.
    for pid in held.groups.drain(..) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
    held.paths.drain(..).for_each(|path| remove(&path));
}

/// Removes a file or a folder in which somebody may still write by its name: it has another one first.
fn remove(path: &Path) {
    if !path.is_dir() {
        let _ = fs::remove_file(path);
        return;
    }
    let mut gone = path.as_os_str().to_owned();
    gone.push(".gone");
    let gone = PathBuf::from(gone);
    let gone = if fs::rename(path, &gone).is_ok() { gone.as_path() } else { path };
    // What was opened before it had another name may come in between.
    let _ = (0..3).find(|_| fs::remove_dir_all(gone).is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = Folder::new().unwrap();
        let path = folder.path().join("file");
        let fails = write(&path, true, |file| {
            io::Write::write_all(file, b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(fails.is_err() && fs::read_dir(folder.path()).unwrap().next().is_none());
        let text =
            |text: &'static str| move |file: &mut fs::File| io::Write::write_all(file, text.as_bytes());
        write(&path, true, text("one")).unwrap();
        assert_eq!(write(&path, true, text("two")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        write(&path, false, text("two")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_nothing_temporary() {
        let error = write(Path::new("/nowhere/file"), false, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "No such file or directory (os error 2)");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_is_known_while_it_lives() {
        let known = |path: &Path| held().unwrap().paths.iter().any(|known| known == path);
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        assert!(known(&path) && path.is_dir());
        drop(folder);
        assert!(!known(&path) && !path.exists());
    }

    #[test]
    fn a_folder_goes_with_all_in_it() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("folder");
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/file"), "x").unwrap();
        remove(&path);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }
}
