//! Events over REST.

mod batch;
mod body;
mod errors;
mod instances;
mod query;
mod shift;
pub mod view;

use std::collections::BTreeMap;

use axum::extract::State;
use kalends_core::access::Can;
use kalends_core::calendars::Conflicts;
use kalends_core::conflicts;
use kalends_core::ctx::{Actor, Ctx};
use kalends_core::events::{self, Allowed, Edit, How, NewEvent, Precondition, StateWish};
use kalends_core::history;
use kalends_db::Tx;
use kalends_kernel::fields::Fields;
use kalends_kernel::{EventId, Invalid};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::extract::{Body, Call, OptionalBody, PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;
pub(crate) use errors::{of_clash, of_several};
pub(crate) use query::read as read_query;
pub(crate) use view::EventView;

/// The routes of events.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change_states))
        .routes(routes!(show, replace, change, remove))
        .routes(routes!(restore))
        .routes(routes!(clone))
        .routes(routes!(change_state))
        .merge(batch::routes())
        .merge(shift::routes())
        .merge(instances::routes())
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    /// The events or instances, in the order of the request's sort.
    items: Vec<EventView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
    /// The words of `q` that occur in nothing you may see, each with the similar words that were used instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"konzrt": ["konzert"]}))]
    corrected: BTreeMap<String, Vec<String>>,
}

/// A file of events.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what an export writes piece by piece")]
pub struct EventFile {
    /// The events or instances, in the order of the request's sort.
    items: Vec<EventView>,
}

/// Several events.
#[derive(Serialize, ToSchema)]
pub struct Events {
    /// The events, in the order of the request.
    items: Vec<EventView>,
}

/// The event after a write, with what it clashes with where somebody asks.
async fn view_of(tx: &mut Tx, ctx: &Ctx, of: &Allowed, wish: Option<Conflicts>) -> Answer<EventView> {
    Ok(EventView::of(of).with_report(conflicts::conflict_report(tx, ctx, &of.event, wish).await?.as_ref()))
}

/// The answer with it.
pub(crate) async fn written(tx: &mut Tx, ctx: &Ctx, of: &Allowed, wish: Option<Conflicts>) -> Answer {
    Ok(view_of(tx, ctx, of, wish).await?.reply())
}

async fn made(tx: &mut Tx, ctx: &Ctx, of: &Allowed, wish: Option<Conflicts>) -> Answer {
    let view = view_of(tx, ctx, of, wish).await?;
    Ok(Reply::created(view.path(), &view).etag(view.etag()))
}

/// List events
///
/// Returns the events that you may see, sorted by start, in pages. `from` and `to` select the events that overlap this
/// window. With `expand=true`, returns the instances of series instead of the series. Without sign-in, returns public
/// events. Fails with 422 if a parameter is invalid.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", operation_id = "list_events", security((), ("bearer" = [])),
    params(("from" = Option<String>, Query, description = "Only events that overlap the time from this instant on (RFC 3339 with offset)."), ("to" = Option<String>, Query, description = "Only events that overlap the time before this instant (RFC 3339 with offset)."),
        ("expand" = Option<bool>, Query, description = "`true` returns the instances of series instead of the series. Requires `from` and `to`."),
        ("calendar_id" = Option<uuid::Uuid>, Query, description = "Only events of this calendar."), ("ids" = Option<String>, Query, description = "Only these events: ids, separated by commas."),
        ("state" = Option<String>, Query, description = "Only events in this editorial state."), ("mine" = Option<bool>, Query, description = "Only events that you created."),
        ("q" = Option<String>, Query, description = "Only events with all these words in the title, categories, location or description, including those of overrides. Case and accents are ignored, and a word matches longer words that start with it. A word that occurs nowhere is corrected by one letter, or by two if it has at least 8 letters. The best matches come first, unless `sort` or `expand` is given."),
        ("venue_id" = Option<uuid::Uuid>, Query, description = "Only events at this venue."), ("category" = Option<String>, Query, description = "Only events with this category."), ("weekday" = Option<String>, Query, description = "Only events that start on this weekday: `mo` to `su`, or 1 (Monday) to 7."),
        ("deleted" = Option<bool>, Query, description = "`true` returns the events in the trash that you own."), ("sort" = Option<String>, Query, description = "The sort key. A leading `-` reverses the order. Defaults to `start`."),
        ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items. Not allowed with `expand`.")),
    responses((status = 200, description = "A page of results.", body = EventPage),
        (status = 503, description = "`recurrence-budget`: a series in the window needs too much work to expand. `busy`: the server is busy.")))]
async fn list(State(app): State<App>, call: Call, query: Query) -> Answer {
    let (list, total) = query::read(query)?;
    let read = app.db.read((call.ctx.clone(), list, total), |conn, (ctx, list, total)| {
        Box::pin(async move {
            let (page, corrected) = events::search(conn, ctx, list).await?;
            let total = if *total { Some(events::count(conn, ctx, list).await?) } else { None };
            Ok::<_, events::EventError>((page, corrected, total))
        })
    });
    let (page, corrected, total) = read.await?;
    Ok(Reply::ok(&EventPage {
        items: page.items.iter().map(EventView::of_found).collect(),
        next_cursor: page.next.map(|next| next.encode()),
        total,
        corrected: corrected.into_iter().map(|one| (one.asked, one.to)).collect(),
    }))
}

/// Create an event
///
/// Creates an event and returns it. The event goes to your default calendar unless you name a calendar that you may
/// edit. `on_conflict` decides what happens if the event overlaps others in the calendar, at the venue or of its
/// people; by default the policies of the calendar and the venue decide. Under `warn` the response lists `conflicts`
/// and `warnings`; under `reject` the request fails with 409 and lists them.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", operation_id = "create_event", request_body = body::EventBody,
    responses((status = 201, description = "The resource was created. `Location` holds its path.", body = EventView), (status = 403, description = "Requires the editor role on the calendar."),
        (status = 404, description = "The calendar does not exist, or you are not allowed to see it."), (status = 409, description = "`uid-taken`: the calendar already has an event with this UID. `conflict`: the event overlaps others and the policy is `reject`.")))]
async fn create(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let new = NewEvent::parse(body.map)?;
    write(&app, call.call, body.digest, new, |tx, ctx, new| {
        Box::pin(async move {
            let event = events::create(tx, ctx, new).await?;
            made(tx, ctx, &event, new.on_conflict).await
        })
    })
    .await
}

/// Show an event
///
/// Returns an event as you may see it. If you may see only when you or others are busy, the content is null. Without
/// sign-in, linked people, `meta` and reminders are left out. With `at`, returns the version that was current at that
/// instant, if you may see its history.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", operation_id = "get_event", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event."), ("at" = Option<String>, Query, description = "Returns the version that was current at this instant (RFC 3339 with offset).")),
    responses((status = 200, description = "The event", body = EventView), (status = 304), (status = 403, description = "With `at`: you may see only when this event takes place, not its history."),
        (status = 404, description = "The event does not exist (or did not exist at that instant), or you are not allowed to see it.")))]
async fn show(State(app): State<App>, call: Call, PathId(id): PathId<EventId>, mut query: Query) -> Answer {
    let at = query.instant("at");
    query.finish()?;
    let anonymous = call.ctx.actor == Actor::Anonymous;
    if anonymous && at.is_some() {
        return Err(Problem::new(&codes::SIGN_IN));
    }
    let kept = if anonymous { app.hot_events.get(&app.db, &id) } else { None };
    if let Some(kept) = kept {
        return Ok(kept.or_not_modified(&call));
    }
    let commits = app.db.commits();
    let mut conn = app.db.reader().await?;
    let reply = match at {
        Some(at) => {
            let event = Box::pin(history::at(&mut conn, &call.ctx, id, at)).await?;
            // Others may read while the answer is written out.
            drop(conn);
            EventView::of(&event).reply()
        }
        None => {
            let event = events::load_stored(&mut conn, &call.ctx, id, Can::See).await?;
            drop(conn);
            app.rendered.answer(event)?
        }
    };
    if anonymous {
        app.hot_events.put(id, commits, reply.clone());
    }
    Ok(reply.or_not_modified(&call))
}

/// Replace an event
///
/// Replaces the whole event and returns it. Fields you omit are set to their defaults. Requires the editor role. Name
/// the version that you replace in `If-Match` or `base_version`; without either, the request fails with 428.
#[utoipa::path(put, path = "/api/v1/events/{id}", tag = "events", operation_id = "replace_event", params(("id" = uuid::Uuid, Path, description = "The event.")), request_body = body::EventReplacement,
    responses((status = 200, description = "The updated resource.", body = EventView), (status = 403),
        (status = 409, description = "The change conflicts with the current state: `edit-conflict`, `conflict`, `review-required`, `orphaned-overrides` or `wrong-state`."), (status = 412), (status = 428)))]
async fn replace(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, body: Body) -> Answer {
    edit(&app, call, id, body, How::Replace).await
}

/// Update an event
///
/// Applies a JSON merge patch (RFC 7396) to an event, or to the whole series, and returns it. Requires the editor role.
/// With `base_version`, changes that others have made since are merged by field; if both sides changed the same field,
/// the request fails with 409. When the times of a series move, its excluded dates and overrides move along.
#[utoipa::path(patch, path = "/api/v1/events/{id}", tag = "events", operation_id = "update_event", params(("id" = uuid::Uuid, Path, description = "The event.")), request_body = body::EventPatch,
    responses((status = 200, description = "The updated resource.", body = EventView), (status = 403),
        (status = 409, description = "The change conflicts with the current state: `edit-conflict`, `conflict`, `review-required`, `orphaned-overrides` or `wrong-state`."), (status = 412)))]
async fn change(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, body: Body) -> Answer {
    edit(&app, call, id, body, How::Patch).await
}

async fn edit(app: &App, call: SignedInCall, id: EventId, body: Body, how: How) -> Answer {
    let edit = Edit::parse(body.map, how, versions(&call.call))?;
    write(app, call.call.without_key(), body.digest, (id, edit), |tx, ctx, (id, edit)| {
        Box::pin(async move {
            let event = events::edit(tx, ctx, *id, edit).await?;
            written(tx, ctx, &event, edit.on_conflict).await
        })
    })
    .await
}

/// The versions that `If-Match` names.
fn versions(call: &Call) -> Option<Vec<i64>> {
    call.if_match.as_ref().map(crate::extract::IfMatch::versions)
}

/// Delete an event
///
/// Moves the event to the trash, from which its owners can restore it. A draft that was never submitted or published is
/// deleted for good. Requires the owner role.
#[utoipa::path(delete, path = "/api/v1/events/{id}", tag = "events", operation_id = "delete_event", params(("id" = uuid::Uuid, Path, description = "The event.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`review-required`: the event is published and the calendar requires review."), (status = 412)))]
async fn remove(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>) -> Answer {
    let precondition = Precondition { if_match: versions(&call.call), base_version: None };
    write(&app, call.call.without_key(), [0; 32], (id, precondition), |tx, ctx, (id, precondition)| {
        Box::pin(async move {
            events::delete(tx, ctx, *id, precondition).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}

/// Restore an event
///
/// Takes an event out of the trash, as a new version, and returns it. Requires the owner role. Fails with 409 if the
/// calendar now has another event with the same UID, or if the event conflicts with others and the policy is `reject`.
#[utoipa::path(post, path = "/api/v1/events/{id}/restore", tag = "events", operation_id = "restore_event", params(("id" = uuid::Uuid, Path, description = "The event.")), request_body = Option<body::RestoreBody>,
    responses((status = 200, description = "The updated resource.", body = EventView), (status = 403, description = "Requires the owner role."),
        (status = 409, description = "`uid-taken`: the calendar now has another event with this UID. `conflict`: the event overlaps others. `review-required`: the calendar requires review.")))]
async fn restore(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<EventId>,
    body: OptionalBody,
) -> Answer {
    let (map, digest) = body.0.map_or_else(|| (serde_json::Map::new(), [0; 32]), |body| (body.map, body.digest));
    let mut fields = Fields::of_map(&map, "");
    let wish = fields.choice("on_conflict", Conflicts::NAMES);
    let wish = fields.finish().or(wish)?;
    write(&app, call.call, digest, (id, wish), |tx, ctx, (id, wish)| {
        Box::pin(async move {
            let event = events::restore(tx, ctx, *id, *wish).await?;
            written(tx, ctx, &event, *wish).await
        })
    })
    .await
}

/// Copy an event
///
/// Creates a copy of an event, with the changes in the body, and returns it. The copy goes to the calendar of the
/// original if you may edit it, otherwise to your default calendar. You must be able to see the content of the
/// original.
#[utoipa::path(post, path = "/api/v1/events/{id}/clone", tag = "events", operation_id = "clone_event", params(("id" = uuid::Uuid, Path, description = "The event to copy.")), request_body = Option<body::EventCopy>,
    responses((status = 201, description = "The copy was created. `Location` holds its path.", body = EventView), (status = 403, description = "You may see only when the original takes place, or you lack the editor role on the calendar."), (status = 409, description = "`uid-taken`: the calendar already has an event with this UID. `conflict`: the event overlaps others and the policy is `reject`.")))]
async fn clone(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, body: OptionalBody) -> Answer {
    let (map, digest) = body.0.map_or_else(|| (serde_json::Map::new(), [0; 32]), |body| (body.map, body.digest));
    let changes = NewEvent::parse_changes(map)?;
    write(&app, call.call, digest, (id, changes), |tx, ctx, (id, changes)| {
        Box::pin(async move {
            let event = events::clone(tx, ctx, *id, changes).await?;
            made(tx, ctx, &event, changes.on_conflict).await
        })
    })
    .await
}

/// Change the state of an event
///
/// Moves an event to another editorial state and returns it. Without review, editors switch between draft and
/// published. With review, the steps are: draft to review; review to published, refused or draft; refused to draft.
/// Reviewers, who are the owners of the calendar and administrators, also publish and unpublish directly. A refusal
/// needs a comment.
#[utoipa::path(post, path = "/api/v1/events/{id}/state", tag = "events", operation_id = "change_event_state", params(("id" = uuid::Uuid, Path, description = "The event.")), request_body = body::StateBody,
    responses((status = 200, description = "The updated resource.", body = EventView), (status = 403),
        (status = 409, description = "`wrong-state`: this step is not possible from the current state. `conflict`: the event overlaps others and the policy is `reject`.")))]
async fn change_state(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, body: Body) -> Answer {
    let wish = StateWish::parse(&body.map)?;
    write(&app, call.call, body.digest, (id, wish), |tx, ctx, (id, wish)| {
        Box::pin(async move {
            let event = events::change_state(tx, ctx, *id, wish).await?;
            written(tx, ctx, &event, wish.on_conflict).await
        })
    })
    .await
}

/// Change the state of several events
///
/// Moves several events to another editorial state, all or none, and returns them. If an event cannot take the step,
/// the request fails with 409 and lists a problem for each such event.
#[utoipa::path(post, path = "/api/v1/events/state", tag = "events", operation_id = "change_event_states", request_body = body::StatesBody,
    responses((status = 200, description = "The updated events.", body = Events), (status = 409, description = "At least one event cannot take this step, and none was changed: `wrong-state`. `problems` lists each of them.")))]
async fn change_states(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let wish: Result<_, Invalid> = StateWish::parse_many(&body.map);
    write(&app, call.call, body.digest, wish?, |tx, ctx, (ids, wish)| {
        Box::pin(async move {
            let moved = events::change_states(tx, ctx, ids, wish).await?;
            let mut items = Vec::with_capacity(moved.len());
            for event in &moved {
                items.push(view_of(tx, ctx, event, wish.on_conflict).await?);
            }
            Ok(Reply::ok(&Events { items }))
        })
    })
    .await
}
