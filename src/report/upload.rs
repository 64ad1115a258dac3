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
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) =
            ProgressStyle::with_template("uploading {msg} [{bar:30}] {bytes}/{total_bytes} {eta}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(place);
        Upload(bar)
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

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}
