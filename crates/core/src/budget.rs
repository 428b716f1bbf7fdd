//! The work that one request, or one step of a job, may cost: counted in steps, whatever the path, so that no account can keep
//! the server busy with what it once stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the steps of a request. A step is one occurrence that is walked, whether or not it is given out, or as much work as
/// that: less than a microsecond. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<AtomicU64>);

/// The request costs more work than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMuchWork;

impl Budget {
    /// The steps that a request has.
    pub const STEPS: u64 = 2_000_000;

    /// The bytes of event contents that a page holds, about; a page that reaches them ends there.
    pub const PAGE_BYTES: usize = 8 << 20;

    /// Takes steps. Fails when more have been taken than a request has.
    pub fn spend(&self, steps: u64) -> Result<(), TooMuchWork> {
        let before = self.0.fetch_add(steps, Ordering::Relaxed);
        if before.saturating_add(steps) > Budget::STEPS { Err(TooMuchWork) } else { Ok(()) }
    }

    /// Returns the steps that were taken.
    pub fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Gives all steps back: the command begins, perhaps not for the first time.
    pub fn restart(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clones_spend_counts_together_until_the_command_begins_again() {
        let budget = Budget::default();
        let clone = budget.clone();
        assert_eq!(budget.spend(Budget::STEPS), Ok(()));
        assert_eq!(clone.spend(1), Err(TooMuchWork));
        budget.restart();
        assert_eq!((clone.spend(1), budget.spent()), (Ok(()), 1));
    }
}
