//! Which web origins may call the API from a browser. Tokens travel in a header that pages set themselves, never in a
//! cookie, so no credentials are allowed here.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The layer for these origins; none when no foreign page may call.
pub fn layer(origins: &BTreeSet<String>) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.contains("*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let named = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, named("idempotency-key")])
            .expose_headers([
                ETAG,
                LOCATION,
                RETRY_AFTER,
                named("ratelimit-limit"),
                named("ratelimit-remaining"),
                named("ratelimit-reset"),
                named("x-request-id"),
            ])
            .max_age(Duration::from_secs(3_600)),
    )
}
