//! `deploy report`: the page in a real browser, from the service and from a recording, and its other forms.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::cdctl::Machine;
use crate::support::sandbox::{SIMULATED, Sandbox};

/// Half of twelve hosts fail, and what they say would like to be a page's script.
const HOSTILE: &str = r###"
buckets: [{name: releases, versioning: true}]
generate: [{count: 12, zones: [a, b], tags: {Role: web}}]
faults:
  - hosts: {zone: b}
    event: ApplicationStart
    outcome:
      fail:
        script: "</style><script>document.title='owned'</script>"
        exit_code: 3
        log: "</pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> a tail"
"###;

/// Looks at the page in a frame of its own, as the page itself forbids every script.
const HARNESS: &str = r##"<!doctype html><meta charset="utf-8"><body><script>
const frame = document.createElement("iframe");
frame.style = "border:0;height:2000px;width:" + location.hash.slice(1) + "px";
frame.src = "report.html";
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement, css = frame.contentWindow.getComputedStyle;
  const bars = [...page.querySelectorAll("svg.bar")].map(bar => bar.getBoundingClientRect());
  const pre = page.querySelector("pre");
  document.body.textContent = "SEEN" + JSON.stringify({
    title: page.title, tags: page.querySelectorAll("script,img,iframe,object,embed,link,base,form").length,
    overflow: root.scrollWidth - root.clientWidth, background: css(page.body).backgroundColor,
    rows: page.querySelectorAll(".rows li[class]").length, failed: page.querySelectorAll("li.failed").length,
    narrowest: Math.min(...bars.map(bar => bar.width)), bars: bars.length,
    shapes: page.querySelectorAll("svg.bar rect").length, log: pre && pre.textContent,
    fill: css(page.querySelector("rect.bad")).fill, area: page.querySelectorAll("svg.area").length,
  }) + "SEEN";
};
document.body.append(frame);
</script>"##;

/// What a browser makes of the page `html`, that many pixels wide.
fn seen(html: &str, width: u32, dark: bool) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("report.html"), html).unwrap();
    fs::write(folder.path().join("harness.html"), HARNESS).unwrap();
    let output = browser(folder.path())?
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
        .arg("--dump-dom")
        .arg(format!("file://{}/harness.html#{width}", folder.path().display()))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!log.contains("CONSOLE"), "the console says something:\n{log}");
    let json = dom.split("SEEN").nth(1).unwrap_or_else(|| panic!("nothing was seen\n{dom}\n{log}"));
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(serde_json::from_str(&json).unwrap())
}

/// Chromium with a profile of its own that talks to nobody.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn browser(folder: &Path) -> Option<Command> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        let run = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    });
    let Some(name) = found else {
        eprintln!("left out: no chromium is installed");
        assert!(std::env::var_os("CI").is_none(), "CI has to look at the page in a browser");
        return None;
    };
    let mut command = Command::new(name);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--allow-file-access-from-files", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=20000", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .env("HOME", folder)
        .stdin(Stdio::null());
    Some(command)
}

/// A deployment that has run, and where its events are.
fn deployed(machine: &Machine) -> (String, String) {
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let record = machine.home().join("a.ndjson").display().to_string();
    let create =
        "deploy create shop/prod --revision s3://releases/a.zip --config CodeDeployDefault.AllAtOnce";
    let run = machine.run(&format!("{create} --watch --interval 100ms --record {record}")).ends_with(0);
    (run.stdout.trim().to_owned(), record)
}

#[test]
fn the_page_is_looked_at_in_a_browser() {
    let sandbox = Sandbox::start(HOSTILE, 60);
    let machine = sandbox.with_group();
    let (id, record) = deployed(&machine);
    let live = machine.run(&format!("deploy report {id} -f html")).ends_with(0);
    assert!(live.stdout.starts_with("<!doctype html>"), "{live}");
    let replayed = Machine::new().run(&format!("deploy report --replay {record} -f html")).ends_with(0);
    for (html, width, dark) in [(&live.stdout, 1100, false), (&replayed.stdout, 360, true)] {
        let Some(seen) = seen(html, width, dark) else { return };
        assert_eq!(seen["title"], format!("{id} Succeeded"), "{seen}");
        assert_eq!(seen["tags"], 0, "{seen}");
        assert_eq!(seen["overflow"], 0, "nothing sticks out at {width} pixels: {seen}");
        assert_eq!(
            (&seen["rows"], &seen["failed"], &seen["bars"]),
            (&12.into(), &6.into(), &12.into()),
            "{seen}"
        );
        assert!(seen["narrowest"].as_f64().unwrap() > 200.0, "{seen}");
        assert!(seen["shapes"].as_u64().unwrap() >= 36, "{seen}");
        assert!(seen["log"].as_str().unwrap().contains("<script>document.title='owned'</script>"), "{seen}");
        let (background, fill) = if dark {
            ("rgb(20, 23, 26)", "rgb(255, 107, 107)")
        } else {
            ("rgb(255, 255, 255)", "rgb(198, 40, 40)")
        };
        assert_eq!((&seen["background"], &seen["fill"]), (&background.into(), &fill.into()), "{seen}");
    }
}

#[test]
fn a_report_is_text_and_data_too() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    let (id, record) = deployed(&machine);
    let text = machine.run("deploy report shop/prod").ends_with(0).holds_no_escape();
    let _ = text.says(&format!("## Deployment `{id}`: `Succeeded` after ")).says("| `ValidateService` | 4 |");
    let query = "timelines[0].targets[].status";
    let run = machine.run(&format!("deploy report {id} -o json --query {query}")).ends_with(0);
    let statuses: Vec<String> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(statuses, ["Succeeded"; 4]);
    let replayed = machine.run(&format!("deploy report --replay {record} -f json")).ends_with(0);
    let data: Value = serde_json::from_str(&replayed.stdout).unwrap();
    assert_eq!(data["timelines"][0]["deploymentId"], id);
    assert_eq!(data["timelines"][0]["targets"].as_array().unwrap().len(), 4);
    machine.run("deploy report").ends_with(2).complains("no deployment is named");
    machine.run("deploy report --replay /nowhere -f html").ends_with(1).complains("/nowhere");
}

#[test]
fn a_rollback_is_in_the_report_of_what_it_rolls_back() {
    let sandbox = Sandbox::start(SIMULATED, 100);
    let machine = sandbox.with_group();
    let (_, _) = deployed(&machine);
    machine.run("revision push examples/site s3://releases/b.zip --app shop").ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/b.zip --auto-rollback stop";
    let id = machine.run(create).ends_with(0).stdout.trim().to_owned();
    machine.run(&format!("deploy stop {id} --yes")).ends_with(0);
    machine.run(&format!("deploy wait {id}")).ends_with(5);
    let text = machine.run(&format!("deploy report {id}")).ends_with(0).stdout;
    assert_eq!(text.matches("## Deployment `d-").count(), 2, "{text}");
}
