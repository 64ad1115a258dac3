//! How many calls a watch makes, and for what.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_budget_holds_for_any_size() {
    for targets in [1, 200, 1000, 10_000] {
        let mut fleet = Fleet::new(targets);
        fleet.each = 600;
        fleet.fails = targets - 1..targets;
        let fleet = Arc::new(fleet);
        let (_, events) = run(&fleet, options()).await;
        assert!(fleet.busiest_minute() <= 30, "{targets}: {}", fleet.busiest_minute());
        let finished = fleet.finished.lock().unwrap();
        assert!(finished.values().all(|times| *times == 1), "{targets}: described once after finishing");
        assert!(finished.contains_key(&name_of(targets - 1)), "{targets}: the failure was found");
        assert_eq!(report(&events).causes[0].targets, [name_of(targets - 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn sre_20_hours_of_waiting_are_quiet() {
    let long = 6 * 3_600;
    let fleet = Arc::new(Fleet {
        each: 30,
        waits: Waits { blue_green: true, termination_s: Some(long), ..Waits::default() },
        kept_from: Some(70),
        ends: Some((long + 70, DeploymentStatus::Succeeded, "")),
        ..Fleet::new(40)
    });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let beats = |stamped: &&Stamped| matches!(stamped.event, Event::Heartbeat(_));
    let heartbeats = events.iter().filter(beats).count();
    assert!(heartbeats as u64 <= 10 + long / 300, "{heartbeats}");
    assert!(events.len() - heartbeats <= 200, "{}", events.len());
    // An hour is as the one before.
    let late: Vec<_> = events.iter().filter(|event| event.ts > at(3_600).unwrap()).collect();
    let quiet = |stamped: &&&Stamped| matches!(stamped.event, Event::Heartbeat(_));
    assert!(late.len() - late.iter().filter(quiet).count() <= 2, "the end and the result");
    // Slower while nothing moves: every 15 s, give or take the jitter.
    let looks = fleet.count("GetDeployment") as u64;
    assert!(looks <= long / 13 && fleet.count("BatchGetDeploymentTargets") <= 40, "{looks} looks");
}

/// A watch of 10,000 targets, with what it cost beside the least possible.
async fn costs(fleet: Fleet, limit: u32) -> (Arc<Fleet>, usize) {
    let fleet = Arc::new(fleet);
    let budget = Budget::per_minute(limit);
    let (outcome, _) = run(&fleet, Options { budget, reads: Reads::Summary, ..options() }).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(fleet.busiest_minute() <= limit as usize, "{limit}: {}", fleet.busiest_minute());
    let made = fleet.calls.lock().unwrap().len();
    let ticks = fleet.count("GetDeployment");
    let read = {
        let finished = fleet.finished.lock().unwrap();
        assert!(finished.values().all(|times| *times == 1), "each at most once after finishing");
        finished.len()
    };
    let listed = fleet.listed.lock().unwrap().len();
    let least = listed.div_ceil(100) + read.div_ceil(25) + ticks;
    let (lists, describes) = (fleet.count("ListDeploymentTargets"), fleet.count("BatchGetDeploymentTargets"));
    let told = format!(
        "{limit} a minute, {} at once for {} to {} s: {made} calls, {least} at least: {ticks} ticks, {lists} lists, \
         {describes} describes, {read} read",
        fleet.batch,
        fleet.each,
        fleet.each + fleet.spread
    );
    assert!(made * 100 <= least * 125, "{told}");
    (fleet, read)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_targets_cost_little_more_than_the_least() {
    for (batch, each, read) in [(5_000, 3_600, 4_000), (500, 360, 4_000)] {
        let (_, seen) = costs(Fleet { each, batch, ..Fleet::new(10_000) }, 30).await;
        assert!(seen >= read, "{seen} read");
    }
    // A deployment of minutes: however many calls there may be.
    for limit in [30, 600] {
        let _ = costs(Fleet { each: 60, spread: 60, batch: 5_000, ..Fleet::new(10_000) }, limit).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_at_the_top_of_a_screen_is_looked_at_again_first() {
    let fleet = Arc::new(Fleet { each: 3_600, batch: 2_500, ..Fleet::new(5_000) });
    let hour = Options { timeout: Some(secs(900)), reads: Reads::Summary, ..options() };
    let (outcome, _) = run(&fleet, hour).await;
    assert_eq!(outcome, Outcome::TimedOut);
    let described = fleet.described.lock().unwrap();
    // All have begun at once: the first by name are the slowest, and stand in every sample.
    let samples = fleet.count("BatchGetDeploymentTargets");
    for n in 0..12 {
        let looks = &described[&name_of(n)];
        assert!(samples >= 12 && looks.len() + 1 >= samples, "{} of {samples}: {looks:?}", name_of(n));
        // While there is much else to call for, they are never old.
        let early = looks.windows(2).filter(|pair| pair[1] < 300).map(|pair| pair[1] - pair[0]).max();
        assert!(early.unwrap() <= 50, "{looks:?}");
    }
    // The others have their turns beside them.
    assert!(described.len() >= 150, "{} were looked at", described.len());
}

/// A fleet of which five are slow, somewhere in its middle, and when each of them was first seen at work for long.
async fn stragglers(fleet: Fleet) -> Vec<u64> {
    let slow = fleet.slow.0.clone();
    // By then nobody else is at work.
    let alone = 5 + fleet.each + fleet.spread;
    let (fleet, _) = costs(fleet, 30).await;
    let described = fleet.described.lock().unwrap();
    let first =
        |n| described.get(&name_of(n)).and_then(|looks| looks.iter().find(|at| **at >= alone).copied());
    slow.map(|n| first(n).unwrap_or(u64::MAX) - alone).collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_few_of_a_large_fleet_are_found_at_once() {
    let slow = || (1_200..1_205, 1_500);
    // Of a blue/green deployment, whose others are ready and wait for them.
    let waits = Waits { blue_green: true, ..Waits::default() };
    let ends = Some((2_000, DeploymentStatus::Succeeded, ""));
    let blue_green = |targets| Fleet {
        each: 100,
        spread: 200,
        batch: targets,
        slow: slow(),
        held: 1_900,
        waits,
        ends: ends.clone(),
        ..Fleet::new(targets)
    };
    for targets in [1_500, 4_000] {
        let late = stragglers(blue_green(targets)).await;
        assert!(late.iter().all(|late| *late <= 60), "{targets}: {late:?}");
    }
    // Where there are never more, that is no reason for more calls.
    let _ = costs(Fleet { each: 30, batch: 20, ..Fleet::new(2_000) }, 30).await;
    // And of one whose others have ended and were not all read.
    let late = stragglers(Fleet { held: 0, waits: Waits::default(), ..blue_green(4_000) }).await;
    assert!(late.iter().all(|late| *late <= 120), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_usual_fleet_the_last_at_work_are_looked_at_while_the_finished_are_read() {
    for targets in [60, 200, 1_000] {
        let ends = Some((200, DeploymentStatus::Succeeded, ""));
        let slow = (30..35, 115);
        let fleet =
            Arc::new(Fleet { each: 30, spread: 40, batch: targets, slow, ends, ..Fleet::new(targets) });
        assert_eq!(run(&fleet, options()).await.0, Outcome::Succeeded);
        assert!(fleet.busiest_minute() <= 30, "{targets}: {}", fleet.busiest_minute());
        let described = fleet.described.lock().unwrap();
        for n in 30..35 {
            // From when on nobody else is at work until they end.
            let (from, to) = (5 + 30 + 40, fleet.times(n).1);
            let mut looks = vec![from];
            looks.extend(described[&name_of(n)].iter().filter(|at| (from..to).contains(at)));
            looks.push(to);
            let gaps: Vec<_> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.iter().all(|gap| *gap <= 30), "{targets}: {}: {looks:?}", name_of(n));
        }
        let finished = fleet.finished.lock().unwrap();
        assert!(finished.values().all(|times| *times == 1), "{targets}: described once after finishing");
        // In the time there is a thousand are not read, whoever comes first.
        assert!(finished.len() as u64 == targets || targets == 1_000, "{targets}: {}", finished.len());
    }
}

#[tokio::test(start_paused = true)]
async fn no_minute_holds_more_than_the_budget_with_the_commands_own_calls() {
    // The first call opens the connection, and some are slow.
    let latency: fn(usize) -> u64 = |before| match before {
        0 => 2_500,
        n if n % 7 == 3 => 900,
        _ => 20,
    };
    for limit in [30, 60] {
        for own in [1, 5, 25] {
            let fleet = Arc::new(Fleet { latency, each: 200, ..Fleet::new(1_000) });
            let ledger = Ledger::default();
            let budget = Budget::per_minute(limit).within(&ledger);
            let asked = || async {
                let _ = fleet.call("Own").await;
                ledger.made();
            };
            for _ in 0..own {
                asked().await;
            }
            // As a rollback does it: a wait for the end, a call or two, another watch.
            let wait = Options { budget: budget.clone(), reads: Reads::Nothing, ..options() };
            let late = Options { timeout: Some(secs(100)), on_timeout: Leave::Stop, ..wait };
            assert_eq!(run(&fleet, late).await.0.exit(), Exit::Stopped);
            for _ in 0..3 {
                asked().await;
            }
            *fleet.stopped.lock().unwrap() = None;
            let (outcome, _) = run(&fleet, Options { budget, ..options() }).await;
            assert_eq!(outcome, Outcome::Succeeded);
            assert!(fleet.busiest_minute() <= limit as usize, "{limit}, {own}: {}", fleet.busiest_minute());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_once_the_summary_has_what_it_says() {
    let summary = || Options { reads: Reads::Summary, ..options() };
    let after = |fleet: &Fleet| fleet.start.elapsed().as_secs_f64() - fleet.end().0 as f64;
    // All of them went well, and that is all there is to say.
    let fleet = Arc::new(Fleet { each: 120, ..Fleet::new(3_000) });
    assert_eq!(run(&fleet, summary()).await.0, Outcome::Succeeded);
    let last = fleet.calls.lock().unwrap().last().unwrap().1.clone();
    assert_eq!(last, "GetDeployment", "nothing is read for nobody");
    assert!(after(&fleet) <= 16.0, "{} s, a tick at most", after(&fleet));
    // Somebody keeps them: as many as there is room for.
    let kept = Arc::new(Fleet { each: 120, ..Fleet::new(3_000) });
    assert_eq!(run(&kept, options()).await.0, Outcome::Succeeded);
    assert!(kept.finished.lock().unwrap().len() > fleet.finished.lock().unwrap().len());
    // Of a failure: why, and some names of each kind.
    let ends = Some((200, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS"));
    let fleet = Arc::new(Fleet { each: 120, fails: 0..40, batch: 1_000, ends, ..Fleet::new(3_000) });
    let before = Instant::now();
    let (_, events) = run(&fleet, summary()).await;
    let report = report(&events);
    assert_eq!(report.causes[0].count, 40);
    assert_eq!((report.hosts.ok.len(), report.hosts.skip.len()), (20, 20), "{:?}", report.hosts);
    assert!(before.elapsed() < secs(200 + 16 + 10), "{} s", before.elapsed().as_secs());
    // One that has ended before is read no more than that.
    let calls = fleet.calls.lock().unwrap().len();
    let (_, events) = run(&fleet, summary()).await;
    assert_eq!(self::report(&events).causes, report.causes);
    assert!(fleet.calls.lock().unwrap().len() - calls <= 8, "{}", fleet.calls.lock().unwrap().len() - calls);
}

#[tokio::test(start_paused = true)]
async fn the_looks_at_targets_spread_over_the_minute() {
    let fleet = Arc::new(Fleet { each: 100, spread: 200, batch: 200, ..Fleet::new(200) });
    assert_eq!(run(&fleet, options()).await.0, Outcome::Succeeded);
    let calls = fleet.calls.lock().unwrap();
    // While there is something to look at, and the first listing is over.
    let looks: Vec<_> = calls
        .iter()
        .filter(|(at, name)| (10_000..250_000).contains(at) && name != "GetDeployment")
        .map(|(at, _)| *at)
        .collect();
    let gaps: Vec<_> = looks.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 13_000).collect();
    assert!(looks.len() >= 40 && gaps.is_empty(), "{} looks, gaps of {gaps:?} ms", looks.len());
}
