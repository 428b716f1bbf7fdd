//! Single instances of a series: reading, changing and cancelling one, this and the following, or all.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Tx};
use kalends_kernel::fields::{Fields, kind_of};
use kalends_kernel::{EventId, Invalid, Zone};
use serde_json::{Map, Value};

use super::content::Content;
use super::create::may_take_registrations;
use super::edit::{self, Edit, How, following, load_for_edit, patched};
use super::overrides::{self, Override};
use super::series::{Compiled, Instance, too_sparse};
use super::split;
use super::times::{Times, parse_date, parse_moment};
use super::write::{self, WriteMeta};
use super::{Allowed, Event, EventError, Origin, Precondition, delete, merge, store};
use crate::access::{Can, Denied, EventFacts};
use crate::ctx::Ctx;
use crate::sharing;

/// How much of a series a change of one instance is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The instance alone: an override.
    This,
    /// It and all later ones: the series is split.
    Following,
    /// The whole series.
    All,
}

impl Scope {
    /// Every scope with its name in the API.
    pub const NAMES: &'static [(&'static str, Scope)] =
        &[("this", Scope::This), ("following", Scope::Following), ("all", Scope::All)];
}

/// An event with one of its instances.
#[derive(Clone, PartialEq, Debug)]
pub struct Instanced {
    /// The series, and what the actor is to it.
    pub of: Allowed,
    /// The instance.
    pub instance: Instance,
}

/// The instances of an event that overlap `[from, to)`, at most `limit`, behind the one with this start and original start.
pub async fn instances(
    conn: &mut Conn,
    ctx: &Ctx,
    id: EventId,
    window: (Timestamp, Timestamp),
    behind: Option<(Timestamp, DateTime)>,
    limit: usize,
) -> Result<(Allowed, Vec<Instance>), EventError> {
    let of = store::load(conn, ctx, id, Can::See).await?;
    let compiled = Compiled::of(&of.event.content, &of.event.calendar_zone);
    let (from, to) = window;
    let mut found = Vec::new();
    let after = behind.map_or(from, |behind| behind.0.max(from));
    for instance in compiled.overlapping_or_starting(from, to, after, &ctx.budget) {
        let instance = instance?;
        if behind.is_none_or(|behind| (instance.start, instance.original_start) > behind) {
            found.push(instance);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok((of, found))
}

/// One instance by its original start.
pub async fn instance(conn: &mut Conn, ctx: &Ctx, id: EventId, original: &str) -> Result<Instanced, EventError> {
    let of = store::load(conn, ctx, id, Can::See).await?;
    let original = read_original(&of.event, original)?;
    let instance = Compiled::of(&of.event.content, &of.event.calendar_zone).instance(original)?;
    Ok(Instanced { instance: instance.ok_or(Denied::NotFound)?, of })
}

/// An original start in a path: `20270329T090000` or `20270329`; the long forms of JSON are understood too.
fn read_original(event: &Event, text: &str) -> Result<DateTime, EventError> {
    let times = &event.content.times;
    let part = |from, to| text.get(from..to).unwrap_or_default();
    let long = match text.len() {
        8 => format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
        15 => format!("{}-{}-{}T{}:{}:{}", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15)),
        _ => text.to_owned(),
    };
    let read = if times.all_day {
        parse_date(&long).map(DateTime::from).ok()
    } else {
        parse_moment(&long, times.time_zone.as_ref()).ok()
    };
    Ok(read.ok_or(Denied::NotFound)?)
}

/// Changes one instance, it and all later ones, or all. Gives the event that the instance belongs to now.
pub async fn edit_instance(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    original: &str,
    scope: Scope,
    edit: &Edit,
) -> Result<Instanced, EventError> {
    let old = load_for_edit(tx, ctx, id, &edit.precondition).await?.event;
    let original = read_original(&old, original)?;
    let compiled = Compiled::of(&old.content, &old.calendar_zone);
    if !old.content.is_recurring() || !compiled.contains(original).map_err(too_sparse)? {
        return Err(Denied::NotFound.into());
    }
    // A split is no field that could be merged: it is made of what the caller saw.
    if scope == Scope::Following && edit.precondition.base_version.is_some_and(|base| base != old.version) {
        return Err(EventError::Changed(Box::new(store::load(tx, ctx, id, Can::See).await?)));
    }
    match scope {
        Scope::This => edit_this(tx, ctx, &old, original, edit).await,
        Scope::Following => edit_following(tx, ctx, &old, original, edit).await,
        Scope::All => edit_all(tx, ctx, &old, original, edit).await,
    }
}

async fn edit_this(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    original: DateTime,
    edit: &Edit,
) -> Result<Instanced, EventError> {
    let mut patch = edit.body.clone();
    let cancel = patch.remove("cancelled");
    patch.remove("original_start");
    match cancel {
        Some(Value::Bool(true)) => {
            // Of what does not take place nothing else can be said.
            Fields::of_map(&patch, "").finish().or(())?;
            return put_override(tx, ctx, old, Override::cancelled(original), edit.said("instance")).await;
        }
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(other) => {
            let detail = format!("must be true or false, not {}", kind_of(&other));
            return Err(Invalid::one("/cancelled", "wrong-type", detail).into());
        }
    }
    let before = override_at(&old.content, original);
    let icalendar = before.icalendar.clone();
    keep_length(&mut patch, &before.times.clone().unwrap_or_else(|| old.content.times.begun_at(original)));
    let read = |body: &Map<String, Value>| Override::parse(body, original, &old.content.times, &old.calendar_zone);
    let one = match edit.precondition.base_version.filter(|base| *base != old.version) {
        None => read(&patched(override_body(&before), &patch))?,
        Some(version) => {
            // What others made of this occurrence since is merged by field, as it is for a whole event.
            let snapshot = store::snapshot(tx, old.id, version).await?;
            let base = snapshot.map_or_else(|| Override::empty(original), |base| override_at(&base.content, original));
            let mine = read(&patched(override_body(&base), &patch))?;
            let merged = merge::merge(&override_body(&base), &override_body(&before), &override_body(&mine));
            read(&merged.map_err(|fields| EventError::Conflict { fields, current: old.version })?)?
        }
    };
    put_override(tx, ctx, old, Override { icalendar, ..one }, edit.said("instance")).await
}

/// What is different at an occurrence now; of a cancelled one nothing, since whoever changes it wants it to take place.
fn override_at(content: &Content, original: DateTime) -> Override {
    content.overridden(original).filter(|one| !one.cancelled).cloned().unwrap_or_else(|| Override::empty(original))
}

fn override_body(one: &Override) -> Map<String, Value> {
    let mut body = match one.body(false) {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    body.remove("original_start");
    body
}

/// A new start alone keeps the length that the instance has: its old end must not hold it.
fn keep_length(patch: &mut Map<String, Value>, instance: &Times) {
    if patch.contains_key("end") || patch.contains_key("all_day") || patch.contains_key("floating") {
        return;
    }
    let zone = patch.get("time_zone").and_then(Value::as_str).and_then(|name| Zone::parse(name).ok());
    let start = patch.get("start").and_then(Value::as_str);
    let moved =
        start.and_then(|text| read_moment(text, instance.all_day, zone.as_ref().or(instance.time_zone.as_ref())));
    if let Some(end) = moved.and_then(|moved| instance.begun_at(moved).body().remove("end")) {
        patch.insert("end".to_owned(), end);
    }
}

/// A start or end as it is given: a date, or a time on the clock of `zone`.
fn read_moment(text: &str, all_day: bool, zone: Option<&Zone>) -> Option<DateTime> {
    if all_day { parse_date(text).map(DateTime::from).ok() } else { parse_moment(text, zone).ok() }
}

async fn put_override(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    one: Override,
    said: WriteMeta,
) -> Result<Instanced, EventError> {
    let original = one.original_start;
    let mut content = old.content.clone();
    content.overrides.retain(|other| other.original_start != original);
    if !one.is_empty() {
        content.overrides.push(one);
        content.overrides.sort_by_key(|one| one.original_start);
    }
    if content.overrides.len() > overrides::MOST {
        let detail = format!("a series can have {} different occurrences at most", overrides::MOST);
        return Err(Invalid::one("/overrides", "too-many", detail).into());
    }
    write::replace(tx, ctx, old, Event { content, ..old.clone() }, said).await?;
    at(tx, ctx, old.id, original).await
}

async fn edit_following(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    original: DateTime,
    edit: &Edit,
) -> Result<Instanced, EventError> {
    let Some(halves) = split::halves(&old.content, &old.calendar_zone, original)? else {
        return edit_all(tx, ctx, old, original, edit).await;
    };
    let mut patch = shared_fields(&edit.body);
    keep_length(&mut patch, &halves.after.times);
    let body = patched(halves.after.body(), &patch);
    let content = following(&halves.after, body, &old.calendar_zone, edit.drop_orphans)?;
    may_take_registrations(ctx, Some(&old.content.registration), &content.registration)?;
    let said = WriteMeta { comment: edit.comment.clone(), ..WriteMeta::of("split") };
    split::end_before(tx, ctx, old, halves.before, said).await?;
    let id: EventId = ctx.ids.next();
    let start = content.times.start;
    let new = Event {
        id,
        uid: id.to_string(),
        split_from: Some(old.id),
        origin: Origin::default(),
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
        facts: EventFacts { visibility: content.visibility, ..old.facts },
        content,
        ..old.clone()
    };
    let said = WriteMeta { goes_on: Some(Box::new(old.clone())), ..edit.said("split") };
    write::insert(tx, ctx, &new, said).await?;
    sharing::store::copy_to_event(tx, old.id, id).await?;
    at(tx, ctx, id, start).await
}

/// Changes the whole series from one of its instances: a new start of the instance moves all of them by as much.
async fn edit_all(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Event,
    original: DateTime,
    edit: &Edit,
) -> Result<Instanced, EventError> {
    let mut body = shared_fields(&edit.body);
    let times = &old.content.times;
    let usual = times.begun_at(original);
    keep_length(&mut body, &usual);
    let mut by = SignedDuration::ZERO;
    // The body may also make it all-day or put it on another clock: its times are meant so.
    let all_day = body.get("all_day").map_or(times.all_day, |given| given == &Value::Bool(true));
    let zone = body.get("time_zone").and_then(Value::as_str).and_then(|name| Zone::parse(name).ok());
    let zone = zone.as_ref().or(times.time_zone.as_ref());
    let end_zone = times.end_time_zone.as_ref().or(zone);
    let ends = [("start", usual.start, times.start, zone), ("end", usual.end, times.end, end_zone)];
    for (name, of_instance, of_series, zone) in ends {
        let moved = body.get(name).and_then(Value::as_str).and_then(|text| read_moment(text, all_day, zone));
        let Some(shift) = moved.map(|moved| moved.duration_since(of_instance)) else { continue };
        if name == "start" {
            by = shift;
        }
        if let Ok(shifted) = of_series.checked_add(shift) {
            let shown = if all_day { shifted.date().to_string() } else { shifted.to_string() };
            body.insert(name.to_owned(), shown.into());
        }
    }
    let whole = Edit { how: How::Patch, body, ..edit.clone() };
    let now = edit::edit(tx, ctx, old.id, &whole).await?;
    let moved = original.checked_add(by).unwrap_or(original);
    let compiled = Compiled::of(&now.event.content, &now.event.calendar_zone);
    let shown = if compiled.contains(moved).map_err(too_sparse)? { moved } else { now.event.content.times.start };
    at(tx, ctx, old.id, shown).await
}

/// The fields of an instance's body that mean the series, too.
fn shared_fields(body: &Map<String, Value>) -> Map<String, Value> {
    body.iter()
        .filter(|(name, _)| !matches!(name.as_str(), "original_start" | "series_id"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

async fn at(tx: &mut Tx, ctx: &Ctx, id: EventId, original: DateTime) -> Result<Instanced, EventError> {
    let of = store::load(tx, ctx, id, Can::See).await?;
    let compiled = Compiled::of(&of.event.content, &of.event.calendar_zone);
    let instance = match compiled.instance(original).map_err(too_sparse)? {
        Some(instance) => instance,
        None => compiled.instance(of.event.content.times.start).map_err(too_sparse)?.ok_or(Denied::NotFound)?,
    };
    Ok(Instanced { of, instance })
}

/// Cancels one instance, ends the series before it, or deletes the whole. A second time is no news.
pub async fn cancel_instance(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    original: &str,
    scope: Scope,
    precondition: &Precondition,
) -> Result<(), EventError> {
    if scope != Scope::This {
        // An event that is gone already, `delete` knows about.
        let there = store::load(tx, ctx, id, Can::See).await.ok().filter(|of| of.event.deleted_at.is_none());
        match there {
            None => return delete(tx, ctx, id, precondition).await,
            Some(of) if scope == Scope::All => {
                // A date that the series does not have names nothing.
                let original = read_original(&of.event, original)?;
                let compiled = Compiled::of(&of.event.content, &of.event.calendar_zone);
                compiled.instance(original).map_err(too_sparse)?.ok_or(Denied::NotFound)?;
                return delete(tx, ctx, id, precondition).await;
            }
            Some(_) => {}
        }
    }
    let old = load_for_edit(tx, ctx, id, precondition).await?.event;
    let original = read_original(&old, original)?;
    let compiled = Compiled::of(&old.content, &old.calendar_zone);
    if !old.content.is_recurring() || !compiled.contains(original).map_err(too_sparse)? {
        let ended = scope == Scope::Following && ended_before(tx, &old, original).await?;
        return if ended { Ok(()) } else { Err(Denied::NotFound.into()) };
    }
    if scope == Scope::This {
        if old.content.overridden(original).is_some_and(|one| one.cancelled) {
            return Ok(());
        }
        put_override(tx, ctx, &old, Override::cancelled(original), WriteMeta::of("instance")).await?;
        return Ok(());
    }
    match split::halves(&old.content, &old.calendar_zone, original)? {
        Some(halves) => split::end_before(tx, ctx, &old, halves.before, WriteMeta::of(ENDED)).await.map(|_| ()),
        None => delete(tx, ctx, id, precondition).await,
    }
}

/// What the history calls it when a series is ended before an occurrence and does not go on as another event.
const ENDED: &str = "end";

/// Whether this occurrence was there until the series was last ended, and nothing came from it on since.
async fn ended_before(tx: &mut Tx, event: &Event, original: DateTime) -> Result<bool, EventError> {
    let Some(version) = store::latest(tx, event.id, ENDED).await? else { return Ok(false) };
    let before = store::snapshot(tx, event.id, version - 1).await?;
    let was = |content: &Content| Compiled::of(content, &event.calendar_zone).contains(original);
    let was_there = before.map(|before| was(&before.content)).transpose().map_err(too_sparse)?;
    let now = Compiled::of(&event.content, &event.calendar_zone);
    Ok(was_there == Some(true) && !now.goes_on_from(original).map_err(too_sparse)?)
}
