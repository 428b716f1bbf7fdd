//! RollbackOptions an event back to one of its versions: what that needs, and the writing of it. The commands are in `history`.

use std::collections::BTreeSet;
use std::sync::Arc;

use kalends_db::Tx;
use kalends_kernel::EventId;

use super::create::{may_take_registrations, target, wrong_state};
use super::edit::may_edit_in_place;
use super::state::{self, StepError};
use super::store::Snapshot;
use super::write::{self, WriteMeta};
use super::{Allowed, CalendarSettings, Event, EventError};
use crate::access::{Denied, EventFacts, Role};
use crate::calendars::{self, Conflicts};
use crate::changes::Op;
use crate::ctx::Ctx;
use crate::sharing;

/// What an event becomes when it is taken back. CreateOptions by [`way_back`] alone: whoever has one may write it.
#[derive(Clone, Debug)]
pub(crate) struct RollbackPlan {
    new: Event,
    /// Whether who takes it back must become its owner there, as if they had moved it.
    takes_over: bool,
}

/// The whole state of a version put over an event, if the actor may bring the event there: by editing it, by the steps
/// between states (rule 18), into the calendar it was in, and as its owner into and out of the trash.
pub(crate) async fn way_back(tx: &mut Tx, ctx: &Ctx, old: &Allowed, to: &Snapshot) -> Result<RollbackPlan, EventError> {
    let Allowed { event, grant } = old;
    may_edit_in_place(&event.facts, grant)?;
    let owns = grant.role == Some(Role::Owner);
    if to.deleted != event.facts.deleted && !owns {
        return Err(Denied::Needs(Role::Owner).into());
    }
    let calendar = if to.calendar_id == event.calendar_id { None } else { Some(old_calendar(tx, ctx, old, to).await?) };
    let there = calendar.as_ref().map_or(event.facts.calendar, |calendar| calendar.calendar.facts);
    let grant_there = calendar.as_ref().map_or(*grant, |calendar| calendar.grant);
    let facts = EventFacts {
        calendar: there,
        state: to.state(),
        visibility: to.content.visibility,
        deleted: to.deleted,
        ..event.facts
    };
    if to.state() != event.state() {
        let (from, to) = (event.state(), to.state());
        state::reach(from, to, there.review, grant_there.reviewer).map_err(|error| match error {
            StepError::ReviewersOnly => EventError::Denied(Denied::NeedsReviewer),
            StepError::NoSuchStep => wrong_state(from, Some(to), there.review),
        })?;
    } else if calendar.is_some() {
        may_edit_in_place(&facts, &grant_there)?;
    }
    may_take_registrations(ctx, Some(&event.content.registration), &to.content.registration)?;
    let new = Event {
        calendar_id: to.calendar_id,
        calendar_zone: calendar.as_ref().map_or(&event.calendar_zone, |calendar| &calendar.calendar.zone).clone(),
        in_calendar: calendar.as_ref().map_or(event.in_calendar, |calendar| CalendarSettings::of(&calendar.calendar)),
        deleted_at: to.deleted.then_some(event.deleted_at.unwrap_or(ctx.now)),
        content: to.content.clone(),
        facts,
        ..event.clone()
    };
    let takes_over = calendar.is_some() && there.role != Some(Role::Owner);
    Ok(RollbackPlan { new, takes_over })
}

/// The calendar that the event was in, if its owner may put it there again.
async fn old_calendar(tx: &mut Tx, ctx: &Ctx, old: &Allowed, to: &Snapshot) -> Result<calendars::Allowed, EventError> {
    if old.grant.role != Some(Role::Owner) {
        return Err(Denied::Needs(Role::Owner).into());
    }
    match target(tx, ctx, Some(to.calendar_id)).await {
        Err(EventError::Denied(_)) => Err(EventError::OldCalendar),
        found => found,
    }
}

/// How it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct RollbackOptions {
    /// What somebody says about it.
    pub(crate) comment: Option<String>,
    /// What is to happen when it takes time that is taken; none for what calendar and venue say.
    pub(crate) on_conflict: Option<Conflicts>,
    /// Events that the same command takes back next: where they still are is no conflict.
    pub(crate) leaving: Arc<BTreeSet<EventId>>,
}

/// Writes it, as the next version, and gives the event as it is then. What changes nothing is none. When it takes time that
/// is taken, nothing has been written.
pub(crate) async fn take_back(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    way: RollbackPlan,
    RollbackOptions { comment, on_conflict, leaving }: RollbackOptions,
) -> Result<Event, EventError> {
    let RollbackPlan { new, takes_over } = way;
    if Snapshot::of(&new) == Snapshot::of(old) {
        return Ok(new);
    }
    let op = match (old.facts.deleted, new.facts.deleted) {
        (true, false) => Op::Created,
        (false, true) => Op::Deleted,
        _ => Op::Updated,
    };
    let said = WriteMeta { comment, op, on_conflict, leaving, ..WriteMeta::of("rollback") };
    let event = write::replace(tx, ctx, old, new, said).await?;
    if let (true, Some(user)) = (takes_over, ctx.user()) {
        sharing::store::put_on_event(tx, old.id, user, Role::Owner, ctx.now).await?;
    }
    Ok(event)
}
