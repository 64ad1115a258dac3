//! What `revision run` looks at before anything runs: the AppSpec, and the events that were chosen.

use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

use super::fetched::Names;
use crate::appspec::{self, Agent, AppSpec, Finding, Os, Platform, Scope, Severity};
use crate::error::{Failure, nearest};
use crate::exit::Exit;
use crate::model::EventName;
use crate::revision::{Selection, Source, check_as};
use crate::runner::{self, Host, Isolation, Specification};
use crate::ui::{self, Ui};

/// codedeploy-local's order: what a host does in a deployment with a load balancer, whose own events are none of its.
fn defaults() -> impl Iterator<Item = &'static EventName> {
    let is_ours = |event: &&EventName| !matches!(event, EventName::BlockTraffic | EventName::AllowTraffic);
    EventName::IN_PLACE_BALANCED.iter().filter(is_ours)
}

fn is_default(event: &EventName) -> bool {
    defaults().any(|known| known == event)
}

/// What may not be chosen before Install; custom events may.
///
/// Source: official agents 1.8.1, codedeploy-local (cli_validator), and 2.x, deploy-local.
const AFTER_INSTALL: &[EventName] = &[
    EventName::AfterInstall,
    EventName::ApplicationStart,
    EventName::ValidateService,
    EventName::BeforeAllowTraffic,
    EventName::AfterAllowTraffic,
];

/// Refuses events before another that need what it does.
fn refuse_early(
    events: &[EventName],
    (of, fit): (&EventName, &str),
    needs: impl Fn(&EventName) -> bool,
) -> anyhow::Result<()> {
    let mut before = events.iter().take_while(|event| *event != of);
    match before.find(|event| needs(event)) {
        None => Ok(()),
        Some(early) => {
            Err(Failure::new(format!("{} comes before {of}; nothing was run", ui::line(early.as_str())))
                .help(format!("before {of} there may be {fit}"))
                .exit(Exit::Usage)
                .into())
        }
    }
}

/// The events to run: those of the flag; what it leaves out of the two that every deployment needs comes first.
///
/// Source: official agents 1.8.1, codedeploy-local (deployer), and 2.x, deploy-local.
pub fn events(chosen: &[String], agent: Agent) -> anyhow::Result<Vec<EventName>> {
    let named = chosen.iter().filter(|name| !name.is_empty());
    let chosen: Vec<EventName> = named.map(|name| EventName::from(name.as_str())).collect();
    if chosen.is_empty() {
        return Ok(defaults().cloned().collect());
    }
    if agent == Agent::One {
        chosen.iter().try_for_each(refuse_name)?;
    }
    let (download, install) = (EventName::DownloadBundle, EventName::Install);
    let missing = [&download, &install].into_iter().filter(|event| !chosen.contains(event));
    let missing: Vec<EventName> = missing.cloned().collect();
    let mut events = [&missing[..], &chosen].concat();
    if missing == [install.clone()] {
        if agent == Agent::One {
            return Err(Failure::new("DownloadBundle is named without Install; nothing was run")
                .cause("agent 1's local run puts Install first then, and fails: nothing is unpacked yet")
                .help("name Install too, after DownloadBundle")
                .exit(Exit::Usage)
                .into());
        }
        // Agent 2 has the two change places.
        if let Some(place) = events.iter().position(|event| *event == download) {
            events.swap(0, place);
        }
    }
    // Nothing of the new revision is there to run.
    let stopping = "BeforeBlockTraffic, AfterBlockTraffic, ApplicationStop";
    refuse_early(&events, (&download, stopping), |event| !runner::stops(event))?;
    let fit = format!("{stopping}, DownloadBundle, BeforeInstall and custom events");
    refuse_early(&events, (&install, &fit), |event| AFTER_INSTALL.contains(event))?;
    Ok(events)
}

/// Refuses a name that agent 1 takes for none.
///
/// Source: official agent 1.8.1, command_executor (`command`) and string_utils.
fn refuse_name(event: &EventName) -> anyhow::Result<()> {
    let begins = |line: &str| {
        let mut letters = line.chars();
        letters.next().is_some_and(|letter| letter.is_ascii_uppercase())
            && letters.next().is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    if event.as_str().split('\n').any(begins) {
        return Ok(());
    }
    let name = ui::line(event.as_str());
    let help = match nearest(&name, defaults().map(EventName::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "it begins with a capital letter, then a small one or a digit, as MyEvent does".to_owned(),
    };
    Err(Failure::new(format!("`{name}` is no event's name to agent 1; nothing was run"))
        .cause(format!("Received command is not in PascalCase form: {name}"))
        .help(help)
        .exit(Exit::Usage)
        .into())
}

/// The AppSpec, which is looked at before anything runs, and what there is to say of it.
pub fn checked(
    ui: &Ui,
    (source, names): &(Source, Names),
    (agent, name): (Agent, &str),
    events: &[EventName],
) -> anyhow::Result<(AppSpec, Vec<Finding>)> {
    let scope = Scope { agent: Some(agent), ..Scope::default() };
    let chosen = (name != appspec::FILE_NAME).then_some(name);
    let look = |name| names.report(check_as(source, scope, &Selection::default(), name));
    let mut report = look(chosen)?;
    // Agent 1 finds it under this name too, but for scripts.
    let installs = |event: &EventName| matches!(event, EventName::DownloadBundle | EventName::Install);
    if agent == Agent::One && report.is_missing() && events.iter().all(installs) {
        let other = look(Some(appspec::OTHER_NAME))?;
        report = if other.is_missing() { report } else { other };
    }
    let refuse = |what: String| Failure::new(what).exit(Exit::Findings);
    let platform = Platform::of(&report.text);
    if matches!(platform, Platform::Lambda | Platform::Ecs) {
        let message = format!("{} is an AppSpec for {}", report.path, platform.as_str());
        return Err(refuse(message).help("`revision run` is for instances; nothing was run").into());
    }
    if report.is_missing() {
        ui.complain(report.render(ui.err_look()).trim_end());
        return Err(refuse(format!("{} is not there; nothing was run", report.path)).into());
    }
    if report.is_damaged() {
        ui.complain(report.render(ui.err_look()).trim_end());
        return Err(refuse(format!("{} cannot be unpacked; nothing was run", report.path)).into());
    }
    let appspec = match appspec::load(&report.text, Os::Linux, agent) {
        Ok(appspec) => appspec,
        Err(message) => {
            ui.complain(report.render(ui.err_look()).trim_end());
            return Err(refuse(format!("{}: the agent refuses it; nothing was run", report.path))
                .cause(message)
                .into());
        }
    };
    // The agents' own local runs take those that are chosen; agent 2's passes over the others, which is said below.
    let is_chosen = |finding: &Finding| events.iter().any(|event| is_of(finding, event));
    report.findings.retain(|f| !(is_unknown_event(f) && (agent == Agent::Two || is_chosen(f))));
    if report.has_errors() || (!report.findings.is_empty() && !ui.quiet) {
        ui.complain(report.render(ui.err_look()).trim_end());
    }
    unknown_event(ui, (&report.path, &appspec), agent, events)?;
    if appspec.os == Os::Windows {
        ui.warn(&format!("{} is for Windows; agent 2 never asks, and runs it on Linux too", report.path));
    }
    // Agent 1 asks for the names of events without scripts too, where it has read a list.
    let refuses = |event: &EventName| report.findings.iter().any(|f| is_unknown_event(f) && is_of(f, event));
    let unknown: Vec<String> = appspec
        .hooks
        .iter()
        .filter(|(name, scripts)| {
            let event = EventName::from(name.as_str());
            let counts = !scripts.is_empty() || refuses(&event);
            counts && !is_default(&event) && !events.contains(&event)
        })
        .map(|(name, _)| ui::line(name))
        .collect();
    if unknown.is_empty() {
        return Ok((appspec, report.findings));
    }
    if agent == Agent::Two {
        // Its local run never asks.
        for name in unknown {
            ui.note(&format!("warning: there is no event {name}: its scripts will not run"));
        }
        return Ok((appspec, report.findings));
    }
    Err(refuse(format!("{} has unknown events: {}", report.path, unknown.join(", ")))
        .help("name custom events with --events, in their order")
        .into())
}

/// Says so where the run itself could not write what it keeps.
pub fn warn_of_rights(ui: &Ui, directory: &Path) {
    let Ok(absolute) = std::path::absolute(directory) else { return };
    let there = absolute.ancestors().find(|path| path.exists()).unwrap_or(&absolute);
    let access = Access::WRITE_OK | Access::EXEC_OK;
    if let Err(error) = rustix::fs::accessat(CWD, there, access, AtFlags::EACCESS) {
        ui.warn(&format!("the run would end at once: cannot write {}: {error}", directory.display()));
    }
}

/// Says so where scripts will run on this machine although they were to be kept in a root.
pub fn warn_of_scripts(
    ui: &Ui,
    root: Option<&Path>,
    (host, specification, agent): (&Host, &Specification, Agent),
    (appspec, events): (&AppSpec, &[EventName]),
) {
    let Some(root) = root.filter(|_| host.hooks.isolation == Isolation::None) else { return };
    let earlier = runner::earlier(host, specification, agent).ok().flatten();
    let runs = |event: &EventName| {
        let before = earlier.as_ref().filter(|_| runner::stops(event));
        runner::runs_scripts(event)
            && [Some(appspec), before]
                .into_iter()
                .flatten()
                .any(|appspec| !appspec.scripts(event.as_str()).is_empty())
    };
    if let Some(why) = events.iter().any(runs).then(Isolation::lack).flatten() {
        ui.warn(&format!("scripts run on this machine as you, not kept in {}: {why}", root.display()));
    }
}

fn is_unknown_event(finding: &Finding) -> bool {
    finding.severity == Severity::Error && matches!(finding.code, "A034" | "A035")
}

/// Whether it is about this event, as far as an unknown one's finding goes.
fn is_of(finding: &Finding, event: &EventName) -> bool {
    let about = [format!("there is no event `{event}`:"), format!("{event} runs no scripts")];
    about.iter().any(|start| finding.message.starts_with(start))
}

/// Refuses a chosen event that is neither one of every deployment nor the AppSpec's; agent 2 passes over it.
fn unknown_event(
    ui: &Ui,
    (file, appspec): (&str, &AppSpec),
    agent: Agent,
    events: &[EventName],
) -> anyhow::Result<()> {
    let known = |event: &EventName| is_default(event) || !appspec.scripts(event.as_str()).is_empty();
    let hooks = appspec.hooks.iter().map(|(name, _)| name.as_str());
    let mut names: Vec<&str> = defaults().map(EventName::as_str).collect();
    names.extend(hooks);
    for event in events.iter().filter(|event| !known(event)) {
        if agent == Agent::Two {
            ui.note(&format!(
                "warning: lifecycle event '{}' requested but not defined in {file} (will be skipped)",
                ui::line(event.as_str())
            ));
            continue;
        }
        let event = ui::line(event.as_str());
        let message =
            format!("there is no event `{event}`, neither in {file} nor by default; nothing was run");
        let failure = Failure::new(message).exit(Exit::Usage).cause(format!(
            "You specified a lifecycle event which is not a default one and doesn't exist in your appspec.yml file: {event}"
        ));
        let near = nearest(&event, names.iter().copied());
        return Err(match near {
            Some(name) => failure.help(format!("did you mean {}?", ui::line(name))),
            None => failure,
        }
        .into());
    }
    Ok(())
}
