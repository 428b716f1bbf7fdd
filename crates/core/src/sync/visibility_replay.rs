//! What somebody could see of an event since a position: found backwards, from what is now through the rows of the log that
//! say what was before. Pure.

use std::collections::HashMap;

use kalends_kernel::CalendarId;
use serde_json::Value;

use crate::access::{self, CalendarFacts, CalendarVisibility, EventFacts, Grant, Role, State, Visibility};
use crate::changes::{Kind, Logged, Op};
use crate::ctx::Actor;

/// Whose eyes, and on what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer<'e> {
    /// Whose.
    pub(super) actor: &'e Actor,
    /// They ask for this calendar alone.
    pub(super) of: Option<CalendarId>,
}

impl Viewer<'_> {
    /// What they are to a calendar that is shown to them.
    pub(super) fn on_calendar(&self, id: CalendarId, facts: &CalendarFacts) -> Option<Grant> {
        let asked = self.of.is_none_or(|of| of == id);
        access::in_lists_calendar(self.actor, facts, self.of.is_some()).filter(|_| asked)
    }

    /// What they are to an event that is shown to them.
    pub(super) fn on_event(&self, calendar: CalendarId, facts: &EventFacts) -> Option<Grant> {
        let asked = self.of.is_none_or(|of| of == calendar);
        access::in_lists_event(self.actor, facts, self.of.is_some()).filter(|_| asked)
    }
}

/// What sight of an event hangs on, at one moment, beside its calendar and the roles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EventThen {
    pub(super) calendar: CalendarId,
    pub(super) state: State,
    pub(super) visibility: Visibility,
    pub(super) deleted: bool,
}

/// What was seen at some moment since the position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    /// At the position itself.
    pub(super) first: bool,
    /// At any moment since.
    pub(super) ever: bool,
}

/// The calendars of an event since the position, those that it left among them.
pub(super) fn calendars_of<'r>(rows: impl IntoIterator<Item = &'r Logged>) -> Vec<CalendarId> {
    rows.into_iter().filter(|row| row.kind == Kind::Event.name()).filter_map(|row| row.calendar).collect()
}

/// What they could see of an event. `rows`: what the log says since the position of the event, of its calendars, and of
/// the actor's roles on them, in any order; the facts are those of now.
pub(super) fn of_event(
    eyes: &Viewer<'_>,
    mut event: Option<EventThen>,
    mut role: Option<Role>,
    mut calendars: HashMap<CalendarId, CalendarFacts>,
    mut rows: Vec<&Logged>,
) -> Seen {
    let visible = |event: Option<EventThen>, role, calendars: &HashMap<CalendarId, CalendarFacts>| {
        let seen = event.and_then(|event| {
            let EventThen { calendar: id, state, visibility, deleted } = event;
            let calendar = *calendars.get(&id)?;
            eyes.on_event(id, &EventFacts { calendar, role, state, visibility, deleted })
        });
        seen.is_some()
    };
    let mut first = visible(event, role, &calendars);
    let mut ever = first;
    rows.sort_by_key(|row| std::cmp::Reverse(row.position));
    rows.dedup_by_key(|row| row.position);
    for row in rows {
        if row.kind == Kind::Event.name() {
            undo_event(&mut event, row);
        } else if row.kind == Kind::EventPermission.name() {
            role = role_before(row);
        } else {
            undo_calendar(&mut calendars, row);
        }
        first = visible(event, role, &calendars);
        ever |= first;
    }
    Seen { first, ever }
}

/// What they were to a calendar, at every moment since the position; the last is the earliest.
pub(super) fn of_calendar(
    eyes: &Viewer<'_>,
    id: CalendarId,
    facts: Option<CalendarFacts>,
    mut rows: Vec<&Logged>,
) -> Vec<Option<Grant>> {
    let mut calendars: HashMap<CalendarId, CalendarFacts> = facts.map(|facts| (id, facts)).into_iter().collect();
    let grant = |calendars: &HashMap<CalendarId, CalendarFacts>| {
        calendars.get(&id).and_then(|facts| eyes.on_calendar(id, facts))
    };
    let mut grants = vec![grant(&calendars)];
    rows.sort_by_key(|row| std::cmp::Reverse(row.position));
    for row in rows {
        undo_calendar(&mut calendars, row);
        grants.push(grant(&calendars));
    }
    grants
}

fn was(row: &Logged) -> Option<&Value> {
    row.detail.as_ref().and_then(|detail| detail.get("was"))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn undo_event(event: &mut Option<EventThen>, row: &Logged) {
    if let Some(was) = was(row) {
        *event = text(was, "calendar_id").parse().ok().map(|calendar| EventThen {
            calendar,
            state: State::from_name(text(was, "state")),
            visibility: Visibility::from_name(text(was, "visibility")),
            deleted: was.get("deleted").and_then(Value::as_bool).unwrap_or(false),
        });
    } else if row.op == Op::Created.name() && row.version == Some(1) {
        *event = None;
    }
}

fn undo_calendar(calendars: &mut HashMap<CalendarId, CalendarFacts>, row: &Logged) {
    let Some(facts) = row.calendar.and_then(|id| calendars.get_mut(&id)) else { return };
    if row.kind == Kind::CalendarPermission.name() {
        facts.role = role_before(row);
    } else if row.op == Op::Deleted.name() {
        facts.deleted = false;
    } else if row.op == Op::Created.name() {
        facts.deleted = true;
    } else if let Some(was) = was(row) {
        facts.visibility = CalendarVisibility::from_name(text(was, "visibility"));
    }
}

fn role_before(row: &Logged) -> Option<Role> {
    row.detail.as_ref().and_then(|detail| Role::from_name(text(detail, "from")))
}
