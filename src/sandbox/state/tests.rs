//! The state on a disk: what comes back, and what is said of what cannot.

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::sandbox::clock::Manual;
use crate::sandbox::rows::Changes;
use crate::sandbox::store::{Config, Region, World};

fn open(folder: &TempDir) -> State {
    State::open(folder.path(), None).unwrap()
}

fn start(state: State) -> Journal {
    state.journal(1, Arc::new(Manual::at(5))).unwrap()
}

fn config(number: i64) -> Config {
    let settings = json!({"deploymentConfigName": "x".repeat(100)}).as_object().unwrap().clone();
    Config { id: "c".into(), created: number, settings }
}

/// Changes some configurations of a world, and gives what that was.
fn change(world: &mut World, journal: &Journal, names: impl Iterator<Item = usize>, number: i64) -> Changes {
    let region = world.regions.get_or_insert_with("eu-west-1", Region::default);
    for name in names {
        region.configs.insert(name.to_string(), config(number));
    }
    let mut changes = journal.changes();
    rows::drain(world.parts(), false, &mut rows::Path::default(), &mut changes);
    changes
}

fn read(state: &State) -> Result<World, StateError> {
    let mut world = World::default();
    state.read(world.parts())?;
    world.complete();
    Ok(world)
}

#[tokio::test]
async fn what_has_settled_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path(), Some(7)).unwrap();
    assert_eq!((state.origin.seed, state.origin.starts, state.recorded), (7, 0, None));
    let journal = start(state);
    let mut world = World::default();
    journal.record(change(&mut world, &journal, 0..100, 1), Vec::new(), Vec::new());
    journal.settled().await.unwrap();
    world.regions.get_mut("eu-west-1").unwrap().configs.remove("7");
    journal.record(change(&mut world, &journal, 8..9, 2), Vec::new(), Vec::new());
    journal.settled().await.unwrap();
    drop(journal);

    let state = open(&folder);
    assert_eq!((state.origin.seed, state.origin.starts, state.recorded), (7, 1, Some(5)));
    let configs = &read(&state).unwrap().regions["eu-west-1"].configs;
    assert_eq!(configs.len(), 99);
    assert!(!configs.contains_key("7"));
    assert_eq!((configs["8"].created, configs["9"].created), (2, 1));
}

#[tokio::test]
async fn a_step_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let journal = start(open(&folder));
    let mut world = World::default();
    let step = journal.step();
    journal.record(change(&mut world, &journal, 0..10, 1), Vec::new(), Vec::new());
    let mut settled = Box::pin(journal.settled());
    let waker = std::task::Waker::noop();
    assert!(settled.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    drop(step);
    settled.await.unwrap();
}

#[tokio::test]
async fn files_go_after_the_rows_that_named_them() {
    let folder = tempfile::tempdir().unwrap();
    let journal = start(open(&folder));
    let (file, litter) = (folder.path().join("file"), folder.path().join("litter"));
    std::fs::write(&file, "x").unwrap();
    std::fs::write(&litter, "x").unwrap();
    let step = journal.step();
    journal.record(Changes::default(), vec![file.clone(), "/nowhere".into()], vec![litter.clone()]);
    assert!(litter.exists());
    drop(step);
    journal.settled().await.unwrap();
    drop(journal);
    assert!(file.exists() && !litter.exists());
    std::fs::write(&litter, "x").unwrap();
    Journal::default().record(Changes::default(), Vec::new(), vec![litter.clone()]);
    assert!(!litter.exists(), "where nothing is kept, nothing is waited for");
}

/// What is said of a directory.
#[track_caller]
fn refusal(folder: &TempDir, seed: Option<u64>) -> String {
    let state = State::open(folder.path(), seed);
    state.and_then(|state| read(&state)).map(drop).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    assert_eq!(refusal(&folder, None), "it is not empty, and holds no sandbox");

    let folder = tempfile::tempdir().unwrap();
    let held = State::open(folder.path(), Some(3)).unwrap();
    assert_eq!(refusal(&folder, None), "another sandbox uses it");
    drop(start(held));
    assert_eq!(refusal(&folder, Some(4)), "it was made with --seed 3, which cannot be changed");
    assert!(State::open(folder.path(), Some(3)).is_ok());

    let put = |table: TableDefinition<'_, &str, &[u8]>, name: &str, json: &str| {
        let database = Database::open(folder.path().join(FILE)).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(table).unwrap().insert(name, json.as_bytes()).unwrap();
        write.commit().unwrap();
    };
    put(META, "format", "2");
    let newer = "a newer cdctl wrote it: in format 2, and this one reads format 1";
    assert_eq!(refusal(&folder, None), newer);
    put(META, "format", "0");
    assert_eq!(refusal(&folder, None), newer.replace("a newer", "another").replace("format 2", "format 0"));
    put(META, "format", "[");
    let told = refusal(&folder, None);
    assert!(told.starts_with("state.redb is damaged: format: invalid type"), "{told}");
    put(META, "format", "1");
    put(META, "origin", "{}");
    assert_eq!(
        refusal(&folder, None),
        "state.redb is damaged: origin: missing field `seed` at line 1 column 2"
    );
}

/// Whatever a kill leaves of a start: there is a state, or there is none.
#[test]
fn a_start_that_was_broken_off_is_none() {
    for left in [&b""[..], b"re", &[0; 73_728]] {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = folder.path().join(UNFINISHED);
        std::fs::write(&unfinished, left).unwrap();
        let state = State::open(folder.path(), Some(3)).unwrap();
        assert_eq!(state.origin.starts, 0);
        assert!(!unfinished.exists());
        drop(start(state));
        // One that another start has left beside a state is cleared away.
        std::fs::write(&unfinished, left).unwrap();
        assert_eq!(open(&folder).origin.starts, 1);
        assert!(!unfinished.exists());
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "").unwrap();
    assert_eq!(open(&folder).origin.starts, 0);

    let folder = tempfile::tempdir().unwrap();
    let beginning = File::open(folder.path()).unwrap();
    beginning.lock().unwrap();
    assert_eq!(refusal(&folder, None), "another sandbox uses it");

    for short in ["r", "redb"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), short).unwrap();
        let told = refusal(&folder, None);
        assert!(told.starts_with("state.redb is damaged: "), "{told}");
    }
}

#[test]
fn a_row_that_makes_no_sense_is_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(open(&folder)));
    let mut path = Vec::new();
    for component in ["regions", "eu-west-1", "deployments", "d-1", "targets", "0000000000"] {
        path.extend(component.as_bytes());
        path.push(0);
        let database = Database::open(folder.path().join(FILE)).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(ROWS).unwrap().insert(path.as_slice(), b"{}".as_slice()).unwrap();
        write.commit().unwrap();
        drop(database);
        let told = State::open(folder.path(), None).and_then(|state| read(&state));
        assert!(component == "eu-west-1" || told.is_err(), "{component}");
    }
}

/// Flipped bytes, torn ends and foreign files: an error or the state, and never a panic.
#[tokio::test]
async fn a_damaged_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let journal = start(open(&folder));
    let mut world = World::default();
    for round in 0..20 {
        journal.record(change(&mut world, &journal, 0..40, round), Vec::new(), Vec::new());
        journal.settled().await.unwrap();
    }
    drop(journal);
    let file = folder.path().join(FILE);
    let whole = std::fs::read(&file).unwrap();
    let mut rng = fastrand::Rng::with_seed(11);
    let mut refused = 0;
    for round in 0..300 {
        let mut bytes = whole.clone();
        match round % 3 {
            0 => bytes.truncate(rng.usize(..bytes.len())),
            1 => (0..rng.usize(1..200)).for_each(|_| {
                let place = rng.usize(..bytes.len());
                bytes[place] = rng.u8(..);
            }),
            _ => {
                let from = rng.usize(..bytes.len());
                let to = (from + rng.usize(..8192)).min(bytes.len());
                bytes[from..to].fill(rng.u8(..));
            }
        }
        std::fs::write(&file, bytes).unwrap();
        refused += usize::from(State::open(folder.path(), None).and_then(|state| read(&state)).is_err());
    }
    assert!(refused > 50, "{refused}");
}
