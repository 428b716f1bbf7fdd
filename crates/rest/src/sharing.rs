//! Sharing over REST: the same for calendars and events.

use axum::extract::State;
use kalends_core::conflicts::Report;
use kalends_core::sharing::{self, Permission, Principal, Transfer};
use kalends_kernel::{CalendarId, EventId, GroupId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::calendars::CalendarView;
use crate::conflicts::{ClashView, ReportView};
use crate::extract::{Body, PathId, PathPair, SignedInCall};
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

/// The routes of sharing.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(share_calendar))
        .routes(routes!(calendar_permissions))
        .routes(routes!(put_calendar_permission, delete_calendar_permission))
        .routes(routes!(transfer_calendar))
        .routes(routes!(share_event))
        .routes(routes!(event_permissions))
        .routes(routes!(put_event_permission, delete_event_permission))
}

/// A permission: the role of a person, of a group, or of whoever verifies an email address.
#[derive(Serialize, ToSchema)]
#[schema(title = "Permission", example = json!({
    "id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "user_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "name": "Bob Baumann", "username": "bob",
    "group_id": null, "email": null, "status": "active", "expires_at": null, "role": "editor", "inherited": false,
    "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z"
}))]
pub struct PermissionView {
    /// The id in `…/permissions/{id}`: that of the person, of the group, or of the invited email address.
    id: Uuid,
    /// The person; null for a group or an email address.
    #[schema(value_type = Option<Uuid>, required)]
    user_id: Option<UserId>,
    /// The display name of the person or the name of the group; null for an email address.
    #[schema(required)]
    name: Option<String>,
    /// The user name of the person; null otherwise.
    #[schema(required)]
    username: Option<String>,
    /// The group; null otherwise.
    #[schema(value_type = Option<Uuid>, required)]
    group_id: Option<GroupId>,
    /// The email address; null otherwise. Shown only to owners.
    #[schema(required)]
    email: Option<String>,
    /// `active`, or `pending` for an email address. The response does not reveal whether an account has this address.
    status: &'static str,
    /// For an email address: the instant until which it can be verified; null otherwise.
    #[schema(required)]
    expires_at: Option<String>,
    /// The role.
    role: &'static str,
    /// Whether the role comes from the calendar of the event and is changed there.
    inherited: bool,
    /// The instant at which the role was given.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
}

/// The permissions on a calendar or an event.
#[derive(Serialize, ToSchema)]
pub struct Permissions {
    /// The permissions in the order in which they were given; for an event, its own first and then those of its
    /// calendar.
    items: Vec<PermissionView>,
    /// Always null, because there is only one page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// After sharing an event under the policy `warn` or `reject`: the events that keep the named people busy at that
    /// time, as far as you may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflicts: Option<Vec<ClashView>>,
    /// With `conflicts`: the instant up to which they were checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checked_until: Option<String>,
}

/// The people, groups and email addresses to share with.
#[derive(Serialize, ToSchema)]
#[schema(title = "ShareInput", example = json!({"users": [{"username": "bob", "role": "editor"}]}))]
pub struct ShareBody {
    /// 1 to 200 entries.
    users: Vec<ShareLine>,
}

/// The people, groups and email addresses to share an event with.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventShareInput", example = json!({"users": [{"username": "bob", "role": "viewer"}], "on_conflict": "warn"}))]
pub struct EventShareBody {
    /// 1 to 200 entries.
    users: Vec<ShareLine>,
    /// What happens when the people are busy at that time: `ignore`, `warn` (the response lists the conflicts) or
    /// `reject` (nothing is shared). Defaults to the policy of the calendar, where `reject` only warns, because seeing
    /// an event takes no one's time.
    on_conflict: Option<String>,
}

/// A person, a group or an email address, with a role. Name exactly one of them.
#[derive(Serialize, ToSchema)]
pub struct ShareLine {
    /// The person, by account id.
    user_id: Option<Uuid>,
    /// The person, by user name, ignoring case.
    username: Option<String>,
    /// The person who has verified, or verifies within 30 days, this email address.
    email: Option<String>,
    /// All members of a group that you are in.
    group_id: Option<Uuid>,
    /// The role to give.
    role: String,
}

/// The role to give.
#[derive(Serialize, ToSchema)]
#[schema(title = "RoleInput", example = json!({"role": "viewer"}))]
pub struct RoleBody {
    /// The new role.
    role: String,
}

fn view(permission: &Permission) -> PermissionView {
    let mut view = PermissionView {
        id: permission.id(),
        user_id: None,
        name: None,
        username: None,
        group_id: None,
        email: None,
        status: "active",
        expires_at: None,
        role: permission.role.name(),
        inherited: permission.inherited,
        created_at: permission.created_at.to_string(),
        updated_at: permission.updated_at.to_string(),
    };
    match permission.principal.clone() {
        Principal::User { id, name, username } => {
            (view.user_id, view.name, view.username) = (Some(id), Some(name), Some(username));
        }
        Principal::Group { id, name } => (view.group_id, view.name) = (Some(id), Some(name)),
        Principal::Address { email, expires_at, .. } => {
            view.email = Some(email);
            view.status = "pending";
            view.expires_at = expires_at.map(|at| at.to_string());
        }
    }
    view
}

fn all(permissions: &[Permission]) -> Reply {
    told(permissions, None)
}

fn told(permissions: &[Permission], report: Option<&Report>) -> Reply {
    let report = report.map(ReportView::of);
    let (conflicts, checked_until) = report.map(|report| (report.conflicts, report.checked_until)).unzip();
    Reply::ok(&Permissions {
        items: permissions.iter().map(view).collect(),
        next_cursor: None,
        conflicts,
        checked_until,
    })
}

/// Share a calendar
///
/// Gives people, groups and email addresses a role on the calendar, all or none, and returns all permissions. Someone
/// who already has a role gets the new one. An email address takes effect for the account that has verified it, now or
/// within 30 days. Requires the owner role.
#[utoipa::path(post, path = "/api/v1/calendars/{id}/share", tag = "sharing", operation_id = "share_calendar", params(("id" = Uuid, Path, description = "The calendar.")), request_body = ShareBody,
    responses((status = 200, description = "All permissions.", body = Permissions), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the resource any more.")))]
async fn share_calendar(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<CalendarId>,
    body: Body,
) -> Answer {
    let wishes = sharing::parse_share(&body.map)?;
    write(&app, call.call, body.digest, (id, wishes), |tx, ctx, (id, wishes)| {
        Box::pin(async move { Ok(all(&sharing::share_calendar(tx, ctx, *id, wishes).await?)) })
    })
    .await
}

/// List the permissions on a calendar
///
/// Returns everyone who has a role on the calendar, and the role. Requires the editor or owner role.
#[utoipa::path(get, path = "/api/v1/calendars/{id}/permissions", tag = "sharing", operation_id = "list_calendar_permissions", params(("id" = Uuid, Path, description = "The calendar.")),
    responses((status = 200, description = "All permissions.", body = Permissions), (status = 403, description = "Requires the editor or owner role.")))]
async fn calendar_permissions(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<CalendarId>,
    query: Query,
) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    Ok(all(&sharing::calendar_permissions(&mut conn, &call.call.ctx, id).await?))
}

/// Set a person's role on a calendar
///
/// Gives a person a role on the calendar, replacing their current role, and returns the permission. Requires the owner
/// role. Fails with 409 if the calendar would have no owner.
#[utoipa::path(put, path = "/api/v1/calendars/{id}/permissions/{user_id}", tag = "sharing", operation_id = "put_calendar_permission",
    params(("id" = Uuid, Path, description = "The calendar."), ("user_id" = Uuid, Path, description = "The person, or the `id` of the permission of a group or an email address.")), request_body = RoleBody,
    responses((status = 200, description = "The person's permission.", body = PermissionView), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the resource any more.")))]
async fn put_calendar_permission(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, user): PathPair<CalendarId, Uuid>,
    body: Body,
) -> Answer {
    let role = sharing::parse_role(&body.map)?;
    write(&app, call.call.without_key(), body.digest, (id, user, role), |tx, ctx, (id, user, role)| {
        Box::pin(async move { Ok(Reply::ok(&view(&sharing::change_on_calendar(tx, ctx, *id, *user, *role).await?))) })
    })
    .await
}

/// Remove a person's role on a calendar
///
/// Removes a person's role on the calendar. Requires the owner role, except for your own role, which you can always
/// give up. Fails with 409 if the calendar would have no owner.
#[utoipa::path(delete, path = "/api/v1/calendars/{id}/permissions/{user_id}", tag = "sharing", operation_id = "delete_calendar_permission",
    params(("id" = Uuid, Path, description = "The calendar."), ("user_id" = Uuid, Path, description = "The person, or the `id` of the permission of a group or an email address.")),
    responses((status = 204, description = "The person has no role of this kind any more."), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the resource any more.")))]
async fn delete_calendar_permission(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, user): PathPair<CalendarId, Uuid>,
) -> Answer {
    write(&app, call.call.without_key(), [0; 32], (id, user), |tx, ctx, (id, user)| {
        Box::pin(async move {
            sharing::revoke_on_calendar(tx, ctx, *id, *user).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}

/// The new owner of a calendar. Name the person by one of the two fields.
#[derive(Serialize, ToSchema)]
#[schema(title = "TransferInput", example = json!({"username": "bob", "keep": "editor"}))]
pub struct TransferBody {
    /// The person, by account id.
    user_id: Option<Uuid>,
    /// The person, by user name, ignoring case.
    username: Option<String>,
    /// The role that the previous owner keeps. Defaults to `editor`.
    keep: Option<String>,
}

/// Transfer a calendar
///
/// Makes another person the owner of the calendar. The previous owner becomes an editor, or keeps the role in `keep`.
/// Requires the owner role or an administrator. Returns the calendar, or 204 if you cannot see it any more. A default
/// calendar cannot be transferred (409).
#[utoipa::path(post, path = "/api/v1/calendars/{id}/transfer", tag = "sharing", operation_id = "transfer_calendar", params(("id" = Uuid, Path, description = "The calendar.")), request_body = TransferBody,
    responses((status = 200, description = "The calendar, as you may see it now.", body = CalendarView), (status = 204, description = "The calendar was transferred and you cannot see it any more."), (status = 403, description = "Requires the owner role."), (status = 409, description = "`default-calendar`: a default calendar cannot be given to someone else.")))]
async fn transfer_calendar(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<CalendarId>,
    body: Body,
) -> Answer {
    let transfer = Transfer::parse(&body.map)?;
    write(&app, call.call, body.digest, (id, transfer), |tx, ctx, (id, transfer)| {
        Box::pin(async move {
            let seen = sharing::transfer(tx, ctx, *id, transfer).await?;
            Ok(seen.map_or_else(Reply::no_content, |allowed| {
                let view = CalendarView::of(&allowed);
                Reply::ok(&view).etag(view.etag())
            }))
        })
    })
    .await
}

/// Share an event
///
/// Gives people, groups and email addresses a role on the event, all or none, and returns all permissions. People with
/// a role on the event see it in any state. `conflicts` lists what they have at that time, under the policy of the
/// calendar or of `on_conflict`. Requires the owner role.
#[utoipa::path(post, path = "/api/v1/events/{id}/share", tag = "sharing", operation_id = "share_event", params(("id" = Uuid, Path, description = "The event.")), request_body = EventShareBody,
    responses((status = 200, description = "All permissions.", body = Permissions), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the event any more. `conflict`: the people are busy at that time and the policy is `reject`."), (status = 422, description = "`invalid`: the request contains invalid values. `too-much-to-check`: finding conflicts needs too much work.")))]
async fn share_event(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, body: Body) -> Answer {
    let (wishes, on_conflict) = sharing::parse_event_share(&body.map)?;
    write(&app, call.call, body.digest, (id, wishes, on_conflict), |tx, ctx, (id, wishes, on_conflict)| {
        Box::pin(async move {
            let (permissions, report) = sharing::share_event(tx, ctx, *id, wishes, *on_conflict).await?;
            Ok(told(&permissions, report.as_ref()))
        })
    })
    .await
}

/// List the permissions on an event
///
/// Returns everyone who has a role on the event itself or, as `inherited`, on its calendar. Requires the editor or
/// owner role.
#[utoipa::path(get, path = "/api/v1/events/{id}/permissions", tag = "sharing", operation_id = "list_event_permissions", params(("id" = Uuid, Path, description = "The event.")),
    responses((status = 200, description = "All permissions.", body = Permissions), (status = 403, description = "Requires the editor or owner role.")))]
async fn event_permissions(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<EventId>,
    query: Query,
) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    Ok(all(&sharing::event_permissions(&mut conn, &call.call.ctx, id).await?))
}

/// Set a person's role on an event
///
/// Gives a person a role on the event, replacing their current role, and returns the permission. Requires the owner
/// role. Fails with 409 if the event would have no owner.
#[utoipa::path(put, path = "/api/v1/events/{id}/permissions/{user_id}", tag = "sharing", operation_id = "put_event_permission",
    params(("id" = Uuid, Path, description = "The event."), ("user_id" = Uuid, Path, description = "The person, or the `id` of the permission of a group or an email address.")), request_body = RoleBody,
    responses((status = 200, description = "The person's permission.", body = PermissionView), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the resource any more.")))]
async fn put_event_permission(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, user): PathPair<EventId, Uuid>,
    body: Body,
) -> Answer {
    let role = sharing::parse_role(&body.map)?;
    write(&app, call.call.without_key(), body.digest, (id, user, role), |tx, ctx, (id, user, role)| {
        Box::pin(async move { Ok(Reply::ok(&view(&sharing::change_on_event(tx, ctx, *id, *user, *role).await?))) })
    })
    .await
}

/// Remove a person's role on an event
///
/// Removes a person's role on the event itself; their role on its calendar stays. Requires the owner role, except for
/// your own role, which you can always give up.
#[utoipa::path(delete, path = "/api/v1/events/{id}/permissions/{user_id}", tag = "sharing", operation_id = "delete_event_permission",
    params(("id" = Uuid, Path, description = "The event."), ("user_id" = Uuid, Path, description = "The person, or the `id` of the permission of a group or an email address.")),
    responses((status = 204, description = "The person has no role of this kind any more."), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`last-owner`: nobody would own the resource any more.")))]
async fn delete_event_permission(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, user): PathPair<EventId, Uuid>,
) -> Answer {
    write(&app, call.call.without_key(), [0; 32], (id, user), |tx, ctx, (id, user)| {
        Box::pin(async move {
            sharing::revoke_on_event(tx, ctx, *id, *user).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
