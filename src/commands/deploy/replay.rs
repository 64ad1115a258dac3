//! `deploy watch --replay`: a recorded event stream, shown again. Calls nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::watching::{WatchArgs, written};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::Format;
use crate::report::{Pulse, Reporter};
use crate::signals;
use crate::watch::event::{Event, NoticeCode, Stamped, VERSION};
use crate::watch::outcome::worst;

/// The longest line that is an event; a result holds causes with their logs.
const LONGEST: u64 = 64 << 20;
/// What a recording is.
const WRITTEN: &str = "it is what `cdctl deploy watch --record FILE` or `-o ndjson` has written";
/// Between two frames of a live view.
const FRAME: Duration = Duration::from_millis(100);

/// Shows the events of `file` at once, or so many times as fast as they came. Ends as the watch did, or as it had with
/// `--require-all`.
pub async fn run(
    context: &Context,
    file: &Path,
    speed: Option<f64>,
    watch: &WatchArgs,
) -> anyhow::Result<Exit> {
    let output = &context.settings.output;
    if !matches!(output.format, Format::Table | Format::Ndjson) {
        return Err(Failure::new("--replay shows a recording and prints no data")
            .help(format!("write -o ndjson, or `cdctl deploy report --replay {} -f json`", file.display()))
            .exit(Exit::Usage)
            .into());
    }
    let mut events = read(file)?;
    let mut exits = Vec::new();
    for stamped in &mut events {
        if let Event::Result(report) = &mut stamped.event {
            if watch.require_all && report.is_in_part() && report.exit == Exit::Ok.code() {
                report.exit = Exit::Failed.code();
            }
            exits.push(Exit::of_watch(report.exit).unwrap_or(Exit::Unknown));
        }
        if let Event::Notice { code: NoticeCode::NotStarted, exit, .. } = &stamped.event {
            // What refused, or was not begun, has no deployment and so no result.
            exits.push(exit.and_then(Exit::of_watch).unwrap_or(Exit::Error));
        }
    }
    let mut reporters = watch.shown.reporters(context)?;
    let mut interrupted = None;
    let whole = match speed {
        None => events.iter().all(|event| tell(&mut reporters, event)),
        Some(speed) => {
            let signal = context.signals.next();
            tokio::select! {
                whole = play(&mut reporters, &events, speed) => whole,
                signal = signal => {
                    interrupted = Some(signals::exit(signal));
                    false
                }
            }
        }
    };
    for reporter in &mut reporters {
        reporter.end();
    }
    if let Some(exit) = interrupted {
        return Ok(exit);
    }
    let unwritten = reporters.iter_mut().filter_map(|reporter| reporter.unwritten()).collect();
    if exits.is_empty() && whole {
        context.ui.note("the recording ends before its watch did, so there is no outcome");
    }
    let exit = if exits.is_empty() || !whole { Exit::Unknown } else { worst(exits) };
    Ok(written(context, unwritten, exit))
}

/// Tells every reporter; false where nobody reads any more.
fn tell(reporters: &mut [Box<dyn Reporter>], event: &Stamped) -> bool {
    reporters.iter_mut().all(|reporter| reporter.event(event).is_ok())
}

async fn play(reporters: &mut [Box<dyn Reporter>], events: &[Stamped], speed: f64) -> bool {
    let Some(first) = events.first() else { return true };
    let mut frames = tokio::time::interval(FRAME);
    let (mut now, mut next) = (first.ts, 0);
    while next < events.len() {
        frames.tick().await;
        while let Some(event) = events.get(next).filter(|event| event.ts <= now) {
            if !tell(reporters, event) {
                return false;
            }
            next += 1;
        }
        for reporter in reporters.iter_mut() {
            reporter.tick(&Pulse { now, answer_age: None });
        }
        now = now.checked_add(FRAME.mul_f64(speed)).unwrap_or(now);
    }
    true
}

/// The events of a recording.
pub fn read(file: &Path) -> anyhow::Result<Vec<Stamped>> {
    let cannot = || format!("cannot read the recording {}", file.display());
    events(BufReader::new(File::open(file).with_context(cannot)?), LONGEST, cannot)
}

/// The events of `reader`, whose lines have `longest` bytes at most.
fn events(
    mut reader: impl BufRead,
    longest: u64,
    cannot: impl Fn() -> String,
) -> anyhow::Result<Vec<Stamped>> {
    let mut events = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(longest).read_until(b'\n', &mut line).with_context(&cannot)?;
        if line.is_empty() {
            return Ok(events);
        }
        let number = events.len() + 1;
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice::<Stamped>(&line) {
            _ if !whole && line.len() as u64 == longest => {
                return Err(Failure::new(cannot())
                    .cause(format!("line {number} is longer than any event"))
                    .help(WRITTEN)
                    .into());
            }
            Ok(event) if event.v != VERSION => {
                return Err(Failure::new(cannot())
                    .cause(format!("line {number} has version {} of the stream's form", event.v))
                    .help(format!("this cdctl reads version {VERSION}"))
                    .into());
            }
            Ok(mut event) => {
                if let Event::Result(report) = &mut event.event {
                    report.region.clone_from(&event.region);
                }
                events.push(event);
            }
            // A watch that was killed leaves half a line at the end, which may end in the middle of a character.
            Err(_) if !whole && !events.is_empty() => return Ok(events),
            Err(error) => {
                return Err(Failure::new(cannot())
                    .cause(format!("line {number}: {error}"))
                    .help(WRITTEN)
                    .into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r#"{"v":1,"seq":0,"ts":"2026-01-01T00:00:00.000Z","type":"stream_start","tool":"cdctl","deployment":"d-1"}"#;
    const SECOND: &str = r#"{"v":1,"seq":1,"ts":"2026-01-01T00:00:01.000Z","type":"notice","code":"timeout","message":"é","deployment":"d-1"}"#;

    fn of(text: &[u8], longest: u64) -> anyhow::Result<usize> {
        events(text, longest, || "cannot read it".to_owned()).map(|events| events.len())
    }

    #[test]
    fn half_a_line_at_the_end_is_left_out_wherever_it_was_cut() {
        let text = format!("{FIRST}\n{SECOND}\n");
        assert_eq!(of(text.as_bytes(), LONGEST).unwrap(), 2);
        for cut in FIRST.len() + 1..text.len() - 2 {
            assert_eq!(of(&text.as_bytes()[..cut], LONGEST).unwrap(), 1, "cut at {cut}");
        }
        for cut in 1..FIRST.len() {
            assert!(of(&text.as_bytes()[..cut], LONGEST).is_err(), "no recording, cut at {cut}");
        }
        let wrong = [FIRST.as_bytes(), b"\n\xc3\n", SECOND.as_bytes(), b"\n"].concat();
        assert!(of(&wrong, LONGEST).unwrap_err().to_string().contains("cannot read it"));
    }

    #[test]
    fn a_line_that_is_too_long_is_no_half_line() {
        let text = format!("{FIRST}\n{SECOND}\n");
        let longest = SECOND.len() as u64;
        assert_eq!(of(text.as_bytes(), longest + 1).unwrap(), 2);
        let error = of(text.as_bytes(), longest).unwrap_err();
        assert!(format!("{:?}", error.downcast::<Failure>().unwrap()).contains("line 2 is longer"));
    }
}
