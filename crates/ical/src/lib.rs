//! iCalendar text (RFC 5545, RFC 7986) to values, as the calendar programs of the world write it.
//!
//! [`read`] takes any bytes: it never panics, its time and memory are bounded by the size of the input and the
//! limits below, and it says with line and code what it could not read. Nothing is guessed: what cannot be
//! read is left out and reported, what is not modelled is kept as it stands. [`Series::instances`] gives the
//! instances of a series in a window. [`mod@write`] is the way back. No I/O, no clock.
#![deny(missing_docs)]

mod event;
mod instances;
mod lines;
mod model;
mod problem;
mod read;
mod tree;
mod value;
mod vtimezone;
mod windows;
pub mod write;
mod zones;

pub use instances::{Instance, InstancesError};
pub use model::{Calendar, Component, Parsed, Series, Status, Visibility};
pub use problem::{Code, Problem, ReadError};
pub use read::read;
pub use value::{Length, When};
pub use zones::Zones;

/// The largest file that is read.
pub const MAX_BYTES: usize = 64 << 20;
/// The longest unfolded line: an attachment of 6 MB, in base64.
pub const MAX_LINE_BYTES: usize = 8 << 20;
/// The most unfolded lines of a file.
pub const MAX_LINES: usize = 3_000_000;
/// The most components of a file, alarms and parts of time zones included.
pub const MAX_COMPONENTS: usize = 500_000;
/// The deepest nesting: an alarm in an event in a calendar is 3.
pub const MAX_DEPTH: usize = 16;
/// The most problems of a file that are listed; the others are counted.
pub const MAX_PROBLEMS: usize = 1_000;
