//! Every setting of a deployment group as a flag, and the members of the API that they make.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::filters::{self, Filter};
use crate::commands::deploy::RollbackChoice;
use crate::commands::words::one_of;

/// What Auto Scaling can be told to leave while a deployment runs. Source: the API reference of EC2DeploymentOptions.
pub const PROCESSES: [&str; 4] = ["Terminate", "AZRebalance", "InstanceRefresh", "ScheduledActions"];

/// What a deployment group is made of. What is not given is left out of the request.
#[derive(Debug, Default, Args)]
pub struct Settings {
    /// ARN of the role that CodeDeploy assumes
    #[arg(long, value_name = "ARN")]
    service_role: Option<String>,

    /// How many instances at a time, or how traffic moves [default: CodeDeployDefault.OneAtATime; a new group of Lambda or
    /// ECS: CodeDeployDefault.LambdaAllAtOnce, CodeDeployDefault.ECSAllAtOnce]
    #[arg(long, value_name = "CONFIG")]
    config: Option<String>,

    /// EC2 instances with this tag; KEY alone matches any value, =VALUE any key; several: an instance needs one of them
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Instances")]
    ec2_tag: Vec<Filter>,

    /// EC2 instances with one tag of each part, as in 'Role=web,api & Env=prod'
    #[arg(long, value_name = "SET", value_parser = filters::tag_set, help_heading = "Instances", conflicts_with = "ec2_tag")]
    ec2_tag_set: Option<Value>,

    /// On-premises instances with this tag
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Instances")]
    on_prem_tag: Vec<Filter>,

    /// On-premises instances with one tag of each part
    #[arg(long, value_name = "SET", value_parser = filters::tag_set, help_heading = "Instances", conflicts_with = "on_prem_tag")]
    on_prem_tag_set: Option<Value>,

    /// Instances of this Auto Scaling group; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Instances")]
    asg: Vec<String>,

    /// Processes of Auto Scaling that stand still during a deployment
    #[arg(
        long,
        value_name = "PROCESS,…",
        value_delimiter = ',',
        help_heading = "Instances",
        value_parser = one_of(&PROCESSES)
    )]
    suspend_asg: Vec<String>,

    /// Deploy to instances that Auto Scaling ends, before they end
    #[arg(long, value_name = "ON|OFF", help_heading = "Instances")]
    termination_hook: Option<Switch>,

    /// What happens to instances that were started during a deployment and have an older revision
    #[arg(long, value_name = "WHAT", help_heading = "Instances")]
    outdated: Option<Outdated>,

    /// The ECS service
    #[arg(long, value_name = "CLUSTER/SERVICE", value_parser = filters::ecs_service, help_heading = "ECS")]
    ecs_service: Option<Value>,

    /// The two target groups that change places
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', num_args = 1, help_heading = "ECS")]
    target_group_pair: Vec<String>,

    /// ARN of the listener with the production traffic of --target-group-pair; repeatable
    #[arg(long, value_name = "ARN", help_heading = "ECS")]
    listener: Vec<String>,

    /// ARN of the listener with its test traffic; repeatable
    #[arg(long, value_name = "ARN", help_heading = "ECS")]
    test_listener: Vec<String>,

    /// A classic load balancer; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Traffic")]
    elb: Vec<String>,

    /// A target group of a load balancer; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Traffic")]
    target_group: Vec<String>,

    /// Take instances out of the load balancer while they are deployed to [default for Lambda, ECS and --style blue-green: on]
    #[arg(long, value_name = "ON|OFF", help_heading = "Traffic")]
    traffic_control: Option<Switch>,

    /// Deploy to the instances that are there, or to new ones [default for Lambda and ECS: blue-green]
    #[arg(long, value_name = "STYLE", help_heading = "Blue/green")]
    style: Option<Style>,

    /// Where the new instances come from
    #[arg(long, value_name = "FROM", help_heading = "Blue/green")]
    green_fleet: Option<GreenFleet>,

    /// When the new ones are ready: `continue`, or wait so many minutes for `deploy continue` and then stop
    #[arg(long, value_name = "continue|MINUTES", value_parser = ready, help_heading = "Blue/green")]
    when_ready: Option<Value>,

    /// End the old instances so many minutes after a success, or keep them
    #[arg(long, value_name = "MINUTES|keep", value_parser = terminate, help_heading = "Blue/green")]
    terminate_blue: Option<Value>,

    /// Roll back by itself after these endings
    #[arg(long, value_name = "ENDING,…|off", value_delimiter = ',', help_heading = "Safety")]
    auto_rollback: Vec<RollbackChoice>,

    /// A CloudWatch alarm that stops a deployment; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Safety")]
    alarm: Vec<String>,

    /// Whether alarms count
    #[arg(long, value_name = "ON|OFF", help_heading = "Safety")]
    alarms: Option<Switch>,

    /// Go on where the alarms' state cannot be read
    #[arg(long, value_name = "ON|OFF", help_heading = "Safety")]
    ignore_poll_alarm_failure: Option<Switch>,

    /// Tell an SNS topic of events such as DeploymentFailure; repeatable
    #[arg(long, value_name = "NAME=EVENT,…@ARN", value_parser = filters::trigger, help_heading = "Safety")]
    trigger: Vec<Value>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outdated {
    /// They are deployed to
    Update,
    /// They stay as they are
    Ignore,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Style {
    InPlace,
    BlueGreen,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GreenFleet {
    /// They are there already, and named when a deployment is created
    Discover,
    /// The Auto Scaling group is copied
    Copy,
}

fn ready(text: &str) -> Result<Value, String> {
    if text.eq_ignore_ascii_case("continue") {
        return Ok(json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" }));
    }
    let minutes: u32 = text.parse().map_err(|_| "write `continue`, or a number of minutes".to_owned())?;
    Ok(json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes }))
}

fn terminate(text: &str) -> Result<Value, String> {
    if text.eq_ignore_ascii_case("keep") {
        return Ok(json!({ "action": "KEEP_ALIVE" }));
    }
    let minutes: u32 = text.parse().map_err(|_| "write a number of minutes, or `keep`".to_owned())?;
    Ok(json!({ "action": "TERMINATE", "terminationWaitTimeInMinutes": minutes }))
}

impl Switch {
    pub fn json(self) -> Value {
        matches!(self, Switch::On).into()
    }
}

/// `name: value`, unless there is nothing to say.
fn put(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value);
    }
}

fn some<T>(list: &[T], json: impl Fn(&[T]) -> Value) -> Option<Value> {
    (!list.is_empty()).then(|| json(list))
}

/// A map of what is there; none where nothing is.
fn map<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let members: Map<String, Value> =
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

impl Settings {
    /// The members that the flags make.
    pub fn members(&self) -> Value {
        let tags = |tags: &[Filter]| some(tags, |tags| tags.iter().map(Filter::json).collect());
        let mut members = Map::new();
        let all = &mut members;
        put(all, "serviceRoleArn", self.service_role.as_deref().map(Value::from));
        put(all, "deploymentConfigName", self.config.as_deref().map(Value::from));
        put(all, "ec2TagFilters", tags(&self.ec2_tag));
        put(all, "ec2TagSet", map([("ec2TagSetList", self.ec2_tag_set.clone())]));
        put(all, "onPremisesInstanceTagFilters", tags(&self.on_prem_tag));
        put(all, "onPremisesTagSet", map([("onPremisesTagSetList", self.on_prem_tag_set.clone())]));
        put(all, "autoScalingGroups", some(&self.asg, |names| names.into()));
        let suspended = some(&self.suspend_asg, |names| names.into());
        put(all, "ec2DeploymentOptions", map([("autoScalingGroupProcessesToSuspend", suspended)]));
        put(all, "terminationHookEnabled", self.termination_hook.map(Switch::json));
        let outdated = |outdated| match outdated {
            Outdated::Update => "UPDATE".into(),
            Outdated::Ignore => "IGNORE".into(),
        };
        put(all, "outdatedInstancesStrategy", self.outdated.map(outdated));
        put(all, "ecsServices", self.ecs_service.clone().map(|service| json!([service])));
        put(all, "loadBalancerInfo", self.load_balancers());
        put(all, "deploymentStyle", self.deployment_style());
        put(all, "blueGreenDeploymentConfiguration", self.blue_green());
        put(all, "autoRollbackConfiguration", self.rollback());
        put(all, "alarmConfiguration", self.alarm_configuration());
        put(all, "triggerConfigurations", some(&self.trigger, |triggers| triggers.into()));
        Value::Object(members)
    }

    fn load_balancers(&self) -> Option<Value> {
        let route = |arns: &[String]| some(arns, |arns| json!({ "listenerArns": arns }));
        let pair = map([
            ("targetGroups", some(&self.target_group_pair, filters::named)),
            ("prodTrafficRoute", route(&self.listener)),
            ("testTrafficRoute", route(&self.test_listener)),
        ]);
        map([
            ("elbInfoList", some(&self.elb, filters::named)),
            ("targetGroupInfoList", some(&self.target_group, filters::named)),
            ("targetGroupPairInfoList", pair.map(|pair| json!([pair]))),
        ])
    }

    fn deployment_style(&self) -> Option<Value> {
        let style = |style| match style {
            Style::InPlace => "IN_PLACE".into(),
            Style::BlueGreen => "BLUE_GREEN".into(),
        };
        let option = |switch| match switch {
            Switch::On => "WITH_TRAFFIC_CONTROL".into(),
            Switch::Off => "WITHOUT_TRAFFIC_CONTROL".into(),
        };
        // There is no other for blue/green.
        let needed = matches!(self.style, Some(Style::BlueGreen)).then_some(Switch::On);
        map([
            ("deploymentType", self.style.map(style)),
            ("deploymentOption", self.traffic_control.or(needed).map(option)),
        ])
    }

    fn blue_green(&self) -> Option<Value> {
        let fleet = |fleet| match fleet {
            GreenFleet::Discover => json!({ "action": "DISCOVER_EXISTING" }),
            GreenFleet::Copy => json!({ "action": "COPY_AUTO_SCALING_GROUP" }),
        };
        map([
            ("terminateBlueInstancesOnDeploymentSuccess", self.terminate_blue.clone()),
            ("deploymentReadyOption", self.when_ready.clone()),
            ("greenFleetProvisioningOption", self.green_fleet.map(fleet)),
        ])
    }

    fn rollback(&self) -> Option<Value> {
        let events: Vec<&str> = self.auto_rollback.iter().filter_map(|choice| choice.event()).collect();
        some(&self.auto_rollback, |_| json!({ "enabled": !events.is_empty(), "events": events }))
    }

    fn alarm_configuration(&self) -> Option<Value> {
        let enabled = self.alarms.or((!self.alarm.is_empty()).then_some(Switch::On));
        map([
            ("enabled", enabled.map(Switch::json)),
            ("ignorePollAlarmFailure", self.ignore_poll_alarm_failure.map(Switch::json)),
            ("alarms", some(&self.alarm, filters::named)),
        ])
    }
}
