//! The sandbox's time.

use super::store::Millis;

/// Tells the time to the operations and to the engine.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// A clock that stands still.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub Millis);

impl Clock for Fixed {
    fn now(&self) -> Millis {
        self.0
    }
}
