//! `pattern` and `except` of a permission.

use super::super::Agent;

/// Whether a pattern with a path in it is for no name at all.
pub fn is_vain(agent: Agent, pattern: &str) -> bool {
    pattern.contains('/') && (agent == Agent::One || pattern.contains('*') || pattern.starts_with('/'))
}

/// Whether a permission's object can be the directory of anything: agent 2 compares it as it is written with the paths
/// that it installs, which are absolute and have no dots.
///
/// Source: official agent 2.x, permissions (matches_pattern).
pub fn is_comparable(agent: Agent, object: &str) -> bool {
    let Some(below) = object.strip_prefix('/') else { return agent == Agent::One };
    let below = below.strip_suffix('/').unwrap_or(below);
    agent == Agent::One || object == "/" || below.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// A pattern, ready for many paths below a permission's object.
///
/// Source: official agents. 1.8.1, linux_permission_info: `*` is the only wildcard, and patterns reach one level. 2.x,
/// pattern: the crate globset where there is a `*`, for one level too; without it the pattern is the path itself.
pub enum Pattern<'a> {
    /// `**` of agent 2
    All,
    Stars(&'a str),
    Name(&'a str),
    Glob(Box<globset::GlobMatcher>),
}

impl<'a> Pattern<'a> {
    pub fn new(agent: Agent, pattern: &'a str) -> Self {
        match agent {
            Agent::One => Pattern::Stars(pattern),
            Agent::Two if pattern == "**" => Pattern::All,
            Agent::Two if pattern.contains('*') => match globset::Glob::new(pattern) {
                Ok(glob) => Pattern::Glob(Box::new(glob.compile_matcher())),
                Err(_) => Pattern::Name(pattern),
            },
            Agent::Two => Pattern::Name(pattern),
        }
    }

    pub fn fits(&self, name: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Stars(pattern) => matches_stars(pattern, name),
            Pattern::Name(pattern) => *pattern == name,
            Pattern::Glob(glob) => !name.contains(['/', '\\']) && glob.is_match(name),
        }
    }
}

fn matches_stars(pattern: &str, name: &str) -> bool {
    if name.contains('/') {
        return false;
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    // The usual two-pointer match: on a mismatch the last star takes one more byte.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == name.get(n) {
            p += 1;
            n += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}
