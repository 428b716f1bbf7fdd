//! Other people: a card for everybody signed in, administration for administrators.

use axum::extract::State;
use kalends_core::accounts::{self, Listed, User};
use kalends_kernel::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::{AccountView, CardView, is_current};
use crate::app::App;
use crate::codes;
use crate::extract::{Body, PathId, SignedInCall};
use crate::problem::{Answer, Problem};
use crate::query::Query;
use crate::reply::{Reply, etag};
use crate::write::write;

/// The routes of users.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, change))
}

/// An account: the whole account for its owner and for administrators, otherwise its public part.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum UserView {
    Account(AccountView),
    Card(CardView),
}

impl UserView {
    fn of(user: User, whole: bool) -> UserView {
        if whole { UserView::Account(AccountView::of(user)) } else { UserView::Card(CardView::of(user.card())) }
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
struct UserPage {
    /// The accounts, by user name.
    items: Vec<UserView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// The total number of items, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
}

/// Whether the caller administers: by role, and by the scope of a personal token.
fn administers(call: &SignedInCall) -> bool {
    call.clone().as_admin().is_ok()
}

/// Find users
///
/// Returns users whose user name, or a word of whose name, starts with `q`, ignoring case. Administrators see whole
/// accounts, including disabled ones, and can also search for a whole email address. Deleted accounts are not listed.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users",
    params(("q" = Option<String>, Query, description = "The beginning of a user name or of a word of a name, ignoring case."), ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page."), ("include" = Option<String>, Query, description = "`total` adds the total number of items.")),
    responses((status = 200, description = "A page of results.", body = UserPage)))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    let all = administers(&call);
    let listed =
        Listed { text: query.text("q"), all, limit: query.limit(), cursor: query.cursor(), digest: query.digest() };
    let total = query.include_total();
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let page = accounts::list(&mut conn, &listed).await?;
    let total = if total { Some(accounts::count(&mut conn, &listed).await?) } else { None };
    let others = page.items.iter().filter(|user| all && user.id != call.user.id);
    others.for_each(|user| call.call.ctx.trail.note("user", user.id.uuid()));
    let items = page.items.into_iter().map(|user| UserView::of(user, all)).collect();
    Ok(Reply::ok(&UserPage { items, next_cursor: page.next.map(|next| next.encode()), total }))
}

/// Show a user
///
/// Returns the whole account if it is your own or you are an administrator, otherwise only its id, name and user name.
/// A deleted account has the name "Deleted user".
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "get_user", params(("id" = uuid::Uuid, Path, description = "The account.")), responses(
    (status = 200, description = "The account", body = UserView),
    (status = 304),
))]
async fn show(State(app): State<App>, call: SignedInCall, PathId(id): PathId<UserId>, query: Query) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let user = accounts::find(&mut conn, id).await?.ok_or_else(|| Problem::new(&codes::NOT_FOUND))?;
    let whole = call.user.id == id || administers(&call);
    if whole && call.user.id != id {
        call.call.ctx.trail.note("user", id.uuid());
    }
    let etag = etag(user.version, &[if whole { "account" } else { "card" }]);
    Ok(Reply::unless_known(&call.call, etag, &UserView::of(user, whole)))
}

/// The fields of an account that administrators can change. All are optional.
#[derive(ToSchema)]
#[schema(title = "UserPatch", example = json!({"role": "organizer"}))]
#[expect(dead_code, reason = "describes the body, which `accounts::edit_by_admin` reads with all its errors at once")]
struct UserPatch {
    /// The role.
    role: Option<String>,
    /// Whether the account is disabled. Disabling ends its sessions and suspends its personal tokens.
    disabled: Option<bool>,
    /// Whether the email address is verified.
    email_verified: Option<bool>,
    /// The display name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Administer an account
///
/// Applies a JSON merge patch (RFC 7396) to an account and returns it. The change takes effect at once. Requires an
/// administrator. The last administrator can be neither demoted nor disabled (409).
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "update_user", params(("id" = uuid::Uuid, Path, description = "The account.")), request_body = UserPatch, responses(
    (status = 200, description = "The updated resource.", body = AccountView),
    (status = 403, description = "`role-needed`: the account must be an administrator. `scope-needed`: the personal token needs the scope `admin`."),
    (status = 409, description = "`last-admin`: the server would have no administrator any more."),
    (status = 412),
))]
async fn change(State(app): State<App>, call: SignedInCall, PathId(id): PathId<UserId>, body: Body) -> Answer {
    let call = call.as_admin()?.call;
    let if_match = call.if_match.clone();
    let changing =
        write(&app, call.without_key(), body.digest, (id, body.map, if_match), |tx, ctx, (id, patch, if_match)| {
            Box::pin(async move {
                let view = AccountView::of(
                    accounts::edit_by_admin(tx, ctx, *id, patch, |version| is_current(if_match.as_ref(), version))
                        .await?,
                );
                Ok(Reply::ok(&view).etag(view.etag()))
            })
        });
    let reply = changing.await?;
    app.tokens.forget_all();
    Ok(reply)
}
