//! What a user sees of an error: what failed, why, what to do. One line each.

use std::{fmt, io};

use serde_json::{Value, json};

use crate::api::{ApiError, ErrorKind, advice, is_loopback};
use crate::exit::Exit;
use crate::model::without_credentials;
use crate::revision;
use crate::ui::{self, Style, Ui};

/// An error in the user's words.
#[derive(Debug)]
pub struct Failure {
    /// What failed.
    what: String,
    /// Why, in the words of whoever refused.
    cause: Option<String>,
    /// What to do.
    help: Option<String>,
    exit: Exit,
    code: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    pub fn new(what: impl Into<String>) -> Self {
        Failure {
            what: what.into(),
            cause: None,
            help: None,
            exit: Exit::Error,
            code: None,
            request_id: None,
        }
    }

    /// A failed call, with the help that its kind has.
    pub fn api(what: impl Into<String>, error: &ApiError) -> Self {
        Failure {
            cause: Some(error.to_string()),
            help: help(error),
            code: error.code.clone(),
            request_id: error.request_id.clone(),
            ..Failure::new(what)
        }
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The code that the command ends with.
    pub fn ends_with(&self) -> Exit {
        self.exit
    }

    /// An error as it is told, whatever it was.
    pub fn of(error: anyhow::Error) -> Self {
        error.downcast().unwrap_or_else(|error| Failure::plain(&error))
    }

    /// An error that is none of these in their form.
    fn plain(error: &anyhow::Error) -> Self {
        let own = error.downcast_ref::<revision::Error>();
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let plain = own.map_or_else(|| Failure::new(error.to_string()), Failure::from);
        Failure { cause: (!causes.is_empty()).then(|| causes.join(": ")), ..plain }
    }

    /// As it is, and where it came up.
    pub fn within(mut self, region: &str) -> Self {
        self.what = format!("{} (in {region})", self.what);
        self
    }

    fn json(&self) -> Value {
        let shown = |text: &Option<String>| text.as_deref().map(without_credentials);
        json!({"error": {
            "message": without_credentials(&self.what), "cause": shown(&self.cause), "help": shown(&self.help),
            "code": self.code, "requestId": self.request_id, "exit": self.exit.code(),
        }})
    }
}

impl From<&revision::Error> for Failure {
    fn from(error: &revision::Error) -> Self {
        Failure { help: error.help.clone(), ..Failure::new(error.message.clone()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// `result.doing("show group shop/prod")`: an API error becomes "cannot show group shop/prod".
pub trait Doing<T> {
    fn doing(self, what: impl fmt::Display) -> anyhow::Result<T>;
}

impl<T> Doing<T> for Result<T, ApiError> {
    fn doing(self, what: impl fmt::Display) -> anyhow::Result<T> {
        self.map_err(|error| Failure::api(format!("cannot {what}"), &error).into())
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl fmt::Display) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(error).context(format!("cannot {what}")))
    }
}

fn help(error: &ApiError) -> Option<String> {
    let code = error.code.as_deref().unwrap_or_default();
    Some(match (error.kind, code) {
        (ErrorKind::Credentials, "ExpiredTokenException" | "ExpiredToken") => {
            "the credentials have expired; sign in again (for SSO: `aws sso login`)".to_owned()
        }
        // The cause says it, with the profile.
        (ErrorKind::Credentials, _) if error.message.contains("`aws sso login --profile ") => return None,
        (ErrorKind::Credentials, _) => {
            "set AWS_PROFILE or pass `--profile`, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY; without an account, try `cdctl demo`"
                .to_owned()
        }
        (ErrorKind::Denied, _) => {
            format!("the caller needs the IAM permission {}", permission(&error.operation))
        }
        (ErrorKind::Throttled, _) => "wait a moment, or raise `--max-attempts`".to_owned(),
        (ErrorKind::Transient, _) if error.message.contains("(CA:TRUE)") => {
            "where the server is yours, give it a certificate of its own: signed by that authority, or self-signed with \
             `-addext basicConstraints=critical,CA:FALSE`, and passed with `--ca-bundle` (AWS_CA_BUNDLE)"
                .to_owned()
        }
        (ErrorKind::Transient, _) if error.message.contains("invalid peer certificate") => {
            "nobody that this machine trusts vouches for the server; where a proxy or a server of your own answers, \
             pass its certificate with `--ca-bundle` (AWS_CA_BUNDLE)"
                .to_owned()
        }
        (ErrorKind::Transient, _) if error.message.starts_with("the proxy ") => {
            "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY".to_owned()
        }
        (ErrorKind::Transient, _) if error.code.is_none() => unreached(error),
        (ErrorKind::Foreign, _) => {
            "sign in to the network where it asks for it, and check HTTPS_PROXY and `--endpoint-url` (AWS_ENDPOINT_URL)"
                .to_owned()
        }
        _ => return advice(code, &error.message).map(str::to_owned),
    })
}

/// What to do where no word of the service came: the message says which address was called.
fn unreached(error: &ApiError) -> String {
    let cause = error.message.as_str();
    let (address, why) = cause.split_once(": ").unwrap_or_default();
    let named = address.contains("://");
    let of_aws = [".amazonaws.com", ".api.aws"].iter().any(|domain| address.contains(domain));
    // S3 and ECS may have an endpoint of their own.
    let endpoint = match permission(&error.operation).split(':').next() {
        Some("s3") => "`--endpoint-url` (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3)",
        Some("ecs") => "`--endpoint-url` (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECS)",
        _ => "`--endpoint-url` (AWS_ENDPOINT_URL)",
    };
    if ["was not a valid URI", "must contain scheme"].iter().any(|words| cause.contains(words)) {
        return "write it as http://127.0.0.1:4577 or https://host".to_owned();
    }
    if cause.starts_with("the answer (HTTP ") {
        return format!("try again in a while; where it stays so, check HTTPS_PROXY and {endpoint}");
    }
    let plain = || address.replacen("https", "http", 1);
    if why.contains("speaks HTTP without TLS") {
        return format!("write {}", plain());
    }
    if !of_aws && why == "tls handshake eof" {
        return format!("write {} where it speaks no TLS", plain());
    }
    if why.ends_with("is not HTTP") {
        return format!("write {} where it speaks TLS", address.replacen("http", "https", 1));
    }
    if named && !of_aws && why.contains("Connection refused") {
        return match is_loopback(address) {
            true => format!(
                "nothing listens there: start a sandbox with `cdctl sandbox serve`, or check {endpoint}"
            ),
            false => format!("nothing listens there: check {endpoint}"),
        };
    }
    if of_aws {
        return "check the network and `--region`".to_owned();
    }
    format!("check the network and {endpoint}")
}

/// The IAM action that an operation needs.
///
/// Source: the service authorization reference of each service.
fn permission(operation: &str) -> String {
    match operation {
        "HeadObject" => "s3:GetObject".to_owned(),
        "ListBuckets" => "s3:ListAllMyBuckets".to_owned(),
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "s3:PutObject".to_owned(),
        "GetObject" | "PutObject" | "AbortMultipartUpload" => format!("s3:{operation}"),
        "AssumeRole" => "sts:AssumeRole, and the role must trust it".to_owned(),
        "RegisterTaskDefinition" => {
            "ecs:RegisterTaskDefinition, and iam:PassRole for the roles in it".to_owned()
        }
        "DescribeServices" => "ecs:DescribeServices".to_owned(),
        _ => format!("codedeploy:{operation}"),
    }
}

/// Shows an error and says how to end. `machine`: as one JSON object.
pub fn show(error: &anyhow::Error, ui: &Ui, machine: bool) -> Exit {
    let from_chain;
    let failure = match error.downcast_ref::<Failure>() {
        Some(failure) => failure,
        None => {
            from_chain = Failure::plain(error);
            &from_chain
        }
    };
    if machine {
        ui.complain(&ui::json(&failure.json().to_string()));
        return failure.exit;
    }
    let shown = |text: &str| ui::defuse(&without_credentials(text));
    let mut text = format!("{}: {}", ui.paint(Style::Error, "error"), shown(&failure.what));
    if let Some(cause) = &failure.cause {
        text.push_str(&format!("\n  {}", shown(cause).replace('\n', "\n  ")));
    }
    if let Some(help) = &failure.help {
        text.push_str(&format!("\n  {}: {}", ui.paint(Style::Good, "help"), shown(help)));
    }
    ui.complain(&text);
    failure.exit
}

/// Whoever read our output has gone; that is no failure of ours.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// The name of `names` that is nearest to `wanted`, if one is near enough to be what was meant.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name))
        .min()
        .filter(|(distance, name)| *distance <= (wanted.chars().count().max(name.chars().count()) / 3).max(1))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Buffer, Stream, Terminal};

    fn shown(error: anyhow::Error, machine: bool) -> (String, Exit) {
        let buffer = Buffer::default();
        let ui = Ui::new(Stream::new(Buffer::default()), Stream::new(buffer.clone()), Terminal::NONE);
        let exit = show(&error, &ui, machine);
        (buffer.text(), exit)
    }

    #[test]
    fn three_lines_what_why_help() {
        let api = ApiError {
            operation: "GetDeployment".into(),
            kind: ErrorKind::Denied,
            code: Some("AccessDeniedException".into()),
            message: "User: \x1b[31mx is not authorized".into(),
            request_id: Some("r-1".into()),
        };
        let error = Failure::api("cannot show deployment d-1", &api).into();
        let (text, exit) = shown(error, false);
        assert_eq!(
            text,
            "error: cannot show deployment d-1\n  AccessDeniedException: User: \\x1b[31mx is not authorized (request r-1)\n  \
             help: the caller needs the IAM permission codedeploy:GetDeployment\n"
        );
        assert_eq!(exit, Exit::Error);
    }

    #[test]
    fn a_machine_gets_one_object() {
        let (text, exit) = shown(Failure::new("no region").exit(Exit::Usage).into(), true);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["error"]["message"], "no region");
        assert_eq!(value["error"]["exit"], 2);
        assert_eq!(exit, Exit::Usage);
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["prod", "staging", "shop-web"];
        assert_eq!(nearest("prdo", names), Some("prod"));
        assert_eq!(nearest("shopweb", names), Some("shop-web"));
        assert_eq!(nearest("zebra", names), None);
    }
}
