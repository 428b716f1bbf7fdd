//! The IANA zone that a file means by a TZID.
//!
//! In this order: an IANA name in any case; the VTIMEZONE's `X-LIC-LOCATION`; an IANA name behind a vendor's
//! prefix; a Windows name; Outlook's "(UTC+01:00) Amsterdam, Berlin, …"; `UTC+2`; and last the VTIMEZONE itself,
//! whose changes of offset must equal those of a zone. Whatever is left is reported: a guess would move
//! meetings silently.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::vtimezone::{Changes, RECENT, VTimeZone, behaves_like, standard_offset};
use crate::windows;

/// Looks zones up by their IANA name.
pub type Zones<'a> = &'a dyn Fn(&str) -> Option<TimeZone>;

/// All names of the bundled database, each in its own spelling.
static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect());

/// How many VTIMEZONEs of one calendar are compared with the zones of the world; real files have a few.
const MAX_COMPARED: usize = 64;

/// Zones that are taken first when several behave alike.
const WELL_KNOWN: &[&str] = &[
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Halifax",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Australia/Brisbane",
    "Pacific/Auckland",
];

/// The zones of one calendar.
pub(crate) struct ZoneTable<'a> {
    zones: Zones<'a>,
    defined: HashMap<String, VTimeZone>,
    /// The first and last year in which the file uses a TZID.
    years: HashMap<String, (i16, i16)>,
    found: HashMap<String, Option<String>>,
    compared: usize,
}

impl<'a> ZoneTable<'a> {
    pub fn new(zones: Zones<'a>, defined: Vec<VTimeZone>, years: HashMap<String, (i16, i16)>) -> ZoneTable<'a> {
        let mut by_id = HashMap::new();
        for zone in defined {
            by_id.entry(zone.id.clone()).or_insert(zone);
        }
        ZoneTable { zones, defined: by_id, years, found: HashMap::new(), compared: 0 }
    }

    pub fn zones(&self) -> Zones<'a> {
        self.zones
    }

    /// The IANA name for a TZID.
    pub fn resolve(&mut self, id: &str) -> Option<String> {
        if let Some(found) = self.found.get(id) {
            return found.clone();
        }
        let found = self.look_up(id);
        self.found.insert(id.to_owned(), found.clone());
        found
    }

    fn look_up(&mut self, id: &str) -> Option<String> {
        let by_name = |name: &str| by_name(self.zones, name);
        let name = id.trim().trim_matches('"').trim();
        let defined = self.defined.get(id).or_else(|| self.defined.get(name));
        by_name(name)
            .or_else(|| defined.and_then(|zone| by_name(zone.location.as_deref()?)))
            .or_else(|| behind_prefix(self.zones, name))
            .or_else(|| by_name(windows::zone_of(name)?))
            .or_else(|| outlook_text(self.zones, name))
            .or_else(|| whole_hours(name).and_then(|name| by_name(&name)))
            .or_else(|| {
                self.compared += 1;
                let years = self.years.get(id).copied().unwrap_or((RECENT, RECENT));
                (self.compared <= MAX_COMPARED).then(|| by_changes(self.zones, name, defined?, years)).flatten()
            })
    }
}

/// The zone's own spelling of its name.
pub(crate) fn by_name(zones: Zones<'_>, name: &str) -> Option<String> {
    if ["UTC", "Etc/UTC", "Z", "Zulu", "Etc/Zulu", "UCT", "Etc/UCT", "Universal", "Etc/Universal"]
        .iter()
        .any(|utc| utc.eq_ignore_ascii_case(name))
    {
        return Some("UTC".to_owned());
    }
    if name.is_empty() || name.len() > 64 || name.eq_ignore_ascii_case("Etc/Unknown") {
        return None;
    }
    let zone = zones(name)?;
    Some(zone.iana_name().unwrap_or(name).to_owned())
}

/// `/mozilla.org/20050126_1/Europe/Berlin`, `/freeassociation.sourceforge.net/Tzfile/Europe/Zurich`.
fn behind_prefix(zones: Zones<'_>, name: &str) -> Option<String> {
    let mut rest = name;
    // A zone has three parts at most; what comes before is the vendor's.
    while let Some((_, tail)) = rest.split_once('/') {
        rest = tail;
        let one_part = !rest.contains('/');
        if one_part && !["utc", "gmt"].iter().any(|utc| utc.eq_ignore_ascii_case(rest)) {
            return None;
        }
        if rest.split('/').count() <= 3
            && let Some(found) = by_name(zones, rest)
        {
            return Some(found);
        }
    }
    None
}

/// `(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna`, as Outlook shows zones: the first city that
/// stands for a Windows zone, else the first that is a zone, if its standard time is the one given.
fn outlook_text(zones: Zones<'_>, text: &str) -> Option<String> {
    const REGIONS: [(&str, &str); 10] = [
        ("Brasilia", "America/Sao_Paulo"),
        ("Brasília", "America/Sao_Paulo"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("Central Time (US & Canada)", "America/Chicago"),
        ("Mountain Time (US & Canada)", "America/Denver"),
        ("Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("Atlantic Time (Canada)", "America/Halifax"),
        ("Chennai", "Asia/Kolkata"),
        ("Coordinated Universal Time", "UTC"),
        ("West Central Africa", "Africa/Lagos"),
    ];
    let (offset, places) = text.strip_prefix('(')?.split_once(')')?;
    let offset = offset.strip_prefix("UTC").or_else(|| offset.strip_prefix("GMT"))?;
    let offset = if offset.is_empty() { 0 } else { crate::value::offset(offset)? };
    let mut fits = |name: &str| {
        let name = by_name(zones, name)?;
        (standard_offset(&zones(&name)?)? == offset).then_some(name)
    };
    let places: Vec<String> = places.split(',').map(|place| place.trim().to_owned()).collect();
    let city = |zone: &str, place: &str| {
        zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&place.replace(' ', "_")))
            && zone.contains('/')
    };
    let region =
        places.iter().find_map(|place| REGIONS.iter().find(|(region, _)| region == place).map(|(_, zone)| *zone));
    let standing = || {
        places.iter().flat_map(|place| windows::WINDOWS.iter().map(|(_, zone)| *zone).filter(|zone| city(zone, place)))
    };
    let any = || places.iter().flat_map(|place| NAMES.iter().map(String::as_str).filter(|zone| city(zone, place)));
    region.and_then(&mut fits).or_else(|| standing().find_map(&mut fits)).or_else(|| any().find_map(&mut fits))
}

/// `UTC+2`, `GMT-0500`: the IANA zones `Etc/GMT-2` and `Etc/GMT+5`, whose signs are the other way round.
fn whole_hours(name: &str) -> Option<String> {
    let offset = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT"))?;
    let digits = offset.strip_prefix(['+', '-'])?;
    let seconds = match digits.len() {
        1 => digits.parse::<i32>().ok()? * if offset.starts_with('-') { -3600 } else { 3600 },
        _ => crate::value::offset(offset)?,
    };
    fixed(seconds)
}

fn fixed(seconds: i32) -> Option<String> {
    match (seconds % 3600, seconds / 3600) {
        (0, 0) => Some("UTC".to_owned()),
        (0, hours) => Some(format!("Etc/GMT{:+}", -hours)),
        _ => None,
    }
}

/// The zone whose offset changes as the VTIMEZONE's does: in all years in which the file uses it, or, because
/// many programs write their present rule as if it had always held, since 2010.
fn by_changes(zones: Zones<'_>, id: &str, defined: &VTimeZone, (first, last): (i16, i16)) -> Option<String> {
    let until = last.clamp(RECENT, 2100) + 6;
    let spans = [(first.clamp(1900, 2100).max(until - 60), until), (first.clamp(RECENT, 2100), until)];
    // Some programs write the hour of a change in the wrong one of its two clocks: then all times but those of that
    // hour are the same, and one hour is never more than that.
    [0, 3600].into_iter().flat_map(|tolerance| spans.map(|span| (tolerance, span))).find_map(
        |(tolerance, (from, until))| {
            let wanted = defined.changes(from, until)?;
            like(zones, id, |zone| behaves_like(zone, &wanted, from, until, tolerance), &wanted)
        },
    )
}

fn like(zones: Zones<'_>, id: &str, fits: impl Fn(&TimeZone) -> bool, wanted: &Changes) -> Option<String> {
    let equal = |name: &str| {
        let name = by_name(zones, name)?;
        let zone = zones(&name)?;
        fits(&zone).then_some(name)
    };
    let id = id.to_ascii_lowercase();
    let named = NAMES.iter().filter(|name| {
        let city = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        city.len() > 3 && (id.contains(&city) || id.contains(&city.replace('_', " ")))
    });
    named
        .map(String::as_str)
        .find_map(equal)
        .or_else(|| if wanted.list.is_empty() { equal(&fixed(wanted.start)?) } else { None })
        .or_else(|| WELL_KNOWN.iter().copied().find_map(equal))
        .or_else(|| windows::WINDOWS.iter().find_map(|(_, zone)| equal(zone)))
        .or_else(|| NAMES.iter().filter(|name| name.contains('/')).find_map(|name| equal(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled(name: &str) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(name).ok()
    }

    fn resolve(id: &str) -> Option<String> {
        ZoneTable::new(&bundled, Vec::new(), HashMap::new()).resolve(id)
    }

    #[test]
    fn zones_are_found_by_the_names_that_programs_give_them() {
        for (id, zone) in [
            ("Europe/Zurich", "Europe/Zurich"),
            ("europe/zurich", "Europe/Zurich"),
            ("\"Europe/Zurich\"", "Europe/Zurich"),
            ("/freeassociation.sourceforge.net/Europe/Zurich", "Europe/Zurich"),
            ("/freeassociation.sourceforge.net/Tzfile/Europe/Zurich", "Europe/Zurich"),
            ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
            ("/citadel.org/20190914_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("tzone://Microsoft/Utc", "UTC"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("w. europe standard time", "Europe/Berlin"),
            ("Eastern Standard Time", "America/New_York"),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
            ("(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
            ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Paris"),
            ("(UTC) Dublin, Edinburgh, Lisbon, London", "Europe/London"),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata"),
            ("(UTC+09:00) Osaka, Sapporo, Tokyo", "Asia/Tokyo"),
            ("(UTC-03:00) Brasília", "America/Sao_Paulo"),
            ("UTC+2", "Etc/GMT-2"),
            ("GMT-0500", "Etc/GMT+5"),
            ("Etc/UTC", "UTC"),
        ] {
            assert_eq!(resolve(id).as_deref(), Some(zone), "{id}");
        }
        for id in ["", "Nowhere", "Customized Time Zone", "/", "///", "(UTC+03:00) Berlin", "(UTC", "x/Zurich", "GMT+é"]
        {
            assert_eq!(resolve(id), None, "{id}");
        }
    }

    #[test]
    fn every_windows_name_leads_to_a_zone_of_the_database() {
        for (name, zone) in windows::WINDOWS {
            assert!(bundled(zone).is_some(), "{name}: {zone}");
            assert_eq!(windows::zone_of(name), Some(*zone));
        }
        for zone in WELL_KNOWN {
            assert!(bundled(zone).is_some(), "{zone}");
        }
    }
}
