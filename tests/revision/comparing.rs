//! `revision diff`, `pull` and `list` against objects of a sandbox's S3.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::cdctl::Machine;
use crate::support::client::{codedeploy, s3};
use crate::support::stage::Stage;

#[tokio::test]
async fn what_changed_between_two_revisions_wherever_they_are() {
    let stage = Stage::new();
    s3(&stage.sandbox).create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine =
        Machine::new().against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1");
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    fs::write(site.join("page"), "one").unwrap();
    fs::write(site.join("old"), "old").unwrap();
    symlink("releases/1", site.join("current")).unwrap();
    let place = site.display().to_string();
    machine.run(&format!("revision push {place} s3://releases/1.zip --app shop")).ends_with(0);
    let same = machine.run(&format!("revision diff s3://releases/1.zip {place} --exit-code")).ends_with(0);
    same.complains("they hold the same").says_nothing();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\nfile_exists_behavior: RETAIN\n").unwrap();
    fs::write(site.join("page"), "second").unwrap();
    fs::remove_file(site.join("old")).unwrap();
    fs::remove_file(site.join("current")).unwrap();
    symlink("/etc/\u{1b}[2Jshadow", site.join("current")).unwrap();
    fs::write(site.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(site.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    // A tar of a top directory is what a host finds in it.
    let tgz = machine.home().join("2.tgz");
    machine.run(&format!("revision bundle {place} --type tgz --file {}", tgz.display())).ends_with(0);
    let line = format!("revision diff s3://releases/1.zip {} --exit-code", tgz.display());
    let run = machine.run(&line).ends_with(10).holds_no_escape();
    let run = run
        .says("added    run.sh")
        .says("removed  old")
        .says("changed  page")
        .says("link -> releases/1")
        .says("link -> /etc/\\x1b[2Jshadow")
        .says("+file_exists_behavior: RETAIN");
    assert!(run.stdout.contains("755") && run.stdout.contains("6 B"), "{run}");
    let json: Value =
        serde_json::from_str(&machine.run(&format!("{line} -o json")).ends_with(10).stdout).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 5);
    assert_eq!(json["changes"][1]["before"]["target"], "releases/1");
    assert_eq!(json["appspec"], serde_json::json!(["+file_exists_behavior: RETAIN"]));
    let paths = machine.run(&format!("{line} -o text --query changes[].path")).ends_with(10);
    assert_eq!(
        paths.stdout, "appspec.yml\tcurrent\told\tpage\trun.sh\n",
        "what was asked for and nothing else"
    );
    machine
        .run(&format!("revision diff s3://releases/none.zip {place}"))
        .ends_with(1)
        .complains("cannot download");
    server.shut_down();
}

#[tokio::test]
async fn a_revision_is_downloaded_and_unpacked_and_nothing_is_overwritten() {
    let stage = Stage::new();
    let objects = s3(&stage.sandbox);
    objects.create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine =
        Machine::new().against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1");
    let (site, file, folder) =
        (machine.home().join("site"), machine.home().join("got.zip"), machine.home().join("got"));
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let line = format!("revision push {} s3://releases/site.zip --app shop", site.display());
    machine.run(&line).ends_with(0);
    let pull = format!("revision pull s3://releases/site.zip --file {}", file.display());
    machine.run(&pull).ends_with(0);
    machine.run(&format!("revision validate {} --strict", file.display())).ends_with(0);
    machine.run(&pull).ends_with(1).complains("is there already; nothing was written");
    let pull = format!("revision pull s3://releases/site.zip --unpack --file {}", folder.display());
    machine.run(&pull).ends_with(0);
    assert_eq!(fs::read_to_string(folder.join("appspec.yml")).unwrap(), "version: 0.0\nos: linux\n");
    machine.run(&pull).ends_with(1).complains("is there already");
    machine.run(&format!("revision pull {}", site.display())).ends_with(2).complains("is here already");
    // A key may be longer than any file's name.
    let long = format!("s3://releases/{}.zip", "k".repeat(300));
    machine.run(&format!("revision push {} {long} --app shop", site.display())).ends_with(0);
    machine.run(&format!("revision validate {long}")).ends_with(0).complains(&format!("{long}:appspec.yml"));
    // What would be written elsewhere is refused, and nothing of it stays.
    let body = super::checking::evil();
    objects.put_object().bucket("releases").key("evil.tar").body(body.into()).send().await.unwrap();
    let out = machine.home().join("out");
    let run = machine.run(&format!("revision pull s3://releases/evil.tar --unpack --file {}", out.display()));
    run.ends_with(1).complains("nothing was written");
    let left: Vec<_> =
        fs::read_dir(machine.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !out.exists() && !left.iter().any(|name| name == "evil" || name.to_string_lossy().contains("pull")),
        "{left:?}"
    );
    machine.run("revision list shop").ends_with(0).says("FIRST USED").says("s3://releases/site.zip");
    server.shut_down();
}
