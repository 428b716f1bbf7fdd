use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{CalendarId, EventId, Invalid, Zone};
use serde_json::{Map, Value};

use super::content::Content;
use super::state::{self, StepError};
use super::write::{self, WriteMeta};
use super::{Allowed, CalendarSettings, Event, EventError, Origin, Registration, store};
use crate::access::{self, Can, Denied, EventFacts, Role, State};
use crate::calendars::{self, Calendar, Conflicts};
use crate::ctx::{Ctx, GlobalRole};
use crate::sharing;

/// An event to be, as a body says it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEvent {
    /// Which calendar; none for the account's own.
    pub calendar_id: Option<CalendarId>,
    /// Its UID, when it has one already.
    pub uid: Option<String>,
    /// The state it shall begin in.
    pub state: Option<State>,
    /// What is to happen when it takes time that is taken; none for what calendar and venue say.
    pub on_conflict: Option<Conflicts>,
    /// Everything else.
    pub body: Map<String, Value>,
}

/// What a new event can begin as.
const FIRST_STATES: &[(&str, State)] = &[("draft", State::Draft), ("published", State::Published)];

impl NewEvent {
    /// Reads the body of a new event: takes what is not content out of it. Everything wrong is told at once.
    pub fn parse(body: Map<String, Value>) -> Result<NewEvent, Invalid> {
        let (new, mut invalid) = Self::read(body);
        if let (false, Err(more)) = (invalid.is_empty(), Content::parse(&new.body, &Zone::utc())) {
            invalid.append(more);
        }
        invalid.or(new)
    }

    /// The same for what is to be different in a copy.
    pub fn parse_changes(body: Map<String, Value>) -> Result<NewEvent, Invalid> {
        let (new, invalid) = Self::read(body);
        invalid.or(new)
    }

    fn read(mut body: Map<String, Value>) -> (NewEvent, Invalid) {
        let mut own = Map::new();
        for name in ["calendar_id", "uid", "state", "on_conflict"] {
            if let Some(value) = body.remove(name) {
                own.insert(name.to_owned(), value);
            }
        }
        let mut fields = Fields::of_map(&own, "");
        let calendar_id =
            fields.parsed("calendar_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"));
        let uid = fields.text("uid", Text::line(255).filled());
        let state = fields.choice("state", FIRST_STATES);
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        let invalid = fields.finish();
        (NewEvent { calendar_id, uid, state, on_conflict, body }, invalid)
    }
}

/// Makes an event in a calendar that the actor may edit. Who makes an event in somebody else's calendar owns it.
pub async fn create(tx: &mut Tx, ctx: &Ctx, new: &NewEvent) -> Result<Allowed, EventError> {
    let calendar = target(tx, ctx, new.calendar_id).await?;
    let content = Content::parse(&new.body, &calendar.calendar.zone)?;
    let said = WriteMeta { on_conflict: new.on_conflict, ..WriteMeta::of("create") };
    let made = CreateOptions { uid: new.uid.clone(), state: new.state, origin: Origin::default(), said };
    make(tx, ctx, &calendar, content, made).await
}

/// What a new event is beside its content.
pub(super) struct CreateOptions {
    pub(super) uid: Option<String>,
    pub(super) state: Option<State>,
    pub(super) origin: Origin,
    pub(super) said: WriteMeta,
}

/// The calendar that a new event goes into, if the actor may put one there.
pub(super) async fn target(
    tx: &mut Tx,
    ctx: &Ctx,
    wished: Option<CalendarId>,
) -> Result<calendars::Allowed, EventError> {
    let id = match (wished, ctx.user()) {
        (Some(id), _) => id,
        (None, Some(user)) => store::default_calendar(tx, user).await?.ok_or(Denied::NotFound)?,
        (None, None) => return Err(Invalid::one("/calendar_id", "required", "must be given").into()),
    };
    into_calendar(tx, ctx, id).await
}

/// The calendar that events are written into, if the actor may. Its zone stays what it is until the commit: what is written
/// lies on its days.
pub async fn into_calendar(tx: &mut Tx, ctx: &Ctx, id: CalendarId) -> Result<calendars::Allowed, EventError> {
    calendars::store::keep(tx, id).await?;
    Ok(calendars::load(tx, ctx, id, Can::Edit).await?)
}

/// Writes a new event into a calendar that [`target`] allowed.
pub(super) async fn make(
    tx: &mut Tx,
    ctx: &Ctx,
    into: &calendars::Allowed,
    content: Content,
    made: CreateOptions,
) -> Result<Allowed, EventError> {
    let Calendar { id: calendar_id, zone, facts, .. } = &into.calendar;
    may_take_registrations(ctx, None, &content.registration)?;
    let state = state::first(made.state, facts.review, into.grant.reviewer).map_err(|error| match error {
        StepError::ReviewersOnly => EventError::Denied(Denied::NeedsReviewer),
        StepError::NoSuchStep => wrong_state(State::Draft, made.state, facts.review),
    })?;
    let id: EventId = ctx.ids.next();
    // The program itself (an import from the command line) works for the calendar's owner.
    let author_id = ctx.user().unwrap_or(into.calendar.owner);
    let event = Event {
        id,
        uid: made.uid.unwrap_or_else(|| id.to_string()),
        calendar_id: *calendar_id,
        author_id,
        split_from: None,
        origin: made.origin,
        submitted: state != State::Draft,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
        deleted_at: None,
        calendar_zone: zone.clone(),
        in_calendar: CalendarSettings::of(&into.calendar),
        facts: EventFacts { calendar: *facts, role: None, state, visibility: content.visibility, deleted: false },
        content,
    };
    write::insert(tx, ctx, &event, made.said).await?;
    if facts.role != Some(Role::Owner) && ctx.user().is_some() {
        sharing::store::put_on_event(tx, id, author_id, Role::Owner, ctx.now).await?;
    }
    store::load(tx, ctx, id, Can::See).await
}

/// Only organisers and administrators take registrations; who is neither may leave them as they are.
pub(super) fn may_take_registrations(
    ctx: &Ctx,
    before: Option<&Registration>,
    after: &Registration,
) -> Result<(), Denied> {
    if after.enabled && !before.is_some_and(|before| before.enabled) {
        access::check_global(&ctx.actor, GlobalRole::Organizer)
    } else {
        Ok(())
    }
}

/// A step that does not exist, with those that do.
pub(super) fn wrong_state(from: State, to: Option<State>, review: access::Review) -> EventError {
    EventError::WrongState { from, to, possible: state::steps(from, review).iter().map(|(to, _)| *to).collect() }
}
