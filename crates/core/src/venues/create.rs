use kalends_db::Tx;
use kalends_kernel::Invalid;

use super::{Venue, VenueError, VenueInput, store};
use crate::access;
use crate::calendars;
use crate::changes::Op;
use crate::ctx::{Ctx, GlobalRole};

/// Makes a venue that the actor manages; organisers and administrators may.
pub async fn create(tx: &mut Tx, ctx: &Ctx, input: &VenueInput) -> Result<Venue, VenueError> {
    access::check_global(&ctx.actor, GlobalRole::Organizer)?;
    let owner = ctx.user().ok_or_else(|| Invalid::one("", "no-owner", "a venue belongs to an account"))?;
    let zone = match &input.zone {
        Some(zone) => zone.clone(),
        None => calendars::store::zone_of(tx, owner).await?,
    };
    let venue = Venue {
        id: ctx.ids.next(),
        owner,
        name: input.name.clone(),
        description: input.description.clone(),
        capacity: input.capacity,
        zone,
        conflicts: input.conflicts,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::insert(tx, &venue).await?;
    store::log(tx, ctx, &venue, Op::Created).await?;
    Ok(venue)
}
