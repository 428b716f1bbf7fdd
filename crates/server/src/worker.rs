//! The worker: does the jobs that are due, one at a time; a server has a few of them.

use std::sync::Arc;
use std::time::Duration;

use kalends_core::job_runner;
use kalends_db::Db;
use kalends_kernel::{Clock, Ids};
use tokio::sync::{Notify, watch};

/// How many jobs a server works on at once: a long one must not keep the others waiting.
pub const WORKERS: usize = 2;
/// How often the queue is looked at when nobody says that there is something: other nodes and the clock do not.
const POLL: Duration = Duration::from_millis(250);

/// Goes on until `stopping`; a job that is under way then is given back, behind its last step.
pub async fn run(db: Db, clock: Clock, horizon_years: i64, wake: Arc<Notify>, mut stopping: watch::Receiver<bool>) {
    let by = Ids::at(clock.now()).uuid();
    while !*stopping.borrow() {
        match turn(&db, &clock, horizon_years, by, &mut stopping).await {
            Ok(true) => {}
            Ok(false) => rest(&wake, &mut stopping).await,
            Err(error) => {
                tracing::warn!(%error, "the queue of jobs cannot be read");
                rest(&wake, &mut stopping).await;
            }
        }
    }
}

/// Until something may be due.
async fn rest(wake: &Notify, stopping: &mut watch::Receiver<bool>) {
    tokio::select! {
        // Either way it is time to look.
        _ = tokio::time::timeout(POLL, wake.notified()) => {}
        () = stopped(stopping) => {}
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that nobody could say it any more.
    stopping.wait_for(|stopping| *stopping).await.ok();
}

/// Does the next job, if one is due.
async fn turn(
    db: &Db,
    clock: &Clock,
    horizon_years: i64,
    by: uuid::Uuid,
    stopping: &mut watch::Receiver<bool>,
) -> kalends_db::Result<bool> {
    // Looking costs a reader; only who finds something begins a transaction.
    if job_runner::next_due(db).await?.is_none_or(|due| due > clock.now()) {
        return Ok(false);
    }
    let Some((job, lease)) = job_runner::claim(db, clock, by).await? else { return Ok(false) };
    let worked = tokio::select! {
        worked = job_runner::work(db, clock, horizon_years, job, lease) => Some(worked),
        () = stopped(stopping) => None,
    };
    match worked {
        Some(worked) => worked?,
        // A step that is under way ends before this, or finds that it has lost the job.
        None => job_runner::give_back(db, clock, lease).await?,
    }
    Ok(true)
}
