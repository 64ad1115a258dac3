//! What minimum healthy hosts, of the whole fleet and of each zone, still allow. Pure.

use unicode_width::UnicodeWidthStr;

use super::line::Line;
use super::{Composer, NARROW, WIDEST};
use crate::model::{DeploymentStatus, MinimumHealthyHosts};
use crate::report::words::flowed;
use crate::ui::Style;
use crate::watch::event::Counts;
use crate::watch::forecast;

impl Composer<'_> {
    /// What minimum healthy hosts still allow.
    pub fn health(&self) -> Option<Line> {
        let minimum = self.view.deployment.as_ref()?.minimum_healthy?;
        let replacement = self.view.replacement();
        let counts = replacement.or(self.view.counts())?;
        let total = counts.total();
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        let open = |counts: Counts| counts.run + counts.pend + counts.ready;
        // Of two fleets, the original goes after the replacement.
        let done = open(counts) == 0 && self.view.counts().is_none_or(|all| open(all) == 0);
        if (over || done) && counts.fail == 0 {
            return None;
        }
        let zone = self.zone_minimum();
        let green = if replacement.is_some() { " green" } else { "" };
        let whole = format!("health   at least {minimum} of {total}{green} must stay healthy");
        let usual = format!("health   min {minimum} of {total}{green}");
        let text = match self.width {
            WIDEST.. if zone.is_none() => whole,
            NARROW.. => usual,
            _ => format!("health   min {minimum}/{total}"),
        };
        // The bar says it too.
        let failed = match counts.fail {
            0 => String::new(),
            _ if self.width < NARROW => String::new(),
            failed => format!("; {failed} failed"),
        };
        let fatal = match zone {
            Some(zone) => forecast::fatal_at_the_latest(&counts, minimum, zone),
            None => forecast::fatal(&counts, minimum),
        };
        // The sentence whole or in few words: one that is cut says the wrong thing.
        let (style, whole, few) = match fatal {
            _ if over => (None, String::new(), String::new()),
            None if green.is_empty() => {
                (None, "; no further failure can stop it".to_owned(), "; none can stop it".to_owned())
            }
            // Source: AWS user guide, "Minimum healthy instances": original hosts have no minimum.
            None => {
                (None, "; an original that fails ends it".to_owned(), "; a blue failure ends it".to_owned())
            }
            Some(0) => (Some(Style::Error), "; too few are left".to_owned(), "; too few are left".to_owned()),
            Some(1) => (
                Some(Style::Warning),
                "; the next failure stops it".to_owned(),
                "; the next stops it".to_owned(),
            ),
            Some(last) if zone.is_some() => (
                None,
                format!("; the {} further failure stops it at the latest", ordinal(last)),
                format!("; stops by {last} more"),
            ),
            Some(last) => (
                None,
                format!("; the {} further failure stops it", ordinal(last)),
                format!("; stops at {last} more"),
            ),
        };
        let fits = |failed: &str, rest: &str| text.width() + failed.width() + rest.width() <= self.width;
        let (failed, rest) = match self.width < NARROW {
            false if fits(&failed, &whole) => (failed.as_str(), whole),
            _ if fits(&failed, &few) => (failed.as_str(), few),
            _ => ("", few),
        };
        Some(Line::plain(text.clone() + failed).with(style, rest))
    }

    /// What each zone must keep beside it.
    fn zone_minimum(&self) -> Option<MinimumHealthyHosts> {
        self.view.deployment.as_ref()?.zonal?.minimum
    }

    /// Why the failures that are still allowed are no more than that: which hosts are in a zone is nowhere told.
    pub fn zones(&self) -> Vec<Line> {
        let over = self.view.status().is_none_or(DeploymentStatus::is_terminal);
        let Some(minimum) = self.zone_minimum().filter(|_| !over && self.width >= NARROW) else {
            return Vec::new();
        };
        let of_each = match minimum {
            MinimumHealthyHosts::Percent(percent) => format!("min {percent}% of each zone"),
            MinimumHealthyHosts::Count(count) => format!("min {count} of each zone"),
            MinimumHealthyHosts::Concurrency(count) => format!("all but {count} of each zone"),
        };
        let text = format!("{of_each}; the API does not tell which hosts are in one, so it may stop sooner");
        flowed("zones    ", &text, self.width).into_iter().map(Line::plain).collect()
    }
}

/// `1st`, `2nd`, `3rd`, `11th`
fn ordinal(number: u64) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
