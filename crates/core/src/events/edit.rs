use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{CalendarId, EventId, Invalid};
use serde_json::{Map, Value};

use super::content::Content;
use super::create::{may_take_registrations, target};
use super::merge;
use super::times::{Times, show};
use super::write::{self, WriteMeta};
use super::{Allowed, CalendarSettings, Event, EventError, Precondition, shift_dependents, store};
use crate::access::{Can, Denied, EventFacts, Grant, Review, Role, State};
use crate::calendars::Conflicts;
use crate::ctx::Ctx;
use crate::sharing;

/// Whether the body names what changes or is the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// A merge patch (RFC 7396).
    Patch,
    /// The whole event anew.
    Replace,
}

/// A change of an event, or of all instances of a series.
#[derive(Clone, PartialEq, Debug)]
pub struct Edit {
    /// Patch or whole.
    pub how: How,
    /// Which version the caller looked at.
    pub precondition: Precondition,
    /// Whether overrides that lose their occurrence are let go.
    pub drop_orphans: bool,
    /// What the caller says about the change.
    pub comment: Option<String>,
    /// What is to happen when it takes time that is taken; none for what calendar and venue say.
    pub on_conflict: Option<Conflicts>,
    /// The fields.
    pub body: Map<String, Value>,
}

/// What the server says about an event, and a client may send back as it got it: it counts for nothing.
const GIVEN_BACK: &[&str] = &[
    "author_id",
    "split_from",
    "seats_taken",
    "seats_left",
    "waitlist_length",
    "version",
    "my_role",
    "created_at",
    "updated_at",
    "deleted_at",
    "conflicts",
    "warnings",
    "checked_until",
];

impl Edit {
    /// Takes what is not content out of a body.
    pub fn parse(mut body: Map<String, Value>, how: How, if_match: Option<Vec<i64>>) -> Result<Edit, Invalid> {
        let mut own = Map::new();
        for name in ["base_version", "drop_orphans", "comment", "on_conflict"] {
            if let Some(value) = body.remove(name) {
                own.insert(name.to_owned(), value);
            }
        }
        for name in GIVEN_BACK {
            body.remove(*name);
        }
        let mut fields = Fields::of_map(&own, "");
        let base_version = fields.integer("base_version", 1, i64::MAX);
        let drop_orphans = fields.boolean("drop_orphans").unwrap_or(false);
        let comment = fields.text("comment", Text::lines(2_000).filled());
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        fields.finish().or(Edit {
            how,
            precondition: Precondition { if_match, base_version },
            drop_orphans,
            comment,
            on_conflict,
            body,
        })
    }
}

impl Edit {
    /// What is written about the change.
    pub(super) fn said(&self, operation: &'static str) -> WriteMeta {
        WriteMeta { comment: self.comment.clone(), on_conflict: self.on_conflict, ..WriteMeta::of(operation) }
    }
}

/// Changes an event; of a series, all of it: id and UID stay.
pub async fn edit(tx: &mut Tx, ctx: &Ctx, id: EventId, edit: &Edit) -> Result<Allowed, EventError> {
    let old = load_for_edit(tx, ctx, id, &edit.precondition).await?;
    if edit.how == How::Replace && edit.precondition == Precondition::default() {
        return Err(EventError::PreconditionNeeded);
    }
    let (mut body, calendar_id, wrong) = take_own_fields(&old.event, &edit.body);
    let calendar = match calendar_id {
        Some(id) if id != old.event.calendar_id => Some(move_to(tx, ctx, &old, id).await?),
        _ => None,
    };
    let zone =
        calendar.as_ref().map_or_else(|| old.event.calendar_zone.clone(), |calendar| calendar.calendar.zone.clone());
    if edit.how == How::Patch {
        // The patch of what the caller saw, or else of what is there now.
        body = patched(base_body(tx, &old.event, edit.precondition.base_version).await?, &body);
    }
    let content = all_wrong(wrong, merged(tx, &old.event, body, edit, &zone).await)?;
    may_take_registrations(ctx, Some(&old.event.content.registration), &content.registration)?;
    let mut facts = EventFacts { visibility: content.visibility, ..old.event.facts };
    let mut new = Event { content, calendar_zone: zone, ..old.event.clone() };
    if let Some(calendar) = &calendar {
        facts.calendar = calendar.calendar.facts;
        new.calendar_id = calendar.calendar.id;
        new.in_calendar = CalendarSettings::of(&calendar.calendar);
    }
    new.facts = facts;
    write::replace(tx, ctx, &old.event, new, edit.said("update")).await?;
    if let (Some(calendar), Some(user)) = (&calendar, ctx.user())
        && calendar.calendar.facts.role != Some(Role::Owner)
    {
        // Whose event it was as an owner of its old calendar still owns it, as if it had been made there.
        sharing::store::put_on_event(tx, id, user, Role::Owner, ctx.now).await?;
    }
    store::load(tx, ctx, id, Can::See).await
}

/// The event, locked, if the actor may change it now and it is what the caller looked at.
pub(super) async fn load_for_edit(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    precondition: &Precondition,
) -> Result<Allowed, EventError> {
    store::lock(tx, id).await?;
    let old = store::load(tx, ctx, id, Can::Edit).await?;
    if old.event.deleted_at.is_some() {
        return Err(EventError::Deleted);
    }
    may_edit_in_place(&old.event.facts, &old.grant)?;
    if let Some(versions) = &precondition.if_match
        && !versions.contains(&old.event.version)
    {
        return Err(EventError::Changed(Box::new(old)));
    }
    if precondition.base_version.is_some_and(|base| base > old.event.version) {
        return Err(Invalid::one(
            "/base_version",
            "out-of-range",
            format!("there is no such version yet; the current one is {}", old.event.version),
        )
        .into());
    }
    Ok(old)
}

/// Rule 19: what was reviewed is not changed behind the reviewers' backs.
pub(super) fn may_edit_in_place(facts: &EventFacts, grant: &Grant) -> Result<(), EventError> {
    let reviewed = facts.calendar.review == Review::Required && facts.state == State::Published;
    if reviewed && !grant.reviewer { Err(EventError::ReviewRequired) } else { Ok(()) }
}

/// Takes `id`, `uid`, `state` and `calendar_id` out of a body: the first three are not changed here, and a caller that
/// sends another value is told so, together with what else is wrong.
fn take_own_fields(event: &Event, body: &Map<String, Value>) -> (Map<String, Value>, Option<CalendarId>, Invalid) {
    let mut body = body.clone();
    let mut invalid = Invalid::new();
    let fixed = [
        ("id", event.id.to_string(), "cannot be changed"),
        ("uid", event.uid.clone(), "cannot be changed"),
        ("state", event.state().name().to_owned(), "is changed by POST /events/{id}/state"),
    ];
    for (name, current, why) in fixed {
        if let Some(value) = body.remove(name)
            && value != Value::String(current)
        {
            invalid.add(format!("/{name}"), "read-only", why);
        }
    }
    let calendar_id = match body.remove("calendar_id") {
        None => None,
        Some(value) => {
            let id = value.as_str().and_then(|text| text.parse::<CalendarId>().ok());
            if id.is_none() {
                invalid.add("/calendar_id", "not-an-id", "must be the id of a calendar (a UUID)");
            }
            id
        }
    };
    (body, calendar_id, invalid)
}

/// What came out, unless something was wrong before: then that together with what is wrong now.
fn all_wrong<T>(mut before: Invalid, now: Result<T, EventError>) -> Result<T, EventError> {
    match now {
        _ if before.is_empty() => now,
        Err(EventError::Invalid(more)) => {
            before.append(more);
            Err(before.into())
        }
        _ => Err(before.into()),
    }
}

/// The calendar that an owner of the event moves it to.
async fn move_to(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Allowed,
    id: CalendarId,
) -> Result<crate::calendars::Allowed, EventError> {
    if old.grant.role != Some(Role::Owner) {
        return Err(Denied::Needs(Role::Owner).into());
    }
    let calendar = target(tx, ctx, Some(id)).await?;
    let facts = EventFacts { calendar: calendar.calendar.facts, ..old.event.facts };
    may_edit_in_place(&facts, &calendar.grant)?;
    Ok(calendar)
}

/// The body that the caller's patch is meant for.
async fn base_body(tx: &mut Tx, event: &Event, base: Option<i64>) -> Result<Map<String, Value>, EventError> {
    match base {
        Some(version) if version != event.version => {
            let snapshot = store::snapshot(tx, event.id, version).await?;
            let snapshot =
                snapshot.ok_or_else(|| Invalid::one("/base_version", "unknown-version", "there is no such version"))?;
            Ok(snapshot.content.body())
        }
        _ => Ok(event.content.body()),
    }
}

pub(super) fn patched(mut body: Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    // The zone of a time that is made all-day or floating means nothing any more, unless the patch says it again.
    for word in ["all_day", "floating"] {
        if patch.get(word) == Some(&Value::Bool(true)) && !patch.contains_key("time_zone") {
            body.remove("time_zone");
            body.remove("end_time_zone");
        }
    }
    let mut whole = Value::Object(body);
    json_patch::merge(&mut whole, &Value::Object(patch.clone()));
    match whole {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

/// What the event becomes: the caller's whole body, merged by field with what others did since the base version.
async fn merged(
    tx: &mut Tx,
    event: &Event,
    mine: Map<String, Value>,
    edit: &Edit,
    zone: &kalends_kernel::Zone,
) -> Result<Content, EventError> {
    let base_version = edit.precondition.base_version.filter(|base| *base != event.version);
    let Some(version) = base_version else {
        return following(&event.content, mine, zone, edit.drop_orphans);
    };
    let base = base_body(tx, event, Some(version)).await?;
    let base_content = Content::parse(&base, zone)?;
    let mine = following(&base_content, mine, zone, edit.drop_orphans)?;
    let body = merge::merge(&base, &event.content.body(), &mine.body())
        .map_err(|fields| EventError::Conflict { fields, current: event.version })?;
    following(&event.content, body, zone, edit.drop_orphans)
}

/// A time that comes back as it was shown is what it was: in a gap of the clock the answer shows another one than it says.
fn given_back_as_shown(old: &Content, body: &mut Map<String, Value>, zone: &kalends_kernel::Zone) {
    let times = &old.times;
    let (Some(start_zone), false) = (&times.time_zone, body.is_empty()) else { return };
    if body.get("time_zone").is_some_and(|given| given.as_str() != Some(start_zone.name())) {
        return;
    }
    let start = times.start_instant(zone);
    let end = times.end_instant(zone).max(start);
    for (name, local, instant, zone) in [
        ("start", times.start, start, start_zone),
        ("end", times.end, end, times.end_time_zone.as_ref().unwrap_or(start_zone)),
    ] {
        if body.get(name).and_then(Value::as_str) == Some(&show(local, instant, Some(zone), false)) {
            body.insert(name.to_owned(), local.to_string().into());
        }
    }
}

/// Reads a new body of an event. Where its times move and its dates and overrides are not said anew, they move along.
pub(super) fn following(
    old: &Content,
    mut body: Map<String, Value>,
    zone: &kalends_kernel::Zone,
    drop_orphans: bool,
) -> Result<Content, EventError> {
    let before = old.body();
    given_back_as_shown(old, &mut body, zone);
    let keeps = |name: &str| body.get(name) == before.get(name) && before.contains_key(name);
    let (keeps_recurrence, keeps_overrides) = (keeps("recurrence"), keeps("overrides"));
    if keeps_overrides {
        body.remove("overrides");
    }
    if keeps_recurrence {
        // Only to look at the new times; what is wrong with them is told by the reading of the whole below.
        let times = Times::read(&mut Fields::of_map(&body, ""), zone);
        if let Some(times) = times {
            let lines = shift_dependents::recurrence(&old.recurrence, &old.times, &times);
            body.insert("recurrence".into(), lines.into());
        }
    }
    let mut content = Content::parse(&body, zone)?.keeping_icalendar(old);
    if keeps_overrides {
        content.overrides = old.overrides.clone();
        let (overrides, orphans) = shift_dependents::overrides(old, &content, zone)?;
        if !orphans.is_empty() && !drop_orphans {
            return Err(EventError::Orphans(orphans));
        }
        content.overrides = overrides;
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    /// A weekly series as an import made it, with an override.
    fn imported() -> (Content, kalends_kernel::Zone) {
        let zone = kalends_kernel::Zone::parse("Europe/Zurich").expect("a zone");
        let body = json!({"title": "Choir", "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"],
            "overrides": [{"original_start": "2027-03-08T09:00:00", "title": "Dress rehearsal"}, {"original_start": "2027-03-15T09:00:00", "cancelled": true}]});
        let mut content = Content::parse(&map(body), &zone).expect("an event");
        content.icalendar = vec!["ATTENDEE:mailto:bob@example.org".to_owned()];
        content.overrides[0].icalendar = Some(vec!["X-DRESS:black".to_owned()]);
        (content, zone)
    }

    #[test]
    fn what_an_import_brought_and_nobody_shows_stays_through_every_edit() {
        let (old, zone) = imported();
        let said = serde_json::to_string(&old.body()).expect("text");
        assert!(!said.contains("ATTENDEE") && !said.contains("X-DRESS") && !said.contains("icalendar"), "{said}");
        let edited = |patch| following(&old, patched(old.body(), &map(patch)), &zone, false).expect("an event");
        let edits = [
            json!({"title": "Rehearsal"}),
            json!({"start": "2027-03-01T11:00:00", "end": "2027-03-01T12:00:00"}),
            json!({"overrides": [{"original_start": "2027-03-08T09:00:00", "location": "Church"}]}),
        ];
        for patch in edits {
            let new = edited(patch);
            assert_eq!(new.icalendar, old.icalendar);
            assert_eq!(new.overrides[0].icalendar, old.overrides[0].icalendar);
        }
        // An occurrence that takes place again has only what is said of it now.
        let again = edited(json!({"overrides": [{"original_start": "2027-03-15T09:00:00", "title": "Yes"}]}));
        assert_eq!(again.overrides[0].icalendar, None);
        // The body of the whole anew.
        let anew = map(json!({"title": "Choir", "start": "2027-03-01T09:00:00"}));
        assert_eq!(following(&old, anew, &zone, false).expect("an event").icalendar, old.icalendar);
        // No caller can say it.
        let forged = map(json!({"title": "Choir", "start": "2027-03-01T09:00:00", "icalendar": ["ATTENDEE:x"]}));
        assert!(following(&old, forged, &zone, false).is_err());
    }

    #[test]
    fn it_is_stored_and_an_instance_has_its_own_or_that_of_the_series() {
        let (content, _) = imported();
        let text = serde_json::to_string(&content).expect("text");
        assert_eq!(serde_json::from_str::<Content>(&text).expect("content"), content);
        assert_eq!(content.overrides[0].apply(&content).icalendar, ["X-DRESS:black"]);
        assert_eq!(content.overrides[1].apply(&content).icalendar, content.icalendar);
    }
}
