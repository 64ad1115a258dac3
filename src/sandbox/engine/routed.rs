//! A Lambda or ECS deployment: one target, one event after the other, hooks that call back, traffic that moves in
//! steps, and the waits around it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fastrand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::configuration::Shift;
use super::declaration::Declaration;
use super::driver::{Context, Due, Key, Message, Ticket};
use super::ending::{End, Stop};
use super::faults;
use super::machine::{HookAnswer, Machine, Refusal};
use super::opening::{Opened, start};
use super::shapes::recorded;
use super::traffic::Traffic;
use super::waits::Waits;
use super::{ledger, texts};
use crate::model::{
    DeploymentStatus, Diagnostics, EventName, EventStatus, LifecycleErrorCode, Overview, TargetStatus,
};
use crate::sandbox::fleet::{Hook, Instance, Kind, seeded};
use crate::sandbox::store::{Deployment, ErrorInformation, HookExecution, Millis, Region, Wait};

/// How long a hook function has to call back. Source: AWS's user guide, "AppSpec 'hooks' section".
const HOOK_LIMIT: Millis = 3_600_000;

/// A deployment that has started. All of it is recorded.
#[derive(Serialize, Deserialize)]
pub(super) struct Routed {
    key: Key,
    traffic: Traffic,
    names: Vec<EventName>,
    /// The function that each event invokes. None are in a rollback.
    hooks: BTreeMap<EventName, String>,
    shifts: VecDeque<Shift>,
    /// None once it was waited for.
    ready: Option<i64>,
    termination: Millis,
    /// The event that runs, or comes next.
    at: usize,
    doing: Doing,
    /// When the machine wants to be woken: an earlier moment is an old one.
    due: Option<Millis>,
    /// Taken up as soon as it is set.
    #[serde(skip)]
    over: Option<End>,
    #[serde(with = "drawn")]
    rng: Rng,
}

/// A generator as the seed that goes on where it is.
mod drawn {
    use super::*;

    pub fn serialize<S: Serializer>(rng: &Rng, serializer: S) -> Result<S::Ok, S::Error> {
        rng.get_seed().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rng, D::Error> {
        u64::deserialize(deserializer).map(Rng::with_seed)
    }
}

/// What is going on.
#[derive(Serialize, Deserialize)]
enum Doing {
    /// Nothing has begun.
    Nothing,
    /// The service works, and this is how it will end.
    Event(Result<(), ErrorInformation>),
    /// A function was invoked; what it will say, where that is known.
    Hook { execution: String, answer: Option<bool> },
    /// Traffic is moving.
    Shifting,
    /// `Ready`: somebody must continue, within so many minutes.
    Ready(i64),
    /// Traffic has moved, the old task set is still there.
    Termination,
}

impl Routed {
    /// Reads the AppSpec, checks it against what is there, and starts the deployment.
    pub(super) fn open(context: &mut Context, key: Key) -> Result<Self, Refusal> {
        let (fleet, bundles) = (Arc::clone(&context.options.fleet), Arc::clone(&context.options.bundles));
        let (revision, platform) = context
            .deployment(&key, |deployment| (deployment.revision.clone(), deployment.platform.clone()))
            .ok_or(Refusal::Gone)?;
        // The file is read before the world is locked.
        let declaration = Declaration::of(&revision, &platform, &*bundles).map_err(Refusal::Failed)?;
        let opened =
            context.region(&key.region, |region| start(region, &key, declaration, &fleet, context.now));
        let Opened { traffic, names, hooks, shifts, waits } = opened.unwrap_or(Err(Refusal::Gone))?;
        let rng = seeded(context.options.seed, &["routed", &key.id]);
        Ok(Routed {
            key,
            traffic,
            names,
            hooks,
            shifts: shifts.into(),
            ready: waits.ready,
            termination: waits.termination.unwrap_or(0),
            at: 0,
            doing: Doing::Nothing,
            due: None,
            over: None,
            rng,
        })
    }

    /// Goes on where it was; the error is why it can't.
    pub(super) fn resume(context: &mut Context, key: Key, run: u64, record: Value) -> Result<Self, Refusal> {
        let mut machine: Routed = recorded(record)?;
        machine.key = key;
        machine.due = machine.due.map(|due| due.saturating_add(context.options.paused));
        if let Some(due) = machine.due {
            context.schedule.push(due, Due::Next(run));
        }
        let Doing::Hook { execution, answer: None } = &machine.doing else { return Ok(machine) };
        let told = context.deployment(&machine.key, |deployment| {
            deployment.progress.hooks.get(execution).and_then(|hook| hook.succeeded)
        });
        match told.flatten() {
            // The API had accepted the answer, and the engine had not heard.
            Some(succeeded) => {
                let answer = if succeeded { Ok(()) } else { Err(None) };
                let message = Message::HookAnswered(machine.key.clone(), execution.clone(), answer);
                // Unheard where the sandbox has ended.
                let _ = context.messages.send(message);
            }
            // Lambda may run an asynchronous invocation twice, too.
            None => {
                let function =
                    machine.names.get(machine.at).and_then(|name| machine.hooks.get(name)).cloned();
                if let Some(Hook::Command(command)) = function.and_then(|name| hook_of(context, &name)) {
                    machine.run_program(context, &command, execution).map_err(Refusal::Failed)?;
                }
            }
        }
        Ok(machine)
    }

    /// Starts a program that stands for a hook function; the error is why it does not run.
    fn run_program(
        &self,
        context: &Context,
        command: &[String],
        execution: &str,
    ) -> Result<(), ErrorInformation> {
        let (messages, key, id) = (context.messages.clone(), self.key.clone(), execution.to_owned());
        let answer = Box::new(move |ended: Result<(), Diagnostics>| {
            // Unheard where the sandbox has ended.
            let _ = messages.send(Message::HookAnswered(key, id, ended.map_err(Some)));
        });
        let payload = json!({"DeploymentId": self.key.id, "LifecycleEventHookExecutionId": execution});
        let begun = context.options.programs.invoke(command, &payload, &self.key.region, answer);
        begun.map_err(|why| texts::hook_not_run(&why))
    }

    fn wake(&mut self, context: &mut Context, run: u64, after: Millis) {
        self.due = Some(context.now.saturating_add(after));
        context.after(after, Due::Next(run));
    }

    /// Begins the event that comes next, or what comes after the last.
    fn begin(&mut self, context: &mut Context, run: u64) {
        let Some(name) = self.names.get(self.at).cloned() else { return self.moved(context, run) };
        if name == EventName::BeforeAllowTraffic
            && let Some(minutes) = self.ready.take()
        {
            // The sandbox's choice: the wait is before the events of production traffic.
            self.wait(context, DeploymentStatus::Ready, Wait::Ready, TargetStatus::Ready);
            self.doing = Doing::Ready(minutes);
            return self.wake(context, run, Waits::ready_limit(minutes));
        }
        context.deployment(&self.key, |deployment| ledger::begin(deployment, 0, self.at, context.now));
        if name == EventName::Install {
            self.region(context, |traffic, region| traffic.provision(region));
        }
        let pseudo = Instance::named(self.traffic.target_id(), Kind::Simulated);
        let fault = faults::meet(&context.options.faults, &pseudo, &name, context.now, false);
        if let Some((after, diagnostics)) = fault.outcome(&name, self.rng.fork())
            && diagnostics.message != texts::AGENT_OFFLINE
        {
            self.doing = Doing::Event(Err(error_of(&name, &diagnostics)));
            return self.wake(context, run, after);
        }
        match name {
            EventName::AllowTraffic => {
                self.doing = Doing::Shifting;
                self.shift(context, run);
            }
            _ => self.work(context, run, &name, fault.factor()),
        }
    }

    /// An event other than the move of the traffic.
    fn work(&mut self, context: &mut Context, run: u64, name: &EventName, factor: f64) {
        if let Some(function) = self.hooks.get(name).cloned() {
            return self.invoke(context, run, name, &function, factor);
        }
        let took = self.rng.i64(match name {
            EventName::Install if !self.traffic.goes_back() => 20_000..60_000,
            EventName::AllowTestTraffic => 1_000..4_000,
            // Source: real output: an event without a hook takes about half a second.
            _ => 400..700,
        });
        self.doing = Doing::Event(Ok(()));
        self.wake(context, run, stretched(took, factor));
    }

    /// Invokes a hook's function, which takes so many times as long as usual.
    fn invoke(&mut self, context: &mut Context, run: u64, name: &EventName, function: &str, factor: f64) {
        let execution = execution_id(&mut self.rng);
        context.deployment(&self.key, |deployment| {
            let record = HookExecution { event: name.clone(), over: false, succeeded: None };
            deployment.progress.hooks.insert(execution.clone(), record);
        });
        let (answer, after) = match hook_of(context, function) {
            Some(Hook::Succeeds(seconds)) => in_time(true, millis(seconds * factor)),
            Some(Hook::Fails(seconds)) => in_time(false, millis(seconds * factor)),
            Some(Hook::Never) => (None, HOOK_LIMIT),
            Some(Hook::Command(command)) => {
                if let Err(why) = self.run_program(context, &command, &execution) {
                    self.doing = Doing::Event(Err(why));
                    return self.wake(context, run, 0);
                }
                // Programs run in real time, and so does their limit.
                let limit = std::time::Duration::from_millis(HOOK_LIMIT.unsigned_abs());
                (None, context.shared.clock.span(limit))
            }
            None => {
                // The sandbox's choice: a function that the fleet file does not declare can't be invoked.
                let why = format!("The function {function} could not be invoked.");
                self.doing = Doing::Event(Err(texts::hook_not_run(&why)));
                return self.wake(context, run, 0);
            }
        };
        self.doing = Doing::Hook { execution, answer };
        self.wake(context, run, after);
    }

    /// Moves the traffic one step; the event ends with the last.
    fn shift(&mut self, context: &mut Context, run: u64) {
        let Some(step) = self.shifts.pop_front() else { return self.event_ended(context, run) };
        self.region(context, |traffic, region| traffic.shift(region, step.percent));
        let after = match self.shifts.front() {
            Some(next) => next.after,
            None => self.rng.i64(400..700),
        };
        self.wake(context, run, after);
    }

    fn event_ended(&mut self, context: &mut Context, run: u64) {
        if self.names.get(self.at) == Some(&EventName::Install) {
            self.region(context, |traffic, region| traffic.installed(region));
        }
        // Source: AWS's sample output: targets of ECS show no diagnostics. The sandbox's choice: nor do Lambda's.
        context.deployment(&self.key, |deployment| {
            ledger::end(deployment, 0, self.at, true, None, context.now);
        });
        self.at += 1;
        self.begin(context, run);
    }

    /// The event that runs fails, and the deployment with it.
    fn fail(&mut self, context: &mut Context, error: ErrorInformation, left: Option<Diagnostics>) {
        self.cut(context, left);
        self.over = Some(End::Failed(error));
    }

    /// Nothing more happens on the target.
    ///
    /// Source: AWS's sample output: targets of ECS show no diagnostics. The sandbox's choice: nor do Lambda's, but what
    /// a program of this machine left is of use to whoever wrote it.
    fn cut(&mut self, context: &mut Context, left: Option<Diagnostics>) {
        context.deployment(&self.key, |deployment| {
            let running = deployment.targets.first().and_then(|target| {
                target.events.iter().position(|event| event.status == EventStatus::InProgress)
            });
            if let Some(event) = running {
                ledger::end(deployment, 0, event, false, left, context.now);
            }
            ledger::skip_rest(deployment, 0, context.now);
            set_status(deployment, TargetStatus::Failed, context.now);
        });
    }

    /// All events are over: what is old stays for a while.
    fn moved(&mut self, context: &mut Context, run: u64) {
        context.deployment(&self.key, |deployment| {
            set_status(deployment, TargetStatus::Succeeded, context.now);
        });
        if self.termination == 0 {
            return self.finish(context);
        }
        // Source: aws/containers-roadmap 269: `instanceTerminationWaitTimeStarted` stays false for ECS.
        context.deployment(&self.key, |deployment| deployment.progress.wait = Some(Wait::Termination));
        self.doing = Doing::Termination;
        self.wake(context, run, self.termination);
    }

    fn finish(&mut self, context: &mut Context) {
        context.region(&self.key.region, |region| {
            let shown = self.traffic.terminate(region);
            if let Some(target) =
                region.deployments.get_mut(&self.key.id).and_then(|deployment| deployment.targets.get_mut(0))
            {
                target.kind = shown;
            }
        });
        self.over = Some(End::Succeeded);
    }

    fn wait(&self, context: &Context, status: DeploymentStatus, wait: Wait, target: TargetStatus) {
        context.deployment(&self.key, |deployment| {
            deployment.status = status;
            deployment.progress.wait = Some(wait);
            set_status(deployment, target, context.now);
        });
    }

    /// Changes where traffic goes, and what the target shows of it.
    fn region(&mut self, context: &Context, change: impl FnOnce(&mut Traffic, &mut Region)) {
        context.region(&self.key.region, |region| {
            change(&mut self.traffic, region);
            let shown = self.traffic.shown(region);
            let deployment = region.deployments.get_mut(&self.key.id);
            if let Some(target) = deployment.and_then(|deployment| deployment.targets.get_mut(0)) {
                target.kind = shown;
                target.last_updated = Some(context.now);
            }
        });
    }
}

impl Machine for Routed {
    fn key(&self) -> &Key {
        &self.key
    }

    fn record(&self) -> Value {
        json!(self)
    }

    fn settle(&mut self, context: &mut Context, run: u64) -> Option<End> {
        if matches!(self.doing, Doing::Nothing) {
            self.begin(context, run);
        }
        let end = self.over.take()?;
        context.deployment(&self.key, |deployment| {
            for execution in deployment.progress.hooks.values_mut() {
                execution.over = true;
            }
            // Source: real output: the overview is there once the deployment has ended.
            let failed = deployment.targets.iter().filter(|one| one.status == TargetStatus::Failed).count();
            let [failed, all] = [failed, deployment.targets.len()].map(|n| u64::try_from(n).unwrap_or(0));
            deployment.overview = Some(Overview { succeeded: all - failed, failed, ..Overview::default() });
        });
        Some(end)
    }

    fn ask(&mut self, _context: &mut Context, _run: u64, _target: usize) {}

    fn answered(&mut self, _context: &mut Context, _ticket: Ticket, _diagnostics: Diagnostics) {}

    fn event_ended(&mut self, _context: &mut Context, _ticket: Ticket, _diagnostics: Diagnostics) {}

    fn next(&mut self, context: &mut Context, run: u64) -> Option<End> {
        if self.due.is_none_or(|due| context.now < due) {
            return None;
        }
        self.due = None;
        match &mut self.doing {
            Doing::Nothing => {}
            Doing::Event(Ok(())) => self.event_ended(context, run),
            Doing::Event(Err(error)) => {
                let error = error.clone();
                self.fail(context, error, None);
            }
            Doing::Hook { answer: None, .. } => self.fail(context, texts::hook_timed_out(), None),
            Doing::Hook { execution, answer: Some(answer) } => {
                let (execution, answer) = (execution.clone(), *answer);
                let answer = if answer { Ok(()) } else { Err(None) };
                self.hook_answered(context, run, &execution, answer);
            }
            Doing::Shifting => self.shift(context, run),
            Doing::Ready(minutes) => {
                let minutes = *minutes;
                self.stop(context, Stop::NotContinued(minutes));
            }
            Doing::Termination => self.finish(context),
        }
        None
    }

    /// The sandbox's choice: an event that runs fails at once, and traffic stays where it is.
    fn stop(&mut self, context: &mut Context, stop: Stop) {
        if !matches!(self.doing, Doing::Termination) {
            self.cut(context, None);
        }
        self.due = None;
        self.over = Some(End::Stopped(stop));
    }

    fn continued(&mut self, context: &mut Context, run: u64, wait: Wait) {
        match (&self.doing, wait) {
            (Doing::Ready(_), Wait::Ready) => {
                context.deployment(&self.key, |deployment| {
                    deployment.status = DeploymentStatus::InProgress;
                    deployment.progress.wait = None;
                    set_status(deployment, TargetStatus::InProgress, context.now);
                });
                self.due = None;
                self.begin(context, run);
            }
            (Doing::Termination, Wait::Termination) => {
                self.due = None;
                self.finish(context);
            }
            _ => {}
        }
    }

    fn hook_answered(&mut self, context: &mut Context, run: u64, execution: &str, answer: HookAnswer) {
        if !matches!(&self.doing, Doing::Hook { execution: own, .. } if own == execution) {
            return;
        }
        self.due = None;
        context.deployment(&self.key, |deployment| {
            if let Some(record) = deployment.progress.hooks.get_mut(execution) {
                record.over = true;
            }
        });
        match answer {
            Ok(()) => self.event_ended(context, run),
            Err(left) => self.fail(context, texts::hook_failed(), left),
        }
    }
}

/// What a hook says, and when; nothing where that is later than it may be.
fn in_time(answer: bool, after: Millis) -> (Option<bool>, Millis) {
    ((after < HOOK_LIMIT).then_some(answer), after)
}

/// What the function that an AppSpec names does as a hook, where the fleet file declares it.
fn hook_of(context: &Context, function: &str) -> Option<Hook> {
    let found = context.options.fleet.functions.iter().find(|one| one.name == function_name(function));
    found.map(|function| function.hook.clone())
}

/// Moves the one target to another state. The overview stays away until the deployment has ended.
pub(super) fn set_status(deployment: &mut Deployment, status: TargetStatus, now: Millis) {
    if let Some(target) = deployment.targets.get_mut(0) {
        target.status = status;
        target.last_updated = Some(now);
    }
}

/// What a fault's failure is called on these platforms.
fn error_of(event: &EventName, diagnostics: &Diagnostics) -> ErrorInformation {
    let timed_out = diagnostics.error_code == LifecycleErrorCode::UnknownError
        && diagnostics.message == texts::EVENT_TIMED_OUT;
    match event {
        EventName::Install if timed_out => texts::task_set_timed_out(),
        EventName::Install => texts::task_set_unhealthy(),
        EventName::AllowTraffic | EventName::AllowTestTraffic => texts::traffic_stuck(event.as_str()),
        _ if timed_out => texts::hook_timed_out(),
        _ => texts::hook_failed(),
    }
}

/// A function's name, which may be given as an ARN, with or without a qualifier.
fn function_name(given: &str) -> &str {
    let name = given.split_once(":function:").map_or(given, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}

/// Opaque, as the service's are: base64 of a JSON object. Source: real output.
fn execution_id(rng: &mut Rng) -> String {
    let body: String = (0..64).map(|_| rng.alphanumeric()).collect();
    format!("eyJlbmNyeXB0ZWREYXRhIjoi{body}In0=")
}

#[expect(clippy::cast_possible_truncation, reason = "a duration, saturating")]
fn millis(seconds: f64) -> Millis {
    ((seconds * 1_000.0) as Millis).clamp(0, HOOK_LIMIT)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a duration, saturating")]
fn stretched(took: Millis, factor: f64) -> Millis {
    ((took as f64 * factor) as Millis).clamp(0, HOOK_LIMIT)
}
