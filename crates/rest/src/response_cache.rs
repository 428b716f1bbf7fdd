//! Answers that are asked for again and again, kept so that they are not made again.
//!
//! Those that everybody gets alike ([`Hot`]: events and feeds as anonymous people see them) are given without the database.
//! When a page is passed round, thousands ask for the same event; apps ask for the same feed every few minutes.
//! Those that depend on who asks ([`Rendered`]) are given when the row in the database is the one they were made of.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use kalends_core::access::Grant;
use kalends_core::events::AllowedText;
use kalends_core::feeds::{Language, Tag};
use kalends_db::Db;
use kalends_kernel::EventId;
use moka::sync::Cache;

use crate::events::EventView;
use crate::reply::Reply;

/// How many bytes each kind may keep.
const ROOM: u64 = 16 << 20;

/// What was answered to anonymous people lately.
///
/// It is kept while this process has committed nothing since it was read, and for a second at most, in which other
/// processes may have written. So it is never older than a signed-in reader's.
pub struct Hot<K, V>(Cache<K, Arc<Kept<V>>>);

struct Kept<V> {
    /// [`Db::commits`] before it was read.
    commits: u64,
    value: V,
}

/// Events.
pub type HotEvents = Hot<EventId, Reply>;
/// The tags of feeds.
pub type HotFeeds = Hot<FeedKey, Tag>;
/// A feed by its path, in a language.
pub type FeedKey = (String, Option<Language>);

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Hot<K, V> {
    /// Nothing yet; `size` says how many bytes an answer takes.
    pub fn new(size: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        let weight = move |_: &K, kept: &Arc<Kept<V>>| u32::try_from(size(&kept.value) + 200).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(ROOM).weigher(weight).time_to_live(Duration::from_secs(1));
        Hot(cache.build())
    }

    /// The answer, if it still holds.
    pub fn get(&self, db: &Db, key: &K) -> Option<V> {
        let kept = self.0.get(key)?;
        (kept.commits == db.commits()).then(|| kept.value.clone())
    }

    /// Keeps an answer; `commits` was taken before it was read.
    pub fn put(&self, key: K, commits: u64, value: V) {
        self.0.insert(key, Arc::new(Kept { commits, value }));
    }
}

/// Events as they were last written out, with the row that each was made of. Reading that row and writing it out anew
/// costs more than all the rest of a request; that two rows are equal is told in no time.
pub struct Rendered(Cache<(EventId, Grant), Arc<(AllowedText, Reply)>>);

impl Default for Rendered {
    fn default() -> Self {
        let weight = |_: &(EventId, Grant), made: &Arc<(AllowedText, Reply)>| {
            u32::try_from(made.0.event.content.len() + made.1.body.len() + 800).unwrap_or(u32::MAX)
        };
        Rendered(Cache::builder().max_capacity(ROOM).weigher(weight).build())
    }
}

impl Rendered {
    /// The event as the one who loaded it may see it.
    pub fn answer(&self, of: AllowedText) -> Result<Reply, kalends_db::Error> {
        let key = (of.event.id, of.grant);
        if let Some(made) = self.0.get(&key)
            && made.0 == of
        {
            return Ok(made.1.clone());
        }
        let reply = EventView::of(&of.clone().open()?).reply();
        self.0.insert(key, Arc::new((of, reply.clone())));
        Ok(reply)
    }
}
