use kalends_db::Tx;
use kalends_kernel::EventId;

use super::edit::may_edit_in_place;
use super::write::{self, WriteMeta};
use super::{Allowed, Event, EventError, Precondition, store};
use crate::access::{Can, Denied, EventFacts};
use crate::calendars::Conflicts;
use crate::changes::Op;
use crate::ctx::Ctx;
use crate::sharing;

/// Puts an event into the trash; a draft that was never submitted or published goes for good (rule 6). A second time is
/// no news.
pub async fn delete(tx: &mut Tx, ctx: &Ctx, id: EventId, precondition: &Precondition) -> Result<(), EventError> {
    store::lock(tx, id).await?;
    let old = match store::load(tx, ctx, id, Can::Delete).await {
        Ok(old) => old,
        Err(EventError::Denied(Denied::NotFound)) => {
            return match ctx.user() {
                Some(user) if store::was_deleted_by(tx, id, user).await? => Ok(()),
                _ => Err(Denied::NotFound.into()),
            };
        }
        Err(other) => return Err(other),
    };
    if old.event.deleted_at.is_some() {
        return Ok(());
    }
    may_edit_in_place(&old.event.facts, &old.grant)?;
    if let Some(versions) = &precondition.if_match
        && !versions.contains(&old.event.version)
    {
        return Err(EventError::Changed(Box::new(old)));
    }
    let old = old.event;
    if !old.submitted {
        // Its roles go with it; the log says who had them.
        sharing::withdraw_from_event(tx, ctx, id, old.calendar_id).await?;
        store::remove(tx, id).await?;
        return Ok(write::log_removal(tx, ctx, &old).await?);
    }
    let new = Event { deleted_at: Some(ctx.now), facts: EventFacts { deleted: true, ..old.facts }, ..old.clone() };
    write::replace(tx, ctx, &old, new, WriteMeta { op: Op::Deleted, ..WriteMeta::of("delete") }).await?;
    Ok(())
}

/// Takes an event out of the trash, as a new version. One that is not in it stays as it is.
pub async fn restore(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    on_conflict: Option<Conflicts>,
) -> Result<Allowed, EventError> {
    store::lock(tx, id).await?;
    let old = store::load(tx, ctx, id, Can::Delete).await?;
    if old.event.deleted_at.is_none() {
        return Ok(old);
    }
    may_edit_in_place(&old.event.facts, &old.grant)?;
    let old = old.event;
    let new = Event { deleted_at: None, facts: EventFacts { deleted: false, ..old.facts }, ..old.clone() };
    write::replace(tx, ctx, &old, new, WriteMeta { op: Op::Created, on_conflict, ..WriteMeta::of("restore") }).await?;
    store::load(tx, ctx, id, Can::See).await
}
