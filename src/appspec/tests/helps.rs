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
fn a_key_in_another_place_is_told_where_it_belongs() {
    let told = |body: &str| {
        let findings = check(format!("{HEAD}{body}").as_bytes(), None, Scope::default()).findings;
        let found = findings.into_iter().find(|found| found.code == "A050").unwrap();
        (found.message, found.help.unwrap_or_default())
    };
    for written in ["ValidateService", "validateService"] {
        let message = format!("the agent ignores `{written}`: its scripts never run");
        let help = "an event belongs below `hooks:`: indent `ValidateService` there".to_owned();
        assert_eq!(told(&format!("{written}:\n  - location: a\n")), (message, help));
    }
    let file = |key: &str| format!("files:\n  - source: a\n    destination: /b\n    {key}: x\n");
    let permission = |key: &str| format!("permissions:\n  - object: /a\n    {key}: x\n");
    let script = |key: &str| format!("hooks:\n  AfterInstall:\n    - location: a\n      {key}: x\n");
    let files = "it belongs to an entry of `files`";
    let permissions = "it belongs to an entry of `permissions`, beside the `object:` that it is for";
    let top = "it belongs at the top level of the file";
    let location = "write `location:`, the path of a script in the bundle; commands go into the script";
    for (body, help) in [
        (file("owner"), permissions),
        (file("mode"), permissions),
        (file("permissions"), top),
        (permission("file_exists_behavior"), top),
        (permission("source"), files),
        (script("file_exists_behavior"), top),
        (script("destination"), files),
        (script("run"), location),
        (script("command"), location),
        (script("runAs"), "did you mean `runas`?"),
        (script("name"), "a script has: location, timeout, runas, sudo"),
        ("destination: /b\n".to_owned(), files),
        ("runas: root\n".to_owned(), "it belongs to a script: indent it below its `- location: …`"),
        ("location: a\n".to_owned(), "it belongs below an event: write `- location: …` there"),
        ("file: a\n".to_owned(), "did you mean `files`?"),
    ] {
        assert_eq!(told(&body).1, help, "{body}");
    }
}

#[test]
fn a_key_without_a_colon_is_told_where_it_stands() {
    let place = |text: &str| {
        let found = check(text.as_bytes(), None, Scope::default()).findings.remove(0);
        assert_eq!(
            (found.code, found.help.as_deref()),
            ("A001", Some("a key is followed by a colon and a blank"))
        );
        let start = found.span.unwrap().start;
        (start.line, start.column)
    };
    assert_eq!(place("version: 0.0\nos:linux\nfiles:\n  - source: /\n"), (2, 1));
    let script = "hooks:\n  AfterInstall:\n    - location: a\n      runas:root\n";
    assert_eq!(place(&format!("{HEAD}{script}")), (6, 7));
    assert_eq!(place(&format!("{HEAD}{script}  ApplicationStop:\n    - location: b\n")), (6, 7));
    assert_eq!(
        place("version: 0.0\nResources:\n  - f:\n      Properties:\n        Name: f\n        Alias:a\n"),
        (6, 9)
    );
}

#[test]
fn a_path_of_windows_is_told_as_one() {
    let destination = |os: &str, destination: &str| {
        let text = format!("version: 0.0\nos: {os}\nfiles:\n  - source: /\n    destination: {destination}\n");
        let told = helps(&text, None).into_iter().find(|(code, _)| *code == "A014");
        told.map(|(_, help)| help)
    };
    for path in ["c:\\deploy", "C:/deploy", "d:\\", "\\inetpub\\wwwroot"] {
        let help =
            format!("`{path}` is a path of Windows: write `os: windows`, or a path that begins with `/`");
        assert_eq!(destination("linux", path), Some(help));
        assert_eq!(destination("Windows server 2012 R2", path).filter(|_| path.contains(':')), None);
    }
    let quotes = "YAML knows no typographic quotes: write plain ones, or none";
    assert_eq!(destination("linux", "“/srv”").as_deref(), Some(quotes));
    assert_eq!(destination("linux", "srv").as_deref(), Some("begin it with `/`"));
    let script = format!("{HEAD}hooks: {{AfterInstall: [{{location: \\scripts\\a.bat}}]}}\n");
    let help = "`\\` is of Windows' paths: write `/`, or `os: windows` where such a host is meant";
    assert_eq!(helps(&script, None), [("A040", help.to_owned())]);
}

#[test]
fn what_follows_the_first_document_is_told_by_what_stands_there() {
    let dashes = vec![("A007", "remove `---` and what follows".to_owned())];
    let other = vec![("A007", "the first document ends above: remove what follows".to_owned())];
    assert_eq!(helps(&format!("{HEAD}---\na: 1\n"), None), dashes);
    assert_eq!(helps(&format!("{HEAD}...\na: 1\n"), None), other);
    let first = |text: &str| {
        let told = check(text.as_bytes(), None, FIRST).findings;
        let told = told.into_iter().find(|found| found.code == "A007").unwrap();
        vec![("A007", told.help.unwrap_or_default())]
    };
    assert_eq!(
        (first(&format!("{HEAD}---\na: 1\n")), first("{\"version\": 0.0, \"os\": \"linux\"}EOF\n")),
        (dashes.clone(), other.clone())
    );
    // What agent 1 takes for a document of its own is one key.
    let marked = first(&format!("\u{feff}{HEAD}"));
    assert_eq!(marked, [("A007", "save the file without the byte order mark at its begin".to_owned())]);
    let managed = "{version: 0.0, Resources: [{f: {Type: \"AWS::Lambda::Function\", Properties: {Name: f, Alias: a, CurrentVersion: 1, TargetVersion: 2}}}]}";
    assert_eq!(helps(&format!("{managed}\n---\na: 1\n"), None), dashes);
    assert_eq!(helps(&format!("{managed}EOF\n"), None), other);
}

#[test]
fn a_mode_that_is_a_truth_is_no_number() {
    let text = format!("{HEAD}permissions: [{{object: /a, mode: No}}]\n");
    let findings = check(text.as_bytes(), None, FIRST).findings;
    assert_eq!(findings[0].message, "without quotes YAML reads `No` as false, which is no mode");
}
