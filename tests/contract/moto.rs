//! The verbs against moto's server, which is not ours. It implements 14 of the 47 operations; the others answer with
//! HTTP 500 and a web page.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{ROLE, python};
use crate::support::cdctl::Machine;
use crate::support::proxy::Proxy;

/// What moto implements. Source: moto/codedeploy/responses.py of the pinned version.
const IMPLEMENTED: [&str; 14] = [
    "BatchGetApplications",
    "BatchGetDeployments",
    "CreateApplication",
    "CreateDeployment",
    "CreateDeploymentGroup",
    "GetApplication",
    "GetDeployment",
    "GetDeploymentGroup",
    "ListApplications",
    "ListDeploymentGroups",
    "ListDeployments",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
];

/// moto's server; it ends with this.
struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    fn start() -> Option<Self> {
        let python = python::ready("the verbs against moto")?;
        let mut command = python.script("", "moto_server.py");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Some(Moto { child, url: url.trim().to_owned() })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn the_verbs_work_against_moto() {
    let Some(moto) = Moto::start() else { return };
    let proxy = Proxy::default().listen(&moto.url);
    let machine = Machine::new().against(&proxy.url).set("AWS_MAX_ATTEMPTS", "1");
    let says = |line: &str| machine.run(line).ends_with(0).holds_no_escape().stdout.trim_end().to_owned();
    let json = |line: &str| serde_json::from_str::<Value>(&says(&format!("{line} -o json"))).unwrap();

    let id = says("app create shop --tag Team=web -q");
    says("app create fn --platform lambda");
    assert_eq!(says("app show shop --query application.applicationId -o text"), id);
    let names = json("app list")["applicationsInfo"].as_array().unwrap().len();
    assert_eq!(names, 2);
    assert_eq!(says("app list -o text").lines().count(), 2);
    assert_eq!(says("app ensure shop -q"), id);
    machine.run("app create shop").ends_with(1).complains("ApplicationAlreadyExistsException");
    machine.run("app show shpo").ends_with(1).complains("did you mean application `shop`?");
    says("app tag shop Stage=prod");
    says("app untag shop Team");
    assert_eq!(says("app tags shop -o text"), "Stage\tprod");

    let create = format!("group create shop/prod --ec2-tag Role=web --service-role {ROLE} -q");
    let group = says(&create);
    let info = json("group show shop/prod")["deploymentGroupInfo"].clone();
    assert_eq!(
        (&info["deploymentGroupId"], &info["ec2TagFilters"][0]["Value"]),
        (&group.into(), &"web".into())
    );
    machine.run("group show shop/prdo").ends_with(1).complains("did you mean deployment group `prod`?");

    let revision = "github:me/site@0123456789abcdef0123456789abcdef01234567";
    let id = says(&format!("deploy create shop/prod --revision {revision} --description one -q"));
    let shown = json("deploy show shop/prod")["deploymentInfo"].clone();
    assert_eq!((&shown["deploymentId"], &shown["status"]), (&id.as_str().into(), &"Created".into()));
    let row = says("deploy list shop/prod -o text");
    assert!(row.starts_with(&format!("{id}\tCreated\t")), "{row}");
    assert_eq!(says("deploy list shop/prod --status failed -o text"), "");

    let called: BTreeSet<String> = proxy.operations().into_iter().collect();
    let implemented: BTreeSet<String> = IMPLEMENTED.map(str::to_owned).into();
    let left_out: Vec<_> = implemented.difference(&called).collect();
    assert!(left_out.is_empty(), "never called: {left_out:?}");

    // What it does not implement is a clear error, not a crash.
    let run = machine.run("config list").ends_with(1);
    run.complains("error: cannot list the deployment configurations").complains("HTTP 500");
}
