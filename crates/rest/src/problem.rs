//! Problem documents (RFC 9457): what every error of the API looks like.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use kalends_kernel::{FieldError, Invalid};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::codes::{self, Code};

/// An error on its way to the caller. (Boxed, because every handler's result carries it.)
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: &'static Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    more: Map<String, Value>,
    retry_after: Option<u64>,
    etag: Option<String>,
}

/// The result of a handler.
pub type Answer<T = crate::reply::Reply> = Result<T, Problem>;

impl Problem {
    /// A problem of this kind.
    pub fn new(code: &'static Code) -> Problem {
        let inner = Inner { code, detail: None, errors: Vec::new(), more: Map::new(), retry_after: None, etag: None };
        Problem(Box::new(inner))
    }

    /// With a sentence about this case.
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.0.detail = Some(detail.into());
        self
    }

    /// With a further member.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        self.0.more.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// With the number of seconds after which another try makes sense.
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.0.retry_after = Some(seconds);
        self
    }

    /// With the ETag of the representation that is current.
    pub fn etag(mut self, etag: String) -> Problem {
        self.0.etag = Some(etag);
        self
    }

    /// The same as another kind of problem.
    pub fn as_code(mut self, code: &'static Code) -> Problem {
        self.0.code = code;
        self
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.0.code.status
    }

    /// Which kind it is.
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// Its JSON form.
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), format!("/problems/{}", self.0.code.slug).into());
        body.insert("title".into(), self.0.code.title.into());
        body.insert("status".into(), self.0.code.status.into());
        // A client error always says what would help; the detail of a server error is the request id.
        let help = (self.0.code.status < 500).then_some(self.0.code.help);
        if let Some(detail) = self.0.detail.as_deref().or(help) {
            body.insert("detail".into(), detail.into());
        }
        if !self.0.errors.is_empty() {
            body.insert("errors".into(), serde_json::to_value(&self.0.errors).unwrap_or_default());
        }
        body.extend(self.0.more.clone());
        Value::Object(body)
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Problem {
        let mut problem = Problem::new(&codes::INVALID).detail(invalid.to_string());
        problem.0.errors = invalid.errors().to_vec();
        problem
    }
}

impl From<kalends_db::Error> for Problem {
    fn from(error: kalends_db::Error) -> Problem {
        match error {
            kalends_db::Error::Busy(why) => {
                tracing::warn!(why, "busy");
                Problem::new(&codes::BUSY).retry_after(1)
            }
            kalends_db::Error::Full => Problem::new(&codes::FULL),
            other => {
                // Two voices: the log gets the chain, the caller the request id (added on the way out).
                tracing::error!(error = %other, "internal error");
                Problem::new(&codes::INTERNAL)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], self.to_json().to_string()).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(etag) = self.0.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        if self.0.code.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(title = "Problem", example = json!({
    "type": "/problems/invalid", "title": "Some values are not right", "status": 422,
    "detail": "/start: must be given", "errors": [{"pointer": "/start", "code": "required", "detail": "must be given"}]
}))]
pub struct ProblemDocument {
    /// The kind of problem: `/problems/<slug>`, a page that explains it. Slugs never change.
    #[serde(rename = "type")]
    kind: String,
    /// A short summary of the kind of problem.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A sentence about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// All invalid values of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
}

/// An invalid value.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem {
    /// A JSON Pointer (RFC 6901) into the body; `?name` for a query parameter.
    pointer: String,
    /// A stable code in kebab-case.
    code: String,
    /// A sentence for people.
    detail: String,
}
