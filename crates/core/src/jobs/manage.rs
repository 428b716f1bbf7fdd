//! What people do with jobs: stop, try again, undo.

use kalends_db::Tx;
use kalends_kernel::JobId;
use uuid::Uuid;

use super::lease::{LEASE, Lease, later};
use super::model::{Job, Progress, State};
use super::{JobError, store};
use crate::access::{self, Denied};
use crate::changes::Op;
use crate::ctx::Ctx;

/// Stops a job: at once while it waits, else before its next step. A second time is no news. What it did so far stays and
/// can be undone.
pub async fn cancel(tx: &mut Tx, ctx: &Ctx, id: JobId) -> Result<Job, JobError> {
    let mut job = own(tx, ctx, id).await?;
    match job.state {
        State::Queued if !job.undoing => {
            job.state = State::Cancelled;
            job.finished_at = Some(ctx.now);
            job.say(ctx.now, "cancelled before it began");
        }
        State::Running if !job.undoing => job.cancel_wanted = true,
        State::Cancelled => return Ok(job),
        state => return Err(JobError::WrongState { state, why: "only a job that waits or runs can be stopped" }),
    }
    job.updated_at = ctx.now;
    store::update_kept(tx, &job).await?;
    store::log(tx, ctx, &job, Op::Updated).await?;
    Ok(job)
}

/// Tries a job again that failed or was stopped; it goes on behind what is done.
pub async fn retry(tx: &mut Tx, ctx: &Ctx, id: JobId) -> Result<Job, JobError> {
    let mut job = own(tx, ctx, id).await?;
    if !matches!(job.state, State::Failed | State::Cancelled) {
        return Err(JobError::WrongState {
            state: job.state,
            why: "only a job that failed or was stopped can be tried again",
        });
    }
    job.state = State::Queued;
    job.attempts = 0;
    job.run_at = ctx.now;
    job.finished_at = None;
    job.updated_at = ctx.now;
    job.say(ctx.now, "tried again");
    store::update(tx, &job, None).await?;
    store::log(tx, ctx, &job, Op::Updated).await?;
    Ok(job)
}

/// What is to be done to undo a job.
#[derive(Clone, PartialEq, Debug)]
pub enum Undoing {
    /// Nothing any more: it is undone.
    Over(Job),
    /// The caller has it now and undoes it; when it does not come to an end, a worker goes on with it.
    Begun(Job, Lease),
}

/// Begins to undo a job. One that has not begun is stopped by it.
pub async fn begin_undo(tx: &mut Tx, ctx: &Ctx, id: JobId) -> Result<Undoing, JobError> {
    let mut job = own(tx, ctx, id).await?;
    match job.state {
        State::Reverted => return Ok(Undoing::Over(job)),
        State::Running => {
            return Err(JobError::WrongState { state: job.state, why: "stop it first, or wait until it is done" });
        }
        State::Queued | State::Done | State::Failed | State::Cancelled => {}
    }
    if !job.kind.is_some_and(super::Kind::can_be_undone) {
        return Err(JobError::WrongState { state: job.state, why: "what this kind of job does cannot be undone" });
    }
    let lease = Lease { job: id, by: ctx.ids.uuid() };
    job.state = State::Running;
    job.undoing = true;
    job.progress = Progress::default();
    job.cancel_wanted = false;
    job.attempts = 1;
    job.finished_at = None;
    job.updated_at = ctx.now;
    job.say(ctx.now, "undoing");
    store::update(tx, &job, Some((lease.by, later(ctx.now, LEASE)))).await?;
    store::log(tx, ctx, &job, Op::Updated).await?;
    Ok(Undoing::Begun(job, lease))
}

/// The job, locked, if it is the actor's to manage.
async fn own(tx: &mut Tx, ctx: &Ctx, id: JobId) -> Result<Job, JobError> {
    let (job, _): (Job, Option<Uuid>) = store::lock(tx, id).await?.ok_or(Denied::NotFound)?;
    access::check_job(&ctx.actor, job.user)?;
    Ok(job)
}
