//! An event as the components of iCalendar, as much of it as somebody may see.

use kalends_ical::{Component, Length, Series, Status, Visibility, When};
use kalends_kernel::Zone;

use super::Language;
use crate::access::{self, Can, DetailLevel};
use crate::events::{self, Allowed, Content, Event, Override, PARAMETERS, Times};

/// An event as the actor who loaded it may see it; with `busy_only` its times alone, whatever they may see.
///
/// A cancelled occurrence is a component with STATUS:CANCELLED (not an EXDATE): so it comes back as the same override, and
/// calendar apps show that something was there.
pub fn series_of(of: &Allowed, language: Language, busy_only: bool) -> Series {
    let sight = if busy_only { DetailLevel::Busy } else { of.grant.sight };
    let event = &of.event;
    let edits = access::check(Some(of.grant), Can::Edit).is_ok();
    let shown = Shown { event, sight, edits, language };
    let overrides = event.content.overrides.iter().filter_map(|one| shown.overriding(one)).collect();
    // Who sees only the times is not told the UID, which may be somebody else's name for the event.
    let uid = if sight == DetailLevel::Busy { event.id.to_string() } else { event.uid.clone() };
    Series { uid, master: Some(shown.component(&event.content)), overrides, damaged: false }
}

struct Shown<'e> {
    event: &'e Event,
    sight: DetailLevel,
    /// Whether the reader may edit the event.
    edits: bool,
    language: Language,
}

impl Shown<'_> {
    fn overriding(&self, one: &Override) -> Option<Component> {
        let series = &self.event.content;
        let changed = self.component(&one.apply(series));
        let usual = Override::empty(one.original_start).apply(series);
        // An override may say nothing that is shown here, such as a number of seats.
        if changed == self.component(&usual) {
            return None;
        }
        let id = when(one.original_start, series.times.time_zone.as_ref(), series.times.all_day);
        Some(Component { recurrence_id: Some(id), ..changed })
    }

    fn component(&self, content: &Content) -> Component {
        let (event, times) = (self.event, &content.times);
        let (seen, full) = (self.sight >= DetailLevel::Public, self.sight == DetailLevel::Full);
        let text = |text: &String| Some(text.clone()).filter(|text| seen && !text.is_empty());
        let (start, end) = whens(times);
        let (parameters, mut other) = if full { kept(content) } else { (Vec::new(), Vec::new()) };
        if !self.edits {
            other.retain(|line| !is_about_people(line));
        }
        Component {
            line: 0,
            summary: if seen { content.title.clone() } else { self.language.busy().to_owned() },
            description: text(&content.description),
            location: text(&content.location),
            url: content.url.clone().filter(|_| seen),
            categories: if seen { content.categories.clone() } else { Vec::new() },
            start,
            end,
            length: Length::default(),
            recurrence: content.recurrence.clone(),
            recurrence_id: None,
            range_this_and_future: false,
            status: Some(match content.status {
                events::Status::Tentative => Status::Tentative,
                events::Status::Confirmed => Status::Confirmed,
                events::Status::Cancelled => Status::Cancelled,
            }),
            visibility: Some(match content.visibility {
                access::Visibility::Public => Visibility::Public,
                access::Visibility::Private => Visibility::Private,
                access::Visibility::Confidential => Visibility::Confidential,
            }),
            busy: Some(content.busy),
            // Rule 23: it grows with each change, a cancellation among them.
            sequence: event.sequence(),
            alarms: if full { content.reminders.clone() } else { Vec::new() },
            // RFC 5545 3.8.7.2: without METHOD it is the time of the last revision.
            stamp: Some(event.updated_at),
            created: Some(event.origin.first_made_at.filter(|_| seen).unwrap_or(event.created_at)),
            last_modified: Some(event.updated_at),
            parameters,
            other,
        }
    }
}

/// What an import brought and we do not model, attendees perhaps among it: the parameters of properties that have a field,
/// and the other lines.
fn kept(content: &Content) -> (Vec<String>, Vec<String>) {
    let of_field = |line: &String| {
        line.strip_prefix(PARAMETERS).and_then(|rest| rest.strip_prefix(':')).map(str::to_owned).ok_or(line.clone())
    };
    let (mut parameters, mut other) = (Vec::new(), Vec::new());
    for line in content.icalendar.iter().map(of_field) {
        match line {
            Ok(given) => parameters.push(given),
            Err(line) => other.push(line),
        }
    }
    (parameters, other)
}

/// Returns whether a line has somebody's address: those who are invited did not publish theirs.
fn is_about_people(line: &str) -> bool {
    let name = line.split([':', ';']).next().unwrap_or_default();
    ["ATTENDEE", "ORGANIZER"].iter().any(|about| name.eq_ignore_ascii_case(about))
}

fn whens(times: &Times) -> (When, When) {
    let end_zone = times.end_time_zone.as_ref().or(times.time_zone.as_ref());
    (when(times.start, times.time_zone.as_ref(), times.all_day), when(times.end, end_zone, times.all_day))
}

fn when(at: jiff::civil::DateTime, zone: Option<&Zone>, all_day: bool) -> When {
    match zone {
        _ if all_day => When::Date(at.date()),
        Some(zone) => When::Zoned { at, zone: zone.name().to_owned() },
        None => When::Floating(at),
    }
}
