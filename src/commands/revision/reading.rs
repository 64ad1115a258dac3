//! How an AppSpec is read: the flags that the checking verbs share.

use clap::{Args, ValueEnum};

use crate::appspec::{Agent, Platform, Scope};

#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// The agent that reads it: 1 (1.8, in Ruby), 2 (2.x, in Rust); an error for either is an error
    #[arg(long, value_name = "AGENT", default_value = "both")]
    agent: WhichAgent,

    /// What it is for [default: found out from the file]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<WhichPlatform>,

    /// Values that a pipeline fills in (<TASK_DEFINITION>, ${VAR}) are meant
    #[arg(long)]
    allow_placeholders: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhichAgent {
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhichPlatform {
    /// EC2 and on-premises hosts, of the system that `os` names
    Server,
    /// Linux hosts
    Linux,
    /// Windows hosts
    Windows,
    Lambda,
    Ecs,
}

impl WhichPlatform {
    pub fn platform(self) -> Platform {
        match self {
            WhichPlatform::Server => Platform::Server,
            WhichPlatform::Linux => Platform::Linux,
            WhichPlatform::Windows => Platform::Windows,
            WhichPlatform::Lambda => Platform::Lambda,
            WhichPlatform::Ecs => Platform::Ecs,
        }
    }
}

impl Reading {
    /// The first of them that is given.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            ("--agent", self.agent != WhichAgent::Both),
            ("--platform", self.platform.is_some()),
            ("--allow-placeholders", self.allow_placeholders),
        ];
        given.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }

    pub fn scope(&self) -> Scope {
        Scope {
            agent: match self.agent {
                WhichAgent::One => Some(Agent::One),
                WhichAgent::Two => Some(Agent::Two),
                WhichAgent::Both => None,
            },
            platform: self.platform.map(WhichPlatform::platform),
            placeholders: self.allow_placeholders,
        }
    }
}
