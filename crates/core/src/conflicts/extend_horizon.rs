//! The horizon moves on, a day every day (rule 27): what series do in the time that has come into reach is looked at, and new
//! clashes are told to the owners of the calendars, as a job of the kind `conflicts` that is done.
//!
//! Invariants: each stretch of time is looked at once, whichever node does it: where the work is stands in one row, which
//! a step reads, and changes in the transaction that writes what the step found, if nobody else did meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Db, Error, Result, Tx};
use kalends_kernel::{EventId, Id, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::{Policies, Question, all_new, ask, timeline};
use super::occupancy::places;
use super::{Clash, Work, horizon, store};
use crate::calendars::Conflicts;
use crate::ctx::{Actor, Credential, Ctx, Door, Scope, SignedIn};
use crate::events::store::load_unchecked;
use crate::events::{Event, EventError, derive};
use crate::{jobs, settings, venues};

/// How often the horizon is moved on.
const EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How many series one step looks at, and how many instances of each at most.
const STEP: i64 = 200;
const MOST_INSTANCES: u64 = 50_000;
/// How many clashes of one series are told, and how many in all.
const TOLD: usize = 10;
const MOST_TOLD: usize = 200;

/// Where the work is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Rolling {
    /// Up to here everything has been looked at.
    until: Timestamp,
    /// When the horizon is to be moved on next.
    next: Timestamp,
    /// What is under way.
    going: Option<Going>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Going {
    /// Up to where.
    to: Timestamp,
    /// Behind which series.
    after: EventId,
}

/// Does a step, if one is due, and says when the next one is.
pub async fn extend_horizon(db: &Db, now: Timestamp, horizon_years: i64) -> Result<Timestamp> {
    let ctx = Ctx { horizon_years, ..Ctx::system(now, Door::Job) };
    let mut conn = db.reader().await?;
    let Some(read) = settings::get(&mut conn, settings::ROLLED_ON).await? else {
        // What is there was looked at when it was written, as far as the horizon was then.
        let oldest = store::oldest_series(&mut conn).await?.unwrap_or(now).min(now);
        let until = horizon(&Ctx { now: oldest, ..ctx.clone() }, Timestamp::MIN);
        drop(conn);
        begin(db, &Rolling { until, next: now, going: None }).await?;
        return Ok(now);
    };
    let at: Rolling = serde_json::from_str(&read)
        .map_err(|error| Error::Decode { column: settings::ROLLED_ON.to_owned(), what: error.to_string() })?;
    if at.going.is_none() && at.next > now {
        return Ok(at.next);
    }
    let start = || Going { to: horizon(&ctx, Timestamp::MIN), after: Id::new(uuid::Uuid::nil()) };
    let Going { to, after } = at.going.clone().unwrap_or_else(start);
    let found = if to > at.until { store::series_beyond(&mut conn, at.until, after, STEP).await? } else { Vec::new() };
    let mut reports: BTreeMap<UserId, Vec<Value>> = BTreeMap::new();
    let last = found.last().map(|one| one.event);
    let more = i64::try_from(found.len()).unwrap_or(STEP) >= STEP;
    for one in found {
        let told = look_at(&mut conn, &ctx, &one, (at.until, to)).await?;
        if !told.is_empty() {
            reports.entry(one.owner).or_default().extend(told);
        }
    }
    drop(conn);
    let next = match last.filter(|_| more) {
        Some(after) => Rolling { going: Some(Going { to, after }), ..at.clone() },
        None => {
            Rolling { until: to.max(at.until), next: now.checked_add(EVERY).unwrap_or(Timestamp::MAX), going: None }
        }
    };
    let due = if next.going.is_some() { now } else { next.next };
    let window = (at.until, to);
    db.write((ctx, read, next, reports, window), |tx, (ctx, read, next, reports, window)| {
        Box::pin(step(tx, ctx, read, next, reports, *window))
    })
    .await?;
    Ok(due)
}

async fn begin(db: &Db, rolling: &Rolling) -> Result<()> {
    let text = json!(rolling).to_string();
    db.write(text, |tx, text| {
        Box::pin(async move { settings::set_once(tx, settings::ROLLED_ON, text).await.map(|_| ()) })
    })
    .await
}

/// Writes what a step found and where the work is then; nothing when somebody else has gone on meanwhile.
async fn step(
    tx: &mut Tx,
    ctx: &Ctx,
    read: &str,
    next: &Rolling,
    reports: &BTreeMap<UserId, Vec<Value>>,
    (from, until): (Timestamp, Timestamp),
) -> Result<()> {
    if settings::lock(tx, settings::ROLLED_ON).await?.as_deref() != Some(read) {
        return Ok(());
    }
    settings::set(tx, settings::ROLLED_ON, &json!(next).to_string()).await?;
    for (owner, told) in reports {
        let rows: Vec<&Value> = told.iter().take(MOST_TOLD).collect();
        let result = json!({"checked_from": from, "checked_until": until, "conflicts": told.len(), "rows": rows,
            "truncated": told.len() > MOST_TOLD});
        let message = format!("{} new conflicts between {from} and {until}", told.len());
        jobs::report(tx, ctx, *owner, jobs::Kind::Conflicts, &message, result).await?;
    }
    Ok(())
}

/// What one series newly clashes with, as the owner of its calendar may see it.
async fn look_at(
    conn: &mut Conn,
    ctx: &Ctx,
    one: &store::Beyond,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Value>> {
    // No more than what a program could see in the owner's name; not as an administrator.
    let by = Credential::PersonalToken(ctx.ids.next(), vec![Scope::Write]);
    let owner = Ctx { actor: Actor::User(SignedIn { id: one.owner, role: one.role, by }), ..ctx.clone() };
    let Some((event, _)) = load_unchecked(conn, &owner, &[one.event]).await?.into_iter().next() else {
        return Ok(Vec::new());
    };
    let told = |clash: &Clash| {
        json!({"event_id": event.id, "title": event.content.title, "with": {
            "event_id": clash.event, "title": clash.title, "start": clash.start, "end": clash.end,
            "original_start": clash.original_start, "reasons": clash.reasons.iter().map(|one| one.name()).collect::<Vec<_>>()}})
    };
    match clashes(conn, &owner, &event, (from, to)).await {
        Ok(found) => Ok(found.iter().take(TOLD).map(told).collect()),
        Err(EventError::Internal(error)) => Err(error),
        Err(_) => Ok(vec![json!({"event_id": event.id, "title": event.content.title, "problem": "too-much-to-check"})]),
    }
}

async fn clashes(
    conn: &mut Conn,
    ctx: &Ctx,
    event: &Event,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Clash>, EventError> {
    let venues = venues::store::all_of(conn, places(&event.content)).await?;
    let subjects = Policies::of(ctx, event, &venues, None).subjects(event, Conflicts::Warn);
    // What was looked at when it was last written is known.
    let written = Ctx { now: event.updated_at, ..ctx.clone() };
    let known = horizon(&written, derive(&event.content, &event.calendar_zone).starts_at);
    let from = from.max(known);
    if subjects.is_empty() || from >= to {
        return Ok(Vec::new());
    }
    let (mut work, nobody) = (Work::at_most(MOST_INSTANCES), BTreeSet::new());
    let mut mine = timeline(&event.content, &event.calendar_zone, (from, to), &mut work)?;
    // What reaches in from before was looked at with what is before.
    mine.retain(|one| one.start >= from);
    let (itself, known, mine) = (Some(event.id), BTreeSet::new(), all_new(mine));
    let question = Question { itself, writes: false, but: &nobody, known, mine, subjects };
    Ok(ask(conn, ctx, &question, &mut work).await?.0)
}
