//! Feeds: calendars and events as iCalendar text outside `/api/v1`, and the secret ones of a person.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{self, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use kalends_core::ctx::Actor;
use kalends_core::feeds::{self, Asked, FeedError, FeedInput, IcsText, Language, Tag};
use kalends_kernel::{CalendarId, EventId, FeedId};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::extract::{Body, Call, PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::{HEADERS, Reply};
use crate::response_cache::FeedKey;
use crate::stream_body;
use crate::write::write;

/// The routes of secret feeds, under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(remove))
}

/// The feeds themselves. (The router takes no `{id}.ics`: the handlers cut the ending off.)
pub fn texts() -> axum::Router<App> {
    axum::Router::new()
        .route("/calendars/{file}", get(of_calendar))
        .route("/events/{file}", get(of_event))
        .route("/feeds/{file}", get(of_secret))
}

/// What the document says of them.
#[derive(OpenApi)]
#[openapi(paths(of_calendar, of_event, of_secret))]
pub struct Texts;

/// The part of a path before `.ics`; whatever has another ending is not there.
pub struct IcsFile<T>(pub(crate) T);

impl<T: std::str::FromStr + Send, S: Send + Sync> axum::extract::FromRequestParts<S> for IcsFile<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let PathId(file) = PathId::<String>::from_request_parts(parts, state).await?;
        let name = file.strip_suffix(".ics").and_then(|name| name.parse().ok());
        name.map(IcsFile).ok_or_else(|| Problem::new(&codes::NOT_FOUND))
    }
}

pub(crate) fn language(query: &mut Query) -> Option<Language> {
    query.text("lang").map(|tag| Language::of(&tag))
}

/// Show a calendar as iCalendar
///
/// Returns the published events of a calendar, as you may see them, as iCalendar text for calendar apps. Without
/// sign-in, returns the public events of public calendars. Send `If-None-Match` to get 304 if nothing has changed.
#[utoipa::path(get, path = "/calendars/{id}.ics", tag = "feeds", operation_id = "get_calendar_feed", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The calendar."), ("lang" = Option<String>, Query, description = "The language of the title of events of which you may see only the times: `en`, `de` or `fr`.")),
    responses((status = 200, description = "The calendar", body = String, content_type = "text/calendar"), (status = 304)))]
async fn of_calendar(
    State(app): State<App>,
    call: Call,
    IcsFile(id): IcsFile<CalendarId>,
    uri: Uri,
    mut query: Query,
) -> Answer<Response> {
    let language = language(&mut query).unwrap_or_default();
    query.finish()?;
    let key = (uri.path().to_owned(), Some(language));
    if let Some(unchanged) = unchanged(&app, &call, &key) {
        return Ok(unchanged);
    }
    let commits = app.db.commits();
    let log_days = app.settings.log_days;
    let read =
        app.db.read(call.ctx.clone(), move |conn, ctx| Box::pin(feeds::of_calendar(conn, ctx, id, language, log_days)));
    let asked = read.await?;
    keep(&app, &call, key, commits, &asked);
    let source = format!("{}{uri}", app.settings.public_url);
    Box::pin(answer(&app, &call, asked, Some(&source))).await
}

/// Show an event as iCalendar
///
/// Returns one event, with its whole series, as you may see it, as iCalendar text.
#[utoipa::path(get, path = "/events/{id}.ics", tag = "feeds", operation_id = "get_event_feed", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event."), ("lang" = Option<String>, Query, description = "The language: `en`, `de` or `fr`.")),
    responses((status = 200, description = "A calendar with the event", body = String, content_type = "text/calendar"), (status = 304)))]
async fn of_event(
    State(app): State<App>,
    call: Call,
    IcsFile(id): IcsFile<EventId>,
    uri: Uri,
    mut query: Query,
) -> Answer<Response> {
    let language = language(&mut query).unwrap_or_default();
    query.finish()?;
    let key = (uri.path().to_owned(), Some(language));
    if let Some(unchanged) = unchanged(&app, &call, &key) {
        return Ok(unchanged);
    }
    let commits = app.db.commits();
    let mut conn = app.db.reader().await?;
    let asked = Box::pin(feeds::of_event(&mut conn, &call.ctx, id, language)).await?;
    drop(conn);
    keep(&app, &call, key, commits, &asked);
    let source = format!("{}{uri}", app.settings.public_url);
    Box::pin(answer(&app, &call, asked, Some(&source))).await
}

/// Show a secret feed as iCalendar
///
/// Returns the calendars of a secret feed, as its owner may see them now, as iCalendar text. The secret in the address
/// is the only credential.
#[utoipa::path(get, path = "/feeds/{token}.ics", tag = "feeds", operation_id = "get_secret_feed", security(()),
    params(("token" = String, Path, description = "The secret of the feed."), ("lang" = Option<String>, Query, description = "The language: `en`, `de` or `fr`. Defaults to that of the owner.")),
    responses((status = 200, description = "The calendars", body = String, content_type = "text/calendar"), (status = 304),
        (status = 404, description = "The feed does not exist or was deleted.")))]
async fn of_secret(
    State(app): State<App>,
    call: Call,
    IcsFile(secret): IcsFile<String>,
    uri: Uri,
    mut query: Query,
) -> Answer<Response> {
    let language = language(&mut query);
    query.finish()?;
    let key = (uri.path().to_owned(), language);
    if let Some(unchanged) = unchanged(&app, &call, &key) {
        return Ok(behind_secret(unchanged));
    }
    let commits = app.db.commits();
    let mut conn = app.db.reader().await?;
    let found = Box::pin(feeds::of_secret(&mut conn, &call.ctx, &secret, language, app.settings.log_days)).await?;
    drop(conn);
    let (feed, asked) = found.ok_or_else(|| Problem::new(&codes::NOT_FOUND))?;
    if feed.is_news(call.ctx.now) {
        // Once an hour; that it could not be noted is no reason to show nothing.
        let noting =
            app.db.write((feed.feed.id, call.ctx.now), |tx, (id, now)| Box::pin(feeds::note_use(tx, *id, *now)));
        if let Err(error) = noting.await {
            tracing::warn!(%error, "the use of a feed could not be noted");
        }
    }
    keep(&app, &call, key, commits, &asked);
    Box::pin(answer(&app, &call, asked, None)).await.map(behind_secret)
}

/// 304 without the database, for whoever is not signed in and has what was the newest text a moment ago.
fn unchanged(app: &App, call: &Call, key: &FeedKey) -> Option<Response> {
    if call.ctx.actor != Actor::Anonymous {
        return None;
    }
    let tag = app.hot_feeds.get(&app.db, key).filter(|tag| is_known(call, tag))?;
    Some(with_tag(StatusCode::NOT_MODIFIED.into_response(), tag, call.ctx.now))
}

/// Keeps what [`unchanged`] looks at; `commits` was taken before the feed was asked for.
fn keep(app: &App, call: &Call, key: FeedKey, commits: u64, asked: &Asked) {
    if call.ctx.actor == Actor::Anonymous {
        app.hot_feeds.put(key, commits, asked.tag.clone());
    }
}

/// What a secret address shows is its owner's, though nobody is signed in: no cache keeps it for others, no index finds
/// it, and no other site is told the address.
pub(crate) fn behind_secret(answer: impl IntoResponse) -> Response {
    let told = [
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
    ];
    (told, answer).into_response()
}

pub(crate) async fn answer(app: &App, call: &Call, asked: Asked, source: Option<&str>) -> Answer<Response> {
    let tag = asked.tag.clone();
    let response = if is_known(call, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let text = asked.text(source);
        let body = stream_body::body(app, text, |text: &mut IcsText, conn| Box::pin(text.next(conn))).await?;
        let kind = [
            (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "inline; filename=\"calendar.ics\""),
        ];
        (kind, body).into_response()
    };
    Ok(with_tag(response, tag, call.ctx.now))
}

static DATES: rfc2822::DateTimePrinter = rfc2822::DateTimePrinter::new();

fn with_tag(mut response: Response, tag: Tag, now: Timestamp) -> Response {
    response.headers_mut().reserve(HEADERS);
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::ETAG, tag.etag);
    let changed = tag.changed_at.and_then(|at| DATES.timestamp_to_rfc9110_string(&shown(at, now)).ok());
    if let Some(date) = changed {
        set(header::LAST_MODIFIED, date);
    }
    response
}

/// Whether the caller has it already: by ETag, else by date (RFC 9110 13.2.2).
fn is_known(call: &Call, tag: &Tag) -> bool {
    if call.if_none_match.is_some() {
        return call.has(&tag.etag);
    }
    let since = call.if_modified_since.as_deref().and_then(|text| rfc2822::parse(text).ok());
    since.zip(tag.changed_at).is_some_and(|(since, at)| at.as_second() <= since.timestamp().as_second())
}

/// How long a change may be on its way: one that began before the newest may commit after it.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);

/// The time of a change as `Last-Modified` says it. A fresh one is said to be earlier than it was: whoever comes back with
/// that date gets the text again, because the same second may have brought more (RFC 9110 8.8.2.2).
fn shown(at: Timestamp, now: Timestamp) -> Timestamp {
    if now.duration_since(at) > SETTLED { at } else { at.checked_sub(SETTLED).unwrap_or(at) }
}

/// A secret feed.
#[derive(Serialize, ToSchema)]
#[schema(title = "Feed", example = json!({
    "id": "01941f29-7c00-7eee-8000-3d1c7e9a5b10", "name": "My phone", "calendar_ids": null, "busy_only": false,
    "created_at": "2027-01-15T10:00:00Z", "last_used_at": null
}))]
struct FeedView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: FeedId,
    /// The name, which calendar apps show.
    name: String,
    /// The calendars in the feed; null for all that you own or that are shared with you.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, required)]
    calendar_ids: Option<Vec<CalendarId>>,
    /// Whether only times are shown, without titles.
    busy_only: bool,
    /// The instant of creation.
    created_at: String,
    /// The hour of the last request; null if there was none.
    #[schema(required)]
    last_used_at: Option<String>,
}

impl FeedView {
    fn of(feed: feeds::Feed) -> FeedView {
        FeedView {
            id: feed.id,
            name: feed.name,
            calendar_ids: feed.calendars,
            busy_only: feed.busy_only,
            created_at: feed.created_at.to_string(),
            last_used_at: feed.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A new secret feed.
#[derive(Serialize, ToSchema)]
#[schema(title = "NewFeed")]
struct MadeFeedView {
    #[serde(flatten)]
    made: FeedView,
    /// The address for a calendar app. It is shown only once.
    #[schema(example = "https://events.example.org/feeds/klf_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ics")]
    url: String,
    /// The secret in the address.
    #[schema(example = "klf_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// A page of secret feeds.
#[derive(Serialize, ToSchema)]
struct FeedPage {
    /// The feeds, newest first.
    items: Vec<FeedView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// List your secret feeds
///
/// Returns your secret feeds without their addresses.
#[utoipa::path(get, path = "/api/v1/me/feeds", tag = "feeds", operation_id = "list_feeds",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = FeedPage)))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let (limit, cursor, digest, total) = (query.limit(), query.cursor(), query.digest(), query.include_total());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = feeds::feeds(&mut conn, call.user.id, limit, cursor.as_ref(), digest).await?;
    let total = if total { Some(feeds::feed_count(&mut conn, call.user.id).await?) } else { None };
    let items = page.items.into_iter().map(FeedView::of).collect();
    Ok(Reply::ok(&FeedPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// A new secret feed.
#[derive(ToSchema)]
#[schema(title = "FeedInput", example = json!({"name": "My phone", "busy_only": false}))]
#[expect(dead_code, reason = "describes the body, which `FeedInput` reads with all its errors at once")]
struct FeedBody {
    /// A name of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// 1 to 100 calendars that you may see. Defaults to all that you own or that are shared with you, now or later.
    calendar_ids: Option<Vec<uuid::Uuid>>,
    /// Whether only times are shown, without titles.
    busy_only: Option<bool>,
}

/// Create a secret feed
///
/// Creates a feed with a secret address and returns it. Anyone who knows the address can read what you may read. The
/// address is shown only once, so `Idempotency-Key` has no effect here. Personal tokens are not accepted.
#[utoipa::path(post, path = "/api/v1/me/feeds", tag = "feeds", operation_id = "create_feed", request_body = FeedBody,
    responses((status = 201, description = "Created. `url` is the secret address, which is shown only once.", body = MadeFeedView),
        (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token.")))]
async fn create(State(app): State<App>, call: SignedInCall, body: Body) -> Answer<impl IntoResponse> {
    let SignedInCall { call, user } = call.by_session()?;
    let input = FeedInput::parse(&body.map)?;
    let making = app
        .db
        .write((call.ctx, user.id, input), |tx, (ctx, owner, input)| Box::pin(feeds::create(tx, ctx, *owner, input)));
    let made = making.await?;
    let location = format!("{}/me/feeds/{}", crate::BASE, made.feed.id);
    let token = made.secret.reveal().to_owned();
    let url = format!("{}/feeds/{token}.ics", app.settings.public_url);
    let view = MadeFeedView { made: FeedView::of(made.feed), url, token };
    Ok(([(header::CACHE_CONTROL, "no-store")], Reply::created(location, &view)))
}

/// Delete a secret feed
///
/// Deletes a feed. Its address stops working at once. Personal tokens are not accepted.
#[utoipa::path(delete, path = "/api/v1/me/feeds/{id}", tag = "feeds", operation_id = "delete_feed", params(("id" = uuid::Uuid, Path, description = "The feed.")),
    responses((status = 204, description = "Deleted. Repeating the request has the same response."), (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
        (status = 404, description = "It does not exist, or it belongs to another account.")))]
async fn remove(State(app): State<App>, call: SignedInCall, PathId(id): PathId<FeedId>) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    write(&app, call.without_key(), [0; 32], (user.id, id), |tx, ctx, (owner, id)| {
        Box::pin(async move {
            if feeds::revoke(tx, ctx, *owner, *id).await? {
                Ok(Reply::no_content())
            } else {
                Err(Problem::new(&codes::NOT_FOUND))
            }
        })
    })
    .await
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Problem {
        match error {
            FeedError::Invalid(invalid) => invalid.into(),
            FeedError::Internal(error) => error.into(),
        }
    }
}
