//! What the driver keeps of deployments that have not ended, and how it goes on with them after a restart.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Driver, Key, Run};
use crate::sandbox::engine::ending::{End, Stop};
use crate::sandbox::engine::machine::Refusal;
use crate::sandbox::engine::shapes::resume;
use crate::sandbox::engine::{scaling, texts};
use crate::sandbox::store::Deployment;

impl Driver {
    /// Goes on with what had not ended when the sandbox was down.
    pub(in crate::sandbox::engine) fn resume(&mut self) {
        let shared = Arc::clone(&self.context.shared);
        let _step = shared.journal.step();
        let mut unended = Vec::new();
        for (name, region) in shared.world().regions.iter() {
            let ids = region
                .history
                .iter()
                .filter(|id| region.deployments.get(*id).is_some_and(|one| !one.status.is_terminal()));
            unended.extend(ids.map(|id| Key { region: name.clone(), id: id.clone() }));
        }
        for key in unended {
            self.resume_one(key);
        }
    }

    fn resume_one(&mut self, key: Key) {
        let read = |one: &mut Deployment| (one.engine.clone(), one.progress.continued, one.stop_requested);
        let Some((record, continued, stop)) = self.context.deployment(&key, read) else { return };
        if record.is_null() {
            return self.created(key);
        }
        self.last_run += 1;
        let id = self.last_run;
        self.by_key.insert(key.clone(), id);
        self.runs.insert(id, Run::Created(key.clone()));
        scaling::suspend(&mut self.context, &key);
        let paused = self.context.options.paused;
        let overdue = record.get("overdue").and_then(Value::as_i64).map(|at| at.saturating_add(paused));
        let own = record.get("machine").cloned().unwrap_or_default();
        match resume(&mut self.context, key, id, own) {
            Ok(machine) => self.started(id, machine, overdue),
            Err(Refusal::Failed(error)) => return self.end(id, End::Failed(error)),
            Err(Refusal::Gone | Refusal::NoInstances) => {
                return self.end(id, End::Failed(texts::not_resumed()));
            }
        }
        // What the API had accepted and the engine had not heard.
        if let Some(wait) = continued {
            self.with(id, |machine, context| {
                machine.continued(context, id, wait);
                None
            });
        }
        if stop.is_some() {
            self.stop(id, Stop::Requested);
        }
    }

    /// Keeps what is needed to go on with a deployment after a restart.
    pub(super) fn keep(&self, id: u64) {
        let Some(Run::Started { machine, overdue }) = self.runs.get(&id) else { return };
        if !self.context.shared.journal.keeps() {
            return;
        }
        let record = json!({"overdue": overdue, "machine": machine.record()});
        let Key { region, id } = machine.key();
        let mut world = self.context.shared.world();
        let found = world.regions.get(region).and_then(|region| region.deployments.get(id));
        if found.is_some_and(|deployment| deployment.engine != record)
            && let Some(region) = world.regions.get_mut(region)
            && let Some(deployment) = region.deployments.get_mut(id)
        {
            deployment.engine = record;
        }
    }
}
