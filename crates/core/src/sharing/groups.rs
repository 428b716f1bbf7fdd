//! Groups of people that one can share with together. Who is in one has what it is given, from the commit on.

use jiff::Timestamp;
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Cursor, GroupId, Invalid, Page, UserId};
use serde_json::{Map, Value, json};

use super::store::groups::{self as store, Reach};
use super::store::members as member_store;
use super::{Invitation, grants, input};
use crate::access::{self, Denied, Role};
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

/// A group, and whether the actor who loaded it is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Who changes it.
    pub owner: UserId,
    /// Counts its changes; for ETags.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether the actor is in it.
    pub is_member: bool,
}

/// Somebody in a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The account.
    pub user: UserId,
    /// Its name for people.
    pub name: String,
    /// Its user name.
    pub username: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a command on a group was refused.
#[derive(Debug)]
pub enum GroupError {
    /// The actor may not.
    Denied(Denied),
    /// The input is wrong.
    Invalid(Invalid),
    /// It was changed since the version that the caller names; this is what it is now.
    Changed(Box<Group>),
    /// A fault.
    Internal(Error),
}

impl From<Error> for GroupError {
    fn from(error: Error) -> Self {
        GroupError::Internal(error)
    }
}
impl From<Denied> for GroupError {
    fn from(denied: Denied) -> Self {
        GroupError::Denied(denied)
    }
}
impl From<Invalid> for GroupError {
    fn from(invalid: Invalid) -> Self {
        GroupError::Invalid(invalid)
    }
}

/// How many groups one account may own.
const MOST_GROUPS: i64 = 200;
/// How many people a group may have.
const MOST_MEMBERS: i64 = 1_000;
/// How many people one request may add.
const MOST_AT_ONCE: usize = 200;

struct Input {
    name: String,
    description: String,
    owner: Option<UserId>,
}

fn parse(body: &Map<String, Value>) -> Result<Input, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let name = fields.text("name", Text::line(200).filled());
    let name = fields.require("name", name);
    let description = fields.text("description", Text::lines(2_000)).unwrap_or_default();
    let owner = fields.parsed("owner_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"));
    fields.finish().or(Input { name: name.unwrap_or_default(), description, owner })
}

/// The group, if the actor may look at it; with `Role::Owner` if they may change it.
pub async fn group(conn: &mut Conn, ctx: &Ctx, id: GroupId, needs: Role) -> Result<Group, GroupError> {
    let group = store::group(conn, ctx.user(), id).await?.ok_or(Denied::NotFound)?;
    let role =
        access::on_group(&ctx.actor, ctx.user() == Some(group.owner), group.is_member).ok_or(Denied::NotFound)?;
    if role >= needs { Ok(group) } else { Err(Denied::Needs(needs).into()) }
}

/// The groups that the actor owns or is in, by name.
pub async fn groups(
    conn: &mut Conn,
    user: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<Group>, Error> {
    let found = store::groups_of(conn, user, i64::from(limit) + 1, cursor).await?;
    Ok(page(found, limit, |last| Cursor { key: last.name.clone(), id: last.id.uuid(), part: String::new(), of }))
}

/// The members of a group, by user name; who is in it sees them.
pub async fn members(
    conn: &mut Conn,
    ctx: &Ctx,
    id: GroupId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<Member>, GroupError> {
    group(conn, ctx, id, Role::Viewer).await?;
    let found = member_store::members(conn, id, i64::from(limit) + 1, cursor).await?;
    Ok(page(found, limit, |last| Cursor { key: last.username.clone(), id: last.user.uuid(), part: String::new(), of }))
}

fn page<T>(mut found: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(cursor);
    Page { items: found, next }
}

/// Makes a group that belongs to the actor, who is in it.
pub async fn create_group(tx: &mut Tx, ctx: &Ctx, body: &Map<String, Value>) -> Result<Group, GroupError> {
    let owner = ctx.user().ok_or(Denied::NotFound)?;
    let input = parse(body)?;
    if input.owner.is_some_and(|given| given != owner) {
        return Err(Invalid::one("/owner_id", "read-only", "a new group belongs to whoever makes it").into());
    }
    if store::owned_groups(tx, owner).await? >= MOST_GROUPS {
        let detail = format!("an account may own {MOST_GROUPS} groups; delete one first");
        return Err(Invalid::one("", "too-many", detail).into());
    }
    let group = Group {
        id: ctx.ids.next(),
        name: input.name,
        description: input.description,
        owner,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
        is_member: true,
    };
    store::insert(tx, &group).await?;
    member_store::add_member(tx, group.id, owner, ctx.now).await?;
    log(tx, ctx, group.id, Op::Created, 1).await?;
    Ok(group)
}

/// Applies a merge patch to a group; its owner may, and hand it to one of its members.
pub async fn edit_group(
    tx: &mut Tx,
    ctx: &Ctx,
    id: GroupId,
    patch: &Map<String, Value>,
    is_current: impl Fn(i64) -> bool,
) -> Result<Group, GroupError> {
    store::lock(tx, id).await?;
    let old = group(tx, ctx, id, Role::Owner).await?;
    if !is_current(old.version) {
        return Err(GroupError::Changed(Box::new(old)));
    }
    let mut body = json!({"name": old.name, "description": old.description, "owner_id": old.owner});
    let read_only = ["id", "my_role", "version", "created_at", "updated_at"];
    let patch = patch.iter().filter(|(name, _)| !read_only.contains(&name.as_str()));
    json_patch::merge(&mut body, &patch.map(|(name, value)| (name.clone(), value.clone())).collect());
    let input = parse(body.as_object().unwrap_or(&Map::new()))?;
    let owner = input.owner.unwrap_or(old.owner);
    if owner != old.owner && !member_store::is_member(tx, id, owner).await? {
        return Err(Invalid::one("/owner_id", "not-a-member", "must be somebody who is in the group").into());
    }
    let new = Group { name: input.name, description: input.description, owner, ..old.clone() };
    if new == old {
        return Ok(old);
    }
    let new = Group { version: old.version + 1, updated_at: ctx.now, ..new };
    store::update(tx, &new).await?;
    log(tx, ctx, id, Op::Updated, new.version).await?;
    Ok(new)
}

/// Deletes a group; what it was given goes with it. A second time is no news.
pub async fn delete_group(tx: &mut Tx, ctx: &Ctx, id: GroupId) -> Result<(), GroupError> {
    store::lock(tx, id).await?;
    let old = match group(tx, ctx, id, Role::Owner).await {
        Err(GroupError::Denied(Denied::NotFound)) if store::was_deleted_by(tx, id, ctx.user()).await? => return Ok(()),
        other => other?,
    };
    log(tx, ctx, id, Op::Deleted, old.version + 1).await?;
    Ok(remove(tx, ctx, id).await?)
}

async fn log(tx: &mut Tx, ctx: &Ctx, id: GroupId, op: Op, version: i64) -> Result<(), Error> {
    let (kind, user) = (Kind::Group, ctx.user());
    let change = Change { kind, op, record: id.uuid(), calendar: None, user, version: Some(version), detail: None };
    changes::record(tx, ctx, change).await
}

/// Writes into the logs that somebody came into the group, or left it.
async fn log_member(tx: &mut Tx, ctx: &Ctx, id: GroupId, member: UserId, came: bool) -> Result<(), Error> {
    let detail = json!({"member": {"id": member, "op": if came { "added" } else { "removed" }}});
    let change = Change {
        kind: Kind::Group,
        op: Op::Updated,
        record: id.uuid(),
        calendar: None,
        user: Some(member),
        version: None,
        detail: Some(detail),
    };
    changes::record(tx, ctx, change).await
}

/// Takes a group away, with everything it was given.
pub(super) async fn remove(tx: &mut Tx, ctx: &Ctx, id: GroupId) -> Result<(), Error> {
    for (on, role) in store::grants_of(tx, id).await? {
        grants::log(tx, ctx, on, id, Some(role), None).await?;
    }
    store::record(tx, ctx, &Reach { group: id, member: None, on: None, op: "deleted", was: None }).await?;
    store::delete(tx, id).await
}

/// Reads `{users: [{user_id | username}]}`.
pub fn parse_members(body: &Map<String, Value>) -> Result<Vec<Invitation>, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let people = fields.list("users", MOST_AT_ONCE, input::parse_person);
    let people = fields.require("users", people);
    if fields.value("users").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        fields.error("users", "empty", "must name at least one person");
    }
    fields.finish().or(people.unwrap_or_default())
}

/// Puts people into a group, all of them or none; its owner may. Gives how many are in it now.
pub async fn add_members(tx: &mut Tx, ctx: &Ctx, id: GroupId, people: &[Invitation]) -> Result<i64, GroupError> {
    store::lock(tx, id).await?;
    group(tx, ctx, id, Role::Owner).await?;
    let more = i64::try_from(people.len()).unwrap_or(i64::MAX);
    grants::bounded(tx, id, 0, more).await??;
    let mut invalid = Invalid::new();
    for (index, person) in people.iter().enumerate() {
        let Some(user) = super::store::account(tx, person).await? else {
            invalid.add(format!("/users/{index}"), "unknown-user", "there is no such account");
            continue;
        };
        if member_store::add_member(tx, id, user, ctx.now).await? {
            log_member(tx, ctx, id, user, true).await?;
            store::record(tx, ctx, &Reach { group: id, member: Some(user), on: None, op: "created", was: Some(0) })
                .await?;
        }
    }
    let count = member_store::member_count(tx, id).await?;
    if count > MOST_MEMBERS {
        invalid.add("/users", "too-many", format!("a group may have {MOST_MEMBERS} members"));
    }
    Ok(invalid.or(count)?)
}

/// Takes somebody out of a group. Its owner may, and everybody may leave. A second time is no news.
pub async fn remove_member(tx: &mut Tx, ctx: &Ctx, id: GroupId, user: UserId) -> Result<(), GroupError> {
    store::lock(tx, id).await?;
    let needs = if ctx.user() == Some(user) { Role::Viewer } else { Role::Owner };
    group(tx, ctx, id, needs).await?;
    expel(tx, ctx, id, user).await?;
    Ok(())
}

/// Takes somebody out of a group.
pub(super) async fn expel(tx: &mut Tx, ctx: &Ctx, id: GroupId, user: UserId) -> Result<(), Error> {
    if !member_store::is_member(tx, id, user).await? {
        return Ok(());
    }
    log_member(tx, ctx, id, user, false).await?;
    store::record(tx, ctx, &Reach { group: id, member: Some(user), on: None, op: "deleted", was: None }).await?;
    member_store::remove_member(tx, id, user).await
}
