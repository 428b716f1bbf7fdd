use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::IntoResponse;
use http::header::{self, HeaderName};
use http::request::Parts;
use kalends_core::accounts::{self, Attempt, Origin, Refreshed, Registration};
use kalends_core::audit;
use kalends_core::ctx::{Actor, Credential, Ctx};
use kalends_kernel::Invalid;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::views::{AccountView, SignedUpView, TokensView};
use crate::app::App;
use crate::codes;
use crate::extract::{Body, OptionalBody, read};
use crate::middleware::Known;
use crate::problem::{Answer, Problem};
use crate::reply::Reply;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
}

/// Somebody at the door. Whatever token is shown here does not matter unless it is good: a client whose access token has
/// run out may send it along while it gets the next one.
struct Visitor {
    ctx: Ctx,
    origin: Origin,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Arc<Known>>().ok_or_else(|| Problem::new(&codes::INTERNAL))?;
        let user_agent =
            parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let origin = Origin { user_agent: user_agent.chars().take(200).collect(), address: known.address.to_string() };
        Ok(Visitor { ctx: known.ctx.clone(), origin })
    }
}

/// Answers with tokens are kept nowhere on their way (RFC 6749 5.1).
fn secret(reply: Reply) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
    (headers, reply)
}

/// A new account.
#[derive(ToSchema)]
#[schema(title = "Registration", example = json!({"username": "anna", "email": "anna@example.org", "password": "correct horse battery", "name": "Anna Müller", "time_zone": "Europe/Zurich"}))]
#[expect(dead_code, reason = "describes the body, which `Registration` reads with all its errors at once")]
struct RegisterBody {
    /// 1 to 64 letters, digits, dots, underscores and hyphens, ignoring case. Must not start with `deleted-`.
    #[schema(min_length = 1, max_length = 64)]
    username: String,
    /// The email address, ignoring case.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// 8 to 1,024 characters.
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    password: String,
    /// The display name. Defaults to the user name.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The role. Defaults to `user`. The operator of the server can disable the choice.
    role: Option<String>,
    /// Your language (BCP 47). Defaults to `en`.
    locale: Option<String>,
    /// Your IANA time zone. Defaults to `UTC`. Your default calendar uses it too.
    time_zone: Option<String>,
}

/// Create an account
///
/// Creates an account with a private default calendar, signs it in, and returns the account with its tokens. The
/// operator of the server can disable sign-up (403), or the choice of a role (422 at `/role`). The admin role cannot be
/// chosen at sign-up. Fails with 409 if the user name or the email address is in use.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "accounts", security(()), request_body = RegisterBody, responses(
    (status = 201, description = "The account was created and is signed in. `Location` holds its path.", body = SignedUpView),
    (status = 403, description = "`sign-up-closed`: only administrators create accounts on this server."),
    (status = 409, description = "`username-taken` or `email-taken`: another account has this user name or email address."),
))]
async fn register(State(app): State<App>, visitor: Visitor, body: Body) -> Answer<impl IntoResponse> {
    let wish = Registration::parse(&body.map, &app.settings.accounts)?;
    let hash = app.passwords.hash(&wish.password).await?;
    let args = (visitor, wish.with_hash(hash), app.settings.accounts.clone());
    let registering = app.db.write(args, |tx, (visitor, new, policy)| {
        Box::pin(accounts::register(tx, &visitor.ctx, new, &visitor.origin, policy))
    });
    let (user, session) = registering.await?;
    let location = format!("{}/users/{}", crate::BASE, user.id);
    let user = AccountView::of(user);
    let etag = user.etag();
    Ok(secret(Reply::created(location, &SignedUpView { user, tokens: TokensView::of(&session) }).etag(etag)))
}

/// The credentials of an account.
#[derive(ToSchema)]
#[schema(title = "Login", example = json!({"login": "anna", "password": "correct horse battery"}))]
#[expect(dead_code, reason = "describes the body, which `Attempt` reads with all its errors at once")]
struct LoginBody {
    /// The user name or email address, ignoring case.
    login: Option<String>,
    /// An alias of `login`, for clients that use this name.
    username: Option<String>,
    /// The password.
    #[schema(format = "password")]
    password: String,
}

/// A sign-in, as JSON or as a form.
struct Login(Attempt);

impl<S: Send + Sync> FromRequest<S> for Login {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media == "application/x-www-form-urlencoded" {
            return Ok(Login(Attempt::parse_form(&form(&read(request).await?)?)?));
        }
        let body = Body::from_request(request, state).await?;
        Ok(Login(Attempt::parse(&body.map)?))
    }
}

/// The fields of a form; each once.
fn form(bytes: &[u8]) -> Result<Map<String, Value>, Invalid> {
    let mut map = Map::new();
    let mut invalid = Invalid::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let pointer = format!("/{}", name.chars().take(64).collect::<String>());
        if map.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            invalid.add(pointer, "repeated", "may be given once");
        }
    }
    invalid.or(map)
}

/// Sign in
///
/// Starts a session and returns its access token and refresh token. Sign in with a user name or an email address, as
/// JSON; an OAuth 2.0 password form (RFC 6749, section 4.3.2) is accepted too. The server responds with the same 401, after the same time, to a wrong
/// password and to an account that does not exist, is disabled or was deleted.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "accounts", security(()),
    request_body = LoginBody, responses(
    (status = 200, description = "The tokens of a new session.", body = TokensView),
    (status = 401, description = "`bad-credentials`: the user name or the password is wrong."),
))]
async fn login(State(app): State<App>, visitor: Visitor, Login(attempt): Login) -> Answer<impl IntoResponse> {
    // The connection is given back before the password is checked: that takes long.
    let credentials = accounts::credentials_of_login(&mut *app.db.reader().await?, &attempt.login).await?;
    let ctx = visitor.ctx.clone();
    let Some(proof) = credentials.check(&app.passwords, &attempt.password).await? else {
        return Err(wrong_credentials(&app, ctx).await);
    };
    let args = (visitor, proof, app.settings.accounts.clone());
    let signing_in = app.db.write(args, |tx, (visitor, proof, policy)| {
        Box::pin(accounts::sign_in(tx, &visitor.ctx, proof, &visitor.origin, policy))
    });
    let Some(session) = signing_in.await? else { return Err(wrong_credentials(&app, ctx).await) };
    Ok(secret(Reply::ok(&TokensView::of(&session))))
}

/// Refuses a sign-in, and counts it for the audit log.
async fn wrong_credentials(app: &App, ctx: Ctx) -> Problem {
    let counted: Result<(), kalends_db::Error> =
        app.db.write(ctx, |tx, ctx| Box::pin(audit::failed_sign_in(tx, ctx))).await;
    if let Err(error) = counted {
        tracing::warn!(%error, "a failed sign-in could not be counted");
    }
    Problem::new(&codes::BAD_CREDENTIALS)
}

/// A refresh token.
#[derive(ToSchema)]
#[schema(title = "Refresh", example = json!({"refresh_token": "klr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))]
#[expect(dead_code, reason = "describes the body, which `parse_refresh` reads with all its errors at once")]
struct RefreshBody {
    /// The refresh token of the last sign-in or refresh.
    refresh_token: String,
}

/// Refresh tokens
///
/// Returns new tokens for a session. Each refresh token works once. If it is used again, the server assumes that it was
/// stolen and ends the whole session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "accounts", security(()), request_body = RefreshBody, responses(
    (status = 200, description = "The next tokens of the session.", body = TokensView),
    (status = 401, description = "`bad-token`: the refresh token has expired or was used before, or its session has ended."),
))]
async fn refresh(State(app): State<App>, visitor: Visitor, body: Body) -> Answer<impl IntoResponse> {
    let token = accounts::parse_refresh(&body.map)?;
    let args = (visitor.ctx, token, app.settings.accounts.clone());
    let refreshing = app.db.write(args, |tx, (ctx, token, policy)| Box::pin(accounts::refresh(tx, ctx, token, policy)));
    match refreshing.await? {
        Refreshed::Tokens(session) => Ok(secret(Reply::ok(&TokensView::of(&session)))),
        Refreshed::Reused => {
            app.tokens.forget_all();
            tracing::warn!(address = visitor.origin.address, "a spent refresh token came again: its session is ended");
            Err(Problem::new(&codes::BAD_TOKEN))
        }
        Refreshed::Bad => Err(Problem::new(&codes::BAD_TOKEN)),
    }
}

/// The session to end, if it is not that of the access token.
#[derive(ToSchema)]
#[schema(title = "Logout", example = json!({"refresh_token": "klr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))]
#[expect(dead_code, reason = "describes the body, which `parse_refresh` reads with all its errors at once")]
struct LogoutBody {
    /// A refresh token of the session. Defaults to the session of the request's access token.
    #[schema(nullable = false)]
    refresh_token: Option<String>,
}

/// Sign out
///
/// Ends the session of the request's access token, or of the `refresh_token` in the body. Both tokens stop working at
/// once. Fails with 401 if there is no session to end.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "accounts", security((), ("bearer" = [])), request_body = Option<LogoutBody>, responses(
    (status = 204, description = "The session has ended."),
    (status = 403, description = "`scope-needed`: a personal token has no session. Revoke the token instead."),
))]
async fn logout(State(app): State<App>, visitor: Visitor, OptionalBody(body): OptionalBody) -> Answer {
    let token = body.map(|body| accounts::parse_refresh(&body.map)).transpose()?;
    let shown = match &visitor.ctx.actor {
        Actor::User(user) => match user.by {
            Credential::Session(session) => Some((user.id, session)),
            Credential::PersonalToken(..) => {
                return Err(Problem::new(&codes::SCOPE_NEEDED)
                    .detail("a personal token has no session to end; revoke it at DELETE /me/tokens/{id}"));
            }
        },
        Actor::Anonymous | Actor::System => None,
    };
    let ended = app.db.write((visitor.ctx, shown, token), |tx, (ctx, shown, token)| {
        Box::pin(async move {
            let by_shown = match shown {
                Some((owner, session)) => accounts::end_session(tx, ctx, *owner, *session).await?,
                None => false,
            };
            let by_token = match token {
                Some(token) => accounts::end_session_of_refresh_token(tx, ctx, token).await?,
                None => false,
            };
            Ok::<bool, kalends_db::Error>(by_shown || by_token)
        })
    });
    let ended = ended.await?;
    app.tokens.forget_all();
    if ended { Ok(Reply::no_content()) } else { Err(Problem::new(&codes::BAD_TOKEN)) }
}
