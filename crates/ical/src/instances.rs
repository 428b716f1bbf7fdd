//! The instances of a series in a window: the recurrence, with its overrides in place.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kalends_recurrence::{BudgetSpent, LineError, Occurrence, Start};

use crate::model::{Component, Series};
use crate::value::{Length, When, Written, duration};
use crate::zones::Zones;

/// One instance of a series.
#[derive(Clone, PartialEq, Debug)]
pub struct Instance<'a> {
    /// The master, or the override that holds for it.
    pub component: &'a Component,
    /// Its RECURRENCE-ID: the wall clock of the series at which the recurrence has it.
    pub original: DateTime,
    /// Its start, by the clock: a time inside a gap has moved forward.
    pub start: When,
    /// Its exclusive end.
    pub end: When,
    /// The instant of the start.
    pub starts_at: Timestamp,
    /// The instant of the end.
    pub ends_at: Timestamp,
}

/// Why the instances of a series cannot be told.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum InstancesError {
    /// Its recurrence is not valid; the lines are those of the master's [`Component::recurrence`].
    Recurrence(Vec<LineError>),
    /// A rule matches so rarely that looking for its next instance took too long.
    Budget(BudgetSpent),
    /// There are more than the caller wanted.
    TooMany,
    /// A zone that `zones` does not know, or a time beyond the years −9999 to 9999.
    Time {
        /// Where the component begins.
        line: usize,
    },
}

impl fmt::Display for InstancesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstancesError::Recurrence(errors) => {
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&errors.join("; "))
            }
            InstancesError::Budget(spent) => spent.fmt(f),
            InstancesError::TooMany => f.write_str("the window holds more instances than were asked for"),
            InstancesError::Time { line } => write!(f, "the event of line {line} has a time that cannot be computed"),
        }
    }
}

impl std::error::Error for InstancesError {}

/// How many instances around the window are looked at beside those within: an override may have moved all of a
/// series by years.
const MAX_OUTSIDE: usize = 1_000_000;

/// More than any zone's clock has ever jumped.
const JUMP: i64 = 2 * 86_400;

impl Series {
    /// The instances that overlap `from` ≤ … < `to`, by start, cancelled ones included
    /// ([`Component::is_cancelled`]). One without length counts where it begins.
    ///
    /// Dates and floating times are taken in `floating`. An override stands where it says, wherever its
    /// original was, and also where the recurrence has no such instance: RFC 5545 does not forbid it, and an
    /// override whose master is missing is an invitation to that instance alone. RANGE=THISANDFUTURE moves the
    /// following instances by as much as its own, by the wall clock, and gives them its length and content.
    ///
    /// # Errors
    /// See [`InstancesError`]; `TooMany` if there are more than `limit`.
    pub fn instances(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
        floating: &TimeZone,
        zones: Zones<'_>,
    ) -> Result<Vec<Instance<'_>>, InstancesError> {
        let window = Window { from, to, limit, floating, zones };
        let mut found = Vec::new();
        // Of two overrides for one instance, one is for the following as well; the other is closer.
        let mut closer = originals(self.overrides.iter().filter(|one| !one.range_this_and_future));
        closer.sort_unstable();
        for one in &self.overrides {
            let original = one.recurrence_id.as_ref().map_or(one.start.local(), When::local);
            if one.range_this_and_future && closer.binary_search(&original).is_ok() {
                continue;
            }
            let instance = window
                .instance(one, original, one.start.clone(), None)
                .ok_or(InstancesError::Time { line: one.line })?;
            window.keep(instance, &mut found)?;
        }
        if let Some(master) = &self.master {
            self.recurring(master, &window, &mut found)?;
        }
        found.sort_by_key(|instance| (instance.starts_at, instance.ends_at, instance.original));
        Ok(found)
    }

    /// What the recurrence gives where no override is for that instance alone.
    fn recurring<'a>(
        &'a self,
        master: &'a Component,
        window: &Window<'_>,
        found: &mut Vec<Instance<'a>>,
    ) -> Result<(), InstancesError> {
        let time = || InstancesError::Time { line: master.line };
        let start = start_of(&master.start, window.zones).ok_or_else(time)?;
        let series = kalends_recurrence::Series::parse(start, &master.recurrence, window.zones)
            .map_err(InstancesError::Recurrence)?;
        let mut ranges = Vec::new();
        for one in self.overrides.iter().filter(|one| one.range_this_and_future) {
            ranges.push(Range::new(one, master, window).ok_or(InstancesError::Time { line: one.line })?);
        }
        ranges.sort_by_key(|range| range.original);
        let mut overridden = originals(self.overrides.iter());
        overridden.sort_unstable();

        // How far before the window an instance may begin that reaches into it, and how far it may have been moved.
        let lengths = ranges.iter().map(|range| range.component.length).chain([master.length]);
        let longest =
            lengths.map(|length| length.at_most_seconds()).chain(periods(&master.recurrence)).max().unwrap_or(0);
        let (mut later, mut earlier) = (0, 0);
        for range in &ranges {
            (later, earlier) = (later.max(range.shift.as_secs()), earlier.max(-range.shift.as_secs()));
        }
        let earliest = before(window.from, longest.saturating_add(later).saturating_add(JUMP));
        let latest = after(window.to, i64::saturating_add(earlier, JUMP));
        let most = window.limit.saturating_add(MAX_OUTSIDE);
        for (at, occurrence) in series.starting_between(earliest, latest, window.floating).enumerate() {
            let occurrence = occurrence.map_err(InstancesError::Budget)?;
            if at > most {
                return Err(InstancesError::TooMany);
            }
            if overridden.binary_search(&occurrence.local).is_ok() {
                continue;
            }
            let following = ranges.partition_point(|range| range.original <= occurrence.local);
            let range = following.checked_sub(1).and_then(|last| ranges.get(last));
            let instance = match range {
                Some(range) => range.instance(&occurrence, window),
                None => {
                    let start = on_the_clock(&master.start, &occurrence, window);
                    window.instance(master, occurrence.local, start, occurrence.period_end)
                }
            };
            // Only at the very end of the calendar.
            let Some(instance) = instance else { continue };
            window.keep(instance, found)?;
        }
        Ok(())
    }
}

fn originals<'a>(overrides: impl Iterator<Item = &'a Component>) -> Vec<DateTime> {
    overrides.filter_map(|one| one.recurrence_id.as_ref().map(When::local)).collect()
}

struct Window<'w> {
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    floating: &'w TimeZone,
    zones: Zones<'w>,
}

impl Window<'_> {
    fn instance<'a>(
        &self,
        component: &'a Component,
        original: DateTime,
        start: When,
        end: Option<Timestamp>,
    ) -> Option<Instance<'a>> {
        let starts_at = start.instant(self.floating, self.zones)?;
        let ends_at = match end {
            Some(end) => end,
            None => {
                let after_days = Length { seconds: 0, ..component.length }.after(&start, self.zones)?;
                after_days
                    .instant(self.floating, self.zones)?
                    .checked_add(SignedDuration::from_secs(component.length.seconds))
                    .ok()?
            }
        };
        let end = match &component.end {
            When::Zoned { zone, .. } => When::Zoned { at: self.zone(zone)?.to_datetime(ends_at), zone: zone.clone() },
            end => end.with_local(self.floating.to_datetime(ends_at)),
        };
        Some(Instance { component, original, start, end, starts_at, ends_at })
    }

    fn keep<'a>(&self, instance: Instance<'a>, found: &mut Vec<Instance<'a>>) -> Result<(), InstancesError> {
        let (start, end) = (instance.starts_at, instance.ends_at);
        let overlaps = start < self.to && (end > self.from || end == start && start >= self.from);
        if overlaps {
            if found.len() == self.limit {
                return Err(InstancesError::TooMany);
            }
            found.push(instance);
        }
        Ok(())
    }

    fn zone(&self, name: &str) -> Option<TimeZone> {
        if name == "UTC" { Some(TimeZone::UTC) } else { (self.zones)(name) }
    }
}

/// An override with RANGE=THISANDFUTURE.
struct Range<'a> {
    component: &'a Component,
    original: DateTime,
    /// By how much it moves the wall clock.
    shift: SignedDuration,
    /// Its own zone, where it is another than the master's.
    zone: Option<TimeZone>,
}

impl<'a> Range<'a> {
    fn new(component: &'a Component, master: &Component, window: &Window<'_>) -> Option<Range<'a>> {
        let id = component.recurrence_id.as_ref()?;
        let zone = match (&master.start, &component.start) {
            (When::Zoned { zone, .. }, When::Zoned { zone: other, .. }) if zone != other => Some(window.zone(other)?),
            _ => None,
        };
        let was = match &zone {
            Some(zone) => zone.to_datetime(id.instant(window.floating, window.zones)?),
            None => id.local(),
        };
        Some(Range { component, original: id.local(), shift: component.start.local().duration_since(was), zone })
    }

    fn instance(&self, occurrence: &Occurrence, window: &Window<'_>) -> Option<Instance<'a>> {
        let was = self.zone.as_ref().map_or(occurrence.local, |zone| zone.to_datetime(occurrence.instant));
        let start = self.component.start.with_local(was.checked_add(self.shift).ok()?);
        window.instance(self.component, occurrence.local, start, None)
    }
}

/// DTSTART for the recurrence.
pub(crate) fn start_of(when: &When, zones: Zones<'_>) -> Option<Start> {
    Some(match when {
        When::Date(date) => Start::Date(*date),
        When::Floating(at) => Start::Floating(*at),
        When::Zoned { at, zone } if zone == "UTC" => Start::Zoned { at: *at, zone: TimeZone::UTC },
        When::Zoned { at, zone } => Start::Zoned { at: *at, zone: zones(zone)? },
    })
}

/// The start of an occurrence as clocks show it.
fn on_the_clock(master: &When, occurrence: &Occurrence, window: &Window<'_>) -> When {
    let clock = match master {
        When::Zoned { zone, .. } => window.zone(zone).map(|zone| zone.to_datetime(occurrence.instant)),
        When::Date(_) | When::Floating(_) => None,
    };
    master.with_local(clock.unwrap_or(occurrence.local))
}

/// The lengths of RDATE periods, none too short.
fn periods(recurrence: &[String]) -> impl Iterator<Item = i64> {
    let lines = recurrence.iter().filter(|line| line.starts_with("RDATE;VALUE=PERIOD"));
    lines.filter_map(|line| line.rsplit_once(':')).flat_map(|(_, list)| list.split(',')).filter_map(|period| {
        let (start, end) = period.split_once('/')?;
        if let Some(length) = duration(end) {
            return Some(length.at_most_seconds());
        }
        let clock = |text| match Written::parse(text)? {
            Written::Date(date) => Some(date.at(0, 0, 0, 0)),
            Written::Local(at) | Written::Utc(at) => Some(at),
        };
        Some(clock(end)?.duration_since(clock(start)?).as_secs().saturating_add(JUMP))
    })
}

fn before(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
