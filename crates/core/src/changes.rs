//! The change log: one row per change, written in the transaction of the change. History, sync, sockets, webhooks and
//! caches follow it; nothing else tells them.
//!
//! A position is (transaction, sequence) under an epoch (rule 30). Rows are read only below [`kalends_db::Conn::log_horizon`]:
//! above it a transaction that began earlier may still commit, and its rows would be skipped.

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, append, sql};
use kalends_kernel::{CalendarId, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::audit;
use crate::ctx::Ctx;

/// What happened to a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// It came to be (or came back).
    Created,
    /// It is another now.
    Updated,
    /// It is gone.
    Deleted,
}

impl Op {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Op::Created => "created",
            Op::Updated => "updated",
            Op::Deleted => "deleted",
        }
    }
}

/// The kind of record that changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An account.
    User,
    /// A calendar.
    Calendar,
    /// An event: content, state, deletion.
    Event,
    /// A role on a calendar; `record` is the calendar.
    CalendarPermission,
    /// A role on an event; `record` is the event.
    EventPermission,
    /// A unit of background work: that it is there, and its state; `user` is whose it is.
    Job,
    /// A venue.
    Venue,
    /// A group of people.
    Group,
}

impl Kind {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Calendar => "calendar",
            Kind::Event => "event",
            Kind::CalendarPermission => "calendar_permission",
            Kind::EventPermission => "event_permission",
            Kind::Job => "job",
            Kind::Venue => "venue",
            Kind::Group => "group",
        }
    }
}

/// One row to be.
#[derive(Clone, Debug)]
pub struct Change {
    /// What kind of record.
    pub kind: Kind,
    /// What happened.
    pub op: Op,
    /// Which record.
    pub record: Uuid,
    /// The calendar it belongs to.
    pub calendar: Option<CalendarId>,
    /// Whose permission or account it is.
    pub user: Option<UserId>,
    /// The version it has now, where it has versions.
    pub version: Option<i64>,
    /// More for the reader of the log: old and new role, old and new state.
    pub detail: Option<Value>,
}

/// Records a change in the change log and in the audit log. The rows of a transaction are written together, at its end.
pub async fn record(tx: &mut Tx, ctx: &Ctx, change: Change) -> Result<()> {
    audit::record(tx, ctx, audit::of_change(&change)).await?;
    let detail = change.detail.map(|detail| detail.to_string());
    let row = [
        ctx.now.into(),
        change.kind.name().into(),
        change.op.name().into(),
        change.record.into(),
        change.calendar.into(),
        change.user.into(),
        change.version.into(),
        ctx.user().into(),
        ctx.door.name().into(),
        (*ctx.request_id).into(),
        detail.into(),
    ];
    append(tx, INSERT, row).await
}

const INSERT: &str =
    "INSERT INTO changes (at, kind, op, record_id, calendar_id, user_id, version, actor_id, door, request_id, detail)
     VALUES {}";

/// A place in the log: everything up to it has been seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// The transaction.
    pub tx: i64,
    /// The row within the log.
    pub seq: i64,
}

impl Display for Position {
    /// As the API shows it (`seq`): texts in the order of the positions.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.tx, self.seq)
    }
}

impl FromRow for Position {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Position { tx: row.get("tx")?, seq: row.get("seq")? })
    }
}

/// A row of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// When the command ran.
    pub at: Timestamp,
    /// The kind of record.
    pub kind: String,
    /// What happened.
    pub op: String,
    /// Which record.
    pub record: Uuid,
    /// The calendar it belonged to.
    pub calendar: Option<CalendarId>,
    /// Whose permission or account it was.
    pub user: Option<UserId>,
    /// The version it had then.
    pub version: Option<i64>,
    /// More: old and new role, what it was before.
    pub detail: Option<Value>,
}

impl FromRow for Logged {
    fn from_row(row: &Row) -> Result<Self> {
        let detail = row.opt::<String>("detail")?.map(|text| serde_json::from_str(&text));
        Ok(Logged {
            position: Position::from_row(row)?,
            at: row.get("at")?,
            kind: row.get("kind")?,
            op: row.get("op")?,
            record: row.get("record_id")?,
            calendar: row.opt("calendar_id")?,
            user: row.opt("user_id")?,
            version: row.opt("version")?,
            detail: detail
                .transpose()
                .map_err(|e| Error::Decode { column: "detail".to_owned(), what: e.to_string() })?,
        })
    }
}

/// The columns of a row.
pub(crate) const COLUMNS: &str = "tx, seq, at, kind, op, record_id, calendar_id, user_id, version, detail";

/// The next rows behind `since`, in order, at most `limit`. None is ever skipped: a row is given only once no earlier
/// one can appear any more.
pub async fn after(conn: &mut Conn, since: Position, limit: i64) -> Result<Vec<Logged>> {
    // The horizon first: what is below it now stays complete in every later statement.
    let horizon = conn.log_horizon().await?;
    below(conn, since, horizon, None, limit).await
}

/// The next rows behind `since` and below a horizon that was asked before; only of one calendar, if one is named.
pub(crate) async fn below(
    conn: &mut Conn,
    since: Position,
    horizon: i64,
    of: Option<CalendarId>,
    limit: i64,
) -> Result<Vec<Logged>> {
    let of_calendar = if of.is_some() { "AND calendar_id = $5" } else { "" };
    // The sign keeps SQLite from finding the rows by their `tx`, which is the same in all of them.
    let behind = conn.behind(1);
    let statement = sql(format!(
        "SELECT {COLUMNS} FROM changes WHERE {behind} AND +tx < $3 {of_calendar} ORDER BY tx, seq LIMIT $4"
    ));
    let statement = statement.bind(since.tx).bind(since.seq).bind(horizon).bind(limit);
    match of {
        Some(calendar) => statement.bind(calendar).all(conn).await,
        None => statement.all(conn).await,
    }
}

/// The last row below a horizon that was asked before; where an empty log begins, if there is none.
pub(crate) async fn last(conn: &mut Conn, horizon: i64) -> Result<Position> {
    let behind = conn.behind(2);
    let last =
        sql(format!("SELECT tx, seq FROM changes WHERE tx < $1 AND {behind} ORDER BY tx DESC, seq DESC LIMIT 1"));
    Ok(last.bind(horizon).bind(0).bind(-1).optional(conn).await?.unwrap_or_default())
}
