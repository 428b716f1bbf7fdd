use kalends_db::{Conn, Tx};
use kalends_kernel::{CalendarId, Invalid, UserId};
use serde_json::json;

use super::{Permission, SharingError, Wish, store};
use crate::access::{Can, Denied, Role};
use crate::calendars::{self, Calendar};
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

/// Who may do what on a calendar; its editors and owners may ask.
pub async fn calendar_permissions(conn: &mut Conn, ctx: &Ctx, id: CalendarId) -> Result<Vec<Permission>, SharingError> {
    calendars::load(conn, ctx, id, Can::SeePermissions).await?;
    Ok(store::on_calendar(conn, id).await?)
}

/// Gives people roles on a calendar, all of them or none.
pub async fn share_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    wishes: &[Wish],
) -> Result<Vec<Permission>, SharingError> {
    calendars::store::lock(tx, id).await?;
    let calendar = calendars::load(tx, ctx, id, Can::Share).await?.calendar;
    let roles = find_accounts(tx, wishes).await?;
    for (user, role) in roles {
        set(tx, ctx, &calendar, user, Some(role)).await?;
    }
    Ok(store::on_calendar(tx, id).await?)
}

/// Gives one person a role on a calendar.
pub async fn change_on_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    user: UserId,
    role: Role,
) -> Result<Permission, SharingError> {
    let all = share_calendar(tx, ctx, id, &[Wish { who: super::Invitation::User(user), role }])
        .await
        .map_err(no_such_person)?;
    all.into_iter().find(|permission| permission.user == user).ok_or(SharingError::Denied(Denied::NotFound))
}

/// Takes a person's role on a calendar away. Owners may, and everybody may leave. A second time is no news.
pub async fn revoke_on_calendar(tx: &mut Tx, ctx: &Ctx, id: CalendarId, user: UserId) -> Result<(), SharingError> {
    calendars::store::lock(tx, id).await?;
    let can = if ctx.user() == Some(user) { Can::See } else { Can::Share };
    let calendar = calendars::load(tx, ctx, id, can).await?.calendar;
    set(tx, ctx, &calendar, user, None).await
}

async fn set(
    tx: &mut Tx,
    ctx: &Ctx,
    calendar: &Calendar,
    user: UserId,
    role: Option<Role>,
) -> Result<(), SharingError> {
    let id = calendar.id;
    let before = store::on_calendar(tx, id).await?;
    let old = before.iter().find(|permission| permission.user == user).map(|permission| permission.role);
    if old == role {
        return Ok(());
    }
    let other_owner = before.iter().find(|permission| permission.role == Role::Owner && permission.user != user);
    if old == Some(Role::Owner) {
        let Some(heir) = other_owner else { return Err(SharingError::LastOwner) };
        if calendar.is_default && calendar.owner == user {
            return Err(SharingError::Default);
        }
        if store::owner(tx, id).await? == Some(user) {
            store::set_owner(tx, id, heir.user).await?;
            // Everybody who sees the calendar sees whose it is.
            let handed_on = Change {
                kind: Kind::Calendar,
                op: Op::Updated,
                record: id.uuid(),
                calendar: Some(id),
                user: Some(heir.user),
                version: Some(calendar.version),
                detail: Some(json!({"owner": {"from": user, "to": heir.user}})),
            };
            changes::record(tx, ctx, handed_on).await?;
        }
    }
    match role {
        Some(role) => store::put_on_calendar(tx, id, user, role, ctx.now).await?,
        None => store::remove_from_calendar(tx, id, user).await?,
    }
    let change = Change {
        kind: Kind::CalendarPermission,
        op: op(old, role),
        record: id.uuid(),
        calendar: Some(id),
        user: Some(user),
        version: None,
        detail: Some(json!({"from": old.map(Role::name), "to": role.map(Role::name)})),
    };
    Ok(changes::record(tx, ctx, change).await?)
}

pub(super) fn op(old: Option<Role>, new: Option<Role>) -> Op {
    match (old, new) {
        (None, _) => Op::Created,
        (_, None) => Op::Deleted,
        _ => Op::Updated,
    }
}

/// The accounts behind the wishes; every one that is not there is named.
pub(super) async fn find_accounts(conn: &mut Conn, wishes: &[Wish]) -> Result<Vec<(UserId, Role)>, SharingError> {
    let mut invalid = Invalid::new();
    let mut roles: Vec<(UserId, Role)> = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        match store::account(conn, &wish.who).await? {
            None => invalid.add(format!("/users/{index}"), "unknown-user", "there is no such account"),
            Some(user) if roles.iter().any(|(other, _)| *other == user) => {
                invalid.add(format!("/users/{index}"), "duplicate", "the same person is named twice")
            }
            Some(user) => roles.push((user, wish.role)),
        }
    }
    Ok(invalid.or(roles)?)
}

/// In `…/permissions/{user_id}` an unknown person is a path that is not there.
pub(super) fn no_such_person(error: SharingError) -> SharingError {
    match error {
        SharingError::Invalid(_) => SharingError::Denied(Denied::NotFound),
        other => other,
    }
}
