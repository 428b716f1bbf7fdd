//! A whole calendar back to an instant, with a preview.

use jiff::Timestamp;
use kalends_db::Tx;
use kalends_kernel::fields::Fields;
use kalends_kernel::{CalendarId, EventId, Invalid};
use serde_json::{Map, Value};

use super::rollback::COMMENT;
use super::store;
use crate::access::Can;
use crate::calendars;
use crate::ctx::Ctx;
use crate::events::roll_back::{WayBack, take_back, way_back};
use crate::events::store::Snapshot;
use crate::events::{self, Allowed, Event, EventError};

/// A restore that somebody wishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestoreWish {
    /// The instant whose state shall come back.
    pub at: Timestamp,
    /// Only say what would change.
    pub preview: bool,
    /// What they say about it.
    pub comment: Option<String>,
}

impl RestoreWish {
    /// Reads `{at, preview?, comment?}`; without `preview` it is one.
    pub fn parse(body: &Map<String, Value>) -> Result<RestoreWish, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let at = fields.parsed("at", "not-an-instant", |text| {
            text.parse::<Timestamp>().map_err(|_| "must be an instant with an offset such as 2027-03-28T15:00:00+02:00")
        });
        let at = fields.require("at", at);
        let preview = fields.boolean("preview").unwrap_or(true);
        let comment = fields.text("comment", COMMENT);
        let invalid = fields.finish();
        match at {
            Some(at) => invalid.or(RestoreWish { at, preview, comment }),
            None => Err(invalid),
        }
    }
}

/// What happens to an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It gets the state that it had.
    Rollback,
    /// It was not there then: into the trash.
    Delete,
    /// It comes back out of the trash, as it was then.
    Restore,
    /// It stays as it is: it is as it was, or a problem is in the way.
    None,
}

impl Action {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Action::Rollback => "rollback",
            Action::Delete => "delete",
            Action::Restore => "restore",
            Action::None => "none",
        }
    }
}

/// An event that changed since.
#[derive(Debug)]
pub struct Item {
    /// Which.
    pub id: EventId,
    /// What it is called now.
    pub title: String,
    /// What happens to it.
    pub action: Action,
    /// The version that it has now, or had before.
    pub from: i64,
    /// The version whose state it gets; none when it was not there yet.
    pub to: Option<i64>,
    /// What is in the way; then it stays as it is.
    pub problem: Option<EventError>,
}

/// What would change, or has changed.
#[derive(Debug)]
pub struct Restored {
    /// Every event that changed since, by id.
    pub items: Vec<Item>,
}

/// How many changed events one restore may have.
pub const MOST_EVENTS: i64 = 1_000;

/// Gives every event of a calendar the state that it had at an instant: what changed since rolls back, what was deleted
/// comes back, what was made since goes into the trash. In one transaction; owners of the calendar may. What cannot go back
/// stays as it is and says why. Events that were moved to another calendar since are that calendar's.
pub async fn restore_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    wish: &RestoreWish,
) -> Result<Restored, EventError> {
    let calendar = calendars::load(tx, ctx, id, Can::Delete).await?.calendar;
    if wish.at > ctx.now {
        return Err(Invalid::one("/at", "in-the-future", "must not be in the future").into());
    }
    if wish.at < calendar.created_at {
        let detail =
            format!("the calendar was made at {}; before that there is nothing to go back to", calendar.created_at);
        return Err(Invalid::one("/at", "before-the-calendar", detail).into());
    }
    let ids = store::changed_since(tx, id, wish.at, MOST_EVENTS + 1).await?;
    if i64::try_from(ids.len()).unwrap_or(i64::MAX) > MOST_EVENTS {
        let detail =
            format!("more than {MOST_EVENTS} events changed since; give a later time, and then go back step by step");
        return Err(Invalid::one("/at", "too-many-events", detail).into());
    }
    let mut found = Vec::new();
    // By id, so that two such commands cannot wait for each other.
    for id in ids {
        if !wish.preview {
            events::lock(tx, id).await?;
        }
        found.push(look(tx, ctx, id, wish.at).await?);
    }
    // First what goes, so that what comes back finds its UID free.
    found.sort_by_key(|one| one.item.action != Action::Delete);
    let going: Vec<EventId> =
        found.iter().filter(|one| one.item.action == Action::Delete).map(|one| one.item.id).collect();
    for one in &mut found {
        one.check_uid(tx, &going).await?;
        if let (Some(way), false, None) = (one.way.take(), wish.preview, &one.item.problem) {
            take_back(tx, ctx, &one.old, way, wish.comment.clone()).await?;
        }
    }
    let mut items: Vec<Item> = found.into_iter().map(|one| one.item).collect();
    items.sort_by_key(|item| item.id);
    Ok(Restored { items })
}

struct Looked {
    item: Item,
    old: Event,
    to: Snapshot,
    way: Option<WayBack>,
}

/// What the restore means for one event.
async fn look(tx: &mut Tx, ctx: &Ctx, id: EventId, at: Timestamp) -> Result<Looked, EventError> {
    let old: Allowed = events::load(tx, ctx, id, Can::Delete).await?;
    let now = Snapshot::of(&old.event);
    let then = store::current_at(tx, id, at).await?;
    let version = then.as_ref().map(|then| then.entry.version);
    let to = then.map_or_else(|| Snapshot { deleted: true, ..now.clone() }, |then| then.snapshot);
    let action = match (now.deleted, to.deleted) {
        _ if now == to => Action::None,
        (false, true) => Action::Delete,
        (true, false) => Action::Restore,
        _ => Action::Rollback,
    };
    let mut item =
        Item { id, title: now.content.title.clone(), action, from: old.event.version, to: version, problem: None };
    let mut way = None;
    if action != Action::None {
        match way_back(tx, ctx, &old, &to).await {
            Ok(found) => way = Some(found),
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(problem) => item.refuse(problem),
        }
    }
    Ok(Looked { item, old: old.event, to, way })
}

impl Item {
    fn refuse(&mut self, problem: EventError) {
        self.action = Action::None;
        self.problem = Some(problem);
    }
}

impl Looked {
    /// Another event may have taken the UID since; those that go do not count.
    async fn check_uid(&mut self, tx: &mut Tx, going: &[EventId]) -> Result<(), EventError> {
        let comes = !self.to.deleted && (self.old.facts.deleted || self.to.calendar_id != self.old.calendar_id);
        if self.way.is_none() || !comes {
            return Ok(());
        }
        let holders = store::with_uid(tx, self.to.calendar_id, &self.old.uid).await?;
        if holders.iter().any(|holder| *holder != self.item.id && !going.contains(holder)) {
            self.way = None;
            self.item.refuse(EventError::UidTaken);
        }
        Ok(())
    }
}
