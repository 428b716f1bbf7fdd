//! `kalends check`: whether what is stored twice says the same, and whether chains have no gaps. Reads only.

use kalends_db::{Conn, FromRow, Result, Row, sql};
use kalends_kernel::{EventId, Id};
use uuid::Uuid;

use crate::access::State;
use crate::calendars::store::zone;
use crate::conflicts::{self, Occupancy};
use crate::ctx::{Ctx, Door};
use crate::events::store::{Snapshot, next};
use crate::events::{Content, derive, words};
use crate::search::{self, Entry};
use crate::{audit, sync};

/// Something that does not fit together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which rule is broken.
    pub what: &'static str,
    /// At which record.
    pub id: Uuid,
}

struct RecordRow(Uuid);

impl FromRow for RecordRow {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("id").map(RecordRow)
    }
}

/// Rules that one statement can check: each gives the records that break it.
const STATEMENTS: &[(&str, &str)] = &[
    (
        "every word that an event is found by is in the vocabulary",
        "SELECT DISTINCT w.event_id AS id FROM search_words w WHERE NOT EXISTS (SELECT 1 FROM search_vocabulary v WHERE v.word = w.word)",
    ),
    (
        "an event's versions are numbered from 1 to its version without gaps",
        "SELECT e.id FROM events e LEFT JOIN event_versions v ON v.event_id = e.id
         GROUP BY e.id, e.version HAVING count(v.version) <> e.version OR max(v.version) <> e.version OR min(v.version) <> 1",
    ),
    (
        "no version of an event is from before the one before it",
        "SELECT v.event_id AS id FROM event_versions v JOIN event_versions n ON n.event_id = v.event_id AND n.version = v.version + 1
         WHERE n.at < v.at",
    ),
    (
        "every event in the change log exists or was deleted",
        "SELECT c.record_id AS id FROM changes c WHERE c.kind = 'event' AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = c.record_id)
            AND NOT EXISTS (SELECT 1 FROM changes d WHERE d.record_id = c.record_id AND d.kind = 'event' AND d.op = 'deleted')",
    ),
    (
        "every calendar has its owner among its permissions",
        "SELECT c.id FROM calendars c WHERE NOT EXISTS
            (SELECT 1 FROM calendar_permissions p WHERE p.calendar_id = c.id AND p.user_id = c.owner_id AND p.role = 'owner')",
    ),
    (
        "no calendar that is there belongs to a deleted account",
        "SELECT c.id FROM calendars c JOIN users u ON u.id = c.owner_id WHERE c.deleted_at IS NULL AND u.deleted_at IS NOT NULL",
    ),
    (
        "every account has its own calendar",
        "SELECT u.id FROM users u WHERE u.deleted_at IS NULL AND NOT EXISTS
            (SELECT 1 FROM calendars c JOIN calendar_permissions p ON p.calendar_id = c.id AND p.user_id = u.id WHERE c.is_default AND c.deleted_at IS NULL)",
    ),
];

struct StoredEvent {
    id: EventId,
    content: Content,
    state: String,
    snapshot: Snapshot,
    derived_fits: bool,
    entry: Entry,
}

impl FromRow for StoredEvent {
    fn from_row(row: &Row) -> Result<Self> {
        let content: Content = row.json("content")?;
        let derived = derive(&content, &zone(row, "time_zone")?);
        let derived_fits = row.get::<jiff::Timestamp>("starts_at")? == derived.starts_at
            && row.opt::<jiff::Timestamp>("ends_at")? == derived.ends_at
            && row.get::<i64>("reach")? == derived.reach
            && row.get::<i64>("weekday")? == derived.weekday
            && row.text("title_key")? == derived.title_key
            && row.text("visibility")? == content.visibility.name();
        let deleted = row.opt::<jiff::Timestamp>("deleted_at")?.is_some();
        let state = State::from_name(row.text("state")?);
        Ok(StoredEvent {
            entry: words(&content, row.get("calendar_id")?, state, deleted, row.get("starts_at")?),
            id: row.get("id")?,
            state: row.get("state")?,
            snapshot: row.json("snapshot")?,
            derived_fits,
            content,
        })
    }
}

/// Everything that does not fit together.
pub async fn run(conn: &mut Conn) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for (what, statement) in STATEMENTS {
        let found: Vec<RecordRow> = sql(*statement).all(conn).await?;
        differences.extend(found.into_iter().map(|found| Difference { what, id: found.0 }));
    }
    // What the log has let go of (`sync::prune`) is not missed.
    let since = sync::complete_since(conn).await?.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let unlogged: Vec<RecordRow> = sql("SELECT v.event_id AS id FROM event_versions v WHERE v.at >= $1 AND NOT EXISTS
            (SELECT 1 FROM changes c WHERE c.record_id = v.event_id AND c.kind = 'event' AND c.version = v.version)")
    .bind(since)
    .all(conn)
    .await?;
    let what = "every version of an event has its row in the change log";
    differences.extend(unlogged.into_iter().map(|found| Difference { what, id: found.0 }));
    if let Some(n) = audit::verify(conn).await? {
        // Which seal, in the form of an id.
        let id = Uuid::from_u128(u128::from(n.unsigned_abs()));
        differences.push(Difference { what: "the audit log is as it was sealed", id });
    }
    let half: i64 = sql("SELECT count(*) AS n FROM idempotency_keys WHERE status = 0").one(conn).await?;
    differences
        .extend((0..half).map(|_| Difference { what: "no command left an answer half stored", id: Uuid::nil() }));
    let mut after: EventId = Id::new(Uuid::nil());
    loop {
        let events: Vec<StoredEvent> = sql("SELECT e.id, e.calendar_id, e.deleted_at, e.state, e.visibility, e.content, e.starts_at, e.ends_at, e.reach, e.weekday, e.title_key, c.time_zone, v.snapshot
             FROM events e JOIN calendars c ON c.id = e.calendar_id JOIN event_versions v ON v.event_id = e.id AND v.version = e.version
             WHERE e.id > $1 ORDER BY e.id LIMIT 500")
            .bind(after)
            .all(conn)
            .await?;
        let Some(last) = events.last() else { break };
        after = last.id;
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let indexed = search::indexed(conn, &ids).await?;
        for event in events {
            if !indexed.get(&event.id).cloned().unwrap_or_default().is(&event.entry) {
                let what = "an event is found by the words that it has, and by no others";
                differences.push(Difference { what, id: event.id.uuid() });
            }
            if !event.derived_fits {
                differences.push(Difference {
                    what: "what is derived from an event's content is what its content says",
                    id: event.id.uuid(),
                });
            }
            if event.snapshot.content != event.content || event.snapshot.state != event.state {
                differences.push(Difference { what: "an event is what its newest version says", id: event.id.uuid() });
            }
        }
    }
    occupancy(conn, &mut differences).await?;
    Ok(differences)
}

/// Whose time each event takes, against what it says.
async fn occupancy(conn: &mut Conn, differences: &mut Vec<Difference>) -> Result<()> {
    let ctx = Ctx::system(jiff::Timestamp::UNIX_EPOCH, Door::Cli);
    let mut after: EventId = Id::new(Uuid::nil());
    loop {
        let events = next(conn, &ctx, None, after, 500).await?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.id;
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let stored = conflicts::stored(conn, &ids).await?;
        for event in events {
            let is = Occupancy::of(&event, &derive(&event.content, &event.calendar_zone));
            let fits = stored.get(&event.id).map_or(is.subjects.is_empty(), |stored| *stored == is);
            if !fits {
                let what = "whose time an event takes is what its content says";
                differences.push(Difference { what, id: event.id.uuid() });
            }
        }
    }
}
