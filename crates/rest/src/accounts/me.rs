use axum::extract::State;
use kalends_core::accounts;
use kalends_core::ctx::Credential;
use kalends_kernel::Invalid;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AccountView;
use crate::app::App;
use crate::codes;
use crate::extract::{Body, IfMatch, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_me, change_me, delete_me)).routes(routes!(change_password))
}

/// Show your account
///
/// Returns your account with its role and settings.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts", operation_id = "get_me", responses(
    (status = 200, description = "Your account", body = AccountView),
    (status = 304),
))]
async fn show_me(State(app): State<App>, call: SignedInCall, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let user = accounts::find(&mut conn, call.user.id).await?.ok_or_else(|| Problem::new(&codes::NOT_FOUND))?;
    let view = AccountView::of(user);
    Ok(Reply::unless_known(&call.call, view.etag(), &view))
}

/// The fields of your account that you can change. All are optional.
#[derive(ToSchema)]
#[schema(title = "AccountPatch", example = json!({"name": "Anna Keller", "time_zone": "Europe/Berlin"}))]
#[expect(dead_code, reason = "describes the body, which `accounts::edit` reads with all its errors at once")]
struct AccountPatch {
    /// The user name, as at sign-up.
    #[schema(min_length = 1, max_length = 64)]
    username: Option<String>,
    /// The email address. A new address must be verified.
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// The display name. Null resets it to the user name.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The language (BCP 47). Null resets it to `en`.
    locale: Option<String>,
    /// The IANA time zone. Null resets it to `UTC`.
    time_zone: Option<String>,
}

/// Update your account
///
/// Applies a JSON merge patch (RFC 7396) and returns your account. A new email address must be verified again. Personal
/// tokens are not accepted. Fails with 409 if the user name or the email address is in use.
#[utoipa::path(patch, path = "/api/v1/me", tag = "accounts", operation_id = "update_me", request_body = AccountPatch, responses(
    (status = 200, description = "The updated resource.", body = AccountView),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
    (status = 409, description = "`username-taken` or `email-taken`: another account has this user name or email address."),
    (status = 412),
))]
async fn change_me(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let if_match = call.if_match.clone();
    write(&app, call.without_key(), body.digest, (user.id, body.map, if_match), |tx, ctx, (id, patch, if_match)| {
        Box::pin(async move {
            let view = AccountView::of(
                accounts::edit(tx, ctx, *id, patch, |version| is_current(if_match.as_ref(), version)).await?,
            );
            Ok(Reply::ok(&view).etag(view.etag()))
        })
    })
    .await
}

/// Delete your account
///
/// Removes your name, email address and password, and ends all sessions and tokens. Events and comments that you wrote
/// stay and are shown as by a deleted user. Personal tokens are not accepted. Fails with 409 if you are the last
/// administrator.
#[utoipa::path(delete, path = "/api/v1/me", tag = "accounts", responses(
    (status = 204, description = "The account was deleted."),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
    (status = 409, description = "`last-admin`: the server would have no administrator any more."),
    (status = 412),
))]
async fn delete_me(State(app): State<App>, call: SignedInCall) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let if_match = call.if_match.clone();
    let reply = write(&app, call.without_key(), [0; 32], (user.id, if_match), |tx, ctx, (id, if_match)| {
        Box::pin(async move {
            accounts::delete(tx, ctx, *id, |version| is_current(if_match.as_ref(), version)).await?;
            Ok(Reply::no_content())
        })
    });
    let reply = reply.await?;
    app.tokens.forget_all();
    Ok(reply)
}

/// Whether a version is the one that the caller looked at.
pub(crate) fn is_current(if_match: Option<&IfMatch>, version: i64) -> bool {
    if_match.is_none_or(|if_match| if_match.is_version(version))
}

/// A change of the password.
#[derive(ToSchema)]
#[schema(title = "PasswordChange", example = json!({"current_password": "correct horse battery", "new_password": "staple battery horse"}))]
#[expect(dead_code, reason = "describes the body, which `parse_password_change` reads with all its errors at once")]
struct PasswordBody {
    /// The current password.
    #[schema(format = "password")]
    current_password: String,
    /// The new password: 8 to 1,024 characters.
    #[schema(format = "password", min_length = 8, max_length = 1024)]
    new_password: String,
}

/// Change your password
///
/// Changes your password and ends all your other sessions. Personal tokens stay valid, but are not accepted here. A
/// wrong current password fails with 422 at `/current_password`.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "accounts", request_body = PasswordBody, responses(
    (status = 204, description = "The password was changed and all other sessions have ended."),
    (status = 403, description = "`scope-needed`: personal tokens are not accepted here; use an access token."),
))]
async fn change_password(State(app): State<App>, call: SignedInCall, body: Body) -> Answer {
    let SignedInCall { call, user } = call.by_session()?;
    let Credential::Session(session) = user.by else { return Err(Problem::new(&codes::SCOPE_NEEDED)) };
    let wish = accounts::parse_password_change(&body.map)?;
    let wrong = || Problem::from(Invalid::one("/current_password", "wrong-password", "is not your password"));
    let credentials = accounts::credentials_of(&mut *app.db.reader().await?, user.id).await?;
    let Some(proof) = credentials.check(&app.passwords, &wish.current).await? else {
        let noting = app
            .db
            .write((call.ctx, user.id), |tx, (ctx, user)| Box::pin(accounts::note_wrong_password(tx, ctx, *user)));
        noting.await?;
        return Err(wrong());
    };
    let hash = app.passwords.hash(&wish.new).await?;
    let changing = app.db.write((call.ctx, proof, hash), move |tx, (ctx, proof, hash)| {
        Box::pin(accounts::change_password(tx, ctx, proof, hash, session))
    });
    let changed = changing.await?;
    app.tokens.forget_all();
    if changed { Ok(Reply::no_content()) } else { Err(wrong()) }
}
