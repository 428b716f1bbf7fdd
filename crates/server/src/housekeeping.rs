//! What has to be done now and then: forgetting what has expired.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kalends_core::audit::{self, Seal};
use kalends_core::{accounts, conflicts, job_runner, sync};
use kalends_rest::App;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::MissedTickBehavior;

/// How often expired rows are deleted.
const EVERY: Duration = Duration::from_secs(3_600);
/// How often the recorder folds what it has collected; without it histograms grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often the audit log is sealed.
const SEAL: Duration = Duration::from_secs(1);
/// How many seals there are between two lines of the program's log that say the newest: who keeps that log elsewhere can
/// show that the audit log was not cut off.
const SAID: i64 = 60;

/// For how many days is kept what is not kept for ever.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Rows of the change log.
    pub changes: u32,
    /// Jobs that are over.
    pub jobs: u32,
}

/// Goes on until it is dropped. Losing a turn harms nothing: the next one does its work.
pub async fn run(app: App, metrics: PrometheusHandle, kept: Kept) {
    let mut hourly = tokio::time::interval(EVERY);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut often = tokio::time::interval(UPKEEP);
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sealing = tokio::time::interval(SEAL);
    sealing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rolling: Option<Timestamp> = None;
    loop {
        tokio::select! {
            _ = sealing.tick() => {
                seal(&app).await;
                extend_horizon(&app, &mut rolling).await;
            }
            _ = hourly.tick() => {
                tidy(&app).await;
                prune(&app, kept.changes).await;
                prune_jobs(&app, kept.jobs).await;
            }
            _ = often.tick() => metrics.run_upkeep(),
        }
    }
}

async fn tidy(app: &App) {
    app.limits.tidy();
    let tidied: Result<u64, kalends_db::Error> =
        app.db.write(app.clock.now(), |tx, now| Box::pin(accounts::housekeeping(tx, *now))).await;
    match tidied {
        Ok(rows) => tracing::debug!(rows, "what had expired is gone"),
        Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again in an hour"),
    }
}

/// Lets go of what is too old in the change log, a few thousand rows at a time.
async fn prune(app: &App, keep_days: u32) {
    loop {
        let args = (app.clock.now(), keep_days);
        let gone: Result<u64, kalends_db::Error> =
            app.db.write(args, |tx, (now, days)| Box::pin(sync::prune(tx, *now, *days))).await;
        match gone {
            Ok(0) => return,
            Ok(rows) => tracing::debug!(rows, "old changes are gone"),
            Err(error) => return tracing::warn!(%error, "pruning the change log failed; it is tried again in an hour"),
        }
    }
}

/// Lets go of jobs that have been over for too long.
async fn prune_jobs(app: &App, keep_days: u32) {
    loop {
        let args = (app.clock.now(), keep_days);
        let gone: Result<bool, kalends_db::Error> =
            app.db.write(args, |tx, (now, days)| Box::pin(job_runner::prune(tx, *now, *days))).await;
        match gone {
            Ok(false) => return,
            Ok(true) => tracing::debug!("an old job is gone"),
            Err(error) => return tracing::warn!(%error, "pruning jobs failed; it is tried again in an hour"),
        }
    }
}

/// Looks at what has come into reach of conflicts, a step at a time. `due` is when there is something to do, as far as this
/// node knows.
async fn extend_horizon(app: &App, due: &mut Option<Timestamp>) {
    let now = app.clock.now();
    if due.is_some_and(|due| due > now) {
        return;
    }
    match conflicts::extend_horizon(&app.db, now, app.settings.horizon_years).await {
        Ok(next) => *due = Some(next),
        Err(error) => {
            tracing::warn!(%error, "the horizon of conflicts could not be moved on; it is tried again in a minute");
            *due = now.checked_add(SignedDuration::from_secs(60)).ok();
        }
    }
}

/// Seals what there is of the audit log. Asking first costs no write.
async fn seal(app: &App) {
    let now = app.clock.now();
    let sealed: Result<Option<Seal>, kalends_db::Error> = async {
        if !audit::is_due(&mut *app.db.reader().await?, now).await? {
            return Ok(None);
        }
        app.db.write(now, |tx, now| Box::pin(audit::seal(tx, *now))).await
    }
    .await;
    match sealed {
        Ok(Some(seal)) if seal.n % SAID == 1 => tracing::info!(n = seal.n, hash = seal.hash, "the audit log's head"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the audit log could not be sealed; it is tried again in a second"),
    }
}
