//! All SQL of jobs.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{JobId, UserId};
use uuid::Uuid;

use super::list::Listed;
use super::model::{Job, Kind, Progress, State};
use crate::access;
use crate::changes::{self, Change, Op};
use crate::ctx::Ctx;

const COLUMNS: &str =
    "id, kind, state, user_id, as_admin, args, done, total, log, result, attempts, run_at, lease_by, lease_until,
    cancel_wanted, undoing, created_at, updated_at, finished_at";

impl FromRow for Job {
    fn from_row(row: &Row) -> Result<Self> {
        let kind_name: String = row.get("kind")?;
        Ok(Job {
            id: row.get("id")?,
            kind: Kind::from_name(&kind_name),
            kind_name,
            state: State::from_name(row.text("state")?),
            user: row.opt("user_id")?,
            as_admin: row.get("as_admin")?,
            args: row.json("args")?,
            progress: Progress { done: row.get("done")?, total: row.opt("total")? },
            log: row.json("log")?,
            result: match row.opt::<String>("result")? {
                Some(_) => Some(row.json("result")?),
                None => None,
            },
            attempts: row.get("attempts")?,
            run_at: row.get("run_at")?,
            cancel_wanted: row.get("cancel_wanted")?,
            undoing: row.get("undoing")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            finished_at: row.opt("finished_at")?,
        })
    }
}

/// A job with who has it.
struct LockedJob(Job, Option<Uuid>);

impl FromRow for LockedJob {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(LockedJob(Job::from_row(row)?, row.opt("lease_by")?))
    }
}

pub(super) async fn insert(tx: &mut Tx, job: &Job) -> Result<()> {
    sql("INSERT INTO jobs (id, kind, state, user_id, as_admin, args, done, total, log, attempts, run_at, cancel_wanted, undoing,
            created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind(job.id)
        .bind(job.kind_name.as_str())
        .bind(job.state.name())
        .bind(job.user)
        .bind(job.as_admin)
        .bind_json(&job.args)?
        .bind(job.progress.done)
        .bind(job.progress.total)
        .bind_json(&job.log)?
        .bind(job.attempts)
        .bind(job.run_at)
        .bind(job.cancel_wanted)
        .bind(job.undoing)
        .bind(job.created_at)
        .bind(job.updated_at)
        .run(tx)
        .await?;
    Ok(())
}

/// Writes everything that changes, and who has it now until when.
pub(super) async fn update(tx: &mut Tx, job: &Job, lease: Option<(Uuid, Timestamp)>) -> Result<()> {
    sql("UPDATE jobs SET lease_by = $2, lease_until = $3 WHERE id = $1")
        .bind(job.id)
        .bind(kalends_db::Value::Uuid(lease.map(|lease| lease.0)))
        .bind(lease.map(|lease| lease.1))
        .run(tx)
        .await?;
    update_kept(tx, job).await
}

/// The same, leaving it with whoever has it.
pub(super) async fn update_kept(tx: &mut Tx, job: &Job) -> Result<()> {
    let result = job.result.as_ref().map(ToString::to_string);
    sql("UPDATE jobs SET state = $2, done = $3, total = $4, log = $5, result = $6, attempts = $7, run_at = $8, cancel_wanted = $9,
            undoing = $10, updated_at = $11, finished_at = $12
         WHERE id = $1")
        .bind(job.id)
        .bind(job.state.name())
        .bind(job.progress.done)
        .bind(job.progress.total)
        .bind_json(&job.log)?
        .bind(result)
        .bind(job.attempts)
        .bind(job.run_at)
        .bind(job.cancel_wanted)
        .bind(job.undoing)
        .bind(job.updated_at)
        .bind(job.finished_at)
        .run(tx)
        .await?;
    Ok(())
}

pub(super) async fn note(tx: &mut Tx, id: JobId, result: &serde_json::Value) -> Result<()> {
    sql("UPDATE jobs SET result = $2 WHERE id = $1").bind(id).bind(result.to_string()).run(tx).await?;
    Ok(())
}

/// The kinds that this program knows. While nodes are updated one after the other, others may be there too.
fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::NAMES.iter().map(|(name, _)| *name)
}

/// When the next job is due: one that waits, or one whose worker has been silent for too long.
pub(super) async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    struct Due(Option<Timestamp>);
    impl FromRow for Due {
        fn from_row(row: &Row) -> Result<Self> {
            row.opt("due").map(Due)
        }
    }
    let due: Due = sql("SELECT min(CASE WHEN state = 'queued' THEN run_at ELSE lease_until END) AS due FROM jobs
         WHERE state IN ('queued', 'running') AND kind IN ({})")
    .bind_list(kinds())
    .one(conn)
    .await?;
    Ok(due.0)
}

/// The job that is due the longest, of a kind that this program knows, and nobody else is just taking.
pub(super) async fn take_due(tx: &mut Tx, now: Timestamp) -> Result<Option<Job>> {
    struct JobRow(JobId);
    impl FromRow for JobRow {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(JobRow)
        }
    }
    let found: Option<JobRow> = tx
        .take_row(
            "SELECT id FROM jobs WHERE (state = 'queued' AND run_at <= $1 OR state = 'running' AND lease_until <= $1)
             AND kind IN ({}) ORDER BY run_at, id LIMIT 1",
        )
        .bind(now)
        .bind_list(kinds())
        .optional(tx)
        .await?;
    match found {
        Some(JobRow(id)) => find(tx, id).await,
        None => Ok(None),
    }
}

pub(super) async fn waiting(conn: &mut Conn, user: UserId, kind: Kind) -> Result<i64> {
    sql("SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'running') AND user_id = $1 AND kind = $2")
        .bind(user)
        .bind(kind.name())
        .one(conn)
        .await
}

pub(super) async fn find(conn: &mut Conn, id: JobId) -> Result<Option<Job>> {
    sql(format!("SELECT {COLUMNS} FROM jobs WHERE id = $1")).bind(id).optional(conn).await
}

/// The job that has been over for the longest, if it was before this.
pub(super) async fn over_before(tx: &mut Tx, until: Timestamp) -> Result<Option<JobId>> {
    struct JobRow(JobId);
    impl FromRow for JobRow {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(JobRow)
        }
    }
    let found: Option<JobRow> = sql("SELECT id FROM jobs
         WHERE finished_at < $1 AND state NOT IN ('queued', 'running') ORDER BY finished_at LIMIT 1")
    .bind(until)
    .optional(tx)
    .await?;
    Ok(found.map(|found| found.0))
}

/// Deletes a job; the rows of its report go with it.
pub(super) async fn remove(tx: &mut Tx, id: JobId) -> Result<()> {
    sql("DELETE FROM jobs WHERE id = $1").bind(id).run(tx).await?;
    Ok(())
}

/// The job, kept from being changed by others until the commit, and who has it.
pub(super) async fn lock(tx: &mut Tx, id: JobId) -> Result<Option<(Job, Option<Uuid>)>> {
    tx.lock_row("SELECT attempts AS n FROM jobs WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    let found: Option<LockedJob> =
        sql(format!("SELECT {COLUMNS} FROM jobs WHERE id = $1")).bind(id).optional(tx).await?;
    Ok(found.map(|held| (held.0, held.1)))
}

const WHICH: &str = "($1 OR user_id = $2) AND ($3 = '' OR state = $3) AND ($4 = '' OR kind = $4)";

fn which(text: String, ctx: &Ctx, listed: &Listed) -> kalends_db::Sql {
    sql(text)
        .bind(access::sees_all_jobs(&ctx.actor))
        .bind(ctx.user())
        .bind(listed.state.map_or("", State::name))
        .bind(listed.kind.map_or("", Kind::name))
}

/// One more than the limit, when there are more.
pub(super) async fn list(conn: &mut Conn, ctx: &Ctx, listed: &Listed) -> Result<Vec<Job>> {
    let before = listed.cursor.as_ref().map_or(Uuid::max(), |cursor| cursor.id);
    which(format!("SELECT {COLUMNS} FROM jobs WHERE {WHICH} AND id < $5 ORDER BY id DESC LIMIT $6"), ctx, listed)
        .bind(before)
        .bind(i64::from(listed.limit) + 1)
        .all(conn)
        .await
}

pub(super) async fn count(conn: &mut Conn, ctx: &Ctx, listed: &Listed) -> Result<i64> {
    which(format!("SELECT count(*) AS n FROM jobs WHERE {WHICH}"), ctx, listed).one(conn).await
}

/// The change-log row of a job.
pub(super) async fn log(tx: &mut Tx, ctx: &Ctx, job: &Job, op: Op) -> Result<()> {
    let change = Change {
        kind: changes::Kind::Job,
        op,
        record: job.id.uuid(),
        calendar: None,
        user: job.user,
        version: None,
        detail: Some(serde_json::json!({"kind": job.kind_name, "state": job.state.name()})),
    };
    changes::record(tx, ctx, change).await
}
