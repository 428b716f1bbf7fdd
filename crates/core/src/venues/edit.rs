use kalends_db::Tx;
use kalends_kernel::VenueId;
use serde_json::{Map, Value};

use super::{Venue, VenueError, VenueInput, store};
use crate::calendars;
use crate::changes::Op;
use crate::ctx::Ctx;

/// Applies a merge patch to a venue. Who manages it may; `is_current` says whether the version is the one that the
/// caller looked at.
pub async fn edit(
    tx: &mut Tx,
    ctx: &Ctx,
    id: VenueId,
    patch: &Map<String, Value>,
    is_current: impl Fn(i64) -> bool,
) -> Result<Venue, VenueError> {
    store::lock(tx, id).await?;
    let old = store::load(tx, id).await?;
    if !old.is_managed_by(ctx) {
        return Err(VenueError::NotManager);
    }
    if !is_current(old.version) {
        return Err(VenueError::Changed(Box::new(old)));
    }
    let input = VenueInput::patched(&old, patch)?;
    let zone = match input.zone {
        Some(zone) => zone,
        None => calendars::store::zone_of(tx, old.owner).await?,
    };
    let new = Venue {
        name: input.name,
        description: input.description,
        capacity: input.capacity,
        zone,
        conflicts: input.conflicts,
        ..old.clone()
    };
    if new == old {
        return Ok(old);
    }
    let new = Venue { version: old.version + 1, updated_at: ctx.now, ..new };
    if !store::update(tx, &new, old.version).await? {
        return Err(tx.stale().into());
    }
    store::log(tx, ctx, &new, Op::Updated).await?;
    Ok(new)
}
