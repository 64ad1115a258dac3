//! `runas`: what `su` makes of an account.

use crate::source::psych::Item;

use super::super::bundle::OF_THE_NEXT;
use super::super::placeholder::is_placeholder;
use super::super::{Agent, Finding, Severity};
use super::{EVENTS, Reader};

/// Accounts that packages of the distributions make without a login shell.
const WITHOUT_SHELL: &[&str] =
    &["nobody", "daemon", "bin", "www-data", "apache", "nginx", "tomcat", "mysql", "redis"];

impl Reader {
    /// An account that `su` refuses, or may refuse. Agent 1 gives its whole command to a shell.
    pub(super) fn account(&mut self, name: &str, item: &Item, event: &str) {
        if is_placeholder(name) {
            return;
        }
        let (one, span) = (self.agent == Agent::One, item.span);
        // `DOMAIN\web` and `host$` are names where a directory has them; a shell takes the first apart.
        let parts = |c: char| c.is_ascii_whitespace() || "'\"`&|;<>()".contains(c) || (one && c == '\\');
        let help = match name.split_once(':') {
            Some((user, _)) if !user.is_empty() => format!("write the user alone: `runas: {user}`"),
            _ => "write the name of one user".to_owned(),
        };
        // Of agent 1 `- web` makes a login shell.
        let finding = if WITHOUT_SHELL.contains(&name) {
            let message = "this account usually has no login shell: `su` then refuses and the event fails";
            Finding::warning("A044", span, message).help("run it as a user with a shell")
        } else if one && name.contains(parts) && !name.starts_with('-') {
            let message = format!("a shell takes `{name}` apart: the script does not run as that user");
            Finding::warning("A044", span, message).help(help)
        } else if !name.is_empty()
            && (name.contains(':')
                || name.bytes().all(|byte| byte.is_ascii_digit())
                || (!one && name.contains(parts)))
        {
            // A directory of users may know one by a number, or with a blank; by none of these.
            let is_never = name.contains([':', ';', '|', '<', '>', '"']);
            let is_certain = is_never && !OF_THE_NEXT.contains(&event) && EVENTS.contains(&event);
            let severity = if is_certain { Severity::Error } else { Severity::Warning };
            let message = format!("no user is named `{name}`: `su` refuses and the event fails");
            Finding::new("A044", severity, Some(span), message).help(help)
        } else {
            return;
        };
        self.add(finding);
    }
}
