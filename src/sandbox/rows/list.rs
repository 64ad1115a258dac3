//! Entities in an order, which have no parts.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::Value;

use super::{Changes, Entity, Part, Path};

/// A list that remembers what was changed; it is read as a slice.
#[derive(Clone, Debug)]
pub struct List<T> {
    rows: Vec<T>,
    touched: BTreeSet<usize>,
    /// Not only single rows have changed.
    whole: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List { rows: Vec::new(), touched: BTreeSet::new(), whole: false }
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

/// Whatever tests do to it.
#[cfg(test)]
impl<T> std::ops::DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.whole = true;
        &mut self.rows
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        List { rows: rows.into_iter().collect(), touched: BTreeSet::new(), whole: true }
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(rows: Vec<T>) -> Self {
        List { rows, touched: BTreeSet::new(), whole: true }
    }
}

impl<T> List<T> {
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let found = self.rows.get_mut(index)?;
        self.touched.insert(index);
        Some(found)
    }

    pub fn push(&mut self, row: T) {
        self.touched.insert(self.rows.len());
        self.rows.push(row);
    }

    /// The row at `index`, or a new one where there is none.
    pub fn get_or_push_with(&mut self, index: Option<usize>, make: impl FnOnce() -> T) -> &mut T {
        let index = index.filter(|index| *index < self.rows.len()).unwrap_or_else(|| {
            self.rows.push(make());
            self.rows.len() - 1
        });
        self.touched.insert(index);
        &mut self.rows[index]
    }

    /// Takes all rows out.
    pub fn take(&mut self) -> Vec<T> {
        self.whole |= !self.rows.is_empty();
        std::mem::take(&mut self.rows)
    }

    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        let before = self.rows.len();
        self.rows.retain(keep);
        self.whole |= self.rows.len() < before;
    }
}

impl<T: Entity> Part for List<T> {
    fn drain(&mut self, whole: bool, path: &mut Path, changes: &mut Changes) {
        let mut touched = std::mem::take(&mut self.touched);
        let all = std::mem::take(&mut self.whole) || whole;
        if all {
            touched = (0..self.rows.len()).collect();
            if !whole {
                changes.remove(path);
            }
        }
        for index in touched {
            let Some(row) = self.rows.get(index) else { continue };
            path.within(&format!("{index:010}"), |path| changes.put(path, row));
        }
    }

    fn accept(&mut self, path: &[String], json: &[u8]) -> Result<(), String> {
        let [place] = path else { return Err("a row of a list has no parts".to_owned()) };
        if place.parse() != Ok(self.rows.len()) {
            return Err(format!("{place:?} does not follow {} rows", self.rows.len()));
        }
        self.rows.push(serde_json::from_slice(json).map_err(|error| format!("{place:?}: {error}"))?);
        Ok(())
    }

    fn tree(&mut self) -> Value {
        Value::Array(self.rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect())
    }
}
