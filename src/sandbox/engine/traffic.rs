//! Where a Lambda alias or an ECS service sends its traffic, and how a deployment moves it. Works on the store it is
//! given, and decides no moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::declaration::Declaration;
use super::texts;
use crate::model::{ComputePlatform, Creator};
use crate::sandbox::fleet::{Fleet, seeded};
use crate::sandbox::store::{
    ACCOUNT, Alias, Deployment, ErrorInformation, Function, Group, Label, LambdaFunction, Region, Service,
    TargetKind, TaskSet,
};

/// What a deployment moves the traffic of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Traffic {
    Lambda(LambdaFunction),
    Ecs {
        /// `cluster:service`
        service: String,
        /// The target group that the replacement gets.
        target_group: Option<String>,
        /// Back to the original task set; nothing is installed.
        back: bool,
        /// The id that the replacement task set gets.
        task_set: String,
    },
}

impl Traffic {
    /// Checks what a deployment is about, as far as the service does before it starts.
    pub(super) fn open(
        region: &mut Region,
        deployment: &Deployment,
        group: &Value,
        declaration: &Declaration,
        fleet: &Fleet,
    ) -> Result<Self, ErrorInformation> {
        if deployment.platform == ComputePlatform::Lambda {
            lambda(region, deployment, declaration, fleet)
        } else {
            ecs(region, deployment, group, declaration, fleet)
        }
    }

    /// It returns to a task set that is there: nothing is to be installed.
    pub(super) fn goes_back(&self) -> bool {
        matches!(self, Traffic::Ecs { back: true, .. })
    }

    /// The id of the one target.
    ///
    /// The sandbox's choice: a Lambda target's id is the function's name.
    pub(super) fn target_id(&self) -> &str {
        match self {
            Traffic::Lambda(function) => &function.name,
            Traffic::Ecs { service, .. } => service,
        }
    }

    pub(super) fn target_arn(&self, region: &str) -> String {
        match self {
            Traffic::Lambda(function) => {
                format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{}", function.name)
            }
            Traffic::Ecs { service, .. } => {
                format!("arn:aws:ecs:{region}:{ACCOUNT}:service/{}", service.replacen(':', "/", 1))
            }
        }
    }

    /// What the target shows of it now.
    pub(super) fn shown(&self, region: &Region) -> TargetKind {
        match self {
            Traffic::Lambda(function) => TargetKind::Lambda(function.clone()),
            Traffic::Ecs { service, .. } => TargetKind::Ecs(
                region.services.get(service).map(|one| one.task_sets.clone()).unwrap_or_default(),
            ),
        }
    }

    /// ECS: the replacement task set comes up, without traffic.
    pub(super) fn provision(&self, region: &mut Region) {
        let Traffic::Ecs { service, target_group, back: false, task_set } = self else { return };
        let Some(service) = region.services.get_mut(service) else { return };
        let desired = service.task_sets.first().map_or(1, |blue| blue.desired);
        service.task_sets.push(TaskSet {
            id: task_set.clone(),
            desired,
            pending: desired,
            running: 0,
            status: "ACTIVE".to_owned(),
            traffic_weight: 0.0,
            target_group: target_group.clone(),
            label: Some(Label::Green),
        });
    }

    /// ECS: the replacement's tasks run.
    pub(super) fn installed(&self, region: &mut Region) {
        let Traffic::Ecs { service, .. } = self else { return };
        for set in region.services.get_mut(service).into_iter().flat_map(|service| &mut service.task_sets) {
            (set.pending, set.running) = (0, set.desired);
        }
    }

    /// So many percent of the traffic go to the new version or task set from now on.
    pub(super) fn shift(&mut self, region: &mut Region, percent: u32) {
        let share = f64::from(percent);
        match self {
            Traffic::Lambda(function) => {
                function.target_version_weight = share / 100.0;
                let aliases = region.functions.get_mut(&function.name).map(|one| &mut one.aliases);
                if let Some(alias) = aliases.and_then(|aliases| aliases.get_mut(&function.alias)) {
                    if percent == 100 {
                        alias.version.clone_from(&function.target_version);
                        alias.additional = None;
                    } else {
                        alias.additional = Some((function.target_version.clone(), share / 100.0));
                    }
                }
            }
            Traffic::Ecs { service, back, .. } => {
                let gains = if *back { Label::Blue } else { Label::Green };
                let Some(service) = region.services.get_mut(service) else { return };
                for set in &mut service.task_sets {
                    let gaining = set.label == Some(gains);
                    set.traffic_weight = if gaining { share } else { 100.0 - share };
                    if percent == 100 {
                        (if gaining { "PRIMARY" } else { "ACTIVE" }).clone_into(&mut set.status);
                    }
                }
            }
        }
    }

    /// ECS: what serves no more is taken down. Gives what the target shows from then on.
    pub(super) fn terminate(&self, region: &mut Region) -> TargetKind {
        let Traffic::Ecs { service, .. } = self else { return self.shown(region) };
        let Some(service) = region.services.get_mut(service) else { return self.shown(region) };
        for set in service.task_sets.iter_mut().filter(|set| set.status != "PRIMARY") {
            "DRAINING".clone_into(&mut set.status);
            (set.desired, set.running) = (0, 0);
        }
        let shown = TargetKind::Ecs(service.task_sets.clone());
        service.task_sets.retain(|set| set.status == "PRIMARY");
        shown
    }
}

/// Source: AWS's user guide, "Error codes for AWS CodeDeploy", for what is refused; the alias must point at the
/// current version and carry no weights.
fn lambda(
    region: &mut Region,
    deployment: &Deployment,
    declaration: &Declaration,
    fleet: &Fleet,
) -> Result<Traffic, ErrorInformation> {
    let property = |name: &str| declaration.property(name);
    let mut function = LambdaFunction {
        name: property("Name")?,
        alias: property("Alias")?,
        current_version: property("CurrentVersion")?,
        target_version: property("TargetVersion")?,
        target_version_weight: 0.0,
    };
    // What is no change has words of its own.
    if function.current_version != function.target_version {
        declaration.refuse_invalid()?;
    }
    let Some(declared) = fleet.functions.iter().find(|one| one.name == function.name) else {
        return Err(texts::lambda_function_missing(&function.name));
    };
    let stored = region.functions.get_or_insert_with(&function.name, || Function {
        aliases: declared
            .aliases
            .iter()
            .map(|(name, version)| (name.clone(), Alias { version: version.clone(), additional: None }))
            .collect(),
    });
    let Some(alias) = stored.aliases.get(&function.alias) else {
        return Err(texts::lambda_invalid("The Lambda function alias could not be found."));
    };
    if deployment.creator == Creator::Rollback {
        let away = alias.additional.as_ref().map_or(&alias.version, |(version, _)| version);
        function.current_version.clone_from(away);
        return Ok(Traffic::Lambda(function));
    }
    if alias.version != function.current_version || alias.additional.is_some() {
        return Err(texts::lambda_invalid(
            "The Lambda function alias version does not match the current version in AppSpec file.",
        ));
    }
    if function.current_version == function.target_version {
        return Err(texts::lambda_invalid("The target version is the same as the current version."));
    }
    if !declared.versions.is_empty() && !declared.versions.contains(&function.target_version) {
        return Err(texts::lambda_invalid("The target version of the Lambda function could not be found."));
    }
    Ok(Traffic::Lambda(function))
}

fn ecs(
    region: &mut Region,
    deployment: &Deployment,
    group: &Value,
    declaration: &Declaration,
    fleet: &Fleet,
) -> Result<Traffic, ErrorInformation> {
    declaration.refuse_invalid()?;
    let entry = group.get("ecsServices").and_then(|services| services.get(0));
    let member = |name: &str| entry.and_then(|entry| entry.get(name)?.as_str()).unwrap_or_default();
    let id = format!("{}:{}", member("clusterName"), member("serviceName"));
    let Some(declared) = fleet.services.iter().find(|one| one.id() == id) else {
        return Err(texts::ecs_service_missing(&id));
    };
    let pair = group.pointer("/loadBalancerInfo/targetGroupPairInfoList/0/targetGroups");
    let target_group = |index: usize| Some(pair?.get(index)?.get("name")?.as_str()?.to_owned());
    let mut rng = seeded(0, &["task set", &deployment.id]);
    let mut task_set =
        || format!("ecs-svc/{}", rng.u64(1_000_000_000_000_000_000..10_000_000_000_000_000_000));
    let (original, replacement) = (task_set(), task_set());
    let service = region.services.get_or_insert_with(&id, || Service {
        task_sets: vec![TaskSet {
            id: original,
            desired: declared.tasks.into(),
            pending: 0,
            running: declared.tasks.into(),
            status: "PRIMARY".to_owned(),
            traffic_weight: 100.0,
            target_group: target_group(0),
            label: Some(Label::Blue),
        }],
    });
    let back = deployment.creator == Creator::Rollback;
    if !back {
        // What an earlier deployment left half done is replaced.
        service.task_sets.retain(|set| set.status == "PRIMARY");
        for set in &mut service.task_sets {
            set.label = Some(Label::Blue);
            set.traffic_weight = 100.0;
        }
    }
    let used = service.task_sets.first().and_then(|set| set.target_group.clone());
    let free =
        [target_group(0), target_group(1)].into_iter().flatten().find(|name| Some(name) != used.as_ref());
    Ok(Traffic::Ecs { service: id, target_group: free, back, task_set: replacement })
}

/// The group's settings as one value.
pub(super) fn settings(group: &Group) -> Value {
    Value::Object(group.settings.clone())
}
