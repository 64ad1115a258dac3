//! `revision init` and `schema`.

use std::fs;

use serde_json::Value;

use crate::support::cdctl::Machine;

#[test]
fn what_init_writes_is_right_and_what_is_there_stays() {
    for (platform, strict) in [
        ("linux", "--strict"),
        ("windows", "--strict"),
        ("lambda", "--strict --allow-placeholders"),
        ("ecs", "--strict --allow-placeholders"),
    ] {
        let machine = Machine::new();
        let site = machine.home().join("2nd site: 'x'");
        fs::create_dir_all(site.join("scripts")).unwrap();
        fs::write(site.join("scripts/start.sh"), "#!/bin/sh\necho mine\n").unwrap();
        let init = || machine.cdctl(["revision", "init", site.to_str().unwrap(), "--platform", platform]);
        init().ends_with(0).says("appspec.yml").holds_no_escape();
        let mut line = vec!["revision", "validate", site.to_str().unwrap(), "--platform", platform];
        line.extend(strict.split(' '));
        machine.cdctl(line).ends_with(0);
        let text = fs::read_to_string(site.join("appspec.yml")).unwrap();
        init().ends_with(1).complains("is there already; nothing was written").says_nothing();
        // On Windows this is the same name.
        fs::rename(site.join("appspec.yml"), site.join("AppSpec.yml")).unwrap();
        init().ends_with(1).complains("AppSpec.yml is there already").says_nothing();
        fs::rename(site.join("AppSpec.yml"), site.join("appspec.yml")).unwrap();
        assert_eq!(fs::read_to_string(site.join("appspec.yml")).unwrap(), text);
        assert_eq!(fs::read_to_string(site.join("scripts/start.sh")).unwrap(), "#!/bin/sh\necho mine\n");
    }
}

#[test]
fn a_name_that_yaml_takes_for_another_value_is_quoted() {
    let machine = Machine::new();
    for name in ["null", "On", "yes", "123", "n"] {
        for platform in ["ecs", "lambda"] {
            let site = machine.home().join(platform).join(name);
            let site = site.to_str().unwrap();
            machine.cdctl(["revision", "init", site, "--platform", platform]).ends_with(0);
            let line = ["revision", "validate", site, "--strict", "--allow-placeholders"];
            machine.cdctl(line).ends_with(0);
            let text = fs::read_to_string(format!("{site}/appspec.yml")).unwrap();
            let written = if name == "123" { "app".to_owned() } else { format!("\"{name}\"") };
            assert!(text.contains(&written), "{text}");
        }
    }
}

#[test]
fn what_init_writes_for_linux_can_be_deployed() {
    let machine = Machine::new();
    let (site, host) = (machine.home().join("site"), machine.home().join("host"));
    machine.cdctl(["revision", "init", site.to_str().unwrap()]).ends_with(0);
    let line = ["revision", "run", site.to_str().unwrap(), "--root", host.to_str().unwrap()];
    machine.cdctl(line).ends_with(0);
    assert!(host.join("opt/site/scripts/start.sh").is_file());
}

#[test]
fn the_schema_is_one_document_in_every_form() {
    let machine = Machine::new();
    let json: Value = serde_json::from_str(&machine.run("revision schema").ends_with(0).stdout).unwrap();
    assert_eq!(json["$schema"], "http://json-schema.org/draft-07/schema#");
    let ecs: Value =
        serde_json::from_str(&machine.run("revision schema --platform ecs").ends_with(0).stdout).unwrap();
    assert_eq!(ecs["properties"]["Resources"]["maxItems"], 1);
    machine.run("revision schema -o yaml").ends_with(0).says("$schema");
}
