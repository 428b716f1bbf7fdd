use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use kalends_core::accounts::{self, PersonalToken, TokenInput};
use kalends_core::ctx::Scope;
use kalends_kernel::TokenId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::extract::{Body, PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_tokens, create_token)).routes(routes!(revoke_token))
}

/// A personal token for a program.
#[derive(Serialize, ToSchema)]
#[schema(title = "PersonalToken", example = json!({
    "id": "01941f29-7c00-7ddd-8000-3d1c7e9a5b10", "name": "backup script", "scopes": ["read"], "created_at": "2027-01-15T10:00:00Z",
    "expires_at": "2028-01-15T10:00:00Z", "last_used_at": null
}))]
struct TokenView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: TokenId,
    /// The name that you gave it.
    name: String,
    /// What the token can be used for. `write` includes `read`, and `admin` includes `write`.
    scopes: Vec<&'static str>,
    /// The instant of creation.
    created_at: String,
    /// The instant at which it expires; null for never.
    #[schema(required)]
    expires_at: Option<String>,
    /// The hour of the last use; null if it was never used.
    #[schema(required)]
    last_used_at: Option<String>,
}

impl TokenView {
    fn of(token: PersonalToken) -> TokenView {
        TokenView {
            id: token.id,
            name: token.name,
            scopes: token.scopes.into_iter().map(Scope::name).collect(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A new personal token.
#[derive(Serialize, ToSchema)]
#[schema(title = "NewPersonalToken")]
struct MadeTokenView {
    #[serde(flatten)]
    made: TokenView,
    /// The secret, for `Authorization: Bearer …`. It is shown only once.
    #[schema(example = "klp_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// A page of personal tokens.
#[derive(Serialize, ToSchema)]
struct TokenPage {
    /// The tokens, newest first.
    items: Vec<TokenView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// List your personal tokens
///
/// Returns your personal tokens without their secrets, including expired tokens that you have not revoked. Personal
/// tokens are not accepted.
#[utoipa::path(get, path = "/api/v1/me/tokens", tag = "accounts",
    params(("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."),
        ("include" = Option<String>, Query, description = "`total` adds the total number of items.")), responses(
    (status = 200, description = "A page of results.", body = TokenPage),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn list_tokens(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let user = call.by_session()?.user;
    let (limit, cursor, digest, total) = (query.limit(), query.cursor(), query.digest(), query.include_total());
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = accounts::tokens(&mut conn, user.id, limit, cursor.as_ref(), digest).await?;
    let total = if total { Some(accounts::token_count(&mut conn, user.id).await?) } else { None };
    let items = page.items.into_iter().map(TokenView::of).collect();
    Ok(Reply::ok(&TokenPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// A new personal token.
#[derive(ToSchema)]
#[schema(title = "PersonalTokenInput", example = json!({"name": "backup script", "scopes": ["read"], "expires_in_days": 365}))]
#[expect(dead_code, reason = "describes the body, which `TokenInput` reads with all its errors at once")]
struct TokenBody {
    /// A name of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What the token can be used for. `write` includes `read`; `admin` includes `write` and requires an administrator.
    #[schema(min_items = 1, max_items = 3)]
    scopes: Vec<String>,
    /// The instant at which the token expires. Without this and `expires_in_days` it never does.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// The number of days until the token expires.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// Create a personal token
///
/// Creates a token for a program and returns it with its secret. The secret is shown only once, so `Idempotency-Key`
/// has no effect here. Personal tokens are not accepted.
#[utoipa::path(post, path = "/api/v1/me/tokens", tag = "accounts", request_body = TokenBody, responses(
    (status = 201, description = "Created. `token` is the secret, which is shown only once.", body = MadeTokenView),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn create_token(State(app): State<App>, call: SignedInCall, body: Body) -> Answer<impl IntoResponse> {
    let SignedInCall { call, user } = call.by_session()?;
    let input = TokenInput::parse(&body.map, call.ctx.now)?;
    let making = app.db.write((call.ctx, user, input), |tx, (ctx, owner, input)| {
        Box::pin(accounts::create_token(tx, ctx, owner, input))
    });
    let made = making.await?;
    let location = format!("{}/me/tokens/{}", crate::BASE, made.token.id);
    let view = MadeTokenView { token: made.secret.reveal().to_owned(), made: TokenView::of(made.token) };
    Ok(([(header::CACHE_CONTROL, "no-store")], Reply::created(location, &view)))
}

/// Revoke a personal token
///
/// Revokes a personal token. It stops working at once. Personal tokens are not accepted.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", tag = "accounts", params(("id" = uuid::Uuid, Path, description = "The personal token.")), responses(
    (status = 204, description = "Revoked. Repeating the request has the same response."),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn revoke_token(State(app): State<App>, call: SignedInCall, PathId(id): PathId<TokenId>) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let revoking = write(&app, call.without_key(), [0; 32], (user.id, id), |tx, ctx, (owner, id)| {
        Box::pin(async move {
            if accounts::revoke_token(tx, ctx, *owner, *id).await? {
                Ok(Reply::no_content())
            } else {
                Err(Problem::new(&codes::NOT_FOUND))
            }
        })
    });
    let reply = revoking.await?;
    app.tokens.forget_all();
    Ok(reply)
}
