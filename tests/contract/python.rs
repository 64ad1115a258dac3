//! The virtual environment, made once a set of pins.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PINS: &str = include_str!("requirements.txt");

/// Programs of the virtual environment.
#[derive(Clone, Debug)]
pub struct Python {
    venv: PathBuf,
}

/// The virtual environment; none where there is no python3, and then `tests` names what is left out.
pub fn ready(tests: &str) -> Option<Python> {
    static READY: OnceLock<Option<Python>> = OnceLock::new();
    let python = READY.get_or_init(install).clone();
    if python.is_none() {
        // Not through `eprintln!`: the harness keeps that back for tests that pass.
        let line = format!("\nleft out, for there is no python3: {tests}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert!(std::env::var_os("CI").is_none(), "left out although CI is set: {tests}");
    }
    python
}

fn install() -> Option<Python> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let venv = target.join("contract-venv");
    let stamp = venv.join("pins.txt");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(PINS) {
        let _ = fs::remove_dir_all(&venv);
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(venv.join("bin/python")).args(pip).arg(fixture("requirements.txt")));
        fs::write(&stamp, PINS).unwrap();
    }
    Some(Python { venv })
}

/// A file beside this one.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(name)
}

impl Python {
    /// botocore's own description of the service.
    pub fn service_model(&self) -> serde_json::Value {
        let script = "import botocore.loaders, json; \
                      print(json.dumps(botocore.loaders.Loader().load_service_model('codedeploy', 'service-2')))";
        let output = run(Command::new(self.venv.join("bin/python")).args(["-c", script]));
        serde_json::from_str(&output).unwrap()
    }

    /// The folder of the programs.
    pub fn bin(&self) -> PathBuf {
        self.venv.join("bin")
    }

    /// A program of the environment, set up to talk to the sandbox at `url` and to nothing else.
    pub fn program(&self, name: &str, url: &str) -> Command {
        let mut command = Command::new(self.venv.join("bin").join(name));
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.venv.join("bin").display()))
            .env("HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("PYTHONPATH", fixture(""))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "1");
        command
    }

    /// One of the scripts beside this file.
    pub fn script(&self, url: &str, name: &str) -> Command {
        let mut command = self.program("python", url);
        command.arg(fixture(name));
        command
    }
}

/// The standard output of a command that must succeed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}{err}");
    out.into_owned()
}
