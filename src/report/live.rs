//! The live view on a terminal: frames drawn through indicatif, whose screen is the ui's. The last frame stays in the
//! scrollback; the cursor is never hidden.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::frame::{frame, last_frame};
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
    view: View,
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
        Live { screen, bar, view: View::default(), unicode, colour, drawn: String::new() }
    }

    fn draw(&mut self) {
        let (width, height) = self.screen.size();
        let text = frame(&self.view, width.into(), height.into(), self.unicode, self.colour).join("\n");
        if text != self.drawn {
            self.bar.set_message(text.clone());
            self.bar.force_draw();
            self.drawn = text;
        }
    }

    fn last(&self) -> String {
        let (width, _) = self.screen.size();
        last_frame(&self.view, width.into(), self.unicode, self.colour).join("\n")
    }
}

impl Reporter for Live {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        if self.view.gives_way_to(stamped) {
            // A rollback takes the screen; what it rolls back stays above it.
            self.bar.println(self.last());
        }
        self.view.event(stamped);
        match &stamped.event {
            Event::Notice { message, .. } => {
                self.bar.println(format!("notice: {}", first_line(message, 300)))
            }
            Event::Result(_) if self.view.deployment.is_none() => self.bar.finish_and_clear(),
            Event::Result(_) => {
                self.bar.abandon_with_message(self.last());
                // The cursor stands behind the frame's last column; what follows has a line of its own.
                let _ = self.screen.write_line("").and_then(|()| self.screen.flush());
            }
            _ => {}
        }
        Ok(())
    }

    fn tick(&mut self, pulse: &Pulse) {
        self.view.tick(pulse);
        if !self.view.id.is_empty() {
            self.draw();
        }
    }
}
