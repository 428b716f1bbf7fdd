//! Delta sync over REST.

use axum::extract::State;
use kalends_core::changes::Kind;
use kalends_core::sync::{self, Item, Question, Record, SyncError, Token};
use kalends_kernel::CalendarId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::calendars::CalendarView;
use crate::codes;
use crate::events::view::EventView;
use crate::extract::Call;
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;

/// The routes of delta sync.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// A page of changes.
#[derive(Serialize, ToSchema)]
#[schema(title = "Changes", example = json!({
    "items": [{"seq": "00000000000000000000000000000042", "type": "event", "op": "deleted", "id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "version": null}],
    "next_token": "AQABAgMEBQYHCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEI", "more": false
}))]
pub struct ChangesView {
    /// The changed records, each once, in the order of the log.
    items: Vec<ChangeView>,
    /// The opaque token for `since` of the next request. It is valid for as long as the change log is kept.
    next_token: String,
    /// Whether there are more changes right now. If so, continue at once.
    more: bool,
}

/// A record that changed for you.
#[derive(Serialize, ToSchema)]
pub struct ChangeView {
    /// The opaque position in the log. Positions sort as text.
    seq: String,
    /// The type of the record.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `created`: new to you, perhaps because it was shared with you. `updated`: changed. `deleted`: deleted, or no
    /// longer visible to you. A record can be listed again without a change; keep the last one.
    op: &'static str,
    /// The id of the record.
    id: Uuid,
    /// The version; null for `deleted`.
    #[schema(required)]
    version: Option<i64>,
    /// The ETag of the record as you may see it. Omitted for `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    etag: Option<String>,
    /// The record, as a GET by its id returns it. Omitted for `deleted` and with `representation=ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    record: Option<RecordView>,
}

/// A calendar or an event.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum RecordView {
    /// With `type` `event`.
    Event(Box<EventView>),
    /// With `type` `calendar`.
    Calendar(Box<CalendarView>),
}

impl ChangeView {
    fn of(item: &Item, whole: bool) -> ChangeView {
        let (version, etag, record) = match &item.record {
            None => (None, None, None),
            Some(Record::Event(of)) => {
                let view = EventView::of(of);
                (Some(of.event.version), Some(view.etag()), Some(RecordView::Event(Box::new(view))))
            }
            Some(Record::Calendar(of)) => {
                let view = CalendarView::of(of);
                (Some(of.calendar.version), Some(view.etag()), Some(RecordView::Calendar(Box::new(view))))
            }
        };
        ChangeView {
            seq: item.position.to_string(),
            kind: if item.kind == Kind::Calendar { "calendar" } else { "event" },
            op: item.op.name(),
            id: item.id,
            version,
            etag,
            record: record.filter(|_| whole),
        }
    }
}

/// List changes
///
/// Without `since`, returns all calendars and events that you may see, in pages. Pass the `next_token` of each page as
/// `since` of the next request; from then on the response lists what has changed since. Records are returned as you may
/// see them now: a record that you gain access to is listed as `created`, and one that you lose access to as `deleted`.
/// A client that follows the tokens misses nothing.
///
/// Fails with 410 if the token is too old, if the data was restored, or if your account became or ceased to be an
/// administrator. To recover cheaply, request the path in `start_again`: it lists only ids, versions and ETags. Fetch
/// the records that differ, drop those that are not listed, and continue with the new token.
#[utoipa::path(get, path = "/api/v1/changes", tag = "sync", operation_id = "list_changes", security((), ("bearer" = [])),
    params(("since" = Option<String>, Query, description = "The `next_token` of the previous page. Without it, the response lists all records."),
        ("calendar_id" = Option<uuid::Uuid>, Query, description = "Only this calendar and its events. A token is valid only with the same value."),
        ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50. A page may be shorter; `more` says whether to continue."),
        ("representation" = Option<String>, Query, description = "`ids` leaves out `record`. Defaults to `full`.")),
    responses((status = 200, description = "A page of results.", body = ChangesView), (status = 410, description = "`gone`: the token is too old, or the data was restored. Start again with the request in `start_again`.")))]
async fn changes(State(app): State<App>, call: Call, mut query: Query) -> Answer {
    let since = query.parsed("since", "bad-token", |text| {
        text.parse::<Token>().map_err(|_| "is no token of ours; begin again without it")
    });
    let calendar: Option<CalendarId> = query.id("calendar_id");
    let whole = query.choice("representation", &[("full", true), ("ids", false)]).unwrap_or(true);
    let question = Question { since, calendar, limit: query.limit() };
    query.finish()?;
    let args = (call.ctx.clone(), question);
    let read = app.db.read(args, |conn, (ctx, question)| Box::pin(sync::changes(conn, ctx, question)));
    let page = read.await.map_err(|error| problem(error, calendar))?;
    Ok(Reply::ok(&ChangesView {
        items: page.items.iter().map(|item| ChangeView::of(item, whole)).collect(),
        next_token: page.next.to_string(),
        more: page.more,
    }))
}

fn problem(error: SyncError, calendar: Option<CalendarId>) -> Problem {
    match error {
        SyncError::Gone => {
            let of = calendar.map_or_else(String::new, |id| format!("&calendar_id={id}"));
            Problem::new(&codes::GONE)
                .detail(
                    "the token is from before what this server still knows; compare what you have with a list of ids",
                )
                .with("start_again", format!("{}/changes?representation=ids{of}", crate::BASE))
        }
        SyncError::OtherQuestion => kalends_kernel::Invalid::one(
            "?since",
            "bad-token",
            "is a token of another calendar_id; each choice is followed with its own",
        )
        .into(),
        SyncError::Internal(error) => error.into(),
    }
}
