//! The work of an import, step by step.

use std::collections::HashSet;
use std::sync::Arc;

use kalends_db::{Db, Error, Tx};
use kalends_kernel::{CalendarId, Clock, JobId, UploadId, Zone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::apply::apply;
use super::convert::{Item, convert, each_once};
use super::gather::{Entry, Gathered, gather};
use super::report::{ROWS, ReportRow, result};
use super::store;
use crate::access::Can;
use crate::calendars;
use crate::ctx::Ctx;
use crate::events::EventError;
use crate::job_runner::Ended;
use crate::jobs::{Job, Lease, Progress, Stopped};

/// What an import is to do, as its job says it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Args {
    pub(super) calendar_id: CalendarId,
    pub(super) dry_run: bool,
    pub(super) upload_id: UploadId,
}

/// How many pieces of the file one step takes, and how many components they may have together.
const STEP: usize = 200;
const STEP_COMPONENTS: usize = 600;
/// Rows of one piece are numbered within this.
const PARTS: i64 = 1_000;

/// Does an import, from behind what was done before.
pub async fn run(db: &Db, clock: &Clock, job: &Job, lease: Lease, ctx: Ctx) -> Result<Ended, Stopped> {
    let Ok(args) = serde_json::from_value::<Args>(job.args.clone()) else {
        return Ok(Ended::failed("the job cannot be read", None));
    };
    let mut conn = db.reader().await?;
    let zone = match calendars::load(&mut conn, &ctx, args.calendar_id, Can::Edit).await {
        Ok(into) => into.calendar.zone,
        Err(calendars::CalendarError::Internal(error)) => return Err(error.into()),
        Err(_) => return Ok(Ended::failed(NOT_ALLOWED, None)),
    };
    let Some(bytes) = store::upload(&mut conn, args.upload_id).await? else {
        return Ok(Ended::failed("the file is not there any more", None));
    };
    drop(conn);
    let read = blocking(move || kalends_ical::read(&bytes, &Zone::look_up).map(gather)).await?;
    let file = match read {
        Ok(file) => file,
        Err(why) => {
            let problem = json!({"line": why.line(), "code": "unreadable", "detail": why.to_string()});
            return Ok(Ended::failed(&why.to_string(), Some(json!({"dry_run": args.dry_run, "problem": problem}))));
        }
    };
    let Gathered { entries, uids, omitted } = file;
    let (entries, uids) = (Arc::new(entries), Arc::new(uids));
    let mut done = usize::try_from(job.progress.done).unwrap_or(0).min(entries.len());
    loop {
        let next = end_of_step(&entries, done);
        let piece = (entries.clone(), uids.clone(), done..next, zone.clone());
        let step = blocking(move || {
            let (entries, uids, range, zone) = piece;
            let from = range.start;
            entries
                .get(range)
                .unwrap_or_default()
                .iter()
                .enumerate()
                .map(|(at, entry)| (from + at, prepared(entry, &uids, &zone)))
                .collect()
        })
        .await?;
        let progress = Progress { done: count(next), total: Some(count(entries.len())) };
        // A step that waits for the database must not believe that it is still the time at which the job began.
        let ctx = Ctx { now: clock.now(), ..ctx.clone() };
        let step = Step { ctx, job: job.id, lease, calendar: args.calendar_id, progress, pieces: step };
        let went = if args.dry_run { step.rehearse(db).await } else { step.take(db).await };
        match went {
            Ok(()) => {}
            Err(StepError::Stopped(stopped)) => return Err(stopped),
            Err(StepError::NotAllowed) => {
                let result = result_of(db, job.id, args.dry_run, omitted).await?;
                return Ok(Ended::failed(NOT_ALLOWED, Some(result)));
            }
        }
        done = next;
        if done == entries.len() {
            break;
        }
    }
    let result = result_of(db, job.id, args.dry_run, omitted).await?;
    let said = |name: &str| result.get(name).and_then(Value::as_i64).unwrap_or_default();
    let message = format!(
        "{}{} created, {} updated, {} unchanged, {} refused, {} skipped",
        if args.dry_run { "dry run: " } else { "" },
        said("created"),
        said("updated"),
        said("unchanged"),
        said("refused"),
        said("skipped")
    );
    Ok(Ended::done(&message, Some(result)))
}

const NOT_ALLOWED: &str = "you may not put events into this calendar (any more)";

/// What has been reported so far.
pub(super) async fn result_of(db: &Db, job: JobId, dry_run: bool, omitted: usize) -> Result<Value, Error> {
    let mut conn = db.reader().await?;
    let counts = store::counts(&mut conn, job).await?;
    let rows = store::rows(&mut conn, job, ROWS).await?;
    Ok(result(&counts, rows, dry_run, omitted))
}

/// The report of an import that did not come to its end.
pub async fn so_far(db: &Db, job: &Job) -> Result<Value, Error> {
    let dry_run = job.args.get("dry_run") == Some(&Value::Bool(true));
    result_of(db, job.id, dry_run, 0).await
}

/// Lets go of the file of an import that is too old to be looked at.
pub async fn forget(tx: &mut Tx, job: &Job) -> Result<(), Error> {
    match serde_json::from_value::<Args>(job.args.clone()) {
        Ok(args) => store::delete_upload(tx, args.upload_id).await,
        Err(_) => Ok(()),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A piece of the file, ready to be written.
#[derive(Clone, Debug)]
enum Prepared {
    Items(Vec<Item>),
    ReportRow(Box<ReportRow>),
}

fn prepared(entry: &Entry, uids: &HashSet<String>, zone: &Zone) -> Prepared {
    match entry {
        Entry::Series(series, warnings) => {
            let mut items = convert(series, warnings.clone(), zone);
            each_once(&mut items, uids);
            Prepared::Items(items)
        }
        Entry::ReportRow(row) => Prepared::ReportRow(row.clone()),
    }
}

fn end_of_step(entries: &[Entry], from: usize) -> usize {
    let mut components = 0;
    let mut end = from;
    for entry in entries.iter().skip(from).take(STEP) {
        components += match entry {
            Entry::Series(series, _) => 1 + series.overrides.len(),
            Entry::ReportRow(_) => 0,
        };
        if components > STEP_COMPONENTS && end > from {
            break;
        }
        end += 1;
    }
    end
}

/// Work that would keep others from the threads on which everybody waits.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Setup(format!("the work ended early: {error}")))
}

/// One transaction of an import.
struct Step {
    ctx: Ctx,
    job: JobId,
    lease: Lease,
    calendar: CalendarId,
    progress: Progress,
    pieces: Vec<(usize, Prepared)>,
}

enum StepError {
    Stopped(Stopped),
    NotAllowed,
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        StepError::Stopped(Stopped::Internal(error))
    }
}
impl From<Stopped> for StepError {
    fn from(stopped: Stopped) -> Self {
        StepError::Stopped(stopped)
    }
}
impl From<EventError> for StepError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Internal(error) => error.into(),
            // Whatever concerns one event is in its row: this is about the calendar.
            _ => StepError::NotAllowed,
        }
    }
}

/// What comes out of a rehearsal: an error, so that everything is rolled back.
enum Rehearsed {
    Rows(Vec<(i64, ReportRow)>),
    Failed(StepError),
}

impl From<Error> for Rehearsed {
    fn from(error: Error) -> Self {
        Rehearsed::Failed(error.into())
    }
}

impl Step {
    /// Does it.
    async fn take(self, db: &Db) -> Result<(), StepError> {
        db.write(self, |tx, step| {
            Box::pin(async move {
                step.lease.step(tx, step.ctx.now, step.progress).await?;
                let rows = step.rows(tx).await?;
                step.report(tx, &rows).await
            })
        })
        .await
    }

    /// Does it, takes it back, and reports what it would have done.
    async fn rehearse(self, db: &Db) -> Result<(), StepError> {
        let step = Arc::new(self);
        let rehearsed: Result<(), Rehearsed> = db
            .write(step.clone(), |tx, step| {
                Box::pin(async move {
                    match step.rows(tx).await {
                        Ok(rows) => Err(Rehearsed::Rows(rows)),
                        Err(error) => Err(Rehearsed::Failed(error)),
                    }
                })
            })
            .await;
        let rows = match rehearsed {
            Ok(()) => Vec::new(),
            Err(Rehearsed::Rows(rows)) => rows,
            Err(Rehearsed::Failed(error)) => return Err(error),
        };
        // None of the events is there: their ids mean nothing.
        let bare = |row: ReportRow| match row.action {
            super::Action::Created => ReportRow { event: None, version: None, ..row },
            _ => ReportRow { version: None, before: None, source_before: None, ..row },
        };
        let rows: Vec<(i64, ReportRow)> = rows.into_iter().map(|(seq, row)| (seq, bare(row))).collect();
        db.write((step, rows), |tx, (step, rows)| {
            Box::pin(async move {
                step.lease.step(tx, step.ctx.now, step.progress).await?;
                step.report(tx, rows).await
            })
        })
        .await
    }

    async fn rows(&self, tx: &mut Tx) -> Result<Vec<(i64, ReportRow)>, StepError> {
        let mut rows = Vec::new();
        let (mut items, mut seqs) = (Vec::new(), Vec::new());
        for (at, piece) in &self.pieces {
            let seq = count(*at).saturating_mul(PARTS);
            match piece {
                Prepared::ReportRow(row) => rows.push((seq, row.as_ref().clone())),
                Prepared::Items(parts) => {
                    seqs.extend((0..count(parts.len())).map(|part| seq + part));
                    items.extend(parts.iter().cloned());
                }
            }
        }
        let taken = apply(tx, &self.ctx, self.calendar, &items).await?;
        rows.extend(seqs.into_iter().zip(taken));
        Ok(rows)
    }

    async fn report(&self, tx: &mut Tx, rows: &[(i64, ReportRow)]) -> Result<(), StepError> {
        for (seq, row) in rows {
            store::insert_row(tx, self.job, *seq, row).await?;
        }
        Ok(())
    }
}
