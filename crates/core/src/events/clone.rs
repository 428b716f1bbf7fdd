use kalends_db::Tx;
use kalends_kernel::EventId;

use super::create::{CreateOptions, NewEvent, make, target};
use super::edit::{following, patched};
use super::write::WriteMeta;
use super::{Allowed, EventError, Origin, store};
use crate::access::{Can, Role};
use crate::ctx::Ctx;

/// Makes a new event like one that the actor sees whole, with changes. Without a calendar it goes into the original's,
/// if the actor may edit there, else into their own.
pub async fn clone(tx: &mut Tx, ctx: &Ctx, id: EventId, changes: &NewEvent) -> Result<Allowed, EventError> {
    let original = store::load(tx, ctx, id, Can::Copy).await?.event;
    let may_edit_there = crate::access::on_calendar(&ctx.actor, &original.facts.calendar)
        .is_some_and(|grant| grant.role >= Some(Role::Editor));
    let wished = changes.calendar_id.or(may_edit_there.then_some(original.calendar_id));
    let calendar = target(tx, ctx, wished).await?;
    let content =
        following(&original.content, patched(original.content.body(), &changes.body), &calendar.calendar.zone, false)?;
    let said = WriteMeta { on_conflict: changes.on_conflict, ..WriteMeta::of("clone") };
    let made = CreateOptions { uid: changes.uid.clone(), state: changes.state, origin: Origin::default(), said };
    make(tx, ctx, &calendar, content, made).await
}
