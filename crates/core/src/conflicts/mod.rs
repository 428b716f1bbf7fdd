//! Double booking: whose time an event takes, what overlaps it, when people and venues are free (rules 1, 14, 15, 27).
//!
//! * **What takes time**: published events that are busy, not cancelled and not in the trash; of a series each instance
//!   with its override applied. Drafts and what waits for review do not; publishing them asks. Half-open everywhere:
//!   touching is no conflict, and what has no length never has one.
//! * **Whose**: the calendar's; each venue's, per instance; the people's: the author (in somebody's own calendar: whoever it
//!   belongs to) and everybody whom `audience.user_ids` names. `occupancy` has a row for each, to find them by.
//! * **What happens**: the caller's wish (`on_conflict`), else what the calendar says about calendar and people, and the
//!   stricter of calendar and venue about the venue. A venue's `reject` is overridden only by who manages it.
//! * **Exact** up to a horizon (`checked_until`), across endless series. Work is bounded; what would take more is refused.
//!
//! Every write goes through `guard`, which `events::write` calls: check and write are one under locks on the calendar,
//! the venues and the people involved. Only what an event takes *newly* is refused: whoever corrects a title, or cancels one
//! of the instances, is not held up by an overlap that was allowed before. To be shown an event takes nobody's time: sharing
//! one asks (`of_people`), and holds nothing.

mod check;
mod dry_run;
mod extend_horizon;
mod find;
mod free_busy;
mod free_slots;
mod occupancy;
mod overlap;
mod store;
#[cfg(test)]
mod tests;
mod zone;

pub use check::conflict_report;
pub(crate) use check::{guard, guard_together, of_people};
pub use dry_run::{DryRun, dry_run};
pub use extend_horizon::extend_horizon;
pub use free_busy::{BusyTime, FreeBusy, LONGEST_WINDOW, MOST_SUBJECTS, Stretch, free_busy};
pub use free_slots::{FreeSlots, Hours, free_slots};
pub use occupancy::Occupancy;
pub(crate) use occupancy::{occupy, reoccupy};

pub(crate) use store::stored;
pub(crate) use zone::against_zone;

use jiff::{Timestamp, ToSpan};
use kalends_kernel::{CalendarId, EventId, UserId, VenueId};
use uuid::Uuid;

use crate::budget::Budget;
use crate::ctx::Ctx;

/// Why two events conflict. The most specific first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// They are at the same venue.
    Venue,
    /// They are in the same calendar.
    Calendar,
    /// They take the same person's time.
    User,
    /// They have the same title and begin at about the same time: probably one event twice. Only ever a warning.
    Duplicate,
}

impl Reason {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Venue => "venue",
            Reason::Calendar => "calendar",
            Reason::User => "user",
            Reason::Duplicate => "duplicate",
        }
    }
}

/// What has time of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A venue.
    Venue(VenueId),
    /// A calendar.
    Calendar(CalendarId),
    /// A person.
    User(UserId),
}

impl Subject {
    fn id(self) -> Uuid {
        match self {
            Subject::Venue(id) => id.uuid(),
            Subject::Calendar(id) => id.uuid(),
            Subject::User(id) => id.uuid(),
        }
    }

    fn reason(self) -> Reason {
        match self {
            Subject::Venue(_) => Reason::Venue,
            Subject::Calendar(_) => Reason::Calendar,
            Subject::User(_) => Reason::User,
        }
    }
}

/// An instance of another event that takes the same time, as the actor may see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clash {
    /// The other event; none when the actor may not know which.
    pub event: Option<EventId>,
    /// What it is called; none when the actor sees its times alone, or not even those.
    pub title: Option<String>,
    /// When it begins, with offset. Of what the actor may not see: when the overlap does.
    pub start: String,
    /// When it ends; of what the actor may not see, when the overlap does.
    pub end: String,
    /// Of a series: which instance.
    pub original_start: Option<String>,
    /// The most specific first; never empty.
    pub reasons: Vec<Reason>,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What takes the same time, by start.
    pub clashes: Vec<Clash>,
    /// Whether there are more than are listed: too many, or some that the actor may not see.
    pub more: bool,
    /// Probably the same event once more.
    pub warnings: Vec<Clash>,
    /// Up to when all is known.
    pub checked_until: Timestamp,
}

impl Report {
    /// Returns whether anything takes the same time, listed or not.
    pub fn is_about_something(&self) -> bool {
        self.more || !self.clashes.is_empty()
    }
}

/// How many conflicts an answer lists.
pub const MOST_LISTED: usize = 100;

/// How far a check looks for something that begins at `starts_at`: some years from now; from its start, when that is later
/// still.
fn horizon(ctx: &Ctx, starts_at: Timestamp) -> Timestamp {
    let years_after = |at: Timestamp| {
        let until = at.to_zoned(jiff::tz::TimeZone::UTC).checked_add(ctx.horizon_years.years());
        until.map_or(Timestamp::MAX, |until| until.timestamp())
    };
    let until = years_after(ctx.now);
    if starts_at < until { until } else { years_after(starts_at) }
}

/// More work than a request may cost.
struct TooMuch;

/// The work that one check may still do, in the steps of its command's budget.
struct Work {
    most: u64,
    budget: Budget,
    /// The steps that were spent before.
    before: u64,
}

impl Work {
    /// Some tenths of a second for one event.
    const MOST: u64 = 500_000;

    fn of(ctx: &Ctx) -> Work {
        Work { most: Work::MOST, before: ctx.budget.spent(), budget: ctx.budget.clone() }
    }

    /// For the program's own work.
    fn at_most(most: u64) -> Work {
        Work { most, budget: Budget::default(), before: 0 }
    }

    fn left(&self) -> u64 {
        self.most.saturating_sub(self.budget.spent().saturating_sub(self.before))
    }

    fn spend(&self, steps: u64) -> Result<(), TooMuch> {
        self.budget.spend(steps).map_err(|_| TooMuch)?;
        if self.left() == 0 { Err(TooMuch) } else { Ok(()) }
    }

    /// Checks that what instances spent by themselves is not too much.
    fn check(&self) -> Result<(), TooMuch> {
        self.spend(0)
    }
}

impl From<TooMuch> for crate::events::EventError {
    fn from(_: TooMuch) -> Self {
        crate::events::EventError::TooMuchToCheck
    }
}
