use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, Zone};
use serde_json::{Map, Value, json};

use super::{Calendar, Conflicts};
use crate::access::{CalendarVisibility, Review};

/// What people may say about a calendar.
#[derive(Clone, PartialEq, Debug)]
pub struct CalendarInput {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#rrggbb`, lower case.
    pub color: Option<String>,
    /// The zone of times that come without one; none takes the owner's.
    pub zone: Option<Zone>,
    /// Who sees it anyway.
    pub visibility: CalendarVisibility,
    /// Whether events are reviewed.
    pub review: Review,
    /// What happens when events overlap.
    pub conflicts: Conflicts,
}

/// What the server says about a calendar; a client may send it back as it got it.
const READ_ONLY: &[&str] = &["id", "owner_id", "my_role", "is_default", "version", "created_at", "updated_at"];

impl CalendarInput {
    /// Reads a body; everything wrong is told at once.
    pub fn parse(body: &Map<String, Value>) -> Result<CalendarInput, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let name = fields.text("name", Text::line(200).filled());
        let name = fields.require("name", name);
        let description = fields.text("description", Text::lines(10_000)).unwrap_or_default();
        let color = fields.parsed("color", "not-a-color", parse_color);
        let zone = fields.parsed("time_zone", "unknown-time-zone", Zone::parse);
        let visibility = fields.choice("visibility", CalendarVisibility::NAMES).unwrap_or(CalendarVisibility::Private);
        let review = fields.choice("review", Review::NAMES).unwrap_or(Review::None);
        let conflicts = fields.choice("conflicts", Conflicts::NAMES).unwrap_or(Conflicts::Ignore);
        let input =
            CalendarInput { name: name.unwrap_or_default(), description, color, zone, visibility, review, conflicts };
        fields.finish().or(input)
    }

    /// What people may say about this calendar, as a body: what a merge patch is applied to.
    fn body_of(calendar: &Calendar) -> Value {
        json!({
            "name": calendar.name,
            "description": calendar.description,
            "color": calendar.color,
            "time_zone": calendar.zone.name(),
            "visibility": calendar.facts.visibility.name(),
            "review": calendar.facts.review.name(),
            "conflicts": calendar.conflicts.name(),
        })
    }

    /// Applies a merge patch (RFC 7396) to a calendar.
    pub fn patched(calendar: &Calendar, patch: &Map<String, Value>) -> Result<CalendarInput, Invalid> {
        let mut body = Self::body_of(calendar);
        let patch: Map<String, Value> = patch
            .iter()
            .filter(|(name, _)| !READ_ONLY.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        json_patch::merge(&mut body, &Value::Object(patch));
        match body {
            Value::Object(body) => Self::parse(&body),
            _ => Err(Invalid::one("", "wrong-type", "must be an object")),
        }
    }
}

fn parse_color(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be a colour such as #3366cc")
    }
}
