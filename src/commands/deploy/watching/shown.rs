//! How a watch is shown: the flags about it, and the reporters that they ask for.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::kept::sink;
use crate::context::Context;
use crate::format::Format;
use crate::report::ci::{GitHub, JUnit};
use crate::report::fold::{Folded, Folds};
use crate::report::linear::Linear;
use crate::report::live::Live;
use crate::report::log::Log;
use crate::report::ndjson::Ndjson;
use crate::report::several::Several;
use crate::report::silent::Silent;
use crate::report::sink::Sink;
use crate::report::summary::Summary;
use crate::report::taskbar::Taskbar;
use crate::report::{Interrupt, Reporter};

/// How it is shown.
#[derive(Clone, Debug, Args)]
pub struct Shown {
    /// Sentences for a screen reader instead of a live view; a terminal with TERM=dumb gets them too [env: ACCESSIBLE]
    #[arg(long, env = "ACCESSIBLE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub linear: bool,

    /// Steer the live view with keys: rows, logs, stop, continue; ? tells them
    #[arg(long)]
    pub keys: bool,

    /// Show the progress in the terminal's tab or task bar too (OSC 9;4)
    #[arg(long, hide_short_help = true)]
    pub progress: bool,

    /// Ring the terminal's bell at the end
    #[arg(long, hide_short_help = true)]
    pub bell: bool,

    /// Annotations and a step summary for this CI system
    #[arg(long, value_name = "SYSTEM", default_value = "off", env = "CDCTL_CI", hide_env_values = true)]
    ci: Ci,

    /// Write a JUnit file at the end, a test case a target
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub junit: Option<PathBuf>,

    #[command(flatten)]
    job: Job,
    /// Where GitHub Actions wants the step's summary
    #[arg(long, env = "GITHUB_STEP_SUMMARY", hide = true)]
    github_step_summary: Option<PathBuf>,
}

/// What the environment says of the job that the command is a step of.
#[derive(Clone, Debug, Args)]
struct Job {
    /// The job runs in a CI system
    #[arg(long, env = "CI", hide = true, value_parser = FalseyValueParser::new())]
    in_ci: bool,
    /// The job runs on GitHub Actions
    #[arg(long, env = "GITHUB_ACTIONS", hide = true, value_parser = FalseyValueParser::new())]
    in_github_actions: bool,
    /// The job runs on GitLab
    #[arg(long, env = "GITLAB_CI", hide = true, value_parser = FalseyValueParser::new())]
    in_gitlab_ci: bool,
    /// The job runs on Buildkite
    #[arg(long, env = "BUILDKITE", hide = true, value_parser = FalseyValueParser::new())]
    in_buildkite: bool,
}

/// `--ci`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// The one whose variables are set; nothing but the log on others
    Auto,
    /// GitHub Actions: a group for the log, annotations, the step's summary
    Github,
    /// GitLab: a section for the log
    Gitlab,
    /// Buildkite: a group for the log
    Buildkite,
    /// Nothing but the log
    Off,
}

impl Shown {
    /// A live view is shown.
    pub fn is_live(&self, context: &Context) -> bool {
        let ui = &context.ui;
        let shown = ui.terminal.stderr && !ui.quiet && context.settings.output.format != Format::Ndjson;
        shown && !self.linear && !self.job.in_ci && self.system().is_none()
    }

    /// The reporters of a recording, which ^C ends.
    pub fn reporters(&self, context: &Context) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        self.watched(context, None)
    }

    /// The reporters of a watch, in which ^C does as `interrupt` says.
    pub fn watched(
        &self,
        context: &Context,
        interrupt: Option<Interrupt>,
    ) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters = self.lines(context, self.system(), interrupt);
        reporters.extend(self.beside(context)?);
        Ok(reporters)
    }

    /// What is shown and kept beside the lines of a watch, whatever they are.
    pub fn beside(&self, context: &Context) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
        if context.ui.terminal.stderr && (self.progress || self.bell) {
            reporters.push(Box::new(Taskbar::new(context.ui.err(), self.progress, self.bell)));
        }
        if self.system() == Some(Folds::GitHub) {
            let summary = match self.summary() {
                Some(path) => {
                    let file = OpenOptions::new().create(true).append(true).open(path);
                    Some(sink("the step summary", path, file)?)
                }
                None => None,
            };
            reporters.push(Box::new(GitHub::new(context.ui.err(), summary)));
        }
        if let Some(path) = &self.junit {
            reporters.push(Box::new(JUnit::new(sink("the JUnit file", path, File::create(path))?)));
        }
        Ok(reporters)
    }
}

impl Shown {
    /// Where the summary of a step goes.
    pub fn summary(&self) -> Option<&Path> {
        self.github_step_summary.as_deref().filter(|_| self.system() == Some(Folds::GitHub))
    }

    /// The system whose markers are wanted.
    fn system(&self) -> Option<Folds> {
        match self.ci {
            Ci::Github => Some(Folds::GitHub),
            Ci::Gitlab => Some(Folds::GitLab),
            Ci::Buildkite => Some(Folds::Buildkite),
            Ci::Auto if self.job.in_github_actions => Some(Folds::GitHub),
            Ci::Auto if self.job.in_gitlab_ci => Some(Folds::GitLab),
            Ci::Auto if self.job.in_buildkite => Some(Folds::Buildkite),
            Ci::Auto | Ci::Off => None,
        }
    }

    /// A live view on a terminal, a log elsewhere and in CI, where what says that it is a terminal seldom is one; the
    /// summaries after either. With `-o ndjson`, events on stdout alone.
    fn lines(
        &self,
        context: &Context,
        system: Option<Folds>,
        interrupt: Option<Interrupt>,
    ) -> Vec<Box<dyn Reporter>> {
        let ui = &context.ui;
        if context.settings.output.format == Format::Ndjson {
            let stream = Ndjson::new(Sink::new("the event stream", ui.out()));
            return vec![Box::new(stream.query(context.settings.output.query.clone()))];
        }
        if ui.quiet {
            return vec![Box::new(Silent)];
        }
        let (unicode, colour) = (ui.terminal.unicode && !self.linear, ui.terminal.colour.1 && !self.linear);
        let summary = Summary::new(ui.err(), unicode, colour);
        if let Some(canvas) = ui.canvas().filter(|_| self.is_live(context)) {
            let live = Live::new(canvas, unicode, colour).interrupted(interrupt);
            let live = if self.keys { live.with_keys() } else { live };
            return vec![Box::new(live), Box::new(summary.at_the_end())];
        }
        // In CI what says that it is a terminal seldom is one.
        let linear = self.linear || (ui.terminal.dumb && !self.job.in_ci && system.is_none());
        let (err, verbose) = (ui.err(), context.settings.verbose > 0);
        let lines = Several::new(move || -> Box<dyn Reporter> {
            if linear {
                Box::new(Linear::new(err.clone()))
            } else {
                Box::new(Log::new(err.clone()).verbose(verbose))
            }
        });
        match system {
            Some(system) => {
                let folded = Folded::new(system, ui.err(), Box::new(lines));
                vec![Box::new(folded), Box::new(summary.at_the_end())]
            }
            None => vec![Box::new(lines), Box::new(summary)],
        }
    }
}
