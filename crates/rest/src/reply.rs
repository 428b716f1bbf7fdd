//! A successful answer, in a form that can also be stored and given again (rule 8).

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::extract::Call;

/// How many headers an answer has in the end, about: room for them from the start.
pub const HEADERS: usize = 12;

/// The ETag of a version of something as one caller sees it: `"<version>-<digest>"`. `If-Match` looks at the version alone,
/// `If-None-Match` at all of it.
pub fn etag<T: AsRef<[u8]>>(version: i64, seen_as: &[T]) -> String {
    let mut digest = Sha256::new();
    for (number, part) in seen_as.iter().enumerate() {
        digest.update(if number > 0 { "\n" } else { "" });
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let [a, b, c, d, ..] = digest;
    format!("\"{version}-{:08x}\"", u32::from_be_bytes([a, b, c, d]))
}

/// The JSON text of a value. Room for an event from the start: growing there by doubling would copy it several times.
fn json(body: &impl Serialize) -> Bytes {
    let mut text = Vec::with_capacity(2_048);
    match serde_json::to_writer(&mut text, body) {
        // Kept answers take what they say, not what there was room for.
        Ok(()) => text.into_boxed_slice().into(),
        Err(_) => Bytes::new(),
    }
}

/// How the JSON text is stored: as a text. In memory it is shared: the same answer may go out many times.
mod text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(body).map_err(serde::ser::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
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
    #[serde(with = "text")]
    pub body: Bytes,
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
        Reply { status: 204, etag: None, location: None, body: Bytes::new() }
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
        Reply { status: 304, etag: Some(etag), location: None, body: Bytes::new() }
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
        response.headers_mut().reserve(HEADERS);
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
