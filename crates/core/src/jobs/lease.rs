//! Taking a job, keeping it while it is worked on, and letting it go.

use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Error, Result, Tx};
use kalends_kernel::JobId;
use serde_json::Value;
use uuid::Uuid;

use super::model::{Job, Progress, State};
use super::store;
use crate::changes::Op;
use crate::ctx::{Ctx, Door};

/// How long a worker may be silent before somebody else takes its job. A step takes 30 s at most (the longest transaction).
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often a job is begun without getting a step further.
const MOST_ATTEMPTS: i64 = 5;

/// That a worker has a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Who has it.
    pub by: Uuid,
}

/// Why a worker does not go on.
#[derive(Debug)]
pub enum Stopped {
    /// Somebody wants the job stopped.
    Cancelled,
    /// The job is somebody else's by now: what was done in this transaction must not stay.
    Lost,
    /// A fault.
    Internal(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Internal(error)
    }
}

/// When the next job is due, or was; none when there is none.
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    store::next_due(conn).await
}

/// Takes the job that is due the longest, for `by`. A job that was begun too often without getting further fails.
pub async fn claim(tx: &mut Tx, now: Timestamp, by: Uuid) -> Result<Option<Job>> {
    loop {
        let Some(mut job) = store::take_due(tx, now).await? else { return Ok(None) };
        let taken_over = job.state == State::Running;
        if job.attempts >= MOST_ATTEMPTS {
            job.say(now, "it was begun too often without getting any further");
            end(tx, now, job, State::Failed).await?;
            continue;
        }
        if taken_over {
            job.say(now, "whoever worked on it is gone; it goes on");
        }
        job.state = State::Running;
        job.attempts += 1;
        job.updated_at = now;
        store::update(tx, &job, Some((by, later(now, LEASE)))).await?;
        if !taken_over {
            record(tx, now, &job).await?;
        }
        return Ok(Some(job));
    }
}

/// Takes a job that was just enqueued in this transaction, for whoever enqueued it.
pub async fn take(tx: &mut Tx, ctx: &Ctx, mut job: Job) -> Result<(Job, Lease)> {
    let lease = Lease { job: job.id, by: ctx.ids.uuid() };
    job.state = State::Running;
    job.attempts = 1;
    store::update(tx, &job, Some((lease.by, later(ctx.now, LEASE)))).await?;
    Ok((job, lease))
}

impl Lease {
    /// Begins a step: keeps the lease for another while and notes how far the work will be once this transaction is
    /// committed. What the step does belongs into the same transaction.
    pub async fn step(&self, tx: &mut Tx, now: Timestamp, progress: Progress) -> Result<(), Stopped> {
        let Some(mut job) = self.held(tx).await? else { return Err(Stopped::Lost) };
        if job.cancel_wanted && !job.undoing {
            return Err(Stopped::Cancelled);
        }
        job.progress = progress;
        job.attempts = 0;
        job.updated_at = now;
        store::update(tx, &job, Some((self.by, later(now, LEASE)))).await?;
        Ok(())
    }

    /// Notes what has come of the work so far, in the transaction of a step: whoever goes on with it after this one is
    /// killed knows it.
    pub async fn note(&self, tx: &mut Tx, result: &Value) -> Result<()> {
        store::note(tx, self.job, result).await
    }

    async fn held(&self, tx: &mut Tx) -> Result<Option<Job>> {
        let found = store::lock(tx, self.job).await?;
        Ok(found.filter(|(job, by)| *by == Some(self.by) && job.state == State::Running).map(|(job, _)| job))
    }
}

/// Ends a job that one has, with what came of it. One that is somebody else's by now stays as it is.
pub async fn finish(
    tx: &mut Tx,
    now: Timestamp,
    lease: Lease,
    state: State,
    result: Option<Value>,
    message: &str,
) -> Result<()> {
    let Some(mut job) = lease.held(tx).await? else { return Ok(()) };
    job.result = result.or(job.result);
    job.say(now, message);
    end(tx, now, job, state).await
}

/// Puts a job that one has back, to be tried again later; once it was tried often enough it fails.
pub async fn put_off(tx: &mut Tx, now: Timestamp, lease: Lease, message: &str) -> Result<()> {
    let Some(mut job) = lease.held(tx).await? else { return Ok(()) };
    job.say(now, message);
    if job.attempts >= MOST_ATTEMPTS {
        return end(tx, now, job, State::Failed).await;
    }
    // 10 s, 40 s, 160 s, 640 s.
    let wait = SignedDuration::from_secs(10 << (2 * (job.attempts - 1).clamp(0, 8)));
    job.state = State::Queued;
    job.run_at = later(now, wait);
    job.updated_at = now;
    store::update(tx, &job, None).await?;
    record(tx, now, &job).await
}

/// Puts a job that one has back as it is, because the program stops.
pub async fn give_back(tx: &mut Tx, now: Timestamp, lease: Lease) -> Result<()> {
    let Some(mut job) = lease.held(tx).await? else { return Ok(()) };
    job.state = State::Queued;
    job.attempts = (job.attempts - 1).max(0);
    job.run_at = now;
    job.updated_at = now;
    store::update(tx, &job, None).await?;
    record(tx, now, &job).await
}

async fn end(tx: &mut Tx, now: Timestamp, mut job: Job, state: State) -> Result<()> {
    job.state = state;
    job.cancel_wanted = false;
    job.updated_at = now;
    job.finished_at = Some(now);
    store::update(tx, &job, None).await?;
    record(tx, now, &job).await
}

async fn record(tx: &mut Tx, now: Timestamp, job: &Job) -> Result<()> {
    store::log(tx, &Ctx::system(now, Door::Job), job, Op::Updated).await
}

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
