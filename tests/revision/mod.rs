//! `cdctl revision` as a user has it: the binary, its streams, its exit codes.

mod beginning;
mod checking;
mod choosing;
mod comparing;
mod contained;
mod deploying;
mod faults;
mod fetching;
mod git;
mod hostile;
mod leftovers;
mod logins;
mod pushing;
mod rehearsing;
mod running;
mod showing;
mod stopping;
mod unpacking;
