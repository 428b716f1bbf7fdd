//! Calendars over REST.

use axum::extract::State;
use kalends_core::access::Can;
use kalends_core::calendars::{self, Allowed, CalendarInput, Listed};
use kalends_kernel::CalendarId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Body, Call, PathId, SignedInCall};
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes of calendars.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, remove))
}

/// A calendar, as you may see it.
#[derive(Serialize, ToSchema)]
#[schema(title = "Calendar", example = json!({
    "id": "01941f29-7c00-7aaa-8000-3d1c7e9a5b10", "name": "Choir", "description": "Rehearsals and concerts", "color": "#3366cc",
    "time_zone": "Europe/Zurich", "visibility": "internal", "review": "none", "conflicts": "warn",
    "owner_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "my_role": "owner", "is_default": false, "version": 3,
    "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-16T08:30:00Z"
}))]
pub struct CalendarView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: CalendarId,
    /// The name.
    name: String,
    /// The description.
    description: String,
    /// The color as `#rrggbb`; null without one.
    #[schema(required)]
    color: Option<String>,
    /// The IANA time zone of times that have none of their own.
    time_zone: String,
    /// Who can see the calendar besides the people it is shared with. `internal` means everyone with an account.
    visibility: &'static str,
    /// Whether events are reviewed before they are published.
    review: &'static str,
    /// What happens when events of the calendar overlap.
    conflicts: &'static str,
    /// The account that owns the calendar.
    #[schema(value_type = uuid::Uuid)]
    owner_id: kalends_kernel::UserId,
    /// Your role on the calendar; null without sign-in or without a role.
    #[schema(required)]
    my_role: Option<&'static str>,
    /// Whether this is the default calendar of its owner.
    is_default: bool,
    /// The version. It grows by 1 with each change.
    version: i64,
    /// The instant of creation.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
}

impl CalendarView {
    /// The calendar as the actor who loaded it may see it.
    pub fn of(allowed: &Allowed) -> CalendarView {
        let calendar = &allowed.calendar;
        CalendarView {
            id: calendar.id,
            name: calendar.name.clone(),
            description: calendar.description.clone(),
            color: calendar.color.clone(),
            time_zone: calendar.zone.name().to_owned(),
            visibility: calendar.facts.visibility.name(),
            review: calendar.facts.review.name(),
            conflicts: calendar.conflicts.name(),
            owner_id: calendar.owner,
            my_role: allowed.grant.role.map(kalends_core::access::Role::name),
            is_default: calendar.is_default,
            version: calendar.version,
            created_at: calendar.created_at.to_string(),
            updated_at: calendar.updated_at.to_string(),
        }
    }

    /// Its ETag.
    pub fn etag(&self) -> String {
        etag(self.version, &[self.my_role.unwrap_or_default(), &self.owner_id.to_string()])
    }
}

/// A new calendar.
#[derive(Serialize, ToSchema)]
#[schema(title = "CalendarInput", example = json!({"name": "Choir", "time_zone": "Europe/Zurich", "visibility": "internal"}))]
pub struct CalendarBody {
    /// A name of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// At most 10,000 characters.
    description: Option<String>,
    /// The color as `#rrggbb`.
    color: Option<String>,
    /// The IANA time zone. Defaults to that of your account.
    time_zone: Option<String>,
    /// Who can see the calendar. Defaults to `private`; `public` requires the account role organizer or admin.
    visibility: Option<String>,
    /// Whether events are reviewed before they are published. Defaults to `none`.
    review: Option<String>,
    /// What happens when events overlap. Defaults to `ignore`.
    conflicts: Option<String>,
}

/// The fields of a calendar to change. All are optional.
#[derive(Serialize, ToSchema)]
#[schema(title = "CalendarPatch", example = json!({"color": "#cc3366"}))]
pub struct CalendarPatch {
    /// A name of 1 to 200 characters.
    name: Option<String>,
    /// At most 10,000 characters.
    description: Option<String>,
    /// The color as `#rrggbb`; null for none.
    color: Option<String>,
    /// The IANA time zone.
    time_zone: Option<String>,
    /// Who can see the calendar.
    visibility: Option<String>,
    /// Whether events are reviewed before they are published.
    review: Option<String>,
    /// What happens when events overlap.
    conflicts: Option<String>,
}

/// A page of calendars.
#[derive(Serialize, ToSchema)]
pub struct CalendarPage {
    /// The calendars, by name.
    items: Vec<CalendarView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

fn view(allowed: &Allowed) -> Reply {
    let view = CalendarView::of(allowed);
    Reply::ok(&view).etag(view.etag())
}

/// List calendars
///
/// Returns the calendars that you may see, sorted by name. Without sign-in, returns the public calendars.
#[utoipa::path(get, path = "/api/v1/calendars", tag = "calendars", operation_id = "list_calendars", security((), ("bearer" = [])),
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = CalendarPage)))]
async fn list(State(app): State<App>, call: Call, mut query: Query) -> Answer {
    let listed = Listed { limit: query.limit(), cursor: query.cursor(), digest: query.digest() };
    let total = query.include_total();
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = calendars::list(&mut conn, &call.ctx, &listed).await?;
    let total = if total { Some(calendars::count(&mut conn, &call.ctx).await?) } else { None };
    Ok(Reply::ok(&CalendarPage {
        items: page.items.iter().map(CalendarView::of).collect(),
        next_cursor: page.next.map(|next| next.encode()),
        total,
    }))
}

/// Create a calendar
///
/// Creates a calendar that you own and returns it. Creating a public calendar requires the account role organizer or
/// admin. Use `POST /calendars/{id}/share` to give other people access.
#[utoipa::path(post, path = "/api/v1/calendars", tag = "calendars", operation_id = "create_calendar", request_body = CalendarBody,
    responses((status = 201, description = "The resource was created. `Location` holds its path.", body = CalendarView), (status = 403, description = "`role-needed`: a public calendar requires the account role organizer or admin.")))]
async fn create(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let input = CalendarInput::parse(&body.map)?;
    write(&app, call.call, body.digest, input, |tx, ctx, input| {
        Box::pin(async move {
            let made = calendars::create(tx, ctx, input).await?;
            let view = CalendarView::of(&made);
            Ok(Reply::created(format!("{}/calendars/{}", crate::BASE, view.id), &view).etag(view.etag()))
        })
    })
    .await
}

/// Show a calendar
///
/// Returns a calendar that you may see. Public calendars need no sign-in.
#[utoipa::path(get, path = "/api/v1/calendars/{id}", tag = "calendars", operation_id = "get_calendar", security((), ("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The calendar.")),
    responses((status = 200, description = "The calendar", body = CalendarView), (status = 304)))]
async fn show(State(app): State<App>, call: Call, PathId(id): PathId<CalendarId>, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let allowed = calendars::load(&mut conn, &call.ctx, id, Can::See).await?;
    let view = CalendarView::of(&allowed);
    Ok(Reply::unless_known(&call, view.etag(), &view))
}

/// Update a calendar
///
/// Applies a JSON merge patch (RFC 7396) and returns the updated calendar. Requires the owner role. If you change the
/// time zone, all-day and floating events move to the days of the new zone; this fails with 409 if they would then
/// conflict with other events and the policy is `reject`.
#[utoipa::path(patch, path = "/api/v1/calendars/{id}", tag = "calendars", operation_id = "update_calendar", params(("id" = uuid::Uuid, Path, description = "The calendar.")), request_body = CalendarPatch,
    responses((status = 200, description = "The updated resource.", body = CalendarView), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`conflict`: in the new `time_zone` the all-day and floating events that `event_ids` lists would overlap others, and the policy of the calendar or of a venue is `reject`."), (status = 412)))]
async fn change(State(app): State<App>, call: SignedInCall, PathId(id): PathId<CalendarId>, body: Body) -> Answer {
    let if_match = call.call.if_match.clone();
    write(&app, call.call.without_key(), body.digest, (id, body.map, if_match), |tx, ctx, (id, patch, if_match)| {
        Box::pin(async move {
            let is_current = |version| if_match.as_ref().is_none_or(|if_match| if_match.is_version(version));
            Ok(view(&calendars::edit(tx, ctx, *id, patch, is_current).await?))
        })
    })
    .await
}

/// Delete a calendar
///
/// Deletes a calendar and hides its events. Requires the owner role. The default calendar of an account cannot be
/// deleted (409).
#[utoipa::path(delete, path = "/api/v1/calendars/{id}", tag = "calendars", operation_id = "delete_calendar", params(("id" = uuid::Uuid, Path, description = "The calendar.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`default-calendar`: a default calendar cannot be deleted."), (status = 412)))]
async fn remove(State(app): State<App>, call: SignedInCall, PathId(id): PathId<CalendarId>) -> Answer {
    let if_match = call.call.if_match.clone();
    write(&app, call.call.without_key(), [0; 32], (id, if_match), |tx, ctx, (id, if_match)| {
        Box::pin(async move {
            let is_current =
                |one: &Allowed| if_match.as_ref().is_none_or(|if_match| if_match.is_version(one.calendar.version));
            calendars::delete(tx, ctx, *id, is_current).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
