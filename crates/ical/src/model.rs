//! What is in a file: calendars, series, components.

use jiff::Timestamp;

use crate::problem::Problem;
use crate::value::{Length, When};

/// A file, read.
#[derive(Clone, Default, Debug)]
pub struct Parsed {
    /// The VCALENDARs in the order of the file.
    pub calendars: Vec<Calendar>,
    /// What could not be read as it stands, by line.
    pub problems: Vec<Problem>,
    /// How many more problems there are than [`crate::MAX_PROBLEMS`].
    pub problems_omitted: usize,
}

/// One VCALENDAR.
#[derive(Clone, Default, Debug)]
pub struct Calendar {
    /// The line of its BEGIN.
    pub line: usize,
    /// NAME (RFC 7986), else `X-WR-CALNAME`.
    pub name: Option<String>,
    /// COLOR, else `X-APPLE-CALENDAR-COLOR`, as written.
    pub color: Option<String>,
    /// DESCRIPTION, else `X-WR-CALDESC`.
    pub description: Option<String>,
    /// The IANA name of TIMEZONE-ID or `X-WR-TIMEZONE`.
    pub time_zone: Option<String>,
    /// METHOD, upper case, if the file is a message (RFC 5546).
    pub method: Option<String>,
    /// Its events by UID, in the order of the first component of each.
    pub series: Vec<Series>,
    /// The calendar's other properties, unfolded, such as `PRODID:…`.
    pub other: Vec<String>,
}

/// All components with one UID: an event, with a recurrence or without, and the overrides of its instances.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// UID; `no-uid-` and a digest of the component where it has none.
    pub uid: String,
    /// The component without RECURRENCE-ID. None in an invitation to a single instance.
    pub master: Option<Component>,
    /// The components with RECURRENCE-ID, one for each instance (and one more if it also holds for the
    /// following), by `recurrence_id`.
    pub overrides: Vec<Component>,
    /// A component of it could not be read, and the problems say why: what is here is not the whole series.
    pub damaged: bool,
}

/// A VEVENT.
#[derive(Clone, PartialEq, Debug)]
pub struct Component {
    /// The line of its BEGIN.
    pub line: usize,
    /// SUMMARY; empty if there is none.
    pub summary: String,
    /// DESCRIPTION.
    pub description: Option<String>,
    /// LOCATION.
    pub location: Option<String>,
    /// URL, without the backslashes that some programs put into it.
    pub url: Option<String>,
    /// CATEGORIES, of all of its lines.
    pub categories: Vec<String>,
    /// DTSTART.
    pub start: When,
    /// The exclusive end: DTEND in its own zone; else DTSTART + DURATION; else the next day of a date and the
    /// start of a time (RFC 5545 3.6.1). A date that ends where it begins lasts that day.
    pub end: When,
    /// How long each instance lasts.
    pub length: Length,
    /// RRULE, RDATE and EXDATE lines with IANA names as TZID: `EXDATE;TZID=Europe/Zurich:20270329T090000`.
    pub recurrence: Vec<String>,
    /// Which instance this overrides. Where the master is there, it has the master's kind and zone.
    pub recurrence_id: Option<When>,
    /// RANGE=THISANDFUTURE: it overrides the following instances too.
    pub range_this_and_future: bool,
    /// STATUS.
    pub status: Option<Status>,
    /// CLASS; other values than the RFC's are private, as it demands.
    pub visibility: Option<Visibility>,
    /// TRANSP: whether the time is busy.
    pub busy: Option<bool>,
    /// SEQUENCE.
    pub sequence: i64,
    /// The lead times of its VALARMs in minutes before the start, ascending, each once; negative after it. The
    /// alarms themselves are in `other`, unless they say nothing more than this.
    pub alarms: Vec<i64>,
    /// DTSTAMP.
    pub stamp: Option<Timestamp>,
    /// CREATED.
    pub created: Option<Timestamp>,
    /// LAST-MODIFIED.
    pub last_modified: Option<Timestamp>,
    /// The name and parameters of modelled properties that carry parameters we do not model, such as
    /// `SUMMARY;LANGUAGE=de`.
    pub parameters: Vec<String>,
    /// All that is not modelled, as content lines, unfolded, in the order of the file: properties, then
    /// sub-components with their BEGIN and END.
    pub other: Vec<String>,
}

/// STATUS of an event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// TENTATIVE
    Tentative,
    /// CONFIRMED
    Confirmed,
    /// CANCELLED
    Cancelled,
}

/// CLASS of an event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Visibility {
    /// PUBLIC
    Public,
    /// PRIVATE
    Private,
    /// CONFIDENTIAL
    Confidential,
}

impl Component {
    /// Whether STATUS is CANCELLED.
    pub fn is_cancelled(&self) -> bool {
        self.status == Some(Status::Cancelled)
    }
}
