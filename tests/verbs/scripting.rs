//! What scripts do with the output: pipes that close, disks that are full, xargs, jq, `while read`.

use std::fs::File;
use std::process::{Command, Stdio};

use super::{ROLE, Shop};
use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::stage::Scene;

/// The verbs that list, each with something to show.
const LISTS: [&str; 11] = [
    "app list",
    "app list --wide",
    "group list shop",
    "config list",
    "config list --wide",
    "deploy list",
    "deploy targets shop/prod",
    "revision list shop",
    "instance list",
    "app tags shop",
    "github tokens",
];

fn shop() -> Shop {
    let shop = Shop::of(Scene::Failed, 2);
    for line in [
        "app create shop --tag Team=web",
        "app create blog",
        &format!("group create shop/prod --ec2-tag Role=web --service-role {ROLE}"),
        "instance register rack-7 --user-arn arn:aws:iam::123456789012:user/rack-7",
        "instance register rack-8 --user-arn arn:aws:iam::123456789012:user/rack-8 --tag Role=web",
    ] {
        shop.run(line).ends_with(0);
    }
    shop.deploy();
    shop
}

impl Shop {
    /// A line of bash; what stands left of a pipe counts, too.
    fn bash(&self, line: &str) -> Run {
        let mut command = self.machine.command("bash");
        command.args(["-o", "pipefail", "-c", line]);
        command.output().unwrap().into()
    }
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let shop = shop();
    for line in LISTS {
        for format in ["table", "json", "yaml", "text", "ndjson"] {
            let mut command = shop.machine.command(CDCTL);
            command.args(line.split(' ')).args(["-o", format]);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let run = Run::from(child.wait_with_output().unwrap());
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{line} -o {format}");
        }
    }
    let run = shop.bash("cdctl config list | head -1").ends_with(0);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""));
}

#[test]
fn a_full_disk_is_one() {
    let shop = shop();
    for line in LISTS.into_iter().chain(["app show shop", "deploy show shop/prod", "api --list", "--help"]) {
        let mut command = shop.machine.command(CDCTL);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command.args(line.split(' ')).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let run = Run::from(output.wait_with_output().unwrap()).ends_with(1);
        assert!(run.stderr.contains("No space left on device"), "{line}\n{run}");
    }
}

/// A cell that were empty would make `read` shift the rest to the left.
#[test]
fn every_row_has_a_cell_for_every_heading() {
    let shop = shop();
    for line in LISTS {
        let headings =
            shop.says(line).lines().next().unwrap().split("  ").filter(|name| !name.is_empty()).count();
        let text = shop.says(&format!("{line} -o text"));
        assert!(!text.is_empty(), "{line}");
        for row in text.lines() {
            let cells: Vec<&str> = row.split('\t').collect();
            assert!(cells.len() == headings && cells.iter().all(|cell| !cell.is_empty()), "{line}\n{row}");
        }
    }
}

#[test]
fn loops_and_xargs() {
    let shop = shop();
    let script = "cdctl app list -o text | while IFS=$'\\t' read -r app platform created; do \
                  echo \"$app runs on $platform since ${created%T*}\"; done";
    let run = shop.bash(script).ends_with(0);
    assert_eq!(run.stdout, "blog runs on Server since 2026-11-22\nshop runs on Server since 2026-11-22\n");
    let script =
        "cdctl app list -o text | cut -f1 | xargs -n1 cdctl app show --query application.applicationName";
    assert_eq!(shop.bash(script).ends_with(0).stdout, "blog\nshop\n");
    let script = "cdctl deploy list -o text --limit 1 | cut -f1 | xargs cdctl deploy show -o text --query deploymentInfo.status";
    assert_eq!(shop.bash(script).ends_with(0).stdout, "Failed\n");
}

#[test]
fn ids_alone_are_printed() {
    let shop = shop();
    let revision = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    let script = format!("id=$(cdctl deploy create shop/prod --revision {revision} -q) && echo \"<$id>\"");
    let run = shop.bash(&script).ends_with(0);
    assert_eq!(run.stderr, "");
    let id = run.stdout.trim_end().strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap();
    assert!(id.starts_with("d-") && id.len() == 11, "{id}");
    let group = format!("group create shop/test --ec2-tag Role=web --service-role {ROLE} -q");
    for line in ["app create new -q", "app ensure new -q", "config create Careful --min-healthy 1 -q", &group]
    {
        let run = shop.run(line).ends_with(0);
        assert_eq!((run.stdout.split_whitespace().count(), run.stderr.as_str()), (1, ""), "{line}");
    }
}

#[test]
fn jq_reads_what_is_printed() {
    let there = Command::new("jq").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        let line = "\nleft out, for there is no jq: jq on the lists\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        assert!(std::env::var_os("CI").is_none(), "left out although CI is set");
        return;
    }
    let shop = shop();
    for (script, said) in [
        ("cdctl app list -o json | jq -r '.applicationsInfo[].applicationName'", "blog\nshop\n"),
        ("cdctl app list -o ndjson | jq -r .applicationName", "blog\nshop\n"),
        ("cdctl deploy list -o ndjson | jq -r .status", "Failed\n"),
        ("cdctl instance list -o json | jq '.instanceInfos | length'", "2\n"),
        ("cdctl group show shop/prod -o json | jq -r '.deploymentGroupInfo.ec2TagFilters[0].Value'", "web\n"),
        ("cdctl app show nope -o json 2>&1 | jq -r .error.code", "ApplicationDoesNotExistException\n"),
    ] {
        let run = shop.bash(script);
        assert_eq!(run.stdout, said, "{script}\n{run}");
    }
}

#[test]
fn what_destroys_needs_a_yes() {
    let shop = shop();
    shop.run("config create Careful --min-healthy 1").ends_with(0);
    let scene = Shop::with_group(Scene::Running);
    scene.deploy();
    let asked = |shop: &Shop, line: &str| {
        let run = shop.run(line).ends_with(2).says_nothing();
        run.complains("There is no terminal to ask on").complains("help: pass --yes");
    };
    for line in [
        "app delete blog",
        "app delete --external-id stack",
        "group delete shop/prod",
        "config delete Careful",
        "instance deregister rack-7",
        "github delete-token octocat",
    ] {
        asked(&shop, line);
    }
    asked(&scene, "deploy stop shop/prod");
    for line in ["app show blog", "group show shop/prod", "config show Careful"] {
        shop.run(line).ends_with(0);
    }
    let yes = Machine::new().against(&shop.url()).set("CDCTL_YES", "1");
    yes.run("app delete blog").ends_with(0).complains("deleted application blog");
}

#[test]
fn what_destroys_wants_its_name_on_the_line() {
    let shop = Shop::with_group(Scene::Created);
    let outside = |machine: Machine| machine.set("CDCTL_APP", "shop").set("CDCTL_GROUP", "prod");
    let machine = outside(Machine::new().against(&shop.url()));
    let why = "what is deleted stands on the line, not in a forgotten setting";
    machine.run("app delete --yes").ends_with(2).complains_only(&format!(
        "error: the line names no application to delete\n  CDCTL_APP does not count here: {why}\n  help: write its name\n"
    ));
    let help = "help: write APP/GROUP, or pass --app and --group\n";
    machine.run("group delete --yes").ends_with(2).complains_only(&format!(
        "error: the line names no deployment group to delete\n  CDCTL_APP and CDCTL_GROUP do not count here: {why}\n  {help}"
    ));
    for half in ["--group prod", "--app shop"] {
        let run = machine.run(&format!("group delete {half} --yes")).ends_with(2);
        run.complains_only(&format!("error: --app and --group name a deployment group together\n  {help}"));
    }
    let bare = Machine::new().against(&shop.url());
    let run = bare.run("group delete --yes").ends_with(2);
    run.complains_only(&format!("error: the line names no deployment group to delete\n  {help}"));
    for verb in ["app", "group"] {
        let run = bare.run(&format!("{verb} delete --help")).ends_with(0);
        assert!(!run.stdout.contains("CDCTL_APP") && !run.stdout.contains("CDCTL_GROUP"), "{run}");
    }
    let unsure = outside(Machine::new().against(&shop.url())).set("CDCTL_YES", "maybe");
    unsure.run("group delete shop/prod").ends_with(2).complains("maybe");
    machine
        .run("group delete --app shop --group prod --yes")
        .ends_with(0)
        .complains("deleted deployment group shop/prod");
    machine.run("app delete --app shop --yes").ends_with(0);
}

#[test]
fn only_the_tool_itself_has_a_version() {
    let machine = Machine::new();
    machine.run("--version").ends_with(0).says("cdctl ");
    machine.run("-V").ends_with(0).says("cdctl ");
    for line in ["app list --version", "app -V", "deploy create shop/prod --function checkout:live -V"] {
        machine.run(line).ends_with(2).says_nothing();
    }
    // The version of a function has it.
    let create = "deploy create shop/prod --function checkout:live --version 7";
    machine.run(create).ends_with(1).complains("no AWS region is set");
}

#[test]
fn a_shift_of_traffic_wants_its_platform() {
    let machine = Machine::new();
    for flag in ["--canary 10%/5m", "--linear 10%/1m", "--all-at-once"] {
        let run = machine.run(&format!("config create Careful {flag}")).ends_with(2);
        run.complains("help: pass --platform lambda or --platform ecs");
        let run = machine.run(&format!("config create Careful {flag} --platform ecs")).ends_with(1);
        run.complains("no AWS region is set");
    }
}

#[test]
fn a_deployment_whose_id_finds_no_room_is_named() {
    let shop = Shop::with_group(Scene::Running);
    let revision = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    for (flags, code) in [("-q", 1), ("--watch", 9)] {
        let mut command = shop.machine.command(CDCTL);
        command.args(["deploy", "create", "shop/prod", "--revision", revision, flags, "--if-active", "stop"]);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run: Run =
            command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap().into();
        let id = shop.says("deploy list shop/prod --query deployments[0] -o text");
        run.ends_with(code).complains(&format!("error: deployment {id} was created and goes on"));
    }
}

#[test]
fn a_wrong_line_is_told_as_errors_are() {
    let machine = Machine::new();
    for line in [
        "app list --bogus -o json",
        "app list --query bad[ -o json",
        "deploy create a/b --file-exists x -ojson",
    ] {
        let run = machine.run(line).ends_with(2).says_nothing();
        let told: serde_json::Value = serde_json::from_str(&run.stderr).unwrap_or_else(|_| panic!("{run}"));
        assert_eq!(told["error"]["exit"], 2, "{run}");
        assert!(!told["error"]["message"].as_str().unwrap().starts_with("error"), "{run}");
    }
    let outside = Machine::new().set("CDCTL_OUTPUT", "json");
    outside
        .run("app list extra")
        .ends_with(2)
        .complains(r#"{"error":{"message":"unexpected argument 'extra'"#);
    outside.run("app list extra -o text").ends_with(2).complains("error: unexpected argument 'extra'");
    for (line, same) in [("help", "--help"), ("help deploy create", "deploy create --help")] {
        assert_eq!(machine.run(line).ends_with(0).stdout, machine.run(same).ends_with(0).stdout);
    }
}
