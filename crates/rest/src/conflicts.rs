//! Conflicts, busy time and free slots over REST.

use axum::extract::State;
use jiff::tz::TimeZone;
use kalends_core::conflicts::{
    self, BusyTime, Clash, FreeSlots, LONGEST_WINDOW, MOST_SUBJECTS, Report, Stretch, WhatIf,
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
use crate::call::{Body, SignedInCall};
use crate::codes;
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;

/// The routes of conflicts.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(what_if)).routes(routes!(free_busy)).routes(routes!(free_slots))
}

/// Something that takes the same time, as far as you may see it.
#[derive(Serialize, ToSchema)]
#[schema(title = "Conflict", example = json!({
    "event_id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "title": "Rehearsal", "start": "2027-03-29T19:30:00+02:00", "end": "2027-03-29T21:00:00+02:00",
    "original_start": "2027-03-29T19:30:00+02:00", "reason": "venue", "reasons": ["venue", "calendar"]
}))]
pub struct ClashView {
    /// Which event; null when you may not know.
    #[schema(value_type = Option<Uuid>, required)]
    event_id: Option<EventId>,
    /// What it is called; null when you only see that the time is taken.
    #[schema(required)]
    title: Option<String>,
    /// When it begins, with offset; when the overlap begins, if you may not know which event it is.
    start: String,
    /// When it ends, or the overlap.
    end: String,
    /// Of a series: which instance.
    #[schema(required)]
    original_start: Option<String>,
    /// The most specific reason: `venue`, `calendar` or `user`; of warnings `duplicate`.
    reason: &'static str,
    /// Every reason.
    reasons: Vec<&'static str>,
}

/// What a check for conflicts found.
#[derive(Serialize, ToSchema)]
#[schema(title = "ConflictReport")]
pub struct ReportView {
    /// What takes the same time, by start; at most 100.
    pub conflicts: Vec<ClashView>,
    /// Whether there are more than are listed.
    pub more: bool,
    /// Probably the same event once more: the same title in the same calendar, at most an hour apart; `reason` is `duplicate`.
    pub warnings: Vec<ClashView>,
    /// Up to when all is known.
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

/// An event that might be.
#[derive(Serialize, ToSchema)]
#[schema(title = "ConflictQuestion", example = json!({
    "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich", "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"]
}))]
pub struct WhatIfBody {
    /// `2027-03-22T19:30:00` (in `time_zone`), with an offset, or a date with `all_day`.
    start: String,
    /// The first moment after.
    end: Option<String>,
    /// An IANA zone; without one that of the calendar, else of the venue, else yours.
    time_zone: Option<String>,
    /// The zone of the end, when it is another one.
    end_time_zone: Option<String>,
    /// `start` and `end` are dates.
    all_day: Option<bool>,
    /// The wall clock is that of wherever one is.
    floating: Option<bool>,
    /// RRULE, RDATE and EXDATE lines.
    recurrence: Option<Vec<String>>,
    /// As those of events.
    #[schema(value_type = Option<Vec<Object>>)]
    overrides: Option<Vec<Value>>,
    /// Look in this calendar.
    calendar_id: Option<Uuid>,
    /// Look at this venue.
    venue_id: Option<Uuid>,
    /// Look at the time of these people; at most 100.
    user_ids: Option<Vec<Uuid>>,
    /// Look at the time of the people that it names.
    #[schema(value_type = Option<Object>)]
    audience: Option<Value>,
    /// Leave this event out: the one that is to be moved.
    exclude_event_id: Option<Uuid>,
    /// With `calendar_id`: also warn of probable duplicates.
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
async fn what_if(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let what = WhatIf::parse(body.map)?;
    let read =
        app.db.read((call.call.ctx.clone(), what), |conn, (ctx, what)| Box::pin(conflicts::what_if(conn, ctx, what)));
    let report = read.await?;
    Ok(Reply::ok(&ReportView::of(&report)))
}

/// A stretch of time.
#[derive(Serialize, ToSchema)]
#[schema(title = "Stretch")]
pub struct StretchView {
    /// The first moment.
    start: String,
    /// The first moment after.
    end: String,
}

fn stretches(all: &[Stretch], zone: &TimeZone) -> Vec<StretchView> {
    let shown = |at| events::show_instant(at, zone);
    all.iter().map(|(start, end)| StretchView { start: shown(*start), end: shown(*end) }).collect()
}

/// When a person is busy.
#[derive(Serialize, ToSchema)]
#[schema(title = "BusyUser")]
pub struct BusyUser {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// Joined where it overlaps or touches, by start.
    busy: Vec<StretchView>,
    /// Whether that is all. Of other people you get what you may see at least as busy.
    complete: bool,
}

/// When a venue is taken.
#[derive(Serialize, ToSchema)]
#[schema(title = "BusyVenue")]
pub struct BusyVenue {
    #[schema(value_type = Uuid)]
    venue_id: VenueId,
    /// Joined where it overlaps or touches, by start.
    busy: Vec<StretchView>,
}

/// When people and venues are busy.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeBusy", example = json!({
    "from": "2027-03-22T00:00:00Z", "to": "2027-03-23T00:00:00Z", "busy": [{"start": "2027-03-22T18:30:00Z", "end": "2027-03-22T20:00:00Z"}],
    "users": [{"user_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "busy": [{"start": "2027-03-22T18:30:00Z", "end": "2027-03-22T20:00:00Z"}], "complete": true}],
    "venues": []
}))]
pub struct FreeBusyView {
    /// The beginning of the window.
    from: String,
    /// Its end.
    to: String,
    /// When any of those asked for is busy.
    busy: Vec<StretchView>,
    /// Each person.
    users: Vec<BusyUser>,
    /// Each venue.
    venues: Vec<BusyVenue>,
}

/// Show busy times
///
/// Returns when people and venues are busy, without revealing which events make them busy. Returns your own busy times
/// if the request names nobody. Only events whose times you may see are counted.
#[utoipa::path(get, path = "/api/v1/freebusy", tag = "conflicts", operation_id = "free_busy",
    params(("user_id" = Option<String>, Query, description = "People, separated by commas; at most 100"), ("venue_id" = Option<String>, Query, description = "Venues, separated by commas; at most 100"),
        ("from" = String, Query, description = "From here; RFC 3339 with offset"), ("to" = String, Query, description = "… up to here; at most 366 days later"),
        ("time_zone" = Option<String>, Query, description = "The IANA zone whose offsets the answer shows; UTC without one")),
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

/// What kind of slot is looked for.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeSlotsInput", example = json!({
    "duration": "PT1H", "from": "2027-03-22T00:00:00", "to": "2027-03-27T00:00:00", "time_zone": "Europe/Zurich",
    "working_hours": {"from": "08:00", "to": "18:00", "days": ["mo", "tu", "we", "th", "fr"]}, "limit": 3
}))]
pub struct FreeSlotsBody {
    /// How long: `PT1H30M`, from a minute to 31 days.
    duration: String,
    /// From here, in `time_zone` or with an offset.
    from: String,
    /// … up to here; at most 366 days later.
    to: String,
    /// Who must be free; at most 100. You, when neither people nor a venue are named.
    user_ids: Option<Vec<Uuid>>,
    /// Which venue must be free.
    venue_id: Option<Uuid>,
    /// The IANA zone of times without offset, of the working hours and of the answer; UTC without one.
    time_zone: Option<String>,
    /// `{from: "08:00", to: "18:00", days: ["mo", …]}`: within these hours of these days (every day without `days`).
    #[schema(value_type = Option<Object>)]
    working_hours: Option<Value>,
    /// On which minutes a slot may begin: multiples of this since midnight; 15 by default.
    step: Option<i64>,
    /// How many at most: 1 to 100, 10 by default.
    limit: Option<i64>,
}

/// Slots in which everybody is free.
#[derive(Serialize, ToSchema)]
#[schema(title = "FreeSlots")]
pub struct SlotsView {
    /// The slots, by start; none overlaps another.
    items: Vec<StretchView>,
    /// Always null: there is one page.
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
