//! Finding what takes the time of calendars, venues and people: one statement for the candidates, then each series is asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::DateTime;
use kalends_db::Conn;
use kalends_kernel::{EventId, VenueId};

use super::{Subject, Work, store};
use crate::ctx::Ctx;
use crate::events::store::load_unchecked;
use crate::events::{Candidate, EventError, compile};

/// A stretch of time that another event takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OtherInterval {
    pub(super) event: EventId,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Of a series: which instance.
    pub(super) original_start: Option<DateTime>,
    pub(super) venue: Option<VenueId>,
}

/// How many series are looked at before others get a turn on the thread.
const TURN: usize = 100;

/// Gives everything that takes time of these subjects in `[from, to)` to `each`, event by event, of each by start, together
/// with the subjects through which it was found. What other people do is counted only where the actor sees at least that
/// they are busy (rule 27); so is what is in a calendar, unless it is about to be written over (`writes`).
pub(super) async fn taken(
    conn: &mut Conn,
    ctx: &Ctx,
    subjects: &BTreeSet<Subject>,
    (from, to): (Timestamp, Timestamp),
    writes: bool,
    work: &mut Work,
    mut each: impl FnMut(&BTreeSet<Subject>, OtherInterval),
) -> Result<(), EventError> {
    let by_id: HashMap<_, Subject> = subjects.iter().map(|subject| (subject.id(), *subject)).collect();
    let ids: Vec<_> = subjects.iter().map(|subject| subject.id()).collect();
    let most = usize::try_from(work.left()).unwrap_or(usize::MAX);
    let rows = store::taking(conn, &ids, (from, to), most.saturating_add(1)).await?;
    work.spend(u64::try_from(rows.len()).unwrap_or(u64::MAX))?;
    let mut found: BTreeMap<EventId, (store::OccupancyRow, BTreeSet<Subject>)> = BTreeMap::new();
    for row in rows {
        let Some(subject) = by_id.get(&row.subject).copied() else { continue };
        found.entry(row.event).or_insert_with(|| (row, BTreeSet::new())).1.insert(subject);
    }
    hide(conn, ctx, writes, &mut found).await?;
    let (series, singles): (Vec<_>, Vec<_>) = found.into_values().partition(|(row, _)| row.is_series);
    for (row, through) in singles {
        let venue = through.iter().find_map(|subject| match subject {
            Subject::Venue(id) => Some(*id),
            _ => None,
        });
        let (start, end) = (row.starts_at, row.ends_at.unwrap_or(Timestamp::MAX));
        each(&through, OtherInterval { event: row.event, start, end, original_start: None, venue });
    }
    for series in series.chunks(TURN) {
        let candidates: Vec<Candidate> = series
            .iter()
            .map(|(row, _)| Candidate { id: row.event, version: row.version, zone: row.zone.clone() })
            .collect();
        let through: HashMap<EventId, &BTreeSet<Subject>> =
            series.iter().map(|(row, through)| (row.event, through)).collect();
        for (event, compiled) in compile(conn, &candidates).await? {
            let Some(through) = through.get(&event) else { continue };
            for instance in compiled.overlapping(from, to, &work.budget) {
                work.check()?;
                if let Some(taken) = compiled.taken(&instance.map_err(|_| EventError::TooMuchToCheck)?) {
                    let (start, end, venue) = (taken.start, taken.end, taken.venue);
                    each(
                        through,
                        OtherInterval { event, start, end, original_start: Some(taken.original_start), venue },
                    );
                }
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Takes out what the actor may not know of other people, and of calendars.
async fn hide(
    conn: &mut Conn,
    ctx: &Ctx,
    writes: bool,
    found: &mut BTreeMap<EventId, (store::OccupancyRow, BTreeSet<Subject>)>,
) -> Result<(), EventError> {
    let may_hide = |subject: &Subject| match subject {
        Subject::User(id) => Some(*id) != ctx.user(),
        Subject::Calendar(_) => !writes,
        Subject::Venue(_) => false,
    };
    let of_others: Vec<EventId> =
        found.iter().filter(|(_, (_, through))| through.iter().any(may_hide)).map(|(event, _)| *event).collect();
    for (event, grant) in load_unchecked(conn, ctx, &of_others).await? {
        if grant.is_none()
            && let Some((_, through)) = found.get_mut(&event.id)
        {
            through.retain(|subject| !may_hide(subject));
        }
    }
    found.retain(|_, (_, through)| !through.is_empty());
    Ok(())
}
