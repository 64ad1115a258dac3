//! What groups and deployments alike say of alarms and of automatic rollback.

use std::collections::HashSet;

use aws_sdk_codedeploy::types::{AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent};

use super::Refusal;
use super::rules::one_of;

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_ALARMS: usize = 50;
/// Source: the service model.
const MAX_ALARM_NAME: usize = 255;

pub fn check_alarms(configuration: &AlarmConfiguration) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new("InvalidAlarmConfigException", message));
    let Some(alarms) = &configuration.alarms else {
        return if configuration.enabled() { refuse("Alarm list cannot be null.") } else { Ok(()) };
    };
    if configuration.enabled() && alarms.is_empty() {
        return refuse("Deployment Groups need to have at least one alarms attached if they are monitored.");
    }
    let mut names = HashSet::new();
    for alarm in alarms {
        let name = alarm.name().unwrap_or_default();
        if name.is_empty() || name.chars().count() > MAX_ALARM_NAME {
            return refuse("An alarm name must be 1 to 255 characters long.");
        }
        if !names.insert(name) {
            return refuse("An alarm must not be given twice.");
        }
    }
    if alarms.len() > MAX_ALARMS {
        let message = format!("Deployment Groups cannot contain more than {MAX_ALARMS} alarms.");
        return Err(Refusal::new("AlarmsLimitExceededException", message));
    }
    Ok(())
}

pub fn check_auto_rollback(configuration: &AutoRollbackConfiguration) -> Result<(), Refusal> {
    let code = "InvalidAutoRollbackConfigException";
    if configuration.enabled() && configuration.events().is_empty() {
        let message =
            "Deployment Groups need to have at least one event specified when auto rollback is enabled";
        return Err(Refusal::new(code, message));
    }
    for event in configuration.events() {
        one_of(event.as_str(), AutoRollbackEvent::values(), code, "Auto rollback event")?;
    }
    Ok(())
}
