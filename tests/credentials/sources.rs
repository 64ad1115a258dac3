//! Where credentials come from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::{CALL, aws, machine, signer};
use crate::support::cdctl::Machine;

const PROFILES: &str = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n\
                        [other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n";

fn with_keys(machine: Machine) -> Machine {
    machine.set("AWS_ACCESS_KEY_ID", "ENVIRONMENT").set("AWS_SECRET_ACCESS_KEY", "s")
}

#[test]
fn an_explicit_profile_beats_keys_in_the_environment() {
    let aws = aws();
    let machine = machine(&aws, "", PROFILES);
    assert_eq!(signer(&aws, machine.run(CALL)), "DEFAULT");
    let machine = with_keys(machine);
    assert_eq!(signer(&aws, machine.run(CALL)), "ENVIRONMENT");
    assert_eq!(signer(&aws, machine.run(&format!("{CALL} --profile other"))), "OTHER");
    // The AWS CLI, too, takes AWS_PROFILE for less than keys.
    let machine = machine.set("AWS_PROFILE", "other");
    assert_eq!(signer(&aws, machine.run(CALL)), "ENVIRONMENT");
}

#[test]
fn files_may_stand_elsewhere() {
    let aws = aws();
    let machine = machine(&aws, "[profile other]\nregion = ap-south-1\n", "");
    let elsewhere = machine.home().join("elsewhere");
    fs::write(&elsewhere, "[other]\naws_access_key_id = ELSEWHERE\naws_secret_access_key = s\n").unwrap();
    let config = machine.home().join("config");
    fs::write(
        &config,
        "[profile third]\nregion = sa-east-1\nsource_profile = other\nrole_arn = a:b/deploy\n",
    )
    .unwrap();
    let machine = machine.set("AWS_SHARED_CREDENTIALS_FILE", elsewhere.to_str().unwrap());
    assert_eq!(signer(&aws, machine.run(&format!("{CALL} --profile other"))), "ELSEWHERE");
    let machine = machine.set("AWS_CONFIG_FILE", config.to_str().unwrap());
    assert_eq!(signer(&aws, machine.run(&format!("{CALL} --profile third"))), "deploy-by-ELSEWHERE");
    let run = machine.run(&format!("{CALL} --profile fourth")).ends_with(1).says_nothing();
    run.complains("error: profile fourth does not exist in the AWS config files\n");
}

/// A program that says `output` after `seconds`, and ends with `code`.
fn process(machine: &Machine, seconds: u32, output: &str, code: u8) {
    let script = machine.home().join("process.sh");
    fs::write(&script, format!("#!/bin/sh\necho why >&2\nsleep {seconds}\necho '{output}'\nexit {code}\n"))
        .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("[default]\ncredential_process = {}\n", script.display());
    fs::write(machine.home().join(".aws/config"), config).unwrap();
}

#[test]
fn a_slow_process_is_waited_for() {
    let aws = aws();
    let machine = machine(&aws, "", "");
    // The SDK alone gives up after five seconds.
    process(&machine, 6, r#"{"Version":1,"AccessKeyId":"PROCESS","SecretAccessKey":"s"}"#, 0);
    assert_eq!(signer(&aws, machine.run(CALL)), "PROCESS");
}

#[test]
fn a_process_that_fails_says_why() {
    let aws = aws();
    let machine = machine(&aws, "", "");
    process(&machine, 0, "HUSH", 3);
    let run = machine.run(CALL).ends_with(1).says_nothing();
    let run = run.complains("the AWS credentials could not be loaded: ").complains("why");
    assert!(!run.stderr.contains("HUSH"), "{run}");
    process(&machine, 0, "HUSH", 0);
    let run =
        machine.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");
    assert!(!run.stderr.contains("HUSH"), "{run}");
}

#[test]
fn containers_and_instances_are_asked() {
    let aws = aws();
    let container = machine(&aws, "", "")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/container", aws.url))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container");
    assert_eq!(signer(&aws, container.run(CALL)), "CONTAINER");
    let token = container.home().join("token");
    fs::write(&token, "Bearer container").unwrap();
    let pod = machine(&aws, "", "")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/container", aws.url))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap());
    assert_eq!(signer(&aws, pod.run(CALL)), "CONTAINER");
    let instance = machine(&aws, "", "")
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url);
    assert_eq!(signer(&aws, instance.run(CALL)), "IMDS");
}

#[test]
fn a_profile_without_keys_leaves_it_to_the_container() {
    let aws = aws();
    let bare = with_keys(machine(&aws, "[profile dev]\nregion = ap-south-1\n", ""));
    let run = bare.run(&format!("{CALL} --profile dev")).ends_with(1).says_nothing();
    run.complains("profile dev has no credentials, and no container or instance gives any\n")
        .complains("help: set AWS_PROFILE or pass `--profile`");
    let token = bare.home().join("token");
    fs::write(&token, "a.b.c").unwrap();
    let container = bare
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/container", aws.url))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container")
        // The AWS CLI passes over it for a profile, as over keys.
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap());
    aws.seen();
    assert_eq!(signer(&aws, container.run(&format!("{CALL} --profile dev"))), "CONTAINER");
}

#[test]
fn what_is_missing_is_named() {
    let aws = aws();
    let config = "[profile sso]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = deploy\n\
                  [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n\
                  [profile old]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n\
                  sso_account_id = 123456789012\nsso_role_name = deploy\n\
                  [profile environment]\nrole_arn = a:b/deploy\ncredential_source = Environment\n\
                  [profile web]\nrole_arn = a:b/web\nweb_identity_token_file = /nowhere/web\n\
                  [profile over]\nrole_arn = a:b/over\nsource_profile = sso\n";
    let machine = machine(&aws, config, "");
    for (profile, named) in [
        ("sso", "sign in with `aws sso login --profile sso`\n"),
        ("old", "sign in with `aws sso login --profile old`\n"),
        ("over", "sign in with `aws sso login --profile sso`\n"),
        ("environment", "where AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is missing\n"),
        ("web", "the web identity token /nowhere/web: No such file or directory (os error 2)\n"),
    ] {
        let run = machine.run(&format!("{CALL} --profile {profile}")).ends_with(1).says_nothing();
        let run = run.complains(named);
        assert!(!named.contains("sso") || !run.stderr.contains("`aws sso login`"), "whose session? {run}");
    }
    let run = machine
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")
        .run(CALL)
        .ends_with(1);
    let _ = run.complains("the web identity token /nowhere/token: No such file or directory (os error 2)\n");
}

#[test]
fn single_sign_on_is_read_and_its_end_is_told() {
    let aws = aws();
    let config = "[default]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = deploy\n\
                  [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n";
    let machine = machine(&aws, config, "");
    let cache = machine.home().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    // SHA-1 of `work`, as `aws sso login` writes it.
    let file = cache.join("e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json");
    let token = |expires: &str| {
        let token = format!(
            r#"{{"accessToken":"a","expiresAt":"{expires}","region":"eu-west-1","startUrl":"https://example.awsapps.com/start"}}"#
        );
        fs::write(&file, token).unwrap();
    };
    token("2100-01-01T00:00:00Z");
    assert_eq!(signer(&aws, machine.run(CALL)), "SSO");
    token("2020-01-01T00:00:00Z");
    let run = machine.run(CALL).ends_with(1).says_nothing();
    run.complains("the AWS credentials could not be loaded: ").complains("`aws sso login --profile default`");
}

#[test]
fn nobody_who_could_be_asked_is_a_quick_error() {
    let start = Instant::now();
    // Instance metadata that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let machine = Machine::new()
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    machine.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn what_panics_in_the_sdk_does_not_here() {
    let aws = aws();
    let config = "[default]\nretry_mode = legacy\nmax_attempts = 0\n[profile role]\nretry_mode = legacy\n\
                  source_profile = default\nrole_arn = a:b/deploy\n";
    let machine = with_keys(machine(&aws, config, PROFILES));
    assert_eq!(signer(&aws, machine.run(CALL)), "ENVIRONMENT");
    assert_eq!(signer(&aws, machine.run(&format!("{CALL} --profile role"))), "deploy-by-DEFAULT");
    for (name, value) in
        [("AWS_RETRY_MODE", "legacy"), ("AWS_RETRY_MODE", "nonsense"), ("AWS_MAX_ATTEMPTS", "0")]
    {
        let machine = with_keys(super::machine(&aws, config, PROFILES)).set(name, value);
        assert_eq!(signer(&aws, machine.run(CALL)), "ENVIRONMENT", "{name}={value}");
    }
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let aws = aws();
    let config = "[default]\nendpoint_url =\n";
    for (name, value) in [
        ("AWS_ENDPOINT_URL_CODEDEPLOY", ""),
        ("AWS_PROFILE", ""),
        ("AWS_REGION", ""),
        ("AWS_SESSION_TOKEN", ""),
        ("CDCTL_OUTPUT", ""),
        ("CDCTL_YES", ""),
    ] {
        let machine = with_keys(machine(&aws, config, "")).set("AWS_DEFAULT_REGION", "us-east-1");
        assert_eq!(signer(&aws, machine.set(name, value).run(CALL)), "ENVIRONMENT", "{name}");
    }
    // What is left names no endpoint at all: that is AWS's own, which is not to be reached.
    let machine =
        with_keys(machine(&aws, config, "")).set("AWS_ENDPOINT_URL", "").set("AWS_MAX_ATTEMPTS", "1");
    machine.run(CALL).ends_with(1).complains("error: cannot call ListApplications\n");
    assert!(aws.seen().is_empty());
}

#[test]
fn keys_and_regions_that_no_request_can_carry_are_named() {
    let aws = aws();
    for (name, value, why) in [
        ("AWS_ACCESS_KEY_ID", "ENVIRONMENT\r\nX: y", "the access key id has a character that no key has"),
        ("AWS_SESSION_TOKEN", "a\u{1}b", "the session token has a character that no key has"),
        ("AWS_REGION", "us-east-1\n", "`us-east-1\\n` is no region"),
        ("AWS_REGION", "us east 1", "`us east 1` is no region"),
    ] {
        let machine = with_keys(machine(&aws, "", "")).set(name, value);
        let _ = machine.run(CALL).ends_with(1).says_nothing().holds_no_escape().complains(why);
    }
    assert!(aws.seen().is_empty());
}
