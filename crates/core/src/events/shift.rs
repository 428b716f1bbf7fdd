//! Many events moved by days, with words renamed in their texts: the next year's planning made from this year's.
//!
//! Looking ahead and doing it run through the same [`plan`]: what a preview shows is what happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span, Timestamp};
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::fields::{Fields, Text, read_text};
use kalends_kernel::{EventId, Invalid, Zone};
use serde_json::{Map, Value};

use super::content::Content;
use super::edit::{following, may_edit_in_place};
use super::overrides::Override;
use super::registration::Registration;
use super::rename::Rename;
use super::store::Snapshot;
use super::times::{Times, resolve};
use super::write::{self, WriteMeta};
use super::{Allowed, Event, EventError, store};
use crate::access::Can;
use crate::calendars::Conflicts;
use crate::conflicts;
use crate::ctx::Ctx;

/// What shall move, by how much, and what shall be called otherwise.
#[derive(Clone, Debug)]
pub struct Shift {
    ids: Vec<EventId>,
    by: Span,
    rename: Rename,
    /// What is to happen when one takes time that is taken; none for what calendar and venue say.
    on_conflict: Option<Conflicts>,
    /// Whether to show only what would happen.
    pub preview: bool,
}

/// An event before and after.
#[derive(Clone, PartialEq, Debug)]
pub struct Shifted {
    /// What it said before.
    pub before: Content,
    /// The event as it is now; in a preview as it would be, with the version that it has.
    pub of: Allowed,
    /// The fields that differ.
    pub changed: Vec<String>,
}

/// Why nothing was moved.
#[derive(Debug)]
pub enum ShiftRefused {
    /// Those that cannot be moved: which in the list of ids (from 0), and why. Never empty.
    Some(Vec<(usize, EventId, EventError)>),
    /// A fault.
    Internal(Error),
}

impl From<Error> for ShiftRefused {
    fn from(error: Error) -> Self {
        ShiftRefused::Internal(error)
    }
}

/// How many events one request may move.
const MOST: usize = 500;
/// How many words one request may rename.
const WORDS: usize = 100;
const FROM: Text = Text::line(200).filled();
const TO: Text = Text::line(500);
/// The farthest move, in days.
const FARTHEST: i32 = 36_600;

impl Shift {
    /// Reads `{ids, by, rename?, preview?}`.
    pub fn parse(body: &Map<String, Value>) -> Result<Shift, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let ids = super::read_ids(&mut fields, "ids", MOST);
        let by = fields.parsed("by", "not-a-duration", parse_by);
        let by = fields.require("by", by);
        let rename = read_rename(&mut fields);
        let preview = fields.boolean("preview").unwrap_or(true);
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        if fields.value("class_years").is_some() {
            fields.error("class_years", "not-supported", "comes with the school; leave it out until then");
        }
        fields.finish().or(Shift {
            ids: ids.unwrap_or_default(),
            by: by.unwrap_or_default(),
            rename,
            on_conflict,
            preview,
        })
    }
}

/// `P364D`, `-P2W`, `P1Y`: ISO 8601 without a time, because the wall clock stays.
fn parse_by(text: &str) -> Result<Span, &'static str> {
    let wrong = "must be an ISO 8601 duration of days, weeks, months or years such as P364D or -P2W";
    if !text.trim_start_matches(['+', '-']).starts_with('P') || text.contains('T') {
        return Err(wrong);
    }
    let span: Span = text.parse().map_err(|_| wrong)?;
    let days = i64::from(span.get_years()) * 366 + i64::from(span.get_months()) * 31;
    let days = days + i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    if days.abs() > i64::from(FARTHEST) { Err("must be at most 100 years") } else { Ok(span) }
}

fn read_rename(fields: &mut Fields) -> Rename {
    let pairs = match fields.value("rename") {
        None => return Rename::default(),
        Some(Value::Object(pairs)) => pairs,
        Some(_) => {
            fields.error("rename", "wrong-type", "must be an object of words and what they become");
            return Rename::default();
        }
    };
    if pairs.len() > WORDS {
        fields.error("rename", "too-many", format!("at most {WORDS} words"));
        return Rename::default();
    }
    let mut words = Vec::new();
    for (from, to) in pairs {
        let shown: String = from.chars().take(64).collect();
        let at = format!("/rename/{}", shown.replace('~', "~0").replace('/', "~1"));
        let from = read_text(&Value::from(from.as_str()), FROM);
        match (from, read_text(to, TO)) {
            (Ok(from), Ok(to)) => words.push((from, to)),
            (Err((code, detail)), _) | (_, Err((code, detail))) => fields.error_at(at, code, detail),
        }
    }
    Rename::of(words)
}

/// What would happen: it is done, and let go again.
pub async fn preview_shift(tx: &mut Tx, ctx: &Ctx, shift: &Shift) -> Result<Vec<Shifted>, ShiftRefused> {
    enum Undone {
        Seen,
        Refused(ShiftRefused),
    }
    impl From<Error> for Undone {
        fn from(error: Error) -> Self {
            Undone::Refused(error.into())
        }
    }
    let planned = plan(tx, ctx, shift).await?;
    let tried = tx.attempt(async |tx| {
        self::shift(tx, ctx, shift).await.map_err(Undone::Refused)?;
        Err::<(), _>(Undone::Seen)
    });
    if let Err(Undone::Refused(refused)) = tried.await? {
        return Err(refused);
    }
    Ok(planned
        .into_iter()
        .map(|(old, content)| Shifted {
            changed: changes(&old.event, &content),
            before: old.event.content.clone(),
            of: Allowed { event: Event { content, ..old.event }, grant: old.grant },
        })
        .collect())
}

/// Moves the events, all of them or none.
pub async fn shift(tx: &mut Tx, ctx: &Ctx, shift: &Shift) -> Result<Vec<Shifted>, ShiftRefused> {
    store::lock_all(tx, shift.ids.iter().copied()).await?;
    let mut done = Vec::new();
    let planned = plan(tx, ctx, shift).await?;
    let ids: Arc<BTreeSet<EventId>> = Arc::new(shift.ids.iter().copied().collect());
    let mut moved = Vec::with_capacity(planned.len());
    for (old, content) in planned {
        let (id, before) = (old.event.id, old.event.content.clone());
        let changed = changes(&old.event, &content);
        let new = Event { content, ..old.event.clone() };
        // All of them move; where they are then is looked at when all have.
        let said = WriteMeta { on_conflict: shift.on_conflict, leaving: ids.clone(), ..WriteMeta::of("shift") };
        let event = write::replace(tx, ctx, &old.event, new, said).await.map_err(|error| shift.refused(id, error))?;
        done.push(Shifted { before, of: Allowed { event: event.clone(), grant: old.grant }, changed });
        moved.push((old.event, event));
    }
    let moved = moved.iter().map(|(old, new)| (old, new));
    conflicts::guard_together(tx, ctx, moved, shift.on_conflict)
        .await
        .map_err(|(id, error)| shift.refused(id, error))?;
    Ok(done)
}

impl Shift {
    /// Why one of them cannot be moved.
    fn refused(&self, id: EventId, error: EventError) -> ShiftRefused {
        match error {
            EventError::Internal(error) => ShiftRefused::Internal(error),
            error => {
                let index = self.ids.iter().position(|one| *one == id).unwrap_or_default();
                ShiftRefused::Some(vec![(index, id, error)])
            }
        }
    }
}

/// The events as they are, each with what it will say; or everything that stands against it.
async fn plan(conn: &mut Conn, ctx: &Ctx, shift: &Shift) -> Result<Vec<(Allowed, Content)>, ShiftRefused> {
    let mut planned = Vec::with_capacity(shift.ids.len());
    let mut refused = Vec::new();
    for (index, id) in shift.ids.iter().enumerate() {
        let moving = match store::load(conn, ctx, *id, Can::Edit).await {
            Ok(old) => movable(&old).and_then(|()| moved(&old.event, shift)).map(|content| (old, content)),
            Err(error) => Err(error),
        };
        match moving {
            Ok(moving) => planned.push(moving),
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(EventError::Invalid(invalid)) => refused.push((index, *id, of_event(index, &invalid).into())),
            Err(error) => refused.push((index, *id, error)),
        }
    }
    if refused.is_empty() { Ok(planned) } else { Err(ShiftRefused::Some(refused)) }
}

fn movable(old: &Allowed) -> Result<(), EventError> {
    if old.event.deleted_at.is_some() {
        return Err(EventError::Deleted);
    }
    may_edit_in_place(&old.event.facts, &old.grant)
}

/// What would be wrong with the event, told of its place in the list of ids: the body has no other.
fn of_event(index: usize, invalid: &Invalid) -> Invalid {
    let mut told = Invalid::new();
    for error in invalid.errors() {
        told.add(format!("/ids/{index}"), error.code, format!("{}: {}", error.pointer, error.detail));
    }
    told
}

fn changes(old: &Event, content: &Content) -> Vec<String> {
    let before = Snapshot::of(old);
    let after = Snapshot { content: content.clone(), ..before.clone() };
    write::differences(&before, &after)
}

/// What the event will say. Its start moves on the wall clock; everything else of it moves by as many days.
fn moved(event: &Event, shift: &Shift) -> Result<Content, EventError> {
    let (old, zone) = (&event.content, &event.calendar_zone);
    let too_far = || Invalid::one("/start", "out-of-range", "must be between the years 1583 and 9990");
    let start = old.times.start.checked_add(shift.by).map_err(|_| too_far())?;
    let by = start.duration_since(old.times.start);
    let mut body = old.body();
    body.extend(old.times.begun_at(start).body());
    let mut content = following(old, body, zone, false)?;
    for (one, was) in content.overrides.iter_mut().zip(&old.overrides) {
        // Overrides keep their order; one with times of its own stays as far from its occurrence as it was.
        let along = one.original_start.duration_since(was.original_start);
        if let Some(times) = &mut one.times {
            *times = moved_times(times, along).ok_or_else(too_far)?;
        }
    }
    content.registration = moved_registration(&old.registration, &old.times, by, zone);
    renamed(&mut content, &shift.rename);
    // Once more as a whole: a longer word can make a text too long, a move leave the years that there are.
    Ok(Content::parse(&content.body(), zone)?.keeping_icalendar(&content))
}

fn moved_times(times: &Times, by: SignedDuration) -> Option<Times> {
    times.start.checked_add(by).ok().map(|start: DateTime| times.begun_at(start))
}

/// The time in which people can register keeps its distance to the event on the wall clock.
fn moved_registration(old: &Registration, times: &Times, by: SignedDuration, zone: &Zone) -> Registration {
    let zone = times.zone(zone);
    let along = |at: Timestamp| {
        let local = at.to_zoned(zone.clone()).datetime();
        // What is finer than the wall clock's seconds stays as it is.
        local.checked_add(by).map_or(at, |local| resolve(local, zone))
    };
    Registration { opens_at: old.opens_at.map(along), closes_at: old.closes_at.map(along), ..old.clone() }
}

fn renamed(content: &mut Content, rename: &Rename) {
    if rename.is_empty() {
        return;
    }
    for text in [&mut content.title, &mut content.description, &mut content.location] {
        *text = rename.apply(text);
    }
    for Override { title, description, location, .. } in &mut content.overrides {
        for text in [title, description, location].into_iter().flatten() {
            *text = rename.apply(text);
        }
    }
}
