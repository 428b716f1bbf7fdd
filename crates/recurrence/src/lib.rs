#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod budget;
mod calendar;
mod error;
mod expand;
mod lines;
mod occurrences;
mod rule;
mod series;
mod split;
mod start;
mod values;
mod written;
mod zone;

pub use budget::{BudgetSpent, DEFAULT_BUDGET};
pub use error::{Fault, InvalidRule, LineError};
pub use lines::{MAX_DATES, MAX_LINE_BYTES, MAX_LINES, MAX_RULES};
pub use occurrences::{Occurrence, Occurrences};
pub use rule::{ByDay, End, Freq, MAX_LIST_VALUES, Rule, Until};
pub use series::Series;
pub use split::{Split, SplitError};
pub use start::Start;
