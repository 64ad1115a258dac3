//! What is due when: ordered, so that ten thousand hosts cost no scan. Knows nothing of what is due.

use std::collections::BTreeMap;

use crate::sandbox::store::Millis;

/// Things by the moment they are due; equal moments keep the order in which they came.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    entries: BTreeMap<(Millis, u64), T>,
    sequence: u64,
}

impl<T> Schedule<T> {
    pub(super) fn new() -> Self {
        Schedule { entries: BTreeMap::new(), sequence: 0 }
    }

    pub(super) fn push(&mut self, moment: Millis, thing: T) {
        self.entries.insert((moment, self.sequence), thing);
        self.sequence += 1;
    }

    /// Drops what is due for nobody any more.
    pub(super) fn keep(&mut self, wanted: impl Fn(&T) -> bool) {
        self.entries.retain(|_, thing| wanted(thing));
    }

    /// The next moment at which something is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.entries.first_key_value().map(|((moment, _), _)| *moment)
    }

    /// Takes the first thing that is due at `now`, with its moment.
    pub(super) fn pop(&mut self, now: Millis) -> Option<(Millis, T)> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first().map(|((moment, _), thing)| (moment, thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_things_in_the_order_of_their_moments() {
        let mut schedule = Schedule::new();
        for (moment, thing) in [(30, 'd'), (10, 'a'), (20, 'b'), (20, 'c')] {
            schedule.push(moment, thing);
        }
        assert_eq!(schedule.next(), Some(10));
        assert_eq!(schedule.pop(9), None);
        let order: Vec<_> = std::iter::from_fn(|| schedule.pop(25)).collect();
        assert_eq!(order, [(10, 'a'), (20, 'b'), (20, 'c')]);
        assert_eq!(schedule.next(), Some(30));
        schedule.keep(|thing| *thing != 'd');
        assert_eq!(schedule.next(), None);
    }
}
