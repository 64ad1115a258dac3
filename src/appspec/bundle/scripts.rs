//! The scripts that hooks name: whether they are in the bundle, and whether they run.

use super::super::{Agent, Finding, Script, Severity};
use super::tree::Place;
use super::{Checker, Entry, text};

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
            Place::File(name, entry) => {
                let path = self.path(location).unwrap_or_default();
                self.case("A037", location, &path, name, span);
                if self.windows {
                    return self.findings.extend(not_of_windows(script));
                }
                match unstarted(location, &entry.head) {
                    Some(why) if why.is_certain => failing(why.code, event, script, &why.what).help(why.help),
                    doubt => {
                        let doubt =
                            doubt.map(|why| Finding::warning(why.code, span, why.what).help(why.help));
                        self.findings.extend(doubt);
                        return self.script_file(script, entry);
                    }
                }
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
        } else if let Some(finding) = text::far_up(script, self.windows) {
            finding
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
        // What is no text has its own ways.
        if head.starts_with(b"\x7fELF") {
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
                let then = if unstarted(location, rest).is_some_and(|why| why.is_certain) {
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
            self.findings.push(without_line(script, head));
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
    let help = match script.location.as_str() {
        location if location.starts_with(['[', '{']) => "a location is one path, without brackets",
        location if location.contains('\\') => {
            "`\\` is of Windows' paths: write `/`, or `os: windows` where such a host is meant"
        }
        _ => "rename the script; arguments go into a script",
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
    apart_in(&script.location, windows).next().filter(|_| shell)
}

/// The characters of a path by which a shell reads it as something else.
pub fn apart_in(path: &str, windows: bool) -> impl Iterator<Item = char> {
    let mut chars = path.chars().peekable();
    std::iter::from_fn(move || {
        while let Some(c) = chars.next() {
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
    })
}

/// Why a script's first line starts nothing, or may not.
struct Unstarted {
    code: &'static str,
    /// Where it is not, `what` says all.
    is_certain: bool,
    what: String,
    help: &'static str,
}

/// The interpreter of a first line and its one argument, which may be empty. None where the system sees none and leaves
/// the script to a shell.
///
/// Source: Linux, fs/binfmt_script.c.
fn interpreter(head: &[u8]) -> Option<(String, String)> {
    /// Bytes of a file that the system looks at.
    const SEEN: usize = 256;
    let line = head.get(..head.len().min(SEEN))?.strip_prefix(b"#!")?;
    let line = line.split(|byte| matches!(byte, b'\n' | 0)).next()?;
    let is_cut = line.len() + 2 == SEEN;
    let line = String::from_utf8_lossy(line);
    let line = line.trim_matches([' ', '\t']);
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let is_none = program.is_empty() || (is_cut && argument.is_empty());
    (!is_none).then(|| (program.to_owned(), argument.trim_matches([' ', '\t']).to_owned()))
}

/// Whether a program takes an argument with a CR at its end for an option that it does not know, or for a file.
fn fails_at_cr(program: &str) -> bool {
    program.starts_with("python")
        || SHELLS.contains(&program)
        || matches!(program, "awk" | "env" | "node" | "sed")
}

fn unstarted(location: &str, head: &[u8]) -> Option<Unstarted> {
    const WORDS: &str = "write the program's own path, or `env -S`, which parts words on newer systems";
    const PATH: &str = "write the interpreter's whole path, or `#!/usr/bin/env NAME`";
    let (program, argument) = interpreter(head)?;
    let name = program.rsplit('/').next().unwrap_or_default();
    // `-S` and its like: `env` parts the words itself, at a CR too.
    let option = argument.split([' ', '\t']).next().unwrap_or_default();
    let is_short = option.starts_with('-') && !option.starts_with("--");
    let is_parted = name == "env" && (option.starts_with("--s") || (is_short && option.contains('S')));
    let (line, cr_lf) =
        (format!("{program} {argument}"), format!("the first line of `{location}` ends with CR LF"));
    let is_alone = line.contains('\r') && !head.windows(2).any(|pair| pair == b"\r\n");
    let (code, is_certain, what, help) = if is_alone {
        ("A038", true, format!("the lines of `{location}` end with CR alone"), LINE_ENDS)
    } else if program.contains('\r') || (argument.ends_with('\r') && !is_parted && fails_at_cr(name)) {
        ("A038", true, cr_lf, LINE_ENDS)
    } else if argument.ends_with('\r') && !is_parted && !matches!(name, "perl" | "ruby") {
        ("A038", false, format!("{cr_lf}: not every interpreter takes that"), LINE_ENDS)
    } else if name == "env" && argument.contains([' ', '\t']) && !is_parted {
        let takes_for =
            if argument.starts_with('-') { "take for one option" } else { "look for as a program" };
        let what = format!("the `#!` line of `{location}` has `env` {takes_for} all of `{argument}`");
        ("A047", true, what, WORDS)
    } else if !program.contains('/') {
        ("A047", true, format!("the `#!` line of `{location}` names `{program}`, which is no path"), PATH)
    } else if !program.starts_with('/') {
        // That directory is often the root.
        let what = format!(
            "the `#!` line of `{location}` names `{program}`, which is looked for from the agent's own directory"
        );
        ("A047", false, what, PATH)
    } else {
        return None;
    };
    Some(Unstarted { code, is_certain, what, help })
}

/// Endings of scripts that are not a shell's, with what runs them; on Linux nothing does where that is empty.
const OTHERS: &[(&str, &str)] = &[
    ("bat", ""),
    ("cjs", "node"),
    ("cmd", ""),
    ("js", "node"),
    ("lua", "lua"),
    ("mjs", "node"),
    ("php", "php"),
    ("pl", "perl"),
    ("ps1", "pwsh"),
    ("py", "python3"),
    ("rb", "ruby"),
];

/// In lower case; empty where there is none.
fn ending(location: &str) -> String {
    let name = location.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
}

/// A script that Windows does not start: it does so with programs and with scripts of its own. What else a host may have for
/// such files nobody knows.
pub fn not_of_windows(script: &Script) -> Option<Finding> {
    let ending = ending(&script.location);
    let is_own = matches!(ending.as_str(), "bat" | "cmd" | "ps1");
    if is_own || !(SHELLS.contains(&ending.as_str()) || OTHERS.iter().any(|(other, _)| *other == ending)) {
        return None;
    }
    let message = format!(
        "Windows itself starts no `.{ending}` file, as `{}` is one: the event fails where nothing else on the host does",
        script.location
    );
    let help = "start it from a script of Windows: a .ps1, .bat or .cmd file";
    Some(Finding::warning("A047", script.span, message).help(help))
}

/// What there is to say of a script that does not begin with `#!`, which /bin/sh runs.
fn without_line(script: &Script, head: &[u8]) -> Finding {
    let location = &script.location;
    let warning = |message: String, help: String| Finding::warning("A046", script.span, message).help(help);
    let is_text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\r' | 0x0C | 0x1B);
    if head.split(|byte| *byte == b'\n').next().is_some_and(|line| !line.iter().all(is_text)) {
        let message = format!("`{location}` is neither text nor a program of Linux: no shell runs it");
        return warning(message, "start what runs it from a script".to_owned());
    }
    let text = String::from_utf8_lossy(head);
    // The first line that a shell does not pass over, or that names an interpreter.
    let is_first = |line: &&str| !line.is_empty() && (!line.starts_with('#') || meant(line).is_some());
    let first = text.lines().map(str::trim).find(is_first).unwrap_or_default();
    if first.starts_with("#!") && meant(first).is_some_and(|program| !is_sh(program)) {
        let message = format!("the `#!` of `{location}` is not at its beginning: /bin/sh runs it");
        return warning(message, "let nothing stand before it, no blank and no line".to_owned());
    }
    if first.starts_with("!#") || meant(first).is_some_and(|program| !is_sh(program)) {
        let message = format!("`{location}` does not begin with `#!`: /bin/sh runs it");
        return warning(message, "begin the first line with `#!`".to_owned());
    }
    let ending = if first.starts_with("<?php") { "php".to_owned() } else { ending(location) };
    // What runs itself by its own name may be a program for both.
    match OTHERS.iter().find(|(other, _)| *other == ending && !text.contains("$0")) {
        Some((_, "")) => {
            let message = format!("`{location}` is a script of Windows: /bin/sh runs it");
            warning(message, "write it for a shell of Linux".to_owned())
        }
        Some((_, program)) => {
            let message = format!("`{location}` has no `#!` line: /bin/sh runs it, not {program}");
            warning(message, format!("begin it with `#!/usr/bin/env {program}`"))
        }
        None => {
            let message = format!("`{location}` has no `#!` line: /bin/sh runs it");
            Finding::note("A046", script.span, message)
        }
    }
}

/// What a line names as an interpreter, with `#!` or, of those that everybody knows, with `#` alone.
fn meant(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("#!") {
        return Some(rest.trim_start()).filter(|rest| rest.starts_with('/'));
    }
    let rest =
        line.strip_prefix('#').filter(|rest| rest.starts_with("/bin/") || rest.starts_with("/usr/"))?;
    let name = rest.split_whitespace().next()?.rsplit('/').next()?;
    let is_known =
        SHELLS.contains(&name) || name == "env" || OTHERS.iter().any(|(_, program)| *program == name);
    is_known.then_some(rest)
}

/// Whether what stands behind `#!` is the shell that runs scripts without such a line.
fn is_sh(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words.as_slice(), ["/bin/sh" | "/usr/bin/sh"] | ["/usr/bin/env", "sh"])
}

const SHELLS: &[&str] = &["ash", "bash", "dash", "ksh", "sh", "zsh"];

/// Whether the first line names a shell, to which a CR is a letter as any other.
fn is_shells(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or_default()).into_owned();
    let is_env = |word: &&str| word.ends_with("/env") || word.starts_with('-') || word.contains('=');
    let program = line.split_whitespace().find(|word| !is_env(word)).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name)
}

fn is_utf16(head: &[u8]) -> bool {
    [b"\xff\xfe".as_slice(), b"\xfe\xff", b"#\0", b"\0#"].iter().any(|start| head.starts_with(start))
}
