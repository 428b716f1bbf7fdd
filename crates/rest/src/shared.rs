//! What others have shared with the caller, over REST.

use axum::extract::State;
use kalends_core::sharing::{self, Shared, SharedBy, What};
use kalends_kernel::{GroupId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::SignedInCall;
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::Reply;

/// The routes of what is shared with somebody.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_shared))
}

/// A resource that is shared with you.
#[derive(Serialize, ToSchema)]
#[schema(title = "Shared", example = json!({
    "type": "calendar", "id": "01941f29-7c00-7aaa-8000-3d1c7e9a5b10", "title": "Choir", "role": "editor", "via": "name", "group_id": null, "group_name": null,
    "shared_by": {"id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "name": "Alice"}, "shared_at": "2027-01-15T10:00:00Z"
}))]
pub struct SharedView {
    /// The type of the resource.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The id.
    id: uuid::Uuid,
    /// The title or name; null if you may see only the times.
    #[schema(required)]
    title: Option<String>,
    /// The role that was given in this way. If there are several, the strongest counts.
    role: &'static str,
    /// How it was shared: with you by `name`, with your `email` address, or with a `group` that you are in.
    via: &'static str,
    /// The group; null without one.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    group_id: Option<GroupId>,
    /// The name of the group; null without one.
    #[schema(required)]
    group_name: Option<String>,
    /// The person who shared it; null if that is not known.
    #[schema(required)]
    shared_by: Option<PersonView>,
    /// The instant at which it was shared.
    shared_at: String,
}

/// A person.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    /// The account.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The display name.
    name: String,
}

/// A page of what was shared with you.
#[derive(Serialize, ToSchema)]
pub struct SharedPage {
    /// The shared resources, newest first.
    items: Vec<SharedView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl SharedView {
    fn of(shared: Shared) -> SharedView {
        let (kind, id, title) = match &shared.what {
            What::Calendar(allowed) => ("calendar", allowed.calendar.id.uuid(), Some(allowed.calendar.name.clone())),
            What::Event(allowed) => {
                let seen = allowed.grant.sight >= kalends_core::access::DetailLevel::Public;
                ("event", allowed.event.id.uuid(), seen.then(|| allowed.event.content.title.clone()))
            }
        };
        let (via, group) = match shared.by {
            SharedBy::Name => ("name", None),
            SharedBy::Email => ("email", None),
            SharedBy::Group(id, name) => ("group", Some((id, name))),
        };
        let (group_id, group_name) = group.unzip();
        SharedView {
            kind,
            id,
            title,
            role: shared.role.name(),
            via,
            group_id,
            group_name,
            shared_by: shared.from.map(|(id, name)| PersonView { id, name }),
            shared_at: shared.at.to_string(),
        }
    }
}

/// List what is shared with you
///
/// Returns the calendars and events of others on which you have a role, newest first. The role may have been given to
/// you, to your email address or to a group. A resource that was shared with you in several ways is listed once for
/// each.
#[utoipa::path(get, path = "/api/v1/me/shared", tag = "sharing", operation_id = "list_shared_with_me",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = SharedPage)))]
async fn list_shared(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let (limit, cursor, digest) = (query.limit(), query.cursor(), query.digest());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = sharing::shared_with(&mut conn, &call.call.ctx, call.user.id, limit, cursor.as_ref(), digest).await?;
    let items = page.items.into_iter().map(SharedView::of).collect();
    Ok(Reply::ok(&SharedPage { items, next_cursor: page.next.map(|next| next.encode()) }))
}
