use jiff::Timestamp;
use kalends_db::{Result, Tx};
use kalends_kernel::UserId;
use serde_json::Value;

use super::model::{Job, Kind, Progress, State};
use super::store;
use crate::changes::Op;
use crate::ctx::{Actor, Ctx};

/// A job to be.
#[derive(Clone, PartialEq, Debug)]
pub struct NewJob {
    /// What work.
    pub kind: Kind,
    /// What to do, in the kind's words.
    pub args: Value,
    /// Not before this; at once when it is now or past.
    pub run_at: Timestamp,
}

/// Writes a job in the transaction of the command that wants it.
pub async fn enqueue(tx: &mut Tx, ctx: &Ctx, new: NewJob) -> Result<Job> {
    let as_admin = match &ctx.actor {
        Actor::System => true,
        Actor::User(user) => user.is_admin(),
        Actor::Anonymous => false,
    };
    let job = Job {
        id: ctx.ids.next(),
        kind: Some(new.kind),
        kind_name: new.kind.name().to_owned(),
        state: State::Queued,
        user: ctx.user(),
        as_admin,
        args: new.args,
        progress: Progress::default(),
        log: Vec::new(),
        result: None,
        attempts: 0,
        run_at: new.run_at,
        cancel_wanted: false,
        undoing: false,
        created_at: ctx.now,
        updated_at: ctx.now,
        finished_at: None,
    };
    store::insert(tx, &job).await?;
    store::log(tx, ctx, &job, Op::Created).await?;
    Ok(job)
}

/// Writes a job of somebody's that the program has done by itself, so that they find what came of it.
pub async fn report(tx: &mut Tx, ctx: &Ctx, user: UserId, kind: Kind, message: &str, result: Value) -> Result<()> {
    let mut job = Job {
        id: ctx.ids.next(),
        kind: Some(kind),
        kind_name: kind.name().to_owned(),
        state: State::Done,
        user: Some(user),
        as_admin: false,
        args: Value::Null,
        progress: Progress { done: 1, total: Some(1) },
        log: Vec::new(),
        result: Some(result),
        attempts: 0,
        run_at: ctx.now,
        cancel_wanted: false,
        undoing: false,
        created_at: ctx.now,
        updated_at: ctx.now,
        finished_at: Some(ctx.now),
    };
    job.say(ctx.now, message);
    store::insert(tx, &job).await?;
    store::update(tx, &job, None).await?;
    store::log(tx, ctx, &job, Op::Created).await
}
