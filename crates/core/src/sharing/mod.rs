//! Sharing: who may do what on a calendar or one event.
//!
//! Invariants: every calendar has an owner; an event's owners are its own and its calendar's, so it always has one too.
//! A group that owns counts when somebody active is in it (an address only once somebody has shown it to be theirs): when the
//! last owner by name leaves, whoever has been in the group longest becomes one.
//! Only owners share. A share takes effect with its commit: nothing about permissions is cached, and who is in a group is
//! looked up in the statement that asks for a role.

mod calendar;
mod event;
mod grants;
pub mod groups;
mod input;
mod offboarding;
mod shared_with_me;
pub(crate) mod store;
mod transfer;

pub use calendar::{calendar_permissions, change_on_calendar, revoke_on_calendar, share_calendar};
pub(crate) use event::withdraw_from_event;
pub use event::{change_on_event, event_permissions, revoke_on_event, share_event};
pub use grants::{Party, address_given_up, address_verified};
pub use input::{Invitation, Wish, parse_event_share, parse_role, parse_share};
pub use offboarding::leave_all;
pub use shared_with_me::{Shared, SharedBy, What, shared_with};
pub use transfer::{Transfer, transfer};

use jiff::Timestamp;
use kalends_db::Error;
use kalends_kernel::{GroupId, Invalid, UserId};
use uuid::Uuid;

use crate::access::{Denied, Role};
use crate::calendars::CalendarError;
use crate::conflicts::Report;

/// Who has a role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Principal {
    /// A person.
    User {
        /// The account.
        id: UserId,
        /// Its name for people.
        name: String,
        /// Its user name.
        username: String,
    },
    /// Everybody in a group.
    Group {
        /// Which.
        id: GroupId,
        /// What it is called.
        name: String,
    },
    /// Whoever has shown that an address is theirs. Whether anybody has is not told.
    Address {
        /// Names it in paths.
        id: GroupId,
        /// The address.
        email: String,
        /// Until when it is waited for somebody to show it.
        expires_at: Option<Timestamp>,
    },
}

/// A role that somebody has.
#[derive(Clone, PartialEq, Debug)]
pub struct Permission {
    /// Whose.
    pub principal: Principal,
    /// Which.
    pub role: Role,
    /// Whether it comes from the event's calendar and can only be changed there.
    pub inherited: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Permission {
    /// The person whose it is.
    fn user(&self) -> Option<UserId> {
        match self.principal {
            Principal::User { id, .. } => Some(id),
            Principal::Group { .. } | Principal::Address { .. } => None,
        }
    }

    /// What names it in paths.
    pub fn id(&self) -> Uuid {
        match self.principal {
            Principal::User { id, .. } => id.uuid(),
            Principal::Group { id, .. } | Principal::Address { id, .. } => id.uuid(),
        }
    }
}

/// Why a command on permissions was refused.
#[derive(Debug)]
pub enum SharingError {
    /// The actor may not.
    Denied(Denied),
    /// The input is wrong.
    Invalid(Invalid),
    /// Nobody would be left who owns it.
    LastOwner,
    /// Every account keeps the calendar that it was made with.
    Default,
    /// Those whom it is to be shared with are busy then, and the request says not to.
    Clash(Box<Report>),
    /// Whether they are busy takes more work than a request may cost.
    TooMuchToCheck,
    /// A fault.
    Internal(Error),
}

impl From<Error> for SharingError {
    fn from(error: Error) -> Self {
        SharingError::Internal(error)
    }
}
impl From<Denied> for SharingError {
    fn from(denied: Denied) -> Self {
        SharingError::Denied(denied)
    }
}
impl From<Invalid> for SharingError {
    fn from(invalid: Invalid) -> Self {
        SharingError::Invalid(invalid)
    }
}
impl From<CalendarError> for SharingError {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Denied(denied) => SharingError::Denied(denied),
            CalendarError::Invalid(invalid) => SharingError::Invalid(invalid),
            CalendarError::Internal(error) => SharingError::Internal(error),
            // Loading says none of the others.
            _ => SharingError::Denied(Denied::NotFound),
        }
    }
}
