//! Operations by their wire: JSON in, JSON or a refusal out.

mod account;
mod groups;
mod limits;
mod on_premises;
mod pages;
mod platforms;
mod read_back;
mod refusals;
mod scale;
mod tags;
mod waits;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Operation;
use crate::sandbox::clock::Manual;
use crate::sandbox::fleet::Fleet;
use crate::sandbox::objects::Objects;
use crate::sandbox::rows::List;
use crate::sandbox::store::{HostChange, Wait};
use crate::sandbox::{Conductor, Sandbox, Shared, wire};

const REGION: &str = "eu-west-1";
const NOW: i64 = 1_795_348_800_123;
const ROLE: &str = "arn:aws:iam::123456789012:role/CodeDeploy";

/// What there is beside CodeDeploy.
const ACCOUNT: &str = "
auto_scaling_groups: [pool, more, web]
services:
- {cluster: main, name: web}
- {cluster: main, name: tcp, load_balancer: network}
";

/// Keeps what the engine was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Conductor for Told {
    fn created(&self, region: &str, id: &str) {
        self.0.lock().unwrap().push(format!("created {region} {id}"));
    }

    fn stop_requested(&self, region: &str, id: &str) {
        self.0.lock().unwrap().push(format!("stop {region} {id}"));
    }

    fn continued(&self, region: &str, id: &str, wait: Wait) {
        self.0.lock().unwrap().push(format!("continued {region} {id} {wait:?}"));
    }

    fn unmet<'f>(
        &self,
        filters: &'f [Value],
        _region: &str,
        _changes: &List<HostChange>,
    ) -> Option<&'f Value> {
        filters.iter().find(|filter| filter["Value"] == "nowhere")
    }

    fn hook_answered(&self, region: &str, id: &str, hook_execution_id: &str, succeeded: bool) {
        self.0.lock().unwrap().push(format!("hook {region} {id} {hook_execution_id} {succeeded}"));
    }
}

struct Api {
    shared: Arc<Shared>,
    told: Arc<Told>,
    sandbox: Sandbox,
    _directory: tempfile::TempDir,
}

impl Api {
    fn with_pages_of(page_size: usize) -> Self {
        let shared = Arc::new(Shared::new(Arc::new(Manual::at(NOW)), 7));
        shared.world().declare(&Fleet::parse(ACCOUNT, 1).unwrap(), NOW);
        let directory = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::new(directory.path(), fastrand::Rng::with_seed(1)).unwrap());
        let told = Arc::new(Told::default());
        let sandbox = Sandbox::new(shared.clone(), objects, told.clone(), page_size);
        Api { shared, told, sandbox, _directory: directory }
    }

    /// With the application `shop`, its group `prod` and the Lambda application `fn`.
    fn new() -> Self {
        let api = Self::with_pages_of(100);
        api.ok("CreateApplication", &json!({"applicationName": "shop"}));
        api.ok("CreateApplication", &json!({"applicationName": "fn", "computePlatform": "Lambda"}));
        api.ok(
            "CreateDeploymentGroup",
            &json!({
                "applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": ROLE,
                "ec2TagFilters": [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}],
            }),
        );
        api
    }

    /// What there is beside CodeDeploy becomes what this fleet file says.
    fn declare(&self, fleet: &str) {
        self.shared.world().declare(&Fleet::parse(fleet, 1).unwrap(), NOW);
    }

    /// The answer, `null` for an empty one; `Err` is `code: message` without the code's `Exception`.
    fn call(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let text = input.to_string();
        let operation = Operation::named(operation).expect(operation);
        let output = operation.run(&self.sandbox, REGION, &mut wire::reader(text.as_bytes()).unwrap());
        let output = output.map_err(|refusal| {
            format!("{}: {}", refusal.code.trim_end_matches("Exception"), refusal.message)
        })?;
        Ok(output.map_or(Value::Null, |output| {
            serde_json::from_slice(&wire::write(output.as_ref()).unwrap()).unwrap()
        }))
    }

    #[track_caller]
    fn ok(&self, operation: &str, input: &Value) -> Value {
        self.call(operation, input).unwrap_or_else(|refusal| panic!("{operation} {input}: {refusal}"))
    }

    #[track_caller]
    fn refused(&self, operation: &str, input: &Value, expected: &str) {
        match self.call(operation, input) {
            Ok(answer) => panic!("{operation} {input}: {answer}"),
            Err(refusal) => assert_eq!(refusal, expected, "{operation} {input}"),
        }
    }

    fn deploy(&self) -> String {
        let answer = self.ok("CreateDeployment", &deployment());
        answer["deploymentId"].as_str().unwrap().to_owned()
    }
}

/// A CreateDeployment that works.
fn deployment() -> Value {
    json!({"applicationName": "shop", "deploymentGroupName": "prod", "revision": revision("site.zip")})
}

fn revision(key: &str) -> Value {
    json!({"revisionType": "S3", "s3Location": {"bucket": "releases", "key": key, "bundleType": "zip"}})
}

/// `base` with members of `more`.
fn with(base: &Value, more: &Value) -> Value {
    let mut base = base.clone();
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}
