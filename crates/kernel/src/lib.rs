//! Value types that every part of Kalends shares. They cannot be wrong once they exist: each is parsed
//! at a door and never checked again. Nothing here does I/O, except that [`Clock::system`] and [`Ids`]
//! are the one place that asks the machine for the time and for randomness.
#![deny(missing_docs)]

mod clock;
mod email;
pub mod fields;
mod id;
mod ids;
mod invalid;
mod page;
mod secret;
mod zone;

pub use clock::Clock;
pub use email::{EmailAddress, EmailError};
pub use id::{
    CalendarId, EventId, FeedId, GroupId, Id, JobId, SessionId, ShareLinkId, TokenId, UploadId, UserId, VenueId, kind,
};
pub use ids::Ids;
pub use invalid::{FieldError, Invalid};
pub use page::{Cursor, CursorError, DEFAULT_LIMIT, MAX_LIMIT, Page};
pub use secret::Secret;
pub use zone::{UnknownZone, Zone, tzdb_version};
