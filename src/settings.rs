//! Flags and environment -> what a run works with. Resolved once; the only place of the client that reads the
//! environment (clap reads the `CDCTL_*` variables that `--help` names).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Colour, Globals};
use crate::format::{Format, Output};
use crate::ui::{Terminal, Ui};

/// Where and as whom to call AWS.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub profile: Option<String>,
    pub region: Option<String>,
    /// One endpoint for every service.
    pub endpoint_url: Option<String>,
    /// PEM certificates to trust beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The file of a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`), which the SDK reads by itself.
    pub web_identity: Option<String>,
    /// How often a call is tried; the profile may say it where this does not.
    pub max_attempts: Option<u32>,
    /// The user's home, where the AWS CLI keeps its cache.
    pub home: Option<PathBuf>,
    pub connect_timeout: Duration,
    pub read_timeout: Duration,
    /// A sandbox in this process stands for AWS: its address, and no credentials are looked for.
    pub sandbox: bool,
    /// CodeDeploy alone has an endpoint of its own in the environment, S3 has none.
    pub codedeploy_endpoint_only: bool,
    /// The same of ECS.
    pub ecs_has_no_endpoint: bool,
}

/// What a run works with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub connection: Connection,
    pub output: Output,
    pub yes: bool,
    pub verbose: u8,
}

/// The environment variables that the tool itself reads, taken once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    no_color: bool,
    clicolor_force: bool,
    clicolor_off: bool,
    term_dumb: bool,
    utf8: bool,
    ca_bundle: Option<PathBuf>,
    web_identity: Option<String>,
    endpoint: bool,
    endpoint_codedeploy: bool,
    endpoint_s3: bool,
    endpoint_ecs: bool,
    max_attempts: Option<u32>,
    home: Option<PathBuf>,
    pub path: Option<OsString>,
    /// The names of all `AWS_ENDPOINT_URL_…`, each the endpoint of one service.
    pub service_endpoints: Vec<OsString>,
    /// `CDCTL_APP` and `CDCTL_GROUP`, where a line names none.
    pub application: Option<String>,
    pub group: Option<String>,
    /// `AWS_ENDPOINT_URL`, for what is not a call of AWS.
    pub endpoint_url: Option<String>,
    /// Hosts that are called past a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// `CDCTL_OUTPUT`, for a line that cannot be read.
    output: Option<String>,
}

/// Starts the process anew, in its own place, without the empty variables of AWS and cdctl: CI systems set them for what
/// is not set, the AWS CLI takes them so, and the AWS SDK panics on some. Returns where there are none.
#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment; it starts nothing but itself"
)]
pub fn without_empty_variables() {
    use std::os::unix::process::CommandExt;
    let ours = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with("AWS_") || name.starts_with("CDCTL_"))
    };
    let all = std::env::vars_os();
    let empty: Vec<OsString> =
        all.filter(|(name, value)| value.is_empty() && ours(name)).map(|(name, _)| name).collect();
    if let (false, Ok(program)) = (empty.is_empty(), std::env::current_exe()) {
        let mut command = std::process::Command::new(program);
        let mut arguments = std::env::args_os();
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        for name in empty {
            command.env_remove(name);
        }
        // Where that fails the variables stay, and what they lead to is said.
        let _error = command.args(arguments).exec();
    }
}

#[cfg(not(unix))]
pub fn without_empty_variables() {}

impl Environment {
    /// All variables of the process whose names and values are text, for programs that are to have them.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn variables() -> BTreeMap<String, String> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        Environment {
            home: std::env::home_dir(),
            path: std::env::var_os("PATH"),
            service_endpoints: std::env::vars_os()
                .map(|(name, _)| name)
                .filter(|name| name.as_encoded_bytes().starts_with(b"AWS_ENDPOINT_URL_"))
                .collect(),
            ..Environment::of(|name| std::env::var(name).ok())
        }
    }

    /// What variables that are text say; an empty one is not set.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = text("LC_ALL").or_else(|| text("LC_CTYPE")).or_else(|| text("LANG")).unwrap_or_default();
        Environment {
            no_color: text("NO_COLOR").is_some(),
            clicolor_force: text("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            clicolor_off: text("CLICOLOR").is_some_and(|value| value == "0"),
            term_dumb: text("TERM").is_none_or(|term| term == "dumb"),
            utf8: {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            },
            ca_bundle: text("AWS_CA_BUNDLE").map(PathBuf::from),
            web_identity: text("AWS_WEB_IDENTITY_TOKEN_FILE"),
            endpoint: text("AWS_ENDPOINT_URL").is_some(),
            endpoint_codedeploy: text("AWS_ENDPOINT_URL_CODEDEPLOY").is_some(),
            endpoint_s3: text("AWS_ENDPOINT_URL_S3").is_some(),
            endpoint_ecs: text("AWS_ENDPOINT_URL_ECS").is_some(),
            max_attempts: text("AWS_MAX_ATTEMPTS").and_then(|value| value.parse().ok()).filter(|&n| n > 0),
            application: text("CDCTL_APP"),
            group: text("CDCTL_GROUP"),
            endpoint_url: text("AWS_ENDPOINT_URL"),
            no_proxy: text("no_proxy").or_else(|| text("NO_PROXY")),
            output: text("CDCTL_OUTPUT"),
            ..Environment::default()
        }
    }

    /// Whether errors go out as JSON, on a line that cannot be read.
    pub fn wants_json(&self, arguments: &[OsString]) -> bool {
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        let flagged =
            words.iter().zip(words.iter().skip(1)).filter(|(flag, _)| matches!(&***flag, "-o" | "--output"));
        let flagged = flagged.map(|(_, value)| &**value);
        let joined = words.iter().filter_map(|word| {
            word.strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o").filter(|value| !value.is_empty()))
        });
        let wanted = flagged.chain(joined).last().or(self.output.as_deref());
        wanted.and_then(Format::named).is_some_and(Format::is_machine)
    }

    /// What the streams can show, given the flags.
    fn terminal(&self, streams: Terminal, colour: Colour) -> Terminal {
        let shows = |is_terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if self.no_color => false,
            Colour::Auto if self.clicolor_force => true,
            Colour::Auto => is_terminal && !self.term_dumb && !self.clicolor_off,
        };
        Terminal {
            // Without cursor movement a live view is impossible, whatever the file descriptor says.
            stderr: streams.stderr && !self.term_dumb,
            dumb: streams.stderr && self.term_dumb,
            colour: (shows(streams.stdout), shows(streams.stderr)),
            unicode: self.utf8,
            ..streams
        }
    }
}

impl Settings {
    /// Merges flags over environment over defaults, and tells `ui` what it may show.
    pub fn resolve(globals: &Globals, environment: &Environment, ui: &mut Ui) -> Self {
        ui.terminal = environment.terminal(ui.terminal, globals.color);
        // Lines between its frames would tear a live view.
        ui.terminal.stderr &= globals.verbose == 0;
        ui.quiet = globals.quiet;
        Settings {
            connection: Connection {
                profile: globals.profile.clone(),
                region: globals.region.clone(),
                endpoint_url: globals.endpoint_url.clone(),
                ca_bundle: globals.ca_bundle.clone().or_else(|| environment.ca_bundle.clone()),
                web_identity: environment.web_identity.clone(),
                max_attempts: globals.max_attempts.or(environment.max_attempts),
                home: environment.home.clone(),
                connect_timeout: Duration::from_secs(globals.connect_timeout),
                read_timeout: Duration::from_secs(globals.read_timeout),
                sandbox: false,
                codedeploy_endpoint_only: globals.endpoint_url.is_none()
                    && environment.endpoint_codedeploy
                    && !environment.endpoint
                    && !environment.endpoint_s3,
                ecs_has_no_endpoint: globals.endpoint_url.is_none()
                    && environment.endpoint_codedeploy
                    && !environment.endpoint
                    && !environment.endpoint_ecs,
            },
            output: Output { format: globals.output, query: globals.query.clone() },
            yes: globals.yes,
            verbose: globals.verbose,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTY: Terminal = Terminal { stdin: true, stdout: true, stderr: true, ..Terminal::NONE };

    fn xterm() -> Environment {
        Environment { utf8: true, ..Environment::default() }
    }

    #[test]
    fn colour_follows_flags_then_environment_then_terminal() {
        let colour = |environment: &Environment, streams, flag| environment.terminal(streams, flag).colour;
        assert_eq!(colour(&xterm(), TTY, Colour::Auto), (true, true));
        assert_eq!(colour(&xterm(), Terminal::NONE, Colour::Auto), (false, false));
        assert_eq!(colour(&xterm(), Terminal::NONE, Colour::Always), (true, true));
        assert_eq!(colour(&xterm(), TTY, Colour::Never), (false, false));
        let no_color = Environment { no_color: true, ..xterm() };
        assert_eq!(colour(&no_color, TTY, Colour::Auto), (false, false));
        let forced = Environment { clicolor_force: true, ..xterm() };
        assert_eq!(colour(&forced, Terminal::NONE, Colour::Auto), (true, true));
        let off = Environment { clicolor_off: true, ..xterm() };
        assert_eq!(colour(&off, TTY, Colour::Auto), (false, false));
    }

    #[test]
    fn sre_20_what_the_environment_says_of_a_terminal() {
        // Colour on a terminal and in a pipe; a live view; sentences instead; more than ASCII.
        let table = [
            ("TERM=xterm LANG=en_GB.UTF-8", (true, false), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 NO_COLOR=1", (false, false), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 NO_COLOR=", (true, false), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 CLICOLOR_FORCE=1", (true, true), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 CLICOLOR_FORCE=0", (true, false), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 CLICOLOR=0", (false, false), true, false, true),
            ("TERM=xterm LANG=en_GB.UTF-8 NO_COLOR=1 CLICOLOR_FORCE=1", (false, false), true, false, true),
            ("TERM=dumb LANG=en_GB.UTF-8", (false, false), false, true, true),
            ("TERM=dumb LANG=en_GB.UTF-8 CLICOLOR_FORCE=1", (true, true), false, true, true),
            ("LANG=en_GB.UTF-8", (false, false), false, true, true),
            ("TERM=xterm LANG=C", (true, false), true, false, false),
            ("TERM=xterm", (true, false), true, false, false),
            ("TERM=xterm LANG=en_GB.UTF-8 LC_ALL=C", (true, false), true, false, false),
            ("TERM=xterm LANG=en_GB.UTF-8 LC_CTYPE=de_DE.ISO-8859-1", (true, false), true, false, false),
            ("TERM=xterm LANG=C LC_CTYPE=C.utf8", (true, false), true, false, true),
        ];
        for (variables, colour, live, dumb, unicode) in table {
            let environment = Environment::of(|name| {
                let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.find(|(variable, _)| *variable == name).map(|(_, value)| value.to_owned())
            });
            let terminal = environment.terminal(TTY, Colour::Auto);
            let pipe = environment.terminal(Terminal::NONE, Colour::Auto);
            assert_eq!((terminal.colour.1, pipe.colour.1), colour, "{variables}");
            assert_eq!(
                (terminal.stderr, terminal.dumb, terminal.unicode),
                (live, dumb, unicode),
                "{variables}"
            );
            assert!(!pipe.stderr && !pipe.dumb, "{variables}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_may_say_how_errors_go_out() {
        let wants = |line: &str, output: Option<&str>| {
            let environment = Environment { output: output.map(str::to_owned), ..Environment::default() };
            environment.wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
        };
        assert!(wants("cdctl app list --bogus -o json", None));
        assert!(wants("cdctl app list --output=yaml --bogus", Some("text")));
        assert!(wants("cdctl -ondjson app list --bogus", None));
        assert!(wants("cdctl app list --bogus", Some("json")));
        assert!(!wants("cdctl app list --bogus -o text", Some("json")));
        assert!(!wants("cdctl app list -o bogus", None));
    }

    #[test]
    fn a_dumb_terminal_gets_no_live_view() {
        let dumb = Environment { term_dumb: true, ..xterm() };
        let terminal = dumb.terminal(TTY, Colour::Auto);
        assert!(!terminal.stderr && terminal.stdin && terminal.colour == (false, false));
    }
}
