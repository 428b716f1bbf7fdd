//! What is the same on every page.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use kalends_core::ctx::{Actor, Ctx, Door};
use kalends_core::events::EventError;

use crate::Web;
use crate::words::Words;

/// No script, nothing from elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What a page takes from a request.
pub struct Visit {
    /// The language of the reader, as far as we speak it.
    pub words: &'static Words,
    query: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let asked = query.iter().find(|(name, _)| name == "lang").map(|(_, tag)| tag.as_str());
        let words = Words::of(asked.or_else(|| accepted(&parts.headers)).unwrap_or_default());
        Ok(Visit { words, query })
    }
}

/// The most wanted language that we speak.
fn accepted(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let weighed = given.split(',').filter_map(|one| {
        let (tag, weight) = one.split_once(";q=").unwrap_or((one, "1"));
        let weight: f32 = weight.trim().parse().ok()?;
        (weight > 0.0 && Words::speaks(tag.trim())).then_some((tag.trim(), weight))
    });
    // Of equals the first.
    weighed.reduce(|best, one| if one.1 > best.1 { one } else { best }).map(|(tag, _)| tag)
}

impl Visit {
    /// A parameter of the address.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Nobody in particular, now.
pub fn anybody(web: &Web) -> Ctx {
    Ctx { actor: Actor::Anonymous, ..Ctx::system(web.clock.now(), Door::Web) }
}

/// A page that cannot be shown.
#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    words: &'static Words,
    title: &'static str,
    text: &'static str,
}

/// Why there is no page.
pub enum Missing {
    /// It is not there, or not for everybody.
    NotFound(&'static Words),
    /// The database is busy, or a fault.
    Later(&'static Words),
}

impl Missing {
    /// What the refusal of a query is on a page.
    pub fn of(error: EventError, words: &'static Words) -> Missing {
        match error {
            EventError::Denied(_) | EventError::Invalid(_) => Missing::NotFound(words),
            EventError::Internal(error) => Missing::fault(error, words),
            other => {
                tracing::warn!(?other, "a page could not be made");
                Missing::Later(words)
            }
        }
    }

    /// What a fault of the database is on a page.
    pub fn fault(error: kalends_db::Error, words: &'static Words) -> Missing {
        tracing::error!(%error, "a page could not be made");
        Missing::Later(words)
    }
}

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        let (status, words, title, text) = match self {
            Missing::NotFound(words) => (StatusCode::NOT_FOUND, words, words.not_found, words.not_found_text),
            Missing::Later(words) => (StatusCode::SERVICE_UNAVAILABLE, words, words.later, words.later_text),
        };
        let mut response = show(&Problem { words, title, text }, words);
        *response.status_mut() = status;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The answer with a page.
pub fn show(page: &impl Template, words: &'static Words) -> Response {
    let Ok(html) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(words.tag)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::VARY, HeaderValue::from_static("Accept-Language")),
    ];
    (headers, html).into_response()
}
