//! DATE, DATE-TIME and DURATION values (RFC 5545 3.3.4 to 3.3.6) as text and back.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A DATE or DATE-TIME as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Date(Date),
    Local(DateTime),
    /// The wall clock of UTC, as written.
    Utc(DateTime),
}

/// A nominal and an exact length: days follow the wall clock, seconds the time line (RFC 5545 3.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) days: i64,
    pub(crate) seconds: i64,
}

/// Reads `YYYYMMDD`, `YYYYMMDDTHHMMSS` or the latter with `Z`.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if !text.is_ascii() {
        return None;
    }
    let date = date(text.get(..8)?)?;
    let rest = text.get(8..)?;
    if rest.is_empty() {
        return Some(Moment::Date(date));
    }
    let time = rest.strip_prefix(['T', 't'])?;
    let (hour, minute, second) = (digits(time.get(..2)?)?, digits(time.get(2..4)?)?, digits(time.get(4..6)?)?);
    // RFC 5545 3.3.12: without leap seconds, second 60 is read as 59.
    let second = if second == 60 { 59 } else { second };
    let at = DateTime::new(
        date.year(),
        date.month(),
        date.day(),
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()?;
    match time.get(6..)? {
        "" => Some(Moment::Local(at)),
        "Z" | "z" => Some(Moment::Utc(at)),
        _ => None,
    }
}

/// The instant of a wall-clock time of UTC, or `None` at the last day of the calendar.
pub(crate) fn utc(at: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(at).ok()
}

fn date(text: &str) -> Option<Date> {
    let year = i16::try_from(digits(text.get(..4)?)?).ok()?;
    let month = i8::try_from(digits(text.get(4..6)?)?).ok()?;
    let day = i8::try_from(digits(text.get(6..8)?)?).ok()?;
    Date::new(year, month, day).ok()
}

fn digits(text: &str) -> Option<i64> {
    if !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Reads a duration that is not negative: `P1W`, `P1DT2H`, `PT90M`.
pub(crate) fn duration(text: &str) -> Option<Length> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let mut rest = text.strip_prefix(['P', 'p'])?;
    let mut length = Length { days: 0, seconds: 0 };
    let mut in_time = false;
    let mut parts = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            if in_time {
                return None;
            }
            (in_time, rest) = (true, after);
            continue;
        }
        let end = rest.bytes().position(|b| !b.is_ascii_digit())?;
        let number = digits(rest.get(..end)?)?;
        match (rest.as_bytes().get(end)?.to_ascii_uppercase(), in_time) {
            (b'W', false) => length.days += number * 7,
            (b'D', false) => length.days += number,
            (b'H', true) => length.seconds += number * 3600,
            (b'M', true) => length.seconds += number * 60,
            (b'S', true) => length.seconds += number,
            _ => return None,
        }
        parts += 1;
        rest = rest.get(end + 1..)?;
    }
    if parts == 0 || parts > 5 { None } else { Some(length) }
}

pub(crate) fn write_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

pub(crate) fn write_local(at: DateTime) -> String {
    format!("{}T{:02}{:02}{:02}", write_date(at.date()), at.hour(), at.minute(), at.second())
}

pub(crate) fn write_utc(at: Timestamp) -> String {
    format!("{}Z", write_local(TimeZone::UTC.to_datetime(at)))
}

pub(crate) fn write_duration(length: Length) -> String {
    match length {
        Length { days, seconds: 0 } => format!("P{days}D"),
        Length { days: 0, seconds } => format!("PT{seconds}S"),
        Length { days, seconds } => format!("P{days}DT{seconds}S"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_days_and_seconds_apart() {
        let cases = [
            ("P1W", Some((7, 0))),
            ("P1DT2H", Some((1, 7_200))),
            ("pt90m", Some((0, 5_400))),
            ("+PT1H30M5S", Some((0, 5_405))),
            ("P", None),
            ("PT", None),
            ("-PT1H", None),
            ("P1H", None),
            ("PT1D", None),
            ("PT99999999999S", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).map(|l| (l.days, l.seconds)), expected, "{text}");
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "20260230",
            "20261301",
            "2026013",
            "20260101T",
            "20260101T250000",
            "20260101T2500",
            "20260101T000000X",
            "ä0260101",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert!(matches!(moment("20261231T235960Z"), Some(Moment::Utc(at)) if at.second() == 59));
    }
}
