//! What the handlers need, put together once by the server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use kalends_core::accounts::{Passwords, Policy, Verified};
use kalends_db::Db;
use kalends_kernel::Clock;
use tokio::sync::Notify;

use crate::limits::Limits;
use crate::response_cache::{HotEvents, HotFeeds, Rendered};

/// What the handlers need. Every layer and handler holds one, and they are cloned for every request.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// Of these parts.
    pub fn new(parts: Parts) -> App {
        App(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Hashing of passwords, with bounded concurrency.
    pub passwords: Passwords,
    /// Who has shown which token lately.
    pub tokens: TokenCache,
    /// The events that anonymous people saw lately.
    pub hot_events: HotEvents,
    /// The feeds that were fetched lately.
    pub hot_feeds: HotFeeds,
    /// The events that signed-in people saw lately.
    pub rendered: Rendered,
    /// How much a client may ask.
    pub limits: Limits,
    /// Rung after a commit that enqueued a job, so that a worker of this node looks at once.
    pub wake: Arc<Notify>,
    /// The settings of this door.
    pub settings: Settings,
    /// The Prometheus text of the metrics, rendered on demand.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

/// The settings of the REST door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the server, without a slash at the end.
    pub public_url: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Which web origins may call the API from a browser; `*` for all.
    pub cors_origins: BTreeSet<String>,
    /// Whether requests are counted and refused.
    pub rate_limits: bool,
    /// The largest file that is taken, in bytes.
    pub largest_upload: usize,
    /// For how many days the change log keeps its rows.
    pub log_days: u32,
    /// How many years ahead conflicts are looked for.
    pub horizon_years: i64,
    /// How accounts come to be.
    pub accounts: Policy,
}

/// Tokens that were verified in the last second, so that a busy client costs one look-up a second. Other nodes hear of a
/// logout within that second; on this node [`TokenCache::forget_all`] makes it at once.
pub struct TokenCache {
    cache: moka::sync::Cache<[u8; 32], Arc<Verified>>,
    generation: AtomicU64,
}

impl Default for TokenCache {
    fn default() -> Self {
        let cache = moka::sync::Cache::builder().max_capacity(20_000).time_to_live(Duration::from_secs(1)).build();
        TokenCache { cache, generation: AtomicU64::new(0) }
    }
}

impl TokenCache {
    /// What was verified lately.
    pub fn get(&self, digest: &[u8; 32]) -> Option<Arc<Verified>> {
        self.cache.get(digest)
    }

    /// A number to take before asking the database and to give back to [`TokenCache::put`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Keeps an answer of the database, unless something was revoked since `generation` was taken.
    pub fn put(&self, digest: [u8; 32], verified: Arc<Verified>, generation: u64) {
        if self.generation() == generation {
            self.cache.insert(digest, verified);
            // A revocation may have come between the check and the insert.
            if self.generation() != generation {
                self.cache.invalidate(&digest);
            }
        }
    }

    /// Forgets everything; called after each commit that ends a session or changes an account. Rare and cheap.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate_all();
    }
}
