use kalends_db::{Conn, Result};
use kalends_kernel::{Cursor, Page};

use super::{User, store};

/// Which accounts.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The beginning of a user name or of a word of a name; for administrators also a whole e-mail address.
    pub text: Option<String>,
    /// Whether an administrator asks: disabled accounts and e-mail addresses count.
    pub all: bool,
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

/// Accounts by user name; deleted ones never.
pub async fn list(conn: &mut Conn, listed: &Listed) -> Result<Page<User>> {
    let found = store::list(conn, listed).await?;
    Ok(page(found, listed.limit, |last| Cursor {
        key: last.username.to_lowercase(),
        id: last.id.uuid(),
        part: String::new(),
        of: listed.digest,
    }))
}

/// How many there are in all.
pub async fn count(conn: &mut Conn, listed: &Listed) -> Result<i64> {
    store::count(conn, listed).await
}

/// A page of the rows found, of which there is one too many when there is a next page.
pub(super) fn page<T>(mut found: Vec<T>, limit: u32, behind: impl FnOnce(&T) -> Cursor) -> Page<T> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = if more { found.last().map(behind) } else { None };
    Page { items: found, next }
}
