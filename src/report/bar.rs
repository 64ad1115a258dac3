//! One bar of segments for a fleet, by largest remainder: the cells always add up to the width. Pure.

use crate::ui::Style;
use crate::watch::event::Counts;

/// A run of equal cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub cells: String,
    pub style: Option<Style>,
}

/// The segments of a bar of `width` cells.
pub fn segments(counts: &Counts, width: usize, unicode: bool) -> Vec<Segment> {
    let kinds = [
        (counts.ok, '█', '#', Some(Style::Good)),
        (counts.ready, '▒', '+', Some(Style::Good)),
        (counts.run, '▓', '=', None),
        (counts.pend, '░', '.', Some(Style::Dim)),
        (counts.skip, '·', '-', Some(Style::Dim)),
        (counts.fail, '✗', 'x', Some(Style::Error)),
    ];
    let cells = shares(&kinds.map(|(count, ..)| count), width);
    kinds
        .into_iter()
        .zip(cells)
        .filter(|(_, cells)| *cells > 0)
        .map(|((_, glyph, ascii, style), cells)| Segment {
            cells: if unicode { glyph } else { ascii }.to_string().repeat(cells),
            style,
        })
        .collect()
}

/// `width` cells shared out by largest remainder; what is not zero has a cell at least, where there are as many.
fn shares(counts: &[u64], width: usize) -> Vec<usize> {
    let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if total == 0 {
        return vec![0; counts.len()];
    }
    let exact = |count: u64| u128::from(count) * width as u128;
    let mut cells: Vec<usize> = counts.iter().map(|count| (exact(*count) / total) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(exact(counts[*index]) % total));
    let missing = width - cells.iter().sum::<usize>();
    for index in by_remainder.into_iter().take(missing) {
        cells[index] += 1;
    }
    if counts.iter().filter(|count| **count > 0).count() <= width {
        while let Some(starved) = (0..counts.len()).find(|index| counts[*index] > 0 && cells[*index] == 0) {
            let Some(richest) = (0..cells.len()).max_by_key(|index| cells[*index]) else { break };
            cells[richest] -= 1;
            cells[starved] += 1;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_add_up_and_nothing_is_lost() {
        assert_eq!(shares(&[1, 1, 1], 10), [4, 3, 3]);
        assert_eq!(shares(&[0, 0], 10), [0, 0]);
        assert_eq!(shares(&[9_999, 1], 20), [19, 1], "one failure of ten thousand has its cell");
        for width in 0..60 {
            for counts in [[88u64, 97, 12, 3], [1, 0, 0, 9_999], [u64::MAX / 4; 4], [7, 7, 0, 1]] {
                assert_eq!(shares(&counts, width).iter().sum::<usize>(), width, "{counts:?} in {width}");
            }
        }
    }

    #[test]
    fn shapes_tell_the_states_apart() {
        let counts = Counts { ok: 2, run: 1, pend: 1, fail: 1, skip: 0, ready: 0 };
        let text =
            |unicode| segments(&counts, 10, unicode).into_iter().map(|part| part.cells).collect::<String>();
        assert_eq!(text(true), "████▓▓░░✗✗");
        assert_eq!(text(false), "####==..xx");
    }
}
