//! `cdctl deploy list`

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::input::seconds;
use crate::api::strings;
use crate::clock;
use crate::commands::missing;
use crate::commands::names::{GroupArgs, GroupName};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::Listing;
use crate::model::{Creator, Deployment, DeploymentStatus};
use crate::revision::Locator;
use crate::view;

/// How many deployments are looked at between two pages of ids.
const CHUNK: usize = 100;

/// List deployments, newest first: of a group, or all
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy list shop/prod --limit 5
  cdctl deploy list --status InProgress,Ready
  cdctl deploy list shop/prod --since 2d --status Failed -o text")]
pub struct Arguments {
    #[command(flatten)]
    group: GroupArgs,

    /// Only those in one of these states
    #[arg(long, value_name = "STATUS,…", value_delimiter = ',')]
    status: Vec<Status>,

    /// Only those created since: a duration such as 2h or 7d, or a time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// Only those created before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,

    /// Only those of this revision
    #[arg(long, value_name = "REVISION")]
    revision: Option<Locator>,

    /// Only those made by one of these
    #[arg(long, value_name = "CREATOR,…", value_delimiter = ',', value_parser = creators())]
    creator: Vec<String>,

    /// Only those of this external id, such as a CloudFormation stack's
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,

    /// How many at most [default: 20 in a table, else all]
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Status {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

/// A point in time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    At(Timestamp),
    /// Seconds.
    Ago(f64),
}

/// `2h`, `7d`, `2026-11-22`, `2026-11-22T12:00:00Z`
fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Moment::At(time));
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(start) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(Moment::At(start.timestamp()));
    }
    let span = text.parse::<jiff::Span>().ok();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    span.and_then(|span| span.total((jiff::Unit::Second, days)).ok())
        .map(|seconds| Moment::Ago(seconds.abs()))
        .ok_or_else(|| "write a duration such as 2h or 7d, or a time such as 2026-11-22T12:00:00Z".to_owned())
}

impl Moment {
    /// As the API's requests have it.
    fn json(self, now: Timestamp) -> Value {
        match self {
            Moment::At(time) => seconds(time),
            Moment::Ago(ago) => {
                let ago = jiff::SignedDuration::try_from_secs_f64(ago).unwrap_or(jiff::SignedDuration::MAX);
                seconds(now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH))
            }
        }
    }
}

fn creators() -> PossibleValuesParser {
    PossibleValuesParser::new(Creator::KNOWN.iter().map(|creator| creator.as_str().to_owned()))
}

impl Status {
    fn model(self) -> DeploymentStatus {
        match self {
            Status::Created => DeploymentStatus::Created,
            Status::Queued => DeploymentStatus::Queued,
            Status::InProgress => DeploymentStatus::InProgress,
            Status::Baking => DeploymentStatus::Baking,
            Status::Ready => DeploymentStatus::Ready,
            Status::Succeeded => DeploymentStatus::Succeeded,
            Status::Failed => DeploymentStatus::Failed,
            Status::Stopped => DeploymentStatus::Stopped,
        }
    }
}

impl Arguments {
    /// What the service filters by.
    fn input(&self, group: Option<&GroupName>, now: Timestamp) -> Value {
        let mut input = group.map_or_else(|| json!({}), GroupName::request);
        if !self.status.is_empty() {
            let names = self.status.iter().map(|status| status.model().as_str().to_owned());
            input["includeOnlyStatuses"] = names.collect::<Vec<_>>().into();
        }
        if let Some(id) = &self.external_id {
            input["externalId"] = id.as_str().into();
        }
        let mut range = json!({});
        if let Some(since) = self.since {
            range["start"] = since.json(now);
        }
        if let Some(until) = self.until {
            range["end"] = until.json(now);
        }
        if range != json!({}) {
            input["createTimeRange"] = range;
        }
        input
    }

    /// What it does not.
    fn wants(&self, deployment: &Deployment) -> bool {
        let creator = deployment.creator.as_ref().map_or("", Creator::as_str);
        let made =
            self.creator.is_empty() || self.creator.iter().any(|name| name.eq_ignore_ascii_case(creator));
        let revision = match (&self.revision, &deployment.revision) {
            (Some(Locator::Revision(wanted)), Some(there)) => wanted.same_object(there),
            (Some(_), _) => false,
            (None, _) => true,
        };
        made && revision
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if !matches!(&arguments.revision, None | Some(Locator::Revision(_))) {
        return Err(Failure::new(
            "--revision takes a place here: s3://BUCKET/KEY or github:OWNER/REPO@COMMIT",
        )
        .exit(Exit::Usage)
        .into());
    }
    let api = context.api().await?;
    let group = arguments.group.named(context)?;
    let doing = match &group {
        Some(group) => format!("list the deployments of {group}"),
        None => "list the deployments".to_owned(),
    };
    let (output, ui) = (&context.settings.output, &context.ui);
    let header = view::deployment::header(group.is_none());
    let mut list = Listing::new(output, ui, "deploymentsInfo", header, "no deployments")
        .spare(view::deployment::SPARE)
        .listed("deployments", |info| info["deploymentId"].clone());
    let limit = list.limit(arguments.limit);
    let mut pages =
        api.pages_of("ListDeployments", arguments.input(group.as_ref(), clock::now())).doing(&doing)?;
    while list.count() < limit {
        let ids = match (pages.next().await, &group) {
            (Ok(Some(page)), _) => strings(page.get("deployments")),
            (Ok(None), _) => break,
            (Err(error), Some(group)) => return Err(missing::explain(api, error, group, doing).await),
            (Err(error), None) => return Err(error).doing(doing),
        };
        let filters = arguments.revision.is_some() || !arguments.creator.is_empty();
        let wanted = if filters { ids.len() } else { limit - list.count() };
        for chunk in ids.get(..wanted).unwrap_or(&ids).chunks(CHUNK) {
            let seen = api.deployments(chunk).await.doing(&doing)?;
            let now = seen.date.unwrap_or_else(clock::now);
            for (deployment, json) in seen.rows("deploymentsInfo") {
                if arguments.wants(&deployment) && list.count() < limit {
                    list.add(json, view::deployment::row(&deployment, now, group.is_none()))?;
                }
            }
        }
    }
    list.finish()?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("2h"), Ok(Moment::Ago(7200.0)));
        assert_eq!(moment("7d"), Ok(Moment::Ago(604_800.0)));
        let noon = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-22T12:00:00Z"), Ok(Moment::At(noon)));
        assert_eq!(Moment::Ago(7200.0).json(noon), json!(1_795_341_600));
        assert!(moment("2026-11-22").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
