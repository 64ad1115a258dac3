//! A name that does not exist is answered with the nearest one that does.

use std::fmt::Display;
use std::time::Duration;

use super::names::GroupName;
use crate::api::{Api, ApiError, ErrorKind};
use crate::error::{Failure, nearest};

/// The error of a call that named `group`: where the application or the group is missing, the existing names are
/// asked for.
pub async fn explain(api: &Api, error: ApiError, group: &GroupName, doing: impl Display) -> anyhow::Error {
    match error.code.as_deref() {
        Some("ApplicationDoesNotExistException") => application(api, error, &group.application, doing).await,
        Some("DeploymentGroupDoesNotExistException") => {
            let names = soon(api.group_names(&group.application)).await;
            suggest(api, &error, ("deployment group", &group.group), names, doing)
        }
        _ => Failure::api(format!("cannot {doing}"), &error).into(),
    }
}

/// The same of a call that named an application.
pub async fn application(api: &Api, error: ApiError, name: &str, doing: impl Display) -> anyhow::Error {
    if error.kind != ErrorKind::NotFound {
        return Failure::api(format!("cannot {doing}"), &error).into();
    }
    let names = soon(api.application_names()).await;
    suggest(api, &error, ("application", name), names, doing)
}

/// The same of a call that named a deployment configuration, as far as it is that which is missing.
pub async fn explain_config(api: &Api, error: &ApiError, name: &str, doing: impl Display) -> anyhow::Error {
    let names = soon(api.config_names()).await;
    suggest(api, error, ("deployment configuration", name), names, doing)
}

/// The same of a call that named an on-premises instance.
pub async fn instance(api: &Api, error: ApiError, name: &str, doing: impl Display) -> anyhow::Error {
    if error.code.as_deref() != Some("InstanceNotRegisteredException") {
        return Failure::api(format!("cannot {doing}"), &error).into();
    }
    let names = soon(api.instance_names()).await;
    suggest(api, &error, ("on-premises instance", name), names, doing)
}

/// The same of a call that named a connection to GitHub.
pub async fn token(api: &Api, error: ApiError, name: &str, doing: impl Display) -> anyhow::Error {
    if error.kind != ErrorKind::NotFound {
        return Failure::api(format!("cannot {doing}"), &error).into();
    }
    let names = soon(api.token_names()).await;
    suggest(api, &error, ("connection to GitHub", name), names, doing)
}

fn suggest(
    api: &Api,
    error: &ApiError,
    (what, wanted): (&str, &str),
    names: Option<Vec<String>>,
    doing: impl Display,
) -> anyhow::Error {
    let failure = Failure::api(format!("cannot {doing}"), error);
    match names {
        Some(names) => failure.help(suggestion(what, wanted, &names, api.region())).into(),
        // Who may not list learns no names, and not that there were none.
        None => failure.into(),
    }
}

/// Names that come at once: the error is known, and what may have been meant is not worth waiting for.
pub async fn soon(names: impl Future<Output = Result<Vec<String>, ApiError>>) -> Option<Vec<String>> {
    const LIMIT: Duration = Duration::from_secs(1);
    tokio::time::timeout(LIMIT, names).await.ok()?.ok()
}

/// What to say of a name that is not there.
pub fn suggestion(what: &str, wanted: &str, names: &[String], region: &str) -> String {
    const SHOWN: usize = 8;
    match nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) if near != wanted => format!("did you mean {what} `{near}`?"),
        _ if names.is_empty() => format!("there is no {what} in region {region}; is the region right?"),
        // What everybody writes, without the prefix that only the service needs.
        _ if names.iter().any(|name| name.strip_prefix("CodeDeployDefault.") == Some(wanted)) => {
            format!("did you mean {what} `CodeDeployDefault.{wanted}`?")
        }
        _ => {
            let more = names.len().saturating_sub(SHOWN);
            let list = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{what}s in region {region}: {list}{more}")
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
            "applications in region eu-west-1: shop, blog"
        );
        assert_eq!(
            suggestion("application", "x", &[], "eu-west-1"),
            "there is no application in region eu-west-1; is the region right?"
        );
    }
}
