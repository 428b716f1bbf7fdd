//! All SQL of imports: uploads, rows of reports, what events were imported as.

use std::collections::HashMap;

use kalends_db::{Conn, FromRow, Result, Row, Tx, Value, append, sql};
use kalends_kernel::{EventId, JobId, UploadId, UserId};
use serde_json::json;

use super::report::{Action, ReportRow, Source, Stamp};
use crate::ctx::Ctx;

/// A file that somebody sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Upload<'u> {
    pub(super) id: UploadId,
    pub(super) user: UserId,
    pub(super) name: &'u str,
    pub(super) media_type: &'u str,
    pub(super) digest: [u8; 32],
    pub(super) content: &'u [u8],
}

pub(super) async fn insert_upload(tx: &mut Tx, ctx: &Ctx, upload: Upload<'_>) -> Result<()> {
    sql("INSERT INTO uploads (id, user_id, name, media_type, size, digest, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(upload.id)
    .bind(upload.user)
    .bind(upload.name)
    .bind(upload.media_type)
    .bind(i64::try_from(upload.content.len()).unwrap_or(i64::MAX))
    .bind(upload.digest)
    .bind(upload.content.to_vec())
    .bind(ctx.now)
    .run(tx)
    .await?;
    Ok(())
}

/// How many bytes the files that somebody sent take.
pub(super) async fn kept(conn: &mut Conn, user: UserId) -> Result<i64> {
    // PostgreSQL's sum of BIGINT is a NUMERIC.
    sql("SELECT CAST(coalesce(sum(size), 0) AS BIGINT) AS n FROM uploads WHERE user_id = $1").bind(user).one(conn).await
}

/// The bytes of a file, if it is there.
pub(super) async fn upload(conn: &mut Conn, id: UploadId) -> Result<Option<Vec<u8>>> {
    struct Content(Vec<u8>);
    impl FromRow for Content {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("content").map(Content)
        }
    }
    let found: Option<Content> = sql("SELECT content FROM uploads WHERE id = $1").bind(id).optional(conn).await?;
    Ok(found.map(|content| content.0))
}

/// Deletes a file.
pub(super) async fn delete_upload(tx: &mut Tx, id: UploadId) -> Result<()> {
    sql("DELETE FROM uploads WHERE id = $1").bind(id).run(tx).await?;
    Ok(())
}

/// What these events were last imported as.
pub(super) async fn sources(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, Source>> {
    struct Of(EventId, Source);
    impl FromRow for Of {
        fn from_row(row: &Row) -> Result<Self> {
            let stamp = Stamp { sequence: row.get("sequence")?, last_modified: row.opt("last_modified")? };
            let source = Source { stamp, digest: row.get("digest")?, version: row.get("version")? };
            Ok(Of(row.get("event_id")?, source))
        }
    }
    let found: Vec<Of> =
        sql("SELECT event_id, sequence, last_modified, digest, version FROM event_sources WHERE event_id IN ({})")
            .bind_list(events.iter().copied())
            .all(conn)
            .await?;
    Ok(found.into_iter().map(|Of(event, source)| (event, source)).collect())
}

/// Remembers what an event was imported as; nothing takes the memory away.
pub(super) async fn put_source(tx: &mut Tx, event: EventId, source: Option<&Source>) -> Result<()> {
    let Some(source) = source else {
        sql("DELETE FROM event_sources WHERE event_id = $1").bind(event).run(tx).await?;
        return Ok(());
    };
    sql("INSERT INTO event_sources (event_id, sequence, last_modified, digest, version) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (event_id) DO UPDATE SET sequence = excluded.sequence, last_modified = excluded.last_modified,
            digest = excluded.digest, version = excluded.version")
    .bind(event)
    .bind(source.stamp.sequence)
    .bind(source.stamp.last_modified)
    .bind(source.digest.clone())
    .bind(source.version)
    .send(tx)
    .await
}

pub(super) async fn insert_row(tx: &mut Tx, job: JobId, seq: i64, row: &ReportRow) -> Result<()> {
    let problem = row.problem.as_ref().map(|(code, detail)| json!([code, detail]).to_string());
    let source = row.source_before.as_ref().map(|source| source_json(source).to_string());
    let row = [
        job.into(),
        seq.into(),
        i64::try_from(row.line).unwrap_or(i64::MAX).into(),
        row.uid.clone().into(),
        row.title.clone().into(),
        row.action.name().into(),
        problem.into(),
        Value::json(&row.warnings)?,
        row.event.into(),
        row.version.into(),
        row.before.into(),
        source.into(),
    ];
    append(tx, INSERT_ROW, row).await
}

const INSERT_ROW: &str =
    "INSERT INTO import_rows (job_id, seq, line, uid, title, action, problem, warnings, event_id, version, before,
        source_before)
     VALUES {}";

fn source_json(source: &Source) -> serde_json::Value {
    let last_modified = source.stamp.last_modified.map(|at| at.as_microsecond());
    json!([source.stamp.sequence, last_modified, source.digest, source.version])
}

fn source_of(text: &str) -> Option<Source> {
    let (sequence, micros, digest, version): (i64, Option<i64>, Vec<u8>, i64) = serde_json::from_str(text).ok()?;
    let last_modified = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    Some(Source { stamp: Stamp { sequence, last_modified }, digest, version })
}

impl FromRow for ReportRow {
    fn from_row(row: &Row) -> Result<Self> {
        let line: i64 = row.get("line")?;
        Ok(ReportRow {
            line: usize::try_from(line).unwrap_or(usize::MAX),
            uid: row.opt("uid")?,
            title: row.opt("title")?,
            action: Action::from_name(row.text("action")?),
            problem: match row.opt::<String>("problem")? {
                Some(_) => Some(row.json("problem")?),
                None => None,
            },
            warnings: row.json("warnings")?,
            event: row.opt("event_id")?,
            version: row.opt("version")?,
            before: row.opt("before")?,
            source_before: row.opt::<String>("source_before")?.and_then(|text| source_of(&text)),
        })
    }
}

const COLUMNS: &str = "line, uid, title, action, problem, warnings, event_id, version, before, source_before";

/// How many rows there are of each action.
pub(super) async fn counts(conn: &mut Conn, job: JobId) -> Result<Vec<(Action, i64)>> {
    struct Count(Action, i64);
    impl FromRow for Count {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Count(Action::from_name(row.text("action")?), row.get("n")?))
        }
    }
    let found: Vec<Count> = sql("SELECT action, count(*) AS n FROM import_rows WHERE job_id = $1 GROUP BY action")
        .bind(job)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|Count(action, n)| (action, n)).collect())
}

/// At most `limit` rows: first what was refused, then what has a warning, then the others, each in the order of the file.
pub(super) async fn rows(conn: &mut Conn, job: JobId, limit: i64) -> Result<Vec<ReportRow>> {
    sql(format!(
        "SELECT {COLUMNS} FROM import_rows WHERE job_id = $1
         ORDER BY CASE WHEN problem IS NOT NULL THEN 0 WHEN warnings <> '[]' THEN 1 ELSE 2 END, seq LIMIT $2"
    ))
    .bind(job)
    .bind(limit)
    .all(conn)
    .await
}

/// How many events an import made or changed.
pub(super) async fn count_done(conn: &mut Conn, job: JobId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM import_rows WHERE job_id = $1 AND action IN ('created', 'updated')")
        .bind(job)
        .one(conn)
        .await
}

/// The next of them to undo, the last first.
pub(super) async fn done(conn: &mut Conn, job: JobId, skip: i64, limit: i64) -> Result<Vec<ReportRow>> {
    sql(format!(
        "SELECT {COLUMNS} FROM import_rows WHERE job_id = $1 AND action IN ('created', 'updated')
         ORDER BY seq DESC LIMIT $2 OFFSET $3"
    ))
    .bind(job)
    .bind(limit)
    .bind(skip)
    .all(conn)
    .await
}
