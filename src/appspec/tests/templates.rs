//! Placeholders in the forms of many pipelines, and files that can be read only once these are filled in.

use super::*;

const ECS: &str = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: TASK\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n";

const MEANT: Scope = Scope { agent: None, platform: None, placeholders: true };

/// The findings with their severities, of both agents.
fn told(text: &str, scope: Scope) -> Vec<String> {
    let findings = check(text.as_bytes(), None, scope).findings;
    let told =
        |finding: Finding| format!("{} {}: {}", finding.code, finding.severity.as_str(), finding.message);
    findings.into_iter().map(told).collect()
}

#[test]
fn each_pipelines_form_is_a_placeholder() {
    for form in [
        "$(TaskDefArn)",
        "$(Build.TaskDef)",
        "'#{TaskDef}#'",
        "'#{TaskDef}'",
        "__TASK_DEF__",
        "'@TASK_DEF@'",
        "'@project.version@'",
        "((task_def))",
        "'((a/task:def.arn))'",
        "'[[TASK]]'",
        "'[[ .Task ]]'",
        "'[[ env \"TASK\" ]]'",
        "arn:aws:ecs:us-east-1:$account:task-definition/web:$rev",
        "arn:aws:ecs:us-east-1:__ACCOUNT__:task-definition/web:1",
        "arn:aws:ecs:us-east-1:$(Account):task-definition/web:1",
    ] {
        let text = ECS.replace("TASK", form);
        let text = if form.contains("TASK") { ECS.replacen("TASK", form, 1) } else { text };
        let written = form.trim_matches('\'');
        let placeholder = format!("`{written}` is a placeholder: deployed as it is, it fails");
        assert_eq!(told(&text, Scope::default()), [format!("A075 warning: {placeholder}")]);
        assert_eq!(told(&text, MEANT), [format!("A075 note: {placeholder}")]);
        let hosts = format!(
            "version: 0.0\nos: linux\nfile_exists_behavior: {form}\nhooks:\n  AfterInstall:\n    - location: a.sh\n      timeout: {form}\n"
        );
        assert!(told(&hosts, MEANT).iter().all(|told| told.starts_with("A075 note")), "{hosts}");
        assert_eq!(told(&hosts, MEANT).len(), 2, "{hosts}");
    }
    for (text, is) in [
        ("app/__init__.py", false),
        ("__pycache__", false),
        ("node_modules/@scope/app", false),
        ("app@.service", false),
        ("someone@example.com", false),
        ("pages/[[...slug]].js", false),
        ("[[:alpha:]]*", false),
        ("arn:aws:lambda:eu-west-1:111122223333:function:f:$LATEST", false),
        ("Logging__LogLevel__Default", false),
        ("/srv/__APP__/current", true),
        ("/srv/@app@/current", true),
        ("/srv/$(app)/current", true),
    ] {
        assert_eq!(placeholder::is_placeholder(text), is, "{text}");
    }
}

#[test]
fn a_template_is_read_once_it_is_filled_in() {
    let hosts = |body: &str| format!("version: 0.0\nos: linux\n{body}");
    let ecs = |definition: &str| ECS.replace("TASK", definition);
    let port = |port: &str| {
        format!(
            "{{\"version\": 0.0, \"Resources\": [{{\"TargetService\": {{\"Type\": \"AWS::ECS::Service\", \"Properties\": {{\n\"TaskDefinition\": \"arn:aws:ecs:us-east-1:111122223333:task-definition/a\\\"b:1\", \"LoadBalancerInfo\": {{\"ContainerName\": \"web\", \"ContainerPort\": {port}}}}}}}}}]}}\n"
        )
        .replace("a\\\"b", "web")
    };
    let network = "        NetworkConfiguration:\n          AwsvpcConfiguration:\n            Subnets: [${A}, ${B}]\n            SecurityGroups: ['sg-1']\n            AssignPublicIp: ENABLED\n";
    let arn = "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1";
    for (text, written) in [
        (hosts("files:\n  - source: /\n    destination: {{ app }}/current\n"), &["{{ app }}/current"][..]),
        (hosts("files:\n  - source: /\n    destination: %DEST%\n"), &["%DEST%"]),
        (hosts("files:\n  - source: /\n    destination: @DEST@/a\n"), &["@DEST@/a"]),
        (
            hosts("{% if web %}\nfiles:\n  - source: {{ a[\"b\"] }}\n    destination: /srv\n{%- endif %}\n"),
            &["{{ a[\"b\"] }}"],
        ),
        (hosts("files: [{source: /, destination: ${DEST}}]\n"), &["${DEST}"]),
        (ecs("{{ a }}:{{ b }}"), &["{{ a }}:{{ b }}"]),
        (ecs("#{TaskDef}#"), &["#{TaskDef}#"]),
        (ecs("#{TaskDef} # from the build"), &["#{TaskDef}"]),
        (ecs(arn) + network, &["${A}", "${B}"]),
        (port("${PORT}"), &["${PORT}"]),
        (port("<PORT>"), &["<PORT>"]),
        (port("$PORT"), &["$PORT"]),
        (port("{{ port }}"), &["{{ port }}"]),
    ] {
        let notes = told(&text, MEANT);
        assert!(notes.iter().all(|told| told.starts_with("A075 note: ")), "{text}\n{notes:?}");
        let named: Vec<&str> = notes.iter().filter_map(|told| told.split('`').nth(1)).collect();
        let bare: Vec<&str> = written.iter().map(|form| form.trim_matches('"')).collect();
        assert_eq!(named, bare, "{text}");
        // Where it is, in the text as it was written.
        for finding in check(text.as_bytes(), None, MEANT).findings {
            let start = finding.span.unwrap().start;
            let line = text.lines().nth(start.line - 1).unwrap();
            let at: String = line.chars().skip(start.column - 1).collect();
            assert!(written.iter().any(|form| at.starts_with(form)), "{text}\n{at}");
        }
        assert!(check(text.as_bytes(), None, Scope::default()).has_errors(), "{text}");
    }
    let unread =
        check(hosts("files: [{source: /, destination: @DEST@}]\n").as_bytes(), None, Scope::default());
    let help = unread.findings.iter().map(|finding| finding.help.as_deref()).collect::<Vec<_>>();
    assert_eq!(help, [Some(placeholder::HELP)]);
}

#[test]
fn of_branches_the_first_stands_for_all() {
    for (open, other, last, end) in [
        ("{% if w %}", "{% elif v %}", "{% else %}", "{% endif %}"),
        ("{{ if .W }}", "{{ else if .V }}", "{{- else -}}", "{{ end }}"),
        ("{{#if w}}", "{{else if v}}", "{{else}}", "{{/if}}"),
        ("<% if w %>", "<% elsif v %>", "<% else %>", "<% end %>"),
    ] {
        let inner = format!("{open}\n    - location: d.sh\n{last}\nb: [\n{end}\n");
        let text = format!(
            "version: 0.0\n{open}\nos: linux\n{other}\nos: windows\n{inner}{last}\nos: c\n{end}\nhooks:\n  AfterInstall:\n    - location: a.sh\n      tmeout: 3\n"
        );
        let findings = check(text.as_bytes(), None, MEANT).findings;
        let told: Vec<_> =
            findings.iter().map(|found| (found.code, found.span.map(|span| span.start.line))).collect();
        // What stands behind them is read where it stands.
        assert_eq!(told, [("A050", Some(text.lines().count()))], "{text}\n{findings:?}");
    }
}

#[test]
fn megabytes_of_beginnings_are_looked_at_in_a_moment() {
    for open in ["$(", "((", "[[", "@a", "{{", "#{", "<", "${", "{% if %}\n", "{{ else }}\n"] {
        let text = format!("version: 0.0\nos: linux\nx: \"{}\"\n", open.repeat(100_000));
        check(text.as_bytes(), None, MEANT);
        check(text.replace('"', "").as_bytes(), None, MEANT);
    }
}

#[test]
fn filled_in_a_template_is_held_against_the_same_rules() {
    let text = "version: 0.0\nos: Linux\nfiles:\n  - source: {{ source }}/a\n    destination: srv\nhooks:\n  AfterInstal:\n    - location: @A@\n      timeout: 5m\n";
    let told: Vec<String> =
        check(text.as_bytes(), None, MEANT).findings.iter().map(|finding| finding.code.to_owned()).collect();
    assert_eq!(told, ["A004", "A075", "A014", "A034", "A075", "A032"]);
    // What no filling in makes readable is told as it is.
    for text in ["version: 0.0\nos: {{ os }}/a\n\tfiles: []\n", "a: {{ b\n", "a: @b\n", "{\"a\": 1,}\n"] {
        assert!(template::filled(text.as_bytes()).is_none(), "{text}");
    }
    // As it is it can be read.
    for text in ["a: ${B}\nb: <C>\n", "{\"a\": \"${B}\"}\n", "# see #{A}\na: 1 #{b}\n#{c}\n", "[[sg-1]]\n"] {
        assert!(template::filled(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn a_type_that_is_a_placeholder_may_be_any() {
    let text = "version: 0.0\nos: linux\npermissions:\n  - object: /srv\n    type: [\"${T}\"]\n";
    let entry = Entry { kind: Kind::File, mode: 0o644, head: Vec::new() };
    let listing = Listing::from([("a".to_owned(), entry)]);
    let text = text.replace("permissions:", "files:\n  - source: a\n    destination: /srv\npermissions:");
    let findings = check(text.as_bytes(), Some(&listing), MEANT).findings;
    let told: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(told, [("A075", Severity::Note)]);
}

#[test]
fn a_permission_below_a_placeholder_may_be_for_something() {
    let listing = bundle(&[("app/", ""), ("app/a", "")]);
    let with = |destination: &str, permission: &str| {
        let text = format!(
            "{HEAD}files:\n  - {{source: app, destination: '{destination}'}}\npermissions:\n  - {{{permission}}}\n"
        );
        let findings = check(text.as_bytes(), Some(&listing), MEANT).findings;
        findings.into_iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    let noted = [("A075", Severity::Note)];
    assert_eq!(with("/opt/{{ app }}", "object: /opt/myapp, mode: '755'"), noted);
    assert_eq!(with("/opt/app", "object: '/opt/{{ app }}', mode: '755'"), noted);
    assert_eq!(with("/opt/app", "object: /opt/app, pattern: '${P}', mode: '755'"), noted);
    assert_eq!(with("/opt/app", "object: /opt/myapp, mode: '755'"), [("A029", Severity::Warning)]);
}
