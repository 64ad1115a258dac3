//! Application revisions: what may be one, and which are registered.

use aws_sdk_codedeploy::operation::batch_get_application_revisions::{
    BatchGetApplicationRevisionsInput, BatchGetApplicationRevisionsOutput,
};
use aws_sdk_codedeploy::operation::get_application_revision::{
    GetApplicationRevisionInput, GetApplicationRevisionOutput,
};
use aws_sdk_codedeploy::operation::list_application_revisions::{
    ListApplicationRevisionsInput, ListApplicationRevisionsOutput,
};
use aws_sdk_codedeploy::operation::register_application_revision::RegisterApplicationRevisionInput;
use aws_sdk_codedeploy::types::{
    ApplicationRevisionSortBy as SortBy, GenericRevisionInfo, ListStateFilterAction, RevisionInfo,
    RevisionLocation, RevisionLocationType, SortOrder,
};
use serde_json::Value;

use super::page::page;
use super::revision_rules::{check, content_missing};
use super::rules::{application_name, batch, description, one_of, time};
use super::{Call, Empty, Refusal, application};
use crate::sandbox::store::{Application, Millis, Registered};
use crate::sandbox::wire;

/// Source: the service model's documentation of BatchGetApplicationRevisions.
const MAX_BATCH: usize = 25;
/// Bytes of a key. Source: Amazon S3 user guide, "Naming Amazon S3 objects".
const MAX_KEY: usize = 1024;

/// Registering again changes nothing but the description.
pub fn register(call: &mut Call<'_>, input: RegisterApplicationRevisionInput) -> Result<Empty, Refusal> {
    let name = application_name(input.application_name())?;
    let application = application::find(call.region, name)?;
    description(input.description())?;
    let revision = check(input.revision(), &application.platform)?;
    let revision = complete(application, revision).map_err(|_| content_missing())?;
    let now = call.now;
    let registered = enter(application::find_mut(call.region, name)?, revision, now);
    if input.description.is_some() {
        registered.description = input.description;
    }
    Ok(Empty)
}

/// The entry of a revision, a new one where it is not registered yet.
pub fn enter(application: &mut Application, revision: Value, now: Millis) -> &mut Registered {
    let known = application.revisions.iter().position(|entry| same(&entry.revision, &revision));
    let new =
        || Registered { revision, description: None, registered: now, first_used: None, last_used: None };
    application.revisions.get_or_push_with(known, new)
}

pub fn get(
    call: &mut Call<'_>,
    input: GetApplicationRevisionInput,
) -> Result<GetApplicationRevisionOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    let asked = check(input.revision(), &application.platform)?;
    let entry = find(application, &asked)?;
    Ok(GetApplicationRevisionOutput::builder()
        .application_name(&application.name)
        .revision(location(&entry.revision)?)
        .revision_info(info(application, entry))
        .build())
}

/// Revisions that are not registered are named in `errorMessage`. SANDBOX: its words are not known.
pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetApplicationRevisionsInput,
) -> Result<BatchGetApplicationRevisionsOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    if input.revisions().is_empty() {
        check(None, &application.platform)?;
    }
    let asked: Result<Vec<Value>, Refusal> =
        input.revisions().iter().map(|revision| check(Some(revision), &application.platform)).collect();
    let asked = asked?;
    batch(asked.len(), MAX_BATCH)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for revision in &asked {
        match application.revisions.iter().find(|entry| same(&entry.revision, revision)) {
            Some(entry) => found.push(
                RevisionInfo::builder()
                    .revision_location(location(&entry.revision)?)
                    .generic_revision_info(info(application, entry))
                    .build(),
            ),
            None => missing.push(words(revision)),
        }
    }
    let error = (!missing.is_empty()).then(|| format!("No revision found for: {}", missing.join(", ")));
    Ok(BatchGetApplicationRevisionsOutput::builder()
        .application_name(&application.name)
        .set_revisions(Some(found))
        .set_error_message(error)
        .build())
}

pub fn list(
    call: &mut Call<'_>,
    input: ListApplicationRevisionsInput,
) -> Result<ListApplicationRevisionsOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    check_list(&input)?;
    let numbered = (0_u64..).zip(&application.revisions);
    let mut entries: Vec<(String, &Registered)> = numbered
        .filter(|(_, entry)| is_asked_for(application, entry, &input))
        .map(|(number, entry)| (place(&input, number, entry), entry))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let page = page(call, &input, input.next_token(), entries, |(place, _)| place.clone())?;
    let revisions: Result<Vec<_>, _> =
        page.items.iter().map(|(_, entry)| location(&entry.revision)).collect();
    Ok(ListApplicationRevisionsOutput::builder()
        .set_revisions(Some(revisions?))
        .set_next_token(page.next)
        .build())
}

/// Where an entry is in the order that is asked for: by time, and by its number where times are equal.
fn place(input: &ListApplicationRevisionsInput, number: u64, entry: &Registered) -> String {
    let time = match input.sort_by() {
        Some(SortBy::FirstUsedTime) => entry.first_used,
        Some(SortBy::LastUsedTime) => entry.last_used,
        _ => Some(entry.registered),
    };
    let rank = (time.map_or(0, |time| time.unsigned_abs().saturating_add(1)), number);
    let (time, number) = match input.sort_order() {
        Some(SortOrder::Descending) => (!rank.0, !rank.1),
        _ => rank,
    };
    format!("{time:020} {number:020}")
}

fn check_list(input: &ListApplicationRevisionsInput) -> Result<(), Refusal> {
    if let Some(by) = input.sort_by() {
        one_of(by.as_str(), SortBy::values(), "InvalidSortByException", "Sort by")?;
    }
    if let Some(order) = input.sort_order() {
        one_of(order.as_str(), SortOrder::values(), "InvalidSortOrderException", "Sort order")?;
    }
    let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    if input.s3_bucket().is_some_and(|name| !(3..=63).contains(&name.len()) || !name.chars().all(in_name)) {
        let message = "The bucket name filter is not valid";
        return Err(Refusal::new("InvalidBucketNameFilterException", message));
    }
    if input.s3_key_prefix().is_some_and(|prefix| prefix.len() > MAX_KEY) {
        let message = format!("A key prefix cannot be longer than {MAX_KEY} bytes");
        return Err(Refusal::new("InvalidKeyPrefixFilterException", message));
    }
    if input.s3_key_prefix().is_some() && input.s3_bucket().is_none() {
        let message = "A key prefix can only be used with a bucket name";
        return Err(Refusal::new("BucketNameFilterRequiredException", message));
    }
    if let Some(action) = input.deployed() {
        let known = ListStateFilterAction::values();
        one_of(action.as_str(), known, "InvalidDeployedStateFilterException", "Deployed state filter")?;
    }
    Ok(())
}

fn is_asked_for(
    application: &Application,
    entry: &Registered,
    input: &ListApplicationRevisionsInput,
) -> bool {
    let s3 = &entry.revision["s3Location"];
    let bucket_fits = input.s3_bucket().is_none_or(|bucket| s3["bucket"] == bucket);
    let key_fits = input
        .s3_key_prefix()
        .is_none_or(|prefix| s3["key"].as_str().is_some_and(|key| key.starts_with(prefix)));
    let state_fits = match input.deployed() {
        Some(ListStateFilterAction::Include) => is_target(application, entry),
        Some(ListStateFilterAction::Exclude) => !is_target(application, entry),
        _ => true,
    };
    bucket_fits && key_fits && state_fits
}

/// Whether some group aims at it: what the service calls deployed.
fn is_target(application: &Application, entry: &Registered) -> bool {
    application.groups.values().any(|group| group.target_revision.as_ref() == Some(&entry.revision))
}

fn info(application: &Application, entry: &Registered) -> GenericRevisionInfo {
    let groups = application.groups.values();
    let aiming = groups.filter(|group| group.target_revision.as_ref() == Some(&entry.revision));
    GenericRevisionInfo::builder()
        .set_description(entry.description.clone())
        .set_deployment_groups(Some(aiming.map(|group| group.name.clone()).collect()))
        .set_first_used_time(entry.first_used.map(time))
        .set_last_used_time(entry.last_used.map(time))
        .register_time(time(entry.registered))
        .build()
}

/// Stored as they came: quotes around an eTag make another revision. An inline AppSpec is its SHA-256.
fn same(stored: &Value, asked: &Value) -> bool {
    stored == asked || inline_sum(asked).is_some_and(|sum| inline_sum(stored) == Some(sum))
}

/// The SHA-256 of an inline AppSpec.
fn inline_sum(revision: &Value) -> Option<&str> {
    let sum = |member: &str| revision.get(member)?.get("sha256")?.as_str();
    sum("appSpecContent").or_else(|| sum("string"))
}

/// A revision with everything that deploying it takes: an inline AppSpec may be named by its SHA-256 alone.
///
/// # Errors
/// `RevisionDoesNotExistException` where that AppSpec was never registered.
pub fn complete(application: &Application, asked: Value) -> Result<Value, Refusal> {
    let has_content = ["appSpecContent", "string"].iter().any(|member| asked[*member]["content"].is_string());
    if inline_sum(&asked).is_none() || has_content {
        return Ok(asked);
    }
    find(application, &asked).map(|entry| entry.revision.clone())
}

fn find<'a>(application: &'a Application, asked: &Value) -> Result<&'a Registered, Refusal> {
    application.revisions.iter().find(|entry| same(&entry.revision, asked)).ok_or_else(|| {
        Refusal::new("RevisionDoesNotExistException", format!("No revision found for: {}", words(asked)))
    })
}

/// The SDK's shape of a stored revision.
pub fn location(revision: &Value) -> Result<RevisionLocation, Refusal> {
    let Value::Object(members) = revision else {
        return Err(Refusal::internal("a revision is not an object"));
    };
    Ok(wire::typed(members, RevisionLocation::deserialize)?)
}

/// A revision in an error message.
fn words(revision: &Value) -> String {
    let text = |pointer: &str| revision.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match RevisionLocationType::from(text("/revisionType")) {
        RevisionLocationType::S3 => {
            format!("s3://{}/{}", text("/s3Location/bucket"), text("/s3Location/key"))
        }
        RevisionLocationType::GitHub => {
            format!("{}@{}", text("/gitHubLocation/repository"), text("/gitHubLocation/commitId"))
        }
        _ => inline_sum(revision).unwrap_or_default().to_owned(),
    }
}
