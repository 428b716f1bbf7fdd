use axum::extract::State;
use kalends_core::accounts::{self, Session};
use kalends_core::ctx::Credential;
use kalends_kernel::SessionId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::extract::{PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_sessions)).routes(routes!(end_session))
}

/// A session in which you are signed in.
#[derive(Serialize, ToSchema)]
#[schema(title = "Session", example = json!({
    "id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "current": true, "created_at": "2027-01-15T10:00:00Z", "last_used_at": "2027-01-15T11:45:00Z",
    "expires_at": "2027-02-14T11:45:00Z", "user_agent": "Mozilla/5.0", "address": "203.0.113.9"
}))]
struct SessionView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// Whether this is the session of the request.
    current: bool,
    /// The instant of the sign-in.
    created_at: String,
    /// The instant of the sign-in or of the last refresh.
    last_used_at: String,
    /// The instant at which the session ends unless it is refreshed.
    expires_at: String,
    /// The user agent that signed in.
    user_agent: String,
    /// The IP address that signed in.
    address: String,
}

impl SessionView {
    fn of(session: Session, current: &Credential) -> SessionView {
        SessionView {
            id: session.id,
            current: *current == Credential::Session(session.id),
            created_at: session.created_at.to_string(),
            last_used_at: session.last_used_at.to_string(),
            expires_at: session.expires_at.to_string(),
            user_agent: session.origin.user_agent,
            address: session.origin.address,
        }
    }
}

/// A page of sessions.
#[derive(Serialize, ToSchema)]
struct SessionPage {
    /// The sessions, newest first.
    items: Vec<SessionView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// List your sessions
///
/// Returns the sessions in which you are signed in. Personal tokens are not accepted.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "accounts",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")), responses(
    (status = 200, description = "A page of results.", body = SessionPage),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn list_sessions(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let (limit, cursor, digest, total) = (query.limit(), query.cursor(), query.digest(), query.include_total());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = accounts::sessions(&mut conn, user.id, call.ctx.now, limit, cursor.as_ref(), digest).await?;
    let total = if total { Some(accounts::session_count(&mut conn, user.id, call.ctx.now).await?) } else { None };
    let items = page.items.into_iter().map(|session| SessionView::of(session, &user.by)).collect();
    Ok(Reply::ok(&SessionPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// End a session
///
/// Ends one of your sessions. Its tokens stop working at once. Personal tokens are not accepted.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path, description = "The session.")), responses(
    (status = 204, description = "The session has ended. Repeating the request has the same response."),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn end_session(State(app): State<App>, call: SignedInCall, PathId(id): PathId<SessionId>) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let ending = write(&app, call.without_key(), [0; 32], (user.id, id), |tx, ctx, (owner, id)| {
        Box::pin(async move {
            if accounts::end_session(tx, ctx, *owner, *id).await? {
                Ok(Reply::no_content())
            } else {
                Err(Problem::new(&codes::NOT_FOUND))
            }
        })
    });
    let reply = ending.await?;
    app.tokens.forget_all();
    Ok(reply)
}
