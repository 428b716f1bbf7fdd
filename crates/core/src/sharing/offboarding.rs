//! What becomes of what somebody shares when their account is deleted: no calendar that others use is left without an owner.

use kalends_db::{Result, Tx};
use kalends_kernel::{CalendarId, UserId};
use serde_json::json;

use super::calendar::hand_over;
use super::store::{self, groups as group_store, members as member_store};
use super::{Permission, groups};
use crate::access::Role;
use crate::calendars;
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;
use crate::events;

/// Takes a person out of everything that is shared. Their calendars pass to another owner; one that has none and that
/// others use passes to an administrator (who can give it on), else to whoever may do most in it; what nobody else uses, and
/// the calendar that the account was made with, goes to the trash unless it has another owner. Their groups pass to
/// somebody in them.
pub async fn leave_all(tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<()> {
    for id in store::calendars_of(tx, user).await? {
        pass_on(tx, ctx, id, user).await?;
    }
    for (id, role) in store::roles_on_calendars(tx, user).await? {
        store::remove_from_calendar(tx, id, user).await?;
        record(tx, ctx, Kind::CalendarPermission, id.uuid(), Some(id), user, role).await?;
    }
    for (id, calendar, role) in store::roles_on_events(tx, user).await? {
        store::remove_from_event(tx, id, user).await?;
        record(tx, ctx, Kind::EventPermission, id.uuid(), Some(calendar), user, role).await?;
    }
    for group in member_store::memberships(tx, user).await? {
        group_store::lock(tx, group).await?;
        groups::expel(tx, ctx, group, user).await?;
    }
    for id in group_store::owned_by(tx, user).await? {
        group_store::lock(tx, id).await?;
        match member_store::first_member(tx, id).await? {
            Some(heir) => group_store::set_owner(tx, id, heir, ctx.now).await?,
            None => groups::remove(tx, ctx, id).await?,
        }
    }
    Ok(())
}

async fn pass_on(tx: &mut Tx, ctx: &Ctx, id: CalendarId, user: UserId) -> Result<()> {
    calendars::store::lock(tx, id).await?;
    let Some(calendar) = store::calendar_of(tx, id, user).await? else { return Ok(()) };
    let mut others: Vec<Permission> = store::on_calendar(tx, id).await?;
    others.retain(|permission| permission.user() != Some(user));
    // The strongest first; among equals who has had the role longest (they come so).
    others.sort_by_key(|permission| std::cmp::Reverse(permission.role));
    let is_used = !others.is_empty()
        || calendar.is_open
        || !group_store::grants(tx, group_store::On::Calendar(id)).await?.is_empty();
    let owners = others.iter().filter(|permission| permission.role == Role::Owner).filter_map(Permission::user);
    let mut heirs: Vec<UserId> = owners.collect();
    if is_used && !calendar.is_default {
        heirs.extend(store::admins(tx, user).await?);
        heirs.extend(others.iter().filter_map(Permission::user));
    }
    for heir in heirs {
        if !store::lock_active(tx, heir).await? {
            continue;
        }
        let old = others.iter().find(|permission| permission.user() == Some(heir)).map(|permission| permission.role);
        if old != Some(Role::Owner) {
            let was = group_store::effective(tx, group_store::On::Calendar(id), heir).await?;
            store::put_on_calendar(tx, id, heir, Role::Owner, ctx.now).await?;
            let change = Change {
                kind: Kind::CalendarPermission,
                op: super::calendar::op(old, Some(Role::Owner)),
                record: id.uuid(),
                calendar: Some(id),
                user: Some(heir),
                version: None,
                detail: Some(json!({"from": was.map(Role::name), "to": "owner"})),
            };
            changes::record(tx, ctx, change).await?;
        }
        if calendar.is_default {
            store::no_longer_default(tx, id).await?;
            // What others wrote into it was the leaver's time; now it is their own.
            events::derive_again(tx, ctx, id).await?;
        }
        return hand_over(tx, ctx, id, user, heir).await;
    }
    calendars::trash(tx, ctx, id, calendar.version).await
}

async fn record(
    tx: &mut Tx,
    ctx: &Ctx,
    kind: Kind,
    record: uuid::Uuid,
    calendar: Option<CalendarId>,
    user: UserId,
    role: Role,
) -> Result<()> {
    let change = Change {
        kind,
        op: Op::Deleted,
        record,
        calendar,
        user: Some(user),
        version: None,
        detail: Some(json!({"from": role.name(), "to": null})),
    };
    changes::record(tx, ctx, change).await
}
