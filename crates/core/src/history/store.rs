//! All SQL of history: it reads what `events::write` and `changes` have written.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Sql, sql};
use kalends_kernel::{CalendarId, EventId, UserId};

use super::changelog::RoleChange;
use super::read::{Entry, Person, Seen};
use crate::changes::Position;
use crate::events::store::Snapshot;
use crate::sharing::Party;

/// What is told of a version without its content.
const ENTRY: &str = "v.version, v.at, v.actor_id, u.name AS actor_name, v.door, v.operation, v.comment, v.changed";
const FROM: &str = "event_versions v LEFT JOIN users u ON u.id = v.actor_id";

/// A version with its content.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct VersionRow {
    pub(super) entry: Entry,
    pub(super) snapshot: Snapshot,
    /// The calendar whose viewers saw it.
    pub(super) shown_in: Option<CalendarId>,
    /// The size of its content, in bytes.
    pub(super) size: usize,
}

fn actor(row: &Row) -> Result<Option<Person>> {
    let (id, name) = (row.opt::<UserId>("actor_id")?, row.opt::<String>("actor_name")?);
    Ok(id.map(|id| Person { id, name: name.unwrap_or_default() }))
}

impl FromRow for Entry {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Entry {
            version: row.get("version")?,
            at: row.get("at")?,
            actor: actor(row)?,
            door: row.get("door")?,
            operation: row.get("operation")?,
            comment: row.opt("comment")?,
            changed: row.json("changed")?,
        })
    }
}

impl FromRow for VersionRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(VersionRow {
            entry: Entry::from_row(row)?,
            size: row.text("snapshot")?.len(),
            snapshot: row.json("snapshot")?,
            shown_in: row.opt("shown_in")?,
        })
    }
}

/// `WHERE v.event_id = $1 AND v.version <rest>`, of the versions that are seen; `$1` and `$2` are bound.
fn of_event(columns: &str, id: EventId, seen: Seen, rest: &str, version: i64) -> Sql {
    let statement =
        |filter| format!("SELECT {ENTRY}{columns} FROM {FROM} WHERE v.event_id = $1{filter} AND v.version {rest}");
    match seen {
        Seen::All => sql(statement("")).bind(id).bind(version),
        Seen::ShownIn(calendar) => sql(statement(" AND v.shown_in = $3")).bind(id).bind(version).bind(calendar),
    }
}

/// The versions before one, newest first, without their content.
pub(super) async fn newest(conn: &mut Conn, id: EventId, seen: Seen, before: i64, limit: i64) -> Result<Vec<Entry>> {
    let limit = limit.clamp(0, 1_000);
    of_event("", id, seen, &format!("< $2 ORDER BY v.version DESC LIMIT {limit}"), before).all(conn).await
}

const WHOLE: &str = ", v.snapshot, v.shown_in";

/// One version, if it is seen.
pub(super) async fn version(conn: &mut Conn, id: EventId, seen: Seen, version: i64) -> Result<Option<VersionRow>> {
    of_event(WHOLE, id, seen, "= $2", version).optional(conn).await
}

/// The next versions behind one, oldest first, with their content.
pub(super) async fn next(conn: &mut Conn, id: EventId, seen: Seen, after: i64, limit: i64) -> Result<Vec<VersionRow>> {
    let limit = limit.clamp(0, 1_000);
    of_event(WHOLE, id, seen, &format!("> $2 ORDER BY v.version LIMIT {limit}"), after).all(conn).await
}

/// The last version at or before one.
pub(super) async fn last(conn: &mut Conn, id: EventId, seen: Seen, upto: i64) -> Result<Option<VersionRow>> {
    of_event(WHOLE, id, seen, "<= $2 ORDER BY v.version DESC LIMIT 1", upto).optional(conn).await
}

/// The version that was current at an instant; none before the event was made.
pub(super) async fn current_at(conn: &mut Conn, id: EventId, at: Timestamp) -> Result<Option<VersionRow>> {
    sql(format!(
        "SELECT {ENTRY}{WHOLE} FROM {FROM} WHERE v.event_id = $1 AND v.at <= $2 ORDER BY v.version DESC LIMIT 1"
    ))
    .bind(id)
    .bind(at)
    .optional(conn)
    .await
}

impl FromRow for RoleChange {
    fn from_row(row: &Row) -> Result<Self> {
        let detail: serde_json::Value = row.json("detail")?;
        let role = |name: &str| detail.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let (id, name): (Option<UserId>, Option<String>) = (row.opt("user_id")?, row.opt("user_name")?);
        Ok(RoleChange {
            position: Position { tx: row.get("tx")?, seq: row.get("seq")? },
            at: row.get("at")?,
            actor: actor(row)?,
            door: row.get("door")?,
            user: id.map(|id| Person { id, name: name.unwrap_or_default() }),
            party: Party::read(&detail),
            from: role("from"),
            to: role("to"),
        })
    }
}

/// The next changes of roles on an event behind a place in the log; those of addresses only for owners. Of a group's role the
/// log also has a row for each member, for delta sync: those, which do not say what became of the role, are not of the story.
pub(super) async fn role_changes(
    conn: &mut Conn,
    id: EventId,
    after: Position,
    with_addresses: bool,
    limit: i64,
) -> Result<Vec<RoleChange>> {
    sql("SELECT c.tx, c.seq, c.at, c.actor_id, a.name AS actor_name, c.door, c.user_id, u.name AS user_name, c.detail
         FROM changes c LEFT JOIN users a ON a.id = c.actor_id LEFT JOIN users u ON u.id = c.user_id
         WHERE c.record_id = $1 AND c.kind = 'event_permission' AND c.detail LIKE '%\"to\":%' AND ($5 OR c.detail NOT LIKE '%\"email\":%')
            AND (c.tx, c.seq) > ($2, $3)
         ORDER BY c.tx, c.seq LIMIT $4")
    .bind(id)
    .bind(after.tx)
    .bind(after.seq)
    .bind(limit)
    .bind(with_addresses)
    .all(conn)
    .await
}

struct Id(EventId);

impl FromRow for Id {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("id").map(Id)
    }
}

/// The events of a calendar, its trash included, that changed after an instant, by id; at most `limit`.
pub(super) async fn changed_since(
    conn: &mut Conn,
    calendar: CalendarId,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<EventId>> {
    let found: Vec<Id> = sql("SELECT id FROM events WHERE calendar_id = $1 AND updated_at > $2 ORDER BY id LIMIT $3")
        .bind(calendar)
        .bind(at)
        .bind(limit)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// The events of a calendar that have this UID, those in the trash left out.
pub(super) async fn with_uid(conn: &mut Conn, calendar: CalendarId, uid: &str) -> Result<Vec<EventId>> {
    let found: Vec<Id> = sql("SELECT id FROM events WHERE calendar_id = $1 AND uid = $2 AND deleted_at IS NULL")
        .bind(calendar)
        .bind(uid)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}
