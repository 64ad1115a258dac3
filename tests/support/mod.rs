//! What several tests start from: the built binary, a sandbox in this process, SDK clients without a socket.

pub mod cdctl;
pub mod client;
pub mod proxy;
pub mod sandbox;
pub mod stage;
