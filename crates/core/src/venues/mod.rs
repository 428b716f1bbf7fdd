//! Venues: places that can be double-booked, unlike the free words of a location.
//!
//! Invariants: everybody with an account sees every venue and when it is taken; who made it and administrators manage it.
//! What holds when events overlap at one is decided in `conflicts`.

mod create;
mod delete;
mod edit;
mod input;
mod list;
pub(crate) mod store;

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use input::VenueInput;
pub use list::{Listed, count, list};
pub use store::load;

use jiff::Timestamp;
use kalends_db::Error;
use kalends_kernel::{Invalid, UserId, VenueId, Zone};

use crate::access::Denied;
use crate::calendars::Conflicts;
use crate::ctx::{Actor, Ctx};

/// A place that can be double-booked.
#[derive(Clone, PartialEq, Debug)]
pub struct Venue {
    /// Its id.
    pub id: VenueId,
    /// Who made it and manages it.
    pub owner: UserId,
    /// What it is called.
    pub name: String,
    /// What there is to know about it.
    pub description: String,
    /// How many people it holds; none when nobody says.
    pub capacity: Option<i64>,
    /// The IANA zone of the place.
    pub zone: Zone,
    /// What happens when events overlap there.
    pub conflicts: Conflicts,
    /// Counts its changes; for ETags.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Venue {
    /// Whether the actor manages it: may change and delete it, and override what it says about conflicts.
    pub fn is_managed_by(&self, ctx: &Ctx) -> bool {
        match &ctx.actor {
            Actor::Anonymous => false,
            Actor::User(user) => user.id == self.owner || user.is_admin(),
            Actor::System => true,
        }
    }
}

/// Why a command on a venue was refused.
#[derive(Debug)]
pub enum VenueError {
    /// The actor may not.
    Denied(Denied),
    /// Only who made it and administrators may.
    NotManager,
    /// The input is wrong.
    Invalid(Invalid),
    /// It was changed since the version that the caller names; this is what it is now.
    Changed(Box<Venue>),
    /// A fault.
    Internal(Error),
}

impl From<Error> for VenueError {
    fn from(error: Error) -> Self {
        VenueError::Internal(error)
    }
}
impl From<Denied> for VenueError {
    fn from(denied: Denied) -> Self {
        VenueError::Denied(denied)
    }
}
impl From<Invalid> for VenueError {
    fn from(invalid: Invalid) -> Self {
        VenueError::Invalid(invalid)
    }
}
