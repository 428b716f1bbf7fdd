use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EventId, Invalid};
use serde_json::{Map, Value};

use super::create::wrong_state;
use super::state::{self, StepError};
use super::write::{self, WriteMeta};
use super::{Allowed, Event, EventError, store};
use crate::access::{Can, Denied, EventFacts, State};
use crate::calendars::Conflicts;
use crate::ctx::Ctx;

/// A step that somebody wishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateWish {
    /// Where to.
    pub to: State,
    /// What they say about it; a refusal must say why.
    pub comment: Option<String>,
    /// What is to happen when it takes time that is taken; none for what calendar and venue say.
    pub on_conflict: Option<Conflicts>,
}

/// How many events one request may move.
const MOST: usize = 500;

impl StateWish {
    /// Reads `{state, comment?}`.
    pub fn parse(body: &Map<String, Value>) -> Result<StateWish, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let wish = Self::read(&mut fields);
        let invalid = fields.finish();
        match wish {
            Some(wish) => invalid.or(wish),
            None => Err(invalid),
        }
    }

    /// Reads `{ids, state, comment?}`.
    pub fn parse_many(body: &Map<String, Value>) -> Result<(Vec<EventId>, StateWish), Invalid> {
        let mut fields = Fields::of_map(body, "");
        let ids = super::read_ids(&mut fields, "ids", MOST);
        let wish = Self::read(&mut fields);
        let invalid = fields.finish();
        match (ids, wish) {
            (Some(ids), Some(wish)) => invalid.or((ids, wish)),
            _ => Err(invalid),
        }
    }

    fn read(fields: &mut Fields) -> Option<StateWish> {
        let to = fields.choice("state", State::NAMES);
        let to = fields.require("state", to);
        let comment = fields.text("comment", Text::lines(2_000).filled());
        if to == Some(State::Refused) && fields.value("comment").is_none() {
            fields.error("comment", "required", "a refusal must say why");
        }
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        Some(StateWish { to: to?, comment, on_conflict })
    }
}

/// Takes an event a step further (rule 18).
pub async fn change_state(tx: &mut Tx, ctx: &Ctx, id: EventId, wish: &StateWish) -> Result<Allowed, EventError> {
    store::lock(tx, id).await?;
    let old = store::load(tx, ctx, id, Can::Edit).await?;
    if old.event.deleted_at.is_some() {
        return Err(EventError::Deleted);
    }
    let (from, review) = (old.event.state(), old.event.facts.calendar.review);
    state::step(from, wish.to, review, old.grant.reviewer).map_err(|error| match error {
        StepError::ReviewersOnly => EventError::Denied(Denied::NeedsReviewer),
        StepError::NoSuchStep => wrong_state(from, Some(wish.to), review),
    })?;
    let old = old.event;
    let new = Event {
        submitted: old.submitted || wish.to != State::Draft,
        facts: EventFacts { state: wish.to, ..old.facts },
        ..old.clone()
    };
    let said = WriteMeta { comment: wish.comment.clone(), on_conflict: wish.on_conflict, ..WriteMeta::of("state") };
    write::replace(tx, ctx, &old, new, said).await?;
    store::load(tx, ctx, id, Can::See).await
}

/// Why a step of several events was refused: none was taken.
#[derive(Debug)]
pub enum StateRefused {
    /// Those that cannot take it, each with its reason.
    Some(Vec<(EventId, EventError)>),
    /// A fault.
    Internal(kalends_db::Error),
}

impl From<kalends_db::Error> for StateRefused {
    fn from(error: kalends_db::Error) -> Self {
        StateRefused::Internal(error)
    }
}

/// Takes several events the same step further, all of them or none.
pub async fn change_states(
    tx: &mut Tx,
    ctx: &Ctx,
    ids: &[EventId],
    wish: &StateWish,
) -> Result<Vec<Allowed>, StateRefused> {
    let mut moved = Vec::new();
    let mut refused = Vec::new();
    // Rows are locked in one order, so that two such requests cannot wait for each other.
    let mut in_order: Vec<EventId> = ids.to_vec();
    in_order.sort();
    for id in in_order {
        match change_state(tx, ctx, id, wish).await {
            Ok(event) => moved.push(event),
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(error) => refused.push((id, error)),
        }
    }
    if !refused.is_empty() {
        return Err(StateRefused::Some(refused));
    }
    moved.sort_by_key(|one| ids.iter().position(|id| *id == one.event.id));
    Ok(moved)
}
