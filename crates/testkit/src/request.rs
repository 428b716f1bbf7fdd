//! Requests and answers of a test.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A request that is being put together.
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    inner: reqwest::RequestBuilder,
    what: String,
}

impl Request {
    pub(crate) fn new(inner: reqwest::RequestBuilder, what: String) -> Request {
        Request { inner, what }
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Request {
        self.what.push_str(&format!(" {body}"));
        self.inner = self.inner.json(body);
        self
    }

    /// With a body of this text and content type.
    pub fn body(mut self, content_type: &str, text: impl Into<String>) -> Request {
        self.inner = self.inner.header("content-type", content_type).body(text.into());
        self
    }

    /// With a form (`multipart/form-data`): the file in the part `file`, and other parts.
    pub fn upload(mut self, name: &str, content: &[u8], parts: &[(&str, &str)]) -> Request {
        const BOUNDARY: &str = "a-boundary-that-no-file-has";
        self.what.push_str(&format!(" {name} {parts:?}"));
        let mut body = Vec::new();
        for (part, value) in parts {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{part}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/calendar\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        self.inner = self.inner.header("content-type", media).body(body);
        self
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.what.push_str(&format!(" [{name}: {value}]"));
        self.inner = self.inner.header(name, value);
        self
    }

    /// Sends it. The test fails if there is no answer.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it to a server that may be gone.
    pub async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let response = self.inner.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { what: self.what, status, headers, text, json, bytes: bytes.to_vec() })
    }

    /// Sends it and checks the status; the usual way.
    #[track_caller]
    pub fn expect(self, status: u16) -> impl Future<Output = Reply> + Send {
        let caller = std::panic::Location::caller();
        async move { self.send().await.check(status, caller) }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    what: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub json: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// This answer if it has the status; else the test fails and shows the whole of it.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        self.check(status, std::panic::Location::caller())
    }

    #[expect(clippy::panic, reason = "for tests only")]
    fn check(self, status: u16, caller: &std::panic::Location<'_>) -> Reply {
        if self.status.as_u16() != status {
            let headers: String = self.headers.iter().map(|(name, value)| format!("  {name}: {value:?}\n")).collect();
            let body = serde_json::to_string_pretty(&self.json).ok().filter(|_| !self.json.is_null());
            let body = body.unwrap_or_else(|| self.text.clone());
            panic!("{caller}\n{}\nwanted {status}, got {}\n{headers}\n{body}", self.what, self.status);
        }
        self
    }

    /// This answer if it is the problem of this slug, with the status that the table of codes gives it.
    #[track_caller]
    #[expect(clippy::panic, reason = "for tests only")]
    pub fn expect_problem(self, slug: &str) -> Reply {
        let caller = std::panic::Location::caller();
        let Some(code) = kalends_rest::codes::ALL.iter().find(|code| code.slug == slug) else {
            panic!("{caller}\nthere is no problem {slug}");
        };
        let reply = self.check(code.status, caller);
        let media = reply.header("content-type");
        let kind = reply.json.get("type").and_then(Value::as_str);
        if media != Some("application/problem+json") || kind != Some(&format!("/problems/{slug}")) {
            panic!("{caller}\n{}\nwanted the problem {slug}, got {media:?}\n{}", reply.what, reply.text);
        }
        reply
    }

    /// A header's text, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The ETag. The test fails if there is none.
    #[track_caller]
    #[expect(clippy::panic, reason = "for tests only")]
    pub fn etag(&self) -> String {
        match self.header("etag") {
            Some(etag) => etag.to_owned(),
            None => panic!("{} has no ETag: {}", self.what, self.text),
        }
    }

    /// A text in the JSON body, by JSON Pointer. The test fails if it is not there.
    #[track_caller]
    #[expect(clippy::panic, reason = "for tests only")]
    pub fn str(&self, pointer: &str) -> &str {
        match self.json.pointer(pointer).and_then(Value::as_str) {
            Some(text) => text,
            None => panic!("{}: no text at {pointer:?} in {:#}", self.what, self.json),
        }
    }

    /// The `id` of the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.str("/id").to_owned()
    }

    /// The `items` of the body. The test fails if there are none.
    #[track_caller]
    #[expect(clippy::panic, reason = "for tests only")]
    pub fn items(&self) -> &Vec<Value> {
        match self.json.get("items").and_then(Value::as_array) {
            Some(items) => items,
            None => panic!("{}: no items in {:#}", self.what, self.json),
        }
    }

    /// One text of every item, such as their titles.
    #[track_caller]
    pub fn each(&self, pointer: &str) -> Vec<String> {
        let text = |item: &Value| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.items().iter().map(|item| text(item).unwrap_or_else(|| "(none)".to_owned())).collect()
    }

    /// The pointers and codes of a problem's errors, sorted.
    pub fn errors(&self) -> Vec<(String, String)> {
        let text = |error: &Value, name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let errors = self.json.get("errors").and_then(Value::as_array);
        let mut all: Vec<_> =
            errors.into_iter().flatten().map(|error| (text(error, "pointer"), text(error, "code"))).collect();
        all.sort();
        all
    }
}
