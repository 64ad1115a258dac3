//! `revision run`: what it refuses before anything runs, what `--dry-run` foretells, and what each format gets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::running::{HOOKS, Local};

#[test]
fn an_appspec_alone_stops_nothing() {
    let local = Local::new("one");
    local.run(&local.site(), &[]).ends_with(0);
    local.trace();
    let run = local.run(&local.site().join("appspec.yml"), &[]).ends_with(2);
    run.complains("is an AppSpec without a bundle; nothing was run");
    assert_eq!(local.trace(), Vec::<String>::new());
}

#[test]
fn a_directory_keeps_a_top_directory_that_an_archive_loses() {
    let local = Local::new("one");
    let outer = local.machine.home().join("outer");
    fs::create_dir(&outer).unwrap();
    fs::rename(local.site(), outer.join("deploy")).unwrap();
    let appspec = outer.join("deploy/appspec.yml");
    let text = fs::read_to_string(&appspec).unwrap();
    fs::write(&appspec, text.replace("page.html", "deploy/page.html").replace("scripts/", "deploy/scripts/"))
        .unwrap();
    let flags = ["-A", "deploy/appspec.yml"];
    local.run(&outer, &[&flags[..], &["--dry-run"]].concat()).ends_with(0).says("deploy/scripts/trace.sh");
    local.run(&outer, &flags).ends_with(0);
    assert_eq!(local.page(), "one");
}

#[test]
fn a_root_in_the_directory_is_no_part_of_the_bundle() {
    let local = Local::new("one");
    let site = local.site();
    for _ in 0..2 {
        let run = local.machine.cdctl([
            "revision",
            "run",
            site.to_str().unwrap(),
            "--root",
            site.join("host").to_str().unwrap(),
        ]);
        run.ends_with(0);
    }
    let group = site.join("host/opt/codedeploy-agent/deployment-root/default-local-deployment-group");
    for deployment in fs::read_dir(group).unwrap() {
        let archive = deployment.unwrap().path().join("deployment-archive");
        assert!(archive.join("page.html").exists() && !archive.join("host").exists());
    }
}

#[test]
fn a_dry_run_makes_nothing_in_a_root_and_fails_of_what_will_fail() {
    let local = Local::new("one");
    fs::create_dir(local.root()).unwrap();
    local.run(&local.site(), &["--dry-run"]).ends_with(0);
    assert_eq!(fs::read_dir(local.root()).unwrap().count(), 0);
    fs::remove_dir(local.root()).unwrap();
    fs::write(local.root(), "a file").unwrap();
    local.run(&local.site(), &["--dry-run"]).ends_with(1).complains("cannot use");
    fs::remove_file(local.root()).unwrap();
    fs::remove_file(local.site().join("scripts/trace.sh")).unwrap();
    let run = local.run(&local.site(), &["--dry-run"]).ends_with(3).says("scripts/trace.sh (is not there)");
    run.complains("BeforeInstall would fail").complains("error[A037]");
    fs::remove_file(local.site().join("page.html")).unwrap();
    let run = local.run(&local.site(), &["--dry-run"]).ends_with(3).complains("Install would fail");
    run.complains("No such file or directory @ rb_sysopen - page.html");
}

#[test]
fn a_dry_run_fails_of_a_script_that_is_there_and_cannot_run() {
    let local = Local::new("one");
    local.write("one", &["AfterInstall"]);
    let script = local.site().join("scripts/trace.sh");
    fs::write(&script, "#!/bin/sh\r\n").unwrap();
    let run = local.run(&local.site(), &["--dry-run"]).ends_with(3);
    run.complains("error[A038]").complains("AfterInstall would fail").says("scripts/trace.sh");
    local.run(&local.site(), &[]).ends_with(3);
    // What is not to run fails nothing.
    local.run(&local.site(), &["--dry-run", "-e", "ValidateService"]).ends_with(0).complains("error[A038]");
    fs::remove_file(&script).unwrap();
    fs::create_dir(&script).unwrap();
    local.run(&local.site(), &["--dry-run"]).ends_with(3).complains("is a directory");
}

#[test]
fn scripts_of_the_agents_own_events_are_no_step_and_excuse_nothing() {
    let local = Local::new("one");
    local.write("one", &["DownloadBundle", "Install"]);
    fs::remove_file(local.site().join("scripts/trace.sh")).unwrap();
    for agent in ["1", "2"] {
        let run = local.run(&local.site(), &["--dry-run", "--agent", agent]).ends_with(0);
        assert!(!run.stdout.contains("script"), "{run}");
    }
    local.run(&local.site(), &[]).ends_with(0);
    fs::remove_dir_all(local.root()).unwrap();
    fs::create_dir(local.root()).unwrap();
    fs::write(local.root().join("srv"), "a file").unwrap();
    local.run(&local.site(), &["--dry-run"]).ends_with(3).complains("Install would fail");
}

#[test]
fn scripts_get_text_and_what_they_ask_for() {
    let local = Local::new("one");
    let run = local.run(&local.site(), &["-o", "text"]).ends_with(0);
    let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 11, "{run}");
    assert!(lines.iter().all(|cells| cells.len() == 3 && cells[1] == "Succeeded"), "{run}");
    let run = local.run(&local.site(), &["-o", "text", "--dry-run"]).ends_with(0);
    assert!(run.stdout.contains("Install\tcopy\tpage.html -> /srv/www/page.html\n"), "{run}");
    let query = ["--query", "status"];
    for format in ["table", "text", "json"] {
        let run = local.run(&local.site(), &[&query[..], &["-o", format]].concat()).ends_with(0);
        assert_eq!(run.stdout.trim().trim_matches('"'), "Succeeded", "{run}");
    }
    let query = ["--dry-run", "--query", "length(steps[?type=='copy'])"];
    assert_eq!(local.run(&local.site(), &query).ends_with(0).stdout, "1\n");
    // An event that is named twice has an end of its own each time.
    let script =
        "#!/bin/sh\n[ ! -e \"$CDCTL_HOST_ROOT/tmp/once\" ] || exit 5\ntouch \"$CDCTL_HOST_ROOT/tmp/once\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let run = local.run(&local.site(), &["-e", "ValidateService,ValidateService", "-o", "text"]).ends_with(3);
    run.says("ValidateService\tSucceeded")
        .says("ValidateService\tFailed")
        .complains("failed with exit code 5");
}

#[test]
fn a_root_has_records_of_its_own_whatever_the_agent_is_set_up_to() {
    let local = Local::new("one");
    let configuration = local.machine.home().join("agent.yml");
    let agent = local.machine.home().join("deployments");
    fs::write(&configuration, format!("---\n:root_dir: {}\n", agent.display())).unwrap();
    local.run(&local.site(), &["-c", configuration.to_str().unwrap()]).ends_with(0);
    fs::rename(local.root(), local.machine.home().join("other")).unwrap();
    fs::create_dir_all(local.root().join("srv/www")).unwrap();
    fs::write(local.root().join("srv/www/page.html"), "precious").unwrap();
    let run = local.run(&local.site(), &["-c", configuration.to_str().unwrap()]).ends_with(3);
    run.says("already exists at this location");
    assert_eq!(local.page(), "precious");
    assert!(!agent.exists());
}

/// A `git` that writes down how it was called and what it would be told of credentials, and fetches nothing.
const GIT: &str = "#!/bin/sh
tr '\\0' '\\n' </proc/$$/cmdline >>\"$HOME/called\"
case \" $* \" in *' fetch '*) ;; *) exec /usr/bin/git \"$@\" ;; esac
while [ \"$1\" = -c ]; do set -- \"$@\" \"$1\" \"$2\"; shift 2; n=x$n; done
until [ \"$1\" = -c ]; do shift; done
for host in github.com elsewhere.test; do
    printf 'protocol=https\\nhost=%s\\n\\n' $host | GIT_TERMINAL_PROMPT=0 /usr/bin/git \"$@\" credential fill 2>&1
done >\"$HOME/told\"
exit 1
";

#[test]
fn a_token_for_github_is_told_to_github_and_nobody_else() {
    if !Path::new("/usr/bin/git").exists() {
        return super::running::left_out("the token, for there is no /usr/bin/git");
    }
    let mut local = Local::new("one");
    let programs = local.machine.home().join("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("git"), GIT).unwrap();
    fs::set_permissions(programs.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    local.machine = local.machine.set("PATH", &format!("{}:/usr/bin:/bin", programs.display()));
    let read = |name: &str| fs::read_to_string(local.machine.home().join(name)).unwrap();
    for from in
        ["https://github.com/owner/repo", "github:owner/repo@0123456789012345678901234567890123456789"]
    {
        let run = local.run(Path::new(from), &["--github-token", "ghp_abc"]).ends_with(1);
        assert!(!format!("{run}").contains("ghp_abc"), "{run}");
        let told = read("told");
        assert!(told.contains("username=x-access-token\npassword=ghp_abc\n"), "{told}");
        assert_eq!(told.matches("ghp_abc").count(), 1, "{told}");
        let called = read("called");
        assert!(
            called.contains("https://github.com/owner/repo.git") && !called.contains("ghp_abc"),
            "{called}"
        );
    }
    local.run(&local.site(), &["--github-token", "a b"]).ends_with(2);
    local.machine = local.machine.set("CODEDEPLOY_GITHUB_TOKEN", "a b");
    let run = local.run(Path::new("https://github.com/owner/repo"), &[]).ends_with(2);
    run.complains("CODEDEPLOY_GITHUB_TOKEN holds no token");
    local.run(&local.site(), &["--dry-run"]).ends_with(0);
}

#[test]
fn an_address_of_github_may_be_called_what_it_is_to_the_agent() {
    let mut local = Local::new("one");
    let git = |arguments: &[&str]| {
        let mut command = local.machine.command("git");
        command.args(["-c", "user.name=n", "-c", "user.email=e"]).args(arguments);
        assert!(command.current_dir(local.site()).status().unwrap().success());
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    let script = "#!/bin/sh\necho \"from $BUNDLE_COMMIT\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    git(&["commit", "--quiet", "--all", "-m", "one"]);
    let head = local.machine.command("git").args(["rev-parse", "HEAD"]).current_dir(local.site()).output();
    let head = String::from_utf8(head.unwrap().stdout).unwrap();
    let rewritten = format!(
        "[url \"file://{}\"]\ninsteadOf = https://github.com/owner/repo.git\n",
        local.site().display()
    );
    fs::write(local.machine.home().join(".gitconfig"), rewritten).unwrap();
    local.machine = local.machine.set("GIT_CONFIG_NOSYSTEM", "1");
    for kind in ["zip", "tar", "directory"] {
        let from = Path::new("https://api.github.com/repos/owner/repo/zipball/HEAD");
        let run = local.run(from, &["-t", kind, "-b", "OVERWRITE", "-o", "json"]).ends_with(0);
        let run = run.complains(&format!("[stdout]from {}", head.trim()));
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((json["status"].as_str(), local.page().as_str()), (Some("Succeeded"), "one"));
    }
}

#[test]
fn a_dry_run_shows_each_step_and_does_nothing() {
    let local = Local::new("one");
    local
        .run(&local.site(), &["--dry-run"])
        .ends_with(0)
        .says("page.html -> /srv/www/page.html")
        .says("scripts/trace.sh");
    assert!(!local.root().exists());
}

#[test]
fn a_dry_run_shows_the_scripts_of_the_revision_before_and_what_goes() {
    let local = Local::new("one");
    let steps = || {
        let run = local.run(&local.site(), &["--dry-run", "-o", "json"]).ends_with(0);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        let steps = json["steps"].as_array().unwrap();
        let what = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let line = |step: &Value| {
            format!(
                "{} {} {}{}",
                what(step, "event"),
                what(step, "type"),
                what(step, "location"),
                what(step, "file")
            )
        };
        steps.iter().map(line).collect::<Vec<_>>()
    };
    let first = steps();
    assert_eq!(first.first().unwrap(), "BeforeInstall script scripts/trace.sh");
    local.run(&local.site(), &[]).ends_with(0);
    fs::copy(local.site().join("scripts/trace.sh"), local.site().join("scripts/new.sh")).unwrap();
    let appspec = fs::read_to_string(local.site().join("appspec.yml")).unwrap();
    let appspec = appspec.replace("trace.sh", "new.sh").replace("page.html", "other.html");
    fs::write(local.site().join("appspec.yml"), appspec).unwrap();
    fs::write(local.site().join("other.html"), "two").unwrap();
    let second = steps();
    let stops = HOOKS[..3].iter().map(|hook| format!("{hook} script scripts/trace.sh"));
    let mut expected: Vec<String> = stops.collect();
    expected.push("BeforeInstall script scripts/new.sh".to_owned());
    let goes = ["/srv/www/page.html", "/srv/www", "/srv"];
    expected.extend(goes.map(|file| format!("Install remove {file}")));
    assert_eq!(second.get(..expected.len()).unwrap(), expected);
    assert_eq!(local.page(), "one");
    local.run(&local.site(), &["--dry-run"]).ends_with(0).says("remove").says("/srv/www/page.html");
}

#[test]
fn a_dry_run_shows_every_file_that_is_in_the_way() {
    let local = Local::new("one");
    local.run(&local.site(), &[]).ends_with(0);
    // What the revision before has installed goes.
    local.run(&local.site(), &["--dry-run"]).ends_with(0);
    let run = local.run(&local.site(), &["--dry-run", "-g", "another"]).ends_with(3);
    run.says("/srv/www/page.html (is there already)").says("ValidateService").complains("already exists");
    let run = local.run(&local.site(), &["--dry-run", "-g", "another", "-o", "json"]).ends_with(3);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(json["steps"].as_array().unwrap().iter().any(|step| step["conflict"] == true), "{json}");
    assert_eq!(local.page(), "one");
}
