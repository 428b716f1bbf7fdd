//! The bell: a signal at every commit, so that nothing inside the program has to poll the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Counts this process's commits, and rings for them and for those that it hears of from other processes.
#[derive(Clone)]
pub(crate) struct Bell(Arc<Inner>);

struct Inner {
    commits: AtomicU64,
    rung: watch::Sender<u64>,
}

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell(Arc::new(Inner { commits: AtomicU64::new(0), rung: watch::Sender::new(0) }))
    }

    /// Rings for a commit of this process.
    pub(crate) fn committed(&self) {
        self.0.commits.fetch_add(1, Ordering::SeqCst);
        self.ring();
    }

    /// Rings without counting a commit of this process: another process committed, or may have.
    pub(crate) fn ring(&self) {
        self.0.rung.send_modify(|times| *times = times.wrapping_add(1));
    }

    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::SeqCst)
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.rung.subscribe()
    }
}
