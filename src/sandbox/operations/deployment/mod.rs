//! Deployments: made here, moved along by the engine, read and stopped here.

mod create;
mod external;
mod hook;
mod info;
mod list;
mod rules;
mod stop;
mod wait;

pub use create::create;
pub use external::delete_by_external_id;
pub use hook::hook_answer;
pub use info::{batch_get, get};
pub use list::list;
pub use stop::stop;
pub use wait::{go_on, skip_wait};

use serde_json::{Map, Value};

use super::Refusal;
use crate::sandbox::store::{Deployment, Region};

/// The form of a deployment id: `d-` and nine of `[A-Z0-9]`.
///
/// SANDBOX: the service's own check is not known; what cannot be an id gets `InvalidDeploymentIdException`, what
/// could be one `DeploymentDoesNotExistException`.
pub fn deployment_id(given: Option<&str>) -> Result<&str, Refusal> {
    let Some(id) = given.filter(|id| !id.is_empty()) else {
        return Err(Refusal::new("DeploymentIdRequiredException", "Deployment ID is missing"));
    };
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    match id.strip_prefix("d-") {
        Some(rest) if rest.len() == 9 && rest.bytes().all(fits) => Ok(id),
        _ => Err(Refusal::new("InvalidDeploymentIdException", format!("Deployment ID is not valid: {id}"))),
    }
}

/// Whether the deployment brings up new instances, tasks or versions beside the old ones.
pub fn is_blue_green(deployment: &Deployment) -> bool {
    style(&deployment.settings, "deploymentType") == Some("BLUE_GREEN")
}

/// A member of `deploymentStyle` among the settings of a group or a deployment.
fn style<'s>(settings: &'s Map<String, Value>, member: &str) -> Option<&'s str> {
    settings.get("deploymentStyle")?.get(member)?.as_str()
}

/// The deployment with this id.
pub fn find<'r>(region: &'r Region, id: &str) -> Result<&'r Deployment, Refusal> {
    region.deployments.get(id).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refusal {
    Refusal::new("DeploymentDoesNotExistException", format!("The deployment {id} could not be found"))
}
