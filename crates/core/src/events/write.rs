//! The one way in which events are written: row, version, change-log row, in the transaction of the command.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kalends_db::{Result, Tx};
use kalends_kernel::{CalendarId, EventId, Id};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::series::Derived;
use super::store::{self, NewVersion, Snapshot};
use super::{Event, EventError, search_terms, series};
use crate::calendars::Conflicts;
use crate::changes::{self, Change, Kind, Op};
use crate::conflicts::{self, Occupancy};
use crate::ctx::{Ctx, Door};
use crate::search;

/// Writes a new event as version 1.
pub(super) async fn insert(tx: &mut Tx, ctx: &Ctx, event: &Event, said: WriteMeta) -> Result<(), EventError> {
    conflicts::guard(tx, ctx, said.goes_on.as_deref(), event, said.on_conflict, &said.leaving).await?;
    let derived = series::derive(&event.content, &event.calendar_zone);
    store::insert(tx, event, &derived).await.map_err(store::uid_taken)?;
    search::add(tx, event.id, &entry(event, &derived)).await?;
    conflicts::occupy(tx, event.id, &Occupancy::of(event, &derived)).await?;
    let changed: Vec<String> = fields_of(&Snapshot::of(event)).into_iter().map(|(name, _)| name).collect();
    store::insert_version(
        tx,
        ctx,
        NewVersion { event, operation: said.operation, comment: said.comment, changed: &changed },
    )
    .await?;
    log(tx, ctx, event, Op::Created, None).await?;
    Ok(())
}

/// What is written about a change beside the event itself.
pub(super) struct WriteMeta {
    /// What was done, for the history.
    pub(super) operation: &'static str,
    /// What somebody said about it.
    pub(super) comment: Option<String>,
    /// What happened to the record.
    pub(super) op: Op,
    /// What the caller wants when it takes time that is taken; none for what calendar and venue say.
    pub(super) on_conflict: Option<Conflicts>,
    /// Events that the same command moves, too: where they are meanwhile is no conflict. Whoever names some looks at them together
    /// afterwards ([`conflicts::guard_together`]).
    pub(super) leaving: Arc<BTreeSet<EventId>>,
    /// Whose time a new event goes on taking: a series that was split.
    pub(super) goes_on: Option<Box<Event>>,
}

impl WriteMeta {
    pub(super) fn of(operation: &'static str) -> WriteMeta {
        WriteMeta {
            operation,
            comment: None,
            op: Op::Updated,
            on_conflict: None,
            leaving: Arc::default(),
            goes_on: None,
        }
    }
}

/// Writes an event over what was read, as the next version, and gives it as it is now. A change that changes nothing is none.
pub(super) async fn replace(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    new: Event,
    said: WriteMeta,
) -> Result<Event, EventError> {
    let (before, after) = (Snapshot::of(old), Snapshot::of(&new));
    if before == after && new.uid == old.uid && new.origin == old.origin && said.comment.is_none() {
        return Ok(new);
    }
    conflicts::guard(tx, ctx, Some(old), &new, said.on_conflict, &said.leaving).await?;
    let new = Event { version: old.version + 1, updated_at: ctx.now.max(old.updated_at), ..new };
    let derived = series::derive(&new.content, &new.calendar_zone);
    if !store::update(tx, &new, &derived, old.version).await.map_err(store::uid_taken)? {
        return Err(tx.stale().into());
    }
    search::put(tx, new.id, &entry(&new, &derived)).await?;
    let was = Occupancy::of(old, &series::derive(&old.content, &old.calendar_zone));
    let is = Occupancy::of(&new, &derived);
    if was != is {
        conflicts::reoccupy(tx, new.id, &is).await?;
    }
    let changed = differences(&before, &after);
    let detail = detail_of(old, &new);
    store::insert_version(
        tx,
        ctx,
        NewVersion { event: &new, operation: said.operation, comment: said.comment, changed: &changed },
    )
    .await?;
    if new.calendar_id != old.calendar_id {
        // Who follows the calendar that it left learns that it is gone from there.
        let left = Event { calendar_id: old.calendar_id, ..new.clone() };
        log(tx, ctx, &left, Op::Deleted, Some(json!({"moved_to": new.calendar_id}))).await?;
    }
    log(tx, ctx, &new, said.op, detail).await?;
    Ok(new)
}

/// Writes that an event is gone for good.
pub(super) async fn log_removal(tx: &mut Tx, ctx: &Ctx, event: &Event) -> Result<()> {
    let last = Event { version: event.version + 1, ..event.clone() };
    log(tx, ctx, &last, Op::Deleted, Some(json!({"was": sight_of(event)}))).await
}

/// What the log says beside what happened: the states before and after, and (`was`) everything that somebody's sight of the
/// event hung on before, when that changed: `sync` must know who could see it until now.
fn detail_of(old: &Event, new: &Event) -> Option<Value> {
    let mut detail = Map::new();
    let (from, to) = (old.state().name(), new.state().name());
    if from != to {
        detail.insert("state".into(), json!({"from": from, "to": to}));
    }
    let was = sight_of(old);
    if was != sight_of(new) {
        detail.insert("was".into(), was);
    }
    (!detail.is_empty()).then_some(Value::Object(detail))
}

fn sight_of(event: &Event) -> Value {
    json!({
        "calendar_id": event.calendar_id,
        "state": event.state().name(),
        "visibility": event.content.visibility.name(),
        "deleted": event.deleted_at.is_some(),
    })
}

/// The words that it is found by.
fn entry(event: &Event, derived: &Derived) -> search::Entry {
    let deleted = event.deleted_at.is_some();
    search_terms::entry(&event.content, event.calendar_id, event.state(), deleted, derived.starts_at)
}

/// The change-log row of an event.
async fn log(tx: &mut Tx, ctx: &Ctx, event: &Event, op: Op, detail: Option<Value>) -> Result<()> {
    let change = Change {
        kind: Kind::Event,
        op,
        record: event.id.uuid(),
        calendar: Some(event.calendar_id),
        user: None,
        version: Some(event.version),
        detail,
    };
    changes::record(tx, ctx, change).await
}

/// The fields of a snapshot in the words of the API.
fn fields_of(snapshot: &Snapshot) -> Map<String, Value> {
    let mut fields = snapshot.content.body();
    fields.insert("calendar_id".into(), snapshot.calendar_id.to_string().into());
    fields.insert("state".into(), snapshot.state.clone().into());
    if snapshot.deleted {
        fields.insert("deleted_at".into(), true.into());
    }
    fields
}

/// The names of the fields in which two snapshots differ.
pub(super) fn differences(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let (before_content, after_content) = (&before.content, &after.content);
    let (before, after) = (fields_of(before), fields_of(after));
    let mut names: Vec<String> =
        after.keys().chain(before.keys()).filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    if !before_content.same_icalendar(after_content) {
        names.push("icalendar".to_owned());
    }
    names.sort();
    names.dedup();
    names
}

/// Derives what the database knows of the next events behind `after` anew, because the time-zone database or the program
/// is another one (rule 32). Gives the last of them; none at the end. In batches, since a transaction must not take long.
pub async fn derive_next(tx: &mut Tx, after: EventId) -> Result<Option<EventId>> {
    let ctx = Ctx::system(Timestamp::UNIX_EPOCH, Door::Cli);
    let events = store::next(tx, &ctx, None, after, BATCH).await?;
    for event in &events {
        rewrite(tx, event).await?;
    }
    Ok(events.last().map(|event| event.id))
}

async fn rewrite(tx: &mut Tx, event: &Event) -> Result<()> {
    let derived = series::derive(&event.content, &event.calendar_zone);
    store::update_derived(tx, event, &derived).await?;
    conflicts::reoccupy(tx, event.id, &Occupancy::of(event, &derived)).await?;
    search::moved(tx, event.id, derived.starts_at.as_microsecond()).await
}

/// Grows when more is derived from events: a server that finds another number derives all of it anew. (1: whose time they
/// take, their venue.)
pub const DERIVATION: u32 = 1;

/// How many events are derived anew at a time.
const BATCH: i64 = 500;

/// Derives the instants of a calendar's events anew, because its zone is another one.
pub async fn derive_again(tx: &mut Tx, ctx: &Ctx, calendar: CalendarId) -> Result<()> {
    let mut after: EventId = Id::new(Uuid::nil());
    loop {
        // Whoever is just writing one of them may still know the old zone.
        store::lock_next(tx, calendar, after, BATCH).await?;
        let events = store::next(tx, ctx, Some(calendar), after, BATCH).await?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.id;
        for event in events {
            rewrite(tx, &event).await?;
        }
    }
}
