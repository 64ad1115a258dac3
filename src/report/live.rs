//! The live view on a terminal: frames drawn through indicatif, whose screen is the ui's. The last frame stays in the
//! scrollback; the cursor is never hidden.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::frame::{frames, last_frame};
use super::view::View;
use super::words::first_line;
use super::{Closed, Pulse, Reporter};
use crate::ui::Screen;
use crate::watch::event::{Event, Stamped};

/// Frames a second at most; the ticks of a watch are slower.
const HERTZ: u8 = 20;

/// Draws on a terminal; one that is gone is no reason to end.
pub struct Live {
    screen: Screen,
    bar: ProgressBar,
    /// One a deployment.
    views: Vec<View>,
    unicode: bool,
    colour: bool,
    drawn: String,
}

impl Live {
    pub fn new(screen: Screen, unicode: bool, colour: bool) -> Self {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), HERTZ);
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Live { screen, bar, views: Vec::new(), unicode, colour, drawn: String::new() }
    }

    fn draw(&mut self) {
        let (width, height) = self.screen.size();
        let text = frames(&self.views, width.into(), height.into(), self.unicode, self.colour).join("\n");
        if text != self.drawn {
            self.bar.set_message(text.clone());
            self.bar.force_draw();
            self.drawn = text;
        }
    }

    fn last(&self, view: &View) -> String {
        let (width, _) = self.screen.size();
        last_frame(view, width.into(), self.unicode, self.colour).join("\n")
    }

    /// The view of the deployment that an event is about, or of what it rolls back.
    fn view(&self, stamped: &Stamped) -> Option<usize> {
        self.views.iter().position(|view| view.is_about(&stamped.deployment))
    }
}

impl Reporter for Live {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        let index = self.view(stamped).unwrap_or_else(|| {
            self.views.push(View::default());
            self.views.len() - 1
        });
        if let Some(view) = self.views.get(index)
            && view.gives_way_to(stamped)
        {
            // A rollback takes the screen; what it rolls back stays above it.
            self.bar.println(self.last(view));
        }
        if let Some(view) = self.views.get_mut(index) {
            view.event(stamped);
        }
        if let Event::Notice { message, .. } = &stamped.event {
            self.bar.println(format!("notice: {}", first_line(message, 300)));
        }
        Ok(())
    }

    fn tick(&mut self, pulse: &Pulse) {
        for view in &mut self.views {
            view.tick(pulse);
        }
        if self.views.iter().any(|view| !view.id.is_empty()) {
            self.draw();
        }
    }

    /// The last frames, above the summaries.
    fn end(&mut self) {
        let told: Vec<_> =
            self.views.iter().filter(|view| view.deployment.is_some()).map(|view| self.last(view)).collect();
        if told.is_empty() {
            return self.bar.finish_and_clear();
        }
        self.bar.abandon_with_message(told.join("\n"));
        // The cursor stands behind the frame's last column; what follows has a line of its own.
        let _ = self.screen.write_line("").and_then(|()| self.screen.flush());
    }
}
