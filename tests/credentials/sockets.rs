//! What the network and the service refuse, on real sockets: the cause, what to do, the exit code.

use std::fs;
use std::net::TcpListener;

use super::{CALL, aws, machine};
use crate::support::cdctl::{Machine, package};
use crate::support::stand_in::{Answer, StandIn};

const KEYS: &str = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n";
const CANNOT: &str = "error: cannot call ListApplications\n  ";

#[test]
fn a_refusal_says_what_to_do() {
    let help = |text: &str| format!("  help: {text}\n");
    let elsewhere = help(
        "set AWS_PROFILE or pass `--profile`, sign in with `aws sso login`, or set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY; without an account, try `cdctl demo`",
    );
    let expired = help("the credentials have expired; sign in again (for SSO: `aws sso login`)");
    let denied = help("the caller needs the IAM permission codedeploy:ListApplications");
    let throttled = help("wait a moment, or raise `--max-attempts`");
    for (status, code, help, calls) in [
        (400, "ExpiredTokenException", &expired, 1),
        (403, "UnrecognizedClientException", &elsewhere, 1),
        (403, "InvalidSignatureException", &elsewhere, 1),
        (400, "AccessDeniedException", &denied, 1),
        (400, "ThrottlingException", &throttled, 2),
        (500, "InternalFailure", &String::new(), 2),
    ] {
        let aws = StandIn::new(move |_| Answer::error(status, code));
        let machine = machine(&aws, "", KEYS);
        let run = machine.run(&format!("{CALL} --max-attempts 2")).ends_with(1).says_nothing();
        let run = run.complains_only(&format!("{CANNOT}{code}: that is how it is\n{help}"));
        assert_eq!(aws.seen().len(), calls, "{code}: {run:?}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let aws = StandIn::tls(|_| Answer::json(r#"{"applications":["shop"]}"#));
    let stranger = machine(&aws, "", KEYS).set("AWS_MAX_ATTEMPTS", "1");
    let run = stranger.run(CALL).ends_with(1).says_nothing();
    run.complains("invalid peer certificate: UnknownIssuer\n").complains(
        "  help: nobody that this machine trusts vouches for the server; where a proxy or a server of your own \
         answers, pass its certificate with `--ca-bundle` (AWS_CA_BUNDLE)\n",
    );
    let ca = package("tests/credentials/tls/ca.pem");
    let ca = ca.to_str().unwrap();
    stranger.run(&format!("{CALL} --ca-bundle {ca}")).ends_with(0).says("shop");
    machine(&aws, "", KEYS).set("AWS_CA_BUNDLE", ca).run(CALL).ends_with(0).says("shop");
    let configured = machine(&aws, &format!("[default]\nca_bundle = {ca}\n"), KEYS);
    configured.run(CALL).ends_with(0).says("shop");
    let wrong = machine(&aws, "[default]\nca_bundle = /nowhere.pem\n", KEYS);
    wrong.run(CALL).ends_with(1).complains("error: the CA bundle /nowhere.pem cannot be used\n");
    // A name that the certificate does not hold.
    let other = stranger.set("AWS_ENDPOINT_URL", &aws.url.replace("127.0.0.1", "127.0.0.2"));
    let _ = other.run(&format!("{CALL} --ca-bundle {ca}")).ends_with(1).says_nothing();
}

#[test]
fn a_certificate_that_vouches_for_itself() {
    let answer = |_: &_| Answer::json(r#"{"applications":["shop"]}"#);
    let pem = |name: &str| package(&format!("tests/credentials/tls/{name}.pem")).display().to_string();
    let own = StandIn::tls_as("self-signed", answer);
    machine(&own, "", KEYS)
        .run(&format!("{CALL} --ca-bundle {}", pem("self-signed")))
        .ends_with(0)
        .says("shop");
    // As `openssl req -x509` makes one by default, and no server may have one for rustls.
    let authority = StandIn::tls_as("authority", answer);
    let machine = machine(&authority, "", KEYS).set("AWS_MAX_ATTEMPTS", "1");
    let run = machine.run(&format!("{CALL} --ca-bundle {}", pem("authority"))).ends_with(1).says_nothing();
    run.complains("it is that of an authority (CA:TRUE), used as a server's own\n")
        .complains("`-addext basicConstraints=critical,CA:FALSE`");
}

#[test]
fn a_proxy_that_takes_no_connection_is_named() {
    let aws = aws();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let machine = machine(&aws, "", KEYS)
        .set("AWS_ENDPOINT_URL", "https://codedeploy.invalid")
        .set("HTTPS_PROXY", &format!("http://me:hush@{closed}"));
    let run = machine.run(CALL).ends_with(1).says_nothing();
    run.complains_only(&format!(
        "{CANNOT}ListApplications: the proxy http://{closed}: Connection refused (os error 111)\n  \
         help: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY\n"
    ));
}

#[test]
fn a_gateway_that_is_busy_is_asked_again() {
    for (status, help) in
        [(429, "help: wait a moment"), (408, "help: try again in a while; where it stays so, check ")]
    {
        let gateway = StandIn::new(move |_| Answer { status, ..Answer::not_found() });
        let run = machine(&gateway, "", KEYS).run(&format!("{CALL} --max-attempts 2")).ends_with(1);
        let _ = run.complains(&format!("(HTTP {status})")).complains(help);
        assert_eq!(gateway.seen().len(), 2, "{status}");
    }
    // It passed nothing on, so that nothing can be made twice.
    let gateway = StandIn::new(|request| match request.operation() {
        Some("CreateDeployment") => Answer { status: 429, ..Answer::not_found() },
        Some("GetDeploymentGroup") => {
            Answer::json(r#"{"deploymentGroupInfo":{"applicationName":"shop","deploymentGroupName":"prod"}}"#)
        }
        _ => Answer::json(r#"{"deployments":[]}"#),
    });
    let line = "deploy create shop/prod --revision github:me/site@0123456789abcdef0123456789abcdef01234567";
    machine(&gateway, "", KEYS).run(&format!("{line} --max-attempts 2")).ends_with(1).says_nothing();
    let seen = gateway.seen();
    assert_eq!(seen.iter().filter(|it| it.operation() == Some("CreateDeployment")).count(), 2, "{seen:#?}");
}

#[test]
fn plain_http_where_tls_is_spoken_and_the_other_way_round() {
    let tls = StandIn::tls(|_| Answer::not_found());
    let plain = aws();
    let call = |url: &str| {
        let machine = machine(&plain, "", KEYS).set("AWS_ENDPOINT_URL", url).set("AWS_MAX_ATTEMPTS", "1");
        machine.run(CALL).ends_with(1).says_nothing()
    };
    let url = tls.url.replace("https", "http");
    call(&url).complains_only(&format!(
        "{CANNOT}ListApplications: {url}: what the server there speaks is not HTTP\n  help: write {} where it speaks TLS\n",
        tls.url
    ));
    let url = plain.url.replace("http", "https");
    call(&url).complains_only(&format!(
        "{CANNOT}ListApplications: {url}: tls handshake eof\n  help: write {} where it speaks no TLS\n",
        plain.url
    ));
}

#[test]
fn a_captive_portal_is_no_service() {
    for (status, attempts) in [(200, 1), (403, 1), (302, 1)] {
        let portal = StandIn::new(move |_| Answer {
            status,
            content_type: "text/html",
            body: "<html><h1>Sign in to the network</h1></html>".to_owned(),
            date: None,
        });
        let machine = machine(&portal, "", KEYS);
        machine.run(CALL).ends_with(1).says_nothing().complains_only(&format!(
            "{CANNOT}ListApplications: the answer (HTTP {status}) is not CodeDeploy's; a proxy or another server may \
             have sent it\n  help: sign in to the network where it asks for it, and check HTTPS_PROXY and \
             `--endpoint-url` (AWS_ENDPOINT_URL)\n"
        ));
        assert_eq!(portal.seen().len(), attempts, "{status}");
    }
}

/// A listener that takes what comes and never answers.
fn silence() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn silence_is_given_up_wherever_it_is_met() {
    let (_listener, url) = silence();
    let aws = aws();
    let flags = "--read-timeout 1 --max-attempts 1";
    let role = "[profile role]\nrole_arn = a:b/role\nsource_profile = default\n";
    let session = machine(&aws, role, KEYS).set("AWS_ENDPOINT_URL_STS", &url);
    let run = session.run(&format!("{CALL} {flags} --profile role")).ends_with(1).says_nothing();
    run.complains("error: the role of profile role cannot be assumed\n")
        .complains(&format!("AssumeRole: {url}: timed out\n"));
    let token = session.home().join("token");
    fs::write(&token, "a.b.c").unwrap();
    let web = Machine::new()
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_ENDPOINT_URL_STS", &url)
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap());
    let run = web.run(&format!("{CALL} {flags}")).ends_with(1).says_nothing();
    run.complains("the AWS credentials could not be loaded: ");
    let call = machine(&aws, "", KEYS).set("AWS_ENDPOINT_URL", &url);
    call.run(&format!("{CALL} {flags}"))
        .ends_with(1)
        .says_nothing()
        .complains(&format!("ListApplications: {url}: timed out\n"));
}

#[test]
fn web_identities_come_from_the_environment() {
    let aws = aws();
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "a.b.c").unwrap();
    let machine = machine(&aws, "", "")
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", token.path().to_str().unwrap());
    assert_eq!(super::signer(&aws, machine.run(CALL)), "web-by-");
}
