//! The verbs of `deploy` that follow, undo and repeat, through the binary against a sandbox.

use serde_json::Value;

use crate::support::cdctl::{Machine, Run};
use crate::support::sandbox::{SIMULATED, Sandbox};

/// Two of four hosts fail.
const HALF_FAILS: &str = "
buckets: [{name: releases, versioning: true}]
generate: [{count: 4, zones: [a, b], tags: {Role: web}}]
faults:
  - hosts: {zone: b}
    event: ApplicationStart
    outcome: {fail: {script: scripts/start.sh, exit_code: 3, log: port 80 is taken}}
";

fn push(machine: &Machine, object: &str) {
    machine.run(&format!("revision push examples/site s3://releases/{object} --app shop")).ends_with(0);
}

/// Creates a deployment of an object and gives its id.
fn deploy(machine: &Machine, object: &str, more: &str) -> String {
    let run = machine.run(&format!("deploy create shop/prod --revision s3://releases/{object} {more}"));
    run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
}

fn shown(machine: &Machine, id: &str) -> Value {
    let run = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
    serde_json::from_str::<Value>(&run.stdout).unwrap()["deploymentInfo"].take()
}

fn last(run: &Run) -> Value {
    serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn a_wait_is_silent_and_ends_as_the_worst() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let failed = deploy(&machine, "a.zip", "");
    machine.run(&format!("deploy wait {failed}")).ends_with(3).says_nothing().complains_only("");
    let good = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    machine.run(&format!("deploy wait {good}")).ends_with(0);
    machine.run(&format!("deploy wait {good} --require-all")).ends_with(3);
    let record = machine.home().join("good.ndjson").display().to_string();
    machine.run(&format!("deploy watch {good} --record {record}")).ends_with(0);
    machine.run(&format!("deploy watch --replay {record}")).ends_with(0);
    let strict = machine.run(&format!("deploy watch --replay {record} --require-all -o ndjson")).ends_with(3);
    assert_eq!(last(&strict)["exit"], 3, "the result says it, too");
    machine.run(&format!("deploy wait {good} {failed}")).ends_with(3);
    let run = machine.run(&format!("deploy watch {good} {failed} -o ndjson")).ends_with(3);
    let results = run.stdout.lines().filter(|line| line.contains(r#""type":"result""#));
    assert_eq!(results.count(), 2, "each has its own");
    machine.run("deploy wait d-NOSUCHONE").ends_with(1).complains("DeploymentDoesNotExistException");
}

#[test]
fn sre_12_points_are_checked_before_anything_is_created() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch";
    machine
        .run(&format!("{create} --until event:Instal"))
        .ends_with(2)
        .complains("did you mean event:Install?");
    let run = machine.run("deploy list shop/prod").ends_with(0);
    assert!(!run.stdout.contains("d-"), "{run}");
    let run = machine.run(&format!("{create} --until event:Install -o ndjson")).ends_with(0);
    assert!(["reached", "succeeded"].contains(&last(&run)["outcome"].as_str().unwrap()), "{run}");
}

#[test]
fn logs_show_events_and_the_tails_of_what_failed() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let id = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    let run = machine.run(&format!("deploy logs {id} --follow")).ends_with(0);
    assert_eq!(run.stdout.matches("ValidateService").count(), 2, "{run}");
    let run = machine.run(&format!("deploy logs {id} --failed")).ends_with(0);
    assert!(!run.stdout.contains("\u{1b}"), "{run}");
    assert_eq!(run.stdout.matches("[stderr]port 80 is taken").count(), 2, "{run}");
    let target = run.stdout.split_whitespace().next().unwrap().to_owned();
    let run = machine.run(&format!("deploy logs {id} {target} -o json")).ends_with(0);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["deploymentTargets"][0]["instanceTarget"]["status"], "Failed");
}

#[test]
fn nothing_is_made_whose_watch_could_not_begin() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    deploy(&machine, "a.zip", "--watch");
    let before = machine.run("deploy list shop/prod").ends_with(0).stdout;
    let all = machine.run("deploy list -o text").ends_with(0).stdout;
    assert_eq!(all.lines().next().unwrap().split('\t').nth(1), Some("shop/prod"), "{all}");
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch";
    let push = "deploy create shop/prod --push examples/site --bucket s3://releases/ --dry-run";
    machine.run(push).ends_with(0).says("s3://releases/shop/");
    machine.run("deploy create shop/prod --push . --bucket s3://releases/x").ends_with(2).complains("alone");
    machine.run("sandbox fault clear 99").ends_with(1).complains("there is no fault 99");
    let nowhere = machine.home().join("nowhere/file").display().to_string();
    for line in
        [create, "deploy retry shop/prod --watch", "deploy rollback shop/prod --to s3://releases/a.zip --yes"]
    {
        for (flag, what) in [("--junit", "JUnit file"), ("--record", "recording")] {
            let run = machine.run(&format!("{line} {flag} {nowhere}")).ends_with(1).says_nothing();
            run.complains(&format!("cannot write the {what} {nowhere}")).complains("No such file");
        }
        machine.run(&format!("{line} --keys")).ends_with(2).complains("--keys needs a live view");
    }
    machine
        .run(&format!("{create} --junit {}", machine.home().display()))
        .ends_with(1)
        .complains("is a directory");
    let job = Machine::new().against(&sandbox.url()).set("GITHUB_STEP_SUMMARY", &nowhere);
    job.run(&format!("{create} --ci github")).ends_with(1).complains("cannot write the step summary");
    assert_eq!(machine.run("deploy list shop/prod").ends_with(0).stdout, before);
}

#[test]
fn following_logs_outlasts_an_api_that_is_gone() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group().set("AWS_MAX_ATTEMPTS", "1");
    push(&machine, "a.zip");
    let id = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    machine.run(&format!("deploy wait {id}")).ends_with(0);
    let follow = || machine.run(&format!("deploy logs {id} --follow --interval 20ms")).ends_with(0);
    let undisturbed = follow().says("[stderr]port 80 is taken");
    for fault in
        ["error --operation GetDeployment --times 3", "reset --operation BatchGetDeploymentTargets --times 1"]
    {
        machine.run(&format!("sandbox fault add {fault}")).ends_with(0);
    }
    let run = follow();
    assert_eq!(run.stdout, undisturbed.stdout, "{run}");
    assert_eq!(run.stderr.matches("; trying again").count(), 1, "{run}");
    assert_eq!(run.stderr.matches("reached again").count(), 1, "{run}");
    let faults = machine.run("sandbox fault list").ends_with(0);
    assert!(!faults.stdout.contains("Deployment"), "they have struck: {faults}");
}

#[test]
fn sre_06_pipe_purity_on_every_path() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let failed = deploy(&machine, "a.zip", "");
    machine.run(&format!("deploy wait {failed}")).ends_with(3);
    let good = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    machine.run(&format!("deploy wait {good}")).ends_with(0);
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    let hangs = deploy(&machine, "a.zip", "");
    let timed_out = format!("{hangs} --timeout 1s");
    for (watched, code, outcome) in
        [(&good, 0, "succeeded_with_failures"), (&failed, 3, "failed"), (&timed_out, 7, "timed_out")]
    {
        let run = machine.run(&format!("deploy watch {watched} -o ndjson")).ends_with(code).holds_no_escape();
        let mut lines = run.stdout.lines().map(serde_json::from_str::<Value>);
        assert_eq!(lines.next_back().unwrap().unwrap()["outcome"], outcome, "{run}");
        assert!(run.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{run}");
        // The log alone is stderr's; stdout stays empty whatever becomes of it.
        machine.run(&format!("deploy watch {watched}")).ends_with(code).holds_no_escape().says_nothing();
    }
    machine.run("deploy watch d-NOSUCHONE -o ndjson").ends_with(1).says_nothing();
    let shell = |script: String| {
        let run: Run = machine.command("sh").args(["-c", &script]).output().unwrap().into();
        run.ends_with(0)
    };
    // What nobody reads to its end tells the reader no lie, and ends as what is not known.
    let run = shell(format!("{{ cdctl deploy watch {hangs} -o ndjson; echo $? >&2; }} | head -1"));
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, "9\n"), "{run}");
    let run = shell(format!("{{ cdctl deploy watch {failed} -q -o json; echo $? >&2; }} | true"));
    assert_eq!(run.stderr, "3\n", "{run}");
    for (format, told) in [("json", "\"exit\":3"), ("text", "error: ")] {
        let run =
            shell(format!("cdctl deploy watch {failed} -q -o {format} > /dev/full || echo exit $? >&2"));
        let run = run.complains(told).complains("exit 3\n");
        assert_eq!(run.stderr.starts_with('{'), format == "json", "{run}");
    }
    let kept = machine.home().join("kept");
    let run = shell(format!("cdctl deploy watch {good} -o ndjson > {} 2>/dev/null", kept.display()));
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.lines().count() > 3 && kept.lines().all(|line| line.starts_with(r#"{"v":1,"#)), "{kept}");
    shell(format!("cdctl deploy watch {good} 2>&1 | cat")).holds_no_escape().says("SUCCEEDED with 2 of 4");
    shell(format!("cdctl deploy watch {good} 2>&- >&-")).says_nothing();
}

#[test]
fn sre_14_rollback_goes_to_the_last_good_revision() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    for object in ["a.zip", "b.zip"] {
        push(&machine, object);
        let id = deploy(&machine, object, "");
        machine.run(&format!("deploy wait {id}")).ends_with(0);
    }
    let run =
        machine.run("deploy rollback shop/prod --dry-run").ends_with(0).complains("nothing was changed");
    let _ = run.says("s3://releases/b.zip").says("s3://releases/a.zip");
    machine.run("deploy rollback shop/prod").ends_with(2).complains("--yes");
    let run = machine.run("deploy rollback shop/prod --yes").ends_with(0).complains("undo with");
    let rollback = run.stdout.lines().next().unwrap();
    assert_eq!(shown(&machine, rollback)["revision"]["s3Location"]["key"], "a.zip");

    // Good is what succeeded in this group: neither what was stopped, nor what failed, nor what rolled that back.
    push(&machine, "c.zip");
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    let stopped = deploy(&machine, "c.zip", "");
    machine.run(&format!("deploy stop {stopped} --yes")).ends_with(0);
    machine.run("sandbox fault clear").ends_with(0);
    machine.run("sandbox fault add fail --event Install --times 4").ends_with(0);
    machine.run(&format!("deploy watch {stopped}")).ends_with(4);
    let failed = deploy(&machine, "c.zip", "--auto-rollback failure");
    // Its own automatic rollback is followed, and so is the failure of that.
    machine.run(&format!("deploy watch {failed}")).ends_with(6);
    let run = machine.run("deploy rollback shop/prod --dry-run").ends_with(0).says("s3://releases/a.zip");
    assert!(!run.stdout.contains("c.zip -> c.zip"), "{run}");
    // What is not there any more is found out before anything is made.
    let before = machine.run("deploy list shop/prod -o text").ends_with(0).stdout.lines().count();
    let gone = machine.run("deploy rollback shop/prod --to s3://releases/gone.zip --yes").ends_with(1);
    let _ = gone.complains("gone.zip");
    let after = machine.run("deploy list shop/prod -o text").ends_with(0).stdout.lines().count();
    assert_eq!(after, before, "nothing was deployed");
}

#[test]
fn a_running_deployment_is_stopped_and_rolled_back_once() {
    for (automatic, creator) in [("", "user"), ("--auto-rollback stop", "codeDeployRollback")] {
        let sandbox = Sandbox::start(SIMULATED, 60);
        let machine = sandbox.with_group();
        for object in ["a.zip", "b.zip"] {
            push(&machine, object);
        }
        let good = deploy(&machine, "a.zip", "");
        machine.run(&format!("deploy wait {good}")).ends_with(0);
        let bad = deploy(&machine, "b.zip", automatic);
        let back = machine.run(&format!("deploy rollback {bad} --yes")).ends_with(0);
        assert_eq!(shown(&machine, &bad)["status"], "Stopped");
        let run = machine.run("deploy list shop/prod -o json");
        let list: Value = serde_json::from_str(&run.stdout).unwrap();
        let list = list["deploymentsInfo"].as_array().unwrap();
        assert_eq!(list.len(), 3, "one rollback, never two: {run}");
        assert_eq!(list[0]["creator"], creator);
        assert_eq!(back.stdout.lines().next(), list[0]["deploymentId"].as_str(), "{back}");
        let back = back.complains("undo with `cdctl deploy create shop/prod --revision s3://releases/b.zip");
        assert_eq!(list[0]["revision"]["s3Location"]["key"], "a.zip");
        // Asked again, the rollback that exists is watched.
        if creator == "codeDeployRollback" {
            let again =
                machine.run(&format!("deploy rollback {bad} --yes")).ends_with(0).complains("already");
            assert_eq!(again.stdout, back.stdout, "{again}");
            let bad = deploy(&machine, "b.zip", automatic);
            let run =
                machine.run(&format!("deploy rollback {bad} --yes --no-watch")).ends_with(0).says_nothing();
            let run =
                run.complains("undo with `cdctl deploy create shop/prod --revision s3://releases/b.zip");
            let _ = run.complains(&format!("see how it ends with `cdctl deploy watch {bad}`"));
        }
    }
}

#[test]
fn nothing_is_stopped_for_a_rollback_that_has_nowhere_to_go() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    let first = deploy(&machine, "a.zip", "--auto-rollback stop");
    for line in ["--dry-run", "--yes"] {
        let run = machine.run(&format!("deploy rollback {first} {line}")).ends_with(1);
        let _ = run.complains("has no earlier revision that succeeded");
    }
    assert_eq!(shown(&machine, &first)["status"], "InProgress");
}

#[test]
fn a_retry_deploys_the_same_and_a_comparison_tells_both_apart() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let first = deploy(&machine, "a.zip", "--config CodeDeployDefault.OneAtATime");
    machine.run(&format!("deploy wait {first}")).ends_with(3);
    let run = machine.run(&format!("deploy retry {first} --watch")).ends_with(3);
    let second = run.stdout.lines().next().unwrap();
    assert_eq!(shown(&machine, second)["deploymentConfigName"], "CodeDeployDefault.OneAtATime");
    let run = machine.run(&format!("deploy compare {first} {second}")).ends_with(0);
    assert!(run.stdout.contains("ApplicationStart") && run.stdout.contains("Slowest"), "{run}");
    let run = machine.run(&format!("deploy compare {first} {second} -o json")).ends_with(0);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(json["deployments"][1]["medianSeconds"]["Install"].is_number(), "{run}");
    machine.run(&format!("deploy continue {first}")).ends_with(1).complains("waits for nothing");
}

#[test]
fn the_next_deployment_is_waited_for() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    machine.run("deploy watch shop/prod --next --timeout 1s --interval 200ms").ends_with(7);
    machine.run("deploy watch d-1 --next").ends_with(2);
}

#[test]
fn a_recording_shows_the_same_again_through_any_reporter() {
    let sandbox = Sandbox::start(HALF_FAILS, 100);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let id = deploy(&machine, "a.zip", "");
    let file = machine.home().join("watch.ndjson").display().to_string();
    let live = machine.run(&format!("deploy watch {id} --record {file}")).ends_with(3);
    let again = machine.run(&format!("deploy watch --replay {file}")).ends_with(3);
    assert_eq!(again.stderr, live.stderr);
    let events = machine.run(&format!("deploy watch --replay {file} -o ndjson")).ends_with(3);
    assert_eq!(events.stdout, std::fs::read_to_string(&file).unwrap());
    let paced = machine.run(&format!("deploy watch --replay {file} --speed 1000")).ends_with(3);
    assert_eq!(paced.stderr, live.stderr);
    for more in [
        "--keys",
        "--record x",
        "--until ready",
        "--timeout 1m",
        "--on-interrupt stop",
        "--exit-on-ready",
        "--app x",
    ] {
        machine
            .run(&format!("deploy watch --replay {file} {more}"))
            .ends_with(2)
            .complains("cannot be used with");
    }
    std::fs::write(&file, "{}\n").unwrap();
    machine.run(&format!("deploy watch --replay {file}")).ends_with(1).complains("line 1");
    machine
        .run(&format!("deploy watch --replay {file} -o json"))
        .ends_with(2)
        .complains("--replay shows a recording and prints no data");
    machine.run("deploy watch").ends_with(2).complains("no deployment is named");
}

#[test]
fn what_the_group_has_is_deployed_once() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let create = "deploy create shop/prod --if-changed --config CodeDeployDefault.AllAtOnce -q";
    let named = format!("{create} --revision s3://releases/a.zip");
    let first = machine.run(&format!("{named} --watch -o ndjson")).ends_with(0);
    let first = last(&first)["deployment"].as_str().unwrap_or_else(|| panic!("{first}")).to_owned();
    for line in [named.clone(), format!("{named} --watch"), format!("{named} --dry-run")] {
        assert_eq!(machine.run(&line).ends_with(0).stdout.trim(), first, "{line}");
    }
    let _ = machine.run(&named.replace(" -q", "")).ends_with(0).complains("nothing to do\n");
    // The same content again is the same, another content under the same name is not.
    push(&machine, "a.zip");
    assert_eq!(machine.run(&named).ends_with(0).stdout.trim(), first);
    let other = machine.home().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let push_other = format!("revision push {} s3://releases/a.zip --app shop", other.display());
    machine.run(&push_other).ends_with(0);
    let second = machine.run(&format!("{named} --watch")).ends_with(0).stdout;
    assert!(second.lines().next().is_some_and(|id| id.trim() != first), "{second}");
    // A bundle of the same content is neither uploaded nor deployed.
    let pushed = format!("{create} --push examples/site --bucket releases");
    let third = machine.run(&format!("{pushed} --watch")).ends_with(0).stdout;
    let objects = sandbox.objects();
    assert_eq!(machine.run(&pushed).ends_with(0).stdout, third);
    assert_eq!(sandbox.objects(), objects);
    // A failure in between, or on one host, is reason enough.
    machine.run("sandbox fault add fail --event Install --times 4").ends_with(0);
    machine.run("deploy create shop/prod --revision s3://releases/a.zip --watch").ends_with(3);
    machine.run("sandbox fault clear").ends_with(0);
    assert_ne!(machine.run(&format!("{pushed} --watch")).ends_with(0).stdout, third);
    machine.run("deploy create shop/prod --mode restart --if-changed").ends_with(2);
}

#[test]
fn a_success_in_part_is_deployed_again() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let more = "--if-changed --config CodeDeployDefault.AllAtOnce";
    let first = deploy(&machine, "a.zip", more);
    machine.run(&format!("deploy wait {first}")).ends_with(0);
    assert_ne!(deploy(&machine, "a.zip", more), first);
}

#[test]
fn an_object_of_another_etag_is_not_deployed() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let create = "deploy create shop/prod --revision s3://releases/a.zip?etag=nope";
    let run = machine.run(create).ends_with(1).says_nothing();
    let etag = run.stderr.split_once("a.zip is ").unwrap().1.split(',').next().unwrap().to_owned();
    machine.run(&create.replace("nope", &etag)).ends_with(0);
}

#[test]
fn what_was_asked_for_is_written_or_missed() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let create = "deploy create shop/prod --revision s3://releases/a.zip";
    for line in ["--until ready", "--junit x.xml", "--timeout 10m", "--require-all"] {
        machine.run(&format!("{create} {line}")).ends_with(2).says_nothing().complains("--watch");
    }
    assert!(machine.run("deploy list shop/prod -o text").ends_with(0).stdout.is_empty());
    let good =
        deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce --if-active wait --timeout 10m");
    machine.run(&format!("deploy retry {good} --junit x.xml")).ends_with(2).complains("--watch");

    let file = |name: &str| machine.home().join(name).display().to_string();
    let summary = Machine::new().against(&sandbox.url()).set("GITHUB_STEP_SUMMARY", &file("step.md"));
    let beside = format!("--ci github --junit {} --record {}", file("j.xml"), file("r.ndjson"));
    for verb in ["watch", "wait"] {
        let lines = if verb == "watch" { "-o ndjson" } else { "" };
        let run = summary.run(&format!("deploy {verb} {good} {lines} {beside}")).ends_with(0);
        let run = run.complains("::error title=").holds_no_escape();
        assert!(!run.stderr.contains("::group::"), "{run}");
        for (name, holds) in
            [("step.md", "SUCCEEDED"), ("j.xml", "<testsuite "), ("r.ndjson", r#""type":"result""#)]
        {
            let text = std::fs::read_to_string(file(name)).unwrap();
            assert!(text.contains(holds), "{verb} {name}: {text}");
            std::fs::remove_file(file(name)).unwrap();
        }
    }

    for (flag, what) in [("--junit", "the JUnit file"), ("--record", "the recording")] {
        let run = machine.run(&format!("deploy watch {good} {flag} /dev/full")).ends_with(1);
        let _ = run.complains(&format!("cannot write {what} /dev/full")).complains("No space left");
        machine.run(&format!("deploy watch {good} --require-all {flag} /dev/full")).ends_with(3);
    }
    let full = format!("cdctl deploy watch {good} -o ndjson > /dev/full");
    let run: Run = machine.command("sh").args(["-c", &full]).output().unwrap().into();
    let _ = run.ends_with(9).complains("cannot write the event stream").complains("No space left");
}

#[test]
fn a_query_is_asked_of_the_end_and_of_every_event() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let good = deploy(&machine, "a.zip", "");
    machine.run(&format!("deploy wait {good}")).ends_with(0);
    for verb in ["watch", "wait"] {
        let ask = format!("deploy {verb} {good} --query deploymentInfo.status -o");
        for (format, answer) in
            [("json", "\"Succeeded\"\n"), ("text", "Succeeded\n"), ("table", "Succeeded\n")]
        {
            let run = machine.run(&format!("{ask} {format}")).ends_with(0);
            assert_eq!(run.stdout, answer, "{verb} {format}");
        }
        let run = machine.run(&format!("deploy {verb} {good} -o text")).ends_with(0);
        assert!(run.stdout.contains(&good), "{run}");
    }
    let run = machine.run(&format!("deploy watch {good} -o ndjson --query outcome")).ends_with(0);
    assert_eq!(run.stdout, "\"succeeded\"\n");
    let run = machine.run(&format!("deploy watch {good} -o ndjson --query type")).ends_with(0);
    assert_eq!(run.stdout.lines().last(), Some("\"result\""));
}
