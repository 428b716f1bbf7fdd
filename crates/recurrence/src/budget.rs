//! Bounded work. A rule may match rarely or never (`FREQ=DAILY;INTERVAL=7;BYDAY=` some other day); what such a rule
//! costs must not depend on who wrote it.

/// How many candidates (periods of the rule, days skipped over, excluded instances) may be examined between two
/// results unless [`crate::Series::with_budget`] says otherwise.
///
/// Yearly rules reach the end of the calendar (year 9999) in 8,000 candidates and monthly ones in 96,000, so
/// those always get an exact answer; a daily rule may be silent for 270 years. Spending all of it takes a few
/// milliseconds, at worst (a yearly rule by weeks that never matches) some tens.
pub const DEFAULT_BUDGET: u32 = 100_000;

/// The work allowed between two results was spent without finding one.
///
/// The series is not known to be over: whoever gets this must not treat what came before as the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no occurrence found within the budget of {limit} candidates")]
pub struct BudgetSpent {
    /// The budget that was spent, in candidates.
    pub limit: u32,
}

/// What is left of a budget.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limit: u32,
    left: u32,
    steps: u64,
}

impl Budget {
    pub(crate) fn new(limit: u32) -> Budget {
        Budget { limit, left: limit, steps: 0 }
    }

    /// Counts an occurrence, which costs nothing of the budget.
    pub(crate) fn count(&mut self) {
        self.steps += 1;
    }

    /// Returns the number of candidates and occurrences so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// A result was found: the next one gets the full budget again.
    pub(crate) fn refill(&mut self) {
        self.left = self.limit;
    }

    /// Pays for one candidate.
    pub(crate) fn spend(&mut self) -> Result<(), BudgetSpent> {
        self.steps += 1;
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(BudgetSpent { limit: self.limit }),
        }
    }
}
