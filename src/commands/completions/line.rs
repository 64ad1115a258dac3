//! A command line that is not finished yet -> what its last word could be. Pure: the clap tree and text in.

use clap::{Arg, ArgAction, Command};

/// What the last word of a line stands for.
pub struct Place<'a> {
    pub command: &'a Command,
    /// The argument whose value the word is, or could be.
    pub value_of: Option<&'a Arg>,
    /// A subcommand or an option may stand here, too.
    pub is_free: bool,
    /// The part of the word before `current`: `--app=`, or the values of a list that are there already.
    pub before: String,
    /// What is to be completed.
    pub current: String,
    /// The arguments before it that have a value, by id.
    given: Vec<(&'a str, String)>,
}

impl Place<'_> {
    /// The last value that the line gives the argument with this id.
    pub fn given(&self, id: &str) -> Option<&str> {
        self.given.iter().rev().find(|(other, _)| *other == id).map(|(_, value)| value.as_str())
    }

    /// The values that the line gives.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(|(_, value)| value.as_str())
    }
}

/// The words of a line as shells split it; the last one, which may be empty, is the one being typed.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut open = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let last = words.last_mut();
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (None, '\'' | '"') => open = Some(c),
            (None | Some('"'), '\\') => {
                if let (Some(word), Some(next)) = (last, characters.next()) {
                    word.push(next);
                }
            }
            (None, c) if c.is_whitespace() => {
                if characters.as_str().starts_with(char::is_whitespace) {
                    continue;
                }
                words.push(String::new());
            }
            (_, c) => {
                if let Some(word) = last {
                    word.push(c);
                }
            }
        }
    }
    words
}

/// Where on the command line `words` end. `root` is built; the program's own name is the first word.
pub fn place<'a>(root: &'a Command, words: &[String]) -> Option<Place<'a>> {
    let (last, words) = words.get(1..)?.split_last()?;
    let mut walk = Walk { command: root, wants: None, escaped: false, positionals: 0, given: Vec::new() };
    for word in words {
        walk.step(word);
    }
    Some(walk.end(last))
}

struct Walk<'a> {
    command: &'a Command,
    /// The option that the next word is the value of.
    wants: Option<&'a Arg>,
    /// `--` was there.
    escaped: bool,
    /// How many positional arguments were there.
    positionals: usize,
    given: Vec<(&'a str, String)>,
}

impl<'a> Walk<'a> {
    fn step(&mut self, word: &str) {
        if let Some(option) = self.wants.take() {
            self.give(option, word);
        } else if self.escaped || !word.starts_with('-') || word == "-" {
            match self.command.find_subcommand(word).filter(|_| !self.escaped) {
                Some(command) => (self.command, self.positionals) = (command, 0),
                None => {
                    if let Some(positional) = self.positional() {
                        self.give(positional, word);
                    }
                    self.positionals += 1;
                }
            }
        } else if word == "--" {
            self.escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=') {
                Some((long, value)) => {
                    if let Some(option) = self.long(long) {
                        self.give(option, value);
                    }
                }
                None => self.wants = self.long(long).filter(|option| takes_value(option)),
            }
        } else {
            self.short(word);
        }
    }

    /// A cluster of short options; the first one that takes a value takes the rest.
    fn short(&mut self, word: &str) {
        let mut letters = word.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            let option = self.command.get_arguments().find(|option| option.get_short() == Some(letter));
            if let Some(option) = option.filter(|option| takes_value(option)) {
                match letters.as_str() {
                    "" => self.wants = Some(option),
                    value => self.give(option, value.trim_start_matches('=')),
                }
                return;
            }
        }
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|option| option.get_long() == Some(name))
    }

    /// The positional argument whose turn it is; one that may be repeated keeps it.
    fn positional(&self) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        let repeated = |arg: &&&Arg| matches!(arg.get_action(), ArgAction::Append);
        if self.escaped {
            return all.last().copied().filter(|arg| arg.is_last_set());
        }
        let next = all.get(self.positionals).or_else(|| all.last().filter(repeated)).copied();
        next.filter(|arg| !arg.is_last_set())
    }

    fn give(&mut self, arg: &'a Arg, value: &str) {
        self.given.push((arg.get_id().as_str(), value.to_owned()));
    }

    fn end(self, word: &str) -> Place<'a> {
        let (value_of, value) = if let Some(option) = self.wants {
            (Some(option), word)
        } else if self.escaped || !word.starts_with('-') {
            (self.positional(), word)
        } else {
            match word.strip_prefix("--").and_then(|word| word.split_once('=')) {
                Some((long, value)) => (self.long(long), value),
                None => (None, word),
            }
        };
        let delimiter = value_of.and_then(Arg::get_value_delimiter);
        let current =
            delimiter.and_then(|delimiter| value.rsplit_once(delimiter)).map_or(value, |(_, it)| it);
        Place {
            command: self.command,
            value_of,
            is_free: self.wants.is_none() && !self.escaped && value.len() == word.len(),
            before: word.strip_suffix(current).unwrap_or_default().to_owned(),
            current: current.to_owned(),
            given: self.given,
        }
    }
}

fn takes_value(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|range| range.takes_values())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str, look: impl FnOnce(Place<'_>)) {
        let mut root = crate::command();
        root.build();
        look(place(&root, &words(line)).unwrap());
    }

    fn value_of(line: &str) -> Option<String> {
        let mut id = None;
        at(line, |place| id = place.value_of.map(|arg| arg.get_id().to_string()));
        id
    }

    #[test]
    fn lines_are_split_as_shells_do() {
        assert_eq!(words("cdctl app  list "), ["cdctl", "app", "list", ""]);
        assert_eq!(words("cdctl 'a b' \"c'd\" e\\ f ''"), ["cdctl", "a b", "c'd", "e f", ""]);
        assert_eq!(words("cdctl 'open quo"), ["cdctl", "open quo"]);
        assert_eq!(words(""), [""]);
        assert_eq!(words("back\\"), ["back"]);
    }

    #[test]
    fn the_place_is_found() {
        assert_eq!(value_of("cdctl deploy watch "), Some("names".to_owned()));
        assert_eq!(value_of("cdctl deploy watch d-1 "), Some("names".to_owned()));
        assert_eq!(value_of("cdctl deploy watch -o "), Some("output".to_owned()));
        assert_eq!(value_of("cdctl deploy watch -qvo "), Some("output".to_owned()));
        assert_eq!(value_of("cdctl --profile deploy app show "), Some("name".to_owned()));
        assert_eq!(value_of("cdctl app show shop "), None);
        assert_eq!(value_of("cdctl app show --outp"), None);
        assert_eq!(value_of("cdctl sandbox run -- "), Some("command".to_owned()));
        assert_eq!(value_of("cdctl sandbox run "), None);
    }

    #[test]
    fn a_word_is_completed_from_its_last_part() {
        at("cdctl deploy list --status=Failed,In", |place| {
            assert_eq!((place.before.as_str(), place.current.as_str()), ("--status=Failed,", "In"));
            assert!(!place.is_free);
        });
        at("cdctl deploy list --status Failed,In", |place| {
            assert_eq!((place.before.as_str(), place.current.as_str()), ("Failed,", "In"));
        });
        at("cdctl deploy l", |place| {
            assert!(place.is_free);
            assert_eq!((place.before.as_str(), place.current.as_str()), ("", "l"));
        });
    }

    #[test]
    fn what_was_given_is_known() {
        at("cdctl --region=eu-west-1 -ojson revision show --app shop --profile a --profile b ", |place| {
            let given = ["region", "output", "app", "profile"].map(|id| place.given(id));
            assert_eq!(given, [Some("eu-west-1"), Some("json"), Some("shop"), Some("b")]);
        });
    }
}
