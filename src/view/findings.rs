//! Findings in the forms that other tools read: SARIF 2.1 and GitHub's workflow commands.

use serde_json::{Value, json};

use crate::appspec::{CODES, Finding, Severity};
use crate::source::Span;
use crate::ui;

/// A SARIF 2.1.0 log with one run.
///
/// Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
pub fn sarif(path: &str, findings: &[Finding]) -> Value {
    let rules: Vec<Value> = CODES
        .iter()
        .map(|code| {
            json!({
                "id": code.id,
                "shortDescription": { "text": code.title },
                "fullDescription": { "text": code.text },
                "help": { "text": code.text },
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(path, finding)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cdctl",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(path: &str, finding: &Finding) -> Value {
    let region = |span: Span| {
        json!({
            "startLine": span.start.line, "startColumn": span.start.column,
            "endLine": span.end.line, "endColumn": span.end.column,
        })
    };
    let mut location = json!({ "artifactLocation": { "uri": uri(path) } });
    if let Some(span) = finding.span {
        location["region"] = region(span);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": CODES.iter().position(|code| code.id == finding.code),
        "level": finding.severity.as_str(),
        "message": { "text": sentence(finding) },
        "locations": [{ "physicalLocation": location }],
    });
    if let (Some(span), Some(fix)) = (finding.span, &finding.fix)
        && span.start < span.end
    {
        result["fixes"] = json!([{
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(path) },
                "replacements": [{ "deletedRegion": region(span), "insertedContent": { "text": fix } }],
            }],
        }]);
    }
    result
}

/// Message, the other agent's reading, help and what a host reports as one text.
fn sentence(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    match (finding.only, &finding.other) {
        (Some(agent), Some(other)) => {
            text.push_str(&format!(" (agent {}.x; the other agent: {other})", agent.as_str()));
        }
        (Some(agent), None) => text.push_str(&format!(" (agent {}.x)", agent.as_str())),
        (None, _) => {}
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!(". Help: {help}"));
    }
    if let Some(report) = &finding.refusal {
        text.push_str(&format!(". A host would report: {report}"));
    }
    text
}

/// A path as a URI reference: `/` stays, and `s3://`; what a URI cannot hold is percent-encoded.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let (mut uri, path) = match path.strip_prefix("s3://") {
        Some(path) => ("s3://".to_owned(), path),
        None => (String::new(), path),
    };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// A finding as GitHub reads it from a job's output: `::error file=…,line=…::…`.
pub fn github(path: &str, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    // Percent first: the others are written with it. Nothing of a file can end the line or begin another command.
    let data = |text: &str| ui::line(text).replace('%', "%25");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut properties = format!("file={}", property(path.strip_prefix("./").unwrap_or(path)));
    if let Some(span) = finding.span {
        let end =
            if span.end.line == span.start.line { span.end.column.max(2) - 1 } else { span.start.column };
        properties.push_str(&format!(
            ",line={},endLine={},col={},endColumn={}",
            span.start.line,
            span.start.line,
            span.start.column,
            end.max(span.start.column)
        ));
    }
    format!("::{level} {properties},title={}::{}", property(finding.code), data(&sentence(finding)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appspec::{Scope, check};

    fn findings() -> Vec<Finding> {
        check(
            b"version: 0.0\nos: linux\nhooks:\n  AfterInstal:\n    - location: a.sh\n",
            None,
            Scope::default(),
        )
        .findings
    }

    #[test]
    fn github_reads_one_command_a_finding() {
        let line = github("./site/a,b.yml", &findings()[0]);
        assert!(
            line.starts_with("::error file=site/a%2Cb.yml,line=4,endLine=4,col=3,endColumn=13,title=A034::there is no event"),
            "{line}"
        );
        let text = b"version: 0.0\nos: linux\n\"x\\n::error::100%\": 1\n";
        let hostile = check(text, None, Scope::default()).findings;
        let line = github("a", &hostile[0]);
        assert!(!line.contains('\n') && line.contains("\\n::error::100%25"), "{line}");
    }

    #[test]
    fn sarif_names_rule_place_and_level() {
        let log = sarif("site dir/appspec.yml", &findings());
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "A034");
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], "A034");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "site%20dir/appspec.yml");
        assert_eq!(place["region"]["startLine"], 4);
    }

    #[test]
    fn an_object_of_s3_keeps_its_scheme() {
        assert_eq!(uri("s3://releases/a b:c.yml"), "s3://releases/a%20b%3Ac.yml");
    }

    #[test]
    fn what_happens_in_a_deployment_is_told_everywhere() {
        let said = |text: &str| {
            let findings = check(text.as_bytes(), None, Scope::default()).findings;
            sarif("a", &findings)["runs"][0]["results"][0]["message"]["text"].as_str().unwrap().to_owned()
        };
        let unknown = said("version: 0.0\nos: Linux\n");
        assert!(unknown.contains("A host would report: The deployment failed because"), "{unknown}");
        let missing = said("version: 0.0\nResources: []\n");
        assert!(missing.contains("exactly one; the deployment fails. Help: "), "{missing}");
        let sudo = said("version: 0.0\nos: linux\nhooks: {AfterInstall: [{location: a, sudo: \"no\"}]}\n");
        assert!(sudo.contains("(agent 2.x; the other agent: any text is taken for true"), "{sudo}");
    }
}
