//! Short ways to write a series and to read its occurrences in a test.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kalends_recurrence::{Series, Start};

/// A zone by its name; tests name only zones that exist.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone of the bundled database")
}

/// `20270328T023000` or `20270328`.
pub fn at(text: &str) -> DateTime {
    let text = if text.len() == 8 { format!("{text}T000000") } else { text.to_owned() };
    DateTime::strptime("%Y%m%dT%H%M%S", &text).expect("a date-time of the test")
}

pub fn series(start: Start, lines: &[&str]) -> Series {
    Series::parse(start, lines, &|name| TimeZone::get(name).ok()).expect("lines of the test are valid")
}

pub fn zoned(start: &str, name: &str, lines: &[&str]) -> Series {
    series(Start::Zoned { at: at(start), zone: zone(name) }, lines)
}

pub fn floating(start: &str, lines: &[&str]) -> Series {
    series(Start::Floating(at(start)), lines)
}

pub fn all_day(start: &str, lines: &[&str]) -> Series {
    series(Start::Date(at(start).date()), lines)
}

/// A wall-clock time as short as it goes: the date alone at 09:00 and at midnight.
pub fn short(local: DateTime) -> String {
    let format = if matches!((local.hour(), local.minute(), local.second()), (9 | 0, 0, 0)) {
        "%Y%m%d"
    } else {
        "%Y%m%dT%H%M%S"
    };
    local.strftime(format).to_string()
}

/// The first occurrences by wall clock.
pub fn dates(series: &Series, count: usize) -> String {
    let list = series
        .occurrences(&TimeZone::UTC)
        .take(count)
        .map(|occurrence| short(occurrence.expect("within the budget").local));
    list.collect::<Vec<_>>().join(" ")
}

/// The first occurrences by instant.
pub fn instants(series: &Series, count: usize) -> String {
    let list = series
        .occurrences(&TimeZone::UTC)
        .take(count)
        .map(|occurrence| occurrence.expect("within the budget").instant.strftime("%Y%m%dT%H%M%SZ").to_string());
    list.collect::<Vec<_>>().join(" ")
}
