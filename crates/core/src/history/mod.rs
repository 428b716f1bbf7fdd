//! What an event was: its versions, what changed between two of them, and the way back.
//!
//! Invariants:
//! * history is read, never rewritten: a rollback is a new version with the whole old state (rule 6);
//! * whoever works on an event, or with whom it is shared, sees every version; whoever only views its calendar sees the
//!   versions that were shown to viewers of this calendar when they were current, and no other (rule 15);
//! * lists come without snapshots: a page of a long history costs what it shows.

mod changelog;
mod diff;
mod read;
mod recurrence_text;
mod restore;
mod rollback;
mod store;

pub use changelog::{Changelog, Line, Place, RoleChange, changelog};
pub use diff::{Diff, diff};
pub use read::{Entry, Person, at, list, pair, version};
pub use recurrence_text::recurrence_in_words;
pub use restore::{Action, Item, MOST_EVENTS, RestoreWish, Restored, restore_calendar};
pub use rollback::{RollbackWish, roll_back};
