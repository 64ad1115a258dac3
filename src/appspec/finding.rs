//! What a check has to say.

use crate::source::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The agent refuses the file, or the deployment is certain to fail.
    Error,
    /// Accepted, but it does something else than it says.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// The official agents in service, which read an AppSpec differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// 1.8.1, in Ruby.
    One,
    /// 2.x, in Rust.
    Two,
}

impl Agent {
    /// As `--agent` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Agent::One => "1",
            Agent::Two => "2",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable: `A003`.
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong; may hold text of the file, not sanitised.
    pub message: String,
    /// Where; none where the finding is about something that is not there.
    pub span: Option<Span>,
    /// What to do about it.
    pub help: Option<String>,
    /// What a host would report, where the agent refuses the file.
    pub refusal: Option<String>,
    /// What `span` may safely become: it then means to both agents what is written.
    pub fix: Option<String>,
    /// The only agent that it holds for, where both were asked.
    pub only: Option<Agent>,
    /// What the other agent makes of it, where that is worth a word too.
    pub other: Option<String>,
}

impl Finding {
    pub fn new(
        code: &'static str,
        severity: Severity,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> Self {
        Finding {
            code,
            severity,
            message: message.into(),
            span,
            help: None,
            refusal: None,
            fix: None,
            only: None,
            other: None,
        }
    }

    pub fn error(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Error, span.into(), message)
    }

    pub fn warning(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Warning, span.into(), message)
    }

    pub fn note(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Finding::new(code, Severity::Note, span.into(), message)
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }

    /// Marks it as a refusal, with what a host would report.
    pub fn refused(mut self, report: impl Into<String>) -> Self {
        self.refusal = Some(report.into());
        self
    }
}

/// The word of `known` that `written` was probably meant to be.
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = |word: &str| word.to_lowercase().replace(['_', '-', ' '], "");
    let written = bare(written);
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&written, &bare(word)), *word))
        .filter(|(distance, word)| *distance <= word.len().min(written.len()) / 4 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_a_plausible_one() {
        let events = ["AfterInstall", "BeforeInstall", "ApplicationStart"];
        assert_eq!(nearest("AfterInstal", &events), Some("AfterInstall"));
        assert_eq!(nearest("before_install", &events), Some("BeforeInstall"));
        assert_eq!(nearest("Resources", &events), None);
        // Of a short word two letters are most of it.
        assert_eq!((nearest("run", &["runas"]), nearest("runs", &["runas"])), (None, Some("runas")));
    }
}
