//! Credentials in a repository's URL: they reach its server, and nobody who lists the machine's programs.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use super::running::left_out;
use crate::support::cdctl::{Machine, Run};

/// A `git` that writes down how it was called, and with it what it calls itself.
const GIT: &str = "#!/bin/sh
tr '\\0' '\\n' </proc/$$/cmdline >>\"$HOME/called\"
GIT_TRACE=\"$HOME/called\" exec /usr/bin/git \"$@\"
";

/// A machine whose `git` is that one.
fn machine() -> Option<Machine> {
    if !Path::new("/usr/bin/git").exists() {
        left_out("credentials, for there is no /usr/bin/git");
        return None;
    }
    let machine = Machine::new();
    let programs = machine.home().join("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("git"), GIT).unwrap();
    fs::set_permissions(programs.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    Some(machine.set("PATH", &path))
}

/// A server that asks who reads, and has nothing; what it is told in the end.
fn server() -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        loop {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let told: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let told = told.iter().find_map(|line| line.strip_prefix("Authorization: "));
            let answer = if told.is_some() { "404 Not Found" } else { "401 Unauthorized" };
            let asks = "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close";
            write!(&stream, "HTTP/1.1 {answer}\r\n{asks}\r\n\r\n").unwrap();
            if let Some(told) = told {
                return told.to_owned();
            }
        }
    };
    (port, thread::spawn(serve))
}

fn bundle(machine: &Machine, url: &str) -> Run {
    let out = machine.home().join("out.zip");
    machine.cdctl(["revision", "bundle", "--git", url, "--file", out.to_str().unwrap()])
}

#[test]
fn credentials_of_a_url_are_told_to_its_server_and_in_no_argument() {
    let Some(machine) = machine() else { return };
    let (port, told) = server();
    let run =
        bundle(&machine, &format!("http://us%40er:s3%2Fcret'\\\\n@127.0.0.1:{port}/o/r@v1")).ends_with(1);
    assert!(!format!("{run}").contains("s3"), "{run}");
    // `us@er:s3/cret'\\n`
    assert_eq!(told.join().unwrap(), "Basic dXNAZXI6czMvY3JldCdcXG4=");
    let called = fs::read_to_string(machine.home().join("called")).unwrap();
    assert!(called.contains(&format!("http://127.0.0.1:{port}/o/r")), "{called}");
    assert!(!called.contains("s3") && !called.contains("us@er") && !called.contains("us%40er"), "{called}");
}

#[test]
fn a_user_alone_is_asked_for_the_password_and_in_no_argument_either() {
    let Some(mut machine) = machine() else { return };
    let (port, told) = server();
    let helper =
        "[credential]\nhelper = \"!printf 'password=of-%s\\\\n' \\\"$(sed -n s/^username=//p)\\\"; :\"\n";
    fs::write(machine.home().join(".gitconfig"), helper).unwrap();
    machine = machine.set("GIT_TERMINAL_PROMPT", "0");
    bundle(&machine, &format!("http://ghp_1@127.0.0.1:{port}/o/r")).ends_with(1);
    // `ghp_1:of-ghp_1`
    assert_eq!(told.join().unwrap(), "Basic Z2hwXzE6b2YtZ2hwXzE=");
    let called = fs::read_to_string(machine.home().join("called")).unwrap();
    assert!(!called.contains("ghp_1"), "{called}");
}
