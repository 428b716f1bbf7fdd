//! Share links: several events under an address that nobody can guess, as JSON and as iCalendar. (The page is in `web`.)

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use kalends_core::share_links::{self, LinkError, LinkInput, Opened, ShareLink};
use kalends_kernel::{EventId, ShareLinkId};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::events::view::EventView;
use crate::extract::{Body, Call, PathId, SignedInCall};
use crate::feeds::{IcsFile, answer, behind_secret, language};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes, under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(list)).routes(routes!(remove)).routes(routes!(show))
}

/// The events as iCalendar.
pub fn texts() -> axum::Router<App> {
    axum::Router::new().route("/share-links/{file}", get(as_feed))
}

/// What the document says of them.
#[derive(OpenApi)]
#[openapi(paths(as_feed))]
pub struct Texts;

/// A share link.
#[derive(Serialize, ToSchema)]
#[schema(title = "ShareLink", example = json!({
    "id": "01941f29-7c00-7fff-8000-3d1c7e9a5b10", "name": "Tour 2027", "event_ids": ["01941f29-7c00-7ccc-8000-3d1c7e9a5b10"], "busy_only": false,
    "expires_at": "2027-12-31T23:00:00Z", "created_at": "2027-01-15T10:00:00Z", "last_used_at": null
}))]
struct LinkView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: ShareLinkId,
    /// The name, also shown to visitors; null without one.
    #[schema(required)]
    name: Option<String>,
    /// The events in the link.
    #[schema(value_type = Vec<uuid::Uuid>)]
    event_ids: Vec<EventId>,
    /// Whether only times are shown, without titles.
    busy_only: bool,
    /// The instant from which the link shows nothing; null for never.
    #[schema(required)]
    expires_at: Option<String>,
    /// The instant of creation.
    created_at: String,
    /// The hour of the last visit; null if there was none.
    #[schema(required)]
    last_used_at: Option<String>,
}

impl LinkView {
    fn of(link: ShareLink) -> LinkView {
        LinkView {
            id: link.id,
            name: link.name,
            event_ids: link.events,
            busy_only: link.busy_only,
            expires_at: link.expires_at.map(|at| at.to_string()),
            created_at: link.created_at.to_string(),
            last_used_at: link.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A new share link.
#[derive(Serialize, ToSchema)]
#[schema(title = "NewShareLink")]
struct MadeLinkView {
    #[serde(flatten)]
    made: LinkView,
    /// The address of a page for everyone who has it. It is shown only once.
    #[schema(example = "https://events.example.org/s/kls_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    url: String,
    /// The secret in the address, for `GET /api/v1/share-links/{token}` and `/share-links/{token}.ics`.
    #[schema(example = "kls_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// A page of share links.
#[derive(Serialize, ToSchema)]
struct ShareLinkPage {
    /// The links, newest first.
    items: Vec<LinkView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// The events that a share link shows.
#[derive(Serialize, ToSchema)]
#[schema(title = "SharedByLink")]
struct OpenedView {
    /// The name of the link; null without one.
    #[schema(required)]
    name: Option<String>,
    /// Whether only times are shown.
    busy_only: bool,
    /// The instant from which the link shows nothing; null for never.
    #[schema(required)]
    expires_at: Option<String>,
    /// The events, sorted by start. Private events, and with `busy_only` all events, show only their times.
    items: Vec<EventView>,
}

/// A new share link.
#[derive(ToSchema)]
#[schema(title = "ShareLinkInput", example = json!({"event_ids": ["01941f29-7c00-7ccc-8000-3d1c7e9a5b10"], "name": "Tour 2027"}))]
#[expect(dead_code, reason = "describes the body, which `LinkInput` reads with all its errors at once")]
struct LinkBody {
    /// 1 to 200 events that you own, each once.
    #[schema(min_items = 1, max_items = 200)]
    event_ids: Vec<uuid::Uuid>,
    /// A name of 1 to 100 characters, also shown to visitors.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The instant at which the link ends. Defaults to never.
    expires_at: Option<String>,
    /// Whether only times are shown, without titles.
    busy_only: Option<bool>,
}

/// Create a share link
///
/// Creates a link through which anyone can see the given events without an account, and returns its address. The link
/// shows published events without linked people and `meta`, only the times of private events, and no confidential
/// events. Events that you may no longer share disappear from it at once. The address is shown only once, so
/// `Idempotency-Key` has no effect here. Requires the owner role on every event. Personal tokens are not accepted.
#[utoipa::path(post, path = "/api/v1/share-links", tag = "sharing", operation_id = "create_share_link", request_body = LinkBody,
    responses((status = 201, description = "Created. `url` is the secret address, which is shown only once.", body = MadeLinkView),
        (status = 403, description = "`forbidden`: you do not own the event at `index`. `scope-needed`: personal tokens are not accepted here."),
        (status = 404, description = "The event at `index` does not exist, or you are not allowed to see it."),
        (status = 409, description = "`wrong-state`: one of the events is in the trash.")))]
async fn create(State(app): State<App>, call: SignedInCall, body: Body) -> Answer<impl IntoResponse> {
    let SignedInCall { call, user } = call.by_session()?;
    let input = LinkInput::parse(&body.map, call.ctx.now)?;
    let making = app
        .db
        .write((call.ctx, user, input), |tx, (ctx, user, input)| Box::pin(share_links::create(tx, ctx, user, input)));
    let made = making.await?;
    let location = format!("{}/me/share-links/{}", crate::BASE, made.link.id);
    let token = made.secret.reveal().to_owned();
    let url = format!("{}/s/{token}", app.settings.public_url);
    let view = MadeLinkView { made: LinkView::of(made.link), url, token };
    Ok(([(header::CACHE_CONTROL, "no-store")], Reply::created(location, &view)))
}

/// List your share links
///
/// Returns your share links without their addresses.
#[utoipa::path(get, path = "/api/v1/me/share-links", tag = "sharing", operation_id = "list_share_links",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = ShareLinkPage)))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let (limit, cursor, digest, total) = (query.limit(), query.cursor(), query.digest(), query.include_total());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = share_links::links(&mut conn, call.user.id, limit, cursor.as_ref(), digest).await?;
    let total = if total { Some(share_links::link_count(&mut conn, call.user.id).await?) } else { None };
    let items = page.items.into_iter().map(LinkView::of).collect();
    Ok(Reply::ok(&ShareLinkPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// Delete a share link
///
/// Deletes a share link. Its address stops working at once. Personal tokens are not accepted.
#[utoipa::path(delete, path = "/api/v1/me/share-links/{id}", tag = "sharing", operation_id = "delete_share_link", params(("id" = uuid::Uuid, Path, description = "The share link.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
        (status = 404, description = "It does not exist, or it belongs to another account.")))]
async fn remove(State(app): State<App>, call: SignedInCall, PathId(id): PathId<ShareLinkId>) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    write(&app, call.without_key(), [0; 32], (user.id, id), |tx, ctx, (owner, id)| {
        Box::pin(async move {
            if share_links::revoke(tx, ctx, *owner, *id).await? {
                Ok(Reply::no_content())
            } else {
                Err(Problem::new(&codes::NOT_FOUND))
            }
        })
    })
    .await
}

/// Show a share link
///
/// Returns the events that a share link shows now. Needs no account.
#[utoipa::path(get, path = "/api/v1/share-links/{token}", tag = "sharing", operation_id = "get_share_link", security(()),
    params(("token" = String, Path, description = "The secret of the share link.")),
    responses((status = 200, description = "The events", body = OpenedView), (status = 304),
        (status = 404, description = "The share link does not exist, was deleted, or has expired.")))]
async fn show(State(app): State<App>, call: Call, PathId(token): PathId<String>, query: Query) -> Answer<Response> {
    query.finish()?;
    let opened = open(&app, &call, &token).await?;
    let view = OpenedView {
        name: opened.link.name.clone(),
        busy_only: opened.link.busy_only,
        expires_at: opened.link.expires_at.map(|at| at.to_string()),
        items: opened.events.iter().map(EventView::of).collect(),
    };
    let reply = Reply::ok(&view);
    let tag = etag(0, &[&reply.body]);
    Ok(behind_secret(reply.etag(tag).or_not_modified(&call)))
}

/// Show a share link as iCalendar
///
/// Returns the events of a share link as iCalendar text, to open once or to subscribe to. Needs no account.
#[utoipa::path(get, path = "/share-links/{token}.ics", tag = "sharing", operation_id = "get_share_link_feed", security(()),
    params(("token" = String, Path, description = "The secret of the share link."), ("lang" = Option<String>, Query, description = "The language: `en`, `de` or `fr`. Defaults to that of the person who created the link.")),
    responses((status = 200, description = "A calendar with the events", body = String, content_type = "text/calendar"), (status = 304),
        (status = 404, description = "The share link does not exist, was deleted, or has expired.")))]
async fn as_feed(
    State(app): State<App>,
    call: Call,
    IcsFile(token): IcsFile<String>,
    mut query: Query,
) -> Answer<Response> {
    let language = language(&mut query);
    query.finish()?;
    let asked = open(&app, &call, &token).await?.as_feed(&call.ctx, language);
    Ok(behind_secret(answer(&app, &call, asked, None).await?))
}

async fn open(app: &App, call: &Call, token: &str) -> Answer<Opened> {
    let mut conn = app.db.reader().await?;
    let found = share_links::open(&mut conn, &call.ctx, token).await?;
    drop(conn);
    let opened = found.ok_or_else(|| Problem::new(&codes::NOT_FOUND))?;
    if opened.is_news(call.ctx.now) {
        // Once an hour; that it could not be noted is no reason to show nothing.
        let noting = app
            .db
            .write((opened.link.id, call.ctx.now), |tx, (id, now)| Box::pin(share_links::note_use(tx, *id, *now)));
        if let Err(error) = noting.await {
            tracing::warn!(%error, "the use of a share link could not be noted");
        }
    }
    Ok(opened)
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Problem {
        match error {
            LinkError::Invalid(invalid) => invalid.into(),
            LinkError::Refused(refused) => crate::events::of_several(refused),
            LinkError::Internal(error) => error.into(),
        }
    }
}
