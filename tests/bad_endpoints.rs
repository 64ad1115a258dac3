//! Endpoints that are none, or that answer as no service does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::cdctl::Machine;
use crate::support::sandbox::{SIMULATED, Sandbox};

/// A server at a port of its own that answers every request with `answer`, or never.
fn server(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(answer) = answer else {
                silent.push(stream);
                continue;
            };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

const HTML: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<h1>Hello</h1>\r\n";

#[test]
fn a_wrong_endpoint_is_told_at_the_first_try() {
    let refused = "http://127.0.0.1:9".to_owned();
    let html = server(Some(HTML));
    Machine::new().against(&refused).run("app create shop").ends_with(1).says_nothing().complains_only(
        "error: cannot create application shop\n  CreateApplication: http://127.0.0.1:9: Connection refused (os error 111)\n  \
         help: nothing listens there: start a sandbox with `cdctl sandbox serve`, or check `--endpoint-url` \
         (AWS_ENDPOINT_URL)\n",
    );
    Machine::new().against(&html).run("app create shop").ends_with(1).says_nothing().complains_only(
        "error: cannot create application shop\n  CreateApplication: the answer (HTTP 200) is not CodeDeploy's; \
         a proxy or another server may have sent it\n  help: sign in to the network where it asks for it, and check \
         HTTPS_PROXY and `--endpoint-url` (AWS_ENDPOINT_URL)\n",
    );
    let tls = html.replace("http", "https");
    Machine::new().against(&tls).run("app create shop").ends_with(1).complains_only(&format!(
        "error: cannot create application shop\n  CreateApplication: {tls}: the server there speaks HTTP without TLS\n  \
         help: write {html}\n"
    ));
    let push = "revision push examples/site s3://releases/site-1.zip --app shop";
    let run = Machine::new().against(&html).run(push).ends_with(1).says_nothing();
    assert!(!run.stderr.contains("upload"), "{run}");
    for (url, line) in [(&refused, "app create shop"), (&html, "app create shop"), (&html, push)] {
        let run = Machine::new().against(url).run(&format!("{line} -vv")).ends_with(1);
        assert!(run.stderr.contains("attempt=1") && !run.stderr.contains("attempt 2"), "{run}");
    }
}

#[test]
fn an_endpoint_without_its_scheme_is_told_as_it_is_written() {
    let wrong = |machine: &Machine, line: &str, endpoint: &str, help: &str| {
        machine.run(line).ends_with(2).says_nothing().complains_only(&format!(
            "error: the endpoint `{endpoint}` is not a URL: it needs http:// or https:// and a host\n  help: {help}\n"
        ));
    };
    let machine =
        |name: &str, endpoint: &str| Machine::new().against("http://127.0.0.1:9").set(name, endpoint);
    for endpoint in ["127.0.0.1:4577", "localhost:4577", "sandbox.internal:80"] {
        let write = format!("write http://{endpoint}");
        wrong(&machine("AWS_ENDPOINT_URL", endpoint), "app list", endpoint, &write);
        wrong(&machine("AWS_ENDPOINT_URL_CODEDEPLOY", endpoint), "app list", endpoint, &write);
        wrong(&Machine::new(), &format!("app list --endpoint-url {endpoint}"), endpoint, &write);
    }
    let write = "write it as http://127.0.0.1:4577 or https://host";
    for endpoint in ["nonsense", "ftp://127.0.0.1:4577"] {
        wrong(&machine("AWS_ENDPOINT_URL", endpoint), "app list", endpoint, write);
    }
    // Of another service it is known once that is called.
    let of_s3 = machine("AWS_ENDPOINT_URL_S3", "127.0.0.1:9");
    let file = of_s3.home().join("site-1.zip").display().to_string();
    let run = of_s3.run(&format!("revision pull s3://releases/site-1.zip --file {file}")).ends_with(1);
    run.complains("Custom endpoint `127.0.0.1:9` was not a valid URI\n")
        .complains(&format!("help: {write}\n"));
    let of_s3 = of_s3.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    let run = of_s3.run(&format!("revision pull s3://releases/site-1.zip --file {file} --max-attempts 1"));
    run.ends_with(1).complains("or check `--endpoint-url` (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3)\n");
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let url = server(None);
    let machine = Machine::new().against(&url.replace("http://", "http://me:hush@"));
    let run = machine.run("app create shop --read-timeout 1 --max-attempts 1").ends_with(1).says_nothing();
    run.complains_only(&format!(
        "error: cannot create application shop\n  CreateApplication: {url}: timed out\n  \
         help: check the network and `--endpoint-url` (AWS_ENDPOINT_URL)\n",
    ));
}

#[test]
fn a_ca_bundle_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let text = file("text.pem", "no certificate\n");
    let garbage = file("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let cut = file("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    let machine = Machine::new().against("https://127.0.0.1:9");
    for (path, cause) in [
        (text.as_str(), "it holds no PEM certificate\n"),
        (&garbage, "a certificate in it does not parse\n"),
        (&cut, "its PEM text is malformed\n"),
        ("/nowhere.pem", "No such file or directory (os error 2)\n"),
    ] {
        let line = format!("app create shop --ca-bundle {path}");
        let run = machine.run(&line).ends_with(1).says_nothing();
        run.complains(&format!("error: the CA bundle {path} cannot be used\n  {cause}"));
    }
    let run =
        Machine::new().against("https://127.0.0.1:9").set("AWS_CA_BUNDLE", &garbage).run("app create shop");
    run.ends_with(1).complains(
        "help: it comes from --ca-bundle, AWS_CA_BUNDLE or the profile and must hold PEM certificates\n",
    );
}

#[test]
fn a_push_with_an_endpoint_for_codedeploy_alone_is_refused() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    sandbox.with_group();
    let machine = Machine::new()
        .set("AWS_ENDPOINT_URL_CODEDEPLOY", &sandbox.url())
        .set("AWS_REGION", "us-east-1")
        .set("AWS_ACCESS_KEY_ID", "sandbox")
        .set("AWS_SECRET_ACCESS_KEY", "sandbox");
    for line in [
        "revision push examples/site s3://releases/site-1.zip --app shop",
        "deploy create shop/prod --push examples/site --bucket releases",
    ] {
        machine.run(line).ends_with(1).says_nothing().complains_only(
            "error: CodeDeploy has an endpoint of its own, S3 has none: the bundle would go to AWS\n  \
             help: set AWS_ENDPOINT_URL for all services, or AWS_ENDPOINT_URL_S3 as well\n",
        );
    }
    machine.run("deploy list shop/prod").ends_with(0);
}
