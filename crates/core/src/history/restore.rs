//! A whole calendar back to an instant, with a preview.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kalends_db::{Error, Tx};
use kalends_kernel::fields::Fields;
use kalends_kernel::{CalendarId, EventId, Invalid};
use serde_json::{Map, Value};

use super::rollback::COMMENT;
use super::store;
use crate::access::Can;
use crate::calendars::{self, Conflicts};
use crate::conflicts::{self, Report};
use crate::ctx::Ctx;
use crate::events::roll_back::{RollbackOptions, RollbackPlan, take_back, way_back};
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
    /// What is to happen when an event takes time that is taken; none for what calendar and venue say.
    pub on_conflict: Option<Conflicts>,
}

impl RestoreWish {
    /// Reads `{at, preview?, comment?, on_conflict?}`; without `preview` it is one.
    pub fn parse(body: &Map<String, Value>) -> Result<RestoreWish, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let at = fields.parsed("at", "not-an-instant", |text| {
            text.parse::<Timestamp>().map_err(|_| "must be an instant with an offset such as 2027-03-28T15:00:00+02:00")
        });
        let at = fields.require("at", at);
        let preview = fields.boolean("preview").unwrap_or(true);
        let comment = fields.text("comment", COMMENT);
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        let invalid = fields.finish();
        match at {
            Some(at) => invalid.or(RestoreWish { at, preview, comment, on_conflict }),
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
    /// What it clashes with as it is then, where somebody asks.
    pub clashes: Option<Report>,
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
        events::lock(tx, id).await?;
        found.push(look(tx, ctx, id, wish.at).await?);
    }
    // First what goes, so that what comes back finds its UID free.
    found.sort_by_key(|one| one.item.action != Action::Delete);
    let going: Vec<EventId> =
        found.iter().filter(|one| one.item.action == Action::Delete).map(|one| one.item.id).collect();
    for one in &mut found {
        one.check_uid(tx, &going).await?;
    }
    // A preview does it all and lets it go: what takes time that is taken shows only then.
    let outcome = tx
        .attempt(async |tx| {
            let told = take_all_back(tx, ctx, wish, &found).await?;
            if wish.preview { Err(Undone::Shown(told)) } else { Ok(told) }
        })
        .await?;
    let told = match outcome {
        Ok(told) | Err(Undone::Shown(told)) => told,
        Err(Undone::Clash(report)) => return Err(EventError::Clash(report)),
        Err(Undone::Failed(error)) => return Err(error),
    };
    for (one, told) in found.iter_mut().zip(told) {
        match told {
            Ok(clashes) => one.item.clashes = clashes,
            Err(problem) => one.item.refuse(problem),
        }
    }
    let mut items: Vec<Item> = found.into_iter().map(|one| one.item).collect();
    items.sort_by_key(|item| item.id);
    Ok(Restored { items })
}

/// What is said of an event that was taken back, or why it was not.
type Told = Result<Option<Report>, EventError>;

/// Why a part of the work was let go.
enum Undone {
    /// It was only to be shown.
    Shown(Vec<Told>),
    /// An event takes time that is taken.
    Clash(Box<Report>),
    /// All of it failed.
    Failed(EventError),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Undone::Failed(error.into())
    }
}
impl From<EventError> for Undone {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Clash(report) => Undone::Clash(report),
            other => Undone::Failed(other),
        }
    }
}

/// Takes them back, and says of each what it clashes with, or that it stays because the time is taken. All together first,
/// since they may have changed places; where that cannot be, one after the other.
async fn take_all_back(tx: &mut Tx, ctx: &Ctx, wish: &RestoreWish, found: &[Looked]) -> Result<Vec<Told>, Undone> {
    let together = tx.attempt(async |tx| take_together(tx, ctx, wish, found).await).await?;
    let taken = match together {
        Err(Undone::Clash(_)) => take_each(tx, ctx, wish, found).await?,
        other => other?,
    };
    let mut told = Vec::with_capacity(taken.len());
    for event in taken {
        told.push(match event {
            Ok(Some(event)) => Ok(conflicts::conflict_report(tx, ctx, &event, wish.on_conflict).await?),
            Ok(None) => Ok(None),
            Err(problem) => Err(problem),
        });
    }
    Ok(told)
}

/// The events as they are now; none of those that stay as they are anyway.
type Outcomes = Vec<Result<Option<Event>, EventError>>;

async fn take_together(tx: &mut Tx, ctx: &Ctx, wish: &RestoreWish, found: &[Looked]) -> Result<Outcomes, Undone> {
    let leaving: Arc<BTreeSet<EventId>> = Arc::new(found.iter().map(|one| one.item.id).collect());
    let mut taken = Outcomes::with_capacity(found.len());
    for one in found {
        taken.push(Ok(one.take_back(tx, ctx, wish, leaving.clone()).await?));
    }
    let moved = found.iter().zip(&taken).filter_map(|(one, now)| Some((&one.old, now.as_ref().ok()?.as_ref()?)));
    match conflicts::guard_together(tx, ctx, moved, wish.on_conflict).await {
        Ok(()) => Ok(taken),
        Err((_, error)) => Err(error.into()),
    }
}

async fn take_each(tx: &mut Tx, ctx: &Ctx, wish: &RestoreWish, found: &[Looked]) -> Result<Outcomes, Undone> {
    let mut taken = Outcomes::with_capacity(found.len());
    for one in found {
        taken.push(match one.take_back(tx, ctx, wish, Arc::default()).await {
            Err(error @ EventError::Clash(_)) => Err(error),
            other => Ok(other?),
        });
    }
    Ok(taken)
}

struct Looked {
    item: Item,
    old: Event,
    to: Snapshot,
    way: Option<RollbackPlan>,
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
    let mut item = Item {
        id,
        title: now.content.title.clone(),
        action,
        from: old.event.version,
        to: version,
        problem: None,
        clashes: None,
    };
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
    /// Gives it its old state, if it gets one.
    async fn take_back(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        wish: &RestoreWish,
        leaving: Arc<BTreeSet<EventId>>,
    ) -> Result<Option<Event>, EventError> {
        let Some(way) = self.way.clone() else { return Ok(None) };
        let taking = RollbackOptions { comment: wish.comment.clone(), on_conflict: wish.on_conflict, leaving };
        Ok(Some(take_back(tx, ctx, &self.old, way, taking).await?))
    }

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
