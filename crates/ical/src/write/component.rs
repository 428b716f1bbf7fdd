//! VEVENTs.

use std::collections::BTreeSet;

use super::line::{escaped, push};
use crate::event::written;
use crate::model::{Component, Series, Status, Visibility};
use crate::value::{When, Written, duration};

/// Appends a series: its master, then its overrides.
pub fn series(out: &mut String, series: &Series) {
    for component in series.master.iter().chain(&series.overrides) {
        event(out, &series.uid, component);
    }
}

/// The IANA names that a series uses as TZID. (UTC is none: its times end in `Z`.)
pub fn zones_of(series: &Series) -> BTreeSet<&str> {
    let mut zones = BTreeSet::new();
    for component in series.master.iter().chain(&series.overrides) {
        let whens = [Some(&component.start), Some(&component.end), component.recurrence_id.as_ref()];
        zones.extend(whens.into_iter().flatten().filter_map(When::zone));
        zones.extend(component.recurrence.iter().filter_map(|line| {
            let (_, from) = line.split_once(';')?.1.split_once("TZID=")?;
            from.split([':', ';']).next()
        }));
    }
    zones.remove("UTC");
    zones
}

fn event(out: &mut String, uid: &str, of: &Component) {
    push(out, "BEGIN:VEVENT");
    push(out, &format!("UID:{}", escaped(uid)));
    let instant = |out: &mut String, name: &str, at: Option<jiff::Timestamp>| {
        if let Some(at) = at {
            push(out, &format!("{name}:{}", at.strftime("%Y%m%dT%H%M%SZ")));
        }
    };
    instant(out, "DTSTAMP", of.stamp);
    if let Some(id) = &of.recurrence_id {
        when(out, if of.range_this_and_future { "RECURRENCE-ID;RANGE=THISANDFUTURE" } else { "RECURRENCE-ID" }, id);
    }
    when(out, "DTSTART", &of.start);
    // RFC 5545 3.8.2.2: DTEND is later than DTSTART; without it an event that has a time ends when it begins.
    if of.end != of.start {
        when(out, "DTEND", &of.end);
    }
    for line in &of.recurrence {
        push(out, line);
    }
    text(out, of, "SUMMARY", Some(&of.summary));
    text(out, of, "DESCRIPTION", of.description.as_deref());
    text(out, of, "LOCATION", of.location.as_deref());
    if let Some(url) = &of.url {
        // No URI may hold a backslash (RFC 3986), and readers take it for an escape.
        push(out, &format!("{}:{}", name(of, "URL"), url.replace('\\', "%5C")));
    }
    if !of.categories.is_empty() {
        let all: Vec<String> = of.categories.iter().map(|category| escaped(category)).collect();
        push(out, &format!("CATEGORIES:{}", all.join(",")));
    }
    let word = |out: &mut String, name: &str, value: Option<&str>| {
        if let Some(value) = value {
            push(out, &format!("{name}:{value}"));
        }
    };
    word(out, "STATUS", of.status.map(status));
    word(out, "CLASS", of.visibility.map(class));
    word(out, "TRANSP", of.busy.map(|busy| if busy { "OPAQUE" } else { "TRANSPARENT" }));
    push(out, &format!("SEQUENCE:{}", of.sequence));
    instant(out, "CREATED", of.created);
    instant(out, "LAST-MODIFIED", of.last_modified);
    let kept = kept_alarms(of);
    let (properties, children) = balanced(&of.other);
    for line in properties {
        push(out, line);
    }
    for minutes in of.alarms.iter().filter(|minutes| !kept.contains(minutes)) {
        push(out, "BEGIN:VALARM");
        push(out, "ACTION:DISPLAY");
        push(out, &format!("DESCRIPTION:{}", escaped(&of.summary)));
        let sign = if *minutes > 0 { "-" } else { "" };
        push(out, &format!("TRIGGER:{sign}PT{}M", minutes.unsigned_abs()));
        push(out, "END:VALARM");
    }
    for line in children {
        push(out, line);
    }
    push(out, "END:VEVENT");
}

/// The name of a property with the parameters that it was read with.
fn name<'c>(of: &'c Component, name: &'c str) -> &'c str {
    let given = of.parameters.iter().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(';')));
    given.map_or(name, String::as_str)
}

fn text(out: &mut String, of: &Component, property: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        push(out, &format!("{}:{}", name(of, property), escaped(value)));
    }
}

fn when(out: &mut String, name: &str, when: &When) {
    let value = written(when);
    let line = match when {
        When::Date(_) => format!("{name};VALUE=DATE:{value}"),
        When::Zoned { zone, .. } if zone != "UTC" => format!("{name};TZID={zone}:{value}"),
        When::Floating(_) | When::Zoned { .. } => format!("{name}:{value}"),
    };
    push(out, &line);
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Tentative => "TENTATIVE",
        Status::Confirmed => "CONFIRMED",
        Status::Cancelled => "CANCELLED",
    }
}

fn class(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "PUBLIC",
        Visibility::Private => "PRIVATE",
        Visibility::Confidential => "CONFIDENTIAL",
    }
}

/// What an event has once and what is written from its values: kept lines that say it again are left out.
const WRITTEN: [&str; 21] = [
    "BEGIN",
    "END",
    "UID",
    "DTSTAMP",
    "RECURRENCE-ID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "URL",
    "STATUS",
    "CLASS",
    "TRANSP",
    "SEQUENCE",
    "CREATED",
    "LAST-MODIFIED",
];

/// What an event may have once (RFC 5545 3.6.1, RFC 7986 4): of several kept lines the first is written.
const ONCE: [&str; 4] = ["COLOR", "GEO", "ORGANIZER", "PRIORITY"];

/// Lines of what is not modelled: properties, and whole sub-components. Whatever is no line of either is left out, so that
/// nothing kept can end the event or the calendar.
fn balanced(lines: &[String]) -> (Vec<&str>, Vec<&str>) {
    let (mut properties, mut children) = (Vec::new(), Vec::new());
    // Where the outermost open sub-component began, and the names of those that are open.
    let mut open: Vec<&str> = Vec::new();
    let mut began = 0;
    let mut seen = BTreeSet::new();
    for line in lines {
        let Some((head, value)) = line.split_once(':') else { continue };
        let name = head.split(';').next().unwrap_or_default();
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if name.eq_ignore_ascii_case("BEGIN") {
            if open.is_empty() {
                began = children.len();
            }
            open.push(value.trim());
            children.push(line.as_str());
        } else if name.eq_ignore_ascii_case("END") {
            match open.pop() {
                Some(inner) if inner.eq_ignore_ascii_case(value.trim()) => children.push(line.as_str()),
                Some(_) => {
                    children.truncate(began);
                    open.clear();
                }
                None => {}
            }
        } else if !open.is_empty() {
            children.push(line.as_str());
        } else if is_name && !WRITTEN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let once = ONCE.iter().find(|known| known.eq_ignore_ascii_case(name));
            if once.is_none_or(|once| seen.insert(*once)) {
                properties.push(line.as_str());
            }
        }
    }
    if !open.is_empty() {
        children.truncate(began);
    }
    (properties, children)
}

/// The lead times in minutes that kept alarms have: those are not written a second time.
fn kept_alarms(of: &Component) -> Vec<i64> {
    let lasts = of.end.local().duration_since(of.start.local()).as_secs();
    let lead = |line: &String| {
        let (head, value) = line.split_once(':')?;
        let mut parts = head.split(';');
        if !parts.next()?.eq_ignore_ascii_case("TRIGGER") || Written::parse(value).is_some() {
            return None;
        }
        let at_end = parts.any(|part| part.eq_ignore_ascii_case("RELATED=END"));
        let trigger = duration(value)?;
        let seconds = trigger.days * 86_400 + trigger.seconds + if at_end { lasts } else { 0 };
        Some((-seconds).div_euclid(60))
    };
    of.other.iter().filter_map(lead).collect()
}
