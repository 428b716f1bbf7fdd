//! The OpenAPI document and two pages that show it. Everything they need is in the program: they work without a network,
//! and nobody else learns who reads them.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{self, HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;
use crate::codes;
use crate::problem::{Answer, Problem};

static REDOC_PAGE: &str = include_str!("../assets/redoc.html");
static REDOC_SCRIPT: &[u8] = include_bytes!("../assets/redoc.standalone.js.gz");

/// Both pages style their elements from script; scripts, pictures and requests are ours alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; object-src 'none'",
);

/// The document and the pages.
pub fn router(document: &OpenApi) -> Router<App> {
    // A document that cannot be written is a fault that the tests find; a server still starts.
    let text = document.to_pretty_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be written");
        "{}".to_owned()
    });
    let text = Arc::new(Document::new(text));
    // "none": Swagger UI otherwise sends the address of the document to a validator on the web.
    let config = Config::from("/api/v1/openapi.json").validator_url("none").persist_authorization(false);
    let pages = Router::from(SwaggerUi::new("/api/docs").config(config))
        .route("/api/redoc", get(async || page(REDOC_PAGE)))
        .route("/api/redoc/redoc.standalone.js", get(redoc_script))
        .layer(middleware::from_fn(guarded));
    Router::new().route("/api/v1/openapi.json", get(async move |headers: HeaderMap| text.answer(&headers))).merge(pages)
}

struct Document {
    text: String,
    etag: String,
}

impl Document {
    fn new(text: String) -> Document {
        let digest: String = Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Document { text, etag: format!("\"{digest}\"") }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tag = [(header::ETAG, self.etag.clone())];
        if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag) {
            return (http::StatusCode::NOT_MODIFIED, tag).into_response();
        }
        (tag, [(header::CONTENT_TYPE, "application/json")], self.text.clone()).into_response()
    }
}

fn page(html: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// The script as it was packed, or unpacked for the rare client that cannot.
async fn redoc_script(headers: HeaderMap) -> Answer<Response> {
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::VARY, "Accept-Encoding"),
    ];
    if accepts_gzip(&headers) {
        return Ok((kind, [(header::CONTENT_ENCODING, "gzip")], REDOC_SCRIPT).into_response());
    }
    let mut script = Vec::new();
    GzDecoder::new(REDOC_SCRIPT).read_to_end(&mut script).map_err(|error| {
        tracing::error!(%error, "the embedded script cannot be unpacked");
        Problem::new(&codes::INTERNAL)
    })?;
    Ok((kind, script).into_response())
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING);
    given.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = matches!(quality.trim().trim_start_matches("q="), "0" | "0.0" | "0.00" | "0.000");
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
