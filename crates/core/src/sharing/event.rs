use kalends_db::{Conn, Tx};
use kalends_kernel::{CalendarId, EventId, UserId};
use serde_json::json;

use super::calendar::{find_accounts, no_such_person, op};
use super::{Invitation, Permission, SharingError, Wish, store};
use crate::access::{Can, Denied, Role};
use crate::changes::{self, Change, Kind};
use crate::ctx::Ctx;
use crate::events::{self, Event};

/// Who may do what on an event, those of its calendar included; its editors and owners may ask.
pub async fn event_permissions(conn: &mut Conn, ctx: &Ctx, id: EventId) -> Result<Vec<Permission>, SharingError> {
    let event = events::load(conn, ctx, id, Can::SeePermissions).await?.event;
    Ok(store::on_event(conn, id, event.calendar_id).await?)
}

/// Gives people roles on one event, all of them or none.
pub async fn share_event(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    wishes: &[Wish],
) -> Result<Vec<Permission>, SharingError> {
    events::lock(tx, id).await?;
    let event = events::load(tx, ctx, id, Can::Share).await?.event;
    let roles = find_accounts(tx, wishes).await?;
    for (user, role) in roles {
        set(tx, ctx, &event, user, Some(role)).await?;
    }
    Ok(store::on_event(tx, id, event.calendar_id).await?)
}

/// Gives one person a role on one event.
pub async fn change_on_event(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    user: UserId,
    role: Role,
) -> Result<Permission, SharingError> {
    let all = share_event(tx, ctx, id, &[Wish { who: Invitation::User(user), role }]).await.map_err(no_such_person)?;
    all.into_iter()
        .find(|permission| permission.user == user && !permission.inherited)
        .ok_or(SharingError::Denied(Denied::NotFound))
}

/// Takes a person's own role on an event away; what they are to its calendar stays. Owners may, and everybody may leave.
pub async fn revoke_on_event(tx: &mut Tx, ctx: &Ctx, id: EventId, user: UserId) -> Result<(), SharingError> {
    events::lock(tx, id).await?;
    let can = if ctx.user() == Some(user) { Can::See } else { Can::Share };
    let event = events::load(tx, ctx, id, can).await?.event;
    set(tx, ctx, &event, user, None).await
}

/// Writes into the log that everybody loses their own role on an event that is about to be deleted for good.
pub(crate) async fn withdraw_from_event(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    calendar: CalendarId,
) -> kalends_db::Result<()> {
    for permission in store::on_event(tx, id, calendar).await?.iter().filter(|permission| !permission.inherited) {
        changes::record(tx, ctx, change(id, calendar, permission.user, Some(permission.role), None)).await?;
    }
    Ok(())
}

async fn set(tx: &mut Tx, ctx: &Ctx, event: &Event, user: UserId, role: Option<Role>) -> Result<(), SharingError> {
    let before = store::on_event(tx, event.id, event.calendar_id).await?;
    let old = before
        .iter()
        .find(|permission| permission.user == user && !permission.inherited)
        .map(|permission| permission.role);
    let inherits_ownership = before
        .iter()
        .any(|permission| permission.inherited && permission.user == user && permission.role == Role::Owner);
    let other_owner = before.iter().any(|permission| permission.role == Role::Owner && permission.user != user);
    // The calendar's owners own its events: to take that away from the only one would leave nobody.
    if role != Some(Role::Owner) && inherits_ownership && !other_owner {
        return Err(SharingError::LastOwner);
    }
    if old == role {
        return Ok(());
    }
    match role {
        Some(role) => store::put_on_event(tx, event.id, user, role, ctx.now).await?,
        None => store::remove_from_event(tx, event.id, user).await?,
    }
    Ok(changes::record(tx, ctx, change(event.id, event.calendar_id, user, old, role)).await?)
}

fn change(id: EventId, calendar: CalendarId, user: UserId, from: Option<Role>, to: Option<Role>) -> Change {
    Change {
        kind: Kind::EventPermission,
        op: op(from, to),
        record: id.uuid(),
        calendar: Some(calendar),
        user: Some(user),
        version: None,
        detail: Some(json!({"from": from.map(Role::name), "to": to.map(Role::name)})),
    }
}
