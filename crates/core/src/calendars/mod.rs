//! Calendars: containers of events with an owner, a default time zone, a visibility and a review policy.
//!
//! Invariants: every calendar has an owner among its permissions, and `owner_id` is one of them; every account keeps the
//! calendar that it was made with.

mod create;
mod delete;
mod edit;
mod input;
mod list;
pub(crate) mod store;

pub use create::{create, create_default};
pub use delete::delete;
pub(crate) use delete::trash;
pub use edit::edit;
pub use input::CalendarInput;
pub use list::{Listed, count, list, named};
pub use store::load;

use jiff::Timestamp;
use kalends_db::Error;
use kalends_kernel::{CalendarId, EventId, Invalid, UserId, Zone};

use crate::access::{CalendarFacts, Denied, Grant};
use crate::conflicts::Report;

/// What happens when events overlap; the strictest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Conflicts {
    /// Nothing.
    Ignore,
    /// The answer lists them.
    Warn,
    /// The event is refused.
    Reject,
}

impl Conflicts {
    /// Every policy with its name in the API.
    pub const NAMES: &'static [(&'static str, Conflicts)] =
        &[("ignore", Conflicts::Ignore), ("warn", Conflicts::Warn), ("reject", Conflicts::Reject)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Conflicts::Ignore => "ignore",
            Conflicts::Warn => "warn",
            Conflicts::Reject => "reject",
        }
    }

    /// Reads the name.
    pub(crate) fn from_name(name: &str) -> Conflicts {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(Conflicts::Ignore, |(_, value)| *value)
    }
}

/// A calendar as the actor who loaded it may see it.
#[derive(Clone, PartialEq, Debug)]
pub struct Calendar {
    /// Its id.
    pub id: CalendarId,
    /// The owner it belongs to; others may be owners too.
    pub owner: UserId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// The zone of times that come without one, and of its days.
    pub zone: Zone,
    /// What happens when its events overlap.
    pub conflicts: Conflicts,
    /// Whether an account was made with it.
    pub is_default: bool,
    /// Counts its changes; for ETags.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What the policy looks at.
    pub facts: CalendarFacts,
}

/// A calendar together with what the actor is to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Allowed {
    /// The calendar.
    pub calendar: Calendar,
    /// What the actor is to it.
    pub grant: Grant,
}

/// Why a command on a calendar was refused.
#[derive(Debug)]
pub enum CalendarError {
    /// The actor may not.
    Denied(Denied),
    /// The input is wrong.
    Invalid(Invalid),
    /// It was changed since the version that the caller names; this is what it is now.
    Changed(Box<Allowed>),
    /// Every account keeps its own calendar.
    Default,
    /// In another zone these of its all-day and floating events would take time that is taken, and the policy says no.
    Clash(Vec<EventId>, Box<Report>),
    /// Whether they would is more work to find out than a request may cost.
    TooMuchToCheck,
    /// A fault.
    Internal(Error),
}

impl From<Error> for CalendarError {
    fn from(error: Error) -> Self {
        CalendarError::Internal(error)
    }
}
impl From<Denied> for CalendarError {
    fn from(denied: Denied) -> Self {
        CalendarError::Denied(denied)
    }
}
impl From<Invalid> for CalendarError {
    fn from(invalid: Invalid) -> Self {
        CalendarError::Invalid(invalid)
    }
}
