//! Failures grouped by what caused them: one entry a cause, however many hosts it hit. Pure.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Failure, millis_or_null};
use crate::model::EventName;

/// Causes told apart at most; messages come from outside, and each could be another one.
const MOST_CAUSES: usize = 200;
/// The message of the cause that takes what is over.
const REST: &str = "(various)";
/// Characters kept of a message and of a log tail (the service's own limit for a tail is 4 KB).
const LONGEST_MESSAGE: usize = 1024;
const LONGEST_TAIL: usize = 4096;

/// One cause with the hosts that it hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The lifecycle event that failed; none where the service names no failed event.
    pub event: Option<EventName>,
    pub error: String,
    pub script: String,
    /// The first host's message, as it came.
    pub message: String,
    /// The end of the first host's log, as it came.
    pub log_tail: String,
    /// When the first host failed, by the service.
    #[serde(with = "millis_or_null", default)]
    pub first: Option<Timestamp>,
    pub count: u64,
    /// The targets' ids, in the order in which their failures were seen.
    pub targets: Vec<String>,
}

/// The causes seen so far.
#[derive(Debug, Default)]
pub struct Causes {
    causes: Vec<Cause>,
    index: HashMap<Key, usize>,
}

#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Key {
    event: Option<EventName>,
    error: String,
    script: String,
    message: String,
}

impl Causes {
    /// Counts the failure of one target. The caller adds each target once.
    pub fn add(
        &mut self,
        target: &str,
        event: Option<&EventName>,
        failure: Option<&Failure>,
        time: Option<Timestamp>,
    ) {
        let error = failure.map(|failure| failure.error.to_string()).unwrap_or_default();
        let script = failure.map(|failure| cut(&failure.script, LONGEST_MESSAGE)).unwrap_or_default();
        let message = failure.map(|failure| cut(&failure.message, LONGEST_MESSAGE)).unwrap_or_default();
        let full = self.causes.len() >= MOST_CAUSES;
        let key = Key { event: event.cloned(), error, script, message: normalised(&message) };
        let (key, message) = if full && !self.index.contains_key(&key) {
            (Key { message: REST.to_owned(), ..Key::default() }, REST.to_owned())
        } else {
            (key, message)
        };
        let next = self.causes.len();
        let index = *self.index.entry(key).or_insert_with_key(|key| {
            self.causes.push(Cause {
                event: key.event.clone(),
                error: key.error.clone(),
                script: key.script.clone(),
                message,
                log_tail: String::new(),
                first: None,
                count: 0,
                targets: Vec::new(),
            });
            next
        });
        let cause = &mut self.causes[index];
        cause.count += 1;
        cause.targets.push(target.to_owned());
        if cause.log_tail.is_empty()
            && let Some(failure) = failure
        {
            cause.log_tail = end_of(&failure.log_tail, LONGEST_TAIL);
        }
        cause.first = match (cause.first, time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The causes, those that hit most targets first; among equals the earliest first.
    pub fn ranked(&self) -> Vec<&Cause> {
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|cause| (std::cmp::Reverse(cause.count), cause.first));
        causes
    }

    /// As [`Causes::ranked`], to keep.
    pub fn list(&self) -> Vec<Cause> {
        self.ranked().into_iter().cloned().collect()
    }

    /// Targets counted so far.
    pub fn targets(&self) -> u64 {
        self.causes.iter().map(|cause| cause.count).sum()
    }
}

/// A message with all that differs from host to host masked: paths, and words that hold a digit (ids,
/// addresses, numbers, durations).
fn normalised(message: &str) -> String {
    let words = message.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        let mask = if bare.contains('/') || bare.contains('\\') {
            "<path>"
        } else if bare.chars().any(|c| c.is_ascii_digit()) {
            "#"
        } else {
            return word.to_owned();
        };
        word.replacen(bare, mask, 1)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The first `most` characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The last `most` characters.
fn end_of(text: &str, most: usize) -> String {
    let skip = text.chars().count().saturating_sub(most);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LifecycleErrorCode;

    fn failure(message: &str, tail: &str) -> Failure {
        Failure {
            error: LifecycleErrorCode::ScriptFailed,
            script: "scripts/start.sh".into(),
            message: message.into(),
            log_tail: tail.into(),
        }
    }

    #[test]
    fn what_differs_from_host_to_host_is_masked() {
        assert_eq!(
            normalised("Script at /opt/a/1/start.sh on i-0abc (10.0.0.7:80) failed with exit code 3."),
            "Script at <path> on # (#) failed with exit code #."
        );
        assert_eq!(normalised("no space left on device"), "no space left on device");
        assert_eq!(normalised("  two\tlines\nhere "), "two lines here");
    }

    #[test]
    fn one_entry_a_cause_the_most_hit_first() {
        let mut causes = Causes::default();
        let start = Some(&EventName::ApplicationStart);
        let at = |second: i64| Timestamp::from_second(second).ok();
        causes.add("a", Some(&EventName::Install), Some(&failure("disk full", "x")), at(1));
        causes.add("b", start, Some(&failure("port 80 taken on 10.0.0.1", "")), at(9));
        causes.add("c", start, Some(&failure("port 81 taken on 10.0.0.2", "tail of c")), at(5));
        let list = causes.list();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].targets, ["b", "c"]);
        assert_eq!(list[0].message, "port 80 taken on 10.0.0.1");
        assert_eq!(list[0].log_tail, "tail of c", "the first tail that is not empty");
        assert_eq!(list[0].first, at(5));
        assert_eq!(causes.targets(), 3);
    }

    #[test]
    fn a_flood_of_messages_stays_bounded() {
        let mut causes = Causes::default();
        for n in 0..2000u32 {
            let word: String = n.to_string().chars().map(|c| char::from(b'a' + (c as u8 - b'0'))).collect();
            causes.add(&word, None, Some(&failure(&word.repeat(500), &"t".repeat(9000))), None);
        }
        assert_eq!(causes.list().len(), MOST_CAUSES + 1);
        assert_eq!(causes.list()[0].message, "(various)");
        assert_eq!(causes.targets(), 2000);
        assert!(
            causes.list().iter().all(|cause| cause.message.len() <= 1024 && cause.log_tail.len() <= 4096)
        );
    }
}
