//! The canvas on a terminal that wraps its lines anew at each resize, as VTE, kitty, iTerm2, Windows Terminal and tmux
//! do it, and on one that cuts them, as xterm and screen do.

use super::*;
use crate::ui::{Buffer, Stream};

/// One row, and whether the next one continues its line.
#[derive(Clone, Debug, Default)]
struct Row {
    cells: Vec<char>,
    wrapped: bool,
}

/// As much of a terminal as the canvas needs, with its scrollback.
struct Terminal {
    rows: Vec<Row>,
    /// Row and column of the cursor; the row counts from the top of the scrollback.
    at: (usize, usize),
    /// The first row that is on the screen.
    top: usize,
    size: Size,
    reflows: bool,
    read: usize,
}

impl Terminal {
    fn new(size: Size, reflows: bool) -> Self {
        Terminal { rows: vec![Row::default()], at: (0, 0), top: 0, size, reflows, read: 0 }
    }

    fn take(&mut self, text: &str) {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.at.1 = 0,
                '\n' => self.line_feed(),
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let mut count = String::new();
                    let end = chars.by_ref().find(|c| c.is_ascii_alphabetic() || (count.push(*c), false).1);
                    match end {
                        Some('A') => {
                            self.at.0 = self.at.0.saturating_sub(count.parse().unwrap()).max(self.top)
                        }
                        Some('J') => {
                            assert_ne!(self.at, (self.top, 0), "tmux keeps the whole screen");
                            self.rows.truncate(self.at.0 + 1);
                            self.clear_right();
                        }
                        Some('K') => self.clear_right(),
                        other => panic!("an unexpected control sequence ends in {other:?}"),
                    }
                }
                c => self.put(c),
            }
        }
    }

    fn clear_right(&mut self) {
        self.rows[self.at.0].cells.truncate(self.at.1);
        self.rows[self.at.0].wrapped = false;
    }

    fn line_feed(&mut self) {
        self.at.0 += 1;
        if self.at.0 == self.rows.len() {
            self.rows.push(Row::default());
        }
        self.top = self.top.max((self.at.0 + 1).saturating_sub(self.size.1));
    }

    fn put(&mut self, c: char) {
        if self.at.1 == self.size.0 {
            self.rows[self.at.0].wrapped = true;
            self.line_feed();
            self.at.1 = 0;
        }
        let cells = &mut self.rows[self.at.0].cells;
        if cells.len() <= self.at.1 {
            cells.resize(self.at.1 + 1, ' ');
        }
        cells[self.at.1] = c;
        self.at.1 += 1;
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        if !self.reflows {
            self.rows.iter_mut().for_each(|row| row.cells.truncate(size.0));
            self.at.1 = self.at.1.min(size.0);
            self.top = self.rows.len().saturating_sub(size.1);
            return;
        }
        let mut rows: Vec<Row> = Vec::new();
        let mut at = (0, 0);
        let mut line: Vec<char> = Vec::new();
        let mut column = None;
        for (index, row) in self.rows.iter().enumerate() {
            if index == self.at.0 {
                column = Some(line.len() + self.at.1);
            }
            line.extend(&row.cells);
            if row.wrapped {
                continue;
            }
            let first = rows.len();
            let chunks: Vec<Vec<char>> = line.chunks(size.0).map(<[char]>::to_vec).collect();
            let last = chunks.len().max(1) - 1;
            rows.extend(chunks.into_iter().enumerate().map(|(n, cells)| Row { cells, wrapped: n < last }));
            if line.is_empty() {
                rows.push(Row::default());
            }
            if let Some(column) = column.take() {
                let row = (column / size.0).min(last);
                at = (first + row, column - row * size.0);
            }
            line.clear();
        }
        // A screen that grows brings rows of the scrollback back.
        self.top = rows.len().saturating_sub(size.1);
        (self.rows, self.at) = (rows, at);
    }

    /// Everything, the scrollback too.
    fn text(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.cells.iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

struct Bench {
    buffer: Buffer,
    canvas: Canvas,
    terminal: Terminal,
}

impl Bench {
    fn new(size: Size, reflows: bool) -> Self {
        let buffer = Buffer::default();
        let screen = screen(&buffer, size);
        let mut terminal = Terminal::new(size, reflows);
        terminal.take("$ before\r\n$ cdctl deploy watch\r\n");
        Bench { canvas: Canvas::new(screen, reflows), buffer, terminal }
    }

    fn resize(&mut self, size: Size) {
        self.terminal.resize(size);
        self.canvas.screen = screen(&self.buffer, size);
    }

    fn draw(&mut self, name: &str, rows: usize) {
        let (width, height) = self.canvas.size();
        let lines = (0..rows.min(height.saturating_sub(1)).max(1))
            .map(|n| format!("{name}{n} {}", "x".repeat(width)).chars().take(width).collect());
        self.canvas.draw(lines.collect());
        self.flush();
    }

    fn flush(&mut self) {
        let text = self.buffer.text();
        self.terminal.take(&text[self.terminal.read..]);
        self.terminal.read = text.len();
    }

    /// How many rows hold a line of the frame `name`.
    fn holds(&self, name: &str) -> usize {
        self.terminal.text().iter().filter(|row| row.starts_with(name)).count()
    }
}

fn screen(buffer: &Buffer, size: Size) -> Screen {
    Screen::fixed(Stream::new(buffer.clone()), size.0 as u16, size.1 as u16)
}

#[test]
fn a_block_replaces_itself_and_prints_stay_above() {
    let mut bench = Bench::new((20, 10), true);
    bench.draw("a", 4);
    bench.draw("b", 2);
    bench.canvas.print("notice");
    bench.flush();
    bench.canvas.end(vec!["last".to_owned()]);
    bench.flush();
    bench.terminal.take("$ ");
    assert_eq!(bench.terminal.text(), ["$ before", "$ cdctl deploy watch", "notice", "last", "$"]);
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let mut bench = Bench::new((20, 10), true);
    bench.draw("a", 4);
    let before = bench.buffer.text();
    bench.draw("a", 4);
    assert_eq!(bench.buffer.text(), before);
}

/// Each resize leaves one frame, and what was there before.
fn survives(reflows: bool, sizes: &[Size]) {
    let mut bench = Bench::new(sizes[0], reflows);
    bench.draw("f", 30);
    for (index, size) in sizes.iter().enumerate() {
        bench.resize(*size);
        let name = char::from(b'g' + index as u8).to_string();
        bench.draw(&name, 30);
        bench.draw(&name.to_uppercase(), 29);
    }
    let (_, height) = *sizes.last().unwrap();
    let name = char::from(b'G' + sizes.len() as u8 - 1).to_string();
    assert_eq!(bench.holds(&name), 29.min(height - 1).max(1), "the frame is whole");
    let block = bench.terminal.rows.iter().filter(|row| row.cells.first() == name.chars().next().as_ref());
    assert!(block.clone().all(|row| !row.wrapped), "{reflows} {sizes:?}: no row of it wraps");
    bench.canvas.end(vec!["last".to_owned()]);
    bench.flush();
    assert_eq!(bench.holds(&name), 0);
    let text = bench.terminal.text();
    let visible = &text[bench.terminal.top..];
    assert!(visible.len() <= height);
    let ghosts = |row: &&String| row.ends_with('x') && !row.is_empty();
    assert_eq!(visible.iter().filter(ghosts).count(), 0, "{reflows} {sizes:?}: {visible:#?}");
    assert_eq!(text.iter().filter(|row| *row == "last").count(), 1, "{reflows} {sizes:?}: {text:#?}");
    assert!(!bench.buffer.text().contains("\x1b[?"), "the cursor is never hidden, nor the screen changed");
    assert!(text.iter().any(|row| row.starts_with("$ before")), "{reflows} {sizes:?}: {text:#?}");
    assert!(text.iter().any(|row| row.starts_with("$ cdctl")), "{reflows} {sizes:?}: {text:#?}");
}

#[test]
fn sre_09_resize_leaves_no_ghost_lines() {
    for reflows in [true, false] {
        survives(reflows, &[(80, 24), (40, 24), (80, 24)]);
        survives(reflows, &[(100, 40), (99, 40), (60, 40), (30, 40)]);
        survives(reflows, &[(80, 40), (200, 60)]);
        survives(reflows, &[(200, 60), (39, 8), (200, 60)]);
    }
    survives(true, &[(80, 24), (80, 10), (80, 24), (20, 5), (120, 50)]);
}

#[test]
fn a_random_walk_of_sizes_leaves_nothing_behind() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sizes: Vec<Size> = (0..6).map(|_| (random.usize(12..150), random.usize(4..60))).collect();
        survives(true, &sizes);
    }
}

#[test]
fn after_a_pause_the_block_begins_below() {
    let mut bench = Bench::new((30, 20), true);
    bench.draw("a", 3);
    bench.terminal.take("\r\n[1]+ Stopped\r\n$ fg\r\n");
    bench.canvas.forget();
    bench.draw("b", 3);
    bench.draw("c", 3);
    let text = bench.terminal.text();
    assert_eq!((bench.holds("a"), bench.holds("b"), bench.holds("c")), (3, 0, 3), "{text:#?}");
    assert!(text.contains(&"[1]+ Stopped".to_owned()));
}
