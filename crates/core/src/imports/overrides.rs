//! Changed instances of a series. The programs of the world also write such as the series does not have: with an EXDATE at
//! the same date, or added by hand. They take place all the same (RFC 5545 does not forbid them), so the series gets a date.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use kalends_ical::{Component, When};
use kalends_kernel::{Invalid, Zone};
use serde_json::{Map, Value, json};

use super::component::{described, object, when};
use super::passthrough::{MOST_OF_OVERRIDES, kept};
use crate::access::Visibility;
use crate::events::{Compiled, Content, MOST_OVERRIDES, Status};

/// A series with these overrides; those that it has for other instances stay.
pub fn settle(
    content: Content,
    overrides: &[&Component],
    zone: &Zone,
    warnings: &mut Vec<String>,
) -> Result<Content, Invalid> {
    if overrides.is_empty() {
        return Ok(content);
    }
    let mut content = as_hidden_as_its_instances(content, overrides, warnings);
    let mut by_original: BTreeMap<DateTime, &Component> = BTreeMap::new();
    for one in overrides {
        match one.recurrence_id.as_ref().and_then(|id| original_in(&content, id)) {
            Some(original) => _ = by_original.insert(original, *one),
            None => warnings.push(format!("Line {}: the instance cannot be computed and was left out.", one.line)),
        }
    }
    let before = content.overrides.len();
    if by_original.len() + before > MOST_OVERRIDES {
        let detail = format!("it has {} changed instances; {MOST_OVERRIDES} at most", by_original.len() + before);
        return Err(Invalid::one("/overrides", "too-many", detail));
    }
    let only = by_original.len() == 1;
    if let (false, true, Some((original, one))) = (content.is_recurring(), only, by_original.first_key_value())
        && *original == content.times.start
    {
        return alone(content, one, zone, warnings);
    }
    let takes_place = by_original.iter().filter(|(_, one)| !one.is_cancelled()).map(|(original, _)| *original);
    content.recurrence = with_dates(&content, takes_place.collect(), zone)?;
    let compiled = Compiled::of(&content, zone);
    let mut room = MOST_OF_OVERRIDES;
    let mut values: BTreeMap<DateTime, Value> = BTreeMap::new();
    let mut lines: BTreeMap<DateTime, Option<Vec<String>>> = BTreeMap::new();
    for one in &content.overrides {
        values.insert(one.original_start, one.body(content.times.all_day));
        lines.insert(one.original_start, one.icalendar.clone());
    }
    for (original, one) in by_original {
        if !compiled.contains(original).unwrap_or(false) {
            if !one.is_cancelled() {
                warnings.push(format!("Line {}: the series has no instance there; it was left out.", one.line));
            }
            continue;
        }
        let (value, own) = changed(one, &content, original, &mut room, warnings);
        values.insert(original, value);
        lines.insert(original, own.filter(|own| *own != content.icalendar));
    }
    let mut body = content.body();
    body.insert("overrides".into(), values.into_values().collect());
    let mut settled = Content { icalendar: content.icalendar, ..Content::parse(&body, zone)? };
    for one in &mut settled.overrides {
        one.icalendar = lines.remove(&one.original_start).flatten();
    }
    Ok(settled)
}

/// An event that takes place once, as its only "instance" says it.
fn alone(content: Content, one: &Component, zone: &Zone, warnings: &mut Vec<String>) -> Result<Content, Invalid> {
    if one.is_cancelled() {
        return Ok(Content { status: Status::Cancelled, ..content });
    }
    let whole = described(one);
    let mut body = content.body();
    body.remove("time_zone");
    body.remove("end_time_zone");
    body.extend(whole.fields);
    body.extend(when(&one.start, &one.end));
    let mut room = MOST_OF_OVERRIDES;
    let icalendar = kept(one, &whole.unplaced, &mut room, warnings);
    warnings.extend(whole.warnings);
    Ok(Content { icalendar, ..Content::parse(&body, zone)? })
}

/// An instance that is more private than its series makes the whole as private: we know one visibility for both, and
/// nothing may be shown that the file hides.
fn as_hidden_as_its_instances(mut content: Content, overrides: &[&Component], warnings: &mut Vec<String>) -> Content {
    let rank = |visibility| match visibility {
        Visibility::Public => 0,
        Visibility::Private => 1,
        Visibility::Confidential => 2,
    };
    for one in overrides {
        let own = match one.visibility {
            Some(kalends_ical::Visibility::Private) => Visibility::Private,
            Some(kalends_ical::Visibility::Confidential) => Visibility::Confidential,
            Some(kalends_ical::Visibility::Public) | None => continue,
        };
        if rank(own) > rank(content.visibility) {
            warnings.push(format!("Line {}: this instance is {}, so the whole series is.", one.line, own.name()));
            content.visibility = own;
        }
    }
    content
}

/// A RECURRENCE-ID on the wall clock of the series, whatever way it is written.
pub fn original_in(content: &Content, id: &When) -> Option<DateTime> {
    let times = &content.times;
    if times.all_day {
        return Some(id.local().date().into());
    }
    match (id, &times.time_zone) {
        (When::Date(date), _) => Some(date.to_datetime(times.start.time())),
        (When::Zoned { zone, .. }, Some(series)) if zone != series.name() => {
            let instant = id.instant(series.time_zone(), &Zone::look_up)?;
            Some(series.time_zone().to_datetime(instant))
        }
        _ => Some(id.local()),
    }
}

/// An override as a body, and the raw lines that it has of its own.
fn changed(
    one: &Component,
    series: &Content,
    original: DateTime,
    room: &mut usize,
    warnings: &mut Vec<String>,
) -> (Value, Option<Vec<String>>) {
    let mut body = Map::new();
    let written = if series.times.all_day { original.date().to_string() } else { original.to_string() };
    body.insert("original_start".into(), written.into());
    if one.is_cancelled() {
        body.insert("cancelled".into(), true.into());
        return (body.into(), None);
    }
    let own = described(one);
    let usual = usual(series);
    body.extend(own.fields.into_iter().filter(|(name, value)| usual.get(name).is_some_and(|usual| usual != value)));
    let mut times = when(&one.start, &one.end);
    if let (true, Some(zone)) = (times.get("floating") == Some(&Value::Bool(true)), &series.times.time_zone) {
        // Floating beside a series in a zone: on the series' clock.
        times.insert("floating".into(), false.into());
        times.insert("time_zone".into(), zone.name().into());
    }
    if let (Some(zone), Some(Value::Null) | None) = (times.get("time_zone").cloned(), times.get("end_time_zone")) {
        // Otherwise the series' own end zone would be taken.
        times.insert("end_time_zone".into(), zone);
    }
    body.extend(times);
    let lines = kept(one, &own.unplaced, room, warnings);
    warnings.extend(own.warnings.into_iter().map(|said| format!("Line {}: {said}", one.line)));
    (body.into(), Some(lines))
}

/// What an override is compared with: what is as in the series is not said again. Only what an override can say.
fn usual(series: &Content) -> Map<String, Value> {
    object(json!({
        "title": series.title,
        "description": series.description,
        "location": series.location,
        "url": series.url,
        "categories": series.categories,
        "reminders": series.reminders,
        "status": series.status,
        "busy": series.busy,
    }))
}

/// The recurrence of a series with an occurrence at each of these times: their exclusions go, and those that no rule gives
/// become dates of their own.
fn with_dates(content: &Content, wanted: Vec<DateTime>, zone: &Zone) -> Result<Vec<String>, Invalid> {
    let lacks = |content: &Content| -> Vec<DateTime> {
        let compiled = Compiled::of(content, zone);
        wanted.iter().copied().filter(|at| !compiled.contains(*at).unwrap_or(true)).collect()
    };
    let missing = lacks(content);
    if missing.is_empty() {
        return Ok(content.recurrence.clone());
    }
    let times = &content.times;
    let local = |value: &str| -> Option<DateTime> {
        let (text, utc) = value.strip_suffix('Z').map_or((value, false), |text| (text, true));
        let at: DateTime = jiff::fmt::strtime::parse("%Y%m%dT%H%M%S", text).ok()?.to_datetime().ok()?;
        match (&times.time_zone, utc) {
            (Some(zone), true) => {
                let instant = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
                Some(zone.time_zone().to_datetime(instant))
            }
            _ => Some(at),
        }
    };
    let excluded = |value: &str| {
        let date = || jiff::fmt::strtime::parse("%Y%m%d", value).ok()?.to_date().ok().map(DateTime::from);
        let at = if times.all_day { date() } else { local(value) };
        at.is_some_and(|at| missing.contains(&at))
    };
    let mut lines: Vec<String> = Vec::new();
    for line in &content.recurrence {
        match line.split_once(':') {
            Some((head, values)) if head.starts_with("EXDATE") => {
                let left: Vec<&str> = values.split(',').filter(|value| !excluded(value)).collect();
                if !left.is_empty() {
                    lines.push(format!("{head}:{}", left.join(",")));
                }
            }
            _ => lines.push(line.clone()),
        }
    }
    let included = Content { recurrence: lines.clone(), ..content.clone() };
    let still = if lines.is_empty() {
        wanted.iter().copied().filter(|at| *at != times.start).collect()
    } else {
        lacks(&included)
    };
    for some in still.chunks(500) {
        let written = |at: &DateTime| {
            if times.all_day { at.strftime("%Y%m%d").to_string() } else { at.strftime("%Y%m%dT%H%M%S").to_string() }
        };
        let values = some.iter().map(written).collect::<Vec<_>>();
        lines.push(match (&times.time_zone, times.all_day) {
            (_, true) => format!("RDATE;VALUE=DATE:{}", values.join(",")),
            (Some(zone), _) if zone.name() == "UTC" => format!("RDATE:{}Z", values.join("Z,")),
            (Some(zone), _) => format!("RDATE;TZID={}:{}", zone.name(), values.join(",")),
            (None, _) => format!("RDATE:{}", values.join(",")),
        });
    }
    Ok(lines)
}
