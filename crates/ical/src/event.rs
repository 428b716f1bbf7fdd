//! One VEVENT.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::instances::start_of;
use crate::lines::Line;
use crate::model::{Component, Status, Visibility};
use crate::problem::{Code, Problems, quote};
use crate::read::Clock;
use crate::tree::Node;
use crate::value::{Length, When, Written, duration, resolve, texts, unescape, uri};
use crate::zones::ZoneTable;

pub(crate) struct Event {
    pub uid: String,
    pub component: Component,
}

/// What may go wrong with a property so that the component cannot be used.
struct Unusable {
    line: usize,
    code: Code,
    message: String,
}

/// Reads a VEVENT. If it cannot be used, the problem is reported and its UID given back.
pub(crate) fn event(node: Node, table: &mut ZoneTable<'_>, problems: &mut Problems) -> Result<Event, Option<String>> {
    let uid = node.lines.iter().find(|line| line.is("UID")).map(uid_of).filter(|uid| !uid.is_empty());
    match component(&node, table, problems) {
        Ok(component) => {
            let uid = uid.unwrap_or_else(|| {
                problems.add(node.line, Code::MissingUid, "The event has no UID; it is told apart by its content.");
                uid_from_content(&node)
            });
            Ok(Event { uid, component })
        }
        Err(Unusable { line, code, message }) => {
            problems.leave_out(line, code, format!("{message} The event was left out."));
            Err(uid)
        }
    }
}

/// A UID is one line without control characters, whatever was escaped in it: components that differ in those alone are one
/// event from here on, not only where it is kept.
fn uid_of(line: &Line) -> String {
    let uid: String = unescape(line.value()).chars().filter(|c| !c.is_control()).collect();
    uid.trim().to_owned()
}

/// The same for the same content: FNV-1a (64 bits) over its properties.
fn uid_from_content(node: &Node) -> String {
    let bytes =
        node.lines.iter().filter(|line| !line.is("DTSTAMP")).flat_map(|line| line.text().bytes().chain([b'\n']));
    let digest =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("no-uid-{digest:016x}")
}

fn component(node: &Node, table: &mut ZoneTable<'_>, problems: &mut Problems) -> Result<Component, Unusable> {
    let first = |name: &str| node.lines.iter().find(|line| line.is(name));
    let mut usable = |line: &Line| {
        let clock = Clock::of(line);
        clock.when(clock.value, table).map_err(|(code, message)| Unusable { line: line.number, code, message })
    };
    let recurrence_id = first("RECURRENCE-ID").map(&mut usable).transpose()?;
    let start = match (first("DTSTART"), &recurrence_id) {
        (Some(line), _) => usable(line)?,
        // A cancelled instance, as some programs send it: it would have been where it was.
        (None, Some(original)) => original.clone(),
        (None, None) => {
            let message = "The event has no DTSTART.".to_owned();
            return Err(Unusable { line: node.line, code: Code::MissingStart, message });
        }
    };
    let (end, length) = end(node, &start, table)?;
    let mut recurrence = Recurrence::default();
    for line in &node.lines {
        recurrence.add(line, table)?;
    }
    let recurrence = recurrence.finish(&start, table)?;

    let mut component = Component {
        line: node.line,
        summary: String::new(),
        description: None,
        location: None,
        url: None,
        categories: Vec::new(),
        start,
        end,
        length,
        recurrence,
        recurrence_id,
        range_this_and_future: false,
        status: None,
        visibility: None,
        busy: None,
        sequence: 0,
        alarms: Vec::new(),
        stamp: None,
        created: None,
        last_modified: None,
        parameters: Vec::new(),
        other: Vec::new(),
    };
    let mut seen = Vec::new();
    for line in &node.lines {
        let name = line.name().to_ascii_uppercase();
        let repeatable = matches!(name.as_str(), "CATEGORIES" | "RRULE" | "RDATE" | "EXDATE");
        let known = (repeatable || !seen.contains(&name)) && property(&mut component, &name, line);
        if !known {
            component.other.push(line.text().to_owned());
            continue;
        }
        if has_other_parameters(line) {
            component.parameters.push(format!("{name}{}", line.parameters()));
        }
        if !repeatable {
            seen.push(name);
        }
    }
    let mut categories = HashSet::new();
    component.categories.retain(|category| categories.insert(category.clone()));
    for child in &node.children {
        alarm(child, &mut component, table, problems);
    }
    component.alarms.sort_unstable();
    component.alarms.dedup();
    Ok(component)
}

/// Takes over a property; false if it is not modelled or its value is none that we know.
fn property(component: &mut Component, name: &str, line: &Line) -> bool {
    let value = line.value();
    let text = || Some(unescape(value)).filter(|text| !text.is_empty());
    match name {
        "UID" | "DTSTART" | "DTEND" | "DURATION" | "RRULE" | "RDATE" | "EXDATE" => {}
        "RECURRENCE-ID" => {
            component.range_this_and_future =
                line.parameter("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
        }
        "SUMMARY" => component.summary = unescape(value),
        "DESCRIPTION" => component.description = text(),
        "LOCATION" => component.location = text(),
        "URL" => component.url = Some(uri(value)).filter(|url| !url.is_empty()),
        "CATEGORIES" => component.categories.extend(texts(value)),
        "STATUS" => {
            component.status = match value.trim().to_ascii_uppercase().as_str() {
                "TENTATIVE" => Some(Status::Tentative),
                "CONFIRMED" => Some(Status::Confirmed),
                "CANCELLED" | "CANCELED" => Some(Status::Cancelled),
                _ => return false,
            }
        }
        "CLASS" => {
            component.visibility = Some(match value.trim().to_ascii_uppercase().as_str() {
                "PUBLIC" => Visibility::Public,
                "CONFIDENTIAL" => Visibility::Confidential,
                _ => Visibility::Private,
            });
        }
        "TRANSP" => {
            component.busy = match value.trim().to_ascii_uppercase().as_str() {
                "OPAQUE" => Some(true),
                "TRANSPARENT" => Some(false),
                _ => return false,
            }
        }
        "SEQUENCE" => match value.trim().parse() {
            Ok(sequence) if (0..=i64::from(i32::MAX)).contains(&sequence) => component.sequence = sequence,
            _ => return false,
        },
        "DTSTAMP" | "CREATED" | "LAST-MODIFIED" => {
            let Some(Written::Utc(at)) = Written::parse(value) else { return false };
            let at = resolve(at, &TimeZone::UTC);
            match name {
                "DTSTAMP" => component.stamp = at,
                "CREATED" => component.created = at,
                _ => component.last_modified = at,
            }
        }
        _ => return false,
    }
    true
}

/// Parameters other than those that the values of this crate hold.
fn has_other_parameters(line: &Line) -> bool {
    line.parameters().split(';').any(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        !["", "TZID", "VALUE", "RANGE"].iter().any(|known| known.eq_ignore_ascii_case(name))
    }) && !["UID", "DTSTART", "DTEND", "RECURRENCE-ID"].iter().any(|name| line.is(name))
}

fn end(node: &Node, start: &When, table: &mut ZoneTable<'_>) -> Result<(When, Length), Unusable> {
    let first = |name: &str| node.lines.iter().find(|line| line.is(name) && !line.value().trim().is_empty());
    let zones = table.zones();
    if let Some(line) = first("DTEND") {
        let unusable = |code, message| Unusable { line: line.number, code, message };
        let clock = Clock::of(line);
        let end = clock.when(clock.value, table).map_err(|(code, message)| unusable(code, message))?;
        if end.is_date() != start.is_date() {
            let message = "One of DTSTART and DTEND is a date, the other a time.".to_owned();
            return Err(unusable(Code::MixedKinds, message));
        }
        let before = || unusable(Code::EndBeforeStart, "DTEND is before DTSTART.".to_owned());
        if let (When::Date(from), When::Date(to)) = (start, &end) {
            let days = i64::from(from.until(*to).map_err(|_| before())?.get_days());
            return match days {
                ..0 => Err(before()),
                0 => next_day(start, line.number),
                _ => Ok((end, Length { days, seconds: 0 })),
            };
        }
        // A floating time beside one in a zone is read in that zone.
        let either = [start.zone(), end.zone()].into_iter().flatten().find_map(zones).unwrap_or(TimeZone::UTC);
        let (from, to) = (start.instant(&either, zones), end.instant(&either, zones));
        let (Some(from), Some(to)) = (from, to) else {
            return Err(unusable(
                Code::InvalidTime,
                "The start or the end is beyond the years that can be computed.".to_owned(),
            ));
        };
        let seconds = to.duration_since(from).as_secs();
        return if seconds < 0 { Err(before()) } else { Ok((end, Length { days: 0, seconds })) };
    }
    let Some(line) = first("DURATION") else {
        return if start.is_date() { next_day(start, node.line) } else { Ok((start.clone(), Length::default())) };
    };
    let unusable = |code, message| Unusable { line: line.number, code, message };
    let invalid = || unusable(Code::InvalidDuration, format!("{} is no duration of an event.", quote(line.value())));
    let mut length = duration(line.value()).ok_or_else(invalid)?;
    if start.is_date() {
        // PT24H on a date: not allowed, but clear.
        length = if length.seconds % 86_400 == 0 {
            Length { days: length.days + length.seconds / 86_400, seconds: 0 }
        } else {
            return Err(invalid());
        };
        if length == Length::default() {
            return next_day(start, line.number);
        }
    }
    if length.days < 0 || length.seconds < 0 {
        return Err(unusable(Code::EndBeforeStart, "The duration is negative.".to_owned()));
    }
    length.after(start, zones).map(|end| (end, length)).ok_or_else(invalid)
}

fn next_day(start: &When, line: usize) -> Result<(When, Length), Unusable> {
    let end = start.local().date().tomorrow().map_err(|_| Unusable {
        line,
        code: Code::InvalidTime,
        message: "The end is beyond the years that can be computed.".to_owned(),
    })?;
    Ok((When::Date(end), Length::DAY))
}

/// RRULE, RDATE and EXDATE in the one form of our API: values of one kind and zone share a line, because some
/// programs write each into its own.
#[derive(Default)]
struct Recurrence {
    rules: Vec<(usize, String)>,
    dates: Vec<Dates>,
    count: usize,
}

/// RDATE or EXDATE values that can share a line.
struct Dates {
    /// The first of the lines they come from.
    line: usize,
    /// `EXDATE;TZID=Europe/Zurich`
    head: String,
    utc: bool,
    values: Vec<String>,
}

/// Keeps lines well below the length that is read again.
const VALUES_IN_A_LINE: usize = 500;

impl Recurrence {
    fn add(&mut self, line: &Line, table: &mut ZoneTable<'_>) -> Result<(), Unusable> {
        let name = line.name().to_ascii_uppercase();
        match name.as_str() {
            "RRULE" => {
                let parts = line.value().split(';').map(|part| part.trim().to_ascii_uppercase());
                let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
                if !parts.is_empty() {
                    self.rules.push((line.number, format!("RRULE:{}", parts.join(";"))));
                }
                Ok(())
            }
            "RDATE" | "EXDATE" => self.add_dates(&name, line, table),
            "EXRULE" => {
                let message = "EXRULE is no longer part of iCalendar; use EXDATE.".to_owned();
                Err(Unusable { line: line.number, code: Code::ExceptionRule, message })
            }
            _ => Ok(()),
        }
    }

    fn add_dates(&mut self, name: &str, line: &Line, table: &mut ZoneTable<'_>) -> Result<(), Unusable> {
        let unusable = |code, message| Unusable { line: line.number, code, message };
        let clock = Clock::of(line);
        let mut read = |item: &str| clock.when(item, table).map_err(|(code, message)| unusable(code, message));
        for item in clock.value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            self.count += 1;
            if self.count > kalends_recurrence::MAX_DATES {
                return Err(unusable(
                    Code::InvalidRecurrence,
                    "There are too many RDATE and EXDATE values.".to_owned(),
                ));
            }
            let (start, period) = item.split_once('/').map_or((item, None), |(start, end)| (start, Some(end)));
            let start = read(start)?;
            let value = match period {
                None => written(&start),
                Some(end) if duration(end).is_some_and(|length| length.days >= 0 && length.seconds >= 0) => {
                    format!("{}/{}", written(&start), end.trim().to_ascii_uppercase())
                }
                Some(end) => format!("{}/{}", written(&start), written(&read(end)?)),
            };
            let kind = match (&start, period) {
                (_, Some(_)) => ";VALUE=PERIOD",
                (When::Date(_), None) => ";VALUE=DATE",
                _ => "",
            };
            let zone =
                start.zone().filter(|zone| *zone != "UTC").map(|zone| format!(";TZID={zone}")).unwrap_or_default();
            let (head, utc) = (format!("{name}{kind}{zone}"), start.zone() == Some("UTC"));
            match self.dates.iter_mut().find(|dates| dates.head == head && dates.utc == utc) {
                Some(dates) => dates.values.push(value),
                None => self.dates.push(Dates { line: line.number, head, utc, values: vec![value] }),
            }
        }
        Ok(())
    }

    /// The lines, checked as the recurrence of `start`.
    fn finish(self, start: &When, table: &ZoneTable<'_>) -> Result<Vec<String>, Unusable> {
        let (mut numbers, mut lines): (Vec<usize>, Vec<String>) = self.rules.into_iter().unzip();
        for dates in &self.dates {
            for values in dates.values.chunks(VALUES_IN_A_LINE) {
                numbers.push(dates.line);
                lines.push(format!("{}:{}", dates.head, values.join(",")));
            }
        }
        if lines.is_empty() {
            return Ok(lines);
        }
        let checked =
            start_of(start, table.zones()).map(|start| kalends_recurrence::Series::parse(start, &lines, table.zones()));
        match checked {
            Some(Err(errors)) => {
                let line = errors
                    .first()
                    .and_then(|error| numbers.get(error.line))
                    .or(numbers.first())
                    .copied()
                    .unwrap_or_default();
                let reasons: Vec<String> =
                    errors.iter().take(5).map(|error| format!("{} ({})", error.message, error.code)).collect();
                let message = format!("The recurrence is not valid: {}.", reasons.join("; "));
                Err(Unusable { line, code: Code::InvalidRecurrence, message })
            }
            _ => Ok(lines),
        }
    }
}

pub(crate) fn written(when: &When) -> String {
    match when {
        When::Date(date) => date.strftime("%Y%m%d").to_string(),
        When::Zoned { at, zone } if zone == "UTC" => at.strftime("%Y%m%dT%H%M%SZ").to_string(),
        When::Floating(at) | When::Zoned { at, .. } => at.strftime("%Y%m%dT%H%M%S").to_string(),
    }
}

/// The lead time of an alarm. It stays in `other` if it says more than when to show the event's own text.
fn alarm(node: &Node, component: &mut Component, table: &mut ZoneTable<'_>, problems: &mut Problems) {
    let plain = node.kind == "VALARM"
        && node.children.is_empty()
        && lead_time(node, component, table, problems).is_some_and(|minutes| {
            component.alarms.push(minutes);
            node.lines.iter().all(|line| match line.name().to_ascii_uppercase().as_str() {
                "ACTION" => line.value().trim().eq_ignore_ascii_case("DISPLAY"),
                "DESCRIPTION" => true,
                "TRIGGER" => line.parameter("RELATED").is_none_or(|related| related.eq_ignore_ascii_case("START")),
                _ => false,
            })
        });
    if !plain {
        node.write_to(&mut component.other);
    }
}

fn lead_time(node: &Node, component: &Component, table: &ZoneTable<'_>, problems: &mut Problems) -> Option<i64> {
    let line = node.lines.iter().find(|line| line.is("TRIGGER"))?;
    if let Some(Written::Utc(at)) = Written::parse(line.value()) {
        // A fixed instant is a lead time only of an event that happens once.
        let start = component
            .start
            .zone()
            .filter(|_| component.recurrence.is_empty())
            .and_then(|_| component.start.instant(&TimeZone::UTC, table.zones()))?;
        let at: Timestamp = resolve(at, &TimeZone::UTC)?;
        return Some(start.duration_since(at).as_secs().div_euclid(60));
    }
    let Some(trigger) = duration(line.value()) else {
        problems.add(
            line.number,
            Code::InvalidDuration,
            format!("{} is no trigger of an alarm; it was kept as it is.", quote(line.value())),
        );
        return None;
    };
    let mut seconds = trigger.days * 86_400 + trigger.seconds;
    if line.parameter("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END")) {
        seconds += component.length.days * 86_400 + component.length.seconds;
    }
    Some((-seconds).div_euclid(60))
}
