//! A successful answer, in a form that can also be stored and given again (rule 8).

use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::call::Call;

/// The ETag of a version of something as one caller sees it: `"<version>-<digest>"`. `If-Match` looks at the version alone,
/// `If-None-Match` at all of it.
pub fn etag(version: i64, seen_as: &[&str]) -> String {
    let digest: [u8; 32] = Sha256::digest(seen_as.join("\n").as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    format!("\"{version}-{:08x}\"", u32::from_be_bytes([a, b, c, d]))
}

/// The JSON text of a value. Room for an event from the start: growing there by doubling would copy it several times.
fn json(body: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(2_048);
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// The JSON text; empty for 204.
    pub body: String,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: &impl Serialize) -> Reply {
        Reply { status: 200, etag: None, location: None, body: json(body) }
    }

    /// 201 with a body, at this path.
    pub fn created(location: String, body: &impl Serialize) -> Reply {
        Reply { status: 201, location: Some(location), ..Reply::ok(body) }
    }

    /// 204.
    pub fn no_content() -> Reply {
        Reply { status: 204, etag: None, location: None, body: String::new() }
    }

    /// 200 with a body, or 304 when the caller has it already.
    pub fn unless_known(call: &Call, etag: String, body: &impl Serialize) -> Reply {
        if call.has(&etag) { Reply::not_modified(etag) } else { Reply::ok(body).etag(etag) }
    }

    /// The same, or 304 when the caller has it already.
    pub fn or_not_modified(self, call: &Call) -> Reply {
        match self.etag {
            Some(etag) if call.has(&etag) => Reply::not_modified(etag),
            _ => self,
        }
    }

    fn not_modified(etag: String) -> Reply {
        Reply { status: 304, etag: Some(etag), location: None, body: String::new() }
    }

    /// With an ETag (its quotes included).
    pub fn etag(mut self, etag: String) -> Reply {
        self.etag = Some(etag);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = if self.body.is_empty() {
            status.into_response()
        } else {
            (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
        };
        let mut set = |name: HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::ETAG, self.etag);
        set(header::LOCATION, self.location);
        response
    }
}
