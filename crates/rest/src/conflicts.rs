//! Conflicts, busy time and free slots over REST.

use axum::extract::State;
use jiff::tz::TimeZone;
use kalends_core::conflicts::{
    self, BusyTime, Clash, DryRun, FreeSlots, LONGEST_WINDOW, MOST_SUBJECTS, Report, Stretch,
};
use kalends_core::events;
use kalends_kernel::{EventId, UserId, VenueId, Zone};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::codes;
use crate::extract::{Body, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;

/// The routes of conflicts.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dry_run)).routes(routes!(free_busy)).routes(routes!(free_slots))
}

/// An event that takes the same time, as far as you may see it.
#[derive(Serialize, ToSchema)]
#[schema(title = "Conflict", example = json!({
    "event_id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "title": "Rehearsal", "start": "2027-03-29T19:30:00+02:00", "end": "2027-03-29T21:00:00+02:00",
    "original_start": "2027-03-29T19:30:00+02:00", "reason": "venue", "reasons": ["venue", "calendar"]
}))]
pub struct ClashView {
    /// The event; null if you may not know which one it is.
    #[schema(value_type = Option<Uuid>, required)]
    event_id: Option<EventId>,
    /// The title; null if you may see only that the time is taken.
    #[schema(required)]
    title: Option<String>,
    /// The start, with offset. If you may not know the event, the start of the overlap.
    start: String,
    /// The end, with offset. If you may not know the event, the end of the overlap.
    end: String,
    /// The original start of the instance of a series; null otherwise.
    #[schema(required)]
    original_start: Option<String>,
    /// The most specific reason. Warnings have the reason `duplicate`.
    reason: &'static str,
    /// All reasons.
    reasons: Vec<&'static str>,
}

/// The result of a check for conflicts.
#[derive(Serialize, ToSchema)]
#[schema(title = "ConflictReport")]
pub struct ReportView {
    /// The events that take the same time, by start; at most 100.
    pub conflicts: Vec<ClashView>,
    /// Whether there are more conflicts than are listed.
    pub more: bool,
    /// Probable duplicates: events with the same title in the same calendar, at most an hour apart.
    pub warnings: Vec<ClashView>,
    /// The instant up to which conflicts were checked.
    pub checked_until: String,
}

impl ClashView {
    fn of(clash: &Clash) -> ClashView {
        let reasons: Vec<&'static str> = clash.reasons.iter().map(|reason| reason.name()).collect();
        ClashView {
            event_id: clash.event,
            title: clash.title.clone(),
            start: clash.start.clone(),
            end: clash.end.clone(),
            original_start: clash.original_start.clone(),
            reason: reasons.first().copied().unwrap_or("calendar"),
            reasons,
        }
    }
}

impl ReportView {
    /// A report as a client sees it.
    pub fn of(report: &Report) -> ReportView {
        ReportView {
            conflicts: report.clashes.iter().map(ClashView::of).collect(),
            more: report.more,
            warnings: report.warnings.iter().map(ClashView::of).collect(),
            checked_until: report.checked_until.to_string(),
        }
    }
}

/// An event to check for conflicts.
#[derive(Serialize, ToSchema)]
#[schema(title = "ConflictQuestion", example = json!({
    "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich", "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"]
}))]
pub struct WhatIfBody {
    /// The start: `2027-03-22T19:30:00` (in `time_zone`), with an offset, or a date with `all_day`.
    start: String,
    /// The end (exclusive).
    end: Option<String>,
    /// The IANA time zone. Defaults to that of the calendar, then of the venue, then yours.
    time_zone: Option<String>,
    /// The time zone of the end, if it differs from that of the start.
    end_time_zone: Option<String>,
    /// Whether `start` and `end` are dates.
    all_day: Option<bool>,
    /// Whether the local time applies in every time zone.
    floating: Option<bool>,
    /// RRULE, RDATE and EXDATE lines (RFC 5545).
    recurrence: Option<Vec<String>>,
    /// Changed and cancelled instances, as for events.
    #[schema(value_type = Option<Vec<Object>>)]
    overrides: Option<Vec<Value>>,
    /// Check this calendar.
    calendar_id: Option<Uuid>,
    /// Check this venue.
    venue_id: Option<Uuid>,
    /// Check the time of these people; at most 100.
    user_ids: Option<Vec<Uuid>>,
    /// Check the time of the people in this audience.
    #[schema(value_type = Option<Object>)]
    audience: Option<Value>,
    /// Ignore this event, for example the one that you are about to move.
    exclude_event_id: Option<Uuid>,
    /// With `calendar_id`: also warn about probable duplicates.
    title: Option<String>,
}

/// Find conflicts
///
/// Checks an event that does not exist yet for conflicts, and changes nothing. Checks the calendar, the venue and the
/// people in the request, or your own time if it names none. The result is exact for series, up to `checked_until`.
/// Only events whose times you may see are reported or counted as busy, and you see of each only what you may see.
#[utoipa::path(post, path = "/api/v1/conflicts", tag = "conflicts", operation_id = "find_conflicts", request_body = WhatIfBody,
    responses((status = 200, description = "The conflicts.", body = ReportView), (status = 404, description = "The calendar or the venue does not exist, or you are not allowed to see it."),
        (status = 422, description = "`invalid`: the request contains invalid values. `too-much-to-check`: finding conflicts needs too much work.")))]
async fn dry_run(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let what = DryRun::parse(body.map)?;
    let read =
        app.db.read((call.call.ctx.clone(), what), |conn, (ctx, what)| Box::pin(conflicts::dry_run(conn, ctx, what)));
    let report = read.await?;
    Ok(Reply::ok(&ReportView::of(&report)))
}

/// An interval of time.
#[derive(Serialize, ToSchema)]
#[schema(title = "Stretch")]
pub struct StretchView {
    /// The start, with offset.
    start: String,
    /// The end (exclusive), with offset.
    end: String,
}

fn stretches(all: &[Stretch], zone: &TimeZone) -> Vec<StretchView> {
    let shown = |at| events::show_instant(at, zone);
    all.iter().map(|(start, end)| StretchView { start: shown(*start), end: shown(*end) }).collect()
}

/// The busy times of a person.
#[derive(Serialize, ToSchema)]
#[schema(title = "BusyUser")]
pub struct BusyUser {
    /// The person.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The busy intervals, merged and sorted by start.
    busy: Vec<StretchView>,
    /// Whether the list is complete. Of other people you see only events whose times you may see.
    complete: bool,
}

/// The times at which a venue is taken.
#[derive(Serialize, ToSchema)]
#[schema(title = "BusyVenue")]
pub struct BusyVenue {
    /// The venue.
    #[schema(value_type = Uuid)]
    venue_id: VenueId,
    /// The busy intervals, merged and sorted by start.
    busy: Vec<StretchView>,
}

/// The busy times of people and venues.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeBusy", example = json!({
    "from": "2027-03-22T00:00:00Z", "to": "2027-03-23T00:00:00Z", "busy": [{"start": "2027-03-22T18:30:00Z", "end": "2027-03-22T20:00:00Z"}],
    "users": [{"user_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "busy": [{"start": "2027-03-22T18:30:00Z", "end": "2027-03-22T20:00:00Z"}], "complete": true}],
    "venues": []
}))]
pub struct FreeBusyView {
    /// The start of the window.
    from: String,
    /// The end of the window.
    to: String,
    /// The intervals in which any of them is busy.
    busy: Vec<StretchView>,
    /// The busy times of each person.
    users: Vec<BusyUser>,
    /// The busy times of each venue.
    venues: Vec<BusyVenue>,
}

/// Show busy times
///
/// Returns when people and venues are busy, without revealing which events make them busy. Returns your own busy times
/// if the request names nobody. Only events whose times you may see are counted.
#[utoipa::path(get, path = "/api/v1/freebusy", tag = "conflicts", operation_id = "free_busy",
    params(("user_id" = Option<String>, Query, description = "The people: account ids, separated by commas; at most 100."), ("venue_id" = Option<String>, Query, description = "The venues: ids, separated by commas; at most 100."),
        ("from" = String, Query, description = "The start of the window (RFC 3339 with offset)."), ("to" = String, Query, description = "The end of the window, at most 366 days after `from` (RFC 3339 with offset)."),
        ("time_zone" = Option<String>, Query, description = "The IANA time zone of the times in the response. Defaults to UTC.")),
    responses((status = 200, description = "The busy intervals.", body = FreeBusyView), (status = 404, description = "One of the venues does not exist."), (status = 422, description = "`invalid`: a parameter has an invalid value. `too-much-to-check`: the request needs too much work.")))]
async fn free_busy(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let users = query.ids::<UserId>("user_id", MOST_SUBJECTS).unwrap_or_default();
    let venues = query.ids::<VenueId>("venue_id", MOST_SUBJECTS).unwrap_or_default();
    let (from, to) = (query.instant("from"), query.instant("to"));
    let window = query.require("from", from).zip(query.require("to", to));
    let zone = query.parsed("time_zone", "unknown-time-zone", Zone::parse).unwrap_or_else(Zone::utc);
    if let Some((from, to)) = window {
        if to <= from {
            query.error("to", "before-from", "must be after from");
        } else if to.duration_since(from) > LONGEST_WINDOW {
            query.error("to", "too-long", "must be at most 366 days after from");
        }
    }
    query.finish()?;
    let Some((from, to)) = window else { return Err(Problem::new(&codes::INVALID)) };
    let users = if users.is_empty() && venues.is_empty() { vec![call.user.id] } else { users };
    let read = app.db.read((call.call.ctx.clone(), users, venues), move |conn, (ctx, users, venues)| {
        Box::pin(conflicts::free_busy(conn, ctx, users, venues, (from, to)))
    });
    let found = read.await?;
    let zone = zone.time_zone();
    let user =
        |one: &BusyTime<UserId>| BusyUser { user_id: one.id, busy: stretches(&one.busy, zone), complete: one.complete };
    let venue = |one: &BusyTime<VenueId>| BusyVenue { venue_id: one.id, busy: stretches(&one.busy, zone) };
    Ok(Reply::ok(&FreeBusyView {
        from: events::show_instant(from, zone),
        to: events::show_instant(to, zone),
        busy: stretches(&found.busy, zone),
        users: found.users.iter().map(user).collect(),
        venues: found.venues.iter().map(venue).collect(),
    }))
}

/// A search for free slots.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeSlotsInput", example = json!({
    "duration": "PT1H", "from": "2027-03-22T00:00:00", "to": "2027-03-27T00:00:00", "time_zone": "Europe/Zurich",
    "working_hours": {"from": "08:00", "to": "18:00", "days": ["mo", "tu", "we", "th", "fr"]}, "limit": 3
}))]
pub struct FreeSlotsBody {
    /// The length as an ISO 8601 duration such as `PT1H30M`, from a minute to 31 days.
    duration: String,
    /// The start of the search, in `time_zone` or with an offset.
    from: String,
    /// The end of the search; at most 366 days later.
    to: String,
    /// The people who must be free; at most 100. Defaults to you, if the request names no venue either.
    user_ids: Option<Vec<Uuid>>,
    /// The venue that must be free.
    venue_id: Option<Uuid>,
    /// The IANA time zone of times without offset, of the working hours and of the response. Defaults to UTC.
    time_zone: Option<String>,
    /// `{from: "08:00", to: "18:00", days: ["mo", …]}`: only slots within these hours on these days. Without `days`, on
    /// every day.
    #[schema(value_type = Option<Object>)]
    working_hours: Option<Value>,
    /// The step in minutes at which slots may start, counted from midnight. Defaults to 15.
    step: Option<i64>,
    /// The maximum number of slots: 1 to 100. Defaults to 10.
    limit: Option<i64>,
}

/// Slots in which everyone is free.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeSlots")]
pub struct SlotsView {
    /// The slots, sorted by start, without overlaps.
    items: Vec<StretchView>,
    /// Always null, because there is only one page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Find free slots
///
/// Returns the first slots in which all given people and the venue are free. Only events whose times you may see are
/// counted as busy.
#[utoipa::path(post, path = "/api/v1/free-slots", tag = "conflicts", operation_id = "find_free_slots", request_body = FreeSlotsBody,
    responses((status = 200, description = "The free slots. The list is empty if there is none.", body = SlotsView), (status = 404, description = "The venue does not exist."),
        (status = 422, description = "`invalid`: the request contains invalid values. `too-much-to-check`: finding conflicts needs too much work.")))]
async fn free_slots(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let wanted = FreeSlots::parse(&body.map)?;
    let args = (call.call.ctx.clone(), wanted.clone());
    let read = app.db.read(args, |conn, (ctx, wanted)| Box::pin(conflicts::free_slots(conn, ctx, wanted)));
    let slots = read.await?;
    Ok(Reply::ok(&SlotsView { items: stretches(&slots, wanted.zone.time_zone()), next_cursor: None }))
}
