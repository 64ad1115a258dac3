//! The canvas on a terminal of its own, whose first screen is not its business.

use super::*;
use crate::ui::{Buffer, Stream};

struct Bench {
    buffer: Buffer,
    canvas: Canvas,
    terminal: vt100::Parser,
    read: usize,
}

impl Bench {
    fn new((width, height): Size) -> Self {
        let buffer = Buffer::default();
        let mut terminal = vt100::Parser::new(height as u16, width as u16, 1000);
        terminal.process(b"$ before\r\n$ cdctl deploy watch\r\n");
        Bench { canvas: Canvas::new(screen(&buffer, (width, height))), buffer, terminal, read: 0 }
    }

    fn resize(&mut self, size: Size) {
        self.terminal.screen_mut().set_size(size.1 as u16, size.0 as u16);
        self.canvas.screen = screen(&self.buffer, size);
    }

    /// A frame of `rows` lines as wide as the screen, or of as many as it has room for.
    fn draw(&mut self, name: &str, rows: usize) {
        let (width, height) = self.canvas.size();
        let lines = (0..rows.min(height.saturating_sub(1)).max(1))
            .map(|n| format!("{name}{n} {}", "x".repeat(width)).chars().take(width).collect());
        self.canvas.draw(lines.collect());
    }

    /// What stands on the screen, without what is empty at its end.
    fn shows(&mut self) -> Vec<String> {
        let text = self.buffer.text();
        self.terminal.process(&text.as_bytes()[self.read..]);
        self.read = text.len();
        let screen = self.terminal.screen();
        let rows = screen.rows(0, screen.size().1).map(|row| row.trim_end().to_owned());
        let mut rows: Vec<String> = rows.collect();
        rows.truncate(rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1));
        rows
    }
}

fn screen(buffer: &Buffer, size: Size) -> Screen {
    Screen::fixed(Stream::new(buffer.clone()), size.0 as u16, size.1 as u16)
}

#[test]
fn a_block_replaces_itself_and_prints_stay_above() {
    let mut bench = Bench::new((20, 10));
    bench.canvas.print("before any block");
    bench.draw("a", 4);
    bench.draw("b", 2);
    bench.canvas.print("notice");
    let shown = bench.shows();
    assert_eq!(shown[..2], ["before any block", "notice"]);
    assert_eq!((shown.len(), &shown[2][..2]), (4, "b0"), "{shown:#?}");
    bench.canvas.end(vec!["last".to_owned()]);
    bench.canvas.end(Vec::new());
    assert_eq!(bench.shows(), ["$ before", "$ cdctl deploy watch", "before any block", "notice", "last"]);
    assert_eq!(bench.terminal.screen().cursor_position(), (5, 0));
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let mut bench = Bench::new((20, 10));
    bench.draw("a", 4);
    let before = bench.buffer.text();
    // Behind a line as wide as the screen the cursor stands on its last cell: an erasure would take that.
    assert!(before.ends_with("x\x1b[?7h"), "{before:?}");
    bench.draw("a", 4);
    assert_eq!(bench.buffer.text(), before);
}

#[test]
fn what_is_printed_has_the_room_that_the_block_leaves() {
    let mut bench = Bench::new((10, 5));
    bench.draw("a", 2);
    bench.canvas.print("\x1b[1mone\x1b[0m\na notice of some length");
    // The colours of a line go over its rows.
    assert_eq!(bench.shows()[..3], ["a notice o", "f some len", "gth"]);
    bench.draw("b", 9);
    let shown = bench.shows();
    assert_eq!((shown.len(), &*shown[0], &shown[4][..2]), (5, "gth", "b3"), "{shown:#?}");
    bench.canvas.leave();
    let shown = bench.shows();
    assert!(shown.join("").ends_with("a notice of some length"), "{shown:#?}");
    assert_eq!(rows("日本語", 4), ["日本", "語"]);
    assert_eq!(rows("x", 0), ["x"]);
}

#[test]
fn sre_09_resize_leaves_no_ghost_lines() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bench = Bench::new((200, 60));
        let mut sizes = vec![(39, 8), (200, 60), (80, 24)];
        sizes.extend((0..6).map(|_| (random.usize(12..220), random.usize(4..70))));
        bench.draw("f", 30);
        bench.shows();
        for (index, size) in sizes.into_iter().enumerate() {
            bench.resize(size);
            let name = char::from(b'g' + index as u8).to_string();
            bench.draw(&name, 30);
            let shown = bench.shows();
            assert_eq!(shown.len(), 30.min(size.1 - 1), "{seed} {size:?}: {shown:#?}");
            let whole = |row: &String| row.starts_with(&name) && row.len() == size.0;
            assert!(shown.iter().all(whole), "{seed} {size:?}: {shown:#?}");
        }
        let size = bench.canvas.size();
        bench.resize((200, 60));
        bench.canvas.end(vec!["last".to_owned()]);
        let shown = bench.shows();
        // Each frame went with the second screen; what a terminal has made of its first one is not ours to touch.
        assert_eq!(shown.last().unwrap(), "last", "{seed} {size:?}");
        assert!(!shown.iter().any(|row| row.ends_with('x')), "{seed} {size:?}: {shown:#?}");
        assert!(!bench.terminal.screen().alternate_screen());
    }
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let mut bench = Bench::new((30, 20));
    bench.draw("a", 3);
    assert!(bench.shows()[0].starts_with("a0") && bench.terminal.screen().alternate_screen());
    bench.canvas.leave();
    bench.shows();
    bench.terminal.process(b"[1]+ Stopped\r\n$ fg\r\n");
    bench.draw("a", 3);
    assert_eq!(bench.shows().len(), 3);
    let Bench { canvas, buffer, mut terminal, read } = bench;
    drop(canvas);
    let text = buffer.text();
    terminal.process(&text.as_bytes()[read..]);
    assert_eq!(terminal.screen().contents().trim_end(), "$ before\n$ cdctl deploy watch\n[1]+ Stopped\n$ fg");
    for (on, off) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?7l", "\x1b[?7h")] {
        assert_eq!(text.matches(on).count(), text.matches(off).count(), "{on:?}");
    }
    assert!(!text.contains("\x1b[?25"), "the cursor is never hidden");
}
