//! What one deployment does otherwise than its group says, as flags of `cdctl deploy create`. Pure.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::commands::group::{Filter, PROCESSES, Switch, tag_set};
use crate::commands::request;
use crate::commands::words::one_of;

/// Which instances get the revision, where the group finds its new fleet.
#[derive(Clone, Debug, Default, Args)]
pub struct FleetArgs {
    /// Blue/green: the new instances are those with this tag; KEY alone matches any value, =VALUE any key; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    target_tag: Vec<Filter>,

    /// Blue/green: the new instances have one tag of each part, as in 'Role=web,api & Env=green'
    #[arg(long, value_name = "SET", value_parser = tag_set, conflicts_with = "target_tag")]
    target_tag_set: Option<Value>,

    /// Blue/green: the new instances are those of this Auto Scaling group; repeatable
    #[arg(long, value_name = "NAME")]
    target_asg: Vec<String>,
}

impl FleetArgs {
    /// The member `targetInstances` that the flags make.
    pub fn member(&self) -> Option<Value> {
        let mut targets = Map::new();
        if !self.target_tag.is_empty() {
            targets.insert("tagFilters".to_owned(), self.target_tag.iter().map(Filter::json).collect());
        }
        if let Some(set) = &self.target_tag_set {
            targets.insert("ec2TagSet".to_owned(), json!({ "ec2TagSetList": set }));
        }
        if !self.target_asg.is_empty() {
            targets.insert("autoScalingGroups".to_owned(), self.target_asg.as_slice().into());
        }
        (!targets.is_empty()).then(|| targets.into())
    }
}

/// Flags beside which the group's own setting does not count.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Instead of the group's settings")]
pub struct Overrides {
    #[command(flatten)]
    fleet: FleetArgs,

    /// These CloudWatch alarms stop the deployment
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    alarms: Vec<String>,

    /// With --alarms: go on where the alarms' state cannot be read
    #[arg(long, value_name = "ON|OFF", requires = "alarms")]
    ignore_poll_alarm_failure: Option<Switch>,

    /// No alarm stops the deployment
    #[arg(long, conflicts_with = "alarms")]
    ignore_alarms: bool,

    /// `restart` stops and starts what the group's last successful revision installed; nothing is downloaded
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,

    /// Processes of Auto Scaling that stand still meanwhile
    #[arg(long, value_name = "PROCESS,…", value_delimiter = ',', value_parser = one_of(&PROCESSES))]
    suspend_asg: Vec<String>,

    /// What the request of `--from` says beyond what has a place of its own; flags go on top.
    #[arg(skip)]
    pub file: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Standard,
    Restart,
}

impl Overrides {
    /// There is no revision to deploy.
    pub fn is_restart(&self) -> bool {
        match self.mode {
            Some(mode) => mode == Mode::Restart,
            None => self.file.get("deploymentMode").and_then(Value::as_str) == Some("RESTART"),
        }
    }

    /// The members of CreateDeployment that the flags make.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if let Some(fleet) = self.fleet.member() {
            members.insert("targetInstances".to_owned(), fleet);
        }
        if self.ignore_alarms || !self.alarms.is_empty() {
            let alarms: Value = self.alarms.iter().map(|name| json!({ "name": name })).collect();
            let mut alarms = json!({ "enabled": !self.ignore_alarms, "alarms": alarms });
            if let Some(switch) = self.ignore_poll_alarm_failure {
                alarms["ignorePollAlarmFailure"] = switch.json();
            }
            members.insert("overrideAlarmConfiguration".to_owned(), alarms);
        }
        if let Some(mode) = self.mode {
            let mode = if mode == Mode::Restart { "RESTART" } else { "STANDARD" };
            members.insert("deploymentMode".to_owned(), mode.into());
        }
        if !self.suspend_asg.is_empty() {
            let options = json!({ "autoScalingGroupProcessesToSuspend": self.suspend_asg });
            members.insert("ec2DeploymentOptions".to_owned(), options);
        }
        let mut request = Value::Object(self.file.clone());
        request::merge(&mut request, Value::Object(members));
        match request {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}
