//! The pages that everybody may see: upcoming public events, one page for each, and what a share link shows whoever has it.
//! Rendered on the server, without a script; whoever looks is nobody in particular, so a page shows what the policy shows
//! anonymous people.
#![deny(missing_docs)]

mod event;
mod page;
mod share_links;
mod upcoming;
mod when;
mod words;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use kalends_db::Db;
use kalends_kernel::Clock;

/// What the pages need.
#[derive(Clone)]
pub struct Web {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Where people reach the server, without a slash at the end.
    pub public_url: String,
}

/// The pages.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(upcoming::show))
        .route("/e/{id}", get(event::show))
        .route("/s/{token}", get(share_links::show))
        .route("/assets/kalends.css", get(style))
        .with_state(web)
}

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../assets/kalends.css"))
}
