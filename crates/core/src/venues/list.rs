use kalends_db::{Conn, Result};
use kalends_kernel::{Cursor, Page};

use super::{Venue, store};

/// Which venues.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

/// The venues, by name.
pub async fn list(conn: &mut Conn, listed: &Listed) -> Result<Page<Venue>> {
    let limit = listed.limit as usize;
    let mut items = store::after(conn, listed.cursor.as_ref(), i64::from(listed.limit) + 1).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        key: last.name.clone(),
        id: last.id.uuid(),
        part: String::new(),
        of: listed.digest,
    });
    Ok(Page { items, next })
}

/// How many there are in all.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    store::count(conn).await
}
