//! The README's transcripts are real: each ```console block is run again and must come line for line, but where it has `…`.

use crate::support::cdctl::{Machine, package};

/// The ```console blocks: the command behind `$`, and the lines after it. A line `…` stands for any lines, or none.
fn transcripts(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks = Vec::new();
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let mut lines = block.lines();
        let command = lines.next().unwrap().strip_prefix("$ ").unwrap();
        let expected = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        blocks.push((command.to_owned(), expected));
    }
    blocks
}

/// A word without what differs from run to run: times, ports, random names and ids.
fn masked(word: &str) -> String {
    let bare = word.trim_end_matches([':', ',', ';']);
    let is_time = bare.len() == 20 && bare.ends_with('Z') && bare.as_bytes()[4] == b'-';
    let is_duration = bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.ends_with(['s', 'm', 'h'])
        && bare.chars().all(|c| c.is_ascii_digit() || "smh.".contains(c));
    let is_uuid = bare.len() == 36 && bare.matches('-').count() == 4;
    let is_id = (bare.starts_with("d-") && bare.len() == 11) || (bare.starts_with("i-") && bare.len() == 19);
    if is_time || is_duration || is_uuid || is_id || bare.starts_with("http://127.0.0.1:") {
        return "#".to_owned();
    }
    if let Some((before, after)) = word.split_once("cdctl-sandbox-") {
        let rest = after.find('/').map_or("", |slash| &after[slash..]);
        return format!("{before}#{rest}");
    }
    word.split_once("versionId=")
        .map_or_else(|| word.to_owned(), |(before, _)| format!("{before}versionId=#"))
}

fn mask(line: &str) -> String {
    let words = line.split(' ').map(masked);
    // Where temporary files live is the machine's business.
    words
        .map(|word| word.rsplit_once("/#/").map_or(word.clone(), |(_, rest)| format!("#/{rest}")))
        .collect::<Vec<_>>()
        .join(" ")
}

fn holds(command: &str, expected: &[String]) {
    let output =
        Machine::new().command("sh").arg("-c").arg(format!("{command} --speed 4 2>&1")).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    if let Err(wanted) = is_told(expected, &output) {
        panic!("`{command}` does not print (in this place): {wanted}\n{output}");
    }
}

/// Else the line that does not come in its place.
fn is_told(expected: &[String], output: &str) -> Result<(), String> {
    let mut lines = output.lines().filter(|line| !line.is_empty()).map(mask);
    let mut any = false;
    for line in expected {
        if line == "…" {
            any = true;
            continue;
        }
        let wanted = mask(line);
        let comes = if any { lines.any(|line| line == wanted) } else { lines.next() == Some(wanted) };
        if !comes {
            return Err(line.clone());
        }
        any = false;
    }
    if any || lines.next().is_none() { Ok(()) } else { Err("nothing more".to_owned()) }
}

#[test]
fn the_transcripts_are_what_the_tool_prints() {
    let readme = std::fs::read_to_string(package("README.md")).unwrap();
    let transcripts = transcripts(&readme);
    assert!(transcripts.len() >= 2);
    std::thread::scope(|scope| {
        for (command, expected) in &transcripts {
            scope.spawn(|| holds(command, expected));
        }
    });
}

#[test]
fn a_line_may_be_left_out_only_where_it_says_so() {
    let told =
        |expected: &str| is_told(&expected.lines().map(str::to_owned).collect::<Vec<_>>(), "a\n\nb\nc\n");
    for right in ["a\nb\nc", "a\n…\nc", "…\nb\n…\nc", "a\n…"] {
        assert_eq!(told(right), Ok(()), "{right}");
    }
    for (wrong, line) in [("a\nc", "c"), ("b\nc", "b"), ("a\nb", "nothing more"), ("…\nc\nb", "b")] {
        assert_eq!(told(wrong), Err(line.to_owned()), "{wrong}");
    }
}

#[test]
fn only_what_differs_is_masked() {
    assert_eq!(
        mask("2026-11-23T01:48:53Z d-14VFCFA5D created    shop/prod site-1.zip"),
        "# # created    shop/prod site-1.zip"
    );
    assert_eq!(
        mask("$ cdctl revision push /tmp/cdctl-sandbox-Lq7YPa/site s3://b/k"),
        "$ cdctl revision push #/site s3://b/k"
    );
    assert_eq!(mask("after 24s: ok 12/12"), "after # ok 12/12");
    assert_eq!(mask("registered s3://b/k?versionId=ZkHz with"), "registered s3://b/k?versionId=# with");
}
