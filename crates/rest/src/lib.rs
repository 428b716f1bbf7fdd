//! The REST door: JSON in and out, problem documents, the OpenAPI document and its pages.
//!
//! A request goes through [`front`] (id, address, sign-in, limits, log), then a handler takes typed input ([`call`]), runs
//! one command ([`mod@write`]) or query of `core`, and makes a view ([`reply`]). Every error is a [`problem`].

mod accounts;
pub mod app;
mod audit;
mod calendars;
pub mod call;
pub mod codes;
mod cors;
mod denied;
mod docs;
mod document;
pub mod events;
pub mod front;
mod hot;
mod json;
pub mod limits;
mod ops;
mod pages;
pub mod problem;
pub mod reply;
mod safety;
mod sharing;
mod sync;
mod users;
pub mod write;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use utoipa_axum::router::OpenApiRouter;

pub use app::{App, Settings, TokenCache};
pub use hot::HotAnswers;

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// The routes of every feature: one line each.
fn features() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(users::routes())
        .merge(calendars::routes())
        .merge(sharing::routes())
        .merge(events::routes())
        .merge(sync::routes())
        .merge(audit::routes())
}

/// Everything that is served, ready to listen.
pub fn router(app: App) -> axum::Router {
    let (api, document) = parts();
    let fronted = api
        .merge(docs::router(&document))
        .merge(pages::router())
        .fallback(safety::not_found)
        .layer(DefaultBodyLimit::max(call::MAX_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), front::front));
    // Probes come often and from the machine itself: they are not counted, logged or signed in.
    let probed = ops::routes().split_for_parts().0.layer(middleware::from_fn(safety::guarded));
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
    let (api, mut document) = OpenApiRouter::with_openapi(document::bare()).nest(BASE, features()).split_for_parts();
    document.merge(ops::routes().into_openapi());
    document::complete(&mut document);
    (api, document)
}
