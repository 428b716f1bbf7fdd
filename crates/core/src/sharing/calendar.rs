use kalends_db::{Conn, Tx};
use kalends_kernel::{CalendarId, GroupId, UserId};
use serde_json::json;
use uuid::Uuid;

use super::grants::{self, Target, find_targets};
use super::store::groups::On;
use super::store::members as member_store;
use super::{Permission, SharingError, Wish, store};
use crate::access::{Can, Denied, Role};
use crate::calendars::{self, Calendar};
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

/// Who may do what on a calendar; its editors and owners may ask, owners are told of addresses too.
pub async fn calendar_permissions(conn: &mut Conn, ctx: &Ctx, id: CalendarId) -> Result<Vec<Permission>, SharingError> {
    let role = calendars::load(conn, ctx, id, Can::SeePermissions).await?.grant.role;
    Ok(all(conn, id, role).await?)
}

/// The people, the groups, and to owners the addresses.
async fn all(conn: &mut Conn, id: CalendarId, role: Option<Role>) -> Result<Vec<Permission>, kalends_db::Error> {
    let mut permissions = store::on_calendar(conn, id).await?;
    permissions.extend(grants::permissions(conn, On::Calendar(id), role == Some(Role::Owner), false).await?);
    Ok(permissions)
}

/// Gives people, groups and addresses roles on a calendar, all of them or none.
pub async fn share_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    wishes: &[Wish],
) -> Result<Vec<Permission>, SharingError> {
    calendars::store::lock(tx, id).await?;
    let calendar = calendars::load(tx, ctx, id, Can::Share).await?.calendar;
    for (target, role) in find_targets(tx, ctx, wishes).await? {
        match target {
            Target::User(user) => set(tx, ctx, &calendar, user, Some(role)).await?,
            group => grants::put(tx, ctx, On::Calendar(id), group, role).await?,
        }
    }
    Ok(all(tx, id, Some(Role::Owner)).await?)
}

/// Gives one person, or a group or address that has a role already, another role on a calendar.
pub async fn change_on_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    whose: Uuid,
    role: Role,
) -> Result<Permission, SharingError> {
    calendars::store::lock(tx, id).await?;
    let calendar = calendars::load(tx, ctx, id, Can::Share).await?.calendar;
    if !grants::change(tx, ctx, On::Calendar(id), GroupId::new(whose), role).await? {
        let who = super::Invitation::User(UserId::new(whose));
        let user = store::account(tx, &who).await?.ok_or(Denied::NotFound)?;
        set(tx, ctx, &calendar, user, Some(role)).await?;
    }
    let all = all(tx, id, Some(Role::Owner)).await?;
    all.into_iter().find(|permission| permission.id() == whose).ok_or(SharingError::Denied(Denied::NotFound))
}

/// Takes the role of a person, group or address on a calendar away. Owners may, and everybody may leave. A second time is
/// no news.
pub async fn revoke_on_calendar(tx: &mut Tx, ctx: &Ctx, id: CalendarId, whose: Uuid) -> Result<(), SharingError> {
    calendars::store::lock(tx, id).await?;
    let user = UserId::new(whose);
    let leaves = ctx.user() == Some(user);
    let calendar = calendars::load(tx, ctx, id, if leaves { Can::See } else { Can::Share }).await?.calendar;
    if leaves {
        grants::leave(tx, ctx, On::Calendar(id), user).await?;
    } else if grants::take(tx, ctx, On::Calendar(id), GroupId::new(whose)).await? {
        return Ok(());
    }
    set(tx, ctx, &calendar, user, None).await
}

pub(super) async fn set(
    tx: &mut Tx,
    ctx: &Ctx,
    calendar: &Calendar,
    user: UserId,
    role: Option<Role>,
) -> Result<(), SharingError> {
    let id = calendar.id;
    let before = store::on_calendar(tx, id).await?;
    let old = before.iter().find(|permission| permission.user() == Some(user)).map(|permission| permission.role);
    if old == role {
        return Ok(());
    }
    let mut other_owners =
        before.iter().filter(|permission| permission.role == Role::Owner).filter_map(Permission::user);
    if old == Some(Role::Owner) {
        let by_name = other_owners.find(|other| *other != user);
        let by_group = member_store::owner_by_group(tx, On::Calendar(id), user).await?;
        let heir = by_name.or(by_group).ok_or(SharingError::LastOwner)?;
        if calendar.is_default && calendar.owner == user {
            return Err(SharingError::Default);
        }
        if by_name.is_none() {
            promote(tx, ctx, id, &before, heir).await?;
        }
        if store::owner(tx, id).await? == Some(user) {
            hand_over(tx, ctx, id, user, heir).await?;
        }
    }
    // What they were in all, through groups too: delta sync goes back by it.
    let was = store::groups::effective(tx, On::Calendar(id), user).await?;
    match role {
        Some(role) => {
            store::put_on_calendar(tx, id, user, role, ctx.now).await?;
            store::granted_on_calendar(tx, id, user, ctx.user()).await?;
        }
        None => store::remove_from_calendar(tx, id, user).await?,
    }
    let change = Change {
        kind: Kind::CalendarPermission,
        op: op(old, role),
        record: id.uuid(),
        calendar: Some(id),
        user: Some(user),
        version: None,
        detail: Some(json!({"from": was.map(Role::name), "to": role.map(Role::name)})),
    };
    Ok(changes::record(tx, ctx, change).await?)
}

/// Makes somebody an owner by their own name, because the calendar is to belong to them; an account that is disabled or
/// deleted meanwhile is none.
async fn promote(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    before: &[Permission],
    heir: UserId,
) -> Result<(), SharingError> {
    if !store::lock_active(tx, heir).await? {
        return Err(SharingError::LastOwner);
    }
    let old = before.iter().find(|permission| permission.user() == Some(heir)).map(|permission| permission.role);
    store::put_on_calendar(tx, id, heir, Role::Owner, ctx.now).await?;
    let change = Change {
        kind: Kind::CalendarPermission,
        op: op(old, Some(Role::Owner)),
        record: id.uuid(),
        calendar: Some(id),
        user: Some(heir),
        version: None,
        // They owned it through their group.
        detail: Some(json!({"from": Role::Owner.name(), "to": Role::Owner.name()})),
    };
    Ok(changes::record(tx, ctx, change).await?)
}

/// The calendar belongs to this one of its owners from now on.
pub(super) async fn hand_over(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    old: UserId,
    heir: UserId,
) -> Result<(), kalends_db::Error> {
    let version = store::set_owner(tx, id, heir, ctx.now).await?;
    let change = Change {
        kind: Kind::Calendar,
        op: Op::Updated,
        record: id.uuid(),
        calendar: Some(id),
        user: Some(heir),
        version: Some(version),
        detail: Some(json!({"owner": {"from": old, "to": heir}})),
    };
    changes::record(tx, ctx, change).await
}

pub(super) fn op(old: Option<Role>, new: Option<Role>) -> Op {
    match (old, new) {
        (None, _) => Op::Created,
        (_, None) => Op::Deleted,
        _ => Op::Updated,
    }
}
