//! What several tests start from: a sandbox in this process, and SDK clients that call it without a socket.

pub mod client;
pub mod stage;
