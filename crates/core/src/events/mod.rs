//! Events: single ones and series, their instances, their states.
//!
//! Invariants:
//! * the wall clock and the zone are the truth (`times`); what the database sorts and finds by is derived from the content
//!   (`series::derive`) in the same statement that writes it;
//! * every write goes through `write`, which also writes the version and the change-log row;
//! * an event is never written from a stale read: the UPDATE names the version that was read.

mod audience;
mod batch;
mod change_state;
mod clone;
pub(crate) mod content;
mod create;
mod delete;
pub mod duration_class;
mod edit;
mod import_event;
mod instance;
mod list;
mod merge;
mod overrides;
mod registration;
mod rename;
pub(crate) mod roll_back;
mod search_terms;
mod series;
mod shift;
mod shift_dependents;
mod split;
pub mod state;
pub(crate) mod store;
mod times;
mod write;

pub use audience::{Audience, AudienceKind};
pub use batch::{Batch, BatchRefused, Done, Mode, Operation, batch};
pub use change_state::{StateRefused, StateWish, change_state, change_states};
pub use clone::clone;
pub(crate) use content::PARAMETERS;
pub use content::{Content, Status};
pub use create::{NewEvent, create, into_calendar};
pub use delete::{delete, restore};
pub use edit::{Edit, How, edit};
pub use import_event::{TakenBack, import_event, take_back, take_over, with_uids};
pub use instance::{Instanced, Scope, cancel_instance, edit_instance, instance, instances};
pub(crate) use list::{Candidate, compile, load_all};
pub use list::{Corrected, List, ListedEvent, Sort, Window, count, list, search};
pub use merge::FieldConflict;
pub use overrides::{MOST as MOST_OVERRIDES, Override};
pub use registration::{Price, Registration};
pub use search_terms::{entry as words, index_next};
pub use series::{BusyInterval, Compiled, Derived, Instance, TOO_SPARSE, WalkEnded, derive};
pub use shift::{Shift, ShiftRefused, Shifted, preview_shift, shift};
pub use store::{LOAD, default_calendar, load, load_stored, lock};
pub use times::{Times, parse_moment, resolve, show, show_instant, show_wall};
pub use write::{DERIVATION, derive_again, derive_next};

use jiff::Timestamp;
use jiff::civil::DateTime;
use kalends_db::Error;
use kalends_kernel::fields::Fields;
use kalends_kernel::{CalendarId, EventId, Invalid, UserId, Zone};
use kalends_recurrence::BudgetSpent;
use serde_json::Value;

use crate::access::{Denied, EventFacts, Grant, State};
use crate::budget::TooMuchWork;
use crate::calendars::{Calendar, CalendarError, Conflicts};
use crate::conflicts::Report;

/// An event, whole. What of it somebody may be shown is said by the [`Grant`] that it was loaded with.
#[derive(Clone, PartialEq, Debug)]
pub struct Event<C = Content> {
    /// Its id here.
    pub id: EventId,
    /// Its name in iCalendar (RFC 5545 3.8.4.7): the same in every copy of it, unique in its calendar.
    pub uid: String,
    /// Its calendar.
    pub calendar_id: CalendarId,
    /// Who made it.
    pub author_id: UserId,
    /// The series it was split from.
    pub split_from: Option<EventId>,
    /// Whether it was ever submitted or published: then it is never deleted for good.
    pub submitted: bool,
    /// Counts its changes, from 1, without gaps.
    pub version: i64,
    /// What people say about it.
    pub content: C,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Where it came from, if it was imported.
    pub origin: Origin,
    /// Since when it is in the trash.
    pub deleted_at: Option<Timestamp>,
    /// The zone of its calendar: where all-day and floating events lie.
    pub calendar_zone: Zone,
    /// What else its calendar decides.
    pub in_calendar: CalendarSettings,
    /// What the policy looks at, its state among it.
    pub facts: EventFacts,
}

/// What an event brought along from elsewhere beside its content. It never changes with an edit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Origin {
    /// What SEQUENCE (RFC 5545 3.8.7.4) counts on from: the number that it came in with, less one for each version before.
    pub sequence_from: i64,
    /// CREATED (RFC 5545 3.8.7.1): when it was first made there.
    pub first_made_at: Option<Timestamp>,
}

/// What the calendar of an event decides about it beside rights and zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalendarSettings {
    /// What happens when its events overlap.
    pub conflicts: Conflicts,
    /// Whose own calendar it is, when an account was made with it: what stands in it is their time, whoever wrote it.
    pub personal: Option<UserId>,
}

impl CalendarSettings {
    /// What this calendar decides.
    pub fn of(calendar: &Calendar) -> CalendarSettings {
        CalendarSettings { conflicts: calendar.conflicts, personal: calendar.is_default.then_some(calendar.owner) }
    }
}

impl Event {
    /// Its editorial state.
    pub fn state(&self) -> State {
        self.facts.state
    }

    /// SEQUENCE (RFC 5545 3.8.7.4): it grows with each version, and an import under a higher number raises it.
    pub fn sequence(&self) -> i64 {
        self.origin.sequence_from.saturating_add(self.version - 1).clamp(0, i64::from(i32::MAX))
    }

    /// The event whose next version has at least this SEQUENCE: whoever saw the number elsewhere takes what is said here
    /// from then on for newer.
    #[must_use]
    pub fn reaching(self, sequence: i64) -> Event {
        let sequence_from = self.origin.sequence_from.max(sequence.saturating_sub(self.version));
        Event { origin: Origin { sequence_from, ..self.origin }, ..self }
    }
}

impl<C> Event<C> {
    /// The same event with another content.
    fn with<D>(self, content: D) -> Event<D> {
        let Event { id, uid, calendar_id, author_id, split_from, submitted, version, .. } = self;
        let Event { created_at, updated_at, origin, deleted_at, calendar_zone, in_calendar, facts, .. } = self;
        Event {
            id,
            uid,
            calendar_id,
            author_id,
            split_from,
            submitted,
            version,
            content,
            created_at,
            updated_at,
            origin,
            deleted_at,
            calendar_zone,
            in_calendar,
            facts,
        }
    }
}

/// An event together with what the actor is to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Allowed<C = Content> {
    /// The event.
    pub event: Event<C>,
    /// What the actor is to it.
    pub grant: Grant,
}

/// An event as it lies in the database, its content not read yet: two that are equal read alike.
pub type AllowedText = Allowed<String>;

impl AllowedText {
    /// Reads the content.
    pub fn open(self) -> Result<Allowed, Error> {
        let Allowed { event, grant } = self;
        let content = kalends_db::from_json("content", &event.content)?;
        Ok(Allowed { event: event.with(content), grant })
    }
}

/// Which version the caller looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Precondition {
    /// The versions that `If-Match` names: another current one refuses.
    pub if_match: Option<Vec<i64>>,
    /// The version that the caller started from: changes since then are merged by field.
    pub base_version: Option<i64>,
}

/// Why a command on an event was refused.
#[derive(Debug)]
pub enum EventError {
    /// The actor may not.
    Denied(Denied),
    /// The input is wrong.
    Invalid(Invalid),
    /// It was changed since the version that the caller names; this is what it is now.
    Changed(Box<Allowed>),
    /// Others changed the same fields since the version that the caller started from.
    Conflict {
        /// Which fields, with the three values.
        fields: Vec<FieldConflict>,
        /// The version that is current.
        current: i64,
    },
    /// Replacing the whole needs `If-Match` or `base_version`.
    PreconditionNeeded,
    /// A published event of a calendar with review is not edited in place by others than reviewers.
    ReviewRequired,
    /// The state does not allow it.
    WrongState {
        /// The state it is in.
        from: State,
        /// The state that was wished, if one was.
        to: Option<State>,
        /// Where one can go from there.
        possible: Vec<State>,
    },
    /// It is in the trash.
    Deleted,
    /// The version was in a calendar that is gone, or where the actor may not put events.
    OldCalendar,
    /// The calendar has another event with this UID.
    UidTaken,
    /// These overrides would lose their occurrence.
    Orphans(Vec<DateTime>),
    /// A recurrence rule takes more work than a request that reads may cost; to one that writes it is [`Self::Invalid`].
    Budget,
    /// The request as a whole takes more work than it may cost.
    TooMuchWork,
    /// It takes time that is taken, and the policy says no.
    Clash(Box<Report>),
    /// Whether it takes time that is taken is more work to find out than a request may cost.
    TooMuchToCheck,
    /// A fault.
    Internal(Error),
}

impl From<Error> for EventError {
    fn from(error: Error) -> Self {
        EventError::Internal(error)
    }
}
impl From<Denied> for EventError {
    fn from(denied: Denied) -> Self {
        EventError::Denied(denied)
    }
}
impl From<Invalid> for EventError {
    fn from(invalid: Invalid) -> Self {
        EventError::Invalid(invalid)
    }
}
impl From<BudgetSpent> for EventError {
    fn from(_: BudgetSpent) -> Self {
        EventError::Budget
    }
}
impl From<TooMuchWork> for EventError {
    fn from(_: TooMuchWork) -> Self {
        EventError::TooMuchWork
    }
}
impl From<WalkEnded> for EventError {
    fn from(ended: WalkEnded) -> Self {
        match ended {
            WalkEnded::Sparse(spent) => spent.into(),
            WalkEnded::TooMuchWork(too_much) => too_much.into(),
        }
    }
}
impl From<CalendarError> for EventError {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Denied(denied) => EventError::Denied(denied),
            CalendarError::Invalid(invalid) => EventError::Invalid(invalid),
            CalendarError::Internal(error) => EventError::Internal(error),
            // Loading a calendar says none of the others.
            _ => EventError::Denied(Denied::NotFound),
        }
    }
}
impl From<EventError> for crate::sharing::SharingError {
    fn from(error: EventError) -> Self {
        use crate::sharing::SharingError;
        match error {
            EventError::Internal(error) => SharingError::Internal(error),
            EventError::Invalid(invalid) => SharingError::Invalid(invalid),
            EventError::Denied(denied) => SharingError::Denied(denied),
            EventError::Clash(report) => SharingError::Clash(report),
            EventError::TooMuchToCheck => SharingError::TooMuchToCheck,
            // Loading an event says none of the others.
            _ => SharingError::Denied(Denied::NotFound),
        }
    }
}

/// Reads a list of ids of events: at least one, each once, in the order they are given.
pub(crate) fn read_ids(fields: &mut Fields, name: &'static str, most: usize) -> Option<Vec<EventId>> {
    let ids = fields.list(name, most, |item, at| {
        item.as_str()
            .and_then(|text| text.parse::<EventId>().ok())
            .ok_or_else(|| Invalid::one(at, "not-an-id", "must be an id (a UUID)"))
    });
    let ids = fields.require(name, ids);
    if fields.value(name).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        fields.error(name, "empty", "must name at least one event");
    }
    if let Some(ids) = &ids
        && ids.iter().collect::<std::collections::BTreeSet<_>>().len() != ids.len()
    {
        fields.error(name, "duplicate", "must name each event once");
    }
    ids
}
