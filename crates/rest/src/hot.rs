//! Answers that everybody gets alike: events as anonymous people see them. When a page is passed round, thousands ask for
//! the same event; they are answered without the database.
//!
//! An answer is kept while this process has committed nothing since it was read, and for a second at most, in which
//! other processes may have written. So it is never older than a signed-in reader's.

use std::sync::Arc;
use std::time::Duration;

use kalends_db::Db;
use kalends_kernel::EventId;

use crate::reply::Reply;

/// How many bytes of answers are kept.
const ROOM: u64 = 16 << 20;

/// Answers that were given to anonymous people lately.
#[derive(Clone)]
pub struct HotAnswers(moka::sync::Cache<EventId, Arc<Kept>>);

struct Kept {
    /// [`Db::commits`] before it was read.
    commits: u64,
    reply: Reply,
}

impl Default for HotAnswers {
    fn default() -> Self {
        let weight = |_: &EventId, kept: &Arc<Kept>| u32::try_from(kept.reply.body.len() + 200).unwrap_or(u32::MAX);
        HotAnswers(
            moka::sync::Cache::builder()
                .max_capacity(ROOM)
                .weigher(weight)
                .time_to_live(Duration::from_secs(1))
                .build(),
        )
    }
}

impl HotAnswers {
    /// The answer, if it still holds.
    pub fn get(&self, db: &Db, id: EventId) -> Option<Reply> {
        let kept = self.0.get(&id)?;
        (kept.commits == db.commits()).then(|| kept.reply.clone())
    }

    /// Keeps an answer; `commits` was taken before it was read.
    pub fn put(&self, id: EventId, commits: u64, reply: &Reply) {
        self.0.insert(id, Arc::new(Kept { commits, reply: reply.clone() }));
    }
}
