//! A file's event as content. Pure: the same file gives the same contents.

use std::collections::HashSet;

use jiff::Timestamp;
use kalends_ical::{Component, Series, When};
use kalends_kernel::{Invalid, Zone};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::component::{described, when};
use super::gather::{line_of, short};
use super::overrides::{original_in, settle};
use super::passthrough::{MOST, kept};
use super::report::Stamp;
use crate::conflicts::Report;
use crate::events::{Content, EventError, TOO_SPARSE};

/// The longest UID, in bytes: an index holds it.
const LONGEST_UID: usize = 1_000;
/// How many times a series may change from an instance on (RANGE=THISANDFUTURE).
const MOST_RANGES: usize = 50;

/// An event of the file, converted.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// The line of the file where it begins.
    pub line: usize,
    /// Its UID.
    pub uid: String,
    /// What it is called, for the report.
    pub title: String,
    /// How new it is.
    pub stamp: Stamp,
    /// When it was first made (CREATED).
    pub created: Option<Timestamp>,
    /// What it is.
    pub what: What,
    /// What was taken otherwise than it stands.
    pub warnings: Vec<String>,
    /// SHA-256 of what the file says, so that the same again is known.
    pub digest: [u8; 32],
}

/// What an event of the file is.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// The whole event.
    Whole(Box<Content>),
    /// Changed instances without their series; what they are by themselves, if anything.
    Instances(Vec<Component>, Option<Box<Content>>),
    /// It cannot be taken: a code and why.
    Refused(String, String),
}

/// Converts an event. One that changes from an instance on becomes several: here, each is an event of its own.
pub fn convert(series: &Series, warnings: Vec<String>, zone: &Zone) -> Vec<Item> {
    let uid = series.uid.clone();
    let components = || series.master.iter().chain(&series.overrides);
    let title = components().map(|one| short(&one.summary)).find(|title| !title.is_empty()).unwrap_or_default();
    let stamp = Stamp {
        sequence: components().map(|one| one.sequence).max().unwrap_or_default(),
        last_modified: components().filter_map(|one| one.last_modified).max(),
    };
    let item = |uid: String, what: What, warnings: Vec<String>| Item {
        line: line_of(series),
        digest: digest(&what),
        uid,
        title: title.clone(),
        stamp,
        created: components().find_map(|one| one.created),
        what,
        warnings,
    };
    if uid.len() > LONGEST_UID {
        let detail = format!("The UID has {} bytes; at most {LONGEST_UID} can be kept.", uid.len());
        let shown = uid.chars().take(100).collect();
        return vec![item(shown, What::Refused("uid-too-long".to_owned(), detail), warnings)];
    }
    let mut warnings = warnings;
    let Some(master) = &series.master else {
        let what = instances(&series.overrides, zone, &mut warnings);
        return vec![item(uid, what, warnings)];
    };
    let (ranges, plain): (Vec<&Component>, Vec<&Component>) =
        series.overrides.iter().partition(|one| one.range_this_and_future && !one.is_cancelled());
    let parts = whole(master, &plain, zone, &mut warnings)
        .map_err(EventError::from)
        .and_then(|content| from_ranges(content, &ranges, zone, &mut warnings));
    match parts {
        Ok(parts) => {
            let mut items = Vec::with_capacity(parts.len());
            for (from, content) in parts {
                let uid = from.map_or_else(|| uid.clone(), |from| format!("{uid}#{from}"));
                let mut one = item(uid, What::Whole(Box::new(content)), std::mem::take(&mut warnings));
                if let What::Whole(content) = &one.what {
                    one.title = short(&content.title);
                }
                items.push(one);
            }
            items
        }
        Err(error) => {
            let (code, detail) = said(&error);
            vec![item(uid, What::Refused(code, detail), warnings)]
        }
    }
}

/// What a series becomes from an instance on has a UID made of the series' own, which an event of the file may have too:
/// `taken` are the UIDs of the file. Its own event keeps it, the other is refused: everything else comes in.
pub fn each_once(items: &mut [Item], taken: &HashSet<String>) {
    let mut seen = HashSet::new();
    for (at, item) in items.iter_mut().enumerate() {
        if !seen.insert(item.uid.clone()) || (at > 0 && taken.contains(&item.uid)) {
            let detail = "The series goes on from here under this UID, but the file has another event with it; this part was left out.";
            item.what = What::Refused("duplicate-uid".to_owned(), detail.to_owned());
        }
    }
}

/// Why content was refused, as a code and a sentence.
pub fn said(error: &EventError) -> (String, String) {
    match error {
        EventError::Invalid(invalid) => {
            let code = invalid.errors().first().map_or("invalid", |error| error.code);
            (code.to_owned(), invalid.to_string())
        }
        EventError::Budget => (TOO_SPARSE.to_owned(), "The recurrence takes too much work.".to_owned()),
        EventError::TooMuchWork => ("too-much-work".to_owned(), "The event takes too much work.".to_owned()),
        EventError::ReviewRequired => (
            "review-required".to_owned(),
            "A published event of a calendar with review is not changed by an import.".to_owned(),
        ),
        EventError::Denied(_) => {
            ("forbidden".to_owned(), "Your role does not allow you to change this event.".to_owned())
        }
        EventError::UidTaken => ("uid-taken".to_owned(), "The calendar has another event with this UID.".to_owned()),
        EventError::Clash(report) => ("conflict".to_owned(), same_time(report)),
        EventError::TooMuchToCheck => {
            ("too-much-to-check".to_owned(), "To look for conflicts would take too much work.".to_owned())
        }
        EventError::WrongState { .. } | EventError::Deleted => {
            ("wrong-state".to_owned(), "What is here is in a state in which an import does not change it.".to_owned())
        }
        _ => ("refused".to_owned(), "As it is here it cannot be changed so.".to_owned()),
    }
}

/// What an event clashes with, in a sentence.
pub fn same_time(report: &Report) -> String {
    let first = report.clashes.first();
    let title = first.and_then(|first| first.title.as_deref()).unwrap_or("something that you do not see");
    let start = first.map(|first| format!(", {}", first.start)).unwrap_or_default();
    let others = match (report.clashes.len().saturating_sub(1), report.more) {
        (0, false) => String::new(),
        (more, false) => format!(" and {more} more"),
        (_, true) => " and many more".to_owned(),
    };
    format!("It takes the same time as {title}{start}{others}.")
}

/// A component by itself as content.
fn content_of(one: &Component, zone: &Zone, warnings: &mut Vec<String>) -> Result<Content, Invalid> {
    let own = described(one);
    let mut body = own.fields;
    body.extend(when(&one.start, &one.end));
    body.insert("recurrence".into(), json!(one.recurrence));
    let content = Content::parse(&body, zone)?;
    let mut room = MOST;
    let icalendar = kept(one, &own.unplaced, &mut room, warnings);
    warnings.extend(own.warnings);
    Ok(Content { icalendar, ..content })
}

fn whole(
    master: &Component,
    overrides: &[&Component],
    zone: &Zone,
    warnings: &mut Vec<String>,
) -> Result<Content, Invalid> {
    settle(content_of(master, zone, warnings)?, overrides, zone, warnings)
}

/// Changes of an instance and all that follow: the series ends before it, and another one goes on. The first part has the
/// event's own UID, each further one also says from where it goes on.
fn from_ranges(
    content: Content,
    ranges: &[&Component],
    zone: &Zone,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Option<String>, Content)>, EventError> {
    if ranges.len() > MOST_RANGES {
        let detail = format!("changes from {} instances on; {MOST_RANGES} at most", ranges.len());
        return Err(Invalid::one("/recurrence", "too-many", detail).into());
    }
    let mut parts: Vec<(Option<String>, Content)> = Vec::new();
    let mut last = (None, content);
    for one in ranges {
        let Some(original) = one.recurrence_id.as_ref().and_then(|id| original_in(&last.1, id)) else { continue };
        let own = described(one);
        let mut patch: Map<String, Value> = own.fields;
        patch.extend(when(&one.start, &one.end));
        // Merge patches: null takes a zone away that the series has.
        match last.1.changed_from(original, &patch, zone) {
            Ok((Some(before), after)) => {
                let from = original.strftime("%Y%m%dT%H%M%S").to_string();
                parts.push((last.0, before));
                last = (Some(from), after);
            }
            Ok((None, after)) => last.1 = after,
            Err(error) => {
                let (_, why) = said(&error);
                warnings.push(format!(
                    "Line {}: this change of an instance and those behind it was left out: {why}",
                    one.line
                ));
                continue;
            }
        }
        let mut room = MOST;
        last.1.icalendar = kept(one, &own.unplaced, &mut room, warnings);
        warnings.extend(own.warnings);
    }
    parts.push(last);
    Ok(parts)
}

/// Changed instances alone. By themselves they are a series of just these dates; one alone is an event.
fn instances(overrides: &[Component], zone: &Zone, warnings: &mut Vec<String>) -> What {
    let mut by_start: Vec<&Component> = overrides.iter().filter(|one| !one.is_cancelled()).collect();
    by_start.sort_by_key(|one| one.recurrence_id.as_ref().map(When::local));
    let alone = match by_start.first() {
        None => None,
        Some(first) => match content_of(first, zone, &mut Vec::new()) {
            Ok(mut content) => {
                if let Some(original) = first.recurrence_id.as_ref().and_then(|id| original_in(&content, id)) {
                    content.times = content.times.begun_at(original);
                }
                match settle(content, &by_start, zone, warnings) {
                    Ok(content) => Some(Box::new(content)),
                    Err(invalid) => return refused(invalid),
                }
            }
            Err(invalid) => return refused(invalid),
        },
    };
    What::Instances(overrides.to_vec(), alone)
}

fn refused(invalid: Invalid) -> What {
    let (code, detail) = said(&invalid.into());
    What::Refused(code, detail)
}

fn digest(what: &What) -> [u8; 32] {
    let text = match what {
        What::Whole(content) => serde_json::to_string(content).unwrap_or_default(),
        // Derived output names every field; a line says where, not what.
        What::Instances(components, _) => {
            let bare = components.iter().map(|one| Component { line: 0, ..one.clone() });
            format!("{:?}", bare.collect::<Vec<_>>())
        }
        What::Refused(code, detail) => format!("{code} {detail}"),
    };
    Sha256::digest(text.as_bytes()).into()
}
