use jiff::Timestamp;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EventId, Invalid};
use serde_json::{Map, Value};

use crate::events::read_ids;

/// What a person says who wants a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkInput {
    pub(super) name: Option<String>,
    pub(super) events: Vec<EventId>,
    pub(super) busy_only: bool,
    pub(super) expires_at: Option<Timestamp>,
}

/// How many events one link may show.
const MOST_EVENTS: usize = 200;

impl LinkInput {
    /// Reads `{event_ids, name?, expires_at?, busy_only?}`; without `expires_at` the link lasts until it is deleted.
    pub fn parse(body: &Map<String, Value>, now: Timestamp) -> Result<LinkInput, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let events = read_ids(&mut fields, "event_ids", MOST_EVENTS);
        let name = fields.text("name", Text::line(100).filled());
        let busy_only = fields.boolean("busy_only").unwrap_or(false);
        let expires_at = fields.parsed("expires_at", "not-an-instant", |text| {
            text.parse::<Timestamp>().map_err(|_| "must be an instant with an offset such as 2027-12-31T00:00:00Z")
        });
        if expires_at.is_some_and(|at| at <= now) {
            fields.error("expires_at", "past", "must be in the future");
        }
        // Cut to what both databases keep, so that the answer says what is stored.
        let expires_at = expires_at.and_then(|at| Timestamp::from_microsecond(at.as_microsecond()).ok());
        fields.finish().or(LinkInput { name, events: events.unwrap_or_default(), busy_only, expires_at })
    }
}
