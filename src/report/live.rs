//! The live view on a terminal: frames on a canvas, and what keys make of them. The last frame stays in the scrollback.

use super::frame::{Interrupt, Look, Panel, focus, frames, last_frame, parting_frame};
use super::view::View;
use super::words::first_line;
use super::{Closed, Pulse, Reporter, Wish};
use crate::model::DeploymentStatus;
use crate::ui::{Canvas, Key};
use crate::watch::event::{Event, NoticeCode, Stamped};

/// Draws on a terminal; one that is gone is no reason to end.
pub struct Live {
    canvas: Canvas,
    /// One a deployment.
    views: Vec<View>,
    unicode: bool,
    colour: bool,
    panel: Option<Panel>,
    /// What ^C does; and which of the deployments, by their views, are being stopped.
    interrupt: Option<Interrupt>,
    stopping: Vec<bool>,
    /// What the drawn frame showed: the second, and the size of the screen.
    shown: (i64, (usize, usize)),
    changed: bool,
}

impl Live {
    pub fn new(canvas: Canvas, unicode: bool, colour: bool) -> Self {
        let (panel, interrupt) = (None, None);
        let (views, stopping, shown) = (Vec::new(), Vec::new(), (0, (0, 0)));
        Live { canvas, views, unicode, colour, panel, interrupt, stopping, shown, changed: true }
    }

    /// One that says what ^C does.
    pub fn interrupted(self, interrupt: Option<Interrupt>) -> Self {
        Live { interrupt, ..self }
    }

    /// One that keys steer.
    pub fn with_keys(self) -> Self {
        Live { panel: Some(Panel::default()), ..self }
    }

    fn draw(&mut self) {
        let (width, height) = self.canvas.size();
        let stopped = self.stopping.contains(&true) && (0..self.views.len()).all(|index| self.is_left(index));
        let interrupt = self.interrupt.map(|does| if stopped { Interrupt::Again } else { does });
        let panel = self.panel.clone();
        let look = Look { width, height, unicode: self.unicode, colour: self.colour, panel, interrupt };
        self.canvas.draw(frames(&self.views, &look));
        self.changed = false;
    }

    /// The deployment has ended or is being stopped: ^C has nothing more to stop.
    fn is_left(&self, index: usize) -> bool {
        self.stopping[index] || self.views[index].status().is_some_and(DeploymentStatus::is_terminal)
    }

    /// Keys are about the next deployment that goes on.
    fn choose_after(&mut self, focus: usize) {
        let goes_on = |index: &usize| !self.views[*index].status().is_some_and(DeploymentStatus::is_terminal);
        let next = (focus + 1..self.views.len()).chain(0..focus).find(goes_on);
        for (index, view) in self.views.iter_mut().enumerate() {
            view.chosen = index == next.unwrap_or(focus);
        }
        self.panel = Some(Panel::default());
    }

    /// What was asked about a deployment is asked about no other one, which has the keys now.
    fn take_back(&mut self) {
        if let Some(Panel::Ask(_, id)) = &self.panel
            && self.views.get(focus(&self.views)).is_none_or(|view| view.id != *id)
        {
            self.panel = Some(Panel::default());
        }
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
            self.stopping.push(false);
            self.views.len() - 1
        });
        if let Some(view) = self.views.get(index)
            && view.gives_way_to(stamped)
        {
            // A rollback takes the screen; what it rolls back stays above it.
            let last = parting_frame(view, self.canvas.size().0, self.unicode, self.colour);
            self.canvas.print(&last.join("\n"));
        }
        if let Some(view) = self.views.get_mut(index) {
            view.event(stamped);
        }
        self.take_back();
        if let Event::Notice { message, code, .. } = &stamped.event {
            self.stopping[index] = match code {
                NoticeCode::Stopping => true,
                NoticeCode::NotStopped => false,
                _ => self.stopping[index],
            };
            // How long a watch may last is no news on a screen that somebody looks at.
            if *code != NoticeCode::Timeout {
                let of = if self.views.len() > 1 {
                    format!("{}: ", self.views[index].name())
                } else {
                    String::new()
                };
                self.canvas.print(&format!("notice: {of}{}", first_line(message, 300)));
            }
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
        let focus = focus(&self.views);
        let panel = self.panel.as_mut()?;
        if key == Key::Char('n') && self.views.len() > 1 && !matches!(panel, Panel::Ask(..)) {
            self.choose_after(focus);
            self.draw();
            return None;
        }
        let wish = panel.key(key, self.views.get(focus)?);
        self.draw();
        wish
    }

    fn paused(&mut self) {
        self.canvas.leave();
        self.changed = true;
    }

    /// The last frames, above the summaries.
    fn end(&mut self) {
        let told = self.views.iter().filter(|view| view.deployment.is_some());
        let lines: Vec<_> = told.flat_map(|view| self.last(view)).collect();
        self.canvas.end(lines);
    }
}
