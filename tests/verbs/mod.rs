//! Every verb through the built binary, against a sandbox in this process.

mod api;
mod aws_cli;
mod every;
mod formats;
mod lists;
mod migration;
mod nouns;
mod on_premises;
mod requests;
mod scripting;
mod settings;
mod tagging;
mod verbose;

use cdctl::sandbox::server::Server;
use serde_json::Value;

use crate::support::cdctl::{Machine, Run};
use crate::support::stage::{Scene, Stage};

pub const ROLE: &str = "arn:aws:iam::123456789012:role/CodeDeploy";

/// The binary beside a sandbox.
pub struct Shop {
    pub machine: Machine,
    pub server: Server,
    stage: Stage,
}

impl Shop {
    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// An empty account.
    pub fn empty() -> Self {
        Shop::of(Scene::Created, 100)
    }

    pub fn of(scene: Scene, page_size: usize) -> Self {
        let stage = Stage::of(scene, page_size);
        let server = stage.serve();
        let machine = Machine::new().against(&format!("http://{}", server.address()));
        Shop { machine, server, stage }
    }

    /// With the application `shop` and its group `prod`.
    pub fn with_group(scene: Scene) -> Self {
        let shop = Shop::of(scene, 100);
        shop.run("app create shop").ends_with(0).holds_no_escape();
        let group = format!("group create shop/prod --ec2-tag Role=web --service-role {ROLE}");
        shop.run(&group).ends_with(0).holds_no_escape();
        shop
    }

    /// A line that is split at white space.
    pub fn run(&self, line: &str) -> Run {
        self.machine.run(line)
    }

    /// What a line that must succeed prints, without the last line feed.
    #[track_caller]
    pub fn says(&self, line: &str) -> String {
        self.run(line).ends_with(0).holds_no_escape().stdout.trim_end().to_owned()
    }

    /// The same with `-o json`, read.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.says(&format!("{line} -o json"))).unwrap()
    }

    /// The id of a new deployment to `shop/prod`.
    #[track_caller]
    pub fn deploy(&self) -> String {
        self.says(
            "deploy create shop/prod --revision github:me/site@0123456789abcdef0123456789abcdef01234567 -q",
        )
    }

    /// Runs a line with `text` on standard input.
    pub fn fed(&self, line: &str, text: &str) -> Run {
        use std::io::Write;
        let mut command = self.machine.command(crate::support::cdctl::CDCTL);
        command.args(line.split_whitespace());
        for stream in [std::process::Command::stdout, std::process::Command::stderr] {
            stream(&mut command, std::process::Stdio::piped());
        }
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }
}
