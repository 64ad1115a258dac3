//! The live view on a terminal: frames on a canvas, and what keys make of them. The last frame stays in the scrollback;
//! the cursor is never hidden.

use super::frame::{Look, Panel, focus, frames, last_frame};
use super::view::View;
use super::words::first_line;
use super::{Closed, Pulse, Reporter, Wish};
use crate::ui::{Canvas, Key};
use crate::watch::event::{Event, Stamped};

/// Draws on a terminal; one that is gone is no reason to end.
pub struct Live {
    canvas: Canvas,
    /// One a deployment.
    views: Vec<View>,
    unicode: bool,
    colour: bool,
    panel: Option<Panel>,
    /// What the drawn frame showed: the second, and the size of the screen.
    shown: (i64, (usize, usize)),
    changed: bool,
}

impl Live {
    pub fn new(canvas: Canvas, unicode: bool, colour: bool) -> Self {
        Live { canvas, views: Vec::new(), unicode, colour, panel: None, shown: (0, (0, 0)), changed: true }
    }

    /// One that keys steer.
    pub fn with_keys(self) -> Self {
        Live { panel: Some(Panel::default()), ..self }
    }

    fn draw(&mut self) {
        let (width, height) = self.canvas.size();
        let look =
            Look { width, height, unicode: self.unicode, colour: self.colour, panel: self.panel.clone() };
        self.canvas.draw(frames(&self.views, &look));
        self.changed = false;
    }

    fn last(&self, view: &View) -> Vec<String> {
        last_frame(view, self.canvas.size().0, self.unicode, self.colour)
    }

    /// The view of the deployment that an event is about, or of what it rolls back.
    fn view(&self, stamped: &Stamped) -> Option<usize> {
        self.views.iter().position(|view| view.is_about(&stamped.deployment))
    }
}

impl Reporter for Live {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        if let (Event::Notice { message, .. }, "") = (&stamped.event, stamped.deployment.as_str()) {
            // It is about what no deployment was made of.
            self.canvas.print(&format!("notice: {}", first_line(message, 300)));
            return Ok(());
        }
        let index = self.view(stamped).unwrap_or_else(|| {
            self.views.push(View::default());
            self.views.len() - 1
        });
        if let Some(view) = self.views.get(index)
            && view.gives_way_to(stamped)
        {
            // A rollback takes the screen; what it rolls back stays above it.
            let last = self.last(view).join("\n");
            self.canvas.print(&last);
        }
        if let Some(view) = self.views.get_mut(index) {
            view.event(stamped);
        }
        if let Event::Notice { message, .. } = &stamped.event {
            self.canvas.print(&format!("notice: {}", first_line(message, 300)));
        }
        self.changed = true;
        Ok(())
    }

    fn tick(&mut self, pulse: &Pulse) {
        for view in &mut self.views {
            view.tick(pulse);
        }
        // A fleet of thousands is not composed anew for what nobody could see.
        let shows = (pulse.now.as_second(), self.canvas.size());
        if self.views.iter().any(|view| !view.id.is_empty()) && (self.changed || self.shown != shows) {
            self.shown = shows;
            self.draw();
        }
    }

    fn key(&mut self, key: Key) -> Option<Wish> {
        let view = self.views.get(focus(&self.views))?;
        let wish = self.panel.as_mut()?.key(key, view);
        self.draw();
        wish
    }

    fn resumed(&mut self) {
        self.canvas.forget();
        self.changed = true;
    }

    /// The last frames, above the summaries.
    fn end(&mut self) {
        let told = self.views.iter().filter(|view| view.deployment.is_some());
        let lines: Vec<_> = told.flat_map(|view| self.last(view)).collect();
        self.canvas.end(lines);
    }
}
