//! A deployment group, as far as the tool reads it.

use super::Revision;

/// A `DeploymentGroupInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub application: String,
    pub name: String,
    pub config: Option<String>,
    /// The revision that the group aims at.
    pub target_revision: Option<Revision>,
    /// Deployment ids.
    pub last_successful: Option<String>,
    pub last_attempted: Option<String>,
}
