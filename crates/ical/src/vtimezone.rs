//! A VTIMEZONE as a list of changes of its offset, to be compared with those of IANA zones.
//!
//! What it can say beyond that is not needed: no time is ever computed with a VTIMEZONE, it only leads to the
//! IANA zone that behaves like it.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::tree::Node;
use crate::value::{Written, offset, unescape};

/// The most rules of one VTIMEZONE that are followed.
const MAX_RULES: usize = 500;

/// STANDARD or DAYLIGHT.
struct Observance {
    from: i32,
    to: i32,
    first: DateTime,
    rules: Vec<Rule>,
    dates: Vec<DateTime>,
}

/// The yearly rules that occur in time zones.
struct Rule {
    month: i8,
    /// With the ordinal, 0 for each.
    days: Vec<(i8, Weekday)>,
    month_days: Vec<i8>,
    until: Option<Written>,
}

/// The offset at the first year's beginning and each change of it in a span of years.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Changes {
    pub start: i32,
    pub list: Vec<(Timestamp, i32)>,
}

pub(crate) struct VTimeZone {
    pub id: String,
    pub location: Option<String>,
    node: Node,
}

impl VTimeZone {
    pub fn new(node: Node) -> Option<VTimeZone> {
        let value = |name: &str| {
            node.lines.iter().find(|line| line.is(name)).map(|line| unescape(line.value()).trim().to_owned())
        };
        let (id, location) = (value("TZID")?, value("X-LIC-LOCATION"));
        Some(VTimeZone { id, location, node })
    }

    /// Its changes from the first day of the year `from` to that of `to`; `None` when it says something that
    /// cannot be followed.
    pub fn changes(&self, from: i16, to: i16) -> Option<Changes> {
        let observances: Vec<Observance> = self
            .node
            .children
            .iter()
            .filter(|child| matches!(child.kind.as_str(), "STANDARD" | "DAYLIGHT"))
            .map(observance)
            .collect::<Option<_>>()?;
        // Far more than any zone has; each rule costs a look at every day of its month.
        if observances.iter().map(|observance| observance.rules.len()).sum::<usize>() > MAX_RULES {
            return None;
        }
        let earliest = observances.iter().min_by_key(|observance| observance.first)?;
        let (begin, end) = span(from, to)?;
        let mut onsets = Vec::new();
        for observance in &observances {
            observance.onsets(from, to, &mut onsets)?;
        }
        onsets.sort_unstable();
        let mut offset = earliest.from;
        let mut changes = Changes { start: offset, list: Vec::new() };
        for (at, to) in onsets {
            if at <= begin {
                changes.start = to;
            } else if at < end && to != offset {
                changes.list.push((at, to));
            }
            offset = to;
        }
        Some(changes)
    }
}

/// The same of an IANA zone, one after the other.
fn changes_of(zone: &TimeZone, begin: Timestamp, end: Timestamp) -> impl Iterator<Item = (Timestamp, i32)> {
    let mut offset = zone.to_offset(begin).seconds();
    zone.following(begin).take_while(move |change| change.timestamp() < end).filter_map(move |change| {
        let changed = change.offset().seconds() != offset;
        offset = change.offset().seconds();
        changed.then_some((change.timestamp(), offset))
    })
}

/// Whether a zone has these changes, and no others, in the years, each at most `tolerance` seconds earlier or later.
pub(crate) fn behaves_like(zone: &TimeZone, wanted: &Changes, from: i16, to: i16, tolerance: i64) -> bool {
    let Some((begin, end)) = span(from, to) else { return false };
    if zone.to_offset(begin).seconds() != wanted.start {
        return false;
    }
    let mut theirs = changes_of(zone, begin, end);
    let near = |(at, offset): &(Timestamp, i32)| {
        theirs.next().is_some_and(|(their, to)| to == *offset && at.duration_since(their).as_secs().abs() <= tolerance)
    };
    wanted.list.iter().all(near) && theirs.next().is_none()
}

/// The least offset of a zone since 2010, which is its standard time.
pub(crate) fn standard_offset(zone: &TimeZone) -> Option<i32> {
    let (begin, end) = span(RECENT + 5, RECENT + 25)?;
    changes_of(zone, begin, end).map(|(_, offset)| offset).chain([zone.to_offset(begin).seconds()]).min()
}

fn span(from: i16, to: i16) -> Option<(Timestamp, Timestamp)> {
    let new_year = |year: i16| Offset::UTC.to_timestamp(Date::new(year, 1, 1).ok()?.to_datetime(Time::midnight())).ok();
    Some((new_year(from)?, new_year(to)?))
}

fn observance(node: &Node) -> Option<Observance> {
    let value = |name: &str| node.lines.iter().find(|line| line.is(name)).map(|line| line.value());
    let first = match Written::parse(value("DTSTART")?)? {
        Written::Local(at) | Written::Utc(at) => at,
        Written::Date(date) => date.to_datetime(Time::midnight()),
    };
    let (from, to) = (offset(value("TZOFFSETFROM")?)?, offset(value("TZOFFSETTO")?)?);
    let rules = node
        .lines
        .iter()
        .filter(|line| line.is("RRULE"))
        .map(|line| rule(line.value(), first))
        .collect::<Option<_>>()?;
    let mut dates = Vec::new();
    for text in node.lines.iter().filter(|line| line.is("RDATE")).flat_map(|line| line.value().split(',')) {
        dates.push(match Written::parse(text)? {
            Written::Local(at) => at,
            Written::Utc(at) => at.checked_add(SignedDuration::from_secs(from.into())).ok()?,
            Written::Date(date) => date.to_datetime(Time::midnight()),
        });
    }
    Some(Observance { from, to, first, rules, dates })
}

impl Observance {
    /// Appends the instants from which it holds: the last before the years asked for, and those within.
    fn onsets(&self, from: i16, to: i16, out: &mut Vec<(Timestamp, i32)>) -> Option<()> {
        let before = Offset::from_seconds(self.from).ok()?;
        let mut push = |local: DateTime| -> Option<()> {
            out.push((before.to_timestamp(local).ok()?, self.to));
            Some(())
        };
        push(self.first)?;
        for at in &self.dates {
            push(*at)?;
        }
        for rule in &self.rules {
            // A rule that ended long ago still says what held since: begin at its last year.
            let last = match rule.until {
                Some(Written::Date(at)) => at.year(),
                Some(Written::Local(at) | Written::Utc(at)) => at.year(),
                None => to,
            };
            let years = from.min(last).saturating_sub(1).max(self.first.year())..=to.min(last);
            for year in years {
                for day in rule.days_of(year) {
                    let local = day.to_datetime(self.first.time());
                    let within = match rule.until {
                        None => true,
                        Some(Written::Date(until)) => day <= until,
                        Some(Written::Local(until)) => local <= until,
                        Some(Written::Utc(until)) => {
                            before.to_timestamp(local).ok()? <= Offset::UTC.to_timestamp(until).ok()?
                        }
                    };
                    if local > self.first && within {
                        push(local)?;
                    }
                }
            }
        }
        Some(())
    }
}

fn rule(text: &str, first: DateTime) -> Option<Rule> {
    let mut rule = Rule { month: first.month(), days: Vec::new(), month_days: Vec::new(), until: None };
    let mut yearly = false;
    for part in text.trim().split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=')?;
        match (key.to_ascii_uppercase().as_str(), value) {
            ("FREQ", value) => yearly = value.eq_ignore_ascii_case("YEARLY"),
            ("INTERVAL", "1") | ("WKST", _) => {}
            // Lotus Notes repeats the time of DTSTART.
            ("BYHOUR", hour) if hour.parse() == Ok(first.hour()) => {}
            ("BYMINUTE", minute) if minute.parse() == Ok(first.minute()) => {}
            ("BYSECOND", second) if second.parse() == Ok(first.second()) => {}
            ("BYMONTH", month) => rule.month = month.parse().ok().filter(|month| (1..=12).contains(month))?,
            ("BYMONTHDAY", days) => {
                rule.month_days = days.split(',').map(|day| day.parse().ok()).collect::<Option<_>>()?
            }
            ("BYDAY", days) => rule.days = days.split(',').map(week_day).collect::<Option<_>>()?,
            ("UNTIL", until) => rule.until = Some(Written::parse(until)?),
            _ => return None,
        }
    }
    if rule.days.is_empty() && rule.month_days.is_empty() {
        rule.month_days.push(first.day());
    }
    (yearly && rule.days.len() + rule.month_days.len() <= 64).then_some(rule)
}

fn week_day(text: &str) -> Option<(i8, Weekday)> {
    let (ordinal, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let ordinal = if ordinal.is_empty() { 0 } else { ordinal.strip_prefix('+').unwrap_or(ordinal).parse().ok()? };
    Some((ordinal, day))
}

impl Rule {
    fn days_of(&self, year: i16) -> impl Iterator<Item = Date> {
        let days_in_month = Date::new(year, self.month, 1).map_or(0, |first| first.days_in_month());
        (1..=days_in_month).filter_map(move |day| Date::new(year, self.month, day).ok()).filter(move |date| {
            let (day, left) = (date.day(), days_in_month - date.day());
            let in_month = self.month_days.is_empty() || self.month_days.iter().any(|&d| d == day || d == -left - 1);
            let in_week = self.days.is_empty()
                || self.days.iter().any(|&(ordinal, weekday)| {
                    weekday == date.weekday()
                        && (ordinal == 0 || ordinal == (day - 1) / 7 + 1 || ordinal == -(left / 7) - 1)
                });
            in_month && in_week
        })
    }
}

/// A year that no file reaches back to in earnest: the IANA database is uncertain before, and programs write
/// their present rule as if it had always held.
pub(crate) const RECENT: i16 = 2010;

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_last_sunday_of_march_is_found() {
        let rule = rule("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", date(1996, 3, 31).at(2, 0, 0, 0)).expect("a rule");
        assert_eq!(rule.days_of(2027).collect::<Vec<_>>(), [date(2027, 3, 28)]);
    }
}
