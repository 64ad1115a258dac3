//! Entities by name.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::Value;

use super::{Changes, Entity, Part, Parts, Path, accept, drain, tree};

/// A map that remembers what was changed; it is read as one.
#[derive(Clone, Debug)]
pub struct Table<T> {
    rows: BTreeMap<String, T>,
    marks: BTreeMap<String, Mark>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// It may have been changed, and its parts know which of them were.
    Touched,
    /// It was put there, or is there no more.
    Replaced,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { rows: BTreeMap::new(), marks: BTreeMap::new() }
    }
}

impl<T: PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<T> Deref for Table<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<T> Table<T> {
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let found = self.rows.get_mut(name)?;
        touch(&mut self.marks, name);
        Some(found)
    }

    pub fn get_or_insert_with(&mut self, name: &str, make: impl FnOnce() -> T) -> &mut T {
        if self.rows.contains_key(name) {
            touch(&mut self.marks, name);
        } else {
            self.marks.insert(name.to_owned(), Mark::Replaced);
        }
        self.rows.entry(name.to_owned()).or_insert_with(make)
    }

    pub fn insert(&mut self, name: String, row: T) -> Option<T> {
        self.marks.insert(name.clone(), Mark::Replaced);
        self.rows.insert(name, row)
    }

    pub fn remove(&mut self, name: &str) -> Option<T> {
        let (name, row) = self.rows.remove_entry(name)?;
        self.marks.insert(name, Mark::Replaced);
        Some(row)
    }

    pub fn retain(&mut self, keep: impl Fn(&str, &T) -> bool) {
        let Table { rows, marks } = self;
        rows.retain(|name, row| {
            let stays = keep(name, row);
            if !stays {
                marks.insert(name.clone(), Mark::Replaced);
            }
            stays
        });
    }

    /// Changes every entity that is meant.
    pub fn change(&mut self, is_meant: impl Fn(&T) -> bool, mut change: impl FnMut(&mut T)) {
        for (name, row) in &mut self.rows {
            if is_meant(row) {
                touch(&mut self.marks, name);
                change(row);
            }
        }
    }
}

fn touch(marks: &mut BTreeMap<String, Mark>, name: &str) {
    if !marks.contains_key(name) {
        marks.insert(name.to_owned(), Mark::Touched);
    }
}

impl<T, const N: usize> From<[(String, T); N]> for Table<T> {
    fn from(rows: [(String, T); N]) -> Self {
        let mut table = Table::default();
        for (name, row) in rows {
            table.insert(name, row);
        }
        table
    }
}

impl<T: Entity> Part for Table<T> {
    fn drain(&mut self, whole: bool, path: &mut Path, changes: &mut Changes) {
        let mut marks = std::mem::take(&mut self.marks);
        if whole {
            marks = self.rows.keys().map(|name| (name.clone(), Mark::Replaced)).collect();
        }
        for (name, mark) in marks {
            let replaced = mark == Mark::Replaced;
            path.within(&name, |path| {
                if replaced && !whole {
                    changes.remove(path);
                }
                let Some(row) = self.rows.get_mut(&name) else { return };
                if replaced || !T::BARE {
                    changes.put(path, row);
                }
                drain(row.parts(), replaced, path, changes);
            });
        }
    }

    fn accept(&mut self, path: &[String], json: &[u8]) -> Result<(), String> {
        let Some((name, rest)) = path.split_first() else { return Err("a row without a name".to_owned()) };
        if rest.is_empty() {
            let row = serde_json::from_slice(json).map_err(|error| format!("{name:?}: {error}"))?;
            self.rows.insert(name.clone(), row);
            return Ok(());
        }
        let row = self.rows.get_mut(name).ok_or_else(|| format!("{name:?} has parts and no row"))?;
        let mut parts: Parts<'_> = row.parts();
        accept(&mut parts, rest, json)
    }

    fn tree(&mut self) -> Value {
        let row = |(name, row): (&String, &mut T)| {
            let own = serde_json::to_value(&*row).unwrap_or_default();
            (name.clone(), tree(own, row.parts()))
        };
        Value::Object(self.rows.iter_mut().map(row).collect())
    }
}
