//! Hosts that answer when they please, as local ones do.

use super::*;
use crate::model::Diagnostics;
use crate::sandbox::fleet::Instance;
use crate::sandbox::host::unknown_error;

const ONE: &str = "generate: [{count: 1, kind: local, tags: {Role: web}}]\n";

/// Keeps the answers for the test to give.
#[derive(Default)]
struct Silent(Mutex<Vec<Answer>>);

impl Silent {
    fn answer(&self) {
        let answer = self.0.lock().unwrap().pop().unwrap();
        answer(Diagnostics::success());
    }
}

impl Hosts for Silent {
    fn begin(
        &self,
        _instance: &Instance,
        _order: &Arc<Order>,
        _event: &EventName,
        _rng: &mut fastrand::Rng,
        answer: Answer,
    ) -> Begun {
        self.0.lock().unwrap().push(answer);
        Begun::Answers
    }
}

fn waiting(hosts: &Silent) -> bool {
    !hosts.0.lock().unwrap().is_empty()
}

#[test]
fn events_end_when_the_host_answers() {
    let hosts = Arc::new(Silent::default());
    let mut sandbox = Sandbox::with_local(ONE, 1, Arc::clone(&hosts) as _);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    for event in 0..7 {
        while !waiting(&hosts) {
            assert!(sandbox.step());
        }
        sandbox.deployment(&id, |deployment| {
            assert_eq!(deployment.targets[0].events[event].status, EventStatus::InProgress);
        });
        sandbox.clock.set(sandbox.clock.now() + 1_000);
        hosts.answer();
    }
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [1, 0, 0]));
    sandbox.deployment(&id, |deployment| {
        check_events(deployment);
        for event in &deployment.targets[0].events {
            assert_eq!(event.end.unwrap() - event.start.unwrap(), 1_000);
        }
    });
}

#[test]
fn a_host_that_disappeared_meanwhile_is_not_heard_whatever_it_says() {
    for diagnostics in [Diagnostics::success(), unknown_error("Script at specified location: a.sh failed")] {
        let hosts = Arc::new(Silent::default());
        let mut sandbox = Sandbox::with_local(ONE, 1, Arc::clone(&hosts) as _);
        let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
        while !waiting(&hosts) {
            assert!(sandbox.step());
        }
        let host = sandbox.fleet.instances[0].id.clone();
        sandbox.change(Change::Disappear(host)).unwrap();
        sandbox.clock.set(sandbox.clock.now() + 1_000);
        let answer = hosts.0.lock().unwrap().pop().unwrap();
        answer(diagnostics);
        sandbox.run();
        sandbox.deployment(&id, |deployment| {
            let event = &deployment.targets[0].events[0];
            assert_eq!(event.status, EventStatus::Failed);
            assert_eq!(event.end.unwrap() - event.start.unwrap(), 3_600_000);
            assert!(!event.diagnostics.as_ref().unwrap().message.contains("a.sh"));
        });
    }
}

#[test]
fn a_host_that_answers_too_late_is_not_heard() {
    let hosts = Arc::new(Silent::default());
    let mut sandbox = Sandbox::with_local(ONE, 1, Arc::clone(&hosts) as _);
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&id).2, [0, 1, 0]);
    let before = sandbox.tree(&id);
    hosts.answer();
    sandbox.run();
    assert_eq!(before, sandbox.tree(&id));
    let first = &before["targets"][0]["events"][0];
    assert_eq!(first["end"].as_i64().unwrap() - first["start"].as_i64().unwrap(), 3_600_000);
}

#[test]
fn an_events_limit_is_its_own() {
    let hosts = Arc::new(Silent::default());
    let mut sandbox = Sandbox::with_local(ONE, 1, Arc::clone(&hosts) as _);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    while !waiting(&hosts) {
        assert!(sandbox.step());
    }
    sandbox.clock.set(sandbox.clock.now() + 60_000);
    hosts.answer();
    sandbox.run();
    assert_eq!(sandbox.end(&id).2, [0, 1, 0]);
    sandbox.deployment(&id, |deployment| {
        let [first, second, ..] = deployment.targets[0].events.as_slice() else { panic!() };
        assert_eq!(first.end.unwrap() - first.start.unwrap(), 60_000);
        assert_eq!(second.end.unwrap() - second.start.unwrap(), 3_600_000);
    });
}

#[test]
fn a_slow_host_is_heard_of_later() {
    let hosts = Arc::new(Silent::default());
    let fleet = format!("{ONE}faults: [{{event: ApplicationStop, outcome: {{slow: 5}}}}]\n");
    let mut sandbox = Sandbox::with_local(&fleet, 1, Arc::clone(&hosts) as _);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    while !waiting(&hosts) {
        assert!(sandbox.step());
    }
    sandbox.clock.set(sandbox.clock.now() + 1_000);
    hosts.answer();
    while !waiting(&hosts) {
        assert!(sandbox.step());
    }
    sandbox.deployment(&id, |deployment| {
        let event = &deployment.targets[0].events[0];
        assert_eq!(event.end.unwrap() - event.start.unwrap(), 5_000);
    });
}
