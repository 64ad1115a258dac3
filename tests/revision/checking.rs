//! `revision validate` and `explain`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;

use crate::support::cdctl::Machine;
use crate::support::client::s3;
use crate::support::stage::Stage;

const APPSPEC: &str =
    "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: run.sh\n      timeout: \"60\"\n";

/// A machine with a bundle in `site`, whose AppSpec agent 2 refuses.
fn machine() -> Machine {
    let machine = Machine::new();
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), APPSPEC).unwrap();
    fs::write(site.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(site.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    machine
}

fn run(machine: &Machine, arguments: &[&str]) -> crate::support::cdctl::Run {
    let site = machine.home().join("site");
    let arguments =
        ["revision", "validate", site.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    machine.cdctl(arguments).holds_no_escape()
}

#[test]
fn an_error_for_one_agent_is_an_error_and_named_as_its() {
    let machine = machine();
    run(&machine, &[]).ends_with(10).says("error[A032]").says("agent 2.x's reading").says("6 |");
    run(&machine, &["--agent", "2"]).ends_with(10);
    run(&machine, &["--agent", "1"]).ends_with(0);
}

#[test]
fn an_appspec_on_standard_input_is_checked_and_not_corrected() {
    let machine = machine();
    let given = |arguments: &[&str]| {
        let mut command = machine.command(env!("CARGO_BIN_EXE_cdctl"));
        let file = fs::File::open(machine.home().join("site/appspec.yml")).unwrap();
        let output =
            command.args(["revision", "validate", "-"]).args(arguments).stdin(file).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = given(&[]);
    assert!(code == Some(10) && said.contains("<stdin>:6:16"), "{said}");
    assert_eq!(given(&["--agent", "1"]).0, Some(0));
    assert_eq!(given(&["--fix"]).0, Some(2));
}

#[test]
fn strict_counts_warnings_too() {
    let machine = machine();
    let file = machine.home().join("site/appspec.yml");
    fs::write(&file, "version: 0.0\nos: linux\nfile: []\n").unwrap();
    run(&machine, &[]).ends_with(0).says("did you mean `files`?");
    run(&machine, &["--strict"]).ends_with(10);
}

#[test]
fn fix_writes_what_both_agents_take_and_nothing_else() {
    let machine = machine();
    run(&machine, &["--fix"]).ends_with(0).complains("1 correction");
    let text = fs::read_to_string(machine.home().join("site/appspec.yml")).unwrap();
    assert_eq!(text, APPSPEC.replace("\"60\"", "60"));
    run(&machine, &["--strict"]).ends_with(0);
}

#[test]
fn machines_get_json_lines_sarif_and_annotations() {
    let machine = machine();
    let json: Value = serde_json::from_str(&run(&machine, &["-o", "json"]).ends_with(10).stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["line"], &finding["agent"]),
        (&"A032".into(), &6.into(), &"2".into())
    );
    let lines = run(&machine, &["-o", "ndjson"]).ends_with(10).stdout;
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["code"].is_string()));
    let sarif: Value =
        serde_json::from_str(&run(&machine, &["--format", "sarif"]).ends_with(10).stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "A032");
    run(&machine, &["--format", "github"]).ends_with(10).says("::error file=");
}

#[test]
fn an_appspec_for_ecs_is_checked_by_the_services_rules() {
    let machine = Machine::new();
    let file = machine.home().join("taskdef.yaml");
    let text = |definition: &str| {
        format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: {definition}\n        LoadBalancerInfo:\n          ContainerName: web\n          ContainerPort: 80\n"
        )
    };
    fs::write(&file, text("web")).unwrap();
    let line = format!("revision validate {}", file.display());
    machine.run(&line).ends_with(10).says("is not the ARN of a task definition");
    fs::write(&file, text("<TASK_DEFINITION>")).unwrap();
    machine.run(&format!("{line} --strict")).ends_with(10).says("warning[A075]");
    machine.run(&format!("{line} --strict --allow-placeholders")).ends_with(0);
}

#[test]
fn a_template_is_checked_whatever_it_is_called() {
    let machine = Machine::new();
    let text = "version: 0.0\nos: linux\nfiles:\n  - source: {{ app }}/dist\n    destination: /srv\n";
    for name in ["appspec.yml.j2", "appspec.yml.tpl", "appspec.erb", "appspec"] {
        let file = machine.home().join(name);
        fs::write(&file, text).unwrap();
        let line = format!("revision validate {} --strict", file.display());
        machine.run(&line).ends_with(10).says("error[A001]").says("--allow-placeholders");
        let run = machine.run(&format!("{line} --allow-placeholders")).ends_with(0);
        run.says(&format!("{}:4:13", file.display())).says("`{{ app }}/dist` is a placeholder");
        fs::write(&file, text.replace("linux", "Linux").replace("{{ app }}/", "")).unwrap();
        machine.run(&format!("{line} --fix")).ends_with(0);
        assert!(fs::read_to_string(&file).unwrap().contains("os: linux"));
    }
    // An archive is none by any other name.
    let file = machine.home().join("bundle");
    fs::write(&file, b"PK\x03\x04\x14\0\0\0").unwrap();
    let line = format!("revision validate {}", file.display());
    machine.run(&line).ends_with(1).complains("is neither a directory nor a bundle");
}

/// A tar whose only entry leads out of it.
pub fn evil() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..7].copy_from_slice(b"../evil");
    header.set_size(1);
    header.set_cksum();
    archive.append(&header, &b"x"[..]).unwrap();
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn an_object_of_s3_is_downloaded_and_checked() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    let body = ByteStream::from_static(APPSPEC.as_bytes());
    s3.put_object().bucket("releases").key("shop/appspec.yml").body(body).send().await.unwrap();
    let server = stage.serve();
    let machine = Machine::new().against(&format!("http://{}", server.address()));
    machine
        .run("revision validate s3://releases/shop/appspec.yml")
        .ends_with(10)
        .says("s3://releases/shop/appspec.yml:6:16");
    machine.run("revision validate s3://releases/none.zip").ends_with(1).complains("cannot download");
    // What was fetched has the user's name in all that is said of it.
    let bodies = [
        ("empty.zip", &b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]),
        ("cut.zip", b"PK"),
        ("evil.tar", &evil()),
    ];
    for (key, body) in bodies {
        let body = ByteStream::from(body.to_vec());
        s3.put_object().bucket("releases").key(key).body(body).send().await.unwrap();
        let object = format!("s3://releases/{key}");
        for line in [
            format!("revision validate {object}"),
            format!("revision validate {object} -o json"),
            format!("revision run {object} --dry-run --root host"),
            format!("revision diff {object} {object}"),
        ] {
            let run = machine.run(&line);
            let said = format!("{run}");
            assert!(!said.contains("/.tmp"), "{line}\n{said}");
            assert!(said.contains(&object) || run.code == 0, "{line}\n{said}");
        }
    }
    server.shut_down();
}

#[test]
fn codes_are_explained() {
    let machine = Machine::new();
    machine.run("revision explain a023").ends_with(0).says("0420");
    machine.run("revision explain").ends_with(0).says("A079");
    machine.run("revision explain A999").ends_with(2).complains("help: did you mean");
    machine.run("revision explain 34").ends_with(2).complains("help: did you mean `A034`?");
    machine.run("revision explain xyz").ends_with(2).complains("help: `cdctl revision explain` lists all");
}

#[test]
fn a_query_is_answered_in_every_form() {
    let machine = machine();
    for more in [&["-o", "text"][..], &[]] {
        let arguments: Vec<&str> = ["--query", "findings[].code"].iter().chain(more).copied().collect();
        let said = run(&machine, &arguments).ends_with(10).stdout;
        assert!(said.contains("A032") && !said.contains("error["), "{said}");
    }
}

#[test]
fn what_a_link_leads_to_is_looked_at_in_a_directory_and_in_an_archive() {
    let machine = machine();
    let site = machine.home().join("site");
    fs::write(site.join("appspec.yml"), APPSPEC.replace("\"60\"", "60").replace("run.sh", "bin/run.sh"))
        .unwrap();
    fs::create_dir(site.join("real")).unwrap();
    fs::write(site.join("marked"), "\u{feff}#!/bin/sh\n").unwrap();
    std::os::unix::fs::symlink("real", site.join("bin")).unwrap();
    std::os::unix::fs::symlink("../marked", site.join("real/run.sh")).unwrap();
    run(&machine, &[]).ends_with(0).says("warning[A045]");
    for kind in ["zip", "tgz"] {
        let bundle = machine.home().join(format!("site.{kind}"));
        let bundle = bundle.to_str().unwrap();
        machine.cdctl(["revision", "bundle", site.to_str().unwrap(), "-f", bundle]).ends_with(0);
        machine.cdctl(["revision", "validate", bundle]).ends_with(0).says("warning[A045]");
    }
}

#[test]
fn windows_finds_the_appspec_in_whatever_case() {
    let machine = machine();
    let site = machine.home().join("site");
    fs::remove_file(site.join("appspec.yml")).unwrap();
    fs::write(site.join("AppSpec.yml"), "version: 0.0\nos: linux\n").unwrap();
    run(&machine, &[]).ends_with(10).says("error[A060]");
    fs::write(site.join("AppSpec.yml"), "version: 0.0\nos: windows\n").unwrap();
    run(&machine, &[]).ends_with(0).says("warning[A060]");
    for kind in ["zip", "tar"] {
        let bundle = machine.home().join(format!("site.{kind}"));
        let bundle = bundle.to_str().unwrap();
        machine.cdctl(["revision", "bundle", site.to_str().unwrap(), "-f", bundle]).ends_with(0);
        machine.cdctl(["revision", "validate", bundle]).ends_with(0).says("warning[A060]");
    }
}
