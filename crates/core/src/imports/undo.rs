//! Undoing an import: what it made goes (drafts for good, others into the trash), what it changed is as before. What
//! somebody changed since stays, and is said.

use kalends_db::{Db, Error, Tx};
use kalends_kernel::Clock;
use serde_json::{Value, json};

use super::report::{Action, ReportRow};
use super::store;
use crate::access::Can;
use crate::ctx::Ctx;
use crate::events::{self, EventError, Precondition, TakenBack};
use crate::job_runner::Ended;
use crate::jobs::{Job, Lease, Progress, Stopped};

/// How many events one transaction takes back.
const STEP: i64 = 200;
/// How many of those that stay are named.
const NAMED: usize = 200;

/// What became of them.
#[derive(Default)]
struct Undone {
    removed: i64,
    trashed: i64,
    rolled_back: i64,
    gone: i64,
    kept: Vec<(ReportRow, &'static str)>,
}

/// Undoes an import.
pub async fn undo(db: &Db, clock: &Clock, job: &Job, lease: Lease, ctx: Ctx) -> Result<Ended, Stopped> {
    let total = store::count_done(&mut *db.reader().await?, job.id).await?;
    // A dry run has nothing to take back: its rows say what would have been.
    let rehearsed = job.args.get("dry_run") == Some(&Value::Bool(true));
    let total = if rehearsed { 0 } else { total };
    let mut result = before(job);
    let mut done = job.progress.done.clamp(0, total);
    while done < total {
        let rows = store::done(&mut *db.reader().await?, job.id, done, STEP).await?;
        if rows.is_empty() {
            break;
        }
        done += i64::try_from(rows.len()).unwrap_or(STEP);
        let progress = Progress { done, total: Some(total) };
        let ctx = Ctx { now: clock.now(), ..ctx.clone() };
        // What is said of a step is committed with it.
        result = db
            .write((ctx, lease, progress, rows, result), |tx, (ctx, lease, progress, rows, result)| {
                Box::pin(async move {
                    ctx.begin();
                    lease.step(tx, ctx.now, *progress).await?;
                    let mut undone = Undone::default();
                    for row in rows {
                        take_back(tx, ctx, row, &mut undone).await.map_err(fault)?;
                    }
                    let mut result = result.clone();
                    add(&mut result, undone);
                    lease.note(tx, &result).await?;
                    Ok::<_, Stopped>(result)
                })
            })
            .await?;
    }
    let count = |name: &str| result.pointer(&format!("/undone/{name}")).and_then(Value::as_i64).unwrap_or_default();
    let message = format!(
        "undone: {} removed, {} moved to the trash, {} as before, {} kept",
        count("removed"),
        count("trashed"),
        count("rolled_back"),
        count("kept")
    );
    Ok(Ended::reverted(&message, Some(result)))
}

async fn take_back(tx: &mut Tx, ctx: &Ctx, row: &ReportRow, undone: &mut Undone) -> Result<(), EventError> {
    let (Some(id), Some(version)) = (row.event, row.version) else { return Ok(()) };
    match (row.action, row.before) {
        (Action::Updated, Some(before)) => match events::take_back(tx, ctx, id, version, before).await {
            Ok(TakenBack::Done(_)) => {
                store::put_source(tx, id, row.source_before.as_ref()).await?;
                undone.rolled_back += 1;
            }
            Ok(TakenBack::Gone) => undone.gone += 1,
            Ok(TakenBack::Changed) => undone.kept.push((row.clone(), CHANGED)),
            Err(error) => keep(error, row, undone)?,
        },
        _ => {
            events::lock(tx, id).await?;
            let event = match events::load(tx, ctx, id, Can::Delete).await {
                Ok(of) if of.event.deleted_at.is_none() => of.event,
                Ok(_) | Err(EventError::Denied(crate::access::Denied::NotFound)) => {
                    undone.gone += 1;
                    return Ok(());
                }
                Err(error) => return keep(error, row, undone),
            };
            if event.version != version {
                undone.kept.push((row.clone(), CHANGED));
                return Ok(());
            }
            match events::delete(tx, ctx, id, &Precondition::default()).await {
                Ok(()) if event.submitted => undone.trashed += 1,
                Ok(()) => undone.removed += 1,
                Err(error) => keep(error, row, undone)?,
            }
        }
    }
    Ok(())
}

const CHANGED: &str = "it was changed since";
const NOT_ALLOWED: &str = "you may not change it any more";

/// What may not be taken back stays; a fault ends the step.
fn keep(error: EventError, row: &ReportRow, undone: &mut Undone) -> Result<(), EventError> {
    if matches!(error, EventError::Internal(_)) {
        return Err(error);
    }
    undone.kept.push((row.clone(), NOT_ALLOWED));
    Ok(())
}

fn fault(error: EventError) -> Stopped {
    match error {
        EventError::Internal(error) => error.into(),
        other => Error::Setup(format!("undoing: {other:?}")).into(),
    }
}

/// The job's result with what is undone so far: what an earlier begin has said, or nothing yet.
fn before(job: &Job) -> Value {
    let mut result = job.result.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    if job.progress.done == 0 || result.get("undone").is_none() {
        let nothing = json!({"removed": 0, "trashed": 0, "rolled_back": 0, "gone": 0, "kept": 0, "kept_events": []});
        if let Value::Object(result) = &mut result {
            result.insert("undone".into(), nothing);
        }
    }
    result
}

fn add(result: &mut Value, undone: Undone) {
    let Some(Value::Object(said)) = result.get_mut("undone") else { return };
    for (name, more) in [
        ("removed", undone.removed),
        ("trashed", undone.trashed),
        ("rolled_back", undone.rolled_back),
        ("gone", undone.gone),
        ("kept", i64::try_from(undone.kept.len()).unwrap_or_default()),
    ] {
        let now = said.get(name).and_then(Value::as_i64).unwrap_or_default() + more;
        said.insert(name.to_owned(), now.into());
    }
    if let Some(Value::Array(events)) = said.get_mut("kept_events") {
        for (row, why) in undone.kept {
            if events.len() < NAMED {
                events.push(json!({"event_id": row.event, "uid": row.uid, "title": row.title, "why": why}));
            }
        }
    }
}
