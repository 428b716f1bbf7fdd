//! Feeds: calendars and events as iCalendar text, live.
//!
//! Invariants:
//! * a feed shows what the policy shows its reader, no more; a secret feed what it shows the feed's owner at that moment;
//! * whether anything changed is asked of the change log ([`Asked::tag`]), never of the events; the tag is taken before
//!   the events are read, so that a text is never older than its tag;
//! * of a secret feed's address only a digest is stored.

mod component;
mod language;
mod secret;
mod store;
mod text;
mod validators;

pub use component::series_of;
pub use language::Language;
pub use secret::{CreatedFeed, Feed, FeedError, FeedInput, Secret, create, feed_count, feeds, note_use, revoke};
pub use text::IcsText;
pub use validators::{Asked, Tag, of_calendar, of_event, of_events, of_secret};
