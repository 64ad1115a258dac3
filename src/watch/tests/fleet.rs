//! A fleet that answers as the service does, second by second, and what troubles it.

use super::*;

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A deployment whose targets each take `each` seconds, `batch` of them at a time.
pub struct Fleet {
    pub targets: u64,
    pub batch: u64,
    pub each: u64,
    pub fails: Range<u64>,
    /// Ends at this time, whatever the targets do.
    pub ends: Option<(u64, DeploymentStatus, &'static str)>,
    pub auto_rollback: Vec<&'static str>,
    /// The rollback's id shows up so many seconds after the end.
    pub rollback_after: Option<u64>,
    pub rollback_fails: bool,
    /// How long it takes.
    pub rollback_takes: u64,
    /// Its targets, by number.
    pub rollback_targets: Vec<u64>,
    /// The time in which it waits for an action.
    pub ready: Range<u64>,
    pub creator: Creator,
    /// What it waits for, and from when on the original is only kept.
    pub waits: Waits,
    pub kept_from: Option<u64>,
    /// At this second the machine slept for so long: the service went on, and this clock did not.
    pub slept: Option<(u64, u64)>,
    /// Credentials are refused from this second on, until they are asked for anew.
    pub expire: Option<u64>,
    pub renewed: Mutex<u32>,
    /// The group has never succeeded before.
    pub first: bool,
    pub fault: Fault,
    /// How much longer than `each` a target may take, by its number.
    pub spread: u64,
    /// These take so much longer than that.
    pub slow: (Range<u64>, u64),
    /// Until this second those that went well wait as `Ready`.
    pub held: u64,
    /// Milliseconds until the service has a call, by how many there were before.
    pub latency: fn(usize) -> u64,
    pub start: Instant,
    /// When the service had each call, in milliseconds.
    pub calls: Mutex<Vec<(u64, String)>>,
    pub finished: Mutex<HashMap<String, u32>>,
    /// The ids that were told.
    pub listed: Mutex<BTreeSet<String>>,
    /// When each target was described, in seconds.
    pub described: Mutex<HashMap<String, Vec<u64>>>,
    /// When it was stopped, and with which rollback.
    pub stopped: Mutex<Option<(u64, Option<bool>)>>,
    /// How long that takes.
    pub stops_after: u64,
}

impl Fleet {
    pub fn new(targets: u64) -> Self {
        Fleet {
            targets,
            batch: targets.div_ceil(2),
            each: 40,
            fails: 0..0,
            ends: None,
            auto_rollback: Vec::new(),
            rollback_after: None,
            rollback_fails: false,
            rollback_takes: 0,
            rollback_targets: Vec::new(),
            ready: 0..0,
            creator: Creator::User,
            waits: Waits::default(),
            kept_from: None,
            slept: None,
            expire: None,
            renewed: Mutex::default(),
            first: false,
            fault: Box::new(|_, _| None),
            spread: 0,
            slow: (0..0, 0),
            held: 0,
            latency: |_| 0,
            start: Instant::now(),
            calls: Mutex::default(),
            finished: Mutex::default(),
            listed: Mutex::default(),
            described: Mutex::default(),
            stopped: Mutex::default(),
            stops_after: 5,
        }
    }

    /// The service's second.
    pub fn now(&self) -> u64 {
        let awake = self.start.elapsed().as_secs();
        awake + self.slept.filter(|(at, _)| awake >= *at).map_or(0, |(_, slept)| slept)
    }

    pub fn end(&self) -> (u64, DeploymentStatus, &'static str) {
        let done = 5 + self.targets.div_ceil(self.batch.max(1)) * (self.each + self.spread);
        let status =
            if self.fails.is_empty() { DeploymentStatus::Succeeded } else { DeploymentStatus::Failed };
        if let Some((at, _)) = *self.stopped.lock().unwrap() {
            return (at + self.stops_after, DeploymentStatus::Stopped, "MANUAL_STOP");
        }
        self.ends.clone().unwrap_or((done, status, "HEALTH_CONSTRAINTS"))
    }

    /// When target `n` begins and ends.
    pub fn times(&self, n: u64) -> (u64, u64) {
        let begins = 5 + n / self.batch * (self.each + self.spread);
        let longer = if self.slow.0.contains(&n) { self.slow.1 } else { 0 };
        (begins, begins + self.each + n.wrapping_mul(2_654_435_761) % (self.spread + 1) + longer)
    }

    /// The state of target `n` at second `now`: all of them wait five seconds.
    pub fn state(&self, n: u64, now: u64) -> TargetStatus {
        let (begins, ends) = self.times(n);
        let stop = self.end().0;
        if begins >= stop && now >= stop {
            TargetStatus::Skipped
        } else if now < begins {
            TargetStatus::Pending
        } else if now < ends {
            TargetStatus::InProgress
        } else if self.fails.contains(&n) {
            TargetStatus::Failed
        } else if now < self.held {
            TargetStatus::Ready
        } else {
            TargetStatus::Succeeded
        }
    }

    pub async fn call(&self, name: &str) -> Result<u64, ApiError> {
        let before = self.calls.lock().unwrap().len();
        sleep(Duration::from_millis((self.latency)(before))).await;
        let now = self.now();
        self.calls.lock().unwrap().push((self.start.elapsed().as_millis() as u64, name.to_owned()));
        let expired = self.expire.is_some_and(|at| now >= at) && *self.renewed.lock().unwrap() == 0;
        match (self.fault)(name, now).or(expired.then_some(ErrorKind::Credentials)) {
            Some(kind) => Err(ApiError {
                operation: name.to_owned(),
                kind,
                code: Some(format!("{kind:?}Exception")),
                message: "no".to_owned(),
                request_id: None,
            }),
            None => Ok(now),
        }
    }

    /// The most calls in any minute.
    pub fn busiest_minute(&self) -> usize {
        let calls = self.calls.lock().unwrap();
        (0..calls.len())
            .map(|first| calls[first..].iter().take_while(|(at, _)| at - calls[first].0 < 60_000).count())
            .max()
            .unwrap_or(0)
    }

    pub fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(_, called)| called == name).count()
    }
}

pub fn name_of(n: u64) -> String {
    format!("i-{n:05}")
}

pub fn at(second: u64) -> Option<Timestamp> {
    Some(START.parse::<Timestamp>().unwrap() + secs(second))
}

pub fn deployment(id: &str, status: DeploymentStatus) -> Deployment {
    Deployment {
        id: id.to_owned(),
        application: Some("shop".into()),
        group: Some("prod".into()),
        config: Some("CodeDeployDefault.HalfAtATime".into()),
        platform: Some(ComputePlatform::Server),
        status,
        creator: Some(Creator::User),
        description: None,
        revision: Some(Revision::GitHub { repository: "o/r".into(), commit: "new".into() }),
        previous_revision: Some(Revision::GitHub { repository: "o/r".into(), commit: "old".into() }),
        create_time: at(0),
        start_time: None,
        complete_time: None,
        overview: None,
        error: None,
        rollback: RollbackInfo::default(),
        auto_rollback: AutoRollback::default(),
        waits: Waits::default(),
        messages: Vec::new(),
    }
}

impl Source for Fleet {
    async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let rollback = id == "d-ROLLBACK";
        let now = self.call(if rollback { "GetDeployment of the rollback" } else { "GetDeployment" }).await?;
        let date = at(now);
        if rollback {
            let ends = self.end().0 + self.rollback_after.unwrap_or(0) + self.rollback_takes;
            let status = match self.rollback_fails {
                _ if now < ends => DeploymentStatus::InProgress,
                true => DeploymentStatus::Failed,
                false => DeploymentStatus::Succeeded,
            };
            let mut rollback = deployment(id, status);
            rollback.creator = Some(Creator::Rollback);
            return Ok(Seen { value: rollback, date });
        }
        let (end, status, code) = self.end();
        let mut value = deployment(id, DeploymentStatus::Created);
        value.auto_rollback = AutoRollback {
            enabled: !self.auto_rollback.is_empty(),
            events: self.auto_rollback.iter().map(ToString::to_string).collect(),
        };
        if now >= 5 {
            value.status = DeploymentStatus::InProgress;
            value.start_time = at(5);
            let mut overview = Overview::default();
            for n in 0..self.targets {
                match self.state(n, now) {
                    TargetStatus::Pending => overview.pending += 1,
                    TargetStatus::InProgress => overview.in_progress += 1,
                    TargetStatus::Failed => overview.failed += 1,
                    TargetStatus::Ready => overview.ready += 1,
                    TargetStatus::Skipped => overview.skipped += 1,
                    _ => overview.succeeded += 1,
                }
            }
            value.overview = Some(overview);
        }
        value.creator = Some(self.creator.clone());
        value.waits = self.waits;
        value.waits.termination_started = self.kept_from.is_some_and(|from| now >= from);
        if self.first {
            value.previous_revision = None;
        }
        if self.ready.contains(&now) {
            value.status = DeploymentStatus::Ready;
        }
        if now >= end {
            value.complete_time = at(end);
            if status != DeploymentStatus::Succeeded {
                value.error = Some(ErrorInformation { code: code.into(), message: "bad".into() });
            }
            value.status = status;
            if self.rollback_after.is_some_and(|after| now >= end + after) {
                value.rollback.rollback_deployment_id = Some("d-ROLLBACK".into());
            }
        }
        Ok(Seen { value, date })
    }

    async fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ApiError> {
        let now = self.call("ListDeploymentTargets").await?;
        if id == "d-ROLLBACK" {
            return Ok((self.rollback_targets.iter().map(|n| name_of(*n)).collect(), None));
        }
        let from: u64 = token.map_or(0, |token| token.parse().unwrap());
        let all: Vec<u64> = (0..self.targets)
            .filter(|n| statuses.is_empty() || statuses.contains(&self.state(*n, now)))
            .filter(|n| *n >= from)
            .collect();
        let next = all.get(100).map(ToString::to_string);
        let ids: Vec<String> = all.into_iter().take(100).map(name_of).collect();
        self.listed.lock().unwrap().extend(ids.iter().cloned());
        Ok((ids, next))
    }

    async fn targets(&self, _: &str, ids: &[String]) -> Result<Vec<Target>, ApiError> {
        let now = self.call("BatchGetDeploymentTargets").await?;
        assert!((1..=25).contains(&ids.len()));
        let mut finished = self.finished.lock().unwrap();
        Ok(ids
            .iter()
            .map(|id| {
                let n: u64 = id[2..].parse().unwrap();
                let status = self.state(n, now);
                if status.is_finished() {
                    *finished.entry(id.clone()).or_default() += 1;
                }
                self.described.lock().unwrap().entry(id.clone()).or_default().push(now);
                let (begins, ends) = self.times(n);
                target(id, status, begins, ends)
            })
            .collect())
    }

    async fn config(&self, name: &str) -> Result<DeploymentConfig, ApiError> {
        self.call("GetDeploymentConfig").await?;
        let half = MinimumHealthyHosts::Percent(50);
        Ok(DeploymentConfig {
            name: name.to_owned(),
            minimum_healthy_hosts: Some(half),
            routing: None,
            zonal: None,
        })
    }

    async fn stop(&self, _: &str, rollback: Option<bool>) -> Result<(), ApiError> {
        let now = self.call("StopDeployment").await?;
        *self.stopped.lock().unwrap() = Some((now, rollback));
        Ok(())
    }

    async fn renew(&self) {
        *self.renewed.lock().unwrap() += 1;
    }

    async fn proceed(&self, _: &str, _: Wait) -> Result<(), ApiError> {
        self.call("ContinueDeployment").await.map(drop)
    }
}

pub fn target(id: &str, status: TargetStatus, begins: u64, ends: u64) -> Target {
    let (event, diagnostics) = match &status {
        TargetStatus::Failed => (
            EventStatus::Failed,
            Some(Diagnostics {
                error_code: LifecycleErrorCode::ScriptFailed,
                script_name: "scripts/start.sh".into(),
                message: format!("{id} exit code 3"),
                log_tail: "port taken".into(),
            }),
        ),
        TargetStatus::InProgress => (EventStatus::InProgress, None),
        TargetStatus::Succeeded => (EventStatus::Succeeded, Some(Diagnostics::success())),
        _ => (EventStatus::Pending, None),
    };
    let begun = event != EventStatus::Pending;
    let over = begun && event != EventStatus::InProgress;
    Target {
        id: id.to_owned(),
        kind: TargetKind::Instance,
        status,
        label: None,
        last_updated: at(ends),
        events: vec![LifecycleEvent {
            name: EventName::ApplicationStart,
            status: event,
            start_time: at(begins).filter(|_| begun),
            end_time: at(ends).filter(|_| over),
            diagnostics,
        }],
        serving: Serving::Unsaid,
    }
}
