//! What is said of a deployment that is left while it is being stopped, and of its fleets where a watch ends before it.

use super::*;
use crate::watch::event::{Counts, Fleets};

/// A watch that is interrupted twice.
async fn twice(fleet: &Arc<Fleet>) -> (Outcome, Vec<Stamped>) {
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let signals = Signals::default();
    let ids = ["d-1".to_owned()];
    let options = Options { on_interrupt: Leave::Stop, ..options() };
    let mut outcomes = {
        let mut watch = std::pin::pin!(watch(Arc::clone(fleet), &ids, &options, &signals, &mut reporters));
        let mut ticks = tokio::time::interval(secs(33));
        ticks.tick().await;
        loop {
            tokio::select! {
                outcomes = watch.as_mut() => break outcomes,
                _ = ticks.tick() => signals.send(Signal::Interrupt),
            }
        }
    };
    drop(reporters);
    (outcomes.remove(0), from.iter().collect())
}

#[tokio::test(start_paused = true)]
async fn sre_10_a_second_interrupt_says_that_the_deployment_is_being_stopped() {
    let fleet = Arc::new(Fleet { each: 100_000, stops_after: 1000, ..Fleet::new(12) });
    let (outcome, events) = twice(&fleet).await;
    assert_eq!(outcome.exit().code(), 130);
    assert_eq!(report(&events).reason.as_deref(), Some("the deployment is being stopped"));
    let notice = events.iter().find_map(|stamped| match &stamped.event {
        Event::Notice { code: NoticeCode::Stopping, message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!(notice.as_deref(), Some("stopping the deployment; another ^C leaves it to that"));
    // One that could not be stopped goes on.
    let refuses: Fault = Box::new(|name, _| (name == "StopDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(Fleet { each: 100_000, fault: refuses, ..Fleet::new(12) });
    let (_, events) = twice(&fleet).await;
    assert_eq!(report(&events).reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_point_is_told_with_the_targets_as_they_are_there() {
    let fleet = Fleet { batch: 12, ready: 45..400, ..Fleet::new(12) };
    let fleet = Arc::new(Fleet { ends: Some((500, DeploymentStatus::Succeeded, "")), ..fleet });
    let (outcome, events) = run(&fleet, Options { exit_on_ready: true, ..options() }).await;
    assert_eq!(outcome.exit(), Exit::Ready);
    let done = |status: &TargetStatus| *status == TargetStatus::Succeeded;
    assert_eq!(final_targets(&events).values().filter(|status| done(status)).count(), 12);
}

#[test]
fn fleets_that_have_gone_on_since_they_were_read_are_told_apart() {
    let counts = |ok, run, pend, ready| Counts { ok, run, pend, ready, ..Counts::default() };
    let fleets = Fleets { blue: counts(0, 0, 12, 0), green: counts(0, 6, 0, 0) };
    assert!(fleets.agree_with(&counts(0, 6, 12, 0)), "both fleets are counted");
    assert!(fleets.agree_with(&counts(0, 6, 0, 0)), "the replacement alone is");
    assert!(!fleets.agree_with(&counts(0, 0, 0, 6)) && !fleets.agree_with(&counts(0, 0, 12, 6)));
}
