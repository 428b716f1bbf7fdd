//! What an event would clash with, without one.

use std::collections::BTreeSet;

use kalends_db::Conn;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{CalendarId, EventId, Invalid, UserId, VenueId, Zone};
use serde_json::{Map, Value};

use super::check::{Question, all_new, ask, duplicates, timeline};
use super::free_slots::read_users;
use super::occupancy::places;
use super::{Report, Subject, Work, horizon};
use crate::access::{Can, Denied};
use crate::calendars;
use crate::ctx::Ctx;
use crate::events::store::load_unchecked;
use crate::events::{Audience, Content, EventError, derive};
use crate::venues;

/// An event that might be.
#[derive(Clone, PartialEq, Debug)]
pub struct DryRun {
    calendar: Option<CalendarId>,
    venue: Option<VenueId>,
    users: Vec<UserId>,
    but: Option<EventId>,
    title: Option<String>,
    zone_is_given: bool,
    /// The times, as the body of an event.
    body: Map<String, Value>,
}

/// The fields that are read as those of an event.
const OF_EVENTS: &[&str] =
    &["start", "end", "time_zone", "end_time_zone", "all_day", "floating", "recurrence", "overrides"];

impl DryRun {
    /// Reads a body; everything wrong is told at once.
    pub fn parse(mut body: Map<String, Value>) -> Result<DryRun, Invalid> {
        let mut times = Map::new();
        for name in OF_EVENTS {
            if let Some(value) = body.remove(*name) {
                times.insert((*name).to_owned(), value);
            }
        }
        let mut fields = Fields::of_map(&body, "");
        let id = |_: uuid::Error| "must be an id (a UUID)";
        let calendar = fields.parsed("calendar_id", "not-an-id", |text| text.parse().map_err(id));
        let venue = fields.parsed("venue_id", "not-an-id", |text| text.parse().map_err(id));
        let but = fields.parsed("exclude_event_id", "not-an-id", |text| text.parse().map_err(id));
        let title = fields.text("title", Text::line(500));
        let mut users = read_users(&mut fields);
        // Of whom it is for, the people that are named; classes have a timetable once there is a school.
        users.extend(Audience::read(&mut fields).into_iter().flat_map(|audience| audience.user_ids));
        let zone_is_given = times.get("time_zone").is_some_and(|zone| !zone.is_null());
        // Which names are known is said by the times, too: what remains is not.
        let mut invalid = fields.finish();
        times.insert("title".to_owned(), "?".into());
        if let Some(venue) = venue {
            let venue: VenueId = venue;
            times.insert("venue_id".to_owned(), venue.to_string().into());
        }
        if let Err(more) = Content::parse(&times, &Zone::utc()) {
            invalid.append(more);
        }
        invalid.or(DryRun { calendar, venue, users, but, title, zone_is_given, body: times })
    }
}

/// What it would clash with: in the calendar, at the venue and with the people that are named; with the asker's own time when
/// none is.
pub async fn dry_run(conn: &mut Conn, ctx: &Ctx, what: &DryRun) -> Result<Report, EventError> {
    let mut subjects: BTreeSet<Subject> = what.users.iter().map(|id| Subject::User(*id)).collect();
    let mut zone = None;
    if let Some(id) = what.calendar {
        zone = Some(calendars::load(conn, ctx, id, Can::See).await?.calendar.zone);
        subjects.insert(Subject::Calendar(id));
    }
    if let Some(id) = what.venue {
        let found = venues::store::all_of(conn, [id]).await?;
        let venue = found.into_iter().next().ok_or(Denied::NotFound)?;
        zone.get_or_insert(venue.zone);
        subjects.insert(Subject::Venue(id));
    }
    if let Some(me) = ctx.user() {
        if subjects.is_empty() {
            subjects.insert(Subject::User(me));
        }
        if zone.is_none() && !what.zone_is_given {
            zone = Some(calendars::store::zone_of(conn, me).await?);
        }
    }
    let zone = zone.unwrap_or_else(Zone::utc);
    let content = Content::parse(&what.body, &zone)?;
    // Those of single instances, too.
    let wanted = places(&content);
    let found = venues::store::all_of(conn, wanted.iter().copied()).await?;
    if found.len() < wanted.len() {
        return Err(Denied::NotFound.into());
    }
    subjects.extend(wanted.into_iter().map(Subject::Venue));
    let (mut work, nobody) = (Work::of(ctx), BTreeSet::new());
    let starts_at = derive(&content, &zone).starts_at;
    let until = horizon(ctx, starts_at);
    let mine = timeline(&content, &zone, (starts_at, until), &mut work)?;
    let itself = match what.but {
        // To leave out what one may not see would tell that it is there.
        Some(id) => {
            load_unchecked(conn, ctx, &[id]).await?.into_iter().find_map(|(event, grant)| grant.map(|_| event.id))
        }
        None => None,
    };
    let question =
        Question { itself, writes: false, but: &nobody, known: BTreeSet::new(), mine: all_new(mine), subjects };
    let (clashes, more) = ask(conn, ctx, &question, &mut work).await?;
    let warnings = match (&what.title, what.calendar) {
        (Some(title), Some(calendar)) => duplicates(conn, ctx, what.but, calendar, title, starts_at).await?,
        _ => Vec::new(),
    };
    Ok(Report { clashes, more, warnings, checked_until: until })
}
