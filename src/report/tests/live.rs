//! The live view on a terminal.

use snapbox::{assert_data_eq, str};

use super::*;
use crate::report::Reporters;

/// What a terminal of 24 rows and so many columns shows of it.
fn screen(text: &str, columns: u16) -> Vec<String> {
    let mut terminal = vt100::Parser::new(24, columns, 0);
    terminal.process(text.as_bytes());
    terminal.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
}

#[test]
fn the_live_view_draws_and_leaves_its_last_frame() {
    let buffer = Buffer::default();
    let mut live = Live::new(Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24)), true, true);
    let mut events = vec![told(DeploymentStatus::InProgress, counts(0, 6, 6, 0))];
    events.extend((0..6).map(|n| seen(&format!("i-{n}"), TargetStatus::InProgress, EventName::Install, 5)));
    let mut seq = 0;
    let mut take = |live: &mut Live, second: i64, event: Event| {
        seq += 1;
        assert_eq!(live.event(&stamped(seq, second, event)), Ok(()));
        live.tick(&pulse(second));
    };
    for event in events {
        take(&mut live, 6, event);
    }
    let now = screen(&buffer.text(), 80);
    assert_eq!(now.iter().filter(|line| line.starts_with(" ● i-")).count(), 6, "{now:#?}");
    take(&mut live, 7, Event::Notice { code: NoticeCode::Config, message: "not read".into(), exit: None });
    for n in 0..6 {
        take(&mut live, 8, seen(&format!("i-{n}"), TargetStatus::Succeeded, EventName::Install, 5));
    }
    take(&mut live, 399, told(DeploymentStatus::Succeeded, counts(12, 0, 0, 0)));
    assert_eq!(live.event(&stamped(99, 400, Event::Result(Box::new(report("succeeded", 0))))), Ok(()));
    live.end();
    let drawn = buffer.text();
    drop(live);
    assert_eq!(buffer.text(), drawn, "nothing is cleared afterwards");
    let shown = screen(&(drawn + "what follows"), 80).join("\n");
    assert_data_eq!(
        shown.trim_end(),
        str![[r#"
notice: not read
d-7F3K2QX9A  shop-web/prod-fleet  Succeeded  6m39s elapsed
4.18.0.zip (was 4.17.2.zip)  HalfAtATime  by user
[████████████████████████████████████████████████████████████]  ok 12/12  fail 0
what follows
"#]]
    );
}

#[test]
fn what_is_rolled_back_stays_above_its_rollback() {
    let shown = |followed: bool| {
        let buffer = Buffer::default();
        let mut live =
            Live::new(Canvas::new(Screen::fixed(Stream::new(buffer.clone()), 80, 24)), true, false);
        let rollback = |status| Stamped {
            deployment: "d-ROLL".into(),
            ..stamped(5, 410, told(status, counts(9, 0, 0, 0)))
        };
        let mut events = vec![
            stamped(0, 6, told(DeploymentStatus::Failed, counts(1, 0, 0, 8))),
            stamped(1, 400, Event::Rollback { rollback: "d-ROLL".into(), message: None }),
        ];
        events.extend(followed.then(|| rollback(DeploymentStatus::InProgress)));
        events.extend(followed.then(|| rollback(DeploymentStatus::Succeeded)));
        events.push(stamped(9, 420, Event::Result(Box::new(report("failed", 3)))));
        for event in &events {
            assert_eq!(live.event(event), Ok(()));
            live.tick(&pulse(410));
        }
        live.end();
        let lines = screen(&buffer.text(), 80);
        lines.into_iter().filter(|line| line.starts_with("d-")).collect::<Vec<_>>()
    };
    let original = "d-7F3K2QX9A  shop-web/prod-fleet  Failed  6m39s elapsed";
    let rollback = "d-ROLL  shop-web/prod-fleet  Succeeded  6m39s elapsed  rolls back d-7F3K2QX9A";
    assert_eq!(shown(true), [original, rollback]);
    assert_eq!(shown(false), [original]);
}

#[test]
fn what_failed_stays_on_the_screen_while_it_is_rolled_back() {
    let buffer = Buffer::default();
    let mut live = Live::new(canvas(Stream::new(buffer.clone())), true, false);
    let of = |deployment: &str, second, event| Stamped {
        deployment: deployment.into(),
        ..stamped(1, second, event)
    };
    let back = told(DeploymentStatus::InProgress, counts(0, 2, 0, 0));
    for event in [
        of(ID, 6, told(DeploymentStatus::InProgress, counts(0, 2, 0, 0))),
        of(ID, 7, seen("i-1", TargetStatus::Failed, EventName::ApplicationStart, 7)),
        of(ID, 9, told(DeploymentStatus::Failed, counts(1, 0, 0, 1))),
        of(ID, 9, Event::Rollback { rollback: "d-ROLL".into(), message: None }),
        of("d-ROLL", 10, back),
    ] {
        assert_eq!(live.event(&event), Ok(()));
    }
    live.tick(&pulse(11));
    let shown = screen(&buffer.text(), 80).join("\n");
    let (above, below) = shown.split_once("d-ROLL  shop-web").unwrap();
    assert!(above.contains("FAILED   1 target\n ✗ 1x  ApplicationStart"), "{shown}");
    assert!(above.contains("│ [stderr]Error: listen EADDRINUSE"), "{shown}");
    assert!(!below.contains("FAILED"), "{shown}");
}

#[test]
fn a_notice_among_several_deployments_names_its_own() {
    let buffer = Buffer::default();
    let mut live = Live::new(canvas(Stream::new(buffer.clone())), true, false);
    let notice = |code, message: &str| Event::Notice { code, message: message.into(), exit: None };
    for id in ["d-1", "d-2"] {
        for event in [
            told(DeploymentStatus::InProgress, counts(0, 2, 0, 0)),
            notice(NoticeCode::Timeout, "watching for 12h10m at most"),
        ] {
            let event = Stamped { deployment: id.into(), ..stamped(1, 6, event) };
            assert_eq!(live.event(&event), Ok(()));
        }
    }
    let event = Stamped { deployment: "d-2".into(), ..stamped(2, 7, notice(NoticeCode::Config, "not read")) };
    assert_eq!(live.event(&event), Ok(()));
    let shown = screen(&buffer.text(), 80).join("\n");
    assert!(shown.contains("notice: d-2: not read") && !shown.contains("12h10m"), "{shown}");
}

/// Says that it has ended.
struct Ends(std::sync::mpsc::Sender<()>);

impl Reporter for Ends {
    fn event(&mut self, _: &Stamped) -> Result<(), Closed> {
        Ok(())
    }

    fn end(&mut self) {
        self.0.send(()).unwrap();
    }
}

#[test]
fn a_command_that_ends_early_gives_the_terminal_back_before_it_is_gone() {
    let (to, ended) = std::sync::mpsc::channel();
    let reporters = Reporters::start(vec![Box::new(Ends(to))]).unwrap();
    let pause = reporters.input().unwrap().pause();
    drop(pause);
    drop(reporters);
    assert_eq!(ended.try_recv(), Ok(()));
}
