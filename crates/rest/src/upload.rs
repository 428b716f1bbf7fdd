//! Forms with a file (`multipart/form-data`, RFC 7578): the file and the other fields, within limits.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use http::{StatusCode, header};
use kalends_kernel::Invalid;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::codes;
use crate::problem::Problem;

/// How many bytes the fields beside the file and the form itself may have.
const BESIDE: usize = 64 << 10;
/// How many fields a form may have.
const MOST_FIELDS: usize = 20;

/// A form that was sent with a file.
#[derive(Clone, Debug)]
pub struct Form {
    /// The fields beside the file, as texts.
    pub fields: Map<String, Value>,
    /// The file, if there is one.
    pub file: Option<File>,
}

/// A file that was sent.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What it is, as the sender says.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl Form {
    /// Reads a form whose file is in the field `file` and has at most `most` bytes.
    pub async fn read(mut request: Request, most: usize) -> Result<Form, Problem> {
        let media =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.to_ascii_lowercase().starts_with("multipart/form-data") {
            return Err(Problem::new(&codes::MEDIA_TYPE).detail("send multipart/form-data with the part `file`"));
        }
        let too_large = || Problem::new(&codes::TOO_LARGE).detail(format!("a file may have {most} bytes"));
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > most + BESIDE) {
            return Err(too_large());
        }
        DefaultBodyLimit::max(most + BESIDE).apply(&mut request);
        let unreadable = |error: &dyn std::fmt::Display| {
            Problem::new(&codes::UNREADABLE).detail(format!("the form cannot be read: {error}"))
        };
        let mut form = Multipart::from_request(request, &()).await.map_err(|error| unreadable(&error))?;
        let mut read = Form { fields: Map::new(), file: None };
        let mut count = 0;
        loop {
            let problem = |error: axum::extract::multipart::MultipartError| match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => too_large(),
                _ => unreadable(&error.body_text()),
            };
            let Some(field) = form.next_field().await.map_err(problem)? else { return Ok(read) };
            count += 1;
            if count > MOST_FIELDS {
                return Err(Problem::new(&codes::UNREADABLE).detail(format!("a form may have {MOST_FIELDS} fields")));
            }
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                let file_name = plain(field.file_name().unwrap_or_default());
                let media_type = plain(field.content_type().unwrap_or_default());
                let content = field.bytes().await.map_err(problem)?;
                if content.len() > most {
                    return Err(too_large());
                }
                if read.file.is_some() {
                    return Err(Invalid::one("/file", "repeated", "may be given once").into());
                }
                read.file = Some(File { name: file_name, media_type, content: content.to_vec() });
                continue;
            }
            let text = field.text().await.map_err(problem)?;
            if read.fields.insert(name.clone(), text.into()).is_some() {
                let shown: String = plain(&name);
                return Err(Invalid::one(format!("/{shown}"), "repeated", "may be given once").into());
            }
        }
    }

    /// SHA-256 of everything, for idempotency keys.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(Value::Object(self.fields.clone()).to_string().as_bytes());
        if let Some(file) = &self.file {
            digest.update([0]);
            digest.update(file.name.as_bytes());
            digest.update([0]);
            digest.update(&file.content);
        }
        digest.finalize().into()
    }
}

/// A name for people: without control characters, not too long, without folders.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let whole = if name.contains("/") && !name.contains('.') { name } else { last };
    whole.chars().filter(|c| !c.is_control()).take(200).collect()
}
