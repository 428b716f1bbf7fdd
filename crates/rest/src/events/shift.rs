//! Moving many events by days, and renaming words in them.

use std::collections::BTreeMap;

use axum::extract::State;
use kalends_core::events::{self, Content, Shift, ShiftRefused, Shifted, show};
use kalends_kernel::{EventId, Zone};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::of_several;
use crate::app::App;
use crate::extract::{Body, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::reply::Reply;
use crate::write::write;

/// The routes of shifts.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(shift))
}

/// The events to move, and the distance.
#[derive(Serialize, ToSchema)]
#[schema(title = "ShiftInput", example = json!({"ids": ["01941f29-7c00-7ccc-8000-3d1c7e9a5b10"], "by": "P364D", "rename": {"26Ga": "27Ga"}, "preview": true}))]
pub struct ShiftBody {
    /// 1 to 500 events.
    ids: Vec<Uuid>,
    /// An ISO 8601 duration of days, weeks, months or years, which may be negative: `P364D`, `-P2W`. The local time
    /// stays.
    by: String,
    /// Whole words to replace in titles, descriptions and locations, with their replacements, ignoring case; at most
    /// 100.
    rename: Option<BTreeMap<String, String>>,
    /// Whether only to preview the result. Defaults to `true`.
    preview: Option<bool>,
    /// What happens when an event conflicts with others. Defaults to the policies of the calendars and venues.
    on_conflict: Option<String>,
    /// Reserved for school classes.
    #[schema(value_type = Option<i64>)]
    class_years: Option<i64>,
}

/// The events before and after the move.
#[derive(Serialize, ToSchema)]
pub struct ShiftedEvents {
    /// Whether this is only a preview.
    preview: bool,
    /// The events, in the order of the request.
    items: Vec<ShiftedEvent>,
}

/// An event before and after the move.
#[derive(Serialize, ToSchema)]
#[schema(title = "ShiftedEvent", example = json!({
    "id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "version": 3, "changed": ["end", "start", "title"],
    "before": {"title": "Exam 26Ga", "start": "2027-03-22T09:00:00+01:00", "end": "2027-03-22T10:00:00+01:00", "description": "", "location": "Aula", "recurrence": []},
    "after": {"title": "Exam 27Ga", "start": "2028-03-20T09:00:00+01:00", "end": "2028-03-20T10:00:00+01:00", "description": "", "location": "Aula", "recurrence": []}
}))]
pub struct ShiftedEvent {
    /// The id.
    #[schema(value_type = Uuid)]
    id: EventId,
    /// The current version.
    version: i64,
    /// The names of the fields that differ.
    changed: Vec<String>,
    /// The content before the move.
    before: ShiftedContent,
    /// The content after the move.
    after: ShiftedContent,
}

/// The content that a move can change.
#[derive(Serialize, ToSchema)]
pub struct ShiftedContent {
    /// The title.
    title: String,
    /// The start.
    start: String,
    /// The end.
    end: String,
    /// The description.
    description: String,
    /// The location.
    location: String,
    /// RRULE, RDATE and EXDATE lines.
    recurrence: Vec<String>,
}

impl ShiftedContent {
    fn of(content: &Content, calendar: &Zone) -> ShiftedContent {
        let times = &content.times;
        let start = times.start_instant(calendar);
        let zone = times.time_zone.as_ref();
        let end = times.end_instant(calendar).max(start);
        ShiftedContent {
            title: content.title.clone(),
            start: show(times.start, start, zone, times.all_day),
            end: show(times.end, end, times.end_time_zone.as_ref().or(zone), times.all_day),
            description: content.description.clone(),
            location: content.location.clone(),
            recurrence: content.recurrence.clone(),
        }
    }
}

fn shown(preview: bool, shifted: Vec<Shifted>) -> Reply {
    let items = shifted.into_iter().map(|Shifted { before, of, changed }| {
        let zone = &of.event.calendar_zone;
        ShiftedEvent {
            id: of.event.id,
            version: of.event.version,
            changed,
            before: ShiftedContent::of(&before, zone),
            after: ShiftedContent::of(&of.event.content, zone),
        }
    });
    Reply::ok(&ShiftedEvents { preview, items: items.collect() })
}

impl From<ShiftRefused> for Problem {
    fn from(refused: ShiftRefused) -> Problem {
        match refused {
            ShiftRefused::Some(refused) => of_several(refused),
            ShiftRefused::Internal(error) => error.into(),
        }
    }
}

/// Move many events
///
/// Moves up to 500 events by a number of days, weeks, months or years, all or none, and returns each event before and
/// after. Local times stay the same across daylight saving changes. Series move with their rules, excluded dates and
/// overrides. `rename` replaces whole words in titles, descriptions and locations. Only previews the result by default.
/// If an event cannot be moved, the problem names it in `index` and lists all failures in `problems`.
#[utoipa::path(post, path = "/api/v1/events/shift", tag = "events", operation_id = "shift_events", request_body = ShiftBody,
    responses((status = 200, description = "The events before and after the move.", body = ShiftedEvents), (status = 403, description = "Your role does not allow the change of the event at `index`. `problems` lists every event that failed."),
        (status = 404, description = "The event at `index` does not exist, or you are not allowed to see it."),
        (status = 409, description = "`review-required`, `orphaned-overrides`, `wrong-state` or `conflict`, for the event at `index`. `problems` lists every event that failed.")))]
async fn shift(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let shift = Shift::parse(&body.map)?;
    write(&app, call.call, body.digest, shift, |tx, ctx, shift| {
        Box::pin(async move {
            let shifted = match shift.preview {
                true => events::preview_shift(tx, ctx, shift).await?,
                false => events::shift(tx, ctx, shift).await?,
            };
            Ok(shown(shift.preview, shifted))
        })
    })
    .await
}
