use kalends_db::Tx;
use kalends_kernel::CalendarId;
use serde_json::{Map, Value, json};

use super::{Allowed, Calendar, CalendarError, CalendarInput, store};
use crate::access::{self, CalendarFacts, CalendarVisibility, Can, Denied, Role};
use crate::changes::{self, Change, Kind, Op};
use crate::conflicts;
use crate::ctx::{Ctx, GlobalRole};
use crate::events::{self, EventError};

/// Applies a merge patch to a calendar. Its owners may; `is_current` says whether the version is the one that the
/// caller looked at.
pub async fn edit(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    patch: &Map<String, Value>,
    is_current: impl Fn(i64) -> bool,
) -> Result<Allowed, CalendarError> {
    store::lock(tx, id).await?;
    let seen = store::load(tx, ctx, id, Can::See).await?;
    if seen.grant.role != Some(Role::Owner) {
        return Err(Denied::Needs(Role::Owner).into());
    }
    if !is_current(seen.calendar.version) {
        return Err(CalendarError::Changed(Box::new(seen)));
    }
    let old = seen.calendar;
    let input = CalendarInput::patched(&old, patch)?;
    if input.visibility == CalendarVisibility::Public && old.facts.visibility != CalendarVisibility::Public {
        access::check_global(&ctx.actor, GlobalRole::Organizer)?;
    }
    let zone = match input.zone {
        Some(zone) => zone,
        None => store::zone_of(tx, old.owner).await?,
    };
    let new = Calendar {
        name: input.name,
        description: input.description,
        color: input.color,
        zone,
        conflicts: input.conflicts,
        version: old.version + 1,
        updated_at: ctx.now,
        facts: CalendarFacts { visibility: input.visibility, review: input.review, ..old.facts },
        ..old.clone()
    };
    if (Calendar { version: old.version, updated_at: old.updated_at, ..new.clone() }) == old {
        return Ok(Allowed { calendar: old, grant: seen.grant });
    }
    if new.zone != old.zone {
        match conflicts::against_zone(tx, ctx, &old, &new).await {
            Ok(None) => {}
            Ok(Some((which, report))) => return Err(CalendarError::Clash(which, Box::new(report))),
            Err(EventError::Internal(error)) => return Err(error.into()),
            // A rule that takes too much work, or there are too many.
            Err(_) => return Err(CalendarError::TooMuchToCheck),
        }
    }
    if !store::update(tx, &new, old.version).await? {
        return Err(tx.stale().into());
    }
    if new.zone != old.zone {
        // All-day and floating events lie on the calendar's days: their instants follow its zone.
        events::derive_again(tx, ctx, id).await?;
    }
    let change = Change {
        kind: Kind::Calendar,
        op: Op::Updated,
        record: id.uuid(),
        calendar: Some(id),
        user: None,
        version: Some(new.version),
        detail: (new.facts.visibility != old.facts.visibility)
            .then(|| json!({"was": {"visibility": old.facts.visibility.name()}})),
    };
    changes::record(tx, ctx, change).await?;
    store::load(tx, ctx, id, Can::See).await
}
