//! Background work over REST.

use axum::extract::State;
use jiff::Timestamp;
use kalends_core::ctx::Ctx;
use kalends_core::job_runner;
use kalends_core::jobs::{self, Job, JobError, Kind, Listed, State as JobState, Undoing};
use kalends_kernel::{JobId, UserId};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::extract::{PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes of background work.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, undo))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// How long an undo is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A job that runs in the background.
#[derive(Serialize, ToSchema)]
#[schema(title = "Job", example = json!({
    "id": "01941f29-7c00-7ddd-8000-3d1c7e9a5b10", "kind": "import", "state": "done", "user_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10",
    "progress": {"done": 2, "total": 2}, "log": [{"at": "2027-01-15T10:00:01Z", "message": "1 created, 0 updated, 0 unchanged, 1 refused, 0 skipped"}],
    "result": {"dry_run": false, "created": 1, "updated": 0, "unchanged": 0, "refused": 1, "skipped": 0, "truncated": false, "rows": [
        {"line": 4, "uid": "a@example.org", "title": "Concert", "action": "created", "event_id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "warnings": []},
        {"line": 12, "uid": null, "title": null, "action": "refused", "event_id": null, "problem": {"code": "missing-start", "detail": "The event has no DTSTART."}, "warnings": []}]},
    "attempts": 0, "run_at": "2027-01-15T10:00:00Z", "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:01Z", "finished_at": "2027-01-15T10:00:01Z"
}))]
pub struct JobView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: JobId,
    /// The kind of job: `import`, or `conflicts` for a report of new conflicts.
    kind: String,
    /// The state.
    state: &'static str,
    /// The account that the job belongs to; null for the server's own.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    user_id: Option<UserId>,
    /// The progress.
    progress: ProgressView,
    /// The log, oldest first; at most 100 lines.
    log: Vec<LogLineView>,
    /// The result, in the form of the job's kind; null until there is one.
    #[schema(value_type = Option<JobResult>, required)]
    result: Option<Value>,
    /// The number of attempts since the last progress.
    attempts: i64,
    /// The instant at which the job is or was due.
    run_at: String,
    /// The instant at which the job was queued.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
    /// The instant at which the job finished; null until then.
    #[schema(required)]
    finished_at: Option<String>,
}

/// The result of a job.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the results that `core` writes as JSON")]
enum JobResult {
    /// The result of an import.
    Import(ImportResult),
    /// The result of an import whose file could not be read.
    Unreadable(UnreadableResult),
    /// The conflicts that have come within the horizon.
    Conflicts(ConflictsResult),
}

/// The result of an import whose file could not be read.
#[derive(Serialize, ToSchema)]
struct UnreadableResult {
    /// Whether the import was only to report what it would do.
    dry_run: bool,
    /// The reason.
    problem: UnreadableProblem,
}

/// The reason why a file could not be read.
#[derive(Serialize, ToSchema)]
struct UnreadableProblem {
    /// The line in the file, from 1.
    line: i64,
    /// A stable kebab-case code.
    code: String,
    /// The reason, in a sentence.
    detail: String,
}

/// The result of an import.
#[derive(Serialize, ToSchema)]
struct ImportResult {
    /// Whether the import only reported what it would do.
    dry_run: bool,
    /// The number of events created.
    created: i64,
    /// The number of events updated.
    updated: i64,
    /// The number of events that were already up to date.
    unchanged: i64,
    /// The number of events refused.
    refused: i64,
    /// The number of components that are not events.
    skipped: i64,
    /// One row per event, by the line of the file; at most 1,000. Omitted in lists.
    #[schema(nullable = false)]
    rows: Option<Vec<ImportRow>>,
    /// Whether there are more rows than are listed.
    truncated: bool,
    /// What undoing the import did; present once it has begun.
    #[schema(nullable = false)]
    undone: Option<UndoneResult>,
}

/// The result of one event of an imported file.
#[derive(Serialize, ToSchema)]
struct ImportRow {
    /// The line in the file, from 1.
    line: i64,
    /// The UID; null when the event has none.
    #[schema(required)]
    uid: Option<String>,
    /// The title; null when the event has none.
    #[schema(required)]
    title: Option<String>,
    /// What the import did with the event.
    action: String,
    /// The event on this server; null when there is none.
    #[schema(required)]
    event_id: Option<uuid::Uuid>,
    /// The reason why the event was refused.
    #[schema(nullable = false)]
    problem: Option<ImportProblem>,
    /// What was read differently from how it is written.
    warnings: Vec<String>,
}

/// The reason why an event of a file was refused.
#[derive(Serialize, ToSchema)]
struct ImportProblem {
    /// A stable code in kebab-case.
    code: String,
    /// A sentence for people.
    detail: String,
}

/// What undoing an import did.
#[derive(Serialize, ToSchema)]
struct UndoneResult {
    /// The number of drafts deleted for good.
    removed: i64,
    /// The number of events moved to the trash.
    trashed: i64,
    /// The number of events rolled back to the version before the import.
    rolled_back: i64,
    /// The number of events that no longer existed.
    gone: i64,
    /// The number of events kept because someone has changed them since.
    kept: i64,
    /// The events that were kept.
    kept_events: Vec<KeptEvent>,
}

/// An event that undoing an import did not touch.
#[derive(Serialize, ToSchema)]
struct KeptEvent {
    /// The event; null when there is none.
    #[schema(required)]
    event_id: Option<uuid::Uuid>,
    /// The UID in the file.
    #[schema(required)]
    uid: Option<String>,
    /// The title in the file.
    #[schema(required)]
    title: Option<String>,
    /// Why the event was kept.
    why: String,
}

/// Conflicts that have come within the horizon of a calendar's check.
#[derive(Serialize, ToSchema)]
struct ConflictsResult {
    /// The instant from which conflicts were checked.
    checked_from: String,
    /// The instant up to which conflicts were checked.
    checked_until: String,
    /// The number of conflicts found.
    conflicts: i64,
    /// The conflicts. Omitted in lists.
    #[schema(nullable = false)]
    rows: Option<Vec<ConflictRow>>,
    /// Whether there are more conflicts than are listed.
    truncated: bool,
}

/// An event that conflicts with another one.
#[derive(Serialize, ToSchema)]
struct ConflictRow {
    /// The event.
    event_id: uuid::Uuid,
    /// The title of the event.
    title: String,
    /// The event that it conflicts with.
    with: ConflictPartner,
}

/// The other event of a conflict, as far as the owner of the calendar may see it.
#[derive(Serialize, ToSchema)]
struct ConflictPartner {
    /// The event; null when the owner may see only that the time is taken.
    #[schema(required)]
    event_id: Option<uuid::Uuid>,
    /// The title; null when the owner may see only that the time is taken.
    #[schema(required)]
    title: Option<String>,
    /// The start, with offset.
    start: String,
    /// The end, with offset.
    end: String,
    /// The original start of the instance of a series; null otherwise.
    #[schema(required)]
    original_start: Option<String>,
    /// The reasons for the conflict.
    reasons: Vec<String>,
}

/// The progress of a job.
#[derive(Serialize, ToSchema)]
pub struct ProgressView {
    /// The number of items done.
    done: i64,
    /// The total number of items; null while it is unknown.
    #[schema(required)]
    total: Option<i64>,
}

/// A line of a job's log.
#[derive(Serialize, ToSchema)]
pub struct LogLineView {
    /// The instant.
    at: String,
    /// The message.
    message: String,
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs, newest first.
    items: Vec<JobView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

impl JobView {
    /// A job with all that is known of it.
    pub fn of(job: &Job) -> JobView {
        JobView {
            id: job.id,
            kind: job.kind_name.clone(),
            state: job.state.name(),
            user_id: job.user,
            progress: ProgressView { done: job.progress.done, total: job.progress.total },
            log: job
                .log
                .iter()
                .map(|line| LogLineView { at: line.at.to_string(), message: line.message.clone() })
                .collect(),
            result: job.result.clone(),
            attempts: job.attempts,
            run_at: job.run_at.to_string(),
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
            finished_at: job.finished_at.as_ref().map(Timestamp::to_string),
        }
    }

    /// The same without what is long.
    fn in_a_list(job: &Job) -> JobView {
        let mut view = JobView::of(job);
        if let Some(Value::Object(result)) = &mut view.result {
            result.remove("rows");
        }
        view
    }

    /// Where it is.
    pub fn path(&self) -> String {
        format!("{}/jobs/{}", crate::BASE, self.id)
    }
}

fn tag(job: &Job) -> String {
    etag(job.updated_at.as_microsecond(), &[job.state.name(), &job.progress.done.to_string()])
}

fn shown(job: &Job) -> Reply {
    Reply::ok(&JobView::of(job)).etag(tag(job))
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Problem {
        match error {
            JobError::Denied(denied) => denied.into(),
            JobError::WrongState { state, why } => {
                Problem::new(&codes::WRONG_STATE).detail(format!("the job is {}: {why}", state.name()))
            }
            JobError::Internal(error) => error.into(),
        }
    }
}

/// List jobs
///
/// Returns your jobs, newest first, without the rows of their results. Administrators see everyone's jobs.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "list_jobs",
    params(("state" = Option<String>, Query, description = "Only jobs in this state."), ("kind" = Option<String>, Query, description = "Only jobs of this kind."),
        ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = JobPage)))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let listed = Listed {
        state: query.choice("state", JobState::NAMES),
        kind: query.choice("kind", Kind::NAMES),
        limit: query.limit(),
        cursor: query.cursor(),
        digest: query.digest(),
    };
    let total = query.include_total();
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = jobs::list(&mut conn, &call.call.ctx, &listed).await?;
    let total = if total { Some(jobs::count(&mut conn, &call.call.ctx, &listed).await?) } else { None };
    let items = page.items.iter().map(JobView::in_a_list).collect();
    Ok(Reply::ok(&JobPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// Show a job
///
/// Returns a job with its progress, log and result.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", operation_id = "get_job", params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses((status = 200, description = "The job", body = JobView), (status = 304)))]
async fn show(State(app): State<App>, call: SignedInCall, PathId(id): PathId<JobId>, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let job = jobs::load(&mut conn, &call.call.ctx, id).await?;
    Ok(Reply::unless_known(&call.call, tag(&job), &JobView::of(&job)))
}

/// Cancel a job
///
/// Cancels a job, at once if it is queued, otherwise before its next step, and returns it. Changes made so far stay;
/// delete the job to undo them. Fails with 409 if the job has finished.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancel_job", params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses((status = 200, description = "The updated resource.", body = JobView), (status = 409, description = "`wrong-state`: the job has already finished.")))]
async fn cancel(State(app): State<App>, call: SignedInCall, PathId(id): PathId<JobId>) -> Answer {
    write(&app, call.call, [0; 32], id, |tx, ctx, id| {
        Box::pin(async move { Ok(shown(&jobs::cancel(tx, ctx, *id).await?)) })
    })
    .await
}

/// Retry a job
///
/// Queues a failed or cancelled job again and returns it. The job continues after the steps that are already done.
/// Fails with 409 in any other state.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", operation_id = "retry_job", params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses((status = 200, description = "The updated resource.", body = JobView), (status = 409, description = "`wrong-state`: only jobs that failed or were cancelled can be retried.")))]
async fn retry(State(app): State<App>, call: SignedInCall, PathId(id): PathId<JobId>) -> Answer {
    let reply = write(&app, call.call, [0; 32], id, |tx, ctx, id| {
        Box::pin(async move { Ok(shown(&jobs::retry(tx, ctx, *id).await?)) })
    })
    .await?;
    app.wake.notify_one();
    Ok(reply)
}

/// Undo a job
///
/// Undoes an import: created events are moved to the trash (drafts are deleted for good), and updated events are rolled
/// back. Events that someone has changed since are kept and listed in `result.undone`. The job stays, with the state
/// `reverted`. A running job must be cancelled first (409).
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "jobs", operation_id = "undo_job", params(("id" = uuid::Uuid, Path, description = "The job.")),
    responses((status = 202, description = "There is much to undo, so the work continues in the background. `Location` holds the path of the job.", body = JobView), (status = 204, description = "The job was undone."), (status = 409, description = "`wrong-state`: the job is running. Cancel it first.")))]
async fn undo(State(app): State<App>, call: SignedInCall, PathId(id): PathId<JobId>) -> Answer {
    let ctx = call.call.ctx;
    let (job, lease) = match begin(&app, ctx.clone(), id).await? {
        Undoing::Over(_) => return Ok(Reply::no_content()),
        Undoing::Begun(job, lease) => (job, lease),
    };
    // In a task of its own: it goes on when the caller does not wait any more.
    let (db, clock) = (app.db.clone(), app.clock.clone());
    let horizon_years = app.settings.horizon_years;
    let working = tokio::spawn(async move { job_runner::work(&db, &clock, horizon_years, job, lease).await });
    if let Ok(Ok(worked)) = tokio::time::timeout(PATIENCE, working).await {
        worked?;
    }
    let job = jobs::load(&mut *app.db.reader().await?, &ctx, id).await?;
    if job.state == JobState::Reverted {
        return Ok(Reply::no_content());
    }
    let view = JobView::of(&job);
    Ok(Reply { status: 202, location: Some(view.path()), ..Reply::ok(&view) })
}

async fn begin(app: &App, ctx: Ctx, id: JobId) -> Result<Undoing, JobError> {
    app.db.write((ctx, id), |tx, (ctx, id)| Box::pin(jobs::begin_undo(tx, ctx, *id))).await
}
