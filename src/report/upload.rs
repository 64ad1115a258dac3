//! The progress of an upload: a bar on a terminal, one line elsewhere.

use std::sync::Arc;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::{self, Ui};

/// An upload under way.
pub struct Upload(ProgressBar);

impl Upload {
    /// `place` is where the bytes go, `total` how many there are.
    pub fn start(ui: &Ui, place: &str, total: u64) -> Self {
        let place = ui::line(place);
        let target = match ui.screen() {
            Some(screen) if !ui.quiet => ProgressDrawTarget::term_like_with_hz(Box::new(screen), 10),
            _ => {
                ui.note(&format!("uploading {} to {place}", size(total)));
                ProgressDrawTarget::hidden()
            }
        };
        let columns = ui.screen().map_or(0, |screen| screen.size().0);
        Upload(bar(target, columns, place, total))
    }

    /// Is told how many bytes have been sent.
    pub fn progress(&self) -> Arc<dyn Fn(u64) + Send + Sync> {
        let bar = self.0.clone();
        Arc::new(move |sent| bar.set_position(sent))
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}

/// One line of so many columns: the place has what the rest leaves, and a narrow screen no bar.
fn bar(target: ProgressDrawTarget, columns: u16, place: String, total: u64) -> ProgressBar {
    const NARROW: u16 = 60;
    let template = match columns {
        ..NARROW => "uploading {wide_msg} {bytes}/{total_bytes} {eta}",
        NARROW.. => "uploading {wide_msg} [{bar:15}] {bytes}/{total_bytes} {eta}",
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(place);
    bar
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Buffer, Screen, Stream};

    #[test]
    fn a_bar_is_one_line_of_any_screen() {
        for (columns, has_bar) in [(40, false), (59, false), (60, true), (80, true), (100, true)] {
            let buffer = Buffer::default();
            let screen = Screen::fixed(Stream::new(buffer.clone()), columns, 10);
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), 10);
            let place = format!("s3://releases/{}/site-1.zip", "a-long-prefix/".repeat(8));
            let bar = bar(target, columns, place, 120 << 20);
            bar.set_position(100 << 20);
            bar.force_draw();
            let mut terminal = vt100::Parser::new(10, columns, 0);
            terminal.process(buffer.text().as_bytes());
            let rows: Vec<String> =
                terminal.screen().rows(0, columns).filter(|row| !row.trim().is_empty()).collect();
            let [row] = rows.as_slice() else { panic!("{columns}: {rows:#?}") };
            assert!(row.starts_with("uploading s") && row.contains("100.00 MiB/120.00 MiB"), "{row}");
            assert_eq!(row.contains("[=="), has_bar, "{row}");
        }
    }
}
