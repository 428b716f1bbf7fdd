//! Values: texts, dates, times, durations.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// A date, a time of no zone, or a time of a zone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum When {
    /// A whole day, wherever one is.
    Date(Date),
    /// A wall-clock time wherever one is.
    Floating(DateTime),
    /// A wall-clock time in a zone. A time in UTC has the zone `UTC`.
    Zoned {
        /// The wall clock.
        at: DateTime,
        /// The IANA name.
        zone: String,
    },
}

impl When {
    /// The wall clock; midnight of a date.
    pub fn local(&self) -> DateTime {
        match self {
            When::Date(date) => date.to_datetime(Time::midnight()),
            When::Floating(at) | When::Zoned { at, .. } => *at,
        }
    }

    /// Whether it is a date.
    pub fn is_date(&self) -> bool {
        matches!(self, When::Date(_))
    }

    /// The name of the zone, if it has one.
    pub fn zone(&self) -> Option<&str> {
        match self {
            When::Zoned { zone, .. } => Some(zone),
            When::Date(_) | When::Floating(_) => None,
        }
    }

    /// The instant: dates begin at midnight in `floating`, where floating times are read too. In a gap it is
    /// later by the gap, in an overlap the first of the two (RFC 5545 3.3.5). `None` for a zone that `zones`
    /// does not know and for times beyond the years −9999 to 9999.
    pub fn instant(&self, floating: &TimeZone, zones: &dyn Fn(&str) -> Option<TimeZone>) -> Option<Timestamp> {
        match self {
            When::Zoned { at, zone } if zone == "UTC" => resolve(*at, &TimeZone::UTC),
            When::Zoned { at, zone } => resolve(*at, &zones(zone)?),
            When::Date(_) | When::Floating(_) => resolve(self.local(), floating),
        }
    }

    /// The same kind and zone with another wall clock.
    pub(crate) fn with_local(&self, at: DateTime) -> When {
        match self {
            When::Date(_) => When::Date(at.date()),
            When::Floating(_) => When::Floating(at),
            When::Zoned { zone, .. } => When::Zoned { at, zone: zone.clone() },
        }
    }
}

pub(crate) fn resolve(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(at).compatible().ok()
}

/// How long an event lasts: first whole days by the wall clock, then seconds by the stopwatch.
///
/// RFC 5545 3.8.5.3: every instance of an event with DTEND has the same exact length (days are 0 here); with
/// DURATION it is the nominal one, so that `P1D` is 23 hours when the clocks go forward. An all-day event has
/// days only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Length {
    /// Days by the wall clock.
    pub days: i64,
    /// Exact seconds.
    pub seconds: i64,
}

/// No date is further from another than this (the years −9999 to 9999).
const MOST_DAYS: i64 = 7_304_484;

impl Length {
    /// One day.
    pub(crate) const DAY: Length = Length { days: 1, seconds: 0 };

    /// `start` moved by the days, then by the seconds; `None` beyond the last year.
    pub(crate) fn after(&self, start: &When, zones: &dyn Fn(&str) -> Option<TimeZone>) -> Option<When> {
        let at = start.local().checked_add(Span::new().try_days(self.days).ok()?).ok()?;
        if self.seconds == 0 {
            return Some(start.with_local(at));
        }
        let seconds = SignedDuration::from_secs(self.seconds);
        let zone = match start {
            When::Zoned { zone, .. } if zone != "UTC" => zones(zone)?,
            _ => return Some(start.with_local(at.checked_add(seconds).ok()?)),
        };
        let end = resolve(at, &zone)?.checked_add(seconds).ok()?;
        Some(start.with_local(zone.to_datetime(end)))
    }

    /// At most how many seconds it lasts, a day taken as 25 hours.
    pub(crate) fn at_most_seconds(&self) -> i64 {
        self.days.saturating_mul(90_000).saturating_add(self.seconds)
    }
}

/// RFC 5545 3.3.6, with a sign and with weeks beside days, as some programs write.
pub(crate) fn duration(text: &str) -> Option<Length> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix(['P', 'p'])?;
    let mut length = Length::default();
    let (mut number, mut in_time, mut parts) = (None::<i64>, false, 0);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
            continue;
        }
        let c = c.to_ascii_uppercase();
        if c == 'T' && !in_time && number.is_none() {
            in_time = true;
            continue;
        }
        let n = number.take()?;
        parts += 1;
        match (in_time, c) {
            (false, 'W') => length.days = length.days.checked_add(n.checked_mul(7)?)?,
            (false, 'D') => length.days = length.days.checked_add(n)?,
            (true, 'H') => length.seconds = length.seconds.checked_add(n.checked_mul(3600)?)?,
            (true, 'M') => length.seconds = length.seconds.checked_add(n.checked_mul(60)?)?,
            (true, 'S') => length.seconds = length.seconds.checked_add(n)?,
            _ => return None,
        }
    }
    let bounded = length.days <= MOST_DAYS && length.seconds <= MOST_DAYS * 86_400;
    (number.is_none() && parts > 0 && bounded)
        .then_some(Length { days: sign * length.days, seconds: sign * length.seconds })
}

/// A date or time as written, before its zone is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    Date(Date),
    Local(DateTime),
    Utc(DateTime),
}

impl Written {
    /// `20270328`, `20270328T090000`, `20270328T070000Z`; seconds may be missing, as in some files.
    pub fn parse(text: &str) -> Option<Written> {
        let text = text.trim();
        let Some((date, time)) = text.split_once(['T', 't']) else {
            return parse_date(text).map(Written::Date);
        };
        let date = parse_date(date)?;
        let (time, utc) = match time.strip_suffix(['Z', 'z']) {
            Some(time) => (time, true),
            None => (time, false),
        };
        if !time.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(time.len(), 4 | 6) {
            return None;
        }
        let part = |from: usize| time.get(from..from + 2).unwrap_or("00").parse::<i8>().ok();
        // RFC 5545 3.3.12: a leap second counts as the second before where they are not supported.
        let second = part(4)?;
        let time = Time::new(part(0)?, part(2)?, if second == 60 { 59 } else { second }, 0).ok()?;
        let at = date.to_datetime(time);
        Some(if utc { Written::Utc(at) } else { Written::Local(at) })
    }
}

fn parse_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text.get(..4)?.parse().ok()?, text.get(4..6)?.parse().ok()?, text.get(6..)?.parse().ok()?).ok()
}

/// A text without its escapes (RFC 5545 3.3.11). An unknown escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n' | 'N') => out.push('\n'),
            Some(c @ ('\\' | ',' | ';' | '"' | ':')) => out.push(c),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// A list of texts, such as CATEGORIES: split at its commas, then unescaped.
pub(crate) fn texts(list: &str) -> impl Iterator<Item = String> {
    let mut escaped = false;
    list.split(move |c| {
        let splits = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
    .map(|text| unescape(text).trim().to_owned())
    .filter(|text| !text.is_empty())
}

/// An address. No URI may hold a backslash, but many programs escape its commas and semicolons as in a text.
pub(crate) fn uri(text: &str) -> String {
    let text = text.trim();
    if text.contains('\\') {
        text.replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")
    } else {
        text.to_owned()
    }
}

/// `+0100`, `-052300` and `+01:00` in seconds.
pub(crate) fn offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: Cow<'_, str> = if digits.contains(':') { digits.replace(':', "").into() } else { digits.into() };
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).unwrap_or("00").parse::<i32>().ok();
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn durations_keep_days_apart_from_seconds() {
        let length = |days, seconds| Some(Length { days, seconds });
        assert_eq!(duration("P1W2DT3H4M5S"), length(9, 11_045));
        assert_eq!(duration("-PT15M"), length(0, -900));
        assert_eq!(duration("+P0D"), length(0, 0));
        for bad in ["", "P", "PT", "1D", "P1", "P1H", "PT1D", "P99999999999999999999D", "P9999999D", "PT1MM"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_dates_local_or_utc() {
        let at = date(2027, 3, 28).at(9, 0, 0, 0);
        assert_eq!(Written::parse("20270328"), Some(Written::Date(at.date())));
        assert_eq!(Written::parse("20270328T090000"), Some(Written::Local(at)));
        assert_eq!(Written::parse("20270328T0900"), Some(Written::Local(at)));
        assert_eq!(Written::parse("20270328T090000Z"), Some(Written::Utc(at)));
        assert_eq!(Written::parse("20161231T235960Z"), Some(Written::Utc(date(2016, 12, 31).at(23, 59, 59, 0))));
        for bad in ["", "20270230", "2027-03-28", "20270328T", "20270328T240000", "20270328T096000", "20270328T09000é"]
        {
            assert_eq!(Written::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn texts_lose_their_escapes_and_addresses_their_backslashes() {
        assert_eq!(unescape(r"a\, b\; c\\d\ne\x"), "a, b; c\\d\ne\\x");
        assert_eq!(texts(r"Music,R\,B,,  Jazz ").collect::<Vec<_>>(), ["Music", "R,B", "Jazz"]);
        assert_eq!(uri(r"https://example.org/a\,b\;c"), "https://example.org/a,b;c");
    }

    #[test]
    fn offsets_have_a_sign_and_sometimes_seconds() {
        assert_eq!(offset("+0100"), Some(3600));
        assert_eq!(offset("-075258"), Some(-28_378));
        assert_eq!(offset("+05:30"), Some(19_800));
        assert_eq!(offset("1"), None);
    }
}
