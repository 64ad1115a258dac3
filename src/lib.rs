//! cdctl manages AWS CodeDeploy from a terminal, a shell script or a CI step.
//!
//! The command line is the map: `cdctl deploy watch` is `commands/deploy/watch.rs`. Layers stand beside the
//! commands, and each has one thing that only it may touch; CONTRIBUTING.md has the table.

pub mod api;
pub mod appspec;
pub mod clock;
pub mod commands;
pub mod exit;
pub mod format;
pub mod model;
pub mod report;
pub mod revision;
pub mod runner;
pub mod sandbox;
pub mod source;
pub mod ui;
pub mod view;
pub mod watch;
