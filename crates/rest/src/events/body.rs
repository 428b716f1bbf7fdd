//! What the bodies of events look like, for the OpenAPI document. They are read by `Content::parse`, with all errors at once;
//! `tests/it/promises/bodies.rs` holds both to the same fields.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// A new event.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventInput", example = json!({
    "title": "Rehearsal", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
    "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"], "location": "Aula", "categories": ["music"], "reminders": [60]
}))]
pub struct EventBody {
    /// Which calendar; without one your own.
    calendar_id: Option<Uuid>,
    /// Its UID in iCalendar, when it has one already; unique in the calendar.
    uid: Option<String>,
    /// `draft` or `published`. Without one: published where the calendar has no review, else draft.
    state: Option<String>,
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    title: String,
    /// `2027-03-22T19:30:00` (in `time_zone`), with an offset (converted), or a date with `all_day`.
    start: String,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// A change of an event: a JSON merge patch (RFC 7396); null takes a field back to its default.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventPatch", example = json!({"title": "Dress rehearsal", "base_version": 3}))]
pub struct EventPatch {
    /// Another calendar to move it to; owners of the event may.
    calendar_id: Option<Uuid>,
    title: Option<String>,
    start: Option<String>,
    /// The version you started from: what others changed since is merged by field.
    base_version: Option<i64>,
    /// Let overrides go that lose their occurrence.
    drop_orphans: Option<bool>,
    /// What you say about the change, for the history.
    comment: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// The whole event anew; needs `If-Match` or `base_version`.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventReplacement", example = json!({"title": "Rehearsal", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "base_version": 3}))]
pub struct EventReplacement {
    calendar_id: Option<Uuid>,
    title: String,
    start: String,
    base_version: Option<i64>,
    drop_orphans: Option<bool>,
    comment: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// A copy: any field of an event, to be different from the original.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventCopy", example = json!({"title": "Rehearsal (copy)", "start": "2027-04-22T19:30:00", "end": "2027-04-22T21:00:00"}))]
pub struct EventCopy {
    calendar_id: Option<Uuid>,
    uid: Option<String>,
    state: Option<String>,
    title: Option<String>,
    start: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// A change of one instance.
#[derive(Serialize, ToSchema)]
#[schema(title = "InstancePatch", example = json!({"start": "2027-03-29T20:00:00", "location": "Church"}))]
pub struct InstancePatch {
    title: Option<String>,
    start: Option<String>,
    /// The instance does not take place (`scope=this`).
    cancelled: Option<bool>,
    base_version: Option<i64>,
    drop_orphans: Option<bool>,
    comment: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// The other fields of an event.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventFields")]
pub struct EventFields {
    /// At most 50,000 characters.
    description: Option<String>,
    /// In free words, perhaps in several lines (an address); at most 1,000 characters.
    location: Option<String>,
    /// At which venue; null at none.
    venue_id: Option<Uuid>,
    /// `https://…`, `http://…`, `mailto:…` or `tel:…`.
    url: Option<String>,
    /// At most 50, of at most 100 characters.
    categories: Option<Vec<String>>,
    /// The first moment after. Without one: the next day when all-day, else the start.
    end: Option<String>,
    /// An IANA zone; without one that of the calendar.
    time_zone: Option<String>,
    /// The zone of the end, when it is another one.
    end_time_zone: Option<String>,
    /// The wall clock is that of wherever one is; then there is no zone and no offset.
    floating: Option<bool>,
    /// `start` and `end` are dates.
    all_day: Option<bool>,
    /// RRULE, RDATE and EXDATE lines (RFC 5545).
    recurrence: Option<Vec<String>>,
    /// `{original_start, cancelled: true}` or `{original_start, …changed fields}`; at most 2,000.
    #[schema(value_type = Option<Vec<Object>>)]
    overrides: Option<Vec<Value>>,
    /// Minutes before the start; at most 20.
    reminders: Option<Vec<i64>>,
    /// `tentative`, `confirmed` (default) or `cancelled`.
    status: Option<String>,
    /// `public` (default), `private` or `confidential`.
    visibility: Option<String>,
    /// Whether it takes people's time; true by default.
    busy: Option<bool>,
    /// How many seats there are.
    capacity: Option<i64>,
    /// How seats are given; `enabled` needs the account role organizer.
    #[schema(value_type = Option<Object>)]
    registration: Option<Value>,
    /// Whom it is for.
    #[schema(value_type = Option<Object>)]
    audience: Option<Value>,
    /// At most 32 KiB of JSON.
    #[schema(value_type = Option<Object>)]
    meta: Option<Map<String, Value>>,
}

/// A step to another state.
#[derive(Serialize, ToSchema)]
#[schema(title = "StateInput", example = json!({"state": "review"}))]
pub struct StateBody {
    /// `draft`, `review`, `published` or `refused`.
    state: String,
    /// What you say about it; a refusal must say why.
    comment: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
}

/// The same step of several events.
#[derive(Serialize, ToSchema)]
#[schema(title = "StatesInput", example = json!({"ids": ["01941f29-7c00-7ccc-8000-3d1c7e9a5b10"], "state": "published"}))]
pub struct StatesBody {
    /// At most 500.
    ids: Vec<Uuid>,
    /// `draft`, `review`, `published` or `refused`.
    state: String,
    /// What you say about it; a refusal must say why.
    comment: Option<String>,
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
}

/// How to restore an event.
#[derive(Serialize, ToSchema)]
#[schema(title = "RestoreInput", example = json!({"on_conflict": "warn"}))]
pub struct RestoreBody {
    /// What happens when it takes time that is taken: `reject`, `warn` or `ignore`. Without one what calendar and venue say.
    on_conflict: Option<String>,
}
