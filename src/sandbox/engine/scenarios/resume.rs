//! A sandbox that is killed in the middle of deployments and goes on from its disk.

use super::*;
use crate::sandbox::rows;
use crate::sandbox::state::State;
use crate::sandbox::store::Wait;

impl Sandbox {
    /// From here on its state is kept.
    fn keep(&mut self) {
        let disk = tempfile::tempdir().unwrap();
        let journal = State::open(disk.path(), Some(1)).unwrap().journal(START, self.clock.clone()).unwrap();
        let mut world = std::mem::take(&mut *self.shared.world());
        let mut changes = journal.changes();
        rows::drain(world.parts(), true, &mut rows::Path::default(), &mut changes);
        journal.record(changes, Vec::new(), Vec::new());
        self.disk = Some(disk);
        self.begin(world, journal.into(), 0);
    }

    /// Forgets everything but the disk, and starts again `paused` later. Checks that the disk had all of it.
    fn restart(&mut self, paused: Millis) {
        let before = rows::tree(Value::Null, self.shared.world().parts());
        // What is dropped writes what is left to the disk.
        self.begin(World::default(), Arc::default(), 0);
        let state = State::open(self.disk.as_ref().unwrap().path(), None).unwrap();
        let mut world = World::default();
        state.read(world.parts()).unwrap();
        world.complete();
        assert_eq!(rows::tree(Value::Null, world.parts()), before);
        self.clock.set(self.clock.now() + paused);
        let journal = state.journal(START + paused, self.clock.clone()).unwrap();
        self.begin(world, journal.into(), paused);
    }

    fn begin(&mut self, world: World, journal: Arc<crate::sandbox::state::Journal>, paused: Millis) {
        let (messages, inbox) = channel();
        self.shared = Arc::new(Shared::kept(world, journal, self.clock.clone(), 1));
        let options = options(&self.fleet, &self.faults, &self.local, 1, paused);
        self.driver = Driver::new(Arc::clone(&self.shared), options, messages);
        self.driver.resume();
        self.inbox = inbox;
    }

    /// Runs everything to its end, with a restart after every so many things that happen.
    fn run_killed(&mut self, every: usize, paused: Millis) {
        let mut count = 0;
        while self.step() {
            count += 1;
            assert!(count < 5_000, "it never ends");
            if count % every == 0 {
                self.restart(paused);
            }
        }
        self.restart(0);
    }
}

const SUCCEEDED: DeploymentStatus = DeploymentStatus::Succeeded;

#[test]
fn deployments_in_place_go_on() {
    for every in [1, 5, 17] {
        let mut sandbox = Sandbox::new(TWELVE, 1);
        sandbox.keep();
        let id = sandbox.create("CodeDeployDefault.HalfAtATime", "site.zip", |_| {});
        if every == 1 {
            // Each start of the sandbox is something that happens, too.
            assert!((0..40).all(|_| sandbox.step()));
            sandbox.run_killed(3, 0);
        } else {
            sandbox.run_killed(every, 0);
        }
        assert_eq!(sandbox.end(&id), (SUCCEEDED, None, [12, 0, 0]));
        sandbox.deployment(&id, |deployment| check_events(deployment));
        sandbox.group(|group| {
            assert_eq!((group.active.as_ref(), group.last_successful.as_ref()), (None, Some(&id)));
            assert_eq!(group.hosts.len(), 12);
        });
    }
}

#[test]
fn time_stands_still_while_the_sandbox_is_down() {
    const HOUR: Millis = 3_600_000;
    let quick = {
        let mut sandbox = Sandbox::new(TWELVE, 1);
        let id = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
        sandbox.deployment(&id, |deployment| deployment.completed.unwrap() - deployment.created)
    };
    let mut sandbox = Sandbox::new(TWELVE, 1);
    sandbox.keep();
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run_for(4);
    sandbox.restart(20 * HOUR);
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, SUCCEEDED, "neither an event nor the deployment has run out of time");
    let took = sandbox.deployment(&id, |deployment| deployment.completed.unwrap() - deployment.created);
    assert!((took - 20 * HOUR - quick).abs() < 40_000, "{took} after {quick}");
}

#[test]
fn failures_stops_and_rollbacks_go_on() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    sandbox.keep();
    let good = sandbox.deploy("CodeDeployDefault.AllAtOnce", "good.zip");
    let text = fault("{}", "ApplicationStart");
    let fault = sandbox.faults.add(Fleet::parse(&text, 1).unwrap().faults.remove(0), Millis::MAX).unwrap().id;
    let bad = sandbox.create("CodeDeployDefault.HalfAtATime", "bad.zip", auto_rollback);
    sandbox.run_killed(9, 1_000);
    assert_eq!(sandbox.end(&bad).0, DeploymentStatus::Failed);
    let rollback = sandbox.deployment(&bad, |deployment| deployment.rollback_deployment.clone().unwrap());
    assert_eq!(sandbox.end(&rollback).0, DeploymentStatus::Failed);
    sandbox.region(|region| assert_eq!(region.history, [good.clone(), bad, rollback]));

    // The API has taken the request, and the engine was killed before it heard.
    sandbox.faults.clear(Some(fault));
    let stopped = sandbox.create("CodeDeployDefault.OneAtATime", "next.zip", |_| {});
    sandbox.run_for(8);
    sandbox.deployment(&stopped, |deployment| deployment.stop_requested = Some(Some(false)));
    sandbox.restart(0);
    sandbox.run();
    let (status, error, _) = sandbox.end(&stopped);
    assert_eq!((status, error.as_deref()), (DeploymentStatus::Stopped, Some("MANUAL_STOP")));
}

#[test]
fn zones_go_on_in_their_order() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    sandbox.region(|region| {
        let settings = json!({
            "minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 0},
            "zonalConfig": {"monitorDurationInSeconds": 60},
        });
        let settings = settings.as_object().unwrap().clone();
        region.configs.insert("Zonal".into(), Config { id: "c".into(), created: START, settings })
    });
    sandbox.keep();
    let id = sandbox.create("Zonal", "site.zip", |_| {});
    sandbox.run_killed(11, 10_000);
    assert_eq!(sandbox.end(&id), (SUCCEEDED, None, [12, 0, 0]));
    let spans = |zone: &str| {
        sandbox.deployment(&id, |deployment| {
            let own = deployment.targets.iter().filter(|target| sandbox.zone(&target.id) == zone);
            let events: Vec<_> = own.flat_map(|target| &target.events).collect();
            let start = events.iter().filter_map(|event| event.start).min().unwrap();
            (start, events.iter().filter_map(|event| event.end).max().unwrap())
        })
    };
    let (a, b, c) = (spans("a"), spans("b"), spans("c"));
    assert!(a.1 + 60_000 <= b.0 && b.1 + 60_000 <= c.0, "{a:?} {b:?} {c:?}");
}

#[test]
fn blue_green_deployments_go_on_through_both_waits() {
    for (provisioning, green) in
        [("DISCOVER_EXISTING", Some(super::blue_green::tag("green"))), ("COPY_AUTO_SCALING_GROUP", None)]
    {
        let mut sandbox = super::blue_green::sandbox(
            super::blue_green::FLEET,
            provisioning,
            30,
            super::blue_green::terminate(5),
        );
        sandbox.keep();
        let id = super::blue_green::create(&mut sandbox, green);
        let mut waited = false;
        for count in 0..2_000 {
            let waits = sandbox.deployment(&id, |deployment| deployment.progress.wait == Some(Wait::Ready));
            if waits && !waited {
                waited = true;
                // The API has taken the request, and the engine was killed before it heard.
                sandbox.deployment(&id, |deployment| deployment.progress.continued = Some(Wait::Ready));
                sandbox.restart(0);
            }
            if !sandbox.step() {
                break;
            }
            if count % 4 == 0 {
                sandbox.restart(500);
            }
        }
        assert!(waited);
        assert_eq!(sandbox.end(&id), (SUCCEEDED, None, [4, 0, 0]), "{provisioning}");
        let there: Vec<_> = sandbox.status(REGION).instances.into_iter().map(|host| host.id).collect();
        assert!(!there.iter().any(|id| id == "i-000000b1" || id == "i-000000b2"), "{there:?}");
        assert_eq!(there.len(), if provisioning == "DISCOVER_EXISTING" { 2 } else { 4 });

        // The next one finds the fleet that is left.
        sandbox.restart(0);
        let before = sandbox.deployment(&id, |deployment| deployment.targets[3].id.clone());
        let next = sandbox.create("CodeDeployDefault.AllAtOnce", "next.zip", |_| {});
        sandbox.run();
        sandbox.deployment(&next, |deployment| {
            assert!(deployment.targets.iter().any(|target| target.id == before), "{deployment:?}");
            assert_eq!(deployment.targets.len(), 2);
        });
    }
}

#[test]
fn lambda_and_ecs_go_on_with_hooks_and_shifts() {
    let mut sandbox = Sandbox::new(super::lambda::FLEET, 1);
    sandbox.keep();
    let hooks = "{BeforeAllowTraffic: verify}, {AfterAllowTraffic: silent}";
    let appspec = super::lambda::appspec("1", "2", hooks);
    let id = super::lambda::create(&mut sandbox, "Linear10PercentEvery1Minute", &appspec);
    for count in 0..200 {
        let silent = sandbox.deployment(&id, |deployment| {
            let mut open = deployment.progress.hooks.values_mut();
            open.find(|hook| !hook.over && hook.event == EventName::AfterAllowTraffic).map(|hook| {
                // The API has taken the answer, and the engine was killed before it heard.
                (hook.over, hook.succeeded) = (true, Some(true));
            })
        });
        if silent.is_some() {
            sandbox.restart(0);
        }
        if !sandbox.step() {
            break;
        }
        if count % 2 == 0 {
            sandbox.restart(7_000);
        }
    }
    assert_eq!(sandbox.end(&id).0, SUCCEEDED);
    sandbox.region(|region| assert_eq!(region.functions["checkout"].aliases["live"].version, "2"));

    let mut sandbox = super::ecs::sandbox(super::ecs::FLEET, true, 0, 10);
    sandbox.keep();
    let appspec = super::ecs::appspec("{AfterInstall: verify}");
    let id = super::ecs::create(&mut sandbox, "Canary10Percent5Minutes", &appspec);
    sandbox.run_killed(3, 30_000);
    assert_eq!(sandbox.end(&id).0, SUCCEEDED);
    sandbox.region(|region| assert_eq!(region.services["shop:web"].task_sets.len(), 1));
}

#[test]
fn a_host_that_left_the_fleet_file_has_disappeared() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    sandbox.keep();
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run_for(3);
    let mut fleet = (*sandbox.fleet).clone();
    let left = fleet.instances.pop().unwrap().id;
    sandbox.fleet = fleet.into();
    sandbox.restart(0);
    sandbox.run();
    assert_eq!(sandbox.end(&id), (SUCCEEDED, None, [11, 1, 0]));
    sandbox.deployment(&id, |deployment| {
        let failed = deployment.targets.iter().find(|target| target.status == TargetStatus::Failed).unwrap();
        assert_eq!(failed.id, left);
    });
}

/// Takes events and never answers.
struct Deaf;

impl Hosts for Deaf {
    fn begin(
        &self,
        _: &crate::sandbox::fleet::Instance,
        _: &Arc<Order>,
        _: &EventName,
        _: &mut fastrand::Rng,
        _: Answer,
    ) -> Begun {
        Begun::Answers
    }
}

#[test]
fn a_script_that_ran_fails_as_after_a_restart_of_its_agent() {
    let fleet = "instances: [{id: i-00000001, tags: {Role: web}, kind: local}]";
    let mut sandbox = Sandbox::with_local(fleet, 1, Arc::new(Deaf));
    sandbox.keep();
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run_for(10);
    sandbox.restart(0);
    sandbox.run_for(10);
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Failed);
    sandbox.deployment(&id, |deployment| {
        let event = &deployment.targets[0].events[0];
        let diagnostics = event.diagnostics.as_ref().unwrap();
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
        assert_eq!(diagnostics.message, "Failing in-progress lifecycle event after an agent restart.");
    });
}

#[test]
fn the_timeline_and_its_alarms_do_not_happen_twice() {
    let fleet = format!(
        "{TWELVE}auto_scaling_groups: [pool]\ntimeline:\n- {{at: 5, change: {{alarm: cpu}}}}\n- {{at: 8, change: {{grow: {{group: pool, count: 2}}}}}}\n\
         - {{at: 60, change: {{grow: {{group: pool, count: 1}}}}}}\n"
    );
    let mut sandbox = Sandbox::new(&fleet, 1);
    sandbox.keep();
    sandbox.run_for(10);
    for _ in 0..3 {
        sandbox.restart(0);
    }
    let known = |sandbox: &mut Sandbox| {
        let alarms = sandbox.shared.world().alarms.keys().cloned().collect::<Vec<_>>();
        (alarms, sandbox.status(REGION).instances.len() - 12)
    };
    assert_eq!(known(&mut sandbox), (vec!["cpu".to_owned()], 2));
    sandbox.run_for(60);
    assert_eq!(known(&mut sandbox).1, 3);
    let lost = sandbox.fleet.instances[0].id.clone();
    sandbox.change(Change::Disappear(lost.clone())).unwrap();
    let before = json!(sandbox.status(REGION));
    sandbox.restart(0);
    assert_eq!(json!(sandbox.status(REGION)), before);
    sandbox.change(Change::Appear(lost)).unwrap();
    let mut ids: Vec<_> = sandbox.status(REGION).instances.into_iter().map(|host| host.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 15, "no id was given twice");
}
