//! A line of gitignore's syntax, as git reads it. The crate ignore, which matches them, reads braces as shells do, knows no
//! classes by name and no escapes within brackets, takes slashes for a place also within brackets, and cuts off more at a
//! line's end.
//!
//! Source: gitignore(5), POSIX.1-2017 2.13.1 and 9.3.5, and git 2.47 as observed.

use std::iter::Peekable;
use std::path::PathBuf;
use std::str::Chars;

use ignore::gitignore::{GitignoreBuilder, Glob};

/// Adds a line.
///
/// # Errors
/// What is wrong with it.
pub fn add(builder: &mut GitignoreBuilder, line: &str) -> Result<(), String> {
    // Of a last line without a line feed, too.
    let line = line.strip_suffix('\r').unwrap_or(line);
    let pattern = trimmed(line);
    let name = pattern.strip_prefix('!').unwrap_or(pattern);
    let name = name.strip_suffix('/').unwrap_or(name);
    // No name is empty or ends with a slash.
    if line.starts_with('#') || name.is_empty() || name.ends_with('/') {
        return Ok(());
    }
    let wrong = |error: String| format!("error parsing glob '{line}': {error}");
    let glob = translated(pattern, name.contains('/')).map_err(wrong)?;
    // What is kept as the place of a line is the line as it was written.
    match builder.add_line(Some(PathBuf::from(line)), &glob) {
        Ok(_) => Ok(()),
        Err(ignore::Error::Glob { err, .. }) => Err(wrong(err)),
        Err(error) => Err(error.to_string()),
    }
}

/// Without the spaces at its end, but one that a backslash stands before. Other blanks are letters.
fn trimmed(line: &str) -> &str {
    let bare = line.trim_end_matches(' ');
    let backslashes = bare.len() - bare.trim_end_matches('\\').len();
    line.get(..bare.len() + backslashes % 2).unwrap_or(bare)
}

/// A line as it was written.
pub fn written(glob: &Glob) -> String {
    glob.from().map_or_else(|| glob.original().to_owned(), |line| line.display().to_string())
}

/// A line with a slash before its end, even in a class, has a place; any other is of every directory.
fn translated(line: &str, has_place: bool) -> Result<String, String> {
    let (mut glob, mut rest) = (String::with_capacity(line.len() + 3), line.chars().peekable());
    glob.extend(rest.next_if_eq(&'!'));
    rest.next_if_eq(&'/');
    glob.push_str(if has_place { "/" } else { "**/" });
    while let Some(next) = rest.next() {
        let letter = if next == '\\' { rest.next().ok_or("dangling '\\'")? } else { next };
        match (next, letter) {
            ('\\', '/') if rest.peek().is_none() => return Err("dangling '\\'".to_owned()),
            // What the crate would cut off at the end, or take for an escape of the last slash.
            ('\\', '\\') => glob.push_str("[\\]"),
            _ if letter.is_whitespace() => glob.extend(['{', letter, '}']),
            ('\\', _) | (_, '{' | '}') => glob.extend(['\\', letter]),
            ('[', _) => glob.push_str(&bracket(&mut rest)?),
            _ => glob.push(next),
        }
    }
    Ok(glob)
}

type Ranges = Vec<(char, char)>;

/// What a `[` begins, in the crate's own way; takes it up to its `]`.
fn bracket(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let unclosed = || "no ] closes a [".to_owned();
    let negated = rest.next_if(|next| matches!(next, '!' | '^')).is_some();
    let mut ranges = Ranges::new();
    // What a `-` would begin a range from.
    let mut begin = None;
    let mut is_first = true;
    loop {
        let next = rest.next().ok_or_else(unclosed)?;
        let class = if next == '[' { named(rest)? } else { None };
        match (next, begin) {
            (']', _) if !is_first => break,
            _ if class.is_some() => {
                ranges.extend(class.into_iter().flatten());
                begin = None;
            }
            ('-', Some(from)) if rest.peek().is_some_and(|next| *next != ']') => {
                let next = rest.next();
                let to = letter(next, rest).ok_or_else(unclosed)?;
                if to < from {
                    return Err(format!("invalid range; '{from}' > '{to}'"));
                }
                ranges.push((from, to));
                begin = None;
            }
            _ => {
                let letter = letter(Some(next), rest).ok_or_else(unclosed)?;
                ranges.push((letter, letter));
                begin = Some(letter);
            }
        }
        is_first = false;
    }
    Ok(class(negated, ranges))
}

/// The letter itself, or the one that its backslash stands before.
fn letter(next: Option<char>, rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    if next == Some('\\') { rest.next() } else { next }
}

/// The ranges of `:digit:]` and its like; none where there is no name, and nothing is taken.
fn named(rest: &mut Peekable<Chars<'_>>) -> Result<Option<Ranges>, String> {
    let text: String = rest.clone().take_while(|next| *next != ']').collect();
    let Some(name) = text.strip_prefix(':').and_then(|text| text.strip_suffix(':')) else { return Ok(None) };
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\u{1}', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return Err(format!("there is no class [:{name}:]")),
    };
    // The bracket too.
    rest.nth(text.chars().count());
    Ok(Some(ranges.to_vec()))
}

/// A class without escapes: each letter that means something stands where it means itself. No class matches a slash.
fn class(negated: bool, mut ranges: Ranges) -> String {
    cut(&mut ranges, '/');
    if negated {
        ranges.push(('/', '/'));
    }
    let closes = cut(&mut ranges, ']');
    let dashes = cut(&mut ranges, '-');
    let mut class = String::from(if negated { "[!" } else { "[" });
    // No name has a NUL: after it nothing is taken for a negation.
    class.push(if closes { ']' } else { '\0' });
    for (from, to) in ranges {
        class.push(from);
        if from != to {
            class.extend(['-', to]);
        }
    }
    class.push_str(if dashes { "-]" } else { "]" });
    class
}

/// Takes a letter of ASCII out of all ranges; whether it was in one.
fn cut(ranges: &mut Ranges, letter: char) -> bool {
    let (before, after) = (char::from(letter as u8 - 1), char::from(letter as u8 + 1));
    let has = |&(from, to): &(char, char)| (from..=to).contains(&letter);
    let found = ranges.iter().any(has);
    let cut = |range: (char, char)| {
        if has(&range) { vec![(range.0, before), (after, range.1)] } else { vec![range] }
    };
    *ranges = std::mem::take(ranges).into_iter().flat_map(cut).filter(|(from, to)| from <= to).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(line: &str, name: &str) -> bool {
        let mut builder = GitignoreBuilder::new("");
        add(&mut builder, line).unwrap();
        builder.build().unwrap().matched_path_or_any_parents(name, false).is_ignore()
    }

    /// Each as git 2.47 has it.
    #[test]
    fn lines_mean_what_git_takes_them_for() {
        for (line, taken, left) in [
            ("dump[[:digit:]].sql", "dump1.sql", "dump:.sql"),
            ("[[:punct:]]", "]", "a"),
            ("[[:punct:]]", "-", "1"),
            ("[^[:alpha:]_]", "1", "_"),
            ("[[:upper:]-a]", "-", "b"),
            ("[[:d]", ":", "1"),
            ("[[:]", "[", "a"),
            ("{a,b}", "{a,b}", "a"),
            ("x.{key", "x.{key", "x.key"),
            ("x}", "x}", "x"),
            ("[{a]", "{", "b"),
            (r"\{a", "{a", r"\{a"),
            (r"[\]a]", "]", r"\"),
            (r"[\^a]", "^", "b"),
            (r"[\!]", "!", "b"),
            ("[]-a]", "_", "b"),
            ("[+--]", ",", "."),
            ("[!]a-]", "b", "-"),
            (r"\[[:digit:]]", "[t]", "1"),
            ("[/-]", "-", "a/-"),
            ("[[:digit:]/]", "1", "x/1"),
            ("[-!/]/", "-/x", "a/-/x"),
            ("a*", "x/a", "b"),
            ("x/", "y/x/a", "x"),
            // Ends of lines.
            ("a\t", "a\t", "a"),
            ("a \t ", "x/a \t", "a"),
            ("a\u{a0}", "a\u{a0}", "a"),
            ("* \t", "b \t", "b"),
            (r"a\  ", "x/a ", "a"),
            (r"a\\  ", r"a\", r"a\ "),
            ("a  ", "a", "a "),
            (r"\\", r"x/\", r"\\"),
            (r"\\/", r"x/\/a", r"\"),
            (r"dir\\/", r"dir\/a", "dir/a"),
            ("a /", "a /x", "a/x"),
        ] {
            assert!(matches(line, taken), "{line} {taken}");
            assert!(!matches(line, left), "{line} {left}");
        }
    }

    /// By `git check-ignore` 2.47.
    #[test]
    fn no_class_matches_a_slash() {
        for line in ["a[!b]c", "a[+-9]c", "a[^[:alnum:]]c", "a[[:punct:]]c", "a[/]c", "x/a[!b]c", "/a[!b]c"] {
            assert!(!matches(line, "a/c") && !matches(line, "x/a/c"), "{line}");
        }
        assert!(matches("a[!b]c", "x/axc") && matches("a[+-9]c", "x/a.c"));
        let mut builder = GitignoreBuilder::new("");
        add(&mut builder, "!a[!b]c").unwrap();
        assert!(builder.build().unwrap().matched("x/axc", false).is_whitelist());
        assert!(matches("x/a[!b]c", "x/axc") && !matches("x/a[!b]c", "y/x/axc"));
        assert!(matches("/a[!b]c", "axc") && !matches("/a[!b]c", "x/axc"));
    }

    #[test]
    fn a_last_line_that_ends_with_a_carriage_return_alone_is_the_line() {
        assert!(matches(".env\r", ".env") && matches("dir/\r", "dir") == matches("dir/", "dir"));
    }

    #[test]
    fn a_class_by_name_may_stand_in_any_directory() {
        for class in ["[[:punct:]]", "[[:graph:]]", "[[:print:]]", "[^[:alnum:]]"] {
            assert!(matches(class, "a/}"), "{class}");
        }
    }

    #[test]
    fn what_git_would_not_match_at_all_is_an_error() {
        let error = |line| add(&mut GitignoreBuilder::new(""), line).unwrap_err();
        assert_eq!(error("[[:word:]]"), "error parsing glob '[[:word:]]': there is no class [:word:]");
        assert_eq!(error("[a-"), "error parsing glob '[a-': no ] closes a [");
        assert_eq!(error("[z-a]"), "error parsing glob '[z-a]': invalid range; 'z' > 'a'");
        assert_eq!(error(r"a\"), r"error parsing glob 'a\': dangling '\'");
        assert_eq!(error(r"a\/"), r"error parsing glob 'a\/': dangling '\'");
        assert!(matches("**", "x") && matches("**", "x/a"));
        for nothing in ["#[z-a]", "!", "!/", "", "  ", "/", "//", "**//", "/**//", "a//", "[a]//"] {
            assert!(!matches(nothing, "a") && !matches(nothing, "a/b"), "{nothing}");
        }
    }
}
