use kalends_db::Tx;
use kalends_kernel::{CalendarId, Invalid, UserId, Zone};

use super::{Allowed, Calendar, CalendarError, CalendarInput, Conflicts, store};
use crate::access::{self, CalendarFacts, CalendarVisibility, Can, Review, Role};
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::{Ctx, GlobalRole};
use crate::sharing;

/// Makes a calendar that belongs to the actor.
pub async fn create(tx: &mut Tx, ctx: &Ctx, input: &CalendarInput) -> Result<Allowed, CalendarError> {
    let owner = ctx.user().ok_or_else(|| Invalid::one("", "no-owner", "a calendar belongs to an account"))?;
    if input.visibility == CalendarVisibility::Public {
        access::check_global(&ctx.actor, GlobalRole::Organizer)?;
    }
    let zone = match &input.zone {
        Some(zone) => zone.clone(),
        None => store::zone_of(tx, owner).await?,
    };
    let id = insert(tx, ctx, owner, input, zone, false).await?;
    store::load(tx, ctx, id, Can::See).await
}

/// Makes the private calendar that every account has; events land in it when nobody says otherwise.
pub async fn create_default(tx: &mut Tx, ctx: &Ctx, owner: UserId, time_zone: &Zone) -> kalends_db::Result<CalendarId> {
    let input = CalendarInput {
        name: "My calendar".to_owned(),
        description: String::new(),
        color: None,
        zone: None,
        visibility: CalendarVisibility::Private,
        review: Review::None,
        conflicts: Conflicts::Ignore,
    };
    insert(tx, ctx, owner, &input, time_zone.clone(), true).await
}

async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    owner: UserId,
    input: &CalendarInput,
    zone: Zone,
    is_default: bool,
) -> kalends_db::Result<CalendarId> {
    let calendar = Calendar {
        id: ctx.ids.next(),
        owner,
        name: input.name.clone(),
        description: input.description.clone(),
        color: input.color.clone(),
        zone,
        conflicts: input.conflicts,
        is_default,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
        facts: CalendarFacts {
            visibility: input.visibility,
            review: input.review,
            role: Some(Role::Owner),
            deleted: false,
        },
    };
    store::insert(tx, &calendar).await?;
    sharing::store::put_on_calendar(tx, calendar.id, owner, Role::Owner, ctx.now).await?;
    let change = Change {
        kind: Kind::Calendar,
        op: Op::Created,
        record: calendar.id.uuid(),
        calendar: Some(calendar.id),
        user: Some(owner),
        version: Some(1),
        detail: None,
    };
    changes::record(tx, ctx, change).await?;
    Ok(calendar.id)
}
