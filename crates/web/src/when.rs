//! When something is, in words: on the clock of the event, with its zone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use kalends_core::events::{Content, Event, Instance, Override, Times};
use kalends_kernel::Zone;

use crate::words::Words;

/// A time for people and for programs.
pub struct When {
    /// In words.
    pub text: String,
    /// For `<time datetime>`.
    pub machine: String,
    /// Its zone, in words.
    pub zone: String,
}

/// An event as it is at one of its instances.
pub fn content_at(event: &Event, instance: &Instance) -> Content {
    let original = instance.original_start;
    match event.content.overridden(original).filter(|_| instance.overridden) {
        Some(one) => one.apply(&event.content),
        None => Override::empty(original).apply(&event.content),
    }
}

impl When {
    /// When this is; `start` and `end` are its instants.
    pub fn of(times: &Times, start: Timestamp, end: Timestamp, calendar: &Zone, words: &Words) -> When {
        if times.all_day {
            let (first, last) = (times.start.date(), times.end.date().yesterday().unwrap_or(times.end.date()));
            let text = if last > first {
                format!("{} – {}", day(first, words), day(last, words))
            } else {
                format!("{}, {}", day(first, words), words.all_day)
            };
            return When { text, machine: first.to_string(), zone: String::new() };
        }
        let zone = times.zone(calendar);
        let end_zone = times.end_time_zone.as_ref().map_or(zone, Zone::time_zone);
        let (from, to) = (zone.to_datetime(start), end_zone.to_datetime(end));
        let elsewhere = times.end_time_zone.as_ref().map_or_else(String::new, |zone| format!(" ({})", zone.name()));
        let until = if end <= start && elsewhere.is_empty() {
            String::new()
        } else if from.date() == to.date() {
            format!("–{}{elsewhere}", clock(to))
        } else {
            format!(" – {}, {}{elsewhere}", day(to.date(), words), clock(to))
        };
        let text = format!("{}, {}{until}", day(from.date(), words), clock(from));
        let (machine, name) = match &times.time_zone {
            Some(named) => (start.display_with_offset(zone.to_offset(start)).to_string(), named_at(named, zone, start)),
            None => (from.strftime("%Y-%m-%dT%H:%M").to_string(), words.your_time.to_owned()),
        };
        When { text, machine, zone: name }
    }
}

/// `Europe/Zurich, UTC+1`
fn named_at(named: &Zone, zone: &TimeZone, at: Timestamp) -> String {
    let seconds = zone.to_offset(at).seconds();
    let (sign, all) = (if seconds < 0 { '−' } else { '+' }, seconds.abs());
    let minutes = if all % 3600 == 0 { String::new() } else { format!(":{:02}", all / 60 % 60) };
    format!("{}, UTC{sign}{}{minutes}", named.name().replace('_', " "), all / 3600)
}

/// `Monday, 22 March 2027`
fn day(date: Date, words: &Words) -> String {
    let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    let name = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or_default();
    let dot = match (words.tag, date.day()) {
        ("de", _) => ".",
        ("fr", 1) => "er",
        _ => "",
    };
    let comma = if words.tag == "fr" { "" } else { "," };
    format!(
        "{}{comma} {}{dot} {} {}",
        name(&words.weekdays, weekday),
        date.day(),
        name(&words.months, month),
        date.year()
    )
}

fn clock(at: DateTime) -> String {
    at.strftime("%H:%M").to_string()
}
