//! The REST door: JSON in and out, problem documents, the OpenAPI document and its pages.
//!
//! A request goes through [`middleware`] (id, address, sign-in, limits, log), then a handler takes typed input ([`extract`]), runs
//! one command ([`mod@write`]) or query of `core`, and makes a view ([`reply`]). Every error is a [`problem`].

mod accounts;
pub mod app;
mod audit;
mod calendars;
pub mod codes;
mod conflicts;
mod cors;
mod docs;
mod document;
mod error_mapping;
pub mod events;
pub mod exports;
pub mod extract;
mod feeds;
mod groups;
mod history;
mod imports;
mod jobs;
mod json;
pub mod limits;
mod meters;
pub mod middleware;
mod ops;
mod pages;
pub mod problem;
pub mod query;
pub mod reply;
mod response_cache;
mod safety;
mod share_links;
mod shared;
mod sharing;
mod stream_body;
mod sync;
mod upload;
mod users;
mod venues;
pub mod write;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa_axum::router::OpenApiRouter;

pub use app::{App, Settings, TokenCache};
pub use response_cache::{HotEvents, HotFeeds, Rendered};

/// Where the API begins. Each handler has its whole path: nested routers cost every request a new address.
pub const BASE: &str = "/api/v1";

/// The routes of every feature: one line each.
fn features() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(users::routes())
        .merge(calendars::routes())
        .merge(sharing::routes())
        .merge(groups::routes())
        .merge(shared::routes())
        .merge(events::routes())
        .merge(history::routes())
        .merge(sync::routes())
        .merge(feeds::routes())
        .merge(share_links::routes())
        .merge(exports::routes())
        .merge(imports::routes())
        .merge(jobs::routes())
        .merge(conflicts::routes())
        .merge(venues::routes())
        .merge(audit::routes())
}

/// Everything that is served, ready to listen; with `pages` of another door, which go through the same front.
pub fn router(app: App, pages: axum::Router) -> axum::Router {
    let (api, document) = parts();
    let fronted = api
        .merge(docs::router(&document))
        .merge(pages::router())
        .merge(feeds::texts())
        .merge(share_links::texts())
        .merge(pages.with_state(()))
        .fallback(safety::not_found)
        .layer(DefaultBodyLimit::max(extract::MAX_BODY))
        .layer(from_fn_with_state(app.clone(), middleware::around));
    // Probes come often and from the machine itself: they are not counted, logged or signed in.
    let probed = ops::routes().split_for_parts().0.layer(from_fn(safety::guarded));
    let everything = fronted.merge(probed).with_state(app.clone());
    match cors::layer(&app.settings.cors_origins) {
        Some(cors) => everything.layer(cors),
        None => everything,
    }
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    parts().1
}

/// The handlers and their description.
fn parts() -> (axum::Router<App>, utoipa::openapi::OpenApi) {
    let (api, mut document) = OpenApiRouter::with_openapi(document::bare()).merge(features()).split_for_parts();
    document.merge(ops::routes().into_openapi());
    document.merge(<feeds::Texts as utoipa::OpenApi>::openapi());
    document.merge(<share_links::Texts as utoipa::OpenApi>::openapi());
    document::complete(&mut document);
    (api, document)
}
