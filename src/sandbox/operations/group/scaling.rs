//! The Auto Scaling groups of a deployment group: they are there, and take its lifecycle hooks.

use aws_sdk_codedeploy::types::AutoScalingGroup;
use serde_json::{Map, Value};

use crate::sandbox::operations::{Call, Refusal};
use crate::sandbox::store::Region;

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_GROUPS: usize = 10;
/// Of one Auto Scaling group. Source: Amazon EC2 Auto Scaling user guide, "Quotas".
const MAX_HOOKS: usize = 50;

/// Checks what a call gives. What a group has already stays, whatever became of it.
pub fn check(call: &Call<'_>, given: &[AutoScalingGroup]) -> Result<(), Refusal> {
    let names = given.iter().map(|group| group.name().unwrap_or_default());
    if let Some(missing) = call.missing_scaling_group(names) {
        return Err(no_scaling_group(missing));
    }
    if given.len() > MAX_GROUPS {
        let message = format!("Deployment Groups cannot contain more than {MAX_GROUPS} Auto Scaling groups");
        return Err(Refusal::new("InvalidAutoScalingGroupException", message));
    }
    Ok(())
}

/// SANDBOX: in which words it is refused is not known.
pub fn no_scaling_group(name: &str) -> Refusal {
    let message = format!(
        "The Auto Scaling group {name} does not exist. Cause: The fleet of the sandbox has no such group."
    );
    Refusal::new("InvalidAutoScalingGroupException", message)
}

/// CodeDeploy puts a hook or two on each of a group's Auto Scaling groups, which takes only so many. `own` is the id of the
/// group that is being changed.
pub fn refuse_too_many_hooks(
    region: &Region,
    settings: &Map<String, Value>,
    own: Option<&str>,
) -> Result<(), Refusal> {
    let applications = region.applications.values();
    let others = applications.flat_map(|application| application.groups.values());
    let others: Vec<_> = others.filter(|group| own != Some(group.id.as_str())).collect();
    for (name, hooks) in hooks(settings) {
        let all = others.iter().flat_map(|group| self::hooks(&group.settings));
        let taken: usize = all.filter(|(other, _)| *other == name).map(|(_, hooks)| hooks).sum();
        if hooks > 0 && taken + hooks > MAX_HOOKS {
            // SANDBOX: in which words it is refused is not known.
            let message =
                format!("The Auto Scaling group {name} cannot have more than {MAX_HOOKS} lifecycle hooks");
            return Err(Refusal::new("LifecycleHookLimitExceededException", message));
        }
    }
    Ok(())
}

/// Each of a group's Auto Scaling groups, with how many hooks of its own it has there.
fn hooks(settings: &Map<String, Value>) -> impl Iterator<Item = (&str, usize)> {
    let groups = settings.get("autoScalingGroups").and_then(Value::as_array).into_iter().flatten();
    groups.filter_map(|group| {
        let hooks = ["hook", "terminationHook"].into_iter().filter(|kind| group.get(kind).is_some()).count();
        Some((group.get("name")?.as_str()?, hooks))
    })
}
