//! How a Lambda or ECS deployment starts: what it is about, checked against what is there. Works on the store it is
//! given.

use std::collections::BTreeMap;

use super::configuration::{Configuration, Shift};
use super::declaration::Declaration;
use super::driver::Key;
use super::in_place::group_of;
use super::machine::Refusal;
use super::routed::set_status;
use super::traffic::{self, Traffic};
use super::waits::Waits;
use super::{ledger, texts};
use crate::model::{ComputePlatform, Creator, DeploymentStatus, EventName, TargetStatus};
use crate::sandbox::fleet::Fleet;
use crate::sandbox::store::{Millis, Region};

/// What a deployment is about, and how it goes.
pub(super) struct Opened {
    pub(super) traffic: Traffic,
    pub(super) names: Vec<EventName>,
    pub(super) hooks: BTreeMap<EventName, String>,
    pub(super) shifts: Vec<Shift>,
    pub(super) waits: Waits,
}

/// Checks what a deployment is about and starts it; the error is why it fails instead.
pub(super) fn start(
    region: &mut Region,
    key: &Key,
    declaration: Declaration,
    fleet: &Fleet,
    now: Millis,
) -> Result<Opened, Refusal> {
    let deployment = region.deployments.get(&key.id).ok_or(Refusal::Gone)?;
    let group = group_of(region, deployment)?;
    let settings = traffic::settings(group);
    let mut waits = Waits::of(&deployment.settings, &group.settings);
    let shifts = Configuration::named(&deployment.config, region).and_then(|config| config.shifts());
    let shifts = shifts.ok_or_else(|| Refusal::Failed(texts::config_missing(&deployment.config)))?;
    let tested = settings.pointer("/loadBalancerInfo/targetGroupPairInfoList/0/testTrafficRoute").is_some();
    let names: Vec<EventName> = match deployment.platform {
        ComputePlatform::Lambda => EventName::ALLOW_TRAFFIC.to_vec(),
        _ => EventName::ECS.iter().filter(|name| tested || !is_test(name)).cloned().collect(),
    };
    let mut hooks = declaration.hooks.clone();
    if deployment.creator == Creator::Rollback {
        // The sandbox's choice: a rollback waits for nobody and asks no function.
        waits = Waits { ready: None, termination: Some(0) };
        hooks.clear();
    }
    let Some(mut deployment) = region.deployments.remove(&key.id) else { return Err(Refusal::Gone) };
    let opened = Traffic::open(region, &deployment, &settings, &declaration, fleet);
    if let Ok(traffic) = &opened {
        deployment.status = DeploymentStatus::InProgress;
        deployment.started = Some(now);
        let (id, arn) = (traffic.target_id(), traffic.target_arn(&key.region));
        deployment.targets = vec![ledger::pending(id, arn, traffic.shown(region), &names)].into();
        set_status(&mut deployment, TargetStatus::InProgress, now);
    }
    region.deployments.insert(key.id.clone(), deployment);
    let traffic = opened.map_err(Refusal::Failed)?;
    Ok(Opened { traffic, names, hooks, shifts, waits })
}

fn is_test(name: &EventName) -> bool {
    matches!(name, EventName::AllowTestTraffic | EventName::AfterAllowTestTraffic)
}
