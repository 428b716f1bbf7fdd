//! Groups of people over REST.

use axum::extract::State;
use kalends_core::access::Role;
use kalends_core::sharing::groups::{self, Group, Member};
use kalends_kernel::{GroupId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::is_current;
use crate::app::App;
use crate::extract::{Body, PathId, PathPair, SignedInCall};
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes of groups.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_groups, create_group))
        .routes(routes!(get_group, update_group, delete_group))
        .routes(routes!(list_members, add_members))
        .routes(routes!(remove_member))
}

/// A group of people.
#[derive(Serialize, ToSchema)]
#[schema(title = "Group", example = json!({
    "id": "01941f29-7c00-7ddd-8000-3d1c7e9a5b10", "name": "Board", "description": "", "owner_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10",
    "my_role": "owner", "version": 1, "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z"
}))]
pub struct GroupView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: GroupId,
    /// The name.
    name: String,
    /// The description.
    description: String,
    /// The account that owns the group.
    #[schema(value_type = uuid::Uuid)]
    owner_id: UserId,
    /// Your role in the group; null for administrators who are neither owner nor member.
    #[schema(required)]
    my_role: Option<&'static str>,
    /// The version. It grows with each change of the group, but not of its members.
    version: i64,
    /// The instant of creation.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
}

impl GroupView {
    /// The group as its member or owner sees it.
    pub fn of(group: &Group, viewer: Option<UserId>) -> GroupView {
        let member = group.is_member.then_some("member");
        GroupView {
            id: group.id,
            name: group.name.clone(),
            description: group.description.clone(),
            owner_id: group.owner,
            my_role: if viewer == Some(group.owner) { Some("owner") } else { member },
            version: group.version,
            created_at: group.created_at.to_string(),
            updated_at: group.updated_at.to_string(),
        }
    }

    /// Its ETag.
    pub fn etag(&self) -> String {
        etag(self.version, &[self.my_role.unwrap_or_default()])
    }
}

/// A page of groups.
#[derive(Serialize, ToSchema)]
pub struct GroupPage {
    /// The groups, by name.
    items: Vec<GroupView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
#[schema(title = "GroupMember")]
pub struct MemberView {
    /// The account.
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The display name.
    name: String,
    /// The user name.
    username: String,
    /// The instant at which the person became a member.
    created_at: String,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub struct MemberPage {
    /// The members, by user name.
    items: Vec<MemberView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The size of a group.
#[derive(Serialize, ToSchema)]
pub struct MemberCount {
    /// The number of members.
    members: i64,
}

/// A new group.
#[derive(Serialize, ToSchema)]
#[schema(title = "GroupInput", example = json!({"name": "Board", "description": "The board of the club"}))]
pub struct GroupBody {
    /// A name of 1 to 200 characters.
    name: String,
    /// At most 2,000 characters.
    description: Option<String>,
    /// The owner, who must be you.
    owner_id: Option<uuid::Uuid>,
}

/// The fields of a group to change. All are optional.
#[derive(Serialize, ToSchema)]
#[schema(title = "GroupPatch", example = json!({"name": "The board"}))]
pub struct GroupPatch {
    /// A name of 1 to 200 characters.
    name: Option<String>,
    /// At most 2,000 characters.
    description: Option<String>,
    /// The member who becomes the owner.
    owner_id: Option<uuid::Uuid>,
}

/// The people to add to a group.
#[derive(Serialize, ToSchema)]
#[schema(title = "MembersInput", example = json!({"users": [{"username": "bob"}]}))]
pub struct MembersBody {
    /// 1 to 200 people.
    users: Vec<MemberLine>,
}

/// A person to add to a group.
#[derive(Serialize, ToSchema)]
pub struct MemberLine {
    /// The person, by account id.
    user_id: Option<uuid::Uuid>,
    /// The person, by user name, ignoring case.
    username: Option<String>,
}

/// List groups
///
/// Returns the groups that you own or are a member of, sorted by name.
#[utoipa::path(get, path = "/api/v1/groups", tag = "groups", operation_id = "list_groups",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = GroupPage)))]
async fn list_groups(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let (limit, cursor, digest) = (query.limit(), query.cursor(), query.digest());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = groups::groups(&mut conn, call.user.id, limit, cursor.as_ref(), digest).await?;
    let items = page.items.iter().map(|group| GroupView::of(group, Some(call.user.id))).collect();
    Ok(Reply::ok(&GroupPage { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// Create a group
///
/// Creates a group that you own, makes you a member, and returns it.
#[utoipa::path(post, path = "/api/v1/groups", tag = "groups", operation_id = "create_group", request_body = GroupBody,
    responses((status = 201, description = "The resource was created. `Location` holds its path.", body = GroupView)))]
async fn create_group(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    write(&app, call.call, body.digest, body.map, |tx, ctx, body| {
        Box::pin(async move {
            let view = GroupView::of(&groups::create_group(tx, ctx, body).await?, ctx.user());
            Ok(Reply::created(format!("{}/groups/{}", crate::BASE, view.id), &view).etag(view.etag()))
        })
    })
    .await
}

/// Show a group
///
/// Returns a group. Visible to its owner, its members and administrators.
#[utoipa::path(get, path = "/api/v1/groups/{id}", tag = "groups", operation_id = "get_group", params(("id" = uuid::Uuid, Path, description = "The group.")),
    responses((status = 200, description = "The group", body = GroupView), (status = 304)))]
async fn get_group(State(app): State<App>, call: SignedInCall, PathId(id): PathId<GroupId>, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let view = GroupView::of(&groups::group(&mut conn, &call.call.ctx, id, Role::Viewer).await?, Some(call.user.id));
    Ok(Reply::unless_known(&call.call, view.etag(), &view))
}

/// Update a group
///
/// Applies a JSON merge patch (RFC 7396) and returns the updated group. The owner of the group can also hand it over to
/// one of its members. Requires the owner of the group.
#[utoipa::path(patch, path = "/api/v1/groups/{id}", tag = "groups", operation_id = "update_group", params(("id" = uuid::Uuid, Path, description = "The group.")), request_body = GroupPatch,
    responses((status = 200, description = "The updated resource.", body = GroupView), (status = 403, description = "Only the owner of the group may do this."),
        (status = 412)))]
async fn update_group(State(app): State<App>, call: SignedInCall, PathId(id): PathId<GroupId>, body: Body) -> Answer {
    let if_match = call.call.if_match.clone();
    write(&app, call.call.without_key(), body.digest, (id, body.map, if_match), |tx, ctx, (id, patch, if_match)| {
        Box::pin(async move {
            let group = groups::edit_group(tx, ctx, *id, patch, |version| is_current(if_match.as_ref(), version));
            let view = GroupView::of(&group.await?, ctx.user());
            Ok(Reply::ok(&view).etag(view.etag()))
        })
    })
    .await
}

/// Delete a group
///
/// Deletes a group and every permission that was given to it. Requires the owner of the group.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", tag = "groups", operation_id = "delete_group", params(("id" = uuid::Uuid, Path, description = "The group.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "Only the owner of the group may do this.")))]
async fn delete_group(State(app): State<App>, call: SignedInCall, PathId(id): PathId<GroupId>) -> Answer {
    write(&app, call.call.without_key(), [0; 32], id, |tx, ctx, id| {
        Box::pin(async move {
            groups::delete_group(tx, ctx, *id).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}

/// List the members of a group
///
/// Returns the members of a group, sorted by user name. Visible to the owner, the members and administrators.
#[utoipa::path(get, path = "/api/v1/groups/{id}/members", tag = "groups", operation_id = "list_group_members",
    params(("id" = uuid::Uuid, Path, description = "The group."), ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = MemberPage)))]
async fn list_members(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<GroupId>,
    mut query: Query,
) -> Answer {
    let (limit, cursor, digest) = (query.limit(), query.cursor(), query.digest());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = groups::members(&mut conn, &call.call.ctx, id, limit, cursor.as_ref(), digest).await?;
    let items = page.items.into_iter().map(|Member { user, name, username, since }| MemberView {
        user_id: user,
        name,
        username,
        created_at: since.to_string(),
    });
    Ok(Reply::ok(&MemberPage { items: items.collect(), next_cursor: page.next.map(|next| next.encode()) }))
}

/// Add members to a group
///
/// Adds people to a group, all or none, and returns the number of members. New members immediately get all permissions
/// of the group. A group can have 1,000 members. Requires the owner of the group.
#[utoipa::path(post, path = "/api/v1/groups/{id}/members", tag = "groups", operation_id = "add_group_members", params(("id" = uuid::Uuid, Path, description = "The group.")), request_body = MembersBody,
    responses((status = 200, description = "The number of members now.", body = MemberCount), (status = 403, description = "Only the owner of the group may do this.")))]
async fn add_members(State(app): State<App>, call: SignedInCall, PathId(id): PathId<GroupId>, body: Body) -> Answer {
    let people = groups::parse_members(&body.map)?;
    write(&app, call.call, body.digest, (id, people), |tx, ctx, (id, people)| {
        Box::pin(async move {
            let members = groups::add_members(tx, ctx, *id, people).await?;
            Ok(Reply::ok(&MemberCount { members }))
        })
    })
    .await
}

/// Remove a member from a group
///
/// Removes a person from a group; the permissions that they had through it end at once. Requires the owner of the
/// group, except for your own membership, which you can always end.
#[utoipa::path(delete, path = "/api/v1/groups/{id}/members/{user_id}", tag = "groups", operation_id = "remove_group_member",
    params(("id" = uuid::Uuid, Path, description = "The group."), ("user_id" = uuid::Uuid, Path, description = "The person.")),
    responses((status = 204, description = "The person is not a member any more."), (status = 403, description = "Only the owner of the group may do this.")))]
async fn remove_member(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, user): PathPair<GroupId, UserId>,
) -> Answer {
    write(&app, call.call.without_key(), [0; 32], (id, user), |tx, ctx, (id, user)| {
        Box::pin(async move {
            groups::remove_member(tx, ctx, *id, *user).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
