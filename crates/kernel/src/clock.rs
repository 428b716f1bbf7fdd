use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Where the present comes from. Everything that needs the time is given it from here, so that a test can
/// stand still, jump a year ahead, and be run twice.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands at `at` until [`Clock::set`] or [`Clock::advance`] moves it. Clones move together.
    pub fn manual(at: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(at.as_microsecond()))))
    }

    /// The present, cut to microseconds: the resolution of PostgreSQL, so that a stored time equals the one
    /// that was written.
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
            Source::System => Timestamp::now().as_microsecond(),
            Source::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a manual clock to `at`; the machine's clock does not listen.
    pub fn set(&self, at: Timestamp) {
        if let Source::Manual(micros) = &self.0 {
            micros.store(at.as_microsecond(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock by whole seconds; the machine's clock does not listen.
    pub fn advance(&self, seconds: i64) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
        }
    }
}
