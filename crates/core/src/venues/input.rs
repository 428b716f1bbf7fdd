use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, Zone};
use serde_json::{Map, Value, json};

use super::Venue;
use crate::calendars::Conflicts;

/// What people say about a venue.
#[derive(Clone, PartialEq, Debug)]
pub struct VenueInput {
    /// What it is called.
    pub name: String,
    /// What there is to know about it.
    pub description: String,
    /// How many people it holds.
    pub capacity: Option<i64>,
    /// The zone of the place; none takes the maker's.
    pub zone: Option<Zone>,
    /// What happens when events overlap there.
    pub conflicts: Conflicts,
}

/// What the server says about a venue; a client may send it back as it got it.
const READ_ONLY: &[&str] = &["id", "owner_id", "may_manage", "version", "created_at", "updated_at"];

impl VenueInput {
    /// Reads a body; everything wrong is told at once.
    pub fn parse(body: &Map<String, Value>) -> Result<VenueInput, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let name = fields.text("name", Text::line(200).filled());
        let name = fields.require("name", name);
        let input = VenueInput {
            name: name.unwrap_or_default(),
            description: fields.text("description", Text::lines(10_000)).unwrap_or_default(),
            capacity: fields.integer("capacity", 0, 10_000_000),
            zone: fields.parsed("time_zone", "unknown-time-zone", Zone::parse),
            // What is not to be double-booked is why a place becomes a venue.
            conflicts: fields.choice("conflicts", Conflicts::NAMES).unwrap_or(Conflicts::Reject),
        };
        fields.finish().or(input)
    }

    /// Applies a merge patch (RFC 7396) to a venue.
    pub fn patched(venue: &Venue, patch: &Map<String, Value>) -> Result<VenueInput, Invalid> {
        let mut body = json!({
            "name": venue.name,
            "description": venue.description,
            "capacity": venue.capacity,
            "time_zone": venue.zone.name(),
            "conflicts": venue.conflicts.name(),
        });
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
