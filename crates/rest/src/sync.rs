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
use crate::call::Call;
use crate::codes;
use crate::events::view::EventView;
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
    /// Each record once, in the order of the log.
    items: Vec<ChangeView>,
    /// Where to go on: `since` of the next request. Opaque; good for as long as the log is kept.
    next_token: String,
    /// Whether there is more right now; ask again at once.
    more: bool,
}

/// A record that changed for you.
#[derive(Serialize, ToSchema)]
pub struct ChangeView {
    /// Where it stands in the log: opaque, and in order as text.
    seq: String,
    /// `calendar` or `event`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `created`: you did not see it before (perhaps because it was not shared with you). `updated`: it is another.
    /// `deleted`: it is gone, or out of your sight. A record may come again as it is: keep the last.
    op: &'static str,
    /// The record's id.
    id: Uuid,
    /// Its version; null when it is gone.
    #[schema(required)]
    version: Option<i64>,
    /// Its ETag as you see it; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    etag: Option<String>,
    /// The record as it is now, just as you would get it by its id; absent when it is gone, and with `representation=ids`.
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
    params(("since" = Option<String>, Query, description = "`next_token` of the page before; without it everything that is there"),
        ("calendar_id" = Option<uuid::Uuid>, Query, description = "Only this calendar and its events; a token belongs to one choice of it"),
        ("limit" = Option<u32>, Query, description = "1 to 500, default 50. A page may be shorter: `more` says whether to go on"),
        ("representation" = Option<String>, Query, description = "`full` (default) or `ids`: without `record`")),
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
