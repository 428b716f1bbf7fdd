//! Doing jobs: which work each kind of job means. The mechanism is [`crate::jobs`], the work is that of the features.
#![deny(missing_docs)]

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use jiff::Timestamp;
use kalends_db::{Conn, Db, Error, Result, Tx};
use kalends_kernel::{Clock, Ids};
use serde_json::Value;
use uuid::Uuid;

use crate::accounts;
use crate::ctx::{Actor, Credential, Ctx, Door, Scope, SignedIn};
use crate::imports;
use crate::jobs::{self, Job, Kind, Lease, State, Stopped};

/// How a job ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Ended {
    state: State,
    message: String,
    result: Option<Value>,
}

impl Ended {
    /// The work is done.
    pub fn done(message: &str, result: Option<Value>) -> Ended {
        Ended { state: State::Done, message: message.to_owned(), result }
    }

    /// It cannot be done, and trying again would not help by itself.
    pub fn failed(message: &str, result: Option<Value>) -> Ended {
        Ended { state: State::Failed, message: message.to_owned(), result }
    }

    /// It is undone.
    pub fn reverted(message: &str, result: Option<Value>) -> Ended {
        Ended { state: State::Reverted, message: message.to_owned(), result }
    }
}

/// When the next job is due, if there is one.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>> {
    jobs::next_due(&mut *db.reader().await?).await
}

/// Takes the next job that is due, for `by`.
pub async fn claim(db: &Db, clock: &Clock, by: Uuid) -> Result<Option<(Job, Lease)>> {
    let claimed = db.write((clock.now(), by), |tx, (now, by)| Box::pin(jobs::claim(tx, *now, *by))).await?;
    Ok(claimed.map(|job| {
        let lease = Lease { job: job.id, by };
        (job, lease)
    }))
}

/// Works on a job that one has until it is done, put off or somebody else's.
pub async fn work(db: &Db, clock: &Clock, horizon_years: i64, job: Job, lease: Lease) -> Result<()> {
    let did = AssertUnwindSafe(run(db, clock, horizon_years, &job, lease)).catch_unwind().await;
    let did = did.unwrap_or_else(|_| Err(Error::Setup("the work panicked".to_owned()).into()));
    match did {
        Ok(ended) => {
            tracing::info!(job = %job.id, kind = job.kind_name, state = ended.state.name(), message = ended.message, "job");
            finish(db, clock, lease, ended).await
        }
        Err(Stopped::Lost) => {
            tracing::warn!(job = %job.id, "somebody else has the job by now");
            Ok(())
        }
        Err(Stopped::Cancelled) => {
            let result = partial(db, &job).await?;
            finish(db, clock, lease, Ended { state: State::Cancelled, message: "stopped".to_owned(), result }).await
        }
        Err(Stopped::Internal(error)) => {
            tracing::warn!(job = %job.id, %error, "a job failed; it is tried again later");
            let message = "a fault on the server's side; it is tried again later".to_owned();
            db.write((clock.now(), lease, message), |tx, (now, lease, message)| {
                Box::pin(jobs::put_off(tx, *now, *lease, message))
            })
            .await
        }
    }
}

/// Lets go of the oldest job that has been over for more than so many days, with its report and its file: from then on it
/// cannot be undone. One at a time, because a report can be long. False when there is none any more.
pub async fn prune(tx: &mut Tx, now: Timestamp, days: u32) -> Result<bool> {
    let Some(job) = jobs::oldest_over(tx, now, days).await? else { return Ok(false) };
    match job.kind {
        Some(Kind::Import) => imports::forget(tx, &job).await?,
        Some(Kind::Conflicts) | None => {}
    }
    jobs::remove(tx, now, &job).await?;
    Ok(true)
}

/// Gives a job back that one has, so that somebody else can go on with it at once.
pub async fn give_back(db: &Db, clock: &Clock, lease: Lease) -> Result<()> {
    db.write((clock.now(), lease), |tx, (now, lease)| Box::pin(jobs::give_back(tx, *now, *lease))).await
}

async fn run(db: &Db, clock: &Clock, horizon_years: i64, job: &Job, lease: Lease) -> Result<Ended, Stopped> {
    let Some(ctx) = ctx_of(&mut *db.reader().await?, job, clock.now()).await? else {
        return Ok(Ended::failed("the account in whose name it works is not there any more", None));
    };
    let ctx = Ctx { horizon_years, ..ctx };
    match (job.kind, job.undoing) {
        (Some(Kind::Import), false) => imports::run(db, clock, job, lease, ctx).await,
        (Some(Kind::Import), true) => imports::undo(db, clock, job, lease, ctx).await,
        // Written when it was done already.
        (Some(Kind::Conflicts), _) => Ok(Ended::done("there is nothing to be done", None)),
        (None, _) => Ok(Ended::failed("only a newer program knows this kind of job", None)),
    }
}

/// What a job that was stopped has done so far.
async fn partial(db: &Db, job: &Job) -> Result<Option<Value>> {
    match job.kind {
        Some(Kind::Import) => imports::so_far(db, job).await.map(Some),
        Some(Kind::Conflicts) | None => Ok(None),
    }
}

async fn finish(db: &Db, clock: &Clock, lease: Lease, ended: Ended) -> Result<()> {
    db.write((clock.now(), lease, ended), |tx, (now, lease, ended)| {
        Box::pin(jobs::finish(tx, *now, *lease, ended.state, ended.result.clone(), &ended.message))
    })
    .await
}

/// The circumstances of a job: whoever wanted it, with the role that they have now and no more than they showed then.
async fn ctx_of(conn: &mut Conn, job: &Job, now: Timestamp) -> Result<Option<Ctx>> {
    let Some(id) = job.user else { return Ok(Some(Ctx::system(now, Door::Job))) };
    let user = accounts::find(conn, id).await?.filter(|user| !user.disabled && user.deleted_at.is_none());
    let Some(user) = user else {
        // Whoever undoes a job was asked whether they may; what a person left behind can be undone without them.
        return Ok(job.undoing.then(|| Ctx::system(now, Door::Import)));
    };
    let ids = Ids::at(now);
    let by = if job.as_admin {
        Credential::Session(ids.next())
    } else {
        Credential::PersonalToken(ids.next(), vec![Scope::Write])
    };
    let actor = Actor::User(SignedIn { id, role: user.role, by });
    let door = match job.kind {
        Some(Kind::Import) => Door::Import,
        Some(Kind::Conflicts) | None => Door::Job,
    };
    Ok(Some(Ctx { actor, ..Ctx::system(now, door) }))
}
