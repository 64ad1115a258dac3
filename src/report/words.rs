//! The words that several reporters share. Everything from outside is made safe here. Pure.

use unicode_width::UnicodeWidthStr;

use crate::ui;
use crate::watch::event::{Counts, Failure};

/// `ok 61/200 run 71 fail 1 pend 67`; what is zero and rare is left out.
pub fn counts(counts: &Counts) -> String {
    let mut text = format!(
        "ok {}/{} run {} fail {} pend {}",
        counts.ok,
        counts.total(),
        counts.run,
        counts.fail,
        counts.pend
    );
    for (name, count) in [("ready", counts.ready), ("skip", counts.skip)] {
        if count > 0 {
            text.push_str(&format!(" {name} {count}"));
        }
    }
    text
}

/// The same for those who read no log: `12: 6 failed, 6 skipped`.
pub fn counts_in_words(counts: &Counts) -> String {
    let kinds = [
        (counts.ok, "succeeded"),
        (counts.run, "in progress"),
        (counts.fail, "failed"),
        (counts.pend, "pending"),
        (counts.ready, "ready"),
        (counts.skip, "skipped"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    if kinds.is_empty() { counts.total().to_string() } else { format!("{}: {kinds}", counts.total()) }
}

/// Where a target failed that was in none of its lifecycle events: it was stopped, or did not ask for the next one.
pub const BETWEEN: &str = "between two events";

/// Sentences as the clauses of one.
pub fn clauses(sentences: &[String]) -> String {
    let last = sentences.len().saturating_sub(1);
    let clause = |(index, text): (usize, &String)| match index == last {
        true => text.clone(),
        false => text.trim_end().trim_end_matches('.').to_owned(),
    };
    sentences.iter().enumerate().map(clause).collect::<Vec<_>>().join("; ")
}

/// Text from outside on one line: no escape code in it, and nothing that a CI system reads as a command.
pub fn line(text: &str) -> String {
    ui::defuse(&ui::line(text))
}

/// `shop/prod`, or what of it is known.
pub fn place(application: Option<&str>, group: Option<&str>) -> String {
    let parts: Vec<_> = [application, group].into_iter().flatten().map(line).collect();
    parts.join("/")
}

/// What people call a revision: the object's name without its folder.
pub fn short_revision(revision: &str) -> String {
    let bare = revision.split(['?', '@']).next().unwrap_or(revision);
    let name = match revision.split_once('@') {
        Some((_, commit)) if revision.starts_with("github:") => commit.get(..7).unwrap_or(commit),
        _ => bare.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(bare),
    };
    line(name)
}

/// A revision without the version and the checksum of its object.
pub fn bare_revision(revision: &str) -> String {
    line(revision.split('?').next().unwrap_or(revision))
}

/// What people call two revisions, told apart where they are versions of one object.
pub fn short_revisions(one: &str, other: &str) -> (String, String) {
    let names = (short_revision(one), short_revision(other));
    if names.0 != names.1 || one == other {
        return names;
    }
    let marked = |name: &str, revision: &str| {
        let parameters = revision.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
        let version =
            parameters.filter_map(|parameter| parameter.split_once('=')).map(|(_, value)| value).next();
        let version: String = version.unwrap_or_default().chars().take(8).collect();
        if version.is_empty() { name.to_owned() } else { line(&format!("{name}@{version}")) }
    };
    (marked(&names.0, one), marked(&names.1, other))
}

/// The first `most` of some names and how many more there are: `a, b, +4`.
pub fn names(names: &[String], most: usize) -> String {
    let mut shown: Vec<_> = names.iter().take(most).map(|name| line(name)).collect();
    if names.len() > most {
        shown.push(format!("+{}", names.len() - most));
    }
    shown.join(", ")
}

/// `1 target`, `4 targets`.
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The first line of a message, safe and not longer than `most` characters.
pub fn first_line(message: &str, most: usize) -> String {
    let line = line(message.trim().lines().next().unwrap_or_default());
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}

/// What went wrong on a host, on one line: the agent's own messages name the script, others do not.
pub fn failure(failure: &Failure) -> String {
    let message = bare_message(&failure.message);
    let script = match failure.script.as_str() {
        "" => String::new(),
        script if message.contains(script) => String::new(),
        script => format!(" {}", first_line(script, 100)),
    };
    format!("{}{script}: {}", first_line(failure.error.as_str(), 40), first_line(message, 300))
}

/// A message without the agent's usual first words.
///
/// Source: official agent 1.8.1, hook_executor.
pub fn bare_message(message: &str) -> &str {
    let message = message.trim();
    message.strip_prefix("Script at specified location: ").unwrap_or(message)
}

/// A sentence behind a label, on as many lines as the width asks for.
pub fn flowed(label: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![label.to_owned()];
    let mut begun = false;
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if begun && line.width() + 1 + word.width() > width {
            lines.push(" ".repeat(label.len()) + word);
        } else {
            line.push_str(if begun { " " } else { "" });
            line.push_str(word);
        }
        begun = true;
    }
    lines
}

/// Text as a block of Markdown that nothing in it can leave.
pub fn fenced(text: &str) -> String {
    let text = ui::defuse(&text.replace("\r\n", "\n"));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// A deployment as the arguments of a command name it.
pub fn reference(id: &str, region: Option<&str>) -> String {
    let id = shell(id);
    region.map_or_else(|| id.clone(), |region| format!("{id} --region {}", shell(region)))
}

/// A word as a POSIX shell reads it back.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let word = line(word);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_have_short_names() {
        let pair =
            |one: &str, other: &str| short_revisions(&format!("s3://b/{one}"), &format!("s3://b/{other}"));
        let of = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(pair("a.zip?versionId=1", "b.zip?versionId=2"), of("a.zip", "b.zip"));
        let versions = pair("a.zip?versionId=b3A2tum3xyz&etag=e", "a.zip?etag=0011223344");
        assert_eq!(versions, of("a.zip@b3A2tum3", "a.zip@00112233"));
        assert_eq!(pair("a.zip", "a.zip"), of("a.zip", "a.zip"));

        assert_eq!(short_revision("s3://rel/a/site-1.zip?versionId=v"), "site-1.zip");
        assert_eq!(short_revision("github:o/r@0123456789abcdef"), "0123456");
        assert_eq!(short_revision("appspec:inline"), "appspec:inline");
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        assert_eq!(shell("shop/prod"), "shop/prod");
        assert_eq!(shell("s3://b/k.zip?etag=e"), "'s3://b/k.zip?etag=e'");
        assert_eq!(shell("a'; rm -rf /"), r"'a'\''; rm -rf /'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn long_lists_and_lines_are_cut() {
        let hosts: Vec<String> = ["a", "b", "c\u{1b}"].map(Into::into).into();
        assert_eq!(names(&hosts, 2), "a, b, +1");
        assert_eq!(names(&hosts, 3), "a, b, c\\x1b");
        assert_eq!(first_line("\n one\ntwo", 20), "one");
        assert_eq!(first_line("0123456789", 8), "01234...");
    }
}
