//! Which endpoint is called, and through what.

use std::fs;

use super::{CALL, aws, machine};
use crate::support::cdctl::Machine;
use crate::support::stand_in::{Answer, StandIn};

const KEYS: &str = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n";

/// A proxy that lets nothing through: what it is asked for is what would have been called.
fn proxy() -> StandIn {
    StandIn::new(|_| Answer { status: 502, ..Answer::not_found() })
}

/// A machine that must go through `proxy`.
fn behind(proxy: &StandIn, config: &str) -> Machine {
    let machine = Machine::new().set("HTTPS_PROXY", &proxy.url).set("AWS_REGION", "us-east-1");
    fs::create_dir(machine.home().join(".aws")).unwrap();
    fs::write(machine.home().join(".aws/config"), config).unwrap();
    fs::write(machine.home().join(".aws/credentials"), KEYS).unwrap();
    machine.set("AWS_MAX_ATTEMPTS", "1")
}

#[track_caller]
fn called(proxy: &StandIn, machine: &Machine, line: &str) -> String {
    let run =
        machine.run(line).ends_with(1).says_nothing().complains("error: cannot call ListApplications\n");
    let seen = proxy.seen();
    let lines: Vec<_> = seen.iter().map(|request| request.line.as_str()).collect();
    let [line] = lines[..] else { panic!("{run}\n{lines:?}") };
    line.strip_prefix("CONNECT ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).unwrap().to_owned()
}

#[test]
fn regions_fips_and_dual_stack_choose_the_endpoint() {
    let proxy = proxy();
    let plain = "codedeploy.us-east-1.amazonaws.com:443";
    let fips = "codedeploy-fips.us-east-1.amazonaws.com:443";
    let dual = "codedeploy.us-east-1.api.aws:443";
    let both = "codedeploy-fips.us-east-1.api.aws:443";
    assert_eq!(called(&proxy, &behind(&proxy, ""), CALL), plain);
    let china = called(&proxy, &behind(&proxy, ""), &format!("{CALL} --region cn-north-1"));
    assert_eq!(china, "codedeploy.cn-north-1.amazonaws.com.cn:443");
    for (config, variables, endpoint) in [
        ("", &[("AWS_USE_FIPS_ENDPOINT", "true")][..], fips),
        ("", &[("AWS_USE_DUALSTACK_ENDPOINT", "true")], dual),
        ("", &[("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")], both),
        ("[default]\nuse_fips_endpoint = true\n", &[], fips),
        ("[default]\nuse_dualstack_endpoint = true\n", &[], dual),
        ("[default]\nuse_fips_endpoint = true\n", &[("AWS_USE_FIPS_ENDPOINT", "false")], plain),
    ] {
        let machine = behind(&proxy, config);
        let machine = variables.iter().fold(machine, |machine, (name, value)| machine.set(name, value));
        assert_eq!(called(&proxy, &machine, CALL), endpoint, "{config} {variables:?}");
    }
}

#[test]
fn endpoints_are_set_for_all_services_or_for_one() {
    let (all, one) = (aws(), aws());
    let services = format!(
        "[default]\nservices = mine\nendpoint_url = {}\n[services mine]\ncodedeploy =\n  endpoint_url = {}\n",
        all.url, one.url
    );
    let machine = |config: &str| {
        let machine = machine(&all, config, KEYS);
        fs::write(machine.home().join(".aws/config"), config).unwrap();
        machine
    };
    let reaches = |machine: &Machine, line: &str| {
        let run = machine.run(line).ends_with(0);
        let (all, one) = (all.seen().len(), one.seen().len());
        assert_eq!(all + one, 1, "{run}");
        if one == 1 { "one" } else { "all" }
    };
    // AWS_ENDPOINT_URL is set by `machine`.
    assert_eq!(reaches(&machine(""), CALL), "all");
    assert_eq!(reaches(&machine("").set("AWS_ENDPOINT_URL_CODEDEPLOY", &one.url), CALL), "one");
    let flag = format!("{CALL} --endpoint-url {}", all.url);
    assert_eq!(
        reaches(&machine("").set("AWS_ENDPOINT_URL_CODEDEPLOY", &one.url), &flag),
        "all",
        "the flag wins"
    );
    let configured = |config: &str| {
        let machine = Machine::new().set("AWS_REGION", "us-east-1");
        fs::create_dir(machine.home().join(".aws")).unwrap();
        fs::write(machine.home().join(".aws/config"), config).unwrap();
        fs::write(machine.home().join(".aws/credentials"), KEYS).unwrap();
        machine
    };
    assert_eq!(reaches(&configured(&services), CALL), "one");
    let global = format!("[default]\nendpoint_url = {}\n", all.url);
    assert_eq!(reaches(&configured(&global), CALL), "all");
    // Told to pass over all of them, it goes to AWS.
    let proxy = proxy();
    let ignoring = configured(&services)
        .set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .set("AWS_ENDPOINT_URL", &all.url)
        .set("HTTPS_PROXY", &proxy.url)
        .set("AWS_MAX_ATTEMPTS", "1");
    assert_eq!(called(&proxy, &ignoring, CALL), "codedeploy.us-east-1.amazonaws.com:443");
    assert!(all.seen().is_empty() && one.seen().is_empty());
}

#[test]
fn plain_http_goes_through_its_proxy_but_for_this_machine() {
    let proxy = aws();
    let elsewhere = "http://codedeploy.example.invalid";
    let through = |machine: Machine| machine.set("AWS_MAX_ATTEMPTS", "1");
    let local = machine(&proxy, "", KEYS).set("HTTP_PROXY", "http://127.0.0.1:9");
    local.run(CALL).ends_with(0);
    assert_eq!(proxy.seen()[0].line, "POST / HTTP/1.1");
    let machine = || through(machine(&proxy, "", KEYS)).set("AWS_ENDPOINT_URL", elsewhere);
    machine().set("http_proxy", &proxy.url).run(CALL).ends_with(0);
    assert_eq!(proxy.seen()[0].line, "POST http://codedeploy.example.invalid/ HTTP/1.1");
    let past = machine().set("http_proxy", &proxy.url).set("NO_PROXY", "other,.example.invalid");
    past.run(CALL)
        .ends_with(1)
        .complains("http://codedeploy.example.invalid: ")
        .complains("help: check the network and `--endpoint-url`");
    assert!(proxy.seen().is_empty());
}
