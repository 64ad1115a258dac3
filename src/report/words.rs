//! The words that several reporters share. Everything from outside is made safe here. Pure.

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

/// `shop/prod`, or what of it is known.
pub fn place(application: Option<&str>, group: Option<&str>) -> String {
    let parts: Vec<_> = [application, group].into_iter().flatten().map(ui::line).collect();
    parts.join("/")
}

/// What people call a revision: the object's name without its folder.
pub fn short_revision(revision: &str) -> String {
    let bare = revision.split(['?', '@']).next().unwrap_or(revision);
    let name = match revision.split_once('@') {
        Some((_, commit)) if revision.starts_with("github:") => commit.get(..7).unwrap_or(commit),
        _ => bare.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(bare),
    };
    ui::line(name)
}

/// The first `most` of some names and how many more there are: `a, b, +4`.
pub fn names(names: &[String], most: usize) -> String {
    let mut shown: Vec<_> = names.iter().take(most).map(|name| ui::line(name)).collect();
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
    let line = ui::line(message.trim().lines().next().unwrap_or_default());
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

/// A deployment as the arguments of a command name it.
pub fn reference(id: &str, region: Option<&str>) -> String {
    let id = shell(id);
    region.map_or_else(|| id.clone(), |region| format!("{id} --region {}", shell(region)))
}

/// A word as a POSIX shell reads it back.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let word = ui::line(word);
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
