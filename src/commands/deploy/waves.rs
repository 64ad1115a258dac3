//! `deploy create --regions`: the same deployment in several regions, wave after wave, in one view. The first failure is
//! the last wave.

use std::sync::Arc;

use serde_json::json;

use super::create::{Arguments, Stage, Taken, take};
use super::keyboard;
use super::sending::Untold;
use super::watching::{Series, unprinted};
use crate::api::source::Watching;
use crate::commands::revision::pushing::Prepared;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Format, Listing};
use crate::settings::{Connection, Settings};
use crate::watch::outcome::worst;
use crate::watch::{Outcome, Watched};

/// One region's part.
struct Place {
    region: String,
    wave: usize,
    context: Context,
    arguments: Arguments,
    /// What became of it; none where it was not started.
    run: Option<Ran>,
    /// It was left before the answer came whether it was.
    untold: bool,
}

struct Ran {
    deployment: String,
    outcome: Outcome,
}

pub async fn run(
    context: &Context,
    arguments: &Arguments,
    prepared: Option<&Prepared>,
) -> anyhow::Result<Exit> {
    let mut places = places(context, arguments);
    let group = arguments.group.resolve(context)?;
    if arguments.dry_run {
        return plan(context, &mut places, prepared).await;
    }
    // What can be wrong in any region is found before the first one is touched.
    for place in &mut places {
        take(&place.context, &mut place.arguments, prepared, Stage::Checked)
            .await
            .map_err(|error| within(error, &place.region))?;
    }
    let mut series = Series::start(context, &arguments.watching)?;
    let input = series.input(context);
    let waves = each(context, &mut series, &mut places, prepared);
    let exit = keyboard::beside(None, input, waves).await?;
    let first = places.first();
    // The one whose service has answered.
    let asked = first.map_or(context, |place| &place.context);
    let idle = places.iter().filter(|place| place.run.is_none());
    idle.for_each(|place| series.left_out(asked, &place.region, place.untold, exit));
    let exit = series.finish(asked, (first.map(|place| &*place.region), &group), exit).await;
    Ok(match summary(context, &places) {
        Ok(()) => exit,
        Err(error) => unprinted(context, error, exit),
    })
}

/// Wave after wave, up to the first that does not end well.
async fn each(
    context: &Context,
    series: &mut Series,
    places: &mut [Place],
    prepared: Option<&Prepared>,
) -> Exit {
    let mut exit = Exit::Ok;
    let mut renewed = false;
    for wave in places.chunk_by_mut(|a, b| a.wave == b.wave) {
        if renewed {
            // The credentials of the wave before are those of this one, and were asked for anew.
            wave.iter_mut()
                .for_each(|place| place.context = place.context.with(place.context.settings.clone()));
        }
        exit = one(context, series, wave, prepared, &mut renewed).await;
        if exit != Exit::Ok {
            break;
        }
    }
    exit
}

/// The regions in the order given, each once, each with its own connection and what it deploys.
fn places(context: &Context, arguments: &Arguments) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for region in &arguments.regions {
        if places.iter().any(|place| place.region == *region) {
            continue;
        }
        let settings = &context.settings;
        let connection = Connection { region: Some(region.clone()), ..settings.connection.clone() };
        let mut own = context.with(Settings { connection, ..settings.clone() });
        let wave = places.len() / arguments.wave_size;
        // Notes of a later wave would stand in the middle of the live view.
        own.ui.quiet |= wave > 0;
        let arguments = arguments.in_region(region);
        places.push(Place {
            region: region.clone(),
            wave,
            context: own,
            arguments,
            run: None,
            untold: false,
        });
    }
    places
}

/// One wave: deploys in each of its regions and watches all of them. The first region that refuses ends it, and so does a
/// signal: what was made by then is watched, and hears of it.
async fn one(
    context: &Context,
    series: &mut Series,
    wave: &mut [Place],
    prepared: Option<&Prepared>,
    renewed: &mut bool,
) -> Exit {
    let (mut watched, mut listeners) = (Vec::new(), Vec::new());
    let mut refused = None;
    let mut timeout = series.timeout();
    for place in wave.iter_mut() {
        if let Some(left) = series.left() {
            refused = Some(left);
            break;
        }
        let listener = context.signals.listen();
        place.arguments.watching.timeout = timeout;
        let idle = context.signals.listeners();
        let started = tokio::select! {
            // First: nothing is begun after it.
            biased;
            left = series.left_unheard(idle) => {
                refused = Some(left);
                break;
            }
            started = start(place, prepared) => started,
        };
        timeout = place.arguments.watching.timeout;
        match started {
            Ok(one) => {
                watched.push(one);
                listeners.push(listener);
            }
            Err(error) => {
                place.untold = error.is::<Untold>();
                refused = Some(series.refuse(context, &within(error, &place.region)));
                break;
            }
        }
    }
    let outcomes = match wave.first() {
        Some(first) if !watched.is_empty() => {
            series.follow(&first.context, &watched, listeners, timeout).await
        }
        _ => Ok(Vec::new()),
    };
    let outcomes = outcomes.unwrap_or_else(|error| {
        refused = Some(series.refuse(context, &error));
        Vec::new()
    });
    *renewed |= watched.iter().any(|watched| watched.source.renewed().is_some());
    let exit = worst(outcomes.iter().map(Outcome::exit).chain(refused));
    for ((place, watched), outcome) in wave.iter_mut().zip(watched).zip(outcomes) {
        place.run = Some(Ran { deployment: watched.deployment, outcome });
    }
    exit
}

async fn start(place: &mut Place, prepared: Option<&Prepared>) -> anyhow::Result<Watched<Watching>> {
    let made = take(&place.context, &mut place.arguments, prepared, Stage::Made).await?;
    // One that --if-changed left as it is has ended well, and so does its watch.
    let deployment = match made {
        Taken::Made(made) => made.created.id,
        Taken::Unchanged(there) => there.id,
        Taken::Checked | Taken::Planned(_) => return Err(Failure::new("no deployment was made").into()),
    };
    let source = Arc::new(Watching::new(place.context.api().await?, &place.context.settings.connection));
    Ok(Watched { source, deployment, region: Some(place.region.clone()) })
}

/// An error in the words that it has, and where it came up.
fn within(error: anyhow::Error, region: &str) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) => failure.within(region).into(),
        Err(error) => error.context(format!("in region {region}")),
    }
}

/// Region by region: what ran and how it ended, and what was not started.
fn summary(context: &Context, places: &[Place]) -> anyhow::Result<()> {
    let output = &context.settings.output;
    if output.format == Format::Ndjson {
        return Ok(());
    }
    let header = ["WAVE", "REGION", "DEPLOYMENT", "OUTCOME", "EXIT"];
    let mut listing = Listing::new(output, &context.ui, "regions", header, "no regions");
    for place in places {
        let run = place.run.as_ref();
        let id = run.map(|run| run.deployment.clone());
        let idle = if place.untold { "unknown" } else { "not_started" };
        let outcome = run.map_or(idle, |run| run.outcome.word());
        let exit = run.map(|run| run.outcome.exit().code());
        listing.add(
            json!({
                "wave": place.wave + 1, "region": place.region, "deploymentId": id, "outcome": outcome,
                "exit": exit,
            }),
            vec![
                (place.wave + 1).to_string(),
                place.region.clone(),
                id.unwrap_or_else(|| "-".to_owned()),
                outcome.replace('_', " "),
                exit.map_or_else(|| "-".to_owned(), |exit| exit.to_string()),
            ],
        )?;
    }
    listing.finish()
}

async fn plan(context: &Context, places: &mut [Place], prepared: Option<&Prepared>) -> anyhow::Result<Exit> {
    let header = ["WAVE", "REGION", "GROUP", "REVISION", "CONFIG"];
    let mut listing = Listing::new(&context.settings.output, &context.ui, "regions", header, "no regions");
    for place in places {
        let taken = take(&place.context, &mut place.arguments, prepared, Stage::Planned).await;
        let Taken::Planned(plan) = taken.map_err(|error| within(error, &place.region))? else {
            continue;
        };
        let request = &plan.request;
        let wave = place.wave + 1;
        let config = request.config.clone().or_else(|| plan.group.value.config.clone());
        let json = place.context.api().await?.planned_deployment(request)?;
        listing.add(
            json!({ "wave": wave, "region": place.region, "request": json }),
            vec![
                wave.to_string(),
                place.region.clone(),
                format!("{}/{}", request.application, request.group),
                request.revision.as_ref().map_or_else(|| "(restart)".to_owned(), ToString::to_string),
                config.unwrap_or_default(),
            ],
        )?;
    }
    listing.finish()?;
    context.ui.note("nothing was changed");
    Ok(Exit::Ok)
}
