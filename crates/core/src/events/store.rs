//! All SQL of events, their versions and categories. (Lists have theirs in `list`.)

use std::sync::LazyLock;

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, Value, append, sql};
use kalends_kernel::{CalendarId, EventId, UserId};
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::series::Derived;
use super::{Allowed, AllowedText, CalendarSettings, Event, EventError, Origin, search_terms};
use crate::access::{
    self, CalendarFacts, CalendarVisibility, Can, Denied, EventFacts, Grant, Review, State, Visibility,
};
use crate::calendars::{self, Conflicts};
use crate::ctx::Ctx;
use crate::search::Entry;

/// The columns of an event with its calendar and the user `$1`'s own roles on both, in the order in which they are read.
macro_rules! own_columns {
    () => {
        "e.content, e.deleted_at, e.id, e.uid, e.calendar_id, e.author_id, e.split_from, e.submitted, e.version,
    e.created_at, e.updated_at, e.sequence_from, e.first_made_at, c.time_zone AS calendar_zone, c.conflicts AS calendar_conflicts,
    c.is_default AS calendar_is_default, c.owner_id AS calendar_owner_id, c.visibility AS calendar_visibility, c.review AS calendar_review,
    c.deleted_at AS calendar_deleted_at, e.state, e.visibility, cp.role AS calendar_role, ep.role AS event_role"
    };
}
/// The columns of an event with its calendar and the roles of user `$1` on both, their own and the strongest of their groups.
pub(crate) const COLUMNS: &str = concat!(
    own_columns!(),
    ", (SELECT max(g.rank) FROM group_members m JOIN calendar_group_permissions g ON g.group_id = m.group_id
     WHERE m.user_id = $1 AND g.calendar_id = e.calendar_id) AS calendar_rank,
    (SELECT max(g.rank) FROM group_members m JOIN event_group_permissions g ON g.group_id = m.group_id
     WHERE m.user_id = $1 AND g.event_id = e.id) AS event_rank"
);
/// The same for a user who is in no group.
pub(crate) const WITHOUT_GROUPS: &str =
    concat!(own_columns!(), ", CAST(NULL AS BIGINT) AS calendar_rank, CAST(NULL AS BIGINT) AS event_rank");
/// Where they come from.
pub(crate) const FROM: &str = "events e JOIN calendars c ON c.id = e.calendar_id
    LEFT JOIN calendar_permissions cp ON cp.calendar_id = e.calendar_id AND cp.user_id = $1
    LEFT JOIN event_permissions ep ON ep.event_id = e.id AND ep.user_id = $1";

impl FromRow for Event {
    fn from_row(row: &Row) -> Result<Self> {
        Event::read(row, row.json("content")?)
    }
}

impl FromRow for Event<String> {
    fn from_row(row: &Row) -> Result<Self> {
        Event::read(row, row.get("content")?)
    }
}

impl<C> Event<C> {
    fn read(row: &Row, content: C) -> Result<Self> {
        let deleted_at: Option<Timestamp> = row.opt("deleted_at")?;
        Ok(Event {
            id: row.get("id")?,
            uid: row.get("uid")?,
            calendar_id: row.get("calendar_id")?,
            author_id: row.get("author_id")?,
            split_from: row.opt("split_from")?,
            submitted: row.get("submitted")?,
            version: row.get("version")?,
            content,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            origin: Origin { sequence_from: row.get("sequence_from")?, first_made_at: row.opt("first_made_at")? },
            deleted_at,
            calendar_zone: calendars::store::zone(row, "calendar_zone")?,
            in_calendar: CalendarSettings {
                conflicts: Conflicts::from_name(row.text("calendar_conflicts")?),
                personal: if row.get("calendar_is_default")? { Some(row.get("calendar_owner_id")?) } else { None },
            },
            facts: EventFacts {
                calendar: CalendarFacts {
                    visibility: CalendarVisibility::from_name(row.text("calendar_visibility")?),
                    review: Review::from_name(row.text("calendar_review")?),
                    role: calendars::store::role(row, "calendar_role", "calendar_rank")?,
                    deleted: row.opt::<Timestamp>("calendar_deleted_at")?.is_some(),
                },
                role: calendars::store::role(row, "event_role", "event_rank")?,
                state: State::from_name(row.text("state")?),
                visibility: Visibility::from_name(row.text("visibility")?),
                deleted: deleted_at.is_some(),
            },
        })
    }
}

/// The event, if the actor may do this with it.
pub async fn load(conn: &mut Conn, ctx: &Ctx, id: EventId, can: Can) -> Result<Allowed, EventError> {
    Ok(load_stored(conn, ctx, id, can).await?.open()?)
}

/// The same without reading its content: for whoever has read it before.
pub async fn load_stored(conn: &mut Conn, ctx: &Ctx, id: EventId, can: Can) -> Result<AllowedText, EventError> {
    let found: Option<Event<String>> = sql(LOAD.as_str()).bind(ctx.user()).bind(id).optional(conn).await?;
    let event = found.ok_or(Denied::NotFound)?;
    let grant = access::check(access::on_event(&ctx.actor, &event.facts), can)?;
    note(ctx, can, &event);
    Ok(Allowed { event, grant })
}

/// What an administrator sees by that right alone is noted for the audit log.
pub(crate) fn note<C>(ctx: &Ctx, can: Can, event: &Event<C>) {
    if access::needs_admin(&ctx.actor, can, |actor| access::on_event(actor, &event.facts)) {
        ctx.trail.note("event", event.id.uuid());
    }
}

/// The statement behind [`load`], put together once; `$1` is the user, `$2` the event. Benchmarks run it by itself.
pub static LOAD: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM {FROM} WHERE e.id = $2"));

/// Keeps others from changing the event until the commit.
pub async fn lock(tx: &mut Tx, id: EventId) -> Result<()> {
    tx.lock_row("SELECT version AS n FROM events WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    Ok(())
}

/// The same for several events, in one order, so that two such commands never wait for each other in a circle.
pub(super) async fn lock_all(tx: &mut Tx, ids: impl IntoIterator<Item = EventId>) -> Result<()> {
    let statement = tx.lock_row("SELECT version AS n FROM events WHERE id IN ({}) ORDER BY id");
    statement.bind_list(ids).all::<i64>(tx).await?;
    Ok(())
}

/// The same for the next events of a calendar behind `after`.
pub(super) async fn lock_next(tx: &mut Tx, calendar: CalendarId, after: EventId, limit: i64) -> Result<()> {
    let statement =
        tx.lock_row("SELECT version AS n FROM events WHERE calendar_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    statement.bind(calendar).bind(after).bind(limit).all::<i64>(tx).await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, event: &Event, derived: &Derived) -> Result<()> {
    sql("INSERT INTO events (id, uid, calendar_id, author_id, split_from, state, submitted, visibility, version, starts_at, ends_at, reach,
            weekday, title_key, created_at, updated_at, deleted_at, venue_id, content, sequence_from, first_made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)")
        .bind(event.id)
        .bind(event.uid.as_str())
        .bind(event.calendar_id)
        .bind(event.author_id)
        .bind(event.split_from)
        .bind(event.facts.state.name())
        .bind(event.submitted)
        .bind(event.content.visibility.name())
        .bind(event.version)
        .bind(derived.starts_at)
        .bind(derived.ends_at)
        .bind(derived.reach)
        .bind(derived.weekday)
        .bind(derived.title_key.as_str())
        .bind(event.created_at)
        .bind(event.updated_at)
        .bind(event.deleted_at)
        .bind(event.content.venue_id)
        .bind_json(&event.content)?
        .bind(event.origin.sequence_from)
        .bind(event.origin.first_made_at)
        .run(tx)
        .await?;
    insert_categories(tx, event).await
}

/// Writes the event over the version that was read; false when somebody was faster.
pub(super) async fn update(tx: &mut Tx, event: &Event, derived: &Derived, read: i64) -> Result<bool> {
    let changed = sql("UPDATE events SET uid = $3, calendar_id = $4, state = $5, submitted = $6, visibility = $7, version = $8, starts_at = $9,
            ends_at = $10, reach = $11, weekday = $12, title_key = $13, updated_at = $14, deleted_at = $15, venue_id = $16, content = $17,
            sequence_from = $18
         WHERE id = $1 AND version = $2")
        .bind(event.id)
        .bind(read)
        .bind(event.uid.as_str())
        .bind(event.calendar_id)
        .bind(event.facts.state.name())
        .bind(event.submitted)
        .bind(event.content.visibility.name())
        .bind(event.version)
        .bind(derived.starts_at)
        .bind(derived.ends_at)
        .bind(derived.reach)
        .bind(derived.weekday)
        .bind(derived.title_key.as_str())
        .bind(event.updated_at)
        .bind(event.deleted_at)
        .bind(event.content.venue_id)
        .bind_json(&event.content)?
        .bind(event.origin.sequence_from)
        .run(tx)
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    sql("DELETE FROM event_categories WHERE event_id = $1").bind(event.id).run(tx).await?;
    insert_categories(tx, event).await?;
    Ok(true)
}

/// The words to find an event by, those of its overrides included.
async fn insert_categories(tx: &mut Tx, event: &Event) -> Result<()> {
    let own = event.content.categories.iter();
    let of_overrides = event.content.overrides.iter().flat_map(|one| one.categories.iter().flatten());
    let keys: std::collections::BTreeSet<String> = own.chain(of_overrides).map(|word| word.to_lowercase()).collect();
    for key in keys {
        append(tx, "INSERT INTO event_categories (event_id, category_key) VALUES {}", [event.id.into(), key.into()])
            .await?;
    }
    Ok(())
}

/// Writes what is derived from the content anew, without a version: the content is the same.
pub(super) async fn update_derived(tx: &mut Tx, event: &Event, derived: &Derived) -> Result<()> {
    sql("UPDATE events SET starts_at = $2, ends_at = $3, reach = $4, weekday = $5, title_key = $6, venue_id = $7 WHERE id = $1")
        .bind(event.id)
        .bind(derived.starts_at)
        .bind(derived.ends_at)
        .bind(derived.reach)
        .bind(derived.weekday)
        .bind(derived.title_key.as_str())
        .bind(event.content.venue_id)
        .run(tx)
        .await?;
    Ok(())
}

/// An event's state at one version.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its calendar.
    pub calendar_id: CalendarId,
    /// Its editorial state.
    pub state: String,
    /// Whether it was in the trash.
    pub deleted: bool,
    /// What people said about it.
    pub content: Content,
}

impl Snapshot {
    /// Its editorial state.
    pub fn state(&self) -> State {
        State::from_name(&self.state)
    }

    /// The calendar in which this version was shown whole to those who only view it; none if to nobody.
    fn shown_in(&self) -> Option<CalendarId> {
        let shown = self.state() == State::Published && self.content.visibility == Visibility::Public && !self.deleted;
        shown.then_some(self.calendar_id)
    }

    /// The event as it is now.
    pub fn of(event: &Event) -> Snapshot {
        Snapshot {
            calendar_id: event.calendar_id,
            state: event.facts.state.name().to_owned(),
            deleted: event.deleted_at.is_some(),
            content: event.content.clone(),
        }
    }
}

/// A row of the version chain to be.
pub(super) struct NewVersion<'v> {
    pub(super) event: &'v Event,
    pub(super) operation: &'static str,
    pub(super) comment: Option<String>,
    pub(super) changed: &'v [String],
}

pub(super) async fn insert_version(tx: &mut Tx, ctx: &Ctx, new: NewVersion<'_>) -> Result<()> {
    let snapshot = Snapshot::of(new.event);
    let row = [
        new.event.id.into(),
        new.event.version.into(),
        // Never before the version before it, so that there is one version at each instant.
        new.event.updated_at.into(),
        ctx.user().into(),
        ctx.door.name().into(),
        new.operation.into(),
        new.comment.into(),
        Value::json(&new.changed)?,
        Value::json(&snapshot)?,
        snapshot.shown_in().into(),
    ];
    append(tx, INSERT_VERSION, row).await
}

const INSERT_VERSION: &str =
    "INSERT INTO event_versions (event_id, version, at, actor_id, door, operation, comment, changed, snapshot, shown_in)
     VALUES {}";

impl FromRow for Snapshot {
    fn from_row(row: &Row) -> Result<Self> {
        row.json("snapshot")
    }
}

/// The event as it was at a version.
pub(super) async fn snapshot(conn: &mut Conn, id: EventId, version: i64) -> Result<Option<Snapshot>> {
    sql("SELECT snapshot FROM event_versions WHERE event_id = $1 AND version = $2")
        .bind(id)
        .bind(version)
        .optional(conn)
        .await
}

/// The latest version of an event that this operation made.
pub(super) async fn latest(conn: &mut Conn, id: EventId, operation: &str) -> Result<Option<i64>> {
    sql("SELECT version AS n FROM event_versions WHERE event_id = $1 AND operation = $2 ORDER BY version DESC LIMIT 1")
        .bind(id)
        .bind(operation)
        .optional(conn)
        .await
}

/// Deletes an event for good, its versions with it.
pub(super) async fn remove(tx: &mut Tx, id: EventId) -> Result<()> {
    sql("DELETE FROM events WHERE id = $1").bind(id).run(tx).await?;
    Ok(())
}

/// Whether this user deleted this event (for good, if it is not there any more).
pub(super) async fn was_deleted_by(conn: &mut Conn, id: EventId, user: UserId) -> Result<bool> {
    let deletions: i64 = sql("SELECT count(*) AS n FROM changes
         WHERE record_id = $1 AND kind = 'event' AND op = 'deleted' AND actor_id = $2
            AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = $1 AND e.deleted_at IS NULL)")
    .bind(id)
    .bind(user)
    .one(conn)
    .await?;
    Ok(deletions > 0)
}

/// The private calendar that the account was made with.
pub async fn default_calendar(conn: &mut Conn, user: UserId) -> Result<Option<CalendarId>> {
    struct Id(CalendarId);
    impl FromRow for Id {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(Id)
        }
    }
    let found: Option<Id> =
        sql("SELECT id FROM calendars WHERE owner_id = $1 AND is_default AND deleted_at IS NULL ORDER BY created_at LIMIT 1").bind(user).optional(conn).await?;
    Ok(found.map(|id| id.0))
}

/// The next events behind `after`, by id: all there are, or those of a calendar. For the program's own work: nobody's rights
/// are looked at.
pub(crate) async fn next(
    conn: &mut Conn,
    ctx: &Ctx,
    calendar: Option<CalendarId>,
    after: EventId,
    limit: i64,
) -> Result<Vec<Event>> {
    let of_calendar = if calendar.is_some() { " AND e.calendar_id = $4" } else { "" };
    let statement = sql(format!("SELECT {COLUMNS} FROM {FROM} WHERE e.id > $2{of_calendar} ORDER BY e.id LIMIT $3"))
        .bind(ctx.user())
        .bind(after)
        .bind(limit);
    match calendar {
        Some(calendar) => statement.bind(calendar).all(conn).await,
        None => statement.all(conn).await,
    }
}

/// Events by their ids, whoever may see them, each with what the actor may.
pub(crate) async fn load_unchecked(conn: &mut Conn, ctx: &Ctx, ids: &[EventId]) -> Result<Vec<(Event, Option<Grant>)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(512) {
        let events: Vec<Event> = sql(format!("SELECT {COLUMNS} FROM {FROM} WHERE e.id IN ({{}})"))
            .bind(ctx.user())
            .bind_list(ids.iter().copied())
            .all(conn)
            .await?;
        found.extend(events.into_iter().map(|event| {
            let grant = access::on_event(&ctx.actor, &event.facts);
            (event, grant)
        }));
    }
    Ok(found)
}

/// The next events behind `after`, by id, each with the words that it is found by.
pub(super) async fn to_index(tx: &mut Tx, after: EventId, limit: i64) -> Result<Vec<(EventId, Entry)>> {
    struct ToIndex(EventId, Entry);
    impl FromRow for ToIndex {
        fn from_row(row: &Row) -> Result<Self> {
            let state = State::from_name(row.text("state")?);
            let deleted = row.opt::<Timestamp>("deleted_at")?.is_some();
            let content: Content = row.json("content")?;
            let entry = search_terms::entry(&content, row.get("calendar_id")?, state, deleted, row.get("starts_at")?);
            Ok(ToIndex(row.get("id")?, entry))
        }
    }
    let found: Vec<ToIndex> = tx
        .lock_row("SELECT id, calendar_id, state, deleted_at, starts_at, content FROM events WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .all(tx)
        .await?;
    Ok(found.into_iter().map(|ToIndex(id, entry)| (id, entry)).collect())
}

/// A UID that stands in the calendar already.
pub(super) fn uid_taken(error: Error) -> EventError {
    match error {
        Error::Unique(name) if name == "events_calendar_id_uid" => EventError::UidTaken,
        other => EventError::Internal(other),
    }
}
