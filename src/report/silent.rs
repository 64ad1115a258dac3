//! Shows nothing: for those who only want the exit code.

use super::{Closed, Reporter};
use crate::watch::event::Stamped;

/// A reporter without a word.
pub struct Silent;

impl Reporter for Silent {
    fn event(&mut self, _: &Stamped) -> Result<(), Closed> {
        Ok(())
    }
}
