//! What others have shared with somebody.

use std::collections::HashMap;

use jiff::Timestamp;
use kalends_db::Conn;
use kalends_kernel::{CalendarId, Cursor, EventId, GroupId, Page, UserId};

use super::store::shared_with_me::{self as store, Given};
use crate::access::{self, Role};
use crate::calendars;
use crate::ctx::Ctx;
use crate::events;

/// A calendar or event that was shared with somebody, and how.
#[derive(Clone, PartialEq, Debug)]
pub struct Shared {
    /// What.
    pub what: What,
    /// The role that was given so; the strongest counts.
    pub role: Role,
    /// How it came to them.
    pub by: SharedBy,
    /// Who gave it, and their name; none when that is not known any more.
    pub from: Option<(UserId, String)>,
    /// When.
    pub at: Timestamp,
}

/// What was shared.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A calendar.
    Calendar(Box<calendars::Allowed>),
    /// One event.
    Event(Box<events::Allowed>),
}

/// How something came to somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SharedBy {
    /// They were named.
    Name,
    /// Their address was.
    Email,
    /// A group that they are in was.
    Group(GroupId, String),
}

/// What others have shared with the actor, the newest first.
pub async fn shared_with(
    conn: &mut Conn,
    ctx: &Ctx,
    user: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<Shared>, events::EventError> {
    let mut given = store::given_to(conn, user, i64::from(limit) + 1, cursor).await?;
    let more = given.len() > limit as usize;
    given.truncate(limit as usize);
    let next = given.last().filter(|_| more).map(|last| Cursor {
        key: last.at.as_microsecond().to_string(),
        id: last.record,
        part: last.source.to_string(),
        of,
    });
    let ids = |is_calendar: bool| given.iter().filter(move |one| one.is_calendar == is_calendar).map(|one| one.record);
    let calendar_ids: Vec<CalendarId> = ids(true).map(CalendarId::new).collect();
    let event_ids: Vec<EventId> = ids(false).map(EventId::new).collect();
    let calendars: HashMap<_, _> = calendars::store::load_all(conn, ctx, &calendar_ids).await?;
    let events = events::load_all(conn, ctx, &event_ids).await?;
    let events: HashMap<EventId, events::Allowed> = events.into_iter().map(|one| (one.event.id, one)).collect();
    // What was deleted meanwhile, or is hidden from them, is not there.
    let seen = given.into_iter().filter_map(|one: Given| {
        let what = if one.is_calendar {
            let calendar = calendars.get(&CalendarId::new(one.record))?.clone();
            let grant = access::on_calendar(&ctx.actor, &calendar.facts)?;
            What::Calendar(Box::new(calendars::Allowed { calendar, grant }))
        } else {
            What::Event(Box::new(events.get(&EventId::new(one.record))?.clone()))
        };
        let by = match (one.group, one.by_address) {
            (_, true) => SharedBy::Email,
            (Some((id, name)), false) => SharedBy::Group(id, name),
            (None, false) => SharedBy::Name,
        };
        Some(Shared { what, role: one.role, by, from: one.from, at: one.at })
    });
    Ok(Page { items: seen.collect(), next })
}
