//! Components to calendars and series.

use std::collections::{HashMap, HashSet};

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::event::{Event, event};
use crate::lines::{Line, content_lines};
use crate::model::{Calendar, Component, Parsed, Series};
use crate::problem::{Code, Problems, ReadError, quote};
use crate::tree::{Node, calendars};
use crate::value::{When, Written, unescape};
use crate::vtimezone::VTimeZone;
use crate::zones::{ZoneTable, Zones};

/// Reads a file, which may hold several VCALENDARs. `zones` looks zones up by their IANA name, whatever its
/// case; it should know the same database as the rest of the program.
///
/// An error means that nothing could be read within the limits; anything less is a problem in the answer, and
/// the series that it touches is [`damaged`](Series::damaged) or the message says how it was read.
pub fn read(text: &[u8], zones: Zones<'_>) -> Result<Parsed, ReadError> {
    let mut problems = Problems::default();
    let lines = content_lines(text, &mut problems)?;
    let nodes = calendars(lines, &mut problems)?;
    if nodes.is_empty() {
        return Err(ReadError::NoCalendar);
    }
    let calendars = nodes.into_iter().map(|node| calendar(node, zones, &mut problems)).collect();
    problems.list.sort_by_key(|problem| problem.line);
    Ok(Parsed { calendars, problems: problems.list, problems_omitted: problems.omitted })
}

fn calendar(node: Node, zones: Zones<'_>, problems: &mut Problems) -> Calendar {
    let mut calendar = Calendar { line: node.line, ..Calendar::default() };
    let years = years_of_zones(&node);
    let (time_zones, others): (Vec<Node>, Vec<Node>) =
        node.children.into_iter().partition(|child| child.kind == "VTIMEZONE");
    let mut table = ZoneTable::new(zones, time_zones.into_iter().filter_map(VTimeZone::new).collect(), years);
    properties(&mut calendar, &node.lines, &mut table, problems);

    let mut events = Vec::new();
    let mut damaged = HashSet::new();
    for child in others {
        if child.kind != "VEVENT" {
            let kind: String = child.kind.chars().take(60).collect();
            problems.leave_out(child.line, Code::NotAnEvent, format!("{kind} is no event and was left out."));
            continue;
        }
        match event(child, &mut table, problems) {
            Ok(event) => events.push(event),
            Err(uid) => {
                damaged.insert(uid);
            }
        }
    }
    calendar.series = group(events, &damaged, zones, problems);
    calendar
}

/// When the TZIDs of a calendar are used: a VTIMEZONE is compared with IANA zones in these years.
fn years_of_zones(node: &Node) -> HashMap<String, (i16, i16)> {
    let mut years = HashMap::new();
    for line in node.children.iter().flat_map(|child| &child.lines) {
        let Some(zone) = line.parameter("TZID") else { continue };
        let Some(year) = line.value().trim().get(..4).and_then(|year| year.parse::<i16>().ok()) else { continue };
        match years.get_mut(zone) {
            Some((first, last)) => (*first, *last) = (year.min(*first), year.max(*last)),
            None => _ = years.insert(zone.to_owned(), (year, year)),
        }
    }
    years
}

fn properties(calendar: &mut Calendar, lines: &[Line], table: &mut ZoneTable<'_>, problems: &mut Problems) {
    // The RFC 7986 name of a property, and the older one that gives way to it.
    let pick = |standard: &str, older: &str| {
        let find = |name: &str| lines.iter().find(|line| line.is(name) && !line.value().trim().is_empty());
        find(standard).or_else(|| find(older)).map(|line| (line.number, unescape(line.value().trim())))
    };
    calendar.name = pick("NAME", "X-WR-CALNAME").map(|(_, text)| text);
    calendar.description = pick("DESCRIPTION", "X-WR-CALDESC").map(|(_, text)| text);
    calendar.color = pick("COLOR", "X-APPLE-CALENDAR-COLOR").map(|(_, text)| text);
    calendar.method = pick("METHOD", "METHOD").map(|(_, text)| text.to_ascii_uppercase());
    if let Some((line, id)) = pick("TIMEZONE-ID", "X-WR-TIMEZONE") {
        calendar.time_zone = table.resolve(&id);
        if calendar.time_zone.is_none() {
            problems.add(line, Code::UnknownZone, format!("The calendar's time zone {} is unknown.", quote(&id)));
        }
    }
    if let Some(line) = lines.iter().find(|line| line.is("VERSION") && line.value().trim() == "1.0") {
        problems.add(line.number, Code::OldVersion, "vCalendar 1.0 is older than iCalendar; texts may look wrong.");
    }
    const MODELLED: [&str; 11] = [
        "VERSION",
        "NAME",
        "X-WR-CALNAME",
        "DESCRIPTION",
        "X-WR-CALDESC",
        "COLOR",
        "X-APPLE-CALENDAR-COLOR",
        "METHOD",
        "TIMEZONE-ID",
        "X-WR-TIMEZONE",
        "CALSCALE",
    ];
    let others = lines.iter().filter(|line| !MODELLED.iter().any(|name| line.is(name)));
    calendar.other = others.map(|line| line.text().to_owned()).collect();
}

/// Gathers components by UID.
fn group(
    events: Vec<Event>,
    damaged: &HashSet<Option<String>>,
    zones: Zones<'_>,
    problems: &mut Problems,
) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for Event { uid, mut component } in events {
        let at = *places.entry(uid.clone()).or_insert(series.len());
        if at == series.len() {
            series.push(Series { uid: uid.clone(), master: None, overrides: Vec::new(), damaged: false });
        }
        let Some(one) = series.get_mut(at) else { continue };
        if component.recurrence_id.is_some() {
            one.overrides.push(component);
        } else if let Some(master) = &one.master {
            if same_but_for_line(master, &mut component) {
                continue;
            }
            let message = format!("Another event has the UID {} (line {}).", quote(&uid), master.line);
            problems.add(component.line, Code::DuplicateUid, message);
            series.push(Series { uid, master: Some(component), overrides: Vec::new(), damaged: false });
        } else {
            one.master = Some(component);
        }
    }
    for one in &mut series {
        one.damaged = damaged.contains(&Some(one.uid.clone()));
        settle(one, zones, problems);
    }
    series
}

/// Whether two components are the same text in different places.
fn same_but_for_line(a: &Component, b: &mut Component) -> bool {
    let line = std::mem::replace(&mut b.line, a.line);
    let same = *a == *b;
    b.line = line;
    same
}

/// Brings the overrides' RECURRENCE-IDs into the master's kind and zone, and keeps the newest of those that
/// are for the same instance.
fn settle(series: &mut Series, zones: Zones<'_>, problems: &mut Problems) {
    if let Some(master) = &series.master {
        for one in &mut series.overrides {
            let id = one.recurrence_id.as_ref().and_then(|id| in_kind_of(&master.start, id, zones));
            match id {
                Some(id) => one.recurrence_id = Some(id),
                None => {
                    let message =
                        "RECURRENCE-ID is beyond the years that can be computed; the override stays where it is.";
                    problems.add(one.line, Code::InvalidOverride, message);
                }
            }
        }
    }
    let key = |one: &Component| (one.recurrence_id.as_ref().map(When::local), one.range_this_and_future);
    // Stable: of equal ones the later in the file is the newer.
    series.overrides.sort_by_key(|one| (key(one), one.sequence));
    let mut kept: Vec<Component> = Vec::with_capacity(series.overrides.len());
    for mut one in series.overrides.drain(..) {
        match kept.last_mut() {
            Some(last) if key(last) == key(&one) => {
                if !same_but_for_line(last, &mut one) {
                    let message = format!("Two overrides of one instance; the one of line {} is newer.", one.line);
                    problems.add(last.line, Code::DuplicateOverride, message);
                }
                *last = one;
            }
            _ => kept.push(one),
        }
    }
    series.overrides = kept;
}

/// A RECURRENCE-ID names an instance of the master, whatever way it is written: in UTC, as a date, floating.
fn in_kind_of(master: &When, id: &When, zones: Zones<'_>) -> Option<When> {
    let local = match (master, id) {
        (When::Zoned { zone, .. }, When::Zoned { zone: other, .. }) if zone != other => {
            let zone = if zone == "UTC" { TimeZone::UTC } else { zones(zone)? };
            zone.to_datetime(id.instant(&TimeZone::UTC, zones)?)
        }
        (When::Zoned { .. } | When::Floating(_), When::Date(date)) => date.to_datetime(master.local().time()),
        _ => id.local(),
    };
    Some(master.with_local(local))
}

/// How a property writes its dates and times. Looked up once, because it may have thousands of them.
pub(crate) struct Clock<'l> {
    name: &'l str,
    zone: Option<String>,
    dates: bool,
    /// The property's value.
    pub value: &'l str,
}

/// Longer than the name of any time zone.
const MAX_ZONE_CHARS: usize = 255;

impl<'l> Clock<'l> {
    pub fn of(line: &'l Line) -> Clock<'l> {
        let (mut zone, mut value) = (line.parameter("TZID").map(str::to_owned), line.value());
        // An unquoted TZID with a colon in it, since no date or time has one: `TZID=(UTC+01:00) Berlin:20270329T090000`,
        // `TZID=tzone://Microsoft/Custom:20270329T090000`.
        if let Some(id) = zone.as_mut()
            && let Some((rest, last)) = value.rsplit_once(':')
        {
            id.push(':');
            id.push_str(rest);
            value = last;
        }
        let zone = zone.map(|id| id.chars().take(MAX_ZONE_CHARS).collect());
        let dates = line.parameter("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("DATE"));
        Clock { name: line.name(), zone, dates, value }
    }

    /// A date or time with its zone, or why not.
    pub fn when(&self, text: &str, table: &mut ZoneTable<'_>) -> Result<When, (Code, String)> {
        match Written::parse(text) {
            None => {
                let name = self.name.to_ascii_uppercase();
                Err((Code::InvalidTime, format!("{} in {name} is no date or time.", quote(text))))
            }
            Some(Written::Date(date)) => Ok(When::Date(date)),
            Some(Written::Local(at)) if self.dates && at.time() == Time::midnight() => Ok(When::Date(at.date())),
            Some(Written::Utc(at)) => Ok(When::Zoned { at, zone: "UTC".to_owned() }),
            Some(Written::Local(at)) => match &self.zone {
                None => Ok(When::Floating(at)),
                Some(id) => table.resolve(id).map(|zone| When::Zoned { at, zone }).ok_or_else(|| {
                    let message = "is unknown, and no VTIMEZONE explains it.";
                    (Code::UnknownZone, format!("The time zone {} {message}", quote(id)))
                }),
            },
        }
    }
}
