//! Events that come from elsewhere as a whole: made or replaced under their own UID, and taken back again. The rules are
//! those of every other change: the right to edit, review, versions, the change log.

use jiff::civil::DateTime;
use kalends_db::{Conn, Tx, sql};
use kalends_kernel::{CalendarId, EventId, Invalid, Zone};
use serde_json::{Map, Value};

use super::content::Content;
use super::create::{CreateOptions, make};
use super::edit::{following, may_edit_in_place, patched};
use super::store::{COLUMNS, FROM};
use super::write::{self, WriteMeta};
use super::{Allowed, Event, EventError, Origin, split, store};
use crate::access::{self, Can, EventFacts};
use crate::calendars;
use crate::ctx::Ctx;

/// The events of a calendar with these UIDs that are not in the trash, as far as the actor may know of them.
pub async fn with_uids(
    conn: &mut Conn,
    ctx: &Ctx,
    calendar: CalendarId,
    uids: &[&str],
) -> Result<Vec<Allowed>, EventError> {
    let found: Vec<Event> = sql(format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE e.calendar_id = $2 AND e.deleted_at IS NULL AND e.uid IN ({{}})"
    ))
    .bind(ctx.user())
    .bind(calendar)
    .bind_list(uids.iter().copied())
    .all(conn)
    .await?;
    let seen = |event: Event| access::on_event(&ctx.actor, &event.facts).map(|grant| Allowed { event, grant });
    Ok(found.into_iter().filter_map(seen).collect())
}

/// Makes an event under its own UID in a calendar that was loaded with [`Can::Edit`].
pub async fn import_event(
    tx: &mut Tx,
    ctx: &Ctx,
    into: &calendars::Allowed,
    uid: &str,
    content: Content,
    origin: Origin,
) -> Result<Allowed, EventError> {
    let made = CreateOptions { uid: Some(uid.to_owned()), state: None, origin, said: WriteMeta::of("import") };
    make(tx, ctx, into, content, made).await
}

/// Replaces what an event says, as its next version, whose SEQUENCE is at least this. What iCalendar has no words for stays:
/// see [`Content::over`].
pub async fn take_over(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Allowed,
    content: Content,
    sequence: i64,
) -> Result<Event, EventError> {
    access::check(Some(old.grant), Can::Edit)?;
    may_edit_in_place(&old.event.facts, &old.grant)?;
    let facts = EventFacts { visibility: content.visibility, ..old.event.facts };
    let new = Event { content, facts, ..old.event.clone() }.reaching(sequence);
    write::replace(tx, ctx, &old.event, new, WriteMeta::of("import")).await
}

/// What became of an event that is to be as before.
#[derive(Clone, PartialEq, Debug)]
pub enum TakenBack {
    /// It is as it was; this is its version now.
    Done(i64),
    /// It was changed since; it stays.
    Changed,
    /// It is not there any more.
    Gone,
}

/// Gives an event that is at `version` what it said at `before`, as its next version.
pub async fn take_back(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    version: i64,
    before: i64,
) -> Result<TakenBack, EventError> {
    store::lock(tx, id).await?;
    let old = match store::load(tx, ctx, id, Can::Edit).await {
        Ok(old) if old.event.deleted_at.is_none() => old,
        Ok(_) | Err(EventError::Denied(access::Denied::NotFound)) => return Ok(TakenBack::Gone),
        Err(other) => return Err(other),
    };
    if old.event.version != version {
        return Ok(TakenBack::Changed);
    }
    may_edit_in_place(&old.event.facts, &old.grant)?;
    let Some(snapshot) = store::snapshot(tx, id, before).await? else { return Ok(TakenBack::Gone) };
    let facts = EventFacts { visibility: snapshot.content.visibility, ..old.event.facts };
    let new = Event { content: snapshot.content, facts, ..old.event.clone() };
    let now = write::replace(tx, ctx, &old.event, new, WriteMeta::of("undo")).await?;
    Ok(TakenBack::Done(now.version))
}

impl Content {
    /// This content, written elsewhere, over what is here: seats, registration, audience and meta have no words in
    /// iCalendar and stay as they are.
    pub fn over(mut self, here: &Content) -> Content {
        self.capacity = here.capacity;
        self.registration = here.registration.clone();
        self.audience.clone_from(&here.audience);
        self.meta.clone_from(&here.meta);
        for one in self.overrides.iter_mut().filter(|one| !one.cancelled) {
            if let Some(before) = here.overridden(one.original_start) {
                one.capacity = before.capacity;
                one.meta.clone_from(&before.meta);
            }
        }
        self
    }

    /// This series with a change of one occurrence and all later ones: what is left of it before, if anything, and what
    /// goes on from there. Overrides that lose their occurrence go.
    pub fn changed_from(
        &self,
        at: DateTime,
        patch: &Map<String, Value>,
        zone: &Zone,
    ) -> Result<(Option<Content>, Content), EventError> {
        let (before, after) = match split::halves(self, zone, at)? {
            Some(halves) => (Some(halves.before), halves.after),
            None => (None, self.clone()),
        };
        if after.times.start != at && before.is_some() {
            return Err(Invalid::one("/recurrence", "not-an-occurrence", "the series has no occurrence there").into());
        }
        let content = following(&after, patched(after.body(), patch), zone, true)?;
        Ok((before, content))
    }
}
