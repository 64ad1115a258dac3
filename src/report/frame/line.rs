//! A line of a frame in parts, each in its style, cut to the width of the screen. Pure.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ui::Style;

/// A line in parts, each in its style.
#[derive(Clone, Debug, Default)]
pub struct Line(Vec<(Option<Style>, String)>);

impl Line {
    pub fn plain(text: impl Into<String>) -> Self {
        Line::default().with(None, text)
    }

    pub fn with(mut self, style: Option<Style>, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// The line in at most `width` columns.
    pub fn render(&self, width: usize, unicode: bool, colour: bool) -> String {
        let whole: usize = self.0.iter().map(|(_, text)| text.width()).sum();
        let ellipsis = if unicode { "…" } else { "..." };
        let mut left = if whole > width { width.saturating_sub(ellipsis.width()) } else { width };
        let mut line = String::new();
        'parts: for (style, text) in &self.0 {
            let mut part = String::new();
            for c in text.chars() {
                let columns = c.width().unwrap_or(0);
                if columns > left {
                    line.push_str(&paint(*style, &part, colour));
                    break 'parts;
                }
                left -= columns;
                part.push(c);
            }
            line.push_str(&paint(*style, &part, colour));
        }
        if whole > width && width >= ellipsis.width() {
            line.push_str(ellipsis);
        }
        line
    }
}

fn paint(style: Option<Style>, text: &str, colour: bool) -> String {
    match style {
        Some(style) if !text.is_empty() => style.paint(text, colour),
        _ => text.to_owned(),
    }
}
