//! A name that does not exist is answered with the nearest one that does.

use std::fmt::Display;

use super::names::GroupName;
use crate::api::{Api, ApiError, ErrorKind};
use crate::error::{Failure, nearest};

/// The error of a call that named `group`: where the application, the group or the configuration is missing,
/// the existing names are asked for.
pub async fn explain(api: &Api, error: ApiError, group: &GroupName, doing: impl Display) -> anyhow::Error {
    let failure = Failure::api(format!("cannot {doing}"), &error);
    if error.kind != ErrorKind::NotFound {
        return failure.into();
    }
    let (what, wanted, names) = match error.code.as_deref() {
        Some("ApplicationDoesNotExistException") => {
            let names = api.application_names().await;
            ("application", group.application.as_str(), names)
        }
        Some("DeploymentGroupDoesNotExistException") => {
            ("deployment group", group.group.as_str(), api.group_names(&group.application).await)
        }
        _ => return failure.into(),
    };
    failure.help(suggestion(what, wanted, &names.unwrap_or_default(), api.region())).into()
}

/// The error of a call that named deployment configuration `wanted`, which is not there.
pub async fn explain_config(api: &Api, error: &ApiError, wanted: &str, doing: impl Display) -> anyhow::Error {
    let failure = Failure::api(format!("cannot {doing}"), error);
    let names = api.config_names().await.unwrap_or_default();
    match nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean deployment configuration `{near}`?")).into(),
        None => failure.into(),
    }
}

/// What to say of a name that is not there.
pub fn suggestion(what: &str, wanted: &str, names: &[String], region: &str) -> String {
    const SHOWN: usize = 8;
    match nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) if near != wanted => format!("did you mean {what} `{near}`?"),
        _ if names.is_empty() => format!("there is no {what} in region {region}; is the region right?"),
        _ => {
            let more = names.len().saturating_sub(SHOWN);
            let list = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("region {region} has: {list}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn names_are_suggested() {
        let names: Vec<String> = ["shop", "blog"].map(String::from).to_vec();
        assert_eq!(
            suggestion("application", "shpo", &names, "eu-west-1"),
            "did you mean application `shop`?"
        );
        assert_eq!(
            suggestion("application", "zebra", &names, "eu-west-1"),
            "region eu-west-1 has: shop, blog"
        );
        assert_eq!(
            suggestion("application", "x", &[], "eu-west-1"),
            "there is no application in region eu-west-1; is the region right?"
        );
    }
}
