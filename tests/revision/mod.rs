//! `cdctl revision` as a user has it: the binary, its streams, its exit codes.

mod beginning;
mod checking;
mod pushing;
mod running;
