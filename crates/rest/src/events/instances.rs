//! Instances of events over REST.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::civil::DateTime;
use kalends_core::conflicts;
use kalends_core::events::{self, Edit, How, Precondition, Scope};
use kalends_kernel::{Cursor, EventId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::query::{EARLIEST, LATEST};
use super::view::EventView;
use super::{EventPage, body, versions};
use crate::app::App;
use crate::extract::{Body, Call, PathId, PathPair, SignedInCall};
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

/// The routes of instances.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, change, cancel))
}

/// List the instances of an event
///
/// Returns the instances of an event, sorted by start, in pages. Starts with the first instance unless you give `from`
/// and `to`. Cancelled instances are left out.
#[utoipa::path(get, path = "/api/v1/events/{id}/instances", tag = "events", operation_id = "list_instances", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event."), ("from" = Option<String>, Query, description = "Only events that overlap the time from this instant on (RFC 3339 with offset)."), ("to" = Option<String>, Query, description = "Only events that overlap the time before this instant (RFC 3339 with offset)."),
        ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = EventPage),
        (status = 503, description = "`recurrence-budget`: the series needs too much work to expand. `busy`: the server is busy.")))]
async fn list(State(app): State<App>, call: Call, PathId(id): PathId<EventId>, mut query: Query) -> Answer {
    let (from, to) = (query.instant("from").unwrap_or(EARLIEST), query.instant("to").unwrap_or(LATEST));
    if to <= from {
        query.error("to", "before-from", "must be after from");
    }
    let (limit, cursor, digest) = (query.limit() as usize, query.cursor(), query.digest());
    query.finish()?;
    let behind = cursor.and_then(|cursor| {
        let start = jiff::Timestamp::from_microsecond(cursor.key.parse().ok()?).ok()?;
        Some((start, cursor.part.parse::<DateTime>().ok()?))
    });
    let read = app.db.read((call.ctx.clone(), behind), move |conn, (ctx, behind)| {
        Box::pin(events::instances(conn, ctx, id, (from, to), *behind, limit + 1))
    });
    let (of, mut found) = read.await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| Cursor {
        key: last.start.as_microsecond().to_string(),
        id: id.uuid(),
        part: last.original_start.to_string(),
        of: digest,
    });
    let items = found.iter().map(|instance| EventView::of_instance(&of, instance)).collect();
    Ok(Reply::ok(&EventPage {
        items,
        next_cursor: next.map(|next| next.encode()),
        total: None,
        corrected: BTreeMap::new(),
    }))
}

/// Show an instance
///
/// Returns one instance of a series, named by its original start in the local time of the series: `20270329T090000`, or
/// `20270329` for all-day series. A cancelled instance has the status `cancelled`.
#[utoipa::path(get, path = "/api/v1/events/{id}/instances/{original_start}", tag = "events", operation_id = "get_instance", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event."), ("original_start" = String, Path, description = "The original start in the local time of the series: `20270329T090000`, or `20270329` for all-day series.")),
    responses((status = 200, description = "The instance", body = EventView), (status = 304)))]
async fn show(
    State(app): State<App>,
    call: Call,
    PathPair(id, original): PathPair<EventId, String>,
    query: Query,
) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let found = events::instance(&mut conn, &call.ctx, id, &original).await?;
    let view = EventView::of_instance(&found.of, &found.instance);
    Ok(Reply::unless_known(&call, view.etag(), &view))
}

/// Update an instance
///
/// With `scope=this` (default), changes one instance by an override. With `scope=following`, ends the series before the
/// instance and continues it as a new event, whose `split_from` names the old one. With `scope=all`, applies the same
/// change to the whole series. Returns the instance. Requires the editor role.
#[utoipa::path(patch, path = "/api/v1/events/{id}/instances/{original_start}", tag = "events", operation_id = "update_instance",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("original_start" = String, Path, description = "The original start in the local time of the series: `20270329T090000`, or `20270329` for all-day series."),
        ("scope" = Option<String>, Query, description = "The instances that the change applies to. Defaults to `this`.")),
    request_body = body::InstancePatch,
    responses((status = 200, description = "The updated instance. It may belong to a new event.", body = EventView), (status = 403), (status = 409, description = "The change conflicts with the current state: `edit-conflict`, `conflict`, `review-required`, `orphaned-overrides` or `wrong-state`."),
        (status = 412)))]
async fn change(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, original): PathPair<EventId, String>,
    mut query: Query,
    body: Body,
) -> Answer {
    let scope = query.choice("scope", Scope::NAMES).unwrap_or(Scope::This);
    query.finish()?;
    let edit = Edit::parse(body.map, How::Patch, versions(&call.call))?;
    write(
        &app,
        call.call.without_key(),
        body.digest,
        (id, original, scope, edit),
        |tx, ctx, (id, original, scope, edit)| {
            Box::pin(async move {
                let found = events::edit_instance(tx, ctx, *id, original, *scope, edit).await?;
                let report = conflicts::conflict_report(tx, ctx, &found.of.event, edit.on_conflict).await?;
                let view = EventView::of_instance(&found.of, &found.instance).with_report(report.as_ref());
                Ok(Reply::ok(&view).etag(view.etag()))
            })
        },
    )
    .await
}

/// Cancel an instance
///
/// With `scope=this` (default), cancels the instance. With `scope=following`, ends the series before it. With
/// `scope=all`, deletes the event. Requires the editor role; `scope=all` requires the owner role.
#[utoipa::path(delete, path = "/api/v1/events/{id}/instances/{original_start}", tag = "events", operation_id = "cancel_instance",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("original_start" = String, Path, description = "The original start in the local time of the series: `20270329T090000`, or `20270329` for all-day series."),
        ("scope" = Option<String>, Query, description = "The instances that the change applies to. Defaults to `this`.")),
    responses((status = 204, description = "Cancelled. Repeating the request has the same response."), (status = 403),
        (status = 409, description = "The change conflicts with the current state: `review-required` or `wrong-state`."), (status = 412)))]
async fn cancel(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, original): PathPair<EventId, String>,
    mut query: Query,
) -> Answer {
    let scope = query.choice("scope", Scope::NAMES).unwrap_or(Scope::This);
    query.finish()?;
    let precondition = Precondition { if_match: versions(&call.call), base_version: None };
    write(
        &app,
        call.call.without_key(),
        [0; 32],
        (id, original, scope, precondition),
        |tx, ctx, (id, original, scope, precondition)| {
            Box::pin(async move {
                events::cancel_instance(tx, ctx, *id, original, *scope, precondition).await?;
                Ok(Reply::no_content())
            })
        },
    )
    .await
}
