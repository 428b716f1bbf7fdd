//! Sharing: who may do what on a calendar or one event.
//!
//! Invariants: every calendar has an owner; an event's owners are its own and its calendar's, so it always has one too.
//! Only owners share. A share takes effect with its commit: nothing about permissions is cached.

mod calendar;
mod event;
mod input;
pub(crate) mod store;

pub use calendar::{calendar_permissions, change_on_calendar, revoke_on_calendar, share_calendar};
pub(crate) use event::withdraw_from_event;
pub use event::{change_on_event, event_permissions, revoke_on_event, share_event};
pub use input::{Invitation, Wish, parse_role, parse_share};

use jiff::Timestamp;
use kalends_db::Error;
use kalends_kernel::{Invalid, UserId};

use crate::access::{Denied, Role};
use crate::calendars::CalendarError;

/// A role that somebody has.
#[derive(Clone, PartialEq, Debug)]
pub struct Permission {
    /// Whose.
    pub user: UserId,
    /// The account's name for people.
    pub name: String,
    /// The account's user name.
    pub username: String,
    /// Which.
    pub role: Role,
    /// Whether it comes from the event's calendar and can only be changed there.
    pub inherited: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
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
            // Loading says neither.
            CalendarError::Changed(_) | CalendarError::Default => SharingError::Denied(Denied::NotFound),
        }
    }
}
