//! "This and following": the series ends before an occurrence, and a new event goes on from it (rule 4).

use jiff::civil::DateTime;
use kalends_db::Tx;
use kalends_kernel::{Invalid, Zone};
use kalends_recurrence::SplitError;

use super::content::Content;
use super::series::{Compiled, too_sparse};
use super::write::{self, WriteMeta};
use super::{Event, EventError};
use crate::ctx::Ctx;

/// The two halves of a series.
pub(super) struct Halves {
    /// What the old event keeps.
    pub(super) before: Content,
    /// What the new event begins with, before any change of it.
    pub(super) after: Content,
}

/// Splits a series before one of its occurrences; none when nothing would be left before it.
pub(super) fn halves(content: &Content, zone: &Zone, at: DateTime) -> Result<Option<Halves>, EventError> {
    let split = match Compiled::of(content, zone).series().split_at(at) {
        Ok(split) => split,
        Err(SplitError::NothingBefore) => return Ok(None),
        Err(SplitError::Budget(spent)) => return Err(too_sparse(spent).into()),
        Err(why @ (SplitError::NothingAfter | SplitError::Inexpressible)) => {
            return Err(
                Invalid::one("?scope", "cannot-split", format!("the series cannot be split here: {why}")).into()
            );
        }
    };
    let (earlier, later) = content.overrides.iter().cloned().partition(|one| one.original_start < at);
    let before = Content { recurrence: split.before, overrides: earlier, ..content.clone() };
    let times = content.times.begun_at(split.after_start.local());
    let after = Content { recurrence: split.after, overrides: later, times, ..content.clone() };
    // One date alone is no series any more; what was different about it is what it is.
    Ok(Some(Halves { before: alone(before), after: alone(after) }))
}

/// A series that has become a single event takes over what an override says of its only occurrence.
fn alone(content: Content) -> Content {
    if content.is_recurring() {
        return content;
    }
    let own = content.overridden(content.times.start).cloned();
    let content = Content { overrides: Vec::new(), ..content };
    own.map_or_else(|| content.clone(), |one| one.apply(&content))
}

/// Ends the old series; gives it as it is now.
pub(super) async fn end_before(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    before: Content,
    said: WriteMeta,
) -> Result<Event, EventError> {
    write::replace(tx, ctx, old, Event { content: before, ..old.clone() }, said).await
}
