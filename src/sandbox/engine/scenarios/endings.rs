//! How deployments end, an ending a platform: the whole timeline of each is the expected text in `endings/`.
//!
//! Every deployment here follows one that went well, which is what a rollback brings back. Expected texts are written
//! anew with `SNAPSHOTS=overwrite`; what they must say is in AWS's user guide, "Deployments".

use snapbox::{assert_data_eq, file};

use super::timeline::Timeline;
use super::*;
use crate::sandbox::store::Wait;

const SOON: i64 = 10;

#[derive(Clone, Copy)]
enum Platform {
    InPlace,
    Balanced,
    /// Blue/green to instances that are there, DISCOVER_EXISTING.
    Found,
    /// Blue/green to a copy of an Auto Scaling group.
    Copied,
    Lambda,
    Ecs,
}

/// What somebody does meanwhile.
#[derive(Clone, Copy)]
enum Act {
    Stop,
    Alarm,
    Continue(Wait),
}

/// How a deployment comes to its end.
#[derive(Default)]
struct Ending {
    name: &'static str,
    faults: Vec<Value>,
    hooks: &'static str,
    rolls_back: bool,
    ready: i64,
    termination: i64,
    acts: Vec<(&'static str, Act)>,
}

fn ending(name: &'static str) -> Ending {
    Ending { name, ..Ending::default() }
}

impl Ending {
    /// An event that a host of these meets does not go well, so many times.
    fn fault(mut self, hosts: &str, event: &str, outcome: Value, times: u64) -> Self {
        let ids: Vec<_> = hosts.split_whitespace().collect();
        let hosts = if ids.is_empty() { json!({}) } else { json!({"ids": ids}) };
        let mut fault = json!({"hosts": hosts, "outcome": outcome, "times": times});
        if !event.is_empty() {
            fault["event"] = json!(event);
        }
        self.faults.push(fault);
        self
    }

    fn fails(self, hosts: &str, event: &str, times: u64) -> Self {
        self.fault(hosts, event, json!({"fail": {}}), times)
    }

    fn hangs(self, event: &str) -> Self {
        self.fault("", event, json!("hang"), 1)
    }

    fn hook(self, hooks: &'static str) -> Self {
        Ending { hooks, ..self }
    }

    fn rolled_back(self) -> Self {
        Ending { rolls_back: true, ..self }
    }

    fn ready(self) -> Self {
        Ending { ready: SOON, ..self }
    }

    fn termination(self) -> Self {
        Ending { termination: SOON, ..self }
    }

    /// As soon as the timeline comes to these words.
    fn at(mut self, words: &'static str, act: Act) -> Self {
        self.acts.push((words, act));
        self
    }
}

impl Platform {
    /// A group that had its first success.
    fn sandbox(self, ending: &Ending) -> Sandbox {
        let fleet = "instances: [{id: i-000000b1, tags: {Color: blue}, auto_scaling_group: pool}, \
                     {id: i-000000e1, tags: {Color: green}}]";
        let blue = blue_green::terminate(ending.termination);
        let mut sandbox = match self {
            Platform::InPlace | Platform::Balanced => Sandbox::new(
                "instances: [{id: i-00000001, tags: {Role: web}}, {id: i-00000002, tags: {Role: web}}]",
                1,
            ),
            Platform::Found => blue_green::sandbox(fleet, "DISCOVER_EXISTING", ending.ready, blue),
            Platform::Copied => blue_green::sandbox(fleet, "COPY_AUTO_SCALING_GROUP", ending.ready, blue),
            Platform::Lambda => Sandbox::new(lambda::FLEET, 1),
            Platform::Ecs => ecs::sandbox(ecs::FLEET, true, ending.ready, ending.termination),
        };
        let good = match self {
            Platform::Lambda => lambda::create(&mut sandbox, "AllAtOnce", &lambda::appspec("1", "2", "")),
            Platform::Ecs => ecs::create(&mut sandbox, "AllAtOnce", &ecs::appspec("")),
            _ => sandbox.create("CodeDeployDefault.AllAtOnce", "good.zip", |_| {}),
        };
        if ending.ready > 0 && matches!(self, Platform::Ecs) {
            sandbox.run_for(300);
            sandbox.driver.take(Message::Continued(sandbox.key(&good), Wait::Ready));
        }
        sandbox.run();
        assert_eq!(sandbox.end(&good).0, DeploymentStatus::Succeeded);
        let alarms = json!({"enabled": true, "alarms": [{"name": "errors"}]});
        sandbox.set_group(json!({"alarmConfiguration": alarms}));
        sandbox
    }

    fn create(self, sandbox: &mut Sandbox, ending: &Ending) -> String {
        let (config, appspec) = match self {
            Platform::InPlace | Platform::Balanced => ("OneAtATime", String::new()),
            Platform::Found | Platform::Copied => ("AllAtOnce", String::new()),
            Platform::Lambda => ("LambdaCanary10Percent5Minutes", lambda::appspec("2", "3", ending.hooks)),
            Platform::Ecs => ("ECSCanary10Percent5Minutes", ecs::appspec(ending.hooks)),
        };
        sandbox.create(&format!("CodeDeployDefault.{config}"), "next.zip", |deployment| {
            let in_place = matches!(self, Platform::InPlace | Platform::Balanced);
            let kind = if in_place { "IN_PLACE" } else { "BLUE_GREEN" };
            let option = if matches!(self, Platform::InPlace) {
                "WITHOUT_TRAFFIC_CONTROL"
            } else {
                "WITH_TRAFFIC_CONTROL"
            };
            let mut settings =
                json!({"deploymentStyle": {"deploymentType": kind, "deploymentOption": option}});
            match self {
                Platform::Found => {
                    settings["targetInstances"] = json!({"tagFilters": blue_green::tag("green")})
                }
                Platform::Lambda => deployment.platform = ComputePlatform::Lambda,
                Platform::Ecs => deployment.platform = ComputePlatform::Ecs,
                _ => {}
            }
            if !appspec.is_empty() {
                deployment.revision =
                    json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": appspec}});
            }
            if ending.rolls_back {
                let events = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"];
                settings["autoRollbackConfiguration"] = json!({"enabled": true, "events": events});
            }
            deployment.settings = settings.as_object().unwrap().clone();
        })
    }

    /// The timeline of a deployment that ends so.
    fn timeline(self, ending: &Ending) -> String {
        let mut sandbox = self.sandbox(ending);
        for fault in &ending.faults {
            sandbox.faults.add(serde_json::from_value(fault.clone()).unwrap(), Millis::MAX).unwrap();
        }
        let id = self.create(&mut sandbox, ending);
        let mut timeline = Timeline::begin(&sandbox);
        let mut acts = ending.acts.iter().peekable();
        while sandbox.step() {
            timeline.look(&sandbox);
            while let Some((_, act)) = acts.next_if(|(words, _)| timeline.is_at(words)) {
                match act {
                    Act::Stop => sandbox.stop(&id, None),
                    Act::Alarm => {
                        sandbox.change(Change::Alarm("errors".into())).unwrap();
                    }
                    Act::Continue(wait) => {
                        sandbox.driver.take(Message::Continued(sandbox.key(&id), *wait));
                    }
                }
                timeline.look(&sandbox);
            }
        }
        assert!(acts.next().is_none(), "{}: the moment never came:\n{}", ending.name, timeline.text);
        check_end(&sandbox, &id, ending);
        timeline.text
    }

    fn endings(self, endings: &[Ending]) -> String {
        let text = |ending: &Ending| format!("# {}\n{}", ending.name, self.timeline(ending));
        endings.iter().map(text).collect::<Vec<_>>().join("\n")
    }
}

/// Nothing is left open, and what was rolled back and its rollback name each other.
fn check_end(sandbox: &Sandbox, id: &str, ending: &Ending) {
    let (status, ..) = sandbox.end(id);
    let rollback = sandbox.deployment(id, |deployment| deployment.rollback_deployment.clone());
    let bad = status != DeploymentStatus::Succeeded;
    assert!(rollback.is_none() || (ending.rolls_back && bad), "{}", ending.name);
    let last = rollback.as_deref().unwrap_or(id);
    sandbox.end(last);
    sandbox.group(|group| {
        assert_eq!((group.last_attempted.as_deref(), &group.active), (Some(last), &None));
    });
    sandbox.region(|region| {
        assert!(region.history.iter().next_back().is_some_and(|youngest| youngest == last));
        let open =
            region.deployments.values().flat_map(|one| one.targets.iter().flat_map(|target| &target.events));
        assert!(open.into_iter().all(|event| event.end.is_some()), "{}", ending.name);
    });
    let Some(rollback) = rollback else { return };
    let told = sandbox.deployment(id, |deployment| deployment.rollback_message.clone());
    assert!(told.is_some_and(|message| message.ends_with(&format!("DeploymentId {rollback}."))));
    sandbox.deployment(&rollback, |deployment| {
        assert_eq!((deployment.rollback_of.as_deref(), &deployment.creator), (Some(id), &Creator::Rollback));
        let told = deployment.rollback_message.as_deref().unwrap();
        assert!(told.ends_with(&format!("to roll back deployment {id}.")), "{told}");
        assert_eq!(deployment.rollback_deployment, None);
    });
}

/// Those that every platform has: `event` is what fails, and `during` what a stop and an alarm interrupt.
fn common(event: &str, during: &'static str) -> Vec<Ending> {
    vec![
        ending("succeeded"),
        ending("failed").fails("", event, 1),
        ending("failed and rolled back").rolled_back().fails("", event, 1),
        ending("stopped by a request").at(during, Act::Stop),
        ending("stopped by a request and rolled back").rolled_back().at(during, Act::Stop),
        ending("stopped by an alarm").at(during, Act::Alarm),
        ending("stopped by an alarm and rolled back").rolled_back().at(during, Act::Alarm),
    ]
}

fn in_place(platform: Platform) -> String {
    let mut endings = common("Install", " Install InProgress");
    endings.extend([
        ending("failed, and so did its rollback").rolled_back().fails("", "Install", 2),
        ending("an event took longer than an hour").hangs("Install"),
        ending("no agent took an event within five minutes").fault("", "", json!("agent-offline"), 1),
    ]);
    platform.endings(&endings)
}

#[test]
fn in_place_without_a_load_balancer() {
    assert_data_eq!(in_place(Platform::InPlace), file!["endings/in_place.txt"]);
}

#[test]
fn in_place_with_a_load_balancer() {
    assert_data_eq!(in_place(Platform::Balanced), file!["endings/in_place_balanced.txt"]);
}

/// What waits end by.
fn waits() -> Vec<Ending> {
    let (ready, termination) = ("READY_WAIT", "TERMINATION_WAIT");
    let ready_ending = |name| ending(name).ready().rolled_back();
    vec![
        ready_ending("continued in the ready wait").at(ready, Act::Continue(Wait::Ready)),
        ready_ending("nobody continued in the ready wait"),
        ready_ending("stopped in the ready wait").at(ready, Act::Stop),
        ending("the termination wait was over").termination(),
        ending("continued in the termination wait")
            .termination()
            .at(termination, Act::Continue(Wait::Termination)),
        ending("stopped in the termination wait and rolled back")
            .termination()
            .rolled_back()
            .at(termination, Act::Stop),
    ]
}

fn blue_green_endings(platform: Platform) -> String {
    let mut endings = common("Install", " Install InProgress");
    endings.extend([
        ending("the blue host kept its traffic; rolled back").rolled_back().fails(
            "i-000000b1",
            "BlockTraffic",
            1,
        ),
        ending("the blue host kept its traffic, and the rollback failed")
            .rolled_back()
            .fails("i-000000b1", "BlockTraffic", 1)
            .fails("i-000000b1", "AllowTraffic", 1),
        ending("an event took longer than an hour").hangs("Install"),
        ending("no agent took an event within five minutes").fault("", "", json!("agent-offline"), 1),
    ]);
    endings.extend(waits());
    platform.endings(&endings)
}

#[test]
fn blue_green_to_instances_that_are_there() {
    assert_data_eq!(blue_green_endings(Platform::Found), file!["endings/blue_green_found.txt"]);
}

#[test]
fn blue_green_to_a_copied_auto_scaling_group() {
    assert_data_eq!(blue_green_endings(Platform::Copied), file!["endings/blue_green_copied.txt"]);
}

/// What hooks end badly by.
fn hooks() -> Vec<Ending> {
    vec![
        ending("a hook failed and it was rolled back").rolled_back().hook("AfterAllowTraffic: refuse"),
        ending("a hook never called back").hook("BeforeAllowTraffic: silent"),
        ending("failed, and so did its rollback").rolled_back().fails("", "AllowTraffic", 2),
    ]
}

#[test]
fn on_lambda() {
    let mut endings = common("AllowTraffic", " AllowTraffic InProgress");
    endings.extend(hooks());
    assert_data_eq!(Platform::Lambda.endings(&endings), file!["endings/lambda.txt"]);
}

#[test]
fn on_ecs() {
    let mut endings = common("AllowTraffic", " AllowTraffic InProgress");
    endings.extend(hooks());
    endings.extend([
        ending("the task set was unhealthy").rolled_back().fails("", "Install", 1),
        ending("the task set took longer than an hour").hangs("Install"),
    ]);
    endings.extend(waits());
    assert_data_eq!(Platform::Ecs.endings(&endings), file!["endings/ecs.txt"]);
}
