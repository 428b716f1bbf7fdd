//! When people and venues are busy, joined so that nothing is told but that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kalends_db::Conn;
use kalends_kernel::{Invalid, UserId, VenueId};

use super::find::taken;
use super::overlap::merged;
use super::{Subject, Work};
use crate::access::Denied;
use crate::ctx::{Actor, Ctx};
use crate::events::EventError;
use crate::venues;

/// A half-open stretch of time.
pub type Stretch = (Timestamp, Timestamp);

/// How long a window can be.
pub const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 366);
/// For how many people and venues one request may ask.
pub const MOST_SUBJECTS: usize = 100;

/// When a person or venue is busy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusyTime<Id> {
    /// Who.
    pub id: Id,
    /// When, joined where it overlaps or touches, by start.
    pub busy: Vec<Stretch>,
    /// Whether that is all: of other people only what the actor may see at least as busy is there.
    pub complete: bool,
}

/// When people and venues are busy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreeBusy {
    /// When any of them is.
    pub busy: Vec<Stretch>,
    /// Each of the people.
    pub users: Vec<BusyTime<UserId>>,
    /// Each of the venues.
    pub venues: Vec<BusyTime<VenueId>>,
}

/// When people and venues are busy in `[from, to)`. Of venues everybody with an account may know it, of people whoever sees at
/// least that they are busy, of oneself one always may.
pub async fn free_busy(
    conn: &mut Conn,
    ctx: &Ctx,
    users: &[UserId],
    venues: &[VenueId],
    (from, to): Stretch,
) -> Result<FreeBusy, EventError> {
    let of_users = users.iter().map(|id| Subject::User(*id));
    let subjects: BTreeSet<Subject> = of_users.chain(venues.iter().map(|id| Subject::Venue(*id))).collect();
    let there = venues::store::all_of(conn, venues.iter().copied()).await?;
    if venues.iter().any(|id| !there.iter().any(|venue| venue.id == *id)) {
        return Err(Denied::NotFound.into());
    }
    let mut found: BTreeMap<Subject, Vec<Stretch>> = BTreeMap::new();
    taken(conn, ctx, &subjects, (from, to), false, &mut Work::of(ctx), |through, theirs| {
        let stretch = (theirs.start.max(from), theirs.end.min(to));
        for subject in through {
            let elsewhere = matches!(subject, Subject::Venue(id) if theirs.venue != Some(*id));
            if !elsewhere {
                found.entry(*subject).or_default().push(stretch);
            }
        }
    })
    .await?;
    let mut of = |subject| merged(found.remove(&subject).unwrap_or_default());
    let sees_all = match &ctx.actor {
        Actor::User(user) => user.is_admin(),
        Actor::System => true,
        Actor::Anonymous => false,
    };
    let users: Vec<BusyTime<UserId>> = distinct(users)
        .map(|id| BusyTime { id, busy: of(Subject::User(id)), complete: sees_all || ctx.user() == Some(id) })
        .collect();
    let venues: Vec<BusyTime<VenueId>> =
        distinct(venues).map(|id| BusyTime { id, busy: of(Subject::Venue(id)), complete: true }).collect();
    let all = users.iter().flat_map(|one| &one.busy).chain(venues.iter().flat_map(|one| &one.busy)).copied();
    Ok(FreeBusy { busy: merged(all.collect()), users, venues })
}

/// Each once, in the order they are named.
fn distinct<T: Copy + Ord>(all: &[T]) -> impl Iterator<Item = T> {
    let mut seen = BTreeSet::new();
    all.iter().copied().filter(move |one| seen.insert(*one))
}

/// What is wrong with a window, by the names that its ends have.
pub(super) fn wrong_window((from, to): Stretch, at: &str) -> Invalid {
    let mut invalid = Invalid::new();
    if to <= from {
        invalid.add(format!("{at}to"), "before-from", "must be after from");
    } else if to.duration_since(from) > LONGEST_WINDOW {
        invalid.add(format!("{at}to"), "too-long", "must be at most 366 days after from");
    }
    invalid
}
