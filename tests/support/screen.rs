//! A command on a pseudo-terminal, and what stands on its screen.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::cdctl::{CDCTL, Machine};

/// More than any step of these tests takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A command on a terminal of its own.
pub struct Terminal {
    pub child: Child,
    pub master: File,
    pub parser: Arc<Mutex<vt100::Parser>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// `cdctl` with the words of `line`.
    pub fn start(machine: Machine, line: &str, size: (u16, u16)) -> Self {
        let machine = machine.set("TERM", "xterm-256color");
        let mut command = machine.command(CDCTL);
        // A group of its own: one whose parents are in other sessions, as in some CI systems, is not stopped by ^Z.
        command.process_group(0);
        command.args(line.split_whitespace());
        Self::run(command, size)
    }

    /// Any program; `size` is columns and rows.
    pub fn run(mut command: Command, (columns, rows): (u16, u16)) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave: OwnedFd = File::options().read(true).write(true).open(name).unwrap().into();
        resize(&master, columns, rows);
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let child = command.spawn().unwrap();
        // The slave's last descriptors here go with the command: the child's end is the terminal's.
        drop(command);
        let master = File::from(master);
        let parser = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 100)));
        let (mut output, screen) = (master.try_clone().unwrap(), Arc::clone(&parser));
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                screen.lock().unwrap().process(&buffer[..count]);
            }
        });
        Terminal { child, master, parser, reader }
    }

    pub fn screen(&self) -> String {
        contents(self.parser.lock().unwrap().screen())
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.reaches(text, |screen| screen.contains(text))
    }

    #[track_caller]
    pub fn reaches(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(start.elapsed() < LIMIT, "never on the screen: {what}\n{screen}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let mut parser = self.parser.lock().unwrap();
        resize(&self.master, columns, rows);
        parser.screen_mut().set_size(rows, columns);
    }

    pub fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Types until the screen shows `text`. A shell that comes back to its prompt may throw away what was typed just
    /// before: what has shown nothing after a third of the limit is typed again.
    #[track_caller]
    pub fn types_until(&mut self, typed: &str, text: &str) -> String {
        let start = Instant::now();
        loop {
            self.types(typed);
            let again = Instant::now() + LIMIT / 3;
            while Instant::now() < again {
                let screen = self.screen();
                if screen.contains(text) {
                    return screen;
                }
                thread::sleep(Duration::from_millis(10));
            }
            assert!(start.elapsed() < LIMIT, "never on the screen: {text}\n{}", self.screen());
        }
    }

    /// Leaves a shell, by typing `exit` until it has gone.
    #[track_caller]
    pub fn exits(mut self) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < LIMIT, "it does not leave\n{}", self.screen());
            // Once it is leaving, nobody reads any more.
            let _ = self.master.write_all(b"exit\r");
            thread::sleep(Duration::from_millis(500));
        }
        self.ends();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; gives the exit code and what is left on the screen.
    pub fn ends(self) -> (Option<i32>, String) {
        let parser = Arc::clone(&self.parser);
        let code = self.goes();
        let parser = parser.lock().unwrap();
        assert!(!parser.screen().alternate_screen());
        (code, contents(parser.screen()))
    }

    /// The same of a command that may have had no chance to tidy up.
    pub fn goes(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        self.reader.join().unwrap();
        assert!(!self.parser.lock().unwrap().screen().hide_cursor(), "the cursor stays hidden");
        code
    }
}

/// The rows, also where the terminal wrapped a line of its own accord.
fn contents(screen: &vt100::Screen) -> String {
    let rows = screen.rows(0, screen.size().1).map(|row| row.trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

fn resize(master: impl std::os::fd::AsFd, columns: u16, rows: u16) {
    tcsetwinsize(master, Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}
