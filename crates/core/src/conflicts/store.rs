//! All SQL of conflicts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, Value, append, sql};
use kalends_kernel::{CalendarId, EventId, UserId, Zone};
use uuid::Uuid;

use super::occupancy::Occupancy;
use crate::calendars::store::zone;
use crate::ctx::GlobalRole;
use crate::events::duration_class;

/// Takes away every row of an event.
pub(super) async fn clear(tx: &mut Tx, event: EventId) -> Result<()> {
    sql("DELETE FROM occupancy WHERE event_id = $1").bind(event).run(tx).await?;
    Ok(())
}

/// Writes the rows of an event that has none.
pub(super) async fn put(tx: &mut Tx, event: EventId, is: &Occupancy) -> Result<()> {
    for subject in &is.subjects {
        let row = [event.into(), (*subject).into(), is.reach.into(), is.starts_at.into(), is.ends_at.into()];
        append(tx, "INSERT INTO occupancy (event_id, subject_id, reach, starts_at, ends_at) VALUES {}", row).await?;
    }
    Ok(())
}

/// What is stored of events, for `kalends check`.
pub(crate) async fn stored(conn: &mut Conn, events: &[EventId]) -> Result<BTreeMap<EventId, Occupancy>> {
    struct OccupancySubjectRow(EventId, Uuid, Occupancy);
    impl FromRow for OccupancySubjectRow {
        fn from_row(row: &Row) -> Result<Self> {
            let occupancy = Occupancy {
                subjects: BTreeSet::new(),
                reach: row.get("reach")?,
                starts_at: row.get("starts_at")?,
                ends_at: row.opt("ends_at")?,
            };
            Ok(OccupancySubjectRow(row.get("event_id")?, row.get("subject_id")?, occupancy))
        }
    }
    let rows: Vec<OccupancySubjectRow> =
        sql("SELECT event_id, subject_id, reach, starts_at, ends_at FROM occupancy WHERE event_id IN ({})")
            .bind_list(events.iter().copied())
            .all(conn)
            .await?;
    let mut found: BTreeMap<EventId, Occupancy> = BTreeMap::new();
    for OccupancySubjectRow(event, subject, occupancy) in rows {
        found.entry(event).or_insert(occupancy).subjects.insert(subject);
    }
    Ok(found)
}

/// An event that may take time of a subject in a window.
pub(super) struct OccupancyRow {
    pub(super) event: EventId,
    pub(super) subject: Uuid,
    pub(super) is_series: bool,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) version: i64,
    pub(super) zone: Zone,
}

impl FromRow for OccupancyRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(OccupancyRow {
            event: row.get("event_id")?,
            subject: row.get("subject_id")?,
            is_series: row.get::<i64>("reach")? == duration_class::SERIES,
            starts_at: row.get("starts_at")?,
            ends_at: row.opt("ends_at")?,
            version: row.get("version")?,
            zone: zone(row, "time_zone")?,
        })
    }
}

/// What may take time of these in `[from, to)`, at most `limit` rows. Single events that are given do; of series it is asked
/// of the rule.
pub(super) async fn taking(
    conn: &mut Conn,
    subjects: &[Uuid],
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<OccupancyRow>> {
    // Padded to a power of two, so that few different texts are prepared.
    let mut padded = subjects.to_vec();
    let Some(last) = subjects.last() else { return Ok(Vec::new()) };
    padded.resize(subjects.len().next_power_of_two(), *last);
    let mut values: Vec<Value> = vec![from.into(), to.into()];
    let names: Vec<String> = (3..3 + padded.len()).map(|n| format!("${n}")).collect();
    let names = names.join(", ");
    values.extend(padded.into_iter().map(Value::from));
    // By how far an event reaches, as lists do (`events::duration_class`): each part is a range of the index.
    let mut parts = Vec::new();
    for (class, longest) in (0_i64..).zip(duration_class::LONGEST) {
        values.push(from.checked_sub(longest).unwrap_or(Timestamp::MIN).into());
        parts.push((class, format!("o.starts_at >= ${} AND o.ends_at > $1", values.len())));
    }
    parts.push((duration_class::LONG, "o.ends_at > $1".to_owned()));
    parts.push((duration_class::SERIES, "(o.ends_at > $1 OR o.ends_at IS NULL)".to_owned()));
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(class, reaching)| {
            format!(
                "SELECT o.event_id, o.subject_id, o.reach, o.starts_at, o.ends_at FROM occupancy o
                 WHERE o.subject_id IN ({names}) AND o.reach = {class} AND o.starts_at < $2 AND {reaching}"
            )
        })
        .collect();
    let text = format!(
        "SELECT x.event_id, x.subject_id, x.reach, x.starts_at, x.ends_at, e.version, c.time_zone
         FROM ({}) x JOIN events e ON e.id = x.event_id JOIN calendars c ON c.id = e.calendar_id
         WHERE c.deleted_at IS NULL LIMIT {limit}",
        parts.join(" UNION ALL ")
    );
    values.into_iter().fold(sql(text), |statement, value| statement.bind(value)).all(conn).await
}

/// The events of a calendar that begin in `[from, to]`.
pub(super) async fn beginning(
    conn: &mut Conn,
    calendar: CalendarId,
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<EventId>> {
    struct Id(EventId);
    impl FromRow for Id {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(Id)
        }
    }
    let found: Vec<Id> = sql("SELECT id FROM events
         WHERE calendar_id = $1 AND starts_at >= $2 AND starts_at <= $3 AND deleted_at IS NULL ORDER BY starts_at, id LIMIT $4")
    .bind(calendar)
    .bind(from)
    .bind(to)
    .bind(limit)
    .all(conn)
    .await?;
    Ok(found.into_iter().map(|one| one.0).collect())
}

/// A series that goes on beyond a moment, and whose its calendar is.
pub(super) struct Beyond {
    pub(super) event: EventId,
    pub(super) owner: UserId,
    pub(super) role: GlobalRole,
}

impl FromRow for Beyond {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Beyond {
            event: row.get("id")?,
            owner: row.get("owner_id")?,
            role: GlobalRole::from_name(row.text("role")?),
        })
    }
}

/// The next series behind `after` that take time beyond a moment, of calendars whose owners can sign in.
pub(super) async fn series_beyond(
    conn: &mut Conn,
    beyond: Timestamp,
    after: EventId,
    limit: i64,
) -> Result<Vec<Beyond>> {
    sql("SELECT e.id, c.owner_id, u.role FROM occupancy o JOIN events e ON e.id = o.event_id
         JOIN calendars c ON c.id = e.calendar_id JOIN users u ON u.id = c.owner_id
         WHERE o.event_id > $1 AND o.subject_id = e.calendar_id AND o.reach = $2 AND (o.ends_at IS NULL OR o.ends_at > $3)
            AND c.deleted_at IS NULL AND NOT u.disabled AND u.deleted_at IS NULL
         ORDER BY o.event_id LIMIT $4")
    .bind(after)
    .bind(duration_class::SERIES)
    .bind(beyond)
    .bind(limit)
    .all(conn)
    .await
}

/// When the series that was not written for the longest time was written.
pub(super) async fn oldest_series(conn: &mut Conn) -> Result<Option<Timestamp>> {
    struct Oldest(Option<Timestamp>);
    impl FromRow for Oldest {
        fn from_row(row: &Row) -> Result<Self> {
            row.opt("oldest").map(Oldest)
        }
    }
    let oldest: Oldest = sql("SELECT min(updated_at) AS oldest FROM events WHERE reach = $1")
        .bind(duration_class::SERIES)
        .one(conn)
        .await?;
    Ok(oldest.0)
}
