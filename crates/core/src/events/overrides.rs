//! Overrides: what is different at one occurrence of a series, or that it does not take place.

use jiff::civil::DateTime;
use kalends_kernel::fields::Fields;
use kalends_kernel::{Invalid, VenueId, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::{
    CATEGORIES, CATEGORY, Content, DESCRIPTION, LOCATION, Status, TITLE, meta_weight, parse_url, read_meta,
    read_reminders, read_venue, without_repeats,
};
use super::times::{Times, parse_date, parse_moment};

/// What is different at one occurrence. A field that is absent is as in the series.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Override {
    /// Which occurrence: where the series alone would put it, on the series' wall clock (RECURRENCE-ID).
    pub original_start: DateTime,
    /// It does not take place; then nothing else is said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// When it is instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// What it is called instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// At which venue it is instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_id: Option<VenueId>,
    /// Its own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its own words to find it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Its own reminders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminders: Option<Vec<i64>>,
    /// Its own status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Whether it takes people's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<bool>,
    /// Its own number of seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i64>,
    /// What other programs keep with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Map<String, Value>>,
    /// What an import brought and we do not model: see [`Content::icalendar`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icalendar: Option<Vec<String>>,
}

/// How many occurrences of one series may be different.
pub const MOST: usize = 5_000;
const WHEN: &[&str] = &["start", "end", "time_zone", "end_time_zone", "floating", "all_day"];

impl Override {
    /// An override that changes nothing yet.
    pub fn empty(original_start: DateTime) -> Override {
        Override {
            original_start,
            cancelled: false,
            times: None,
            title: None,
            description: None,
            location: None,
            venue_id: None,
            url: None,
            categories: None,
            reminders: None,
            status: None,
            busy: None,
            capacity: None,
            meta: None,
            icalendar: None,
        }
    }

    /// An occurrence that does not take place.
    pub fn cancelled(original_start: DateTime) -> Override {
        Override { cancelled: true, ..Override::empty(original_start) }
    }

    /// Reads the list `overrides` of a series; sorted by original start, each once.
    pub fn read_all(fields: &mut Fields, series: &Times, calendar: &Zone) -> Option<Vec<Override>> {
        let mut overrides = fields.list("overrides", MOST, |item, at| Override::read(item, at, series, calendar))?;
        overrides.sort_by_key(|one| one.original_start);
        let repeated = overrides.windows(2).any(|pair| matches!(pair, [a, b] if a.original_start == b.original_start));
        if repeated {
            fields.error("overrides", "duplicate", "an original start is given twice");
        }
        Some(overrides)
    }

    fn read(value: &Value, at: &str, series: &Times, calendar: &Zone) -> Result<Override, Invalid> {
        let mut fields = Fields::of(value, at)?;
        let original = fields.parsed("original_start", "not-a-time", |text| parse_original(text, series));
        let original = fields.require("original_start", original);
        let cancelled = fields.boolean("cancelled").unwrap_or(false);
        let Some(original_start) = original else { return Err(fields.finish()) };
        if cancelled {
            return fields.finish().or(Override::cancelled(original_start));
        }
        Self::read_fields(fields, original_start, series, calendar)
    }

    /// Reads what is different at an occurrence from a body without `original_start`: the body of a change of one instance.
    pub fn parse(
        body: &Map<String, Value>,
        original_start: DateTime,
        series: &Times,
        calendar: &Zone,
    ) -> Result<Override, Invalid> {
        Self::read_fields(Fields::of_map(body, ""), original_start, series, calendar)
    }

    fn read_fields(
        mut fields: Fields,
        original_start: DateTime,
        series: &Times,
        calendar: &Zone,
    ) -> Result<Override, Invalid> {
        let one = Override {
            times: Self::read_times(&mut fields, original_start, series, calendar),
            title: fields.text("title", TITLE),
            description: fields.text("description", DESCRIPTION),
            location: fields.text("location", LOCATION),
            venue_id: read_venue(&mut fields),
            url: fields.parsed("url", "not-a-url", parse_url),
            categories: fields.texts("categories", CATEGORIES, CATEGORY).map(without_repeats),
            reminders: fields.is_given("reminders").then(|| read_reminders(&mut fields)),
            status: fields.choice("status", Status::NAMES),
            busy: fields.boolean("busy"),
            capacity: fields.integer("capacity", 0, 10_000_000),
            meta: if fields.value("meta").is_some() { Some(read_meta(&mut fields)) } else { None },
            ..Override::empty(original_start)
        };
        fields.finish().or(one)
    }

    /// The times of an override: what is left out is as the occurrence would have been; a new start alone keeps the length.
    fn read_times(fields: &mut Fields, original_start: DateTime, series: &Times, calendar: &Zone) -> Option<Times> {
        let mut given = Map::new();
        for name in WHEN {
            if let Some(value) = fields.value(name) {
                given.insert((*name).to_owned(), value.clone());
            }
        }
        if given.is_empty() {
            return None;
        }
        let usual = series.begun_at(original_start);
        let mut body = usual.body();
        let moved = given
            .get("start")
            .and_then(Value::as_str)
            .filter(|_| !given.contains_key("end") && !given.contains_key("all_day"));
        if let Some(text) = moved {
            let zone = given
                .get("time_zone")
                .and_then(Value::as_str)
                .and_then(|name| Zone::parse(name).ok())
                .or_else(|| series.time_zone.clone());
            let start = if series.all_day {
                parse_date(text).map(DateTime::from).ok()
            } else {
                parse_moment(text, zone.as_ref()).ok()
            };
            if let Some(start) = start {
                body = usual.begun_at(start).body();
            }
        }
        if given.get("all_day") == Some(&Value::Bool(true)) && !series.all_day {
            body.remove("time_zone");
        }
        body.extend(given);
        let whole = Value::Object(body);
        let mut inner = Fields::of(&whole, fields.pointer("").trim_end_matches('/')).ok()?;
        let times = Times::read(&mut inner, calendar);
        fields.append(inner.finish());
        times.filter(|times| *times != usual)
    }

    /// Whether it says anything at all.
    pub fn is_empty(&self) -> bool {
        *self == Override::empty(self.original_start)
    }

    /// Returns the event as it is at this occurrence: a single event, without recurrence and overrides.
    pub fn apply(&self, content: &Content) -> Content {
        let one = self.clone();
        Content {
            title: one.title.unwrap_or_else(|| content.title.clone()),
            description: one.description.unwrap_or_else(|| content.description.clone()),
            location: one.location.unwrap_or_else(|| content.location.clone()),
            venue_id: one.venue_id.or(content.venue_id),
            url: one.url.or_else(|| content.url.clone()),
            categories: one.categories.unwrap_or_else(|| content.categories.clone()),
            times: one.times.unwrap_or_else(|| content.times.begun_at(self.original_start)),
            reminders: one.reminders.unwrap_or_else(|| content.reminders.clone()),
            status: if one.cancelled { Status::Cancelled } else { one.status.unwrap_or(content.status) },
            busy: one.busy.unwrap_or(content.busy),
            capacity: one.capacity.or(content.capacity),
            meta: one.meta.unwrap_or_else(|| content.meta.clone()),
            icalendar: one.icalendar.unwrap_or_else(|| content.icalendar.clone()),
            recurrence: Vec::new(),
            overrides: Vec::new(),
            visibility: content.visibility,
            registration: content.registration.clone(),
            audience: content.audience.clone(),
        }
    }

    /// Returns about how many bytes it takes.
    pub fn weight(&self) -> usize {
        let texts = [&self.title, &self.description, &self.location, &self.url];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let meta = self.meta.as_ref().map_or(0, meta_weight);
        let lines: usize =
            self.icalendar.iter().flatten().chain(self.categories.iter().flatten()).map(String::len).sum();
        size_of::<Override>() + texts + meta + lines
    }

    /// The override as a body: what [`Override::read_all`] reads again.
    pub fn body(&self, all_day: bool) -> Value {
        let mut body = match serde_json::to_value(self) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        };
        body.remove("times");
        body.remove("icalendar");
        if let Some(times) = &self.times {
            body.extend(times.body());
        }
        let original = if all_day { self.original_start.date().to_string() } else { self.original_start.to_string() };
        body.insert("original_start".into(), original.into());
        Value::Object(body)
    }
}

/// An original start in JSON: a date for all-day series, else a wall-clock time, with or without offset.
pub fn parse_original(text: &str, series: &Times) -> Result<DateTime, String> {
    if series.all_day {
        return parse_date(text).map(DateTime::from).map_err(str::to_owned);
    }
    parse_moment(text, series.time_zone.as_ref())
}
