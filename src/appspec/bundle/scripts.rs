//! The scripts that hooks name: whether they are in the bundle, and whether they run.

use super::super::{Agent, Finding, Script, Severity};
use super::tree::Place;
use super::{Checker, Entry};

/// Events that run the scripts of the revision before: this one's run when the next one comes.
///
/// Source: official agent 1.8.1, hook_executor.
pub const OF_THE_NEXT: &[&str] = &["BeforeBlockTraffic", "AfterBlockTraffic", "ApplicationStop"];

/// What is certain to fail the event: an error where that is of this deployment.
pub fn failing(code: &'static str, event: &str, script: &Script, what: &str) -> Finding {
    if OF_THE_NEXT.contains(&event) {
        let message = format!("{what}: {event} of the next deployment fails");
        return Finding::new(code, Severity::Warning, Some(script.span), message);
    }
    Finding::error(code, script.span, format!("{what}: the event fails"))
}

const LINE_ENDS: &str = "save the script with Unix line ends";

impl Checker<'_> {
    pub(super) fn script(&mut self, event: &str, script: &Script) {
        let (location, span) = (&script.location, script.span);
        let finding = match self.follow(location) {
            Place::Nothing => return self.no_script(event, script),
            _ if taken_apart(script, self.agent, self.windows).is_some() => {
                return self.findings.extend(apart(event, script, self.agent, self.windows));
            }
            Place::Directory(_) => failing("A039", event, script, &format!("`{location}` is a directory")),
            Place::File(_, entry) if !self.windows && has_crlf_shebang(&entry.head) => {
                let what = format!("the first line of `{location}` ends with CR LF");
                failing("A038", event, script, &what).help(LINE_ENDS)
            }
            Place::File(name, entry) => {
                let path = self.path(location).unwrap_or_default();
                self.case("A037", location, &path, name, span);
                return self.script_file(script, entry);
            }
            Place::Link(..) | Place::Outside => return,
        };
        self.findings.push(finding);
    }

    fn no_script(&mut self, event: &str, script: &Script) {
        let location = &script.location;
        let finding = |what: String| failing("A037", event, script, &what);
        let finding = if let Place::Link(_, entry) = self.look(location) {
            let target = String::from_utf8_lossy(&entry.head);
            finding(format!("`{location}` is a link to `{target}`, which is not in the bundle"))
        } else {
            let finding = finding(format!("`{location}` is not in the bundle"));
            let help = if location.contains(is_blank) {
                Some(ARGUMENTS.to_owned())
            } else {
                self.meant(location, true)
            };
            finding.help(
                help.unwrap_or_else(|| "a location is the script's path below the bundle's root".to_owned()),
            )
        };
        self.findings.push(finding);
    }

    /// What a script that is there will do otherwise than it says.
    fn script_file(&mut self, script: &Script, entry: &Entry) {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        let (location, head) = (&script.location, entry.head.as_slice());
        // What Windows runs, or what is no text, has its own ways.
        if self.windows || head.starts_with(b"\x7fELF") {
            return;
        }
        if entry.mode & 0o111 == 0 {
            let message = format!("`{location}` is not executable; the agent makes it so");
            self.findings.push(Finding::note("A041", script.span, message));
        }
        // What follows a NUL is no text: an archive behind the script that unpacks it.
        let text = head.split(|byte| *byte == 0).next().unwrap_or_default();
        let crlf = text.windows(2).any(|pair| pair == b"\r\n");
        if let Some(rest) = head.strip_prefix(MARK) {
            let message = format!("`{location}` begins with a byte order mark: its first line is not seen");
            let help = "save the script as UTF-8 without BOM";
            self.findings.push(Finding::warning("A045", script.span, message).help(help));
            if crlf {
                let then = if has_crlf_shebang(rest) {
                    "without the mark the event fails for that"
                } else {
                    "commands see the CR"
                };
                let message = format!("the lines of `{location}` end with CR LF: {then}");
                self.findings.push(Finding::warning("A038", script.span, message).help(LINE_ENDS));
            }
        } else if is_utf16(head) {
            let message = format!("`{location}` is UTF-16 text, which no shell reads");
            let help = "save the script as UTF-8 without BOM";
            self.findings.push(Finding::warning("A045", script.span, message).help(help));
        } else if head.is_empty() {
            self.findings.push(Finding::warning("A046", script.span, format!("`{location}` is empty")));
        } else if !head.starts_with(b"#!") {
            let message = format!("`{location}` has no `#!` line: /bin/sh runs it");
            self.findings.push(Finding::note("A046", script.span, message));
            if crlf {
                let message = format!("the lines of `{location}` end with CR LF: commands see the CR");
                self.findings.push(Finding::warning("A038", script.span, message).help(LINE_ENDS));
            }
        } else if crlf && is_shells(head) {
            let message = format!("lines of `{location}` end with CR LF: commands see the CR");
            self.findings.push(Finding::warning("A038", script.span, message).help(LINE_ENDS));
        }
    }
}

const ARGUMENTS: &str = "a location takes no arguments: put them into a script";

/// A location that a shell takes apart, whether or not it is in a bundle.
pub fn apart(event: &str, script: &Script, agent: Agent, windows: bool) -> Option<Finding> {
    let what = match taken_apart(script, agent, windows)? {
        c if is_blank(c) => "a blank".to_owned(),
        c => format!("`{c}`"),
    };
    let what = format!("a location with {what} in it is taken apart by a shell");
    let help = match script.location.starts_with(['[', '{']) {
        true => "a location is one path, without brackets",
        false => "rename the script; arguments go into a script",
    };
    Some(failing("A040", event, script, &what).help(help))
}

/// What parts words for a shell and for Ruby, which starts a command without characters of a shell by itself.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// The character of a location by which the shell that gets it finds another program, or none. Agent 1 gives its
/// whole command to a shell, `su` of both agents the location.
///
/// Source: official agents. 1.8.1, hook_executor (one string through popen3); 2.x, script (argv). What a shell does
/// with wildcards and braces depends on the files that are there and on the shell.
pub fn taken_apart(script: &Script, agent: Agent, windows: bool) -> Option<char> {
    let shell = match agent {
        Agent::One => true,
        Agent::Two => script.runas.is_some() && !windows,
    };
    let mut chars = script.location.chars().peekable();
    while let Some(c) = chars.next().filter(|_| shell) {
        let is_apart = match c {
            c if is_blank(c) => true,
            _ if windows => false,
            '$' => chars.peek().is_some_and(|next| {
                next.is_ascii_alphanumeric()
                    || matches!(next, '_' | '{' | '(' | '@' | '*' | '#' | '?' | '!' | '-' | '$')
            }),
            c => matches!(c, '\'' | '"' | '`' | '\\' | '&' | '|' | ';' | '<' | '>' | '(' | ')'),
        };
        if is_apart {
            return Some(c);
        }
    }
    None
}

fn has_crlf_shebang(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    head.len() > line.len() && line.starts_with(b"#!") && line.ends_with(b"\r")
}

/// Whether the first line names a shell, to which a CR is a letter as any other.
fn is_shells(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or_default()).into_owned();
    let is_env = |word: &&str| word.ends_with("/env") || word.starts_with('-') || word.contains('=');
    let program = line.split_whitespace().find(|word| !is_env(word)).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    matches!(name, "sh" | "ash" | "bash" | "dash" | "ksh" | "zsh")
}

fn is_utf16(head: &[u8]) -> bool {
    [b"\xff\xfe".as_slice(), b"\xfe\xff", b"#\0", b"\0#"].iter().any(|start| head.starts_with(start))
}
