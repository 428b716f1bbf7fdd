use kalends_db::Tx;
use kalends_kernel::VenueId;

use super::{Venue, VenueError, store};
use crate::access::Denied;
use crate::changes::Op;
use crate::ctx::Ctx;

/// Deletes a venue: nothing can be booked there any more; events that were keep saying so. A second time is no news.
pub async fn delete(
    tx: &mut Tx,
    ctx: &Ctx,
    id: VenueId,
    is_current: impl Fn(&Venue) -> bool,
) -> Result<(), VenueError> {
    store::lock(tx, id).await?;
    let venue = match store::load(tx, id).await {
        Ok(venue) => venue,
        Err(VenueError::Denied(Denied::NotFound)) => {
            return match store::deleted(tx, id).await? {
                Some(venue) if venue.is_managed_by(ctx) => Ok(()),
                _ => Err(Denied::NotFound.into()),
            };
        }
        Err(other) => return Err(other),
    };
    if !venue.is_managed_by(ctx) {
        return Err(VenueError::NotManager);
    }
    if !is_current(&venue) {
        return Err(VenueError::Changed(Box::new(venue)));
    }
    store::mark_deleted(tx, id, ctx.now).await?;
    store::log(tx, ctx, &Venue { version: venue.version + 1, ..venue }, Op::Deleted).await?;
    Ok(())
}
