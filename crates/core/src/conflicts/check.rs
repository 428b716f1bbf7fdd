//! Whether an event takes time that is taken: refused in the write, told in the answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Tx};
use kalends_kernel::{EventId, Invalid, UserId, VenueId, Zone};

use super::find::{OtherInterval, taken};
use super::occupancy::{people, places, takes_time};
use super::overlap::{CoveredIntervals, OwnInterval, Timeline};
use super::{Clash, MOST_LISTED, Reason, Report, Subject, Work, horizon, store};
use crate::access::{DetailLevel, Grant};
use crate::calendars::Conflicts;
use crate::ctx::Ctx;
use crate::events::store::load_unchecked;
use crate::events::{BusyInterval, Compiled, Content, Event, EventError, derive, show_instant, show_wall};
use crate::venues::{self, Venue};

/// Refuses a write that newly takes time that is taken, where the policy says so. Called by the one function that writes
/// events; until the commit nobody else can pass for the same calendar, venue or person.
pub(crate) async fn guard(
    tx: &mut Tx,
    ctx: &Ctx,
    old: Option<&Event>,
    new: &Event,
    wish: Option<Conflicts>,
    leaving: &BTreeSet<EventId>,
) -> Result<(), EventError> {
    match against(tx, ctx, old, new, wish, leaving, &mut Work::of(ctx)).await? {
        None => Ok(()),
        Some(report) => Err(EventError::Clash(Box::new(report))),
    }
}

/// The same for events that were written together, each as it was and is: while one was written, the others were left out,
/// because they were about to move. Says which of them is refused.
pub(crate) async fn guard_together(
    tx: &mut Tx,
    ctx: &Ctx,
    moved: impl Iterator<Item = (&Event, &Event)>,
    wish: Option<Conflicts>,
) -> Result<(), (EventId, EventError)> {
    let nobody = BTreeSet::new();
    for (old, new) in moved {
        guard(tx, ctx, Some(old), new, wish, &nobody).await.map_err(|error| (new.id, error))?;
    }
    Ok(())
}

/// What stands against a write; none when nothing does, or nobody asks.
pub(super) async fn against(
    tx: &mut Tx,
    ctx: &Ctx,
    old: Option<&Event>,
    new: &Event,
    wish: Option<Conflicts>,
    but: &BTreeSet<EventId>,
    work: &mut Work,
) -> Result<Option<Report>, EventError> {
    let venues = venues_of(tx, old, new).await?;
    if !takes_time(new) || old.is_some_and(|old| takes_the_same(old, new)) {
        return Ok(None);
    }
    let policies = Policies::of(ctx, new, &venues, wish);
    let subjects = policies.subjects(new, Conflicts::Reject);
    if subjects.is_empty() {
        return Ok(None);
    }
    let starts_at = derive(&new.content, &new.calendar_zone).starts_at;
    let until = horizon(ctx, starts_at);
    let question = Question {
        itself: Some(new.id),
        writes: true,
        but,
        known: old.filter(|old| takes_time(old)).map(subjects_of).unwrap_or_default(),
        mine: newly_taken(old, new, (starts_at, until), work)?,
        subjects,
    };
    if question.is_empty() {
        return Ok(None);
    }
    tx.hold(question.subjects.iter().map(|subject| subject.id())).await?;
    let (clashes, more) = ask(tx, ctx, &question, work).await?;
    let report = Report { clashes, more, warnings: Vec::new(), checked_until: until };
    Ok(Some(report).filter(Report::is_about_something))
}

/// What an event that was written (or, a draft, is to be published) clashes with, for the answer; none where nobody asks.
pub async fn conflict_report(
    conn: &mut Conn,
    ctx: &Ctx,
    event: &Event,
    wish: Option<Conflicts>,
) -> Result<Option<Report>, EventError> {
    let venues = venues::store::all_of(conn, places(&event.content)).await?;
    let subjects = Policies::of(ctx, event, &venues, wish).subjects(event, Conflicts::Warn);
    if subjects.is_empty() || event.deleted_at.is_some() {
        return Ok(None);
    }
    let starts_at = derive(&event.content, &event.calendar_zone).starts_at;
    let warnings = duplicates(conn, ctx, Some(event.id), event.calendar_id, &event.content.title, starts_at).await?;
    Ok(Some(Report { warnings, ..look(conn, ctx, event, subjects).await? }))
}

/// What people to whom an event is to be shown are busy with then, as far as the actor may see it; none where nobody asks.
/// It takes none of their time, so only a request's own `reject` refuses; a calendar's is a warning here.
pub(crate) async fn of_people(
    conn: &mut Conn,
    ctx: &Ctx,
    event: &Event,
    people: Vec<UserId>,
    wish: Option<Conflicts>,
) -> Result<Option<Report>, EventError> {
    let policy = wish.unwrap_or(event.in_calendar.conflicts.min(Conflicts::Warn));
    if policy == Conflicts::Ignore || people.is_empty() || !takes_time(event) {
        return Ok(None);
    }
    let report = look(conn, ctx, event, people.into_iter().map(Subject::User).collect()).await?;
    match policy == Conflicts::Reject && report.is_about_something() {
        true => Err(EventError::Clash(Box::new(report))),
        false => Ok(Some(report)),
    }
}

/// What takes the time of these while an event takes place, as it is.
async fn look(conn: &mut Conn, ctx: &Ctx, event: &Event, subjects: Subjects) -> Result<Report, EventError> {
    let (mut work, nobody) = (Work::of(ctx), BTreeSet::new());
    let starts_at = derive(&event.content, &event.calendar_zone).starts_at;
    let until = horizon(ctx, starts_at);
    let mine = timeline(&event.content, &event.calendar_zone, (starts_at, until), &mut work)?;
    let (itself, known, mine) = (Some(event.id), Subjects::new(), all_new(mine));
    let question = Question { itself, writes: false, but: &nobody, known, mine, subjects };
    let (clashes, more) = ask(conn, ctx, &question, &mut work).await?;
    Ok(Report { clashes, more, warnings: Vec::new(), checked_until: until })
}

/// The venues of an event that are there. A new one must be.
async fn venues_of(tx: &mut Tx, old: Option<&Event>, new: &Event) -> Result<Vec<Venue>, EventError> {
    let wanted = places(&new.content);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let found = venues::store::all_of(tx, wanted.iter().copied()).await?;
    let known = old.map(|old| places(&old.content)).unwrap_or_default();
    let is_wrong = |id: &VenueId| !known.contains(id) && !found.iter().any(|venue| venue.id == *id);
    let mut invalid = Invalid::new();
    let detail = "there is no such venue";
    if new.content.venue_id.as_ref().is_some_and(is_wrong) {
        invalid.add("/venue_id", "unknown-venue", detail);
    }
    for (index, one) in new.content.overrides.iter().enumerate() {
        if one.venue_id.as_ref().is_some_and(is_wrong) {
            invalid.add(format!("/overrides/{index}/venue_id"), "unknown-venue", detail);
        }
    }
    Ok(invalid.or(found)?)
}

/// What is to happen, by what is taken.
pub(super) struct Policies {
    general: Conflicts,
    venues: BTreeMap<VenueId, Conflicts>,
}

impl Policies {
    pub(super) fn of(ctx: &Ctx, event: &Event, venues: &[Venue], wish: Option<Conflicts>) -> Policies {
        let calendar = event.in_calendar.conflicts;
        let of_venue = |venue: &Venue| {
            if venue.conflicts == Conflicts::Reject && !venue.is_managed_by(ctx) {
                Conflicts::Reject
            } else {
                wish.unwrap_or(venue.conflicts.max(calendar))
            }
        };
        Policies {
            general: wish.unwrap_or(calendar),
            venues: venues.iter().map(|venue| (venue.id, of_venue(venue))).collect(),
        }
    }

    /// What of an event is looked at under a policy at least this strict.
    pub(super) fn subjects(&self, event: &Event, least: Conflicts) -> BTreeSet<Subject> {
        let mut subjects: BTreeSet<Subject> =
            self.venues.iter().filter(|(_, policy)| **policy >= least).map(|(id, _)| Subject::Venue(*id)).collect();
        if self.general >= least {
            subjects.extend(subjects_of(event));
        }
        subjects
    }
}

type Subjects = BTreeSet<Subject>;

/// The calendar and the people; venues are asked by themselves, since they may be different from one instance to the next.
fn subjects_of(event: &Event) -> Subjects {
    people(event).into_iter().map(Subject::User).chain([Subject::Calendar(event.calendar_id)]).collect()
}

/// Whether nothing of what a check looks at has changed.
fn takes_the_same(old: &Event, new: &Event) -> bool {
    let (a, b) = (&old.content, &new.content);
    takes_time(old)
        && a.times == b.times
        && a.recurrence == b.recurrence
        && a.overrides == b.overrides
        && (a.status, a.busy, a.venue_id) == (b.status, b.busy, b.venue_id)
        && old.calendar_zone == new.calendar_zone
        && subjects_of(old) == subjects_of(new)
}

/// The stretches that the instances of a series take in a window.
pub(super) fn timeline(
    content: &Content,
    zone: &Zone,
    (from, to): (Timestamp, Timestamp),
    work: &mut Work,
) -> Result<Vec<BusyInterval>, EventError> {
    let compiled = Compiled::of(content, zone);
    let mut all = Vec::new();
    // A single event is looked at whole, however far away it is.
    let to = if content.is_recurring() { to } else { Timestamp::MAX };
    for instance in compiled.overlapping(from, to, &work.budget) {
        work.check()?;
        all.extend(compiled.taken(&instance.map_err(|_| EventError::TooMuchToCheck)?));
    }
    Ok(all)
}

pub(super) fn all_new(mine: Vec<BusyInterval>) -> Timeline {
    Timeline::new(mine.into_iter().map(|taken| OwnInterval { taken, moved: true, rehoused: true }).collect())
}

/// What the new content takes, and what of it the old one did not.
fn newly_taken(
    old: Option<&Event>,
    new: &Event,
    window: (Timestamp, Timestamp),
    work: &mut Work,
) -> Result<Timeline, EventError> {
    let mine = timeline(&new.content, &new.calendar_zone, window, work)?;
    let Some(old) = old.filter(|old| takes_time(old)) else { return Ok(all_new(mine)) };
    let from = derive(&old.content, &old.calendar_zone).starts_at;
    let before = timeline(&old.content, &old.calendar_zone, (from, window.1), work)?;
    let times = CoveredIntervals::of(before.iter().map(|one| (one.start, one.end)));
    let mut places: HashMap<VenueId, Vec<(Timestamp, Timestamp)>> = HashMap::new();
    for one in &before {
        if let Some(venue) = one.venue {
            places.entry(venue).or_default().push((one.start, one.end));
        }
    }
    let places: HashMap<VenueId, CoveredIntervals> =
        places.into_iter().map(|(venue, all)| (venue, CoveredIntervals::of(all))).collect();
    let mine = mine.into_iter().map(|taken| OwnInterval {
        taken,
        moved: !times.has(taken.start, taken.end),
        rehoused: !taken
            .venue
            .and_then(|venue| places.get(&venue))
            .is_some_and(|held| held.has(taken.start, taken.end)),
    });
    Ok(Timeline::new(mine.collect()))
}

/// What is asked.
pub(super) struct Question<'b> {
    /// The event itself is no conflict.
    pub(super) itself: Option<EventId>,
    /// Nor are these.
    pub(super) but: &'b BTreeSet<EventId>,
    /// Whether it is about to be written: then what the actor may not see is in the way, too.
    pub(super) writes: bool,
    /// When.
    pub(super) mine: Timeline,
    /// Whose time.
    pub(super) subjects: Subjects,
    /// Whose time it was before: of theirs only what is moved counts.
    pub(super) known: Subjects,
}

impl Question<'_> {
    fn is_empty(&self) -> bool {
        let Some((from, to)) = self.mine.span() else { return true };
        let somebody_new =
            self.subjects.iter().any(|one| !matches!(one, Subject::Venue(_)) && !self.known.contains(one));
        !somebody_new && self.mine.overlapping(from, to).all(|one| !one.moved && !one.rehoused)
    }

    /// Through which of these subjects one of theirs conflicts with one of mine.
    fn conflicts<'q>(
        &'q self,
        mine: &'q OwnInterval,
        theirs: &'q OtherInterval,
        through: &'q Subjects,
    ) -> impl Iterator<Item = Reason> + 'q {
        through
            .iter()
            .filter(|subject| match subject {
                Subject::Venue(id) => mine.rehoused && mine.taken.venue == Some(*id) && theirs.venue == Some(*id),
                other => mine.moved || !self.known.contains(other),
            })
            .map(|subject| subject.reason())
    }
}

/// A conflict that was found: when it begins, the other event and instance; then its end, the overlap and why.
type Hits = BTreeMap<(Timestamp, EventId, Option<DateTime>), Hit>;

struct Hit {
    end: Timestamp,
    overlap: (Timestamp, Timestamp),
    reasons: BTreeSet<Reason>,
}

/// The first conflicts by start, and whether there are more.
pub(super) async fn ask(
    conn: &mut Conn,
    ctx: &Ctx,
    question: &Question<'_>,
    work: &mut Work,
) -> Result<(Vec<Clash>, bool), EventError> {
    let Some(span) = question.mine.span() else { return Ok((Vec::new(), false)) };
    let mut hits = Hits::new();
    let mut steps = 0;
    taken(conn, ctx, &question.subjects, span, question.writes, work, |through, theirs| {
        if question.itself == Some(theirs.event) || question.but.contains(&theirs.event) {
            return;
        }
        let key = (theirs.start, theirs.event, theirs.original_start);
        let full = hits.len() > MOST_LISTED && hits.last_key_value().is_some_and(|(last, _)| key > *last);
        for mine in question.mine.overlapping(theirs.start, theirs.end) {
            steps += 1;
            // Once one is left out, it only matters that there are more; and of one that is in, every reason.
            if full || steps > MOST_STEPS {
                return;
            }
            let reasons: BTreeSet<Reason> = question.conflicts(mine, &theirs, through).collect();
            if reasons.is_empty() {
                continue;
            }
            let overlap = (theirs.start.max(mine.taken.start), theirs.end.min(mine.taken.end));
            let hit = hits.entry(key).or_insert(Hit { end: theirs.end, overlap, reasons: BTreeSet::new() });
            hit.reasons.extend(reasons);
        }
        if hits.len() > MOST_LISTED + 1 {
            hits.pop_last();
        }
    })
    .await?;
    if steps > MOST_STEPS {
        return Err(EventError::TooMuchToCheck);
    }
    // A pair costs a tenth of what an instance does.
    work.spend(u64::try_from(steps / 10).unwrap_or(u64::MAX))?;
    let more = hits.len() > MOST_LISTED;
    let mut ids: Vec<EventId> = hits.keys().take(MOST_LISTED).map(|key| key.1).collect();
    ids.sort();
    ids.dedup();
    let events: HashMap<EventId, (Event, Option<Grant>)> =
        load_unchecked(conn, ctx, &ids).await?.into_iter().map(|(event, grant)| (event.id, (event, grant))).collect();
    let found = hits.len();
    let clashes: Vec<Clash> = hits
        .into_iter()
        .take(MOST_LISTED)
        .filter_map(|((start, id, original), hit)| {
            let (event, grant) = events.get(&id)?;
            clash(event, grant.as_ref(), (start, hit.end), hit.overlap, original, hit.reasons)
        })
        .collect();
    // What the actor may not see is in the way as well: that there is more is all that is said.
    let more = more || clashes.len() < found;
    Ok((clashes, more))
}

/// How many pairs of instances are looked at.
const MOST_STEPS: usize = 1_000_000;

/// Returns the other instance as the actor may see it: no more than free/busy says of it.
fn clash(
    event: &Event,
    grant: Option<&Grant>,
    (start, end): (Timestamp, Timestamp),
    overlap: (Timestamp, Timestamp),
    original: Option<DateTime>,
    reasons: BTreeSet<Reason>,
) -> Option<Clash> {
    let times = &event.content.times;
    let zone = times.zone(&event.calendar_zone);
    let (in_calendar, otherwise): (Vec<Reason>, Vec<Reason>) =
        reasons.iter().partition(|reason| matches!(reason, Reason::Calendar));
    let (grant, reasons) = match grant {
        Some(grant) if grant.sight >= DetailLevel::Public => (grant, reasons.into_iter().collect()),
        Some(grant) if !in_calendar.is_empty() => (grant, in_calendar),
        // The venue or the person is busy then. That this event is why would tell its place, or who is in it.
        _ if !otherwise.is_empty() => {
            let utc = |at: Timestamp| at.to_string();
            let (start, end) = (utc(overlap.0), utc(overlap.1));
            return Some(Clash { event: None, title: None, start, end, original_start: None, reasons: otherwise });
        }
        _ => return None,
    };
    let own = original.and_then(|original| event.content.overridden(original)).and_then(|one| one.title.clone());
    let title = (grant.sight >= DetailLevel::Public).then(|| own.unwrap_or_else(|| event.content.title.clone()));
    let original_start = original.map(|original| {
        if times.all_day || times.time_zone.is_none() {
            crate::events::show(original, start, None, times.all_day)
        } else {
            show_wall(original, times.begun_at(original).start_instant(&event.calendar_zone))
        }
    });
    Some(Clash {
        event: Some(event.id),
        title,
        start: show_instant(start, zone),
        end: show_instant(end, zone),
        original_start,
        reasons,
    })
}

/// How near two events with one title begin that are probably the same.
const NEAR: SignedDuration = SignedDuration::from_hours(1);

/// Probably the same event once more: the same title, case and blanks aside, in the same calendar at about the same time.
pub(super) async fn duplicates(
    conn: &mut Conn,
    ctx: &Ctx,
    but: Option<EventId>,
    calendar: kalends_kernel::CalendarId,
    title: &str,
    starts_at: Timestamp,
) -> Result<Vec<Clash>, EventError> {
    let near = |by: SignedDuration| starts_at.checked_add(by).unwrap_or(starts_at);
    let ids = store::beginning(conn, calendar, (near(-NEAR), near(NEAR)), 200).await?;
    let ids: Vec<EventId> = ids.into_iter().filter(|id| Some(*id) != but).collect();
    let words = |title: &str| title.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let wanted = words(title);
    let mut found = Vec::new();
    for (event, grant) in load_unchecked(conn, ctx, &ids).await? {
        let Some(grant) = grant.filter(|grant| grant.sight >= DetailLevel::Public) else { continue };
        if words(&event.content.title) == wanted {
            let times = &event.content.times;
            let zone = &event.calendar_zone;
            let at = (times.start_instant(zone), times.end_instant(zone).max(times.start_instant(zone)));
            let original = event.content.is_recurring().then_some(times.start);
            found.extend(clash(&event, Some(&grant), at, at, original, [Reason::Duplicate].into()));
        }
    }
    found.sort_by(|a, b| (&a.start, a.event).cmp(&(&b.start, b.event)));
    found.truncate(MOST_LISTED);
    Ok(found)
}
