//! What is wrong on the user's side: a clear error, the right exit code, nothing half done.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine};
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};

/// A directory whose AppSpec names a script that is not there.
fn broken_site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let appspec = "version: 0.0\nos: linux\nhooks:\n  ApplicationStart:\n    - location: scripts/none.sh\n";
    fs::write(folder.path().join("appspec.yml"), appspec).unwrap();
    folder
}

/// A fleet whose hosts never end their Install: a deployment on it is under way for as long as a test takes.
fn hanging() -> String {
    format!("{SIMULATED}faults: [{{hosts: {{tags: {{Role: web}}}}, event: Install, outcome: hang}}]\n")
}

#[test]
fn a_name_that_is_not_there_is_answered_with_the_nearest() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    let no_application = "  ApplicationDoesNotExistException: No application found for name: shpo (request …)\n  \
                          help: did you mean application `shop`?\n";
    let no_group = "  DeploymentGroupDoesNotExistException: No Deployment Group found for name: prdo (request …)\n  \
                    help: did you mean deployment group `prod`?\n";
    let no_config = "  DeploymentConfigDoesNotExistException: No deployment configuration found for name: \
                     CodeDeployDefault.OneAtATim (request …)\n  \
                     help: did you mean deployment configuration `CodeDeployDefault.OneAtATime`?\n";
    let no_deployment = "  DeploymentDoesNotExistException: The deployment d-AAAAAAAAA could not be found (request …)\n  \
         help: see `cdctl deploy list`, and whether the region is the right one\n";
    let revision = "--revision s3://releases/site-1.zip";
    let create = format!("--service-role {ROLE} --ec2-tag Role=web");
    for (line, what, why) in [
        ("deploy list shpo/prod".to_owned(), "list the deployments of shpo/prod", no_application),
        ("deploy list shop/prdo".to_owned(), "list the deployments of shop/prdo", no_group),
        ("deploy show shop/prdo".to_owned(), "find deployments of shop/prdo", no_group),
        ("deploy watch shop/prdo".to_owned(), "find deployments of shop/prdo", no_group),
        ("deploy targets shop/prdo".to_owned(), "find deployments of shop/prdo", no_group),
        ("deploy stop shop/prdo --yes".to_owned(), "find deployments of shop/prdo", no_group),
        (format!("deploy create shpo/prod {revision}"), "deploy to shpo/prod", no_application),
        (format!("deploy create shop/prdo {revision}"), "deploy to shop/prdo", no_group),
        (format!("deploy create shop/prdo {revision} --dry-run"), "deploy to shop/prdo", no_group),
        (
            format!("deploy create shop/prod {revision} --config CodeDeployDefault.OneAtATim"),
            "deploy to shop/prod",
            no_config,
        ),
        (
            format!("group create shop/test {create} --config CodeDeployDefault.OneAtATim"),
            "create deployment group shop/test",
            no_config,
        ),
        (format!("group create shpo/test {create}"), "create deployment group shpo/test", no_application),
        ("deploy show d-AAAAAAAAA".to_owned(), "show deployment d-AAAAAAAAA", no_deployment),
        ("deploy watch d-AAAAAAAAA".to_owned(), "watch deployment d-AAAAAAAAA", no_deployment),
        ("deploy targets d-AAAAAAAAA".to_owned(), "list the targets of d-AAAAAAAAA", no_deployment),
        ("deploy stop d-AAAAAAAAA --yes".to_owned(), "stop deployment d-AAAAAAAAA", no_deployment),
    ] {
        let run = machine.run(&line).ends_with(1).says_nothing();
        run.complains_only(&format!("error: cannot {what}\n{why}"));
    }
    for line in ["deploy show shop/prod", "deploy watch shop/prod"] {
        machine.run(line).ends_with(1).says_nothing().complains_only(
            "error: deployment group shop/prod has no deployment yet\n  \
             help: `cdctl deploy create --help` shows how to make one\n",
        );
    }
    // Nothing to list is no error.
    machine.run("deploy list shop/prod").ends_with(0).says_nothing().complains_only("no deployments\n");

    let state = sandbox.end();
    assert_eq!(state["deployments"].as_object().unwrap().len(), 0);
    assert_eq!(state["applications"]["shop"]["groups"].as_object().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_deployed_is_not_uploaded() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    let broken = broken_site();
    let broken = broken.path().to_str().unwrap();
    let to = "s3://releases/site-1.zip --app";
    let site = "examples/site";
    let config = "--config CodeDeployDefault.OneAtATim";
    for (line, code, complaint) in [
        (
            format!("revision push {broken} {to} shop"),
            10,
            "error[A037]: `scripts/none.sh` is not in the bundle",
        ),
        (format!("revision push {broken} {to} shop"), 10, "appspec.yml: 1 error; nothing was bundled\n"),
        (format!("deploy create shop/prod --push {broken} --bucket releases --watch"), 10, "error[A037]"),
        (format!("deploy create shop/prod --push {broken} --bucket releases --dry-run"), 10, "error[A037]"),
        (
            format!("revision push nowhere {to} shop"),
            1,
            "error: cannot read nowhere: No such file or directory",
        ),
        (
            format!("revision push Cargo.toml {to} shop"),
            1,
            "error: Cargo.toml is neither a directory nor a bundle",
        ),
        (format!("revision push src {to} shop"), 10, "error[A060]: src has no appspec.yml"),
        (format!("revision push {site} {to} shpo"), 1, "help: did you mean application `shop`?"),
        (format!("deploy create shop/prdo --push {site} --bucket releases"), 1, "group `prod`?"),
        (
            format!("deploy create shop/prod --push {site} --bucket releases {config}"),
            1,
            "help: did you mean deployment configuration `CodeDeployDefault.OneAtATime`?",
        ),
        (
            format!("deploy create shop/prod --push {site}"),
            2,
            "help: pass --bucket BUCKET or set CDCTL_BUCKET",
        ),
        (
            format!("revision push {site} s3://relaeses/site-1.zip --app shop"),
            1,
            "NoSuchBucket: The specified bucket does not exist (request",
        ),
        (
            format!("deploy create shop/prod --push {site} --bucket relaeses --watch"),
            1,
            "help: did you mean bucket `releases`?",
        ),
        (
            format!("revision push {site} s3://elsewhere/site-1.zip --app shop"),
            1,
            "help: make the bucket first; the tool creates none",
        ),
    ] {
        machine.run(&line).ends_with(code).says_nothing().holds_no_escape().complains(complaint);
    }
    let run = machine.run(&format!("deploy create shop/prod --push {site}")).ends_with(2);
    run.complains_only("error: --push needs a bucket\n  help: pass --bucket BUCKET or set CDCTL_BUCKET\n");
    assert_eq!(sandbox.objects(), 0);
    let state = sandbox.end();
    assert_eq!(state["deployments"].as_object().unwrap().len(), 0);
    assert_eq!(state["applications"]["shop"]["revisions"].as_array().unwrap().len(), 0);
}

#[test]
fn a_bundle_that_is_not_there_is_not_deployed() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    for flags in ["--watch", "--dry-run", "--if-active stop"] {
        machine
            .run(&format!("deploy create shop/prod --revision s3://releases/none.zip {flags}"))
            .ends_with(1)
            .says_nothing()
            .complains_only(
                "error: there is no bundle at s3://releases/none.zip; nothing was deployed\n  \
                 help: push one with `cdctl revision push PATH s3://releases/none.zip --app shop`\n",
            );
    }
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    for (place, near) in
        [("relases/site-1.zip", "bucket `releases`?"), ("releases/sit-1.zip", "`s3://releases/site-1.zip`?")]
    {
        let run = machine.run(&format!("deploy create shop/prod --revision s3://{place}")).ends_with(1);
        run.complains(&format!("help: did you mean {near}\n"));
    }
    assert_eq!(sandbox.end()["deployments"].as_object().unwrap().len(), 0);
}

#[test]
fn a_bundle_that_hosts_do_not_find_fails_the_deployment() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    // Who has an endpoint for CodeDeploy alone cannot look for the bundle.
    let blind = Machine::new()
        .set("AWS_ENDPOINT_URL_CODEDEPLOY", &sandbox.url())
        .set("AWS_REGION", "us-east-1")
        .set("AWS_ACCESS_KEY_ID", "sandbox")
        .set("AWS_SECRET_ACCESS_KEY", "sandbox");
    let run = blind.run("deploy create shop/prod --revision s3://releases/none.zip").ends_with(0);
    let run = machine.run(&format!("deploy watch {}", run.stdout.trim())).ends_with(3).says_nothing();
    run.complains("✗ FAILED  d-")
        .complains("  1  ")
        .complains("x  DownloadBundle  UnknownError  first ")
        .complains("     NoSuchKey: The specified key does not exist.\n")
        .holds_no_escape();
}

#[test]
fn nothing_is_stopped_for_what_cannot_follow() {
    let sandbox = Sandbox::start(&hanging(), 1);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    machine.run("deploy create shop/prod --revision s3://releases/site-1.zip").ends_with(0);
    for what in [
        "--revision s3://releases/none.zip",
        "--revision appspec:nowhere.yml",
        "--revision s3://releases/site-1.zip --config CodeDeployDefault.OneAtATim",
    ] {
        let run = machine.run(&format!("deploy create shop/prod {what} --if-active stop")).ends_with(1);
        assert!(!run.stderr.contains("stopping"), "{run}");
    }
    let deployments = sandbox.end()["deployments"].take();
    let [deployment] = deployments.as_object().unwrap().values().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(deployment["stop_requested"], Value::Null, "{deployment}");
}

#[test]
fn names_and_revisions_are_checked_before_anything_is_called() {
    // No region, no credentials: whoever calls something fails with 1.
    let machine = Machine::new();
    for (line, complaint) in [
        ("deploy create shop/prod --revision nonsense", "`nonsense` is no revision"),
        ("deploy create shop/prod --revision s3://releases", "`s3://releases` names no object"),
        (
            "deploy create shop/prod --revision s3://releases/site",
            "the key's ending does not tell the bundle type",
        ),
        ("deploy create shop/prod --revision github:a/b@main", "`main` is no commit"),
        (
            "deploy create shop --revision last-good",
            "a deployment group is written APP/GROUP, as in shop/prod",
        ),
        (
            "deploy create shop/ --revision last-good",
            "a deployment group is written APP/GROUP, as in shop/prod",
        ),
        ("deploy create shop/prod", "nothing is named to deploy: pass --revision,"),
        ("deploy create shop/prod --push . --revision last-good", "cannot be used with"),
        ("deploy create shop/prod --revision last-good --watch --dry-run", "cannot be used with"),
        (
            "deploy create shop/prod --revision last-good --auto-rollback off,stop",
            "either off or a list of endings",
        ),
        ("deploy watch 7F3K2QX9A", "a deployment is written d-XXXXXXXXX, or APP/GROUP"),
        ("deploy watch a/b/c", "a deployment group is written APP/GROUP"),
        ("deploy watch d-7F3K2QX9A --timeout soon", "a duration is written 90s, 1m30s or 2h"),
        ("deploy targets d-7F3K2QX9A --status broken", "[possible values: Pending, InProgress,"),
        ("deploy stop d-7F3K2QX9A --rollback --no-rollback", "cannot be used with"),
        ("group create shop/prod --ec2-tag = --service-role x", "a tag is written KEY=VALUE, KEY for any"),
        (
            "revision push examples/site releases/site.zip --app shop",
            "`releases/site.zip` is no object of S3\n  help: write s3://BUCKET/KEY",
        ),
        (
            "revision push examples/site github:a/b@0123456789012345678901234567890123456789 --app shop",
            "a revision is pushed to an object of S3",
        ),
        ("revision push examples/site last-good --app shop", "`last-good` is no object of S3"),
        ("deploy create shop/prod --revision last-good --wave-size 2", "--regions <REGION,…>"),
        ("deploy create shop/prod --revision last-good --watch --regions= ", "it names no region"),
        ("deploy create shop/prod --revision last-good --watch --regions eu-west-1,", "it names no region"),
        (
            "deploy create shop/prod --revision last-good --watch --regions eu-west-1 --wave-size 99999999999999999999",
            "number too large",
        ),
        (
            "deploy list --hlp",
            "tip: a similar argument exists: '--help'\n\nUsage: cdctl deploy list [OPTIONS] [APP/GROUP]\n",
        ),
        (
            "deploy logs d-1 --bogus",
            "unexpected argument '--bogus' found\n\nUsage: cdctl deploy logs [OPTIONS]",
        ),
        ("deploy logs d-1 --follow --query a", "--follow writes lines for people"),
        ("completions", "Usage: cdctl completions <SHELL>"),
        ("deploy wathc shop/prod", "tip: some similar subcommands exist: 'wait', 'watch'"),
        ("deploy", "Usage: cdctl deploy"),
        ("", "Usage: cdctl"),
        (
            "--endpoint-url 127.0.0.1:9 --region eu-west-1 app create shop",
            "the endpoint `127.0.0.1:9` is not a URL",
        ),
    ] {
        machine.run(line).ends_with(2).says_nothing().holds_no_escape().complains(complaint);
    }
}

#[test]
fn a_busy_group_is_refused_waited_for_or_stopped() {
    // Hosts that hang keep the first deployment under way for as long as it takes.
    let sandbox = Sandbox::start(&hanging(), 1);
    let machine = sandbox.with_group();
    let push = "revision push examples/site s3://releases/site-1.zip --app shop";
    machine.run(push).ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/site-1.zip";
    let first = machine.run(create).ends_with(0).stdout.trim().to_owned();

    let refused = machine.run(create).ends_with(1).says_nothing();
    refused
        .complains(&format!("error: deployment group shop/prod already has an active deployment, {first} ("))
        .complains(&format!(
            "  help: watch it with `cdctl deploy watch {first}`, or pass --if-active wait|stop\n"
        ));
    let pushed = machine.run("deploy create shop/prod --push examples/site --bucket releases").ends_with(1);
    pushed.says_nothing().complains("already has an active deployment");
    assert_eq!(sandbox.objects(), 1, "nothing is uploaded for a group that is busy");

    let waiting = machine.run(&format!("{create} --if-active wait --timeout 1s")).ends_with(7).says_nothing();
    waiting.complains(&format!("waiting for deployment {first} to end\n")).complains(&format!(
        "error: deployment {first} did not end while it was waited for; nothing was deployed\n"
    ));

    let stopping = machine.run(&format!("{create} --if-active stop")).ends_with(0);
    assert_ne!(stopping.stdout.trim(), first);
    stopping.complains(&format!("stopping deployment {first}\n"));
    machine.run(&format!("deploy watch {first}")).ends_with(4).complains("STOPPED");
}

#[test]
fn of_two_at_once_one_is_refused() {
    let sandbox = Sandbox::start(&hanging(), 1);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let create = || machine.run("deploy create shop/prod --revision s3://releases/site-1.zip");
    let runs = thread::scope(|scope| {
        let threads = [scope.spawn(create), scope.spawn(create), scope.spawn(create)];
        threads.map(|thread| thread.join().unwrap())
    });
    let made: Vec<_> = runs.iter().filter(|run| run.code == 0).collect();
    assert_eq!(made.len(), 1, "{runs:?}");
    let id = made[0].stdout.trim();
    for run in runs.iter().filter(|run| run.code != 0) {
        run.clone().ends_with(1).says_nothing().complains(&format!(
            "error: deployment group shop/prod already has an active deployment, {id} ("
        ));
    }
    assert_eq!(sandbox.end()["deployments"].as_object().unwrap().len(), 1);
}

#[test]
fn an_error_is_one_json_object_where_a_machine_reads() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let error = |machine: Machine, line: &str, code| {
        let run = machine.run(line).ends_with(code).says_nothing();
        assert_eq!(run.stderr.lines().count(), 1, "{run}");
        let mut error: Value = serde_json::from_str(&run.stderr).unwrap();
        assert_eq!(error.as_object().unwrap().len(), 1, "{run}");
        assert_eq!(error["error"]["exit"], code, "{run}");
        error["error"].take()
    };
    for format in ["json", "ndjson"] {
        let service = error(sandbox.machine(), &format!("deploy list shop/prod -o {format}"), 1);
        assert_eq!(service["message"], "cannot list the deployments of shop/prod");
        assert_eq!(service["code"], "ApplicationDoesNotExistException");
        assert_eq!(service["requestId"].as_str().unwrap().len(), 36);
        let ours = error(Machine::new(), &format!("app create shop -o {format}"), 1);
        assert_eq!((&ours["message"], &ours["code"]), (&"no AWS region is set".into(), &Value::Null));
    }
}

#[test]
fn what_is_missing_on_this_machine_is_told_and_nobody_is_asked() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    let machine = || Machine::new().set("HTTPS_PROXY", &url).set("HTTP_PROXY", &url);
    machine().run("app create shop").ends_with(1).says_nothing().complains_only(
        "error: no AWS region is set\n  \
         help: pass `--region REGION`, set AWS_REGION, or put `region = …` into your profile in ~/.aws/config\n",
    );
    let run = machine().run("app create shop --region eu-west-1").ends_with(1).says_nothing();
    run.complains("error: cannot create application shop\n")
        .complains(
            "\n  CreateApplication: the AWS credentials could not be loaded: no credentials are in the \
             environment or in profile default, and no container or instance gives any\n  help: set AWS_PROFILE or pass `--profile`, \
             sign in with `aws sso login`",
        )
        .complains("without an account, try `cdctl demo`\n");
    // Who was asked is for those who look closer.
    let run = Machine::new().run("app create shop --region eu-west-1 --verbose").ends_with(1).says_nothing();
    run.complains("credentials: Environment: ").complains("credentials: EcsContainer: ");

    let machine = machine();
    fs::create_dir(machine.home().join(".aws")).unwrap();
    fs::write(machine.home().join(".aws/config"), "[profile staging]\nregion = eu-west-1\n").unwrap();
    let missing = |machine: &Machine, line: &str| {
        machine.run(line).ends_with(1).says_nothing().complains_only(
            "error: profile stagign does not exist in the AWS config files\n  help: did you mean `staging`?\n",
        );
    };
    missing(&machine, "app create shop --profile stagign");
    let machine = machine.set("AWS_PROFILE", "stagign");
    missing(&machine, "app create shop");
    nobody.set_nonblocking(true).unwrap();
    assert_eq!(nobody.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    for line in ["deploy list shop/prod -o json", "revision validate examples/site -o json", "--help"] {
        let mut command = machine.command(CDCTL);
        let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        assert_eq!(output.stderr, b"", "{line}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    for line in
        ["deploy list shop/prod -o json", "revision validate examples/site -o json", "--version", "--help"]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = machine.command(CDCTL).args(line.split(' ')).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("No space left on device"), "{line}: {stderr}");
    }
}

#[test]
fn a_watch_goes_on_where_nobody_reads_its_log() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/site-1.zip --watch";
    let mut child = machine.command(CDCTL);
    let child = child.args(create.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    drop(child.stderr.take());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait().unwrap()));
    assert_eq!(end.recv_timeout(Duration::from_secs(60)).unwrap().code(), Some(0));
}

#[test]
fn what_is_known_is_said_though_no_name_is_suggested() {
    let shop = crate::verbs::Shop::empty();
    shop.run("app create shop").ends_with(0);
    shop.run("sandbox fault add stall --operation ListApplications").ends_with(0);
    // A call that stalls has an hour here: whoever waits for it is never done.
    let run = shop.run("app show sho --read-timeout 3600").ends_with(1).says_nothing();
    run.clone().complains("ApplicationDoesNotExistException");
    assert!(!run.stderr.contains("did you mean"), "{run}");
}
