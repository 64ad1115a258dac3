//! The numbers of users and groups by their names.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::process::tool;

/// What was found, so that nobody is asked twice.
pub struct Users {
    /// Whether the machine is asked beside its own files: directories of a company, and whatever else it is set up to.
    asks: bool,
    users: HashMap<String, Option<u32>>,
    groups: HashMap<String, Option<u32>>,
}

impl Users {
    pub fn new(asks: bool) -> Self {
        Users { asks, users: HashMap::new(), groups: HashMap::new() }
    }

    pub fn user(&mut self, name: &str) -> Option<u32> {
        let asks = self.asks;
        *self.users.entry(name.to_owned()).or_insert_with(|| find(Path::new("/etc"), name, "passwd", asks))
    }

    pub fn group(&mut self, name: &str) -> Option<u32> {
        let asks = self.asks;
        *self.groups.entry(name.to_owned()).or_insert_with(|| find(Path::new("/etc"), name, "group", asks))
    }
}

fn find(folder: &Path, name: &str, database: &str, asks: bool) -> Option<u32> {
    let text = fs::read_to_string(folder.join(database)).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let number = |fields: &[&str]| fields.get(2)?.parse().ok();
    if let Some(fields) = lines.find(|fields| fields.first() == Some(&name)) {
        return number(&fields);
    }
    // `getent` takes a number for whose it is, and the agents do not.
    if !asks || name.is_empty() || name.parse::<i64>().is_ok() {
        return None;
    }
    let said = tool("getent", &[database.as_ref(), "--".as_ref(), name.as_ref()]).ok()?;
    number(&said.lines().next()?.split(':').collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::print_stderr, reason = "says what is left out")]
    fn who_is_in_no_file_is_asked_of_the_machine() {
        let (nowhere, etc) = (tempfile::tempdir().unwrap(), Path::new("/etc"));
        let find = |folder: &Path, name: &str, asks| find(folder, name, "passwd", asks);
        assert_eq!(find(etc, "root", false), Some(0));
        assert_eq!(find(nowhere.path(), "root", false), None);
        for name in ["0", "", "nobody-here", "--help"] {
            assert_eq!(find(nowhere.path(), name, true), None, "{name}");
        }
        if !Path::new("/usr/bin/getent").exists() {
            eprintln!("left out: getent is not installed");
            return;
        }
        assert_eq!(find(nowhere.path(), "root", true), Some(0));
    }
}
