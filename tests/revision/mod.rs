//! `cdctl revision` as a user has it: the binary, its streams, its exit codes.

mod beginning;
mod checking;
mod comparing;
mod faults;
mod git;
mod pushing;
mod running;
