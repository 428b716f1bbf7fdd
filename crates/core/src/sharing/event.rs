use kalends_db::{Conn, Tx};
use kalends_kernel::{CalendarId, EventId, GroupId, UserId};
use serde_json::json;
use uuid::Uuid;

use super::calendar::op;
use super::grants::{self, Target, find_targets};
use super::store::groups::{On, Reach};
use super::store::members as member_store;
use super::{Invitation, Permission, SharingError, Wish, store};
use crate::access::{Can, Denied, Role};
use crate::calendars::Conflicts;
use crate::changes::{self, Change, Kind};
use crate::conflicts::{self, Report};
use crate::ctx::Ctx;
use crate::events::{self, Event};

/// Who may do what on an event, those of its calendar included; its editors and owners may ask, owners are told of
/// addresses too.
pub async fn event_permissions(conn: &mut Conn, ctx: &Ctx, id: EventId) -> Result<Vec<Permission>, SharingError> {
    let allowed = events::load(conn, ctx, id, Can::SeePermissions).await?;
    Ok(all(conn, &allowed.event, allowed.grant.role).await?)
}

/// The event's own, then those of its calendar.
async fn all(conn: &mut Conn, event: &Event, role: Option<Role>) -> Result<Vec<Permission>, kalends_db::Error> {
    let with_addresses = role == Some(Role::Owner);
    let people = store::on_event(conn, event.id, event.calendar_id).await?;
    let (inherited, own): (Vec<Permission>, Vec<Permission>) = people.into_iter().partition(|one| one.inherited);
    let mut permissions = own;
    permissions.extend(grants::permissions(conn, On::Event(event.id), with_addresses, false).await?);
    permissions.extend(inherited);
    permissions.extend(grants::permissions(conn, On::Calendar(event.calendar_id), with_addresses, true).await?);
    Ok(permissions)
}

/// Gives people, groups and addresses roles on one event, all of them or none; and says what the people who are named are
/// busy with then, unless nobody asks. With `on_conflict` `reject` that stands against it.
pub async fn share_event(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    wishes: &[Wish],
    on_conflict: Option<Conflicts>,
) -> Result<(Vec<Permission>, Option<Report>), SharingError> {
    events::lock(tx, id).await?;
    let event = events::load(tx, ctx, id, Can::Share).await?.event;
    let mut people = Vec::new();
    for (target, role) in find_targets(tx, ctx, wishes).await? {
        match target {
            Target::User(user) => {
                people.push(user);
                set(tx, ctx, &event, user, Some(role)).await?;
            }
            group => grants::put(tx, ctx, On::Event(id), group, role).await?,
        }
    }
    let report = conflicts::of_people(tx, ctx, &event, people, on_conflict).await?;
    Ok((all(tx, &event, Some(Role::Owner)).await?, report))
}

/// Gives one person, or a group or address that has a role already, another role on one event.
pub async fn change_on_event(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    whose: Uuid,
    role: Role,
) -> Result<Permission, SharingError> {
    events::lock(tx, id).await?;
    let event = events::load(tx, ctx, id, Can::Share).await?.event;
    if !grants::change(tx, ctx, On::Event(id), GroupId::new(whose), role).await? {
        let user = store::account(tx, &Invitation::User(UserId::new(whose))).await?.ok_or(Denied::NotFound)?;
        set(tx, ctx, &event, user, Some(role)).await?;
    }
    let all = all(tx, &event, Some(Role::Owner)).await?;
    all.into_iter()
        .find(|permission| permission.id() == whose && !permission.inherited)
        .ok_or(SharingError::Denied(Denied::NotFound))
}

/// Takes the own role of a person, group or address on an event away; what they are to its calendar stays. Owners may, and
/// everybody may leave.
pub async fn revoke_on_event(tx: &mut Tx, ctx: &Ctx, id: EventId, whose: Uuid) -> Result<(), SharingError> {
    events::lock(tx, id).await?;
    let user = UserId::new(whose);
    let leaves = ctx.user() == Some(user);
    let event = events::load(tx, ctx, id, if leaves { Can::See } else { Can::Share }).await?.event;
    if leaves {
        grants::leave(tx, ctx, On::Event(id), user).await?;
    } else if grants::take(tx, ctx, On::Event(id), GroupId::new(whose)).await? {
        return Ok(());
    }
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
        let Some(user) = permission.user() else { continue };
        let was = store::groups::effective(tx, On::Event(id), user).await?;
        changes::record(tx, ctx, change(id, calendar, user, was, None)).await?;
    }
    for grant in store::groups::grants(tx, On::Event(id)).await? {
        grants::log(tx, ctx, On::Event(id), grant.group, Some(grant.role), None).await?;
        let reach = Reach { group: grant.group, member: None, on: Some(On::Event(id)), op: "deleted", was: None };
        store::groups::record(tx, ctx, &reach).await?;
    }
    Ok(())
}

async fn set(tx: &mut Tx, ctx: &Ctx, event: &Event, user: UserId, role: Option<Role>) -> Result<(), SharingError> {
    let before = store::on_event(tx, event.id, event.calendar_id).await?;
    let old = before
        .iter()
        .find(|permission| permission.user() == Some(user) && !permission.inherited)
        .map(|permission| permission.role);
    let inherits_ownership = before
        .iter()
        .any(|permission| permission.inherited && permission.user() == Some(user) && permission.role == Role::Owner);
    let other_owner = before.iter().any(|permission| permission.role == Role::Owner && permission.user() != Some(user));
    // The calendar's owners own its events: to take that away from the only one would leave nobody.
    if role != Some(Role::Owner) && inherits_ownership && !other_owner && !by_group(tx, event, user).await? {
        return Err(SharingError::LastOwner);
    }
    if old == role {
        return Ok(());
    }
    // What they were in all, through groups too: delta sync goes back by it.
    let was = store::groups::effective(tx, On::Event(event.id), user).await?;
    match role {
        Some(role) => {
            store::put_on_event(tx, event.id, user, role, ctx.now).await?;
            store::granted_on_event(tx, event.id, user, ctx.user()).await?;
        }
        None => store::remove_from_event(tx, event.id, user).await?,
    }
    Ok(changes::record(tx, ctx, change(event.id, event.calendar_id, user, was, role)).await?)
}

/// Whether somebody else owns the event, or its calendar, through a group.
async fn by_group(tx: &mut Tx, event: &Event, but: UserId) -> Result<bool, kalends_db::Error> {
    let of_event = member_store::owner_by_group(tx, On::Event(event.id), but).await?;
    Ok(of_event.or(member_store::owner_by_group(tx, On::Calendar(event.calendar_id), but).await?).is_some())
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
