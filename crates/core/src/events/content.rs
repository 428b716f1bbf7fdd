//! What people say about an event: everything that is versioned. The document in the database, in each version and in a
//! merge patch is this, in the words of the API.

use jiff::civil::DateTime;
use kalends_kernel::fields::{Fields, Text, kind_of, read_integer};
use kalends_kernel::{Invalid, VenueId, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::audience::Audience;
use super::overrides::Override;
use super::registration::Registration;
use super::series;
use super::times::Times;
use crate::access::Visibility;

/// The status of RFC 5545 3.8.1.11.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// May still change.
    Tentative,
    /// Will take place.
    Confirmed,
    /// Will not take place.
    Cancelled,
}

impl Status {
    /// Every status with its name in the API.
    pub const NAMES: &'static [(&'static str, Status)] =
        &[("tentative", Status::Tentative), ("confirmed", Status::Confirmed), ("cancelled", Status::Cancelled)];
}

/// What people say about an event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Content {
    /// What it is called.
    pub title: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where, in free words; an address may have several lines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Where, as a place that can be double-booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_id: Option<VenueId>,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it is; of a series, its first occurrence.
    #[serde(flatten)]
    pub times: Times,
    /// iCalendar lines (RRULE, RDATE, EXDATE); none for a single event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recurrence: Vec<String>,
    /// What is different at some occurrences, by their original start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Minutes before the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<i64>,
    /// Whether it will take place.
    pub status: Status,
    /// How much those see who only view the calendar.
    pub visibility: Visibility,
    /// Whether it takes people's time.
    pub busy: bool,
    /// How many seats there are; none for as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i64>,
    /// How seats are given.
    #[serde(default)]
    pub registration: Registration,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// What other programs keep with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    /// What an import brought and we do not model: iCalendar content lines, unfolded, in the order of the file; alarms and
    /// other parts with their BEGIN and END lines. An alarm among them stands for the reminder of the same lead time, so
    /// that whoever writes the event out writes that one once. No door but import and export shows or takes it: changes
    /// leave it as it is, and it is versioned with the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icalendar: Vec<String>,
}

/// The line of [`Content::icalendar`] that keeps the parameters of a property that has a field, such as
/// `X-KALENDS-PARAMETERS:SUMMARY;LANGUAGE=de`.
pub(crate) const PARAMETERS: &str = "X-KALENDS-PARAMETERS";

pub(crate) const TITLE: Text = Text::line(500).filled();
pub(crate) const DESCRIPTION: Text = Text::lines(50_000);
pub(crate) const LOCATION: Text = Text::lines(1_000);
pub(crate) const CATEGORIES: usize = 50;
pub(crate) const CATEGORY: Text = Text::line(100).filled();
pub(crate) const REMINDERS: usize = 20;
/// Four weeks and a bit, in minutes.
pub(crate) const LONGEST_REMINDER: i64 = 60_000;
/// The largest `meta`, in bytes of JSON.
const META: usize = 32_768;

impl Content {
    /// Returns about how many bytes it takes in memory.
    pub fn weight(&self) -> usize {
        let texts = self.title.len() + self.description.len() + self.location.len();
        let lines = self.categories.iter().chain(&self.recurrence).chain(&self.icalendar);
        let lines: usize = lines.map(|line| line.len() + size_of::<String>()).sum();
        let overrides: usize = self.overrides.iter().map(Override::weight).sum();
        size_of::<Content>() + texts + lines + meta_weight(&self.meta) + overrides
    }

    /// Reads a whole event; everything wrong is told at once. Times without a zone are read in that of the calendar.
    /// Fields for which this is not the reader must have been taken out.
    pub fn parse(body: &Map<String, Value>, calendar: &Zone) -> Result<Content, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let title = fields.text("title", TITLE);
        let title = fields.require("title", title);
        let description = fields.text("description", DESCRIPTION).unwrap_or_default();
        let location = fields.text("location", LOCATION).unwrap_or_default();
        let venue_id = read_venue(&mut fields);
        let url = fields.parsed("url", "not-a-url", parse_url);
        let categories = fields.texts("categories", CATEGORIES, CATEGORY).map(without_repeats).unwrap_or_default();
        let times = Times::read(&mut fields, calendar);
        let recurrence = fields
            .texts("recurrence", kalends_recurrence::MAX_LINES, Text::line(kalends_recurrence::MAX_LINE_BYTES))
            .unwrap_or_default();
        let reminders = read_reminders(&mut fields);
        let status = fields.choice("status", Status::NAMES).unwrap_or(Status::Confirmed);
        let visibility = fields.choice("visibility", Visibility::NAMES).unwrap_or(Visibility::Public);
        let busy = fields.boolean("busy").unwrap_or(true);
        let capacity = fields.integer("capacity", 0, 10_000_000);
        let registration = Registration::read(&mut fields);
        let audience = Audience::read(&mut fields);
        let meta = read_meta(&mut fields);
        if times.is_none() {
            // The whole cannot be read without a start; what is wrong with a rule by itself can be told all the same.
            for (index, line) in recurrence.iter().enumerate() {
                let rule = line.get(..6).filter(|head| head.eq_ignore_ascii_case("RRULE:")).and_then(|_| line.get(6..));
                if let Some(Err(wrong)) = rule.map(str::parse::<kalends_recurrence::Rule>) {
                    for fault in wrong.faults {
                        fields.error_at(format!("/recurrence/{index}"), fault.code, fault.message);
                    }
                }
            }
        }
        let overrides = match &times {
            Some(times) => Override::read_all(&mut fields, times, calendar),
            // Without the series' own times an override means nothing; its errors would only repeat that.
            None => fields.value("overrides").map(|_| Vec::new()),
        };
        let invalid = fields.finish();
        // Without times nothing more can be said about the recurrence; without a title all the rest can.
        let Some(times) = times else { return Err(invalid) };
        let mut content = Content {
            title: title.unwrap_or_default(),
            description,
            location,
            venue_id,
            url,
            categories,
            times,
            recurrence,
            overrides: overrides.unwrap_or_default(),
            reminders,
            status,
            visibility,
            busy,
            capacity,
            registration,
            audience,
            meta,
            icalendar: Vec::new(),
        };
        let mut invalid = invalid;
        invalid.append(series::problems(&mut content, calendar));
        invalid.or(content)
    }

    /// The event as a body: what a merge patch is applied to and what [`Content::parse`] reads again.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = match serde_json::to_value(self) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        };
        body.remove("icalendar");
        body.extend(self.times.body());
        if !self.overrides.is_empty() {
            body.insert("overrides".into(), self.overrides.iter().map(|one| one.body(self.times.all_day)).collect());
        }
        body
    }

    /// This content with what `old` keeps of an import: no body says it, so none takes it away.
    pub(super) fn keeping_icalendar(mut self, old: &Content) -> Content {
        self.icalendar.clone_from(&old.icalendar);
        for one in &mut self.overrides {
            let before = old.overridden(one.original_start).filter(|_| !one.cancelled);
            one.icalendar = before.and_then(|before| before.icalendar.clone());
        }
        self
    }

    /// Whether what an import brought and we do not model is the same in both.
    pub(super) fn same_icalendar(&self, other: &Content) -> bool {
        fn of_overrides(content: &Content) -> impl Iterator<Item = (DateTime, &Vec<String>)> {
            content.overrides.iter().filter_map(|one| Some((one.original_start, one.icalendar.as_ref()?)))
        }
        self.icalendar == other.icalendar && of_overrides(self).eq(of_overrides(other))
    }

    /// The original starts that have an override.
    pub fn overridden(&self, local: DateTime) -> Option<&Override> {
        self.overrides
            .binary_search_by_key(&local, |one| one.original_start)
            .ok()
            .and_then(|index| self.overrides.get(index))
    }

    /// Whether it has more than one occurrence.
    pub fn is_recurring(&self) -> bool {
        !self.recurrence.is_empty()
    }
}

/// An absolute `http(s)` address, or `mailto:`/`tel:`; never a script.
pub(crate) fn parse_url(text: &str) -> Result<String, &'static str> {
    let wrong = "must be a web address such as https://example.org/page";
    let lower = text.to_ascii_lowercase();
    let rest =
        ["https://", "http://", "mailto:", "tel:"].iter().find_map(|scheme| lower.strip_prefix(scheme)).ok_or(wrong)?;
    if rest.is_empty() || rest.starts_with('/') || text.contains(char::is_whitespace) || text.chars().count() > 2_000 {
        return Err(wrong);
    }
    Ok(text.to_owned())
}

/// The id of a venue; whether it is there is looked at when the event is written.
pub(super) fn read_venue(fields: &mut Fields) -> Option<VenueId> {
    fields.parsed("venue_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"))
}

pub(super) fn without_repeats(texts: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    texts.into_iter().filter(|text| seen.insert(text.to_lowercase())).collect()
}

pub(super) fn read_reminders(fields: &mut Fields) -> Vec<i64> {
    let minutes = fields.list("reminders", REMINDERS, |item, at| {
        read_integer(item, 0, LONGEST_REMINDER).map_err(|(code, detail)| Invalid::one(at, code, detail))
    });
    let mut minutes = minutes.unwrap_or_default();
    minutes.sort_unstable();
    minutes.dedup();
    minutes
}

/// Returns about how many bytes a `meta` takes.
pub(super) fn meta_weight(meta: &Map<String, Value>) -> usize {
    // A node of JSON takes some tens of bytes beside its text.
    serde_json::to_string(meta).map_or(0, |text| text.len() * 4)
}

pub(super) fn read_meta(fields: &mut Fields) -> Map<String, Value> {
    let Some(value) = fields.value("meta") else { return Map::new() };
    let Value::Object(meta) = value else {
        fields.error("meta", "wrong-type", format!("must be an object, not {}", kind_of(value)));
        return Map::new();
    };
    if serde_json::to_string(meta).map_or(0, |text| text.len()) > META {
        fields.error("meta", "too-large", format!("must have at most {META} bytes"));
    }
    meta.clone()
}
