//! Whose time an event takes: what the table `occupancy` says of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kalends_db::{Result, Tx};
use kalends_kernel::{EventId, UserId, VenueId};
use uuid::Uuid;

use super::store;
use crate::access::State;
use crate::events::{Content, Derived, Event, Status};

/// The rows of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occupancy {
    /// Its calendar, venues and people; nobody when it takes no time.
    pub subjects: BTreeSet<Uuid>,
    /// How far it reaches.
    pub reach: i64,
    /// The first moment of any instance.
    pub starts_at: Timestamp,
    /// The first moment after all instances; none for endless series.
    pub ends_at: Option<Timestamp>,
}

impl Occupancy {
    /// What an event takes.
    pub fn of(event: &Event, derived: &Derived) -> Occupancy {
        let mut subjects = BTreeSet::new();
        let has_length = event.content.is_recurring() || derived.ends_at.is_none_or(|end| end > derived.starts_at);
        if takes_time(event) && has_length {
            subjects.insert(event.calendar_id.uuid());
            subjects.extend(places(&event.content).into_iter().map(VenueId::uuid));
            subjects.extend(people(event).into_iter().map(UserId::uuid));
        }
        Occupancy { subjects, reach: derived.reach, starts_at: derived.starts_at, ends_at: derived.ends_at }
    }
}

/// Whether anything of the event takes time at all.
pub(super) fn takes_time(event: &Event) -> bool {
    let content = &event.content;
    let instance_does = |busy: bool, status: Status| busy && status != Status::Cancelled;
    let an_override_does = content.overrides.iter().any(|one| {
        !one.cancelled && instance_does(one.busy.unwrap_or(content.busy), one.status.unwrap_or(content.status))
    });
    event.facts.state == State::Published
        && event.deleted_at.is_none()
        && (instance_does(content.busy, content.status) || an_override_does)
}

/// Whose time it takes.
pub(super) fn people(event: &Event) -> BTreeSet<UserId> {
    let linked = event.content.audience.iter().flat_map(|audience| audience.user_ids.iter().copied());
    linked.chain([event.in_calendar.personal.unwrap_or(event.author_id)]).collect()
}

/// The venues of its instances.
pub(super) fn places(content: &Content) -> BTreeSet<VenueId> {
    let of_overrides = content.overrides.iter().filter(|one| !one.cancelled).filter_map(|one| one.venue_id);
    content.venue_id.into_iter().chain(of_overrides).collect()
}

/// Writes what a new event takes, in the transaction that writes the event.
pub(crate) async fn occupy(tx: &mut Tx, event: EventId, is: &Occupancy) -> Result<()> {
    store::put(tx, event, is).await
}

/// The same for one that may have taken something else before.
pub(crate) async fn reoccupy(tx: &mut Tx, event: EventId, is: &Occupancy) -> Result<()> {
    store::clear(tx, event).await?;
    store::put(tx, event, is).await
}
