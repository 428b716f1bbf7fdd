//! The time zones that the program has.

use jiff::tz::{TimeZone, TimeZoneDatabase};

pub fn bundled(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}
