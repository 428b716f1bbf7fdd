//! DTSTART: where a series begins and in which clock it lives.

use crate::calendar::second_of;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// DTSTART (RFC 5545 3.8.2.4). Fractions of a second are dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// An all-day series: dates without a zone. Its wall times are midnights.
    Date(Date),
    /// A wall-clock time without a zone (RFC 5545 3.3.5 form 1): the same clock reading everywhere.
    Floating(DateTime),
    /// A wall-clock time in a zone; UTC (form 2) is the zone `TimeZone::UTC`.
    Zoned {
        /// The wall-clock time. In a DST gap the instant moves forward by the gap, in an overlap it is the first.
        at: DateTime,
        /// The zone in which every instance keeps this wall-clock time.
        zone: TimeZone,
    },
}

impl Start {
    /// The wall-clock time; midnight for a date.
    #[must_use]
    pub fn local(&self) -> DateTime {
        match self {
            Start::Date(date) => date.at(0, 0, 0, 0),
            Start::Floating(at) | Start::Zoned { at, .. } => *at,
        }
    }

    /// The zone, if the series has its own.
    #[must_use]
    pub fn zone(&self) -> Option<&TimeZone> {
        match self {
            Start::Zoned { zone, .. } => Some(zone),
            Start::Date(_) | Start::Floating(_) => None,
        }
    }

    /// Whether this is an all-day series.
    #[must_use]
    pub fn is_date(&self) -> bool {
        matches!(self, Start::Date(_))
    }

    pub(crate) fn second(&self) -> i64 {
        second_of(self.local())
    }
}
