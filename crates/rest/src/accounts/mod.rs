//! Signing up, in and out; one's own account, its sessions and its personal tokens.

mod auth;
mod me;
mod problems;
mod sessions;
mod tokens;
mod views;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) use me::is_current;
pub(crate) use views::{AccountView, CardView};

/// The routes of accounts.
pub fn routes() -> OpenApiRouter<App> {
    auth::routes().merge(me::routes()).merge(sessions::routes()).merge(tokens::routes())
}
