//! Deployments that something outside made, by its id: CloudFormation's, by the stack's.

use aws_sdk_codedeploy::operation::delete_resources_by_external_id::{
    DeleteResourcesByExternalIdInput, DeleteResourcesByExternalIdOutput,
};

use crate::sandbox::operations::{Call, Refusal};
use crate::sandbox::store::Deployment;

/// Forgets the deployments of an id; the model has no error for an id that is absent or unknown.
pub fn delete_by_external_id(
    call: &mut Call<'_>,
    input: DeleteResourcesByExternalIdInput,
) -> Result<DeleteResourcesByExternalIdOutput, Refusal> {
    if let Some(id) = input.external_id() {
        call.region.keep_deployments(|deployment| !has_external_id(deployment, id));
    }
    Ok(DeleteResourcesByExternalIdOutput::builder().build())
}

pub fn has_external_id(deployment: &Deployment, id: &str) -> bool {
    deployment.settings.get("externalId").is_some_and(|own| own == id)
}
