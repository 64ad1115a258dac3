//! Values that only the account or this machine knows. Whatever goes wrong, there are just fewer of them.

use clap::Arg;
use futures_util::future::join;
use serde_json::{Value, json};

use super::Candidate;
use super::line::Place;
use crate::api::{self, Api, ApiError, strings};
use crate::appspec::CODES;
use crate::commands::names::DeploymentName;
use crate::context::Context;
use crate::report::short_revision;
use crate::view;

/// Where the values of an argument are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Applications,
    /// `APP/GROUP`
    Groups,
    /// The groups of the application that the line names.
    GroupNames,
    /// Ids, and `APP/GROUP` for the latest of a group.
    Deployments,
    Configs,
    Revisions,
    Instances,
    GitHubTokens,
    Targets,
    Profiles,
    Regions,
    Operations,
    FindingCodes,
}

/// How many deployments are told about; more than a screen is no help.
const DEPLOYMENTS: usize = 25;

/// The source of an argument's values, by the name that help shows for them. A name that a command is about to
/// make is nobody's.
pub fn source(place: &Place<'_>, arg: &Arg) -> Option<Source> {
    let makes = matches!(place.command.get_name(), "create" | "register") && arg.is_positional();
    match arg.get_value_names()?.first()?.as_str() {
        "APP" | "CONFIG" | "INSTANCE" if makes => None,
        "APP" => Some(Source::Applications),
        "APP/GROUP" => Some(Source::Groups),
        "GROUP" => Some(Source::GroupNames),
        "DEPLOYMENT" | "OTHER" => Some(Source::Deployments),
        "CONFIG" => Some(Source::Configs),
        "REVISION" => Some(Source::Revisions),
        "INSTANCE" => Some(Source::Instances),
        "TOKEN" => Some(Source::GitHubTokens),
        "TARGET" => Some(Source::Targets),
        "REGION" => Some(Source::Regions),
        "OPERATION" => Some(Source::Operations),
        "CODE" => Some(Source::FindingCodes),
        "NAME" if arg.get_id() == "profile" => Some(Source::Profiles),
        _ => None,
    }
}

/// Adds what `source` knows to `found` as it comes, so that a caller who stops waiting keeps what is there.
pub async fn find(
    context: &Context,
    source: Source,
    place: &Place<'_>,
    found: &mut Vec<Candidate>,
) -> anyhow::Result<()> {
    match source {
        Source::Profiles => {
            add(found, api::profile_names(&context.settings.connection).await?);
            return Ok(());
        }
        Source::Regions => {
            add(found, api::REGIONS.iter().map(|region| (*region).to_owned()));
            return Ok(());
        }
        Source::Operations => {
            add(found, api::ALL.iter().map(|operation| operation.name.to_owned()));
            return Ok(());
        }
        Source::FindingCodes => {
            found.extend(CODES.iter().map(|code| Candidate::new(code.id, code.title)));
            return Ok(());
        }
        // Where a revision is deployed, and not looked for.
        Source::Revisions if !matches!(place.command.get_name(), "show" | "list") => {
            found.push(Candidate::new("last-good", "the newest revision that succeeded in the group"));
        }
        _ => {}
    }
    let api = context.api().await?;
    let application = application(context, place);
    match source {
        Source::Applications => pages(api, "ListApplications", json!({}), "applications", found).await?,
        Source::Groups => groups(api, &place.current, found).await?,
        Source::GroupNames => group_names(api, application, "", found).await?,
        Source::Deployments => {
            let mut ids = Vec::new();
            let groups = async {
                if !place.current.starts_with("d-") {
                    groups(api, &place.current, found).await?;
                }
                Ok::<_, ApiError>(())
            };
            let (groups, deployments) = join(groups, deployments(api, &mut ids)).await;
            found.append(&mut ids);
            groups.and(deployments)?;
        }
        Source::Configs => {
            pages(api, "ListDeploymentConfigs", json!({}), "deploymentConfigsList", found).await?;
        }
        Source::Revisions => revisions(api, application, found).await?,
        Source::Instances => {
            pages(api, "ListOnPremisesInstances", json!({}), "instanceNames", found).await?;
        }
        Source::GitHubTokens => {
            pages(api, "ListGitHubAccountTokenNames", json!({}), "tokenNameList", found).await?;
        }
        Source::Targets => targets(context, place, found).await?,
        Source::Profiles | Source::Regions | Source::Operations | Source::FindingCodes => {}
    }
    Ok(())
}

/// The application that the line is about, or that the environment names.
fn application<'a>(context: &'a Context, place: &'a Place<'_>) -> Option<&'a str> {
    let of_group =
        || place.values().filter(|value| !value.contains(':')).find_map(|value| value.split_once('/'));
    // Where an application is the command's one name, its argument is `name`.
    place
        .given("app")
        .or_else(|| of_group().map(|(application, _)| application))
        .or_else(|| place.given("name"))
        .or(context.environment.application.as_deref())
}

fn add(found: &mut Vec<Candidate>, names: impl IntoIterator<Item = String>) {
    found.extend(names.into_iter().map(|name| Candidate::new(name, "")));
}

/// The names of a list, a page at a time.
async fn pages(
    api: &Api,
    operation: &'static str,
    input: Value,
    member: &str,
    found: &mut Vec<Candidate>,
) -> Result<(), ApiError> {
    let mut pages = api.pages_of(operation, input)?;
    while let Some(page) = pages.next().await? {
        add(found, strings(page.get(member)));
    }
    Ok(())
}

/// `APP/` while there are several that the word could mean; the groups of the one where there is one.
async fn groups(api: &Api, word: &str, found: &mut Vec<Candidate>) -> Result<(), ApiError> {
    if let Some((application, _)) = word.split_once('/') {
        return group_names(api, Some(application), &format!("{application}/"), found).await;
    }
    let mut names = Vec::new();
    pages(api, "ListApplications", json!({}), "applications", &mut names).await?;
    names.retain(|name| name.value.starts_with(word));
    if let [only] = names.as_slice() {
        return group_names(api, Some(&only.value), &format!("{}/", only.value), found).await;
    }
    add(found, names.into_iter().map(|name| format!("{}/", name.value)));
    Ok(())
}

async fn group_names(
    api: &Api,
    application: Option<&str>,
    before: &str,
    found: &mut Vec<Candidate>,
) -> Result<(), ApiError> {
    let Some(application) = application else { return Ok(()) };
    let mut names = Vec::new();
    let input = json!({ "applicationName": application });
    pages(api, "ListDeploymentGroups", input, "deploymentGroups", &mut names).await?;
    add(found, names.into_iter().map(|name| format!("{before}{}", name.value)));
    Ok(())
}

/// The newest ids, each with what it is.
async fn deployments(api: &Api, found: &mut Vec<Candidate>) -> Result<(), ApiError> {
    let mut ids = strings(api.send("ListDeployments", &json!({})).await?.get("deployments"));
    ids.truncate(DEPLOYMENTS);
    if ids.is_empty() {
        return Ok(());
    }
    // Who may list but not look gets the ids alone.
    let Ok(seen) = api.deployments(&ids).await else {
        add(found, ids);
        return Ok(());
    };
    found.extend(seen.value.iter().map(|deployment| {
        let group = [&deployment.application, &deployment.group].map(|name| name.as_deref().unwrap_or("?"));
        let revision = deployment.revision.as_ref().map(|it| short_revision(&it.to_string()));
        let help = [deployment.status.as_str(), &group.join("/"), &revision.unwrap_or_default()].join(" ");
        Candidate::new(deployment.id.as_str(), help)
    }));
    Ok(())
}

/// The application's revisions, newest first.
async fn revisions(api: &Api, application: Option<&str>, found: &mut Vec<Candidate>) -> Result<(), ApiError> {
    let Some(application) = application else { return Ok(()) };
    let input =
        json!({ "applicationName": application, "sortBy": "registerTime", "sortOrder": "descending" });
    let mut pages = api.pages_of("ListApplicationRevisions", input)?;
    while let Some(page) = pages.next().await? {
        let locations = page.get("revisions").and_then(Value::as_array).into_iter().flatten();
        let revisions = locations.map(|location| view::revision::read(location).to_string());
        // What the service keeps of an inline AppSpec is no name that it takes.
        add(found, revisions.filter(|revision| !revision.starts_with("appspec:")));
    }
    Ok(())
}

/// The targets of the deployment that the line names, or of the latest of the group that it or the environment does.
async fn targets(context: &Context, place: &Place<'_>, found: &mut Vec<Candidate>) -> anyhow::Result<()> {
    let names = &context.environment;
    let application = place.given("app").or(names.application.as_deref());
    let group = place.given("group").or(names.group.as_deref());
    let of_flags = || format!("{}/{}", application?, group?).parse().ok();
    let name = place.given("name").and_then(|name| name.parse().ok()).or_else(of_flags);
    let Some(name): Option<DeploymentName> = name else { return Ok(()) };
    let id = name.resolve(context, false).await?;
    let input = json!({ "deploymentId": id });
    Ok(pages(context.api().await?, "ListDeploymentTargets", input, "targetIds", found).await?)
}
