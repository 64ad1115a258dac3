//! What the driver wants of a deployment's state machine. One implementation a kind of deployment.

use serde_json::Value;

use super::driver::{Context, Key, Ticket};
use super::ending::{End, Stop};
use crate::model::Diagnostics;
use crate::sandbox::store::{ErrorInformation, Wait};

/// What a hook function says, and of a program that failed what it left.
pub(super) type HookAnswer = Result<(), Option<Diagnostics>>;

/// Why a deployment doesn't start.
pub(super) enum Refusal {
    /// It was deleted.
    Gone,
    /// It goes to no instance.
    NoInstances,
    Failed(ErrorInformation),
}

/// A deployment that has started and not ended. After each call the driver calls `settle`.
pub(super) trait Machine: Send {
    fn key(&self) -> &Key;

    /// What it needs to go on after a restart, beside what the store has of its deployment.
    fn record(&self) -> Value;

    /// Starts what may start; says how the deployment ends once it does.
    fn settle(&mut self, context: &mut Context, run: u64) -> Option<End>;

    /// The agent of a host asks for its next event; `target` is its place among the targets.
    fn ask(&mut self, context: &mut Context, run: u64, target: usize);

    /// A host says how an event went.
    fn answered(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics);

    /// A host's event has ended, or was given up.
    fn event_ended(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics);

    /// The moment has come that the machine had set with `Due::Next`.
    fn next(&mut self, context: &mut Context, run: u64) -> Option<End>;

    /// Nothing more is to be started. The first stop says how the deployment ends: one that was acknowledged stays what
    /// it was, whatever goes off while events in flight come to their end.
    fn stop(&mut self, context: &mut Context, stop: Stop);

    /// ContinueDeployment ends a wait.
    fn continued(&mut self, _context: &mut Context, _run: u64, _wait: Wait) {}

    /// A hook function has answered.
    fn hook_answered(&mut self, _context: &mut Context, _run: u64, _execution: &str, _answer: HookAnswer) {}
}
