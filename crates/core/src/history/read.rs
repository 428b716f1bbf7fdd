//! The list of versions, and single ones.

use jiff::Timestamp;
use kalends_db::Conn;
use kalends_kernel::{CalendarId, EventId, UserId};

use super::store::{self, VersionRow};
use crate::access::{self, Can, Denied, EventFacts, Role};
use crate::ctx::Ctx;
use crate::events::{self, Allowed, Event, EventError};

/// Who did something, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The account.
    pub id: UserId,
    /// Its name.
    pub name: String,
}

/// A version without its content: what was done, by whom.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its number.
    pub version: i64,
    /// Since when it was current. Never before the version before it.
    pub at: Timestamp,
    /// Who; none for the program itself.
    pub actor: Option<Person>,
    /// Through which door.
    pub door: String,
    /// What was done: `create`, `update`, `state`, `delete`, `rollback` …
    pub operation: String,
    /// What they said about it.
    pub comment: Option<String>,
    /// The fields that were different from then on.
    pub changed: Vec<String>,
}

/// The versions of an event that a reader may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// All.
    All,
    /// Those that were shown to who only views this calendar.
    ShownIn(CalendarId),
}

/// The event with what of its history the actor sees.
pub(super) async fn open(conn: &mut Conn, ctx: &Ctx, id: EventId) -> Result<(Allowed, Seen), EventError> {
    let of = events::load(conn, ctx, id, Can::SeeHistory).await?;
    let all = access::sees_every_version(&ctx.actor, &of.event.facts);
    let seen = if all { Seen::All } else { Seen::ShownIn(of.event.calendar_id) };
    Ok((of, seen))
}

/// The versions of an event, newest first, at most `limit`, those before `before`.
pub async fn list(
    conn: &mut Conn,
    ctx: &Ctx,
    id: EventId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, EventError> {
    let (_, seen) = open(conn, ctx, id).await?;
    Ok(store::newest(conn, id, seen, before.unwrap_or(i64::MAX), limit).await?)
}

/// The whole event as of a version.
pub async fn version(conn: &mut Conn, ctx: &Ctx, id: EventId, version: i64) -> Result<Allowed, EventError> {
    let (of, seen) = open(conn, ctx, id).await?;
    let stored = store::version(conn, id, seen, version).await?.ok_or(Denied::NotFound)?;
    Ok(as_of(&of, stored))
}

/// Two versions, to be compared.
pub async fn pair(
    conn: &mut Conn,
    ctx: &Ctx,
    id: EventId,
    (one, other): (i64, i64),
) -> Result<(Allowed, Allowed), EventError> {
    let (of, seen) = open(conn, ctx, id).await?;
    let first = store::version(conn, id, seen, one).await?.ok_or(Denied::NotFound)?;
    let second = store::version(conn, id, seen, other).await?.ok_or(Denied::NotFound)?;
    Ok((as_of(&of, first), as_of(&of, second)))
}

/// The event as it was at an instant. It is not there before it was made, and while it was in the trash only for its owners.
pub async fn at(conn: &mut Conn, ctx: &Ctx, id: EventId, instant: Timestamp) -> Result<Allowed, EventError> {
    let (of, seen) = open(conn, ctx, id).await?;
    let current = store::current_at(conn, id, instant).await?.ok_or(Denied::NotFound)?;
    let visible = match seen {
        Seen::All => !current.snapshot.deleted || of.grant.role == Some(Role::Owner),
        Seen::ShownIn(calendar) => current.shown_in == Some(calendar),
    };
    if visible { Ok(as_of(&of, current)) } else { Err(Denied::NotFound.into()) }
}

/// The event as a version says, for who sees it now.
pub(super) fn as_of(of: &Allowed, stored: VersionRow) -> Allowed {
    let VersionRow { entry, snapshot, .. } = stored;
    let facts = EventFacts {
        state: snapshot.state(),
        visibility: snapshot.content.visibility,
        deleted: snapshot.deleted,
        ..of.event.facts
    };
    let event = Event {
        version: entry.version,
        calendar_id: snapshot.calendar_id,
        updated_at: entry.at,
        deleted_at: snapshot.deleted.then_some(entry.at),
        content: snapshot.content,
        facts,
        ..of.event.clone()
    };
    Allowed { event, grant: of.grant }
}
