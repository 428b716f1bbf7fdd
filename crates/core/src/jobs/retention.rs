//! How long jobs that are over are kept: as long as they can be looked at and undone.

use jiff::{SignedDuration, Timestamp};
use kalends_db::{Result, Tx};

use super::model::{Job, State};
use super::store;
use crate::changes::Op;
use crate::ctx::{Ctx, Door};

/// The job that has been over for the longest, if that is more than so many days, kept from being changed by others.
pub async fn oldest_over(tx: &mut Tx, now: Timestamp, days: u32) -> Result<Option<Job>> {
    let until = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let Some(id) = store::over_before(tx, until).await? else { return Ok(None) };
    let found = store::lock(tx, id).await?;
    // Meanwhile somebody may have begun to undo it or to try it again.
    let over = |job: &Job| {
        !matches!(job.state, State::Queued | State::Running) && job.finished_at.is_some_and(|finished| finished < until)
    };
    Ok(found.map(|(job, _)| job).filter(over))
}

/// Lets go of a job, and with it of what refers to it.
pub async fn remove(tx: &mut Tx, now: Timestamp, job: &Job) -> Result<()> {
    store::remove(tx, job.id).await?;
    store::log(tx, &Ctx::system(now, Door::Job), job, Op::Deleted).await
}
