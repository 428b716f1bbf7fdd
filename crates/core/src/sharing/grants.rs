//! What groups and addresses may do. An address that nobody has shown to be theirs yet is shared with like any other: the
//! answer is the same, so that nobody learns who has an account here.

use jiff::SignedDuration;
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::{EmailAddress, GroupId, Invalid, UserId};
use serde_json::{Value, json};

use super::store::groups::{self as store, Grant, On, Reach};
use super::store::members as member_store;
use super::{Invitation, Permission, Principal, SharingError, Wish, groups};
use crate::access::Role;
use crate::changes::{self, Change, Kind};
use crate::ctx::Ctx;

/// Whom a role is given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    User(UserId),
    Group(GroupId),
    /// The group that stands for an address.
    Address(GroupId),
}

/// How many groups and addresses may have a role on one calendar or event.
const MOST: usize = 300;
/// How long it is waited for somebody to show that an address is theirs.
const WAIT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Who is behind the wishes; everybody who is not there is named.
pub(super) async fn find_targets(tx: &mut Tx, ctx: &Ctx, wishes: &[Wish]) -> Result<Vec<(Target, Role)>, SharingError> {
    let mut invalid = Invalid::new();
    let mut roles: Vec<(Target, Role)> = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let at = format!("/users/{index}");
        let target = match &wish.who {
            Invitation::User(_) | Invitation::Username(_) => match super::store::account(tx, &wish.who).await? {
                Some(user) => Target::User(user),
                None => {
                    invalid.add(at, "unknown-user", "there is no such account");
                    continue;
                }
            },
            Invitation::Email(address) => Target::Address(address_group(tx, ctx, address).await?),
            Invitation::Group(id) => {
                store::lock(tx, *id).await?;
                match groups::group(tx, ctx, *id, Role::Viewer).await {
                    Ok(_) => Target::Group(*id),
                    Err(groups::GroupError::Internal(error)) => return Err(error.into()),
                    Err(_) => {
                        invalid.add(at, "unknown-group", "there is no such group, or you are not in it");
                        continue;
                    }
                }
            }
        };
        if roles.iter().any(|(other, _)| *other == target) {
            invalid.add(at, "duplicate", "the same is named twice");
        } else {
            roles.push((target, wish.role));
        }
    }
    Ok(invalid.or(roles)?)
}

/// The group that stands for an address, with whoever has shown that it is theirs. The same work whether or not there is
/// somebody.
async fn address_group(tx: &mut Tx, ctx: &Ctx, address: &EmailAddress) -> Result<GroupId, Error> {
    store::lock_address(tx, &address.key()).await?;
    let group = store::of_address(tx, ctx, address).await?;
    store::link_holder(tx, group, &address.key(), ctx.now).await?;
    Ok(group)
}

/// Gives a group or an address a role.
pub(super) async fn put(tx: &mut Tx, ctx: &Ctx, on: On, target: Target, role: Role) -> Result<(), SharingError> {
    let (group, expires_at) = match target {
        Target::Group(group) => (group, None),
        Target::Address(group) => (group, ctx.now.checked_add(WAIT).ok()),
        Target::User(_) => return Ok(()),
    };
    let before = store::grants(tx, on).await?;
    let old = before.iter().find(|grant| grant.group == group).map(|grant| grant.role);
    if old == Some(role) {
        // No news; an address is waited for anew.
        return match expires_at {
            Some(_) => Ok(store::put_grant(tx, ctx, on, group, role, expires_at).await?),
            None => Ok(()),
        };
    }
    if old.is_none() && before.len() >= MOST {
        let detail = format!("at most {MOST} groups and addresses may have a role; take one away first");
        return Err(Invalid::one("/users", "too-many", detail).into());
    }
    if old.is_none() {
        bounded(tx, group, 1, 0).await??;
    }
    store::put_grant(tx, ctx, on, group, role, expires_at).await?;
    log(tx, ctx, on, group, old, Some(role)).await?;
    let op = super::calendar::op(old, Some(role)).name();
    let was = Some(old.map_or(0, Role::rank));
    Ok(store::record(tx, ctx, &Reach { group, member: None, on: Some(on), op, was }).await?)
}

/// Gives a group or address that has a role another one; false when it has none.
pub(super) async fn change(tx: &mut Tx, ctx: &Ctx, on: On, group: GroupId, role: Role) -> Result<bool, SharingError> {
    let grants = store::grants(tx, on).await?;
    let Some(grant) = grants.into_iter().find(|grant| grant.group == group) else { return Ok(false) };
    if grant.role == role {
        return Ok(true);
    }
    store::put_grant(tx, ctx, on, group, role, grant.expires_at).await?;
    log(tx, ctx, on, group, Some(grant.role), Some(role)).await?;
    store::record(tx, ctx, &Reach { group, member: None, on: Some(on), op: "updated", was: Some(grant.role.rank()) })
        .await?;
    Ok(true)
}

/// Takes the role of a group or address away; false when it has none.
pub(super) async fn take(tx: &mut Tx, ctx: &Ctx, on: On, group: GroupId) -> Result<bool, Error> {
    let grants = store::grants(tx, on).await?;
    let Some(grant) = grants.into_iter().find(|grant| grant.group == group) else { return Ok(false) };
    log(tx, ctx, on, group, Some(grant.role), None).await?;
    store::record(tx, ctx, &Reach { group, member: None, on: Some(on), op: "deleted", was: None }).await?;
    Ok(store::remove_grant(tx, on, group).await? > 0)
}

/// How many rows of the log one change of a group may take: one for each member and each thing that it has a role on.
const MOST_REACHED: i64 = 100_000;

/// Whether a group may have so many more roles and members: who is in it must come to know of each change in a bounded time.
pub(super) async fn bounded(
    tx: &mut Tx,
    group: GroupId,
    more_roles: i64,
    more_members: i64,
) -> Result<Result<(), Invalid>, Error> {
    let (roles, members) = (store::count_grants(tx, group).await?, member_store::member_count(tx, group).await?);
    if (roles + more_roles).saturating_mul((members + more_members).max(1)) > MOST_REACHED {
        let detail = format!(
            "the group's members times what is shared with it would be more than {MOST_REACHED}; share calendars instead of events"
        );
        return Ok(Err(Invalid::one("/users", "too-many", detail)));
    }
    Ok(Ok(()))
}

/// Whose role a row of the log is about, when it is nobody's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// A group.
    Group {
        /// Which.
        id: GroupId,
        /// What it was called then.
        name: String,
    },
    /// Whoever has shown that an address is theirs.
    Address {
        /// Names it in paths.
        id: GroupId,
        /// The address.
        email: String,
    },
}

impl Party {
    /// From the detail of a row.
    pub(crate) fn read(detail: &Value) -> Option<Party> {
        let party = detail.get("group")?;
        let text = |name: &str| party.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("id")?.parse().ok()?;
        Some(match text("email") {
            Some(email) => Party::Address { id, email },
            None => Party::Group { id, name: text("name").unwrap_or_default() },
        })
    }

    fn detail(&self) -> Value {
        match self {
            Party::Group { id, name } => json!({"id": id, "name": name}),
            Party::Address { id, email } => json!({"id": id, "email": email}),
        }
    }
}

/// Writes into the logs that a group or an address was given a role, or lost it: one row, whoever is in it.
pub(super) async fn log(
    tx: &mut Tx,
    ctx: &Ctx,
    on: On,
    group: GroupId,
    from: Option<Role>,
    to: Option<Role>,
) -> Result<(), Error> {
    let Some(party) = store::party(tx, group).await? else { return Ok(()) };
    let (kind, record) = match on {
        On::Calendar(id) => (Kind::CalendarPermission, id.uuid()),
        On::Event(id) => (Kind::EventPermission, id.uuid()),
    };
    let change = Change {
        kind,
        op: super::calendar::op(from, to),
        record,
        calendar: None,
        user: None,
        version: None,
        detail: Some(json!({"from": from.map(Role::name), "to": to.map(Role::name), "group": party.detail()})),
    };
    changes::record(tx, ctx, change).await
}

/// Somebody leaves: what was given to their addresses goes, too.
pub(super) async fn leave(tx: &mut Tx, ctx: &Ctx, on: On, user: UserId) -> Result<(), Error> {
    for group in store::addresses_of(tx, on, user).await? {
        take(tx, ctx, on, group).await?;
    }
    Ok(())
}

/// The groups that have a role; to owners also the addresses.
pub(super) async fn permissions(
    conn: &mut Conn,
    on: On,
    with_addresses: bool,
    inherited: bool,
) -> Result<Vec<Permission>, Error> {
    let grants = store::grants(conn, on).await?;
    let shown = grants.into_iter().filter(|grant| with_addresses || grant.email.is_none());
    Ok(shown.map(|grant| permission(grant, inherited)).collect())
}

fn permission(grant: Grant, inherited: bool) -> Permission {
    let principal = match grant.email {
        None => Principal::Group { id: grant.group, name: grant.name },
        Some(email) => Principal::Address { id: grant.group, email, expires_at: grant.expires_at },
    };
    Permission { principal, role: grant.role, inherited, created_at: grant.created_at, updated_at: grant.updated_at }
}

/// Somebody has shown that an address is theirs: what was shared with it is shared with them, unless it waited too long.
pub async fn address_verified(tx: &mut Tx, ctx: &Ctx, user: UserId, key: &str) -> Result<(), Error> {
    let Some(group) = store::find_address(tx, key).await? else { return Ok(()) };
    store::lock(tx, group).await?;
    if member_store::member_count(tx, group).await? == 0 {
        store::remove_expired(tx, group, ctx.now).await?;
    }
    if member_store::add_member(tx, group, user, ctx.now).await? {
        store::record(tx, ctx, &Reach { group, member: Some(user), on: None, op: "created", was: Some(0) }).await?;
    }
    Ok(())
}

/// An address is somebody's no more. `keeps` says whether they keep what was shared with it, under their own name (they
/// have another address now), or lose it (it never was theirs).
pub async fn address_given_up(tx: &mut Tx, ctx: &Ctx, user: UserId, key: &str, keeps: bool) -> Result<(), Error> {
    let Some(group) = store::find_address(tx, key).await? else { return Ok(()) };
    store::lock(tx, group).await?;
    if !member_store::is_member(tx, group, user).await? {
        return Ok(());
    }
    if keeps {
        for (on, role) in store::grants_of(tx, group).await? {
            super::store::keep(tx, on, user, role, ctx.now).await?;
            store::remove_grant(tx, on, group).await?;
        }
        return member_store::remove_member(tx, group, user).await;
    }
    groups::expel(tx, ctx, group, user).await
}
