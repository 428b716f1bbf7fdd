//! Values to iCalendar text, the inverse of [`crate::read()`]: what is read from what is written here is the same.
//!
//! The text is made piece by piece, so that a feed of any size needs the memory of one event: [`begin`], then a
//! [`time_zone`] before the first series that uses it and [`series`] in any order, then [`end`].

mod color;
mod component;
mod line;
mod observances;

pub use component::{series, zones_of};
pub use observances::time_zone;

use line::{escaped, push};

/// What stands at the top of a VCALENDAR.
#[derive(Clone, Default, Debug)]
pub struct Head<'a> {
    /// NAME (RFC 7986), and `X-WR-CALNAME` for those who know no better.
    pub name: Option<&'a str>,
    /// DESCRIPTION, and `X-WR-CALDESC`.
    pub description: Option<&'a str>,
    /// `#rrggbb`: the nearest CSS name as COLOR, and as it is for Apple.
    pub color: Option<&'a str>,
    /// The IANA zone of the calendar, as `X-WR-TIMEZONE`.
    pub time_zone: Option<&'a str>,
    /// A page that shows the same.
    pub url: Option<&'a str>,
    /// Where this text can be fetched again.
    pub source: Option<&'a str>,
    /// After how many minutes to fetch it again.
    pub refresh: Option<u32>,
}

/// Begins a calendar. There is no METHOD: a feed is no message (RFC 5546).
pub fn begin(out: &mut String, head: &Head<'_>) {
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Kalends//Kalends//EN", "CALSCALE:GREGORIAN"] {
        push(out, line);
    }
    let mut texts = |names: [&str; 2], value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            for name in names {
                push(out, &format!("{name}:{}", escaped(value)));
            }
        }
    };
    texts(["NAME", "X-WR-CALNAME"], head.name);
    texts(["DESCRIPTION", "X-WR-CALDESC"], head.description);
    if let Some(color) = head.color {
        if let Some(name) = color::nearest(color) {
            push(out, &format!("COLOR:{name}"));
        }
        push(out, &format!("X-APPLE-CALENDAR-COLOR:{color}"));
    }
    if let Some(zone) = head.time_zone {
        push(out, &format!("X-WR-TIMEZONE:{zone}"));
    }
    if let Some(url) = head.url {
        push(out, &format!("URL:{url}"));
    }
    if let Some(source) = head.source {
        push(out, &format!("SOURCE;VALUE=URI:{source}"));
    }
    if let Some(minutes) = head.refresh {
        push(out, &format!("REFRESH-INTERVAL;VALUE=DURATION:PT{minutes}M"));
        push(out, &format!("X-PUBLISHED-TTL:PT{minutes}M"));
    }
}

/// Ends it.
pub fn end(out: &mut String) {
    push(out, "END:VCALENDAR");
}
