//! What is kept on disk as rows: containers that remember what was changed in them, so that a write costs what it
//! changed and not what there is. Knows no file.
//!
//! A row is a path and JSON: `regions/us-east-1/deployments/d-1` without its targets, which are rows below it.

mod list;
mod table;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use list::List;
pub use table::Table;

/// The parts of an entity that are rows of their own, by name.
pub type Parts<'a> = Vec<(&'static str, &'a mut dyn Part)>;

/// Something that is a row, with its parts below it. The row is its JSON, which leaves the parts out.
pub trait Entity: Serialize + DeserializeOwned {
    /// It is nothing but its parts: its own row never changes.
    const BARE: bool = false;

    fn parts(&mut self) -> Parts<'_> {
        Vec::new()
    }
}

/// A container of entities.
pub trait Part {
    /// Gives what was changed since the last time, everything where `whole`, and forgets that it was.
    fn drain(&mut self, whole: bool, path: &mut Path, changes: &mut Changes);

    /// Takes a row in, as it was written.
    ///
    /// # Errors
    /// What is wrong with it.
    fn accept(&mut self, path: &[String], json: &[u8]) -> Result<(), String>;

    /// All of it as one JSON value, for people to look at.
    fn tree(&mut self) -> Value;
}

/// An entity with its parts as one JSON value, for people to look at.
pub fn tree(own: Value, parts: Parts<'_>) -> Value {
    let mut members = match own {
        Value::Object(members) => members,
        _ if parts.is_empty() => return own,
        _ => Map::new(),
    };
    members.extend(parts.into_iter().map(|(name, part)| (name.to_owned(), part.tree())));
    Value::Object(members)
}

/// Takes a row into the part that its path names first.
///
/// # Errors
/// What is wrong with it.
pub fn accept(parts: &mut Parts<'_>, path: &[String], json: &[u8]) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else { return Err("a row without a path".to_owned()) };
    let part = parts.iter_mut().find(|(own, _)| own == name);
    part.ok_or_else(|| format!("nothing has a part {name:?}"))?.1.accept(rest, json)
}

/// Drains all parts.
pub fn drain(parts: Parts<'_>, whole: bool, path: &mut Path, changes: &mut Changes) {
    for (name, part) in parts {
        path.within(name, |path| part.drain(whole, path, changes));
    }
}

/// Ends a component; [`ESCAPE`] and a sign stand for each of both in one.
const END: u8 = 0;
const ESCAPE: u8 = 1;

/// Where a row is: its components, each with its end, so that a row is followed by those below it.
#[derive(Debug, Default)]
pub struct Path(Vec<u8>);

impl Path {
    /// Does something one component further down.
    pub fn within<T>(&mut self, component: &str, act: impl FnOnce(&mut Path) -> T) -> T {
        let length = self.0.len();
        for byte in component.bytes() {
            match byte {
                END | ESCAPE => self.0.extend([ESCAPE, byte + 1]),
                byte => self.0.push(byte),
            }
        }
        self.0.push(END);
        let done = act(self);
        self.0.truncate(length);
        done
    }

    /// The components of a path's bytes; none where they are not a path.
    pub fn components(bytes: &[u8]) -> Option<Vec<String>> {
        let whole = bytes.strip_suffix(&[END])?;
        whole.split(|byte| *byte == END).map(component).collect()
    }

    /// The first bytes behind all rows at or below a path.
    pub fn behind(path: &[u8]) -> Vec<u8> {
        let mut behind = path.to_vec();
        if let Some(last) = behind.last_mut() {
            *last = END + 1;
        }
        behind
    }
}

fn component(bytes: &[u8]) -> Option<String> {
    let mut component = Vec::new();
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        component.push(if *byte == ESCAPE { bytes.next()?.checked_sub(1)? } else { *byte });
    }
    String::from_utf8(component).ok()
}

/// What is to be written: first rows go, then others come.
#[derive(Debug, Default)]
pub struct Changes {
    /// Nobody keeps them: they are only forgotten.
    pub unheard: bool,
    /// Paths of rows that go with those below them.
    pub removed: Vec<Vec<u8>>,
    /// Paths and JSON.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.rows.is_empty()
    }

    fn remove(&mut self, path: &Path) {
        if !self.unheard {
            self.removed.push(path.0.clone());
        }
    }

    fn put(&mut self, path: &Path, entity: &impl Serialize) {
        if self.unheard {
            return;
        }
        // The entities have string keys and finite numbers only: there is nothing that JSON cannot say.
        if let Ok(json) = serde_json::to_vec(entity) {
            self.rows.push((path.0.clone(), json));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Leaf(u32);

    impl Entity for Leaf {}

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Tree {
        name: String,
        #[serde(skip)]
        leaves: Table<Leaf>,
        #[serde(skip)]
        list: List<Leaf>,
    }

    impl Entity for Tree {
        fn parts(&mut self) -> Parts<'_> {
            vec![("leaves", &mut self.leaves), ("list", &mut self.list)]
        }
    }

    type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

    /// Writes what was changed, and gives how many rows that were.
    fn write(trees: &mut Table<Tree>, disk: &mut Disk) -> usize {
        let mut changes = Changes::default();
        drain(vec![("trees", trees)], false, &mut Path::default(), &mut changes);
        for path in &changes.removed {
            let gone: Vec<_> =
                disk.range(path.clone()..Path::behind(path)).map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| drop(disk.remove(key)));
        }
        let count = changes.rows.len();
        disk.extend(changes.rows);
        count
    }

    fn read(disk: &Disk) -> Table<Tree> {
        let mut trees = Table::default();
        for (path, json) in disk {
            let path = Path::components(path).unwrap();
            accept(&mut vec![("trees", &mut trees)], &path, json).unwrap();
        }
        trees
    }

    #[test]
    fn a_change_costs_what_it_changes() {
        let (mut trees, mut disk) = (Table::<Tree>::default(), Disk::new());
        let mut tree = Tree { name: "a".into(), ..Tree::default() };
        tree.list = (0..100).map(Leaf).collect();
        trees.insert("a\0\u{1}b".into(), tree);
        trees.insert("a".into(), Tree::default());
        assert_eq!(write(&mut trees, &mut disk), 102);
        assert_eq!(write(&mut trees, &mut disk), 0);
        trees.get_mut("a\0\u{1}b").unwrap().list.get_mut(7).unwrap().0 = 700;
        assert_eq!(write(&mut trees, &mut disk), 2, "the row and that above it");
        let tree = trees.get_mut("a").unwrap();
        tree.leaves.insert("x".into(), Leaf(1));
        tree.list.push(Leaf(2));
        assert_eq!(write(&mut trees, &mut disk), 3);
        assert_eq!(read(&disk), trees);
        trees.remove("a");
        assert_eq!(write(&mut trees, &mut disk), 0);
        assert_eq!((disk.len(), read(&disk)), (101, trees));
    }

    #[test]
    fn what_is_read_is_what_was_written_whatever_was_done() {
        let (mut trees, mut disk) = (Table::<Tree>::default(), Disk::new());
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..3_000 {
            let key = ["a", "b", "", "a/b", "é"][rng.usize(..5)];
            match rng.u8(..9) {
                0 => drop(trees.insert(key.into(), Tree { name: rng.u8(..).to_string(), ..Tree::default() })),
                1 => drop(trees.remove(key)),
                2 => trees.retain(|name, _| name != key),
                3 => trees.change(|tree| tree.name.len() == 2, |tree| tree.name.push('0')),
                4 => drop(
                    trees
                        .get_mut(key)
                        .map(|tree| tree.leaves.insert(rng.u8(..5).to_string(), Leaf(rng.u32(..)))),
                ),
                5 => drop(trees.get_mut(key).map(|tree| tree.leaves.remove(&rng.u8(..5).to_string()))),
                6 => drop(trees.get_mut(key).map(|tree| tree.list.push(Leaf(rng.u32(..))))),
                7 => drop(trees.get_mut(key).map(|tree| tree.list.retain(|leaf| leaf.0 % 3 != 0))),
                _ => {
                    trees.get_or_insert_with(key, Tree::default).list = (0..rng.u32(..4)).map(Leaf).collect()
                }
            }
            if rng.u8(..3) == 0 {
                write(&mut trees, &mut disk);
                assert_eq!(read(&disk), trees);
            }
        }
    }

    #[test]
    fn rows_that_make_no_sense_are_told() {
        let row = |path: &[&str], json: &str| {
            let mut trees = Table::<Tree>::default();
            let path: Vec<_> = path.iter().map(ToString::to_string).collect();
            accept(&mut vec![("trees", &mut trees)], &path, json.as_bytes()).unwrap_err()
        };
        assert_eq!(row(&[], "{}"), "a row without a path");
        assert_eq!(row(&["twigs", "a"], "{}"), "nothing has a part \"twigs\"");
        assert_eq!(row(&["trees"], "{}"), "a row without a name");
        assert_eq!(row(&["trees", "a", "list", "0000000000"], "1"), "\"a\" has parts and no row");
        assert!(row(&["trees", "a"], "{").starts_with("\"a\": EOF"));
        let mut tree = Tree::default();
        let mut at = |place: &str| tree.list.accept(&[place.to_owned()], b"1");
        assert_eq!(at("0000000000"), Ok(()));
        assert_eq!(at("0000000002").unwrap_err(), "\"0000000002\" does not follow 1 rows");
        for bytes in [&b""[..], b"a", b"a\x01\0", b"\xff\0", b"\x01\0\0"] {
            assert_eq!(Path::components(bytes), None, "{bytes:?}");
        }
    }
}
