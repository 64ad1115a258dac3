//! What to do about it: the word that is next, the column that is right.

use super::*;

/// Code and help of each finding.
fn helps(text: &str, listing: Option<&Listing>) -> Vec<(&'static str, String)> {
    let findings = check(text.as_bytes(), listing, Scope::default()).findings;
    findings.into_iter().map(|found| (found.code, found.help.unwrap_or_default())).collect()
}

fn help(text: &str, listing: Option<&Listing>) -> String {
    helps(text, listing).into_iter().map(|(_, help)| help).next().unwrap_or_default()
}

#[test]
fn a_script_is_meant_for_a_file_and_may_lack_its_ending() {
    let listing =
        bundle(&[("scripts/", ""), ("scripts/deploy.sh", SH), ("script/", ""), ("bin/", ""), ("bin/a", "")]);
    let script = |location: &str| {
        help(&format!("{HEAD}hooks: {{AfterInstall: [{{location: {location}}}]}}\n"), Some(&listing))
    };
    assert_eq!(script("scripts/deploy"), "did you mean `scripts/deploy.sh`?");
    // Not the directory `bin`.
    assert_eq!(script("bim"), "a location is the script's path below the bundle's root");
    assert_eq!(script("x/bin"), "a location is the script's path below the bundle's root");
    let source = format!("{HEAD}files: [{{source: bim, destination: /srv}}]\n");
    assert_eq!(help(&source, Some(&listing)), "did you mean `bin`?");
}

#[test]
fn except_helps_only_with_what_lies_directly_in_an_object() {
    let listing = bundle(&[("storage/", ""), ("storage/logs/", ""), ("storage/logs/x", ""), ("run.sh", SH)]);
    let clash = |one: &str, two: &str| {
        let text = format!(
            "{HEAD}files: [{{source: /, destination: /srv}}]\npermissions:\n  - {{object: {one}, mode: '644', type: [file]}}\n  - {{object: {two}, mode: '600', type: [file]}}\n"
        );
        let told = helps(&text, Some(&listing)).into_iter().filter(|(code, _)| *code == "A028");
        told.map(|(_, help)| help).collect::<Vec<_>>()
    };
    let direct = "take it out of the permission for /srv with `except: [run.sh]`, or set it once";
    assert_eq!(clash("/srv", "/srv/run.sh"), [direct]);
    assert_eq!(clash("/srv/run.sh", "/srv"), [direct]);
    let deep = "`except` is for names directly in an object: give the permission for /srv `pattern: \"*\"`, and what lies deeper permissions of its own";
    assert_eq!(clash("/srv", "/srv/storage"), [deep]);
    assert_eq!(clash("/srv/storage", "/srv"), [deep]);
    assert_eq!(clash("/srv", "/srv/storage/logs/x"), [deep]);
    assert_eq!(clash("/srv, pattern: '*'", "/srv/storage"), [""; 0]);
    assert_eq!(clash("/srv", "/srv"), ["set it once"]);
    assert_eq!(clash("/srv, pattern: '*.sh'", "/srv"), [direct]);
    // What lies directly in the inner object is what that is there for.
    let inner = "`except` is for names directly in an object: give the permission for /srv/storage `pattern: \"*\"`, and what lies deeper permissions of its own";
    assert_eq!(clash("/srv/storage", "/srv/storage/logs"), [inner]);
    assert_eq!(clash("/srv/storage/logs", "/srv/storage"), [inner]);
}

#[test]
fn what_belongs_to_a_script_is_to_be_indented_below_it() {
    let hooks = |body: &str| helps(&format!("{HEAD}hooks:\n  AfterInstall:\n{body}"), None);
    let below = |name: &str| ("A030", format!("indent `{name}` below its `- location: …`"));
    let text = "  - location: a.sh\n  timeout: 300\n  runas: root\n";
    assert_eq!(hooks(text), [below("timeout"), below("runas")]);
    let location = ("A030", "write `- location: …`, indented below its event".to_owned());
    assert_eq!(hooks("  location: a.sh\n")[1], location);
    let dash = "take the dash away where this belongs to the script above, else add `location:`";
    assert_eq!(hooks("    - location: a.sh\n    - timeout: 300\n"), [("A031", dash.to_owned())]);
    let missing = "add `location:`, the script's path in the bundle";
    assert_eq!(hooks("    - timeout: 300\n"), [("A031", missing.to_owned())]);
    let list = helps(&format!("{HEAD}hooks: {{AfterInstall: [{{location: [a.sh]}}]}}\n"), None);
    assert_eq!(list[1], ("A040", "a location is one path, without brackets".to_owned()));
}

#[test]
fn what_belongs_below_a_property_is_to_be_indented() {
    let ecs = |body: &str| {
        let head = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n";
        let arn = "        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/web:7\n";
        helps(&format!("{head}{arn}{body}"), None)
    };
    let below = |name: &str| ("A071", format!("indent it below `{name}:`"));
    let beside = "        LoadBalancerInfo:\n        ContainerName: web\n        ContainerPort: 80\n";
    assert_eq!(ecs(beside), [below("LoadBalancerInfo"), below("LoadBalancerInfo")]);
    let beside = "      LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n";
    assert_eq!(ecs(beside), [below("Properties")]);
    // The values count all the same.
    let wrong = ecs("      LoadBalancerInfo: {ContainerName: web, ContainerPort: no}\n");
    assert_eq!(wrong.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["A071", "A074"]);
    assert_eq!(ecs("        LoadBalancerInfo:\n")[0].0, "A073");
    assert_eq!(ecs("")[0].0, "A073");
}

#[test]
fn a_file_that_is_no_keys_has_a_help() {
    let blank = "put a blank after each colon: `version: 0.0`";
    assert_eq!(help("version:0.0\nos:linux\n", None), blank);
    assert_eq!(help("version:0.0\nResources:x\n", None), blank);
    let scope = |agent| Scope { agent: Some(agent), ..Scope::default() };
    let second = check(b"version:0.0\n", None, scope(Agent::Two)).findings;
    assert_eq!(second[0].help.as_deref(), Some(blank));
    let conflict = help("<<<<<<< HEAD\nversion: 0.0\n=======\nversion: 0.0\n>>>>>>> x\nos: linux\n", None);
    assert!(conflict.starts_with("the file holds a merge conflict"), "{conflict}");
    let mark = helps("\u{feff}---\nversion: 0.0\nos: linux\n", None);
    assert!(mark.iter().any(|(code, help)| *code == "A001" && help.contains("without BOM")), "{mark:?}");
}

#[test]
fn a_mode_that_is_a_truth_is_no_number() {
    let text = format!("{HEAD}permissions: [{{object: /a, mode: No}}]\n");
    let findings = check(text.as_bytes(), None, FIRST).findings;
    assert_eq!(findings[0].message, "without quotes YAML reads `No` as false, which is no mode");
}
