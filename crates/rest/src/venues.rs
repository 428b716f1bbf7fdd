//! Venues over REST.

use axum::extract::State;
use kalends_core::ctx::Ctx;
use kalends_core::venues::{self, Listed, Venue, VenueInput};
use kalends_kernel::{UserId, VenueId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Body, PathId, SignedInCall};
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes of venues.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, remove))
}

/// A place at which events can conflict.
#[derive(Serialize, ToSchema)]
#[schema(title = "Venue", example = json!({
    "id": "01941f29-7c00-7ddd-8000-3d1c7e9a5b10", "name": "Aula", "description": "Second floor, with a grand piano", "capacity": 300,
    "time_zone": "Europe/Zurich", "conflicts": "reject", "owner_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "may_manage": true, "version": 1,
    "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z"
}))]
pub struct VenueView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: VenueId,
    /// The name.
    name: String,
    /// The description.
    description: String,
    /// The number of people that fit in.
    #[schema(required)]
    capacity: Option<i64>,
    /// The IANA time zone of the venue.
    time_zone: String,
    /// What happens when events at the venue overlap.
    conflicts: &'static str,
    /// The account that created and manages the venue.
    #[schema(value_type = uuid::Uuid)]
    owner_id: UserId,
    /// Whether you may change and delete the venue and override its policy.
    may_manage: bool,
    /// The version. It grows by 1 with each change.
    version: i64,
    /// The instant of creation.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
}

impl VenueView {
    /// The venue as somebody sees it who manages it or does not.
    pub fn of(venue: &Venue, may_manage: bool) -> VenueView {
        VenueView {
            id: venue.id,
            name: venue.name.clone(),
            description: venue.description.clone(),
            capacity: venue.capacity,
            time_zone: venue.zone.name().to_owned(),
            conflicts: venue.conflicts.name(),
            owner_id: venue.owner,
            may_manage,
            version: venue.version,
            created_at: venue.created_at.to_string(),
            updated_at: venue.updated_at.to_string(),
        }
    }

    fn to(ctx: &Ctx, venue: &Venue) -> VenueView {
        VenueView::of(venue, venue.is_managed_by(ctx))
    }

    /// Its ETag.
    pub fn etag(&self) -> String {
        etag(self.version, &[if self.may_manage { "manages" } else { "" }])
    }
}

/// A new venue.
#[derive(Serialize, ToSchema)]
#[schema(title = "VenueInput", example = json!({"name": "Aula", "capacity": 300, "conflicts": "reject"}))]
pub struct VenueBody {
    /// A name of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// At most 10,000 characters.
    description: Option<String>,
    /// The number of people that fit in.
    capacity: Option<i64>,
    /// The IANA time zone. Defaults to that of your account.
    time_zone: Option<String>,
    /// What happens when events at the venue overlap. Defaults to `reject`, which only the people who manage the venue
    /// can override.
    conflicts: Option<String>,
}

/// The fields of a venue to change. All are optional.
#[derive(Serialize, ToSchema)]
#[schema(title = "VenuePatch", example = json!({"capacity": 280}))]
pub struct VenuePatch {
    /// A name of 1 to 200 characters.
    name: Option<String>,
    /// At most 10,000 characters.
    description: Option<String>,
    /// The number of people that fit in; null if unknown.
    capacity: Option<i64>,
    /// The IANA time zone.
    time_zone: Option<String>,
    /// What happens when events at the venue overlap.
    conflicts: Option<String>,
}

/// A page of venues.
#[derive(Serialize, ToSchema)]
pub struct VenuePage {
    /// The venues, by name.
    items: Vec<VenueView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// List venues
///
/// Returns all venues, sorted by name.
#[utoipa::path(get, path = "/api/v1/venues", tag = "venues", operation_id = "list_venues",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = VenuePage)))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let listed = Listed { limit: query.limit(), cursor: query.cursor(), digest: query.digest() };
    let total = query.include_total();
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = venues::list(&mut conn, &listed).await?;
    let total = if total { Some(venues::count(&mut conn).await?) } else { None };
    Ok(Reply::ok(&VenuePage {
        items: page.items.iter().map(|venue| VenueView::to(&call.call.ctx, venue)).collect(),
        next_cursor: page.next.map(|next| next.encode()),
        total,
    }))
}

/// Create a venue
///
/// Creates a venue that you manage and returns it. Requires the account role organizer or admin.
#[utoipa::path(post, path = "/api/v1/venues", tag = "venues", operation_id = "create_venue", request_body = VenueBody,
    responses((status = 201, description = "The resource was created. `Location` holds its path.", body = VenueView), (status = 403, description = "`role-needed`: creating a venue requires the account role organizer or admin.")))]
async fn create(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let input = VenueInput::parse(&body.map)?;
    write(&app, call.call, body.digest, input, |tx, ctx, input| {
        Box::pin(async move {
            let view = VenueView::to(ctx, &venues::create(tx, ctx, input).await?);
            Ok(Reply::created(format!("{}/venues/{}", crate::BASE, view.id), &view).etag(view.etag()))
        })
    })
    .await
}

/// Show a venue
///
/// Returns a venue. Visible to everyone who is signed in.
#[utoipa::path(get, path = "/api/v1/venues/{id}", tag = "venues", operation_id = "get_venue", params(("id" = uuid::Uuid, Path, description = "The venue.")),
    responses((status = 200, description = "The venue", body = VenueView), (status = 304), (status = 404, description = "The venue does not exist.")))]
async fn show(State(app): State<App>, call: SignedInCall, PathId(id): PathId<VenueId>, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let view = VenueView::to(&call.call.ctx, &venues::load(&mut conn, id).await?);
    Ok(Reply::unless_known(&call.call, view.etag(), &view))
}

/// Update a venue
///
/// Applies a JSON merge patch (RFC 7396) and returns the updated venue. Existing bookings stay. Requires the person who
/// created the venue or an administrator.
#[utoipa::path(patch, path = "/api/v1/venues/{id}", tag = "venues", operation_id = "update_venue", params(("id" = uuid::Uuid, Path, description = "The venue.")), request_body = VenuePatch,
    responses((status = 200, description = "The updated resource.", body = VenueView), (status = 403, description = "Only the person who created the venue and administrators may do this."), (status = 404, description = "The venue does not exist."),
        (status = 412)))]
async fn change(State(app): State<App>, call: SignedInCall, PathId(id): PathId<VenueId>, body: Body) -> Answer {
    let if_match = call.call.if_match.clone();
    write(&app, call.call.without_key(), body.digest, (id, body.map, if_match), |tx, ctx, (id, patch, if_match)| {
        Box::pin(async move {
            let is_current = |version| if_match.as_ref().is_none_or(|if_match| if_match.is_version(version));
            let view = VenueView::to(ctx, &venues::edit(tx, ctx, *id, patch, is_current).await?);
            Ok(Reply::ok(&view).etag(view.etag()))
        })
    })
    .await
}

/// Delete a venue
///
/// Deletes a venue, so that no event can be booked there any more. Events that were booked there keep their reference
/// to it. Requires the person who created the venue or an administrator.
#[utoipa::path(delete, path = "/api/v1/venues/{id}", tag = "venues", operation_id = "delete_venue", params(("id" = uuid::Uuid, Path, description = "The venue.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "Only the person who created the venue and administrators may do this."), (status = 404, description = "The venue does not exist."),
        (status = 412)))]
async fn remove(State(app): State<App>, call: SignedInCall, PathId(id): PathId<VenueId>) -> Answer {
    let if_match = call.call.if_match.clone();
    write(&app, call.call.without_key(), [0; 32], (id, if_match), |tx, ctx, (id, if_match)| {
        Box::pin(async move {
            let is_current = |one: &Venue| if_match.as_ref().is_none_or(|if_match| if_match.is_version(one.version));
            venues::delete(tx, ctx, *id, is_current).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
