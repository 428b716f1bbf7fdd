//! Finding a time: the first stretches in which everybody asked for and the venue are free.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use kalends_db::Conn;
use kalends_kernel::fields::Fields;
use kalends_kernel::{Invalid, UserId, VenueId, Zone};
use serde_json::{Map, Value};

use super::free_busy::{MOST_SUBJECTS, Stretch, free_busy, wrong_window};
use super::overlap::gaps;
use crate::ctx::Ctx;
use crate::events::{EventError, parse_moment, resolve};

/// The hours of the day in which a slot must lie, on the clock of the asked zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hours {
    /// The first moment of a day.
    pub from: Time,
    /// The first moment after; midnight is the end of the day.
    pub to: Time,
    /// On which days.
    pub days: Vec<Weekday>,
}

/// What is looked for.
#[derive(Clone, PartialEq, Debug)]
pub struct FreeSlots {
    /// How long.
    pub duration: SignedDuration,
    /// Within what.
    pub window: Stretch,
    /// Who must be free; the asker when nobody and no venue is named.
    pub users: Vec<UserId>,
    /// Where it must be free.
    pub venue: Option<VenueId>,
    /// Whose clock the hours are on.
    pub zone: Zone,
    /// At what hours.
    pub hours: Option<Hours>,
    /// On which minutes of the clock a slot may begin: multiples of this.
    pub step: i64,
    /// How many at most.
    pub limit: usize,
}

const WEEKDAYS: &[(&str, Weekday)] = &[
    ("mo", Weekday::Monday),
    ("tu", Weekday::Tuesday),
    ("we", Weekday::Wednesday),
    ("th", Weekday::Thursday),
    ("fr", Weekday::Friday),
    ("sa", Weekday::Saturday),
    ("su", Weekday::Sunday),
];

impl FreeSlots {
    /// Reads a body; everything wrong is told at once.
    pub fn parse(body: &Map<String, Value>) -> Result<FreeSlots, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let duration = fields.parsed("duration", "not-a-duration", parse_duration);
        let duration = fields.require("duration", duration);
        let zone = fields.parsed("time_zone", "unknown-time-zone", Zone::parse);
        let zone_or_utc = zone.clone().unwrap_or_else(Zone::utc);
        let mut moment = |name| {
            let found = fields.parsed(name, "not-a-time", |text| parse_moment(text, Some(&zone_or_utc)));
            fields.require(name, found).map(|local| resolve(local, zone_or_utc.time_zone()))
        };
        let window = moment("from").zip(moment("to"));
        let users = read_users(&mut fields);
        let venue = fields.parsed("venue_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"));
        let hours = Hours::read(&mut fields);
        let step = fields.integer("step", 1, 1_440).unwrap_or(15);
        let limit = fields.integer("limit", 1, 100).unwrap_or(10);
        if let Some(window) = window {
            fields.append(wrong_window(window, "/"));
        }
        let invalid = fields.finish();
        match (duration, window) {
            (Some(duration), Some(window)) => invalid.or(FreeSlots {
                duration,
                window,
                users,
                venue,
                zone: zone_or_utc,
                hours,
                step,
                limit: usize::try_from(limit).unwrap_or(10),
            }),
            _ => Err(invalid),
        }
    }
}

/// The list `user_ids`.
pub(super) fn read_users(fields: &mut Fields) -> Vec<UserId> {
    let users = fields.list("user_ids", MOST_SUBJECTS, |item, at| {
        item.as_str()
            .and_then(|text| text.parse::<UserId>().ok())
            .ok_or_else(|| Invalid::one(at, "not-an-id", "must be an id (a UUID)"))
    });
    users.unwrap_or_default()
}

/// `PT1H30M` or `P1D`: days of 24 hours, hours, minutes.
fn parse_duration(text: &str) -> Result<SignedDuration, &'static str> {
    let wrong = "must be a duration such as PT1H30M, from a minute to 31 days";
    if text.len() > 40 || !text.starts_with(['P', 'p']) {
        return Err(wrong);
    }
    let span: jiff::Span = text.parse().map_err(|_| wrong)?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(wrong);
    }
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong)?;
    let allowed = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24 * 31);
    if allowed.contains(&length) && length.subsec_nanos() == 0 { Ok(length) } else { Err(wrong) }
}

impl Hours {
    fn read(fields: &mut Fields) -> Option<Hours> {
        let value = fields.value("working_hours")?;
        let mut inner = match Fields::of(value, "/working_hours") {
            Ok(inner) => inner,
            Err(invalid) => {
                fields.append(invalid);
                return None;
            }
        };
        let mut time = |name| {
            let found = inner.parsed(name, "not-a-time", |text: &str| {
                let time = text.parse::<Time>().ok().filter(|time| text.len() == 5 && time.second() == 0);
                time.ok_or("must be a time of day such as 08:30")
            });
            inner.require(name, found)
        };
        let (from, to) = (time("from"), time("to"));
        let days = inner.list("days", 7, |item, at| {
            let known = WEEKDAYS.iter().find(|(name, _)| item.as_str() == Some(name)).map(|(_, day)| *day);
            known.ok_or_else(|| Invalid::one(at, "not-a-choice", "must be one of mo, tu, we, th, fr, sa, su"))
        });
        if inner.value("days").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            inner.error("days", "empty", "must name at least one day");
        }
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
            && to != Time::midnight()
        {
            inner.error("to", "before-from", "must be after from");
        }
        fields.append(inner.finish());
        let days = days.unwrap_or_else(|| WEEKDAYS.iter().map(|(_, day)| *day).collect());
        Some(Hours { from: from?, to: to?, days })
    }

    /// The stretches of a window in these hours, by start.
    fn within(&self, (from, to): Stretch, zone: &Zone) -> Vec<Stretch> {
        let day = |at: Timestamp| at.to_zoned(zone.time_zone().clone()).date();
        let (first, last) = (day(from), day(to));
        let mut all = Vec::new();
        for date in first.series(1.day()).take_while(|date| *date <= last) {
            if !self.days.contains(&date.weekday()) {
                continue;
            }
            let at = |time: Time| resolve(DateTime::from_parts(date, time), zone.time_zone());
            let ends = if self.to == Time::midnight() {
                date.tomorrow().map_or(to, |next| resolve(next.into(), zone.time_zone()))
            } else {
                at(self.to)
            };
            let stretch = (at(self.from).max(from), ends.min(to));
            if stretch.0 < stretch.1 {
                all.push(stretch);
            }
        }
        all
    }
}

/// The first slots in which all of them are free, by start, none overlapping another.
pub async fn free_slots(conn: &mut Conn, ctx: &Ctx, wanted: &FreeSlots) -> Result<Vec<Stretch>, EventError> {
    let users = if wanted.users.is_empty() && wanted.venue.is_none() {
        ctx.user().into_iter().collect()
    } else {
        wanted.users.clone()
    };
    let venues: Vec<VenueId> = wanted.venue.into_iter().collect();
    let busy = free_busy(conn, ctx, &users, &venues, wanted.window).await?.busy;
    Ok(slots(&busy, wanted))
}

/// The slots that merged busy stretches leave.
pub(super) fn slots(busy: &[Stretch], wanted: &FreeSlots) -> Vec<Stretch> {
    let within = match &wanted.hours {
        Some(hours) => hours.within(wanted.window, &wanted.zone),
        None => vec![wanted.window],
    };
    let mut found = Vec::new();
    for (from, to) in within {
        for (start, end) in gaps(busy, from, to) {
            let mut at = on_the_clock(start, wanted);
            while let Some(until) = at.checked_add(wanted.duration).ok().filter(|until| *until <= end) {
                if found.len() == wanted.limit {
                    return found;
                }
                found.push((at, until));
                at = on_the_clock(until, wanted);
            }
        }
    }
    found
}

/// The next moment at which the clock shows a multiple of the step.
fn on_the_clock(at: Timestamp, wanted: &FreeSlots) -> Timestamp {
    let local = at.to_zoned(wanted.zone.time_zone().clone()).datetime();
    let since_midnight = local.duration_since(local.date().into());
    let step = SignedDuration::from_mins(wanted.step);
    let over = SignedDuration::from_nanos(i64::try_from(since_midnight.as_nanos() % step.as_nanos()).unwrap_or(0));
    if over.is_zero() { at } else { at.saturating_add(step - over).unwrap_or(at) }
}
