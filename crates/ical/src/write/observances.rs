//! VTIMEZONE out of a zone of the bundled database: what changed one by one, and from where on the years are alike a
//! rule without an end, so that an endless series has its offsets for ever.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::line::push;

/// Up to here zones may have changes that follow no rule (Morocco's, around Ramadan, until 2087).
const SETTLED: i16 = 2100;
/// So many years of a rule show all of the days that it can fall on.
const SHOWN: usize = 40;
/// The last year that is computed.
const LAST: i16 = 9990;

/// A change of the offset.
#[derive(Clone, PartialEq, Debug)]
struct Onset {
    /// On the clock before it.
    local: DateTime,
    from: i32,
    to: i32,
    name: String,
    daylight: bool,
}

/// A day of every year.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Yearly {
    /// The nth (1 to 4, or -1 for the last) such weekday of a month.
    Nth(i8, i8, Weekday),
    /// The one such weekday among these days of a month.
    Among(i8, (i8, i8), Weekday),
    /// The one such weekday among these days of the year, counted from its end (a week that lies in two months).
    Before(i16, Weekday),
    /// A day of a month.
    Day(i8, i8),
}

/// Appends the VTIMEZONE of a zone, right from the instant `from` on.
pub fn time_zone(out: &mut String, name: &str, zone: &TimeZone, from: Timestamp) {
    push(out, "BEGIN:VTIMEZONE");
    push(out, &format!("TZID:{name}"));
    let mut onsets = onsets(zone, from);
    for (first, rule) in take_regular(&mut onsets) {
        observance(out, &first, &[], Some(rule));
    }
    while let Some(first) = onsets.first().cloned() {
        let alike = |one: &Onset| {
            (one.from, one.to, one.daylight) == (first.from, first.to, first.daylight) && one.name == first.name
        };
        let (same, others): (Vec<Onset>, Vec<Onset>) = onsets.into_iter().partition(alike);
        onsets = others;
        observance(out, &first, same.get(1..).unwrap_or_default(), None);
    }
    push(out, "END:VTIMEZONE");
}

fn observance(out: &mut String, first: &Onset, more: &[Onset], rule: Option<Yearly>) {
    let kind = if first.daylight { "DAYLIGHT" } else { "STANDARD" };
    push(out, &format!("BEGIN:{kind}"));
    push(out, &format!("DTSTART:{}", written(first.local)));
    push(out, &format!("TZOFFSETFROM:{}", offset(first.from)));
    push(out, &format!("TZOFFSETTO:{}", offset(first.to)));
    push(out, &format!("TZNAME:{}", first.name));
    if let Some(rule) = rule {
        push(out, &format!("RRULE:FREQ=YEARLY;{}", rule.parts()));
    }
    if !more.is_empty() {
        let dates: Vec<String> = more.iter().map(|one| written(one.local)).collect();
        push(out, &format!("RDATE:{}", dates.join(",")));
    }
    push(out, &format!("END:{kind}"));
}

/// The change that holds at `from`, and those after it, until they are all alike.
fn onsets(zone: &TimeZone, from: Timestamp) -> Vec<Onset> {
    let year = from.to_zoned(TimeZone::UTC).year();
    let last = year.max(SETTLED).saturating_add(40).min(LAST);
    let just_before = |at: Timestamp| at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
    let earlier = zone.preceding(from).next();
    let mut onsets = Vec::new();
    let mut offset = zone.to_offset(from).seconds();
    if let Some(one) = &earlier {
        offset = zone.to_offset(just_before(one.timestamp())).seconds();
    } else {
        let info = zone.to_offset_info(from);
        let local = Date::new(year.min(1970).saturating_sub(1), 1, 1).map_or(DateTime::MIN, DateTime::from);
        onsets.push(Onset { local, from: offset, to: offset, name: info.abbreviation().to_owned(), daylight: false });
    }
    let start = earlier.as_ref().map_or_else(|| just_before(from), |one| one.timestamp());
    for one in earlier.into_iter().chain(zone.following(start)) {
        let to = one.offset().seconds();
        let before = Offset::from_seconds(offset).unwrap_or(Offset::UTC);
        let local = before.to_datetime(one.timestamp());
        if local.year() > last {
            break;
        }
        // A change of the name alone changes no time.
        if to != offset || onsets.is_empty() {
            let name = one.abbreviation().to_owned();
            onsets.push(Onset { local, from: offset, to, name, daylight: one.dst().is_dst() });
        }
        offset = to;
    }
    onsets
}

/// Takes out what follows rules up to the end: the first of each, with its rule.
fn take_regular(onsets: &mut Vec<Onset>) -> Vec<(Onset, Yearly)> {
    let Some(last) = onsets.last().map(|one| one.local.year()) else { return Vec::new() };
    if last <= SETTLED {
        return Vec::new();
    }
    let a_year = onsets.iter().rev().take_while(|one| one.local.year() == last).count();
    let mut regular = Vec::new();
    let mut taken = vec![false; onsets.len()];
    for kind in 0..a_year {
        let Some(newest) = onsets.len().checked_sub(kind + 1).and_then(|at| onsets.get(at)) else { continue };
        // One a year, backwards, as long as they say the same.
        let mut chain: Vec<(usize, DateTime)> = Vec::new();
        let mut year = last;
        for (at, one) in onsets.iter().enumerate().rev().skip(kind).step_by(a_year) {
            let same = (one.from, one.to, one.local.time(), one.daylight)
                == (newest.from, newest.to, newest.local.time(), newest.daylight);
            if !same || one.name != newest.name || one.local.year() != year {
                break;
            }
            chain.push((at, one.local));
            year = year.saturating_sub(1);
        }
        let shown: Vec<Date> = chain.iter().take(SHOWN).map(|(_, local)| local.date()).collect();
        let Some(rule) = Yearly::of(&shown) else { continue };
        let fitting = chain.iter().take_while(|(_, local)| rule.has(local.date()));
        let mut first = None;
        for (at, _) in fitting {
            if let Some(taken) = taken.get_mut(*at) {
                *taken = true;
            }
            first = onsets.get(*at).cloned();
        }
        regular.extend(first.map(|first| (first, rule)));
    }
    let mut taken = taken.into_iter();
    onsets.retain(|_| !taken.next().unwrap_or(false));
    regular
}

impl Yearly {
    /// The rule on which all these dates lie.
    fn of(dates: &[Date]) -> Option<Yearly> {
        let first = *dates.first()?;
        let (month, weekday) = (first.month(), first.weekday());
        let day = |pick: fn(i8, i8) -> i8| dates.iter().map(|date| date.day()).reduce(pick).unwrap_or(1);
        let earliest = day(i8::min);
        let nth = (first.day() - 1) / 7 + 1;
        let furthest = dates.iter().map(|date| left_of_year(*date)).max().unwrap_or(0);
        let rules = [
            Yearly::Nth(month, -1, weekday),
            Yearly::Nth(month, nth, weekday),
            Yearly::Among(month, (earliest, day(i8::max)), weekday),
            Yearly::Day(month, first.day()),
            Yearly::Before(furthest, weekday),
        ];
        // A fifth weekday is not in every month.
        let sane = |rule: &Yearly| !matches!(rule, Yearly::Nth(_, 5.., _));
        rules.into_iter().filter(sane).find(|rule| dates.iter().all(|date| rule.has(*date)))
    }

    fn has(self, date: Date) -> bool {
        let (day, left) = (date.day(), date.days_in_month() - date.day());
        match self {
            Yearly::Nth(month, -1, weekday) => date.month() == month && date.weekday() == weekday && left < 7,
            Yearly::Nth(month, nth, weekday) => {
                date.month() == month && date.weekday() == weekday && (day - 1) / 7 + 1 == nth
            }
            Yearly::Among(month, (from, to), weekday) => {
                date.month() == month && date.weekday() == weekday && (from..=to).contains(&day) && to - from < 7
            }
            Yearly::Before(furthest, weekday) => {
                date.weekday() == weekday && (furthest - 6..=furthest).contains(&left_of_year(date)) && date.month() > 2
            }
            Yearly::Day(month, of_month) => date.month() == month && day == of_month,
        }
    }

    /// The parts of a RRULE.
    fn parts(self) -> String {
        let list = |days: &mut dyn Iterator<Item = i16>| days.map(|day| day.to_string()).collect::<Vec<_>>().join(",");
        match self {
            Yearly::Nth(month, nth, weekday) => format!("BYMONTH={month};BYDAY={nth}{}", two(weekday)),
            Yearly::Among(month, (from, to), weekday) => {
                let days = list(&mut (from..=to).map(i16::from));
                format!("BYMONTH={month};BYMONTHDAY={days};BYDAY={}", two(weekday))
            }
            Yearly::Before(furthest, weekday) => {
                let days = list(&mut (furthest - 6..=furthest).rev().map(|left| -left));
                format!("BYYEARDAY={days};BYDAY={}", two(weekday))
            }
            Yearly::Day(month, day) => format!("BYMONTH={month};BYMONTHDAY={day}"),
        }
    }
}

/// How many days of its year are left, that day included.
fn left_of_year(date: Date) -> i16 {
    date.days_in_year() - date.day_of_year() + 1
}

fn two(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}

fn written(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// `+0100`; with seconds where there are some.
fn offset(seconds: i32) -> String {
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    let seconds = if seconds == 0 { String::new() } else { format!("{seconds:02}") };
    format!("{sign}{hours:02}{minutes:02}{seconds}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::*;
    use crate::lines::content_lines;
    use crate::problem::Problems;
    use crate::tree::calendars;
    use crate::vtimezone::{VTimeZone, behaves_like};

    fn text(name: &str, from: &str) -> String {
        let zone = TimeZoneDatabase::bundled().get(name).expect("a zone");
        let mut out = String::new();
        time_zone(&mut out, name, &zone, from.parse().expect("an instant"));
        out
    }

    #[test]
    fn a_zone_with_rules_has_two_observances_without_an_end() {
        let text = text("Europe/Zurich", "2027-03-22T18:30:00Z").replace("\r\n", "\n");
        assert_eq!(
            text,
            "BEGIN:VTIMEZONE\nTZID:Europe/Zurich\n\
             BEGIN:STANDARD\nDTSTART:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\n\
             RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n\
             BEGIN:DAYLIGHT\nDTSTART:20270328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n\
             RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
             END:VTIMEZONE\n"
        );
    }

    #[test]
    fn every_zone_of_the_world_is_told_right_from_then_on() {
        let mut odd = Vec::new();
        for name in TimeZoneDatabase::bundled().available() {
            let name = name.as_str();
            let zone = TimeZoneDatabase::bundled().get(name).expect("a zone");
            for year in [1950, 1996, 2006, 2027, 2120] {
                let from = format!("{year}-01-01T00:00:00Z");
                let text = format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", text(name, &from));
                let mut problems = Problems::default();
                let lines = content_lines(text.as_bytes(), &mut problems).expect("lines");
                let node = calendars(lines, &mut problems).expect("a calendar").remove(0).children.remove(0);
                match VTimeZone::new(node).expect("a zone").changes(year, year + 120) {
                    Some(changes) => {
                        assert!(behaves_like(&zone, &changes, year, year + 120, 0), "{name} {year}\n{text}")
                    }
                    // Our reader does not follow days of the year.
                    None => odd.push(name.to_owned()),
                }
            }
        }
        odd.dedup();
        assert_eq!(odd, ["Africa/Cairo", "Egypt"], "told by the day of the year");
    }
}
