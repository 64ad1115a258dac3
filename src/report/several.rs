//! A reporter for each of several deployments, with its rollback. Routes; shows nothing itself.

use super::{Closed, Pulse, Reporter};
use crate::watch::event::{Event, Stamped};

/// Makes one reporter a deployment.
pub struct Several {
    make: Box<dyn Fn() -> Box<dyn Reporter> + Send>,
    /// Each with the ids that it is told of: a deployment and what rolls it back.
    each: Vec<(Vec<String>, Box<dyn Reporter>)>,
}

impl Several {
    pub fn new(make: impl Fn() -> Box<dyn Reporter> + Send + 'static) -> Self {
        Several { make: Box::new(make), each: Vec::new() }
    }
}

impl Reporter for Several {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        let id = &stamped.deployment;
        let index = match self.each.iter().position(|(ids, _)| ids.contains(id)) {
            Some(index) => index,
            None => {
                self.each.push((vec![id.clone()], (self.make)()));
                self.each.len() - 1
            }
        };
        let Some((ids, reporter)) = self.each.get_mut(index) else { return Ok(()) };
        if let Event::Rollback { rollback, .. } = &stamped.event {
            ids.push(rollback.clone());
        }
        reporter.event(stamped)
    }

    fn tick(&mut self, pulse: &Pulse) {
        for (_, reporter) in &mut self.each {
            reporter.tick(pulse);
        }
    }

    fn end(&mut self) {
        for (_, reporter) in &mut self.each {
            reporter.end();
        }
    }
}
