//! One component as fields of an event's body. What is longer than an event can hold is cut, what has no place is kept as a
//! raw line; both are said.

use kalends_ical::{Component, Status, Visibility, When};
use kalends_kernel::fields::Text;
use serde_json::{Map, Value, json};

use super::passthrough::alarm;
use crate::events::content::{
    CATEGORIES, CATEGORY, DESCRIPTION, LOCATION, LONGEST_REMINDER, REMINDERS, TITLE, parse_url,
};

/// What an event without SUMMARY is called: every event here has a title.
pub const UNTITLED: &str = "(untitled)";

/// A component as fields, with what has no place in them.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The fields beside the times.
    pub fields: Map<String, Value>,
    /// Content lines that have to be kept beside [`Component::other`].
    pub unplaced: Vec<String>,
    /// What was cut or changed, for the report.
    pub warnings: Vec<String>,
}

/// What a component says beside its times.
pub fn described(one: &Component) -> Described {
    let mut out = Described::default();
    let title = out.text("SUMMARY", &one.summary, TITLE);
    let description = out.text("DESCRIPTION", one.description.as_deref().unwrap_or_default(), DESCRIPTION);
    let location = out.text("LOCATION", one.location.as_deref().unwrap_or_default(), LOCATION);
    let url = one.url.as_deref().and_then(|url| out.url(url));
    let categories = out.categories(&one.categories);
    let reminders = out.reminders(one);
    let fields = json!({
        "title": if title.is_empty() { UNTITLED.to_owned() } else { title },
        "description": description,
        "location": location,
        "url": url,
        "categories": categories,
        "reminders": reminders,
        "status": status(one.status),
        "busy": one.busy.unwrap_or(true),
        "visibility": visibility(one.visibility),
    });
    out.fields = object(fields);
    out
}

impl Described {
    /// A text as the field can hold it.
    fn text(&mut self, name: &str, text: &str, rule: Text) -> String {
        let allowed = |c: char| !c.is_control() || (rule.lines && matches!(c, '\n' | '\r' | '\t'));
        let clean: String = if rule.lines {
            text.chars().filter(|c| allowed(*c)).collect()
        } else {
            // Several lines where we have one: their breaks become blanks.
            text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let clean = clean.trim();
        let count = clean.chars().count();
        if count <= rule.max {
            return clean.to_owned();
        }
        self.warnings.push(format!("{name} has {count} characters and was cut to {}.", rule.max));
        clean.chars().take(rule.max).collect::<String>().trim().to_owned()
    }

    /// An address that an event can have; others are kept as they stand and given back on export.
    fn url(&mut self, url: &str) -> Option<String> {
        if let Ok(url) = parse_url(url) {
            return Some(url);
        }
        let line = url.replace(char::is_control, "");
        if !line.is_empty() && line.len() <= 4_000 {
            self.unplaced.push(format!("URL:{line}"));
        }
        None
    }

    fn categories(&mut self, given: &[String]) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for category in given {
            let category = self.text("A category", category, CATEGORY);
            let again = kept.iter().any(|one| one.to_lowercase() == category.to_lowercase());
            if category.is_empty() || again {
                continue;
            }
            if kept.len() == CATEGORIES {
                self.warnings.push(format!("It has {} categories; {CATEGORIES} were taken.", given.len()));
                break;
            }
            kept.push(category);
        }
        kept
    }

    /// Lead times that a reminder can have; other alarms are kept as they stand.
    fn reminders(&mut self, one: &Component) -> Vec<i64> {
        let fits = |minutes: &&i64| (0..=LONGEST_REMINDER).contains(*minutes);
        let all: Vec<i64> = one.alarms.iter().filter(fits).copied().collect();
        let kept: Vec<i64> = all.iter().copied().take(REMINDERS).collect();
        // An alarm that says nothing but its lead time is only there, not among the raw lines.
        let others = one.alarms.iter().filter(|minutes| !kept.contains(minutes));
        for minutes in others.take(100) {
            if !has_alarm_of_its_own(one) {
                self.unplaced.extend(alarm(*minutes));
            }
        }
        kept
    }
}

fn has_alarm_of_its_own(one: &Component) -> bool {
    one.other.iter().any(|line| line == "BEGIN:VALARM")
}

/// When a component is. A floating time beside one in a zone is read in that zone, as the reader does.
pub fn when(start: &When, end: &When) -> Map<String, Value> {
    let zone = start.zone().or_else(|| end.zone());
    object(json!({
        "start": local(start),
        "end": local(end),
        "time_zone": zone,
        "end_time_zone": end.zone().filter(|end| Some(*end) != zone),
        "all_day": start.is_date(),
        "floating": zone.is_none() && !start.is_date(),
    }))
}

fn local(when: &When) -> Value {
    match when {
        When::Date(date) => date.to_string().into(),
        When::Floating(at) | When::Zoned { at, .. } => at.to_string().into(),
    }
}

fn status(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Tentative) => "tentative",
        Some(Status::Cancelled) => "cancelled",
        Some(Status::Confirmed) | None => "confirmed",
    }
}

fn visibility(visibility: Option<Visibility>) -> &'static str {
    match visibility {
        Some(Visibility::Private) => "private",
        Some(Visibility::Confidential) => "confidential",
        Some(Visibility::Public) | None => "public",
    }
}

/// The members of an object.
pub fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}
