//! All SQL of delta sync.

use kalends_db::{Conn, FromRow, Result, Row, sql};
use kalends_kernel::{CalendarId, EventId, Id, UserId};
use uuid::Uuid;

use crate::calendars::{self, Calendar};
use crate::changes::{self, Logged, Position};
use crate::ctx::Ctx;
use crate::events::{self, Event};

/// These events, deleted ones too, each with the actor's roles.
pub(super) async fn events(conn: &mut Conn, ctx: &Ctx, ids: &[EventId]) -> Result<Vec<Event>> {
    let (columns, from) = (events::store::COLUMNS, events::store::FROM);
    sql(format!("SELECT {columns} FROM {from} WHERE e.id IN ({{}})"))
        .bind(ctx.user())
        .bind_list(ids.iter().copied())
        .all(conn)
        .await
}

/// These calendars, deleted ones too, each with the actor's role.
pub(super) async fn calendars(conn: &mut Conn, ctx: &Ctx, ids: &[CalendarId]) -> Result<Vec<Calendar>> {
    let (columns, from) = (calendars::store::COLUMNS, calendars::store::FROM);
    sql(format!("SELECT {columns} FROM {from} WHERE c.id IN ({{}})"))
        .bind(ctx.user())
        .bind_list(ids.iter().copied())
        .all(conn)
        .await
}

/// What the log says since a position about sight of these records: events and calendars that came, went or changed in what
/// sight hangs on, and the user's roles. Also what is still above the horizon.
pub(super) async fn past(
    conn: &mut Conn,
    records: impl IntoIterator<Item = Uuid>,
    since: Position,
    user: Option<UserId>,
) -> Result<Vec<Logged>> {
    let (columns, behind) = (changes::COLUMNS, conn.behind(1));
    sql(format!(
        "SELECT {columns} FROM changes WHERE {behind} AND record_id IN ({{}})
            AND kind IN ('event', 'calendar', 'event_permission', 'calendar_permission')
            AND (user_id = $3 OR (kind IN ('event', 'calendar') AND (op <> 'updated' OR detail IS NOT NULL)))"
    ))
    .bind(since.tx)
    .bind(since.seq)
    .bind(user)
    .bind_list(records)
    .all(conn)
    .await
}

/// An event's id.
struct EventRow(EventId);

impl FromRow for EventRow {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("id").map(EventRow)
    }
}

/// The next events behind `after` that are in a calendar, or have left it since a position.
pub(super) async fn ids_in(
    conn: &mut Conn,
    calendar: CalendarId,
    since: Position,
    after: EventId,
    limit: usize,
) -> Result<Vec<EventId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let behind = conn.behind(3);
    let found: Vec<EventRow> = sql(format!(
        "SELECT id FROM (SELECT id FROM events WHERE calendar_id = $1 AND id > $2 ORDER BY id LIMIT $5) a
         UNION SELECT record_id AS id FROM changes
            WHERE calendar_id = $1 AND {behind} AND kind = 'event' AND op = 'deleted' AND record_id > $2
         ORDER BY id LIMIT $5"
    ))
    .bind(calendar)
    .bind(after)
    .bind(since.tx)
    .bind(since.seq)
    .bind(limit)
    .all(conn)
    .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// The next events behind `after` in a calendar on which the user has a role of their own or through a group, or had one since a position.
pub(super) async fn ids_shared_in(
    conn: &mut Conn,
    calendar: CalendarId,
    user: UserId,
    since: Position,
    after: EventId,
    limit: usize,
) -> Result<Vec<EventId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let behind = conn.behind(3);
    let found: Vec<EventRow> = sql(format!(
        "SELECT e.id FROM event_permissions p JOIN events e ON e.id = p.event_id
            WHERE p.user_id = $6 AND e.calendar_id = $1 AND e.id > $2
         UNION SELECT e.id FROM group_members m JOIN event_group_permissions g ON g.group_id = m.group_id JOIN events e ON e.id = g.event_id
            WHERE m.user_id = $6 AND e.calendar_id = $1 AND e.id > $2
         UNION SELECT record_id AS id FROM changes
            WHERE calendar_id = $1 AND {behind} AND kind = 'event_permission' AND user_id = $6 AND record_id > $2
         ORDER BY id LIMIT $5"
    ))
    .bind(calendar)
    .bind(after)
    .bind(since.tx)
    .bind(since.seq)
    .bind(limit)
    .bind(user)
    .all(conn)
    .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// The next calendars behind `after` that may be shown to the actor; or the one that is asked for.
pub(super) async fn next_calendars(
    conn: &mut Conn,
    ctx: &Ctx,
    of: Option<CalendarId>,
    after: Option<CalendarId>,
    limit: i64,
) -> Result<Vec<Calendar>> {
    let (columns, from) = (calendars::store::COLUMNS, calendars::store::FROM);
    let which = match (of, ctx.user()) {
        (Some(_), _) => "c.id > $2 AND c.id = $4",
        // Look-ups, each with its own end: an OR over the join would walk through every calendar there is.
        (None, Some(_)) => {
            "c.id IN (SELECT id FROM (SELECT p.calendar_id AS id FROM calendar_permissions p JOIN calendars d ON d.id = p.calendar_id
                    WHERE p.user_id = $1 AND p.calendar_id > $2 AND d.deleted_at IS NULL ORDER BY p.calendar_id LIMIT $3) a
                UNION SELECT id FROM (SELECT DISTINCT g.calendar_id AS id FROM group_members m
                    JOIN calendar_group_permissions g ON g.group_id = m.group_id JOIN calendars d ON d.id = g.calendar_id
                    WHERE m.user_id = $1 AND g.calendar_id > $2 AND d.deleted_at IS NULL ORDER BY 1 LIMIT $3) z
                UNION SELECT id FROM (SELECT v.id FROM calendars v
                    WHERE v.deleted_at IS NULL AND v.visibility <> 'private' AND v.id > $2 ORDER BY v.id LIMIT $3) b)"
        }
        (None, None) => "c.id > $2 AND c.visibility = 'public'",
    };
    let statement =
        sql(format!("SELECT {columns} FROM {from} WHERE c.deleted_at IS NULL AND {which} ORDER BY c.id LIMIT $3"))
            .bind(ctx.user())
            .bind(after.unwrap_or(Id::new(Uuid::nil())))
            .bind(limit);
    match of {
        Some(of) => statement.bind(of).all(conn).await,
        None => statement.all(conn).await,
    }
}

/// The next events of a calendar behind `after`, without its trash.
pub(super) async fn next_events(
    conn: &mut Conn,
    ctx: &Ctx,
    calendar: CalendarId,
    after: Option<EventId>,
    limit: usize,
) -> Result<Vec<Event>> {
    let (columns, from) = (events::store::COLUMNS, events::store::FROM);
    sql(format!(
        "SELECT {columns} FROM {from} WHERE e.calendar_id = $2 AND e.id > $3 AND e.deleted_at IS NULL ORDER BY e.id LIMIT $4"
    ))
    .bind(ctx.user())
    .bind(calendar)
    .bind(after.unwrap_or(Id::new(Uuid::nil())))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(conn)
    .await
}

/// The next events behind `after` on which the user has a role of their own or through a group.
pub(super) async fn next_shared(
    conn: &mut Conn,
    ctx: &Ctx,
    user: UserId,
    after: Option<EventId>,
    limit: usize,
) -> Result<Vec<Event>> {
    let (columns, from) = (events::store::COLUMNS, events::store::FROM);
    sql(format!(
        "SELECT {columns} FROM {from} WHERE e.id IN
            (SELECT id FROM (SELECT s.event_id AS id FROM event_permissions s WHERE s.user_id = $2 AND s.event_id > $3 ORDER BY 1 LIMIT $4) a
             UNION SELECT id FROM (SELECT DISTINCT g.event_id AS id FROM group_members m JOIN event_group_permissions g ON g.group_id = m.group_id
                WHERE m.user_id = $2 AND g.event_id > $3 ORDER BY 1 LIMIT $4) b)
         ORDER BY e.id LIMIT $4"
    ))
    .bind(ctx.user())
    .bind(user)
    .bind(after.unwrap_or(Id::new(Uuid::nil())))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(conn)
    .await
}
