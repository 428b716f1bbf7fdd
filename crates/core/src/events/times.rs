//! When an event is: wall-clock times and zones, from which instants are derived (rules 1 and 2).

use jiff::civil::{Date, DateTime};
use jiff::tz::{Disambiguation, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use kalends_kernel::Zone;
use kalends_kernel::fields::Fields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Start and end of an event. Built only by [`Times::read`] and what comes of it, so that it is one of three kinds:
/// all-day (midnights, no zone), floating (no zone), or zoned; and the end is never before the start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Times {
    /// The first moment, on the wall clock.
    pub start: DateTime,
    /// The first moment after, on the wall clock (of `end_time_zone`, if there is one).
    pub end: DateTime,
    /// The zone of the wall clock; none for all-day and floating events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
    /// The zone of the end, when it is another one (a flight).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time_zone: Option<Zone>,
    /// Whether the wall clock is that of wherever one is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub floating: bool,
    /// Whether it takes whole days.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_day: bool,
}

/// The years that events may lie in: the Gregorian calendar up to where arithmetic is still safe.
const YEARS: std::ops::RangeInclusive<i16> = 1583..=9990;

impl Times {
    /// Reads `start`, `end`, `time_zone`, `end_time_zone`, `floating` and `all_day`. A time without offset is read in
    /// `time_zone`, else in the calendar's zone; one with an offset is converted to it. Nothing is guessed: what
    /// contradicts itself is refused.
    pub fn read(fields: &mut Fields, calendar: &Zone) -> Option<Times> {
        let all_day = fields.boolean("all_day").unwrap_or(false);
        let floating = fields.boolean("floating").unwrap_or(false);
        let zone = fields.parsed("time_zone", "unknown-time-zone", Zone::parse);
        let end_zone = fields.parsed("end_time_zone", "unknown-time-zone", Zone::parse);
        let zone_failed = zone.is_none() && fields.value("time_zone").is_some()
            || end_zone.is_none() && fields.value("end_time_zone").is_some();
        if all_day && floating {
            fields.error(
                "floating",
                "contradiction",
                "an all-day event has dates, which float anyway; leave floating out",
            );
        }
        if floating && (zone.is_some() || end_zone.is_some()) {
            fields.error("time_zone", "contradiction", "a floating event has no time zone");
        }
        let times = if all_day {
            Self::read_days(fields)
        } else {
            Self::read_moments(fields, floating, zone, end_zone, calendar)
        };
        let times = times.filter(|_| !zone_failed)?;
        if times.end_instant(calendar) < times.start_instant(calendar) {
            fields.error("end", "before-start", "must not be before the start");
            return None;
        }
        Some(times)
    }

    fn read_days(fields: &mut Fields) -> Option<Times> {
        let start = fields.parsed("start", "not-a-date", parse_date);
        let start = fields.require("start", start);
        let end = fields.parsed("end", "not-a-date", parse_date);
        // RFC 5545 3.6.1: a DATE without an end takes that day.
        let end = if fields.value("end").is_some() { end } else { start.and_then(|start| start.tomorrow().ok()) };
        let (start, end) = (start?, end?);
        if end <= start {
            fields.error(
                "end",
                "before-start",
                "must be after the start: the end of an all-day event is the day after its last",
            );
            return None;
        }
        Some(Times {
            start: start.into(),
            end: end.into(),
            time_zone: None,
            end_time_zone: None,
            floating: false,
            all_day: true,
        })
    }

    fn read_moments(
        fields: &mut Fields,
        floating: bool,
        zone: Option<Zone>,
        end_zone: Option<Zone>,
        calendar: &Zone,
    ) -> Option<Times> {
        let zone = if floating { None } else { Some(zone.unwrap_or_else(|| calendar.clone())) };
        let end_zone = end_zone.filter(|end| zone.is_some() && Some(end) != zone.as_ref());
        let start = fields.parsed("start", "not-a-time", |text| parse_moment(text, zone.as_ref()));
        let start = fields.require("start", start);
        let end = fields.parsed("end", "not-a-time", |text| parse_moment(text, end_zone.as_ref().or(zone.as_ref())));
        // RFC 5545 3.6.1: a DATE-TIME without an end ends when it starts.
        let end = match (fields.value("end"), start, &zone, &end_zone) {
            (Some(_), ..) => end,
            (None, Some(start), Some(zone), Some(end_zone)) => {
                Some(resolve(start, zone.time_zone()).to_zoned(end_zone.time_zone().clone()).datetime())
            }
            (None, start, ..) => start,
        };
        Some(Times { start: start?, end: end?, time_zone: zone, end_time_zone: end_zone, floating, all_day: false })
    }

    /// The times as fields of a body: what [`Times::read`] reads again.
    pub fn body(&self) -> Map<String, Value> {
        let show = |local: DateTime| if self.all_day { local.date().to_string() } else { local.to_string() };
        let mut body = Map::new();
        body.insert("start".into(), show(self.start).into());
        body.insert("end".into(), show(self.end).into());
        if let Some(zone) = &self.time_zone {
            body.insert("time_zone".into(), zone.name().into());
        }
        if let Some(zone) = &self.end_time_zone {
            body.insert("end_time_zone".into(), zone.name().into());
        }
        body.insert("floating".into(), self.floating.into());
        body.insert("all_day".into(), self.all_day.into());
        body
    }

    /// The zone whose clock `start` is on; all-day and floating events are on that of the calendar.
    pub fn zone<'a>(&'a self, calendar: &'a Zone) -> &'a TimeZone {
        self.time_zone.as_ref().unwrap_or(calendar).time_zone()
    }

    fn end_zone<'a>(&'a self, calendar: &'a Zone) -> &'a TimeZone {
        self.end_time_zone.as_ref().map_or_else(|| self.zone(calendar), Zone::time_zone)
    }

    /// The first moment.
    pub fn start_instant(&self, calendar: &Zone) -> Timestamp {
        resolve(self.start, self.zone(calendar))
    }

    /// The first moment after. In a gap the start may be moved past the end; then they are one.
    pub fn end_instant(&self, calendar: &Zone) -> Timestamp {
        resolve(self.end, self.end_zone(calendar))
    }

    /// The same times begun at another moment of the wall clock: the length on the wall clock stays, so a night shift
    /// from 22:00 to 06:00 ends at 06:00 also in the night in which the clocks change. (RFC 5545 3.8.5.3 keeps the exact
    /// duration; rule 1 makes the wall clock the truth. ADR 0009.)
    pub fn begun_at(&self, start: DateTime) -> Times {
        let length = self.end.duration_since(self.start);
        let end = start.checked_add(length).unwrap_or(start);
        Times { start, end, ..self.clone() }
    }

    /// The length on the wall clock.
    pub fn wall_length(&self) -> SignedDuration {
        self.end.duration_since(self.start)
    }
}

/// The instant at which a wall clock shows this: in a gap moved forward by the gap, in an overlap the first
/// (RFC 5545 3.3.5).
pub fn resolve(local: DateTime, zone: &TimeZone) -> Timestamp {
    // Only at the ends of the calendar can this fail, and the years are bounded well inside.
    zone.to_ambiguous_timestamp(local).disambiguate(Disambiguation::Compatible).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2027-03-28`.
pub fn parse_date(text: &str) -> Result<Date, &'static str> {
    let wrong = "must be a date such as 2027-03-28 (the event is all-day)";
    if text.len() != 10 {
        return Err(wrong);
    }
    let date: Date = text.parse().map_err(|_| wrong)?;
    if YEARS.contains(&date.year()) { Ok(date) } else { Err("must be between the years 1583 and 9990") }
}

/// `2027-03-28T09:00:00` on the clock of `zone`, or with an offset and then converted to it. Without a zone (floating)
/// an offset is refused.
pub fn parse_moment(text: &str, zone: Option<&Zone>) -> Result<DateTime, String> {
    let wrong = || "must be a time such as 2027-03-28T09:00:00 or 2027-03-28T09:00:00+02:00".to_owned();
    if text.len() < 16 || text.len() > 40 || text.contains('[') {
        return Err(if text.len() == 10 {
            "must have a time of day; for whole days say all_day: true".to_owned()
        } else {
            wrong()
        });
    }
    let local = if let Ok(instant) = text.parse::<Timestamp>() {
        let Some(zone) = zone else { return Err("a floating time has no offset".to_owned()) };
        // A wall-clock time in a gap, with the offset before it, names its moment as well as the time after the gap does.
        let said = text.parse::<DateTime>().ok().filter(|local| resolve(*local, zone.time_zone()) == instant);
        let local = said.unwrap_or_else(|| instant.to_zoned(zone.time_zone().clone()).datetime());
        if resolve(local, zone.time_zone()) != instant {
            return Err(format!(
                "{} comes twice when the clocks go back in {}, and this is the second; a wall-clock time means the first. Give it in another zone, such as UTC",
                local,
                zone.name()
            ));
        }
        local
    } else {
        text.parse::<DateTime>().map_err(|_| wrong())?
    };
    if local.subsec_nanosecond() != 0 {
        return Err("must be a whole second".to_owned());
    }
    if YEARS.contains(&local.year()) { Ok(local) } else { Err("must be between the years 1583 and 9990".to_owned()) }
}

/// The text in which a moment is given to clients: with its offset, or as a date for all-day events, or bare when it floats.
pub fn show(local: DateTime, instant: Timestamp, zone: Option<&Zone>, all_day: bool) -> String {
    match (all_day, zone) {
        (true, _) => local.date().to_string(),
        (false, None) => local.to_string(),
        (false, Some(zone)) => show_instant(instant, zone.time_zone()),
    }
}

/// A wall-clock time as it is, with the offset that makes it its instant: in a gap that from before the gap.
pub fn show_wall(local: DateTime, instant: Timestamp) -> String {
    let as_utc = local.to_zoned(TimeZone::UTC).map_or(instant, |zoned| zoned.timestamp());
    let offset =
        i32::try_from(as_utc.duration_since(instant).as_secs()).ok().and_then(|s| Offset::from_seconds(s).ok());
    instant.display_with_offset(offset.unwrap_or(Offset::UTC)).to_string()
}

/// An instant with the offset of a zone. It shows what the clock really says: in a gap the moved time.
pub fn show_instant(instant: Timestamp, zone: &TimeZone) -> String {
    instant.display_with_offset(zone.to_offset(instant)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Times, String> {
        let mut fields = Fields::of(&body, "").expect("an object");
        let zurich = Zone::parse("Europe/Zurich").expect("a zone");
        let times = Times::read(&mut fields, &zurich);
        let invalid = fields.finish();
        times.filter(|_| invalid.is_empty()).ok_or_else(|| {
            invalid.errors().iter().map(|e| format!("{} {}", e.pointer, e.code)).collect::<Vec<_>>().join(", ")
        })
    }

    #[test]
    fn a_time_without_offset_is_read_in_its_zone_else_in_the_calendars() {
        let there = read(
            json!({"start": "2027-03-28T09:00:00", "end": "2027-03-28T10:00:00", "time_zone": "America/New_York"}),
        )
        .expect("fine");
        assert_eq!(there.start_instant(&Zone::utc()).to_string(), "2027-03-28T13:00:00Z");
        let here = read(json!({"start": "2027-03-28T09:00:00"})).expect("fine");
        assert_eq!(here.time_zone.as_ref().map(Zone::name), Some("Europe/Zurich"));
        assert_eq!(here.start_instant(&Zone::utc()).to_string(), "2027-03-28T07:00:00Z");
        assert_eq!(here.end, here.start);
    }

    #[test]
    fn a_time_with_offset_is_converted_to_its_zone() {
        let times = read(json!({"start": "2027-03-28T09:00:00Z", "end": "2027-03-28T12:00:00+02:00"})).expect("fine");
        assert_eq!(
            (times.start.to_string(), times.end.to_string()),
            ("2027-03-28T11:00:00".to_owned(), "2027-03-28T12:00:00".to_owned())
        );
    }

    #[test]
    fn in_a_gap_it_moves_forward_and_in_an_overlap_it_takes_the_first() {
        let gap = read(json!({"start": "2027-03-28T02:30:00"})).expect("fine");
        assert_eq!(gap.start_instant(&Zone::utc()).to_string(), "2027-03-28T01:30:00Z");
        let overlap = read(json!({"start": "2027-10-31T02:30:00"})).expect("fine");
        assert_eq!(overlap.start_instant(&Zone::utc()).to_string(), "2027-10-31T00:30:00Z");
        assert_eq!(
            read(json!({"start": "2027-10-31T02:30:00+01:00"})),
            Err("/start not-a-time".to_owned()),
            "the second 02:30 cannot be said in this zone, and is not silently made the first"
        );
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (body, expected) in [
            (json!({}), "/start required"),
            (json!({"start": "2027-03-28"}), "/start not-a-time"),
            (json!({"start": "2027-03-28T09:00:00", "all_day": true}), "/start not-a-date"),
            (json!({"start": "2027-03-28", "end": "2027-03-28", "all_day": true}), "/end before-start"),
            (json!({"start": "2027-03-28T09:00:00", "end": "2027-03-28T08:59:59"}), "/end before-start"),
            (
                json!({"start": "2027-03-28T09:00:00", "floating": true, "time_zone": "Europe/Zurich"}),
                "/time_zone contradiction",
            ),
            (json!({"start": "2027-03-28T09:00:00Z", "floating": true}), "/start not-a-time"),
            (json!({"start": "2027-03-28T09:00:00", "time_zone": "Mars/Olympus"}), "/time_zone unknown-time-zone"),
            (json!({"start": "2027-02-30T09:00:00"}), "/start not-a-time"),
            (json!({"start": "2027-03-28T09:00:00.5"}), "/start not-a-time"),
            (json!({"start": "9999-12-31T23:59:59"}), "/start not-a-time"),
            (json!({"start": 20_270_328}), "/start wrong-type"),
        ] {
            assert_eq!(read(body.clone()).err().as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn an_instance_keeps_the_wall_clock_length_over_a_change_of_the_clocks() {
        let night = read(json!({"start": "2027-03-20T22:00:00", "end": "2027-03-21T06:00:00"})).expect("fine");
        let changed = night.begun_at("2027-03-27T22:00:00".parse().expect("a time"));
        assert_eq!(changed.end.to_string(), "2027-03-28T06:00:00");
        let hours = changed.end_instant(&Zone::utc()).duration_since(changed.start_instant(&Zone::utc())).as_hours();
        assert_eq!(hours, 7);
    }

    #[test]
    fn an_end_may_be_in_another_zone() {
        let flight = read(
            json!({"start": "2027-03-27T10:00:00", "end": "2027-03-27T13:00:00", "end_time_zone": "America/New_York"}),
        )
        .expect("fine");
        assert_eq!(flight.end_instant(&Zone::utc()).duration_since(flight.start_instant(&Zone::utc())).as_hours(), 8);
    }
}
