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
    /// The calendar. Defaults to your default calendar.
    calendar_id: Option<Uuid>,
    /// The iCalendar UID, if the event already has one. Must be unique in the calendar.
    uid: Option<String>,
    /// The editorial state. Defaults to published, or to draft if the calendar requires review.
    state: Option<String>,
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    title: String,
    /// The start: `2027-03-22T19:30:00` (in `time_zone`), with an offset (converted), or a date with `all_day`.
    start: String,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// A JSON merge patch (RFC 7396) of an event. Null resets a field to its default.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventPatch", example = json!({"title": "Dress rehearsal", "base_version": 3}))]
pub struct EventPatch {
    /// The calendar to move the event to. Requires the owner role.
    calendar_id: Option<Uuid>,
    /// 1 to 500 characters.
    title: Option<String>,
    /// The start, in the same forms as when creating an event.
    start: Option<String>,
    /// The version that you started from. Changes that others have made since are merged by field.
    base_version: Option<i64>,
    /// Whether to drop overrides that lose their occurrence. Defaults to `false`: the request then fails.
    drop_orphans: Option<bool>,
    /// A comment for the history.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// The whole event. Name the version to replace in `If-Match` or `base_version`.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventReplacement", example = json!({"title": "Rehearsal", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "base_version": 3}))]
pub struct EventReplacement {
    /// The calendar. Defaults to the current one.
    calendar_id: Option<Uuid>,
    /// 1 to 500 characters.
    title: String,
    /// The start, in the same forms as when creating an event.
    start: String,
    /// The version that you started from. Changes that others have made since are merged by field.
    base_version: Option<i64>,
    /// Whether to drop overrides that lose their occurrence. Defaults to `false`: the request then fails.
    drop_orphans: Option<bool>,
    /// A comment for the history.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// The fields in which the copy differs from the original.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventCopy", example = json!({"title": "Rehearsal (copy)", "start": "2027-04-22T19:30:00", "end": "2027-04-22T21:00:00"}))]
pub struct EventCopy {
    /// The calendar of the copy.
    calendar_id: Option<Uuid>,
    /// The iCalendar UID of the copy. Defaults to a new one.
    uid: Option<String>,
    /// The editorial state of the copy.
    state: Option<String>,
    /// The title of the copy.
    title: Option<String>,
    /// The start of the copy.
    start: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// A change of one instance of a series.
#[derive(Serialize, ToSchema)]
#[schema(title = "InstancePatch", example = json!({"start": "2027-03-29T20:00:00", "location": "Church"}))]
pub struct InstancePatch {
    /// 1 to 500 characters.
    title: Option<String>,
    /// The start, in the same forms as when creating an event.
    start: Option<String>,
    /// Whether the instance is cancelled (with `scope=this`).
    cancelled: Option<bool>,
    /// The version that you started from. Changes that others have made since are merged by field.
    base_version: Option<i64>,
    /// Whether to drop overrides that lose their occurrence. Defaults to `false`: the request then fails.
    drop_orphans: Option<bool>,
    /// A comment for the history.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
    #[serde(flatten)]
    rest: EventFields,
}

/// The optional fields of an event.
#[derive(Serialize, ToSchema)]
#[schema(title = "EventFields")]
pub struct EventFields {
    /// At most 50,000 characters.
    description: Option<String>,
    /// The place as free text, such as an address; at most 1,000 characters.
    location: Option<String>,
    /// The venue; null for none.
    venue_id: Option<Uuid>,
    /// A web page, as `https://…`, `http://…`, `mailto:…` or `tel:…`.
    url: Option<String>,
    /// At most 50 categories of at most 100 characters.
    categories: Option<Vec<String>>,
    /// The end (exclusive). Defaults to the next day for all-day events, otherwise to the start.
    end: Option<String>,
    /// The IANA time zone. Defaults to that of the calendar.
    time_zone: Option<String>,
    /// The time zone of the end, if it differs from that of the start.
    end_time_zone: Option<String>,
    /// Whether the local time applies in every time zone. A floating event has no time zone and no offset.
    floating: Option<bool>,
    /// Whether `start` and `end` are dates.
    all_day: Option<bool>,
    /// RRULE, RDATE and EXDATE lines (RFC 5545).
    recurrence: Option<Vec<String>>,
    /// Changed and cancelled instances: `{original_start, cancelled: true}` or `{original_start, …changed fields}`; at
    /// most 2,000.
    #[schema(value_type = Option<Vec<Object>>)]
    overrides: Option<Vec<Value>>,
    /// At most 20 reminders, in minutes before the start.
    reminders: Option<Vec<i64>>,
    /// Whether the event takes place. Defaults to `confirmed`.
    status: Option<String>,
    /// Who can see the content. Defaults to `public`.
    visibility: Option<String>,
    /// Whether the event makes its people busy. Defaults to `true`.
    busy: Option<bool>,
    /// The number of seats; null for no limit.
    capacity: Option<i64>,
    /// The registration settings. `enabled` requires the account role organizer.
    #[schema(value_type = Option<Object>)]
    registration: Option<Value>,
    /// The people that the event is for.
    #[schema(value_type = Option<Object>)]
    audience: Option<Value>,
    /// JSON data of other programs; at most 32 KiB.
    #[schema(value_type = Option<Object>)]
    meta: Option<Map<String, Value>>,
}

/// A step to another editorial state.
#[derive(Serialize, ToSchema)]
#[schema(title = "StateInput", example = json!({"state": "review"}))]
pub struct StateBody {
    /// The new state.
    state: String,
    /// A comment for the history. A refusal requires one.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
}

/// The same step for several events.
#[derive(Serialize, ToSchema)]
#[schema(title = "StatesInput", example = json!({"ids": ["01941f29-7c00-7ccc-8000-3d1c7e9a5b10"], "state": "published"}))]
pub struct StatesBody {
    /// The events; at most 500.
    ids: Vec<Uuid>,
    /// The new state.
    state: String,
    /// A comment for the history. A refusal requires one.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
}

/// The options for restoring an event.
#[derive(Serialize, ToSchema)]
#[schema(title = "RestoreInput", example = json!({"on_conflict": "warn"}))]
pub struct RestoreBody {
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
}
