use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many rows a list answers with when nobody says.
pub const DEFAULT_LIMIT: u32 = 50;
/// How many rows a list answers with at most.
pub const MAX_LIMIT: u32 = 500;

/// A page of a list that is ordered by (sort key, id).
#[derive(Clone, PartialEq, Debug)]
pub struct Page<T> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next: Option<Cursor>,
}

/// A place in a list: just behind the row with this sort key and id. Because it names a key and not a
/// number of rows, a row whose key does not change is neither repeated nor skipped while others come and go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// The sort key of the last row, in whatever text form its list uses.
    pub key: String,
    /// The id of the last row.
    pub id: Uuid,
    /// What tells rows with the same id apart (the original start of an instance); empty elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// A digest of the question (filters and order), because a cursor of one list means nothing in another.
    pub of: u32,
}

/// The text is no cursor that this server made for this list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CursorError;

impl Cursor {
    /// The opaque text that clients hand back.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Cursor::encode`] made for the list with the digest `of`.
    pub fn decode(text: &str, of: u32) -> Result<Cursor, CursorError> {
        if text.len() > 2_000 {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| CursorError)?;
        // No key of ours has control characters, and PostgreSQL takes no NUL.
        let tampered = cursor.key.contains(char::is_control) || cursor.part.contains(char::is_control);
        if cursor.of == of && !tampered { Ok(cursor) } else { Err(CursorError) }
    }
}
