//! Many changes in one request: each is the command that it would be alone, in the order they are given.

use kalends_db::{Error, Tx};
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EventId, Invalid};
use serde_json::{Map, Value};

use super::{Allowed, Edit, EventError, How, NewEvent, Precondition, create, delete, edit, store};
use crate::calendars::Conflicts;
use crate::ctx::Ctx;

/// What one failure does to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// All are done or none.
    Atomic,
    /// Each is done or not by itself.
    Each,
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub enum Operation {
    /// A new event.
    Create(Box<NewEvent>),
    /// A merge patch of an event.
    Update(EventId, Box<Edit>),
    /// An event into the trash.
    Delete(EventId, Precondition),
}

/// Many changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// What one failure does to the others.
    pub mode: Mode,
    /// The changes; one that cannot be read is a failure like any other.
    pub operations: Vec<Result<Operation, Invalid>>,
}

/// What became of one change.
#[derive(Clone, PartialEq, Debug)]
pub enum Done {
    /// The event was made.
    Created(Box<Allowed>),
    /// The event was changed.
    Updated(Box<Allowed>),
    /// The event was deleted, now or before.
    Deleted,
}

/// Why none of the changes was done.
#[derive(Debug)]
pub enum BatchRefused {
    /// This one (counted from 0) could not be, and it was all or none.
    One(usize, EventError),
    /// A fault.
    Internal(Error),
}

impl From<Error> for BatchRefused {
    fn from(error: Error) -> Self {
        BatchRefused::Internal(error)
    }
}

/// How many changes one request may ask for.
const MOST: usize = 1_000;
const MODES: &[(&str, Mode)] = &[("atomic", Mode::Atomic), ("each", Mode::Each)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Create,
    Update,
    Delete,
}

const OPS: &[(&str, Op)] = &[("create", Op::Create), ("update", Op::Update), ("delete", Op::Delete)];

impl Batch {
    /// Reads `{mode?, operations: [{op, id?, if_match?, event?}]}`.
    pub fn parse(body: &Map<String, Value>) -> Result<Batch, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let mode = fields.choice("mode", MODES).unwrap_or(Mode::Atomic);
        let operations = fields.list("operations", MOST, |item, at| Ok(Operation::parse(item, at)));
        let operations = fields.require("operations", operations).unwrap_or_default();
        if fields.value("operations").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            fields.error("operations", "empty", "must have at least one operation");
        }
        fields.finish().or(Batch { mode, operations })
    }
}

impl Operation {
    fn parse(item: &Value, at: &str) -> Result<Operation, Invalid> {
        let mut fields = Fields::of(item, at)?;
        let op = fields.choice("op", OPS);
        let op = fields.require("op", op);
        let id = fields.parsed("id", "not-an-id", |text| text.parse::<EventId>().map_err(|_| "must be an id (a UUID)"));
        let if_match = match fields.value("if_match") {
            Some(Value::Number(version)) => version.as_i64().map(|version| vec![version]),
            Some(_) => fields.text("if_match", Text::line(1_000)).as_deref().and_then(versions),
            None => None,
        };
        let event = match fields.value("event") {
            Some(Value::Object(event)) => Some(event.clone()),
            Some(_) => {
                fields.error("event", "wrong-type", "must be an object");
                None
            }
            None => None,
        };
        let needs: &[&str] = match op {
            Some(Op::Create) => &["event"],
            Some(Op::Update) => &["id", "event"],
            Some(Op::Delete) => &["id"],
            None => &[],
        };
        let takes: &[&str] = match op {
            Some(Op::Create) => &["event"],
            Some(Op::Update) => &["id", "if_match", "event"],
            Some(Op::Delete) => &["id", "if_match"],
            None => &["id", "if_match", "event"],
        };
        for name in ["id", "if_match", "event"] {
            match fields.value(name) {
                Some(_) if !takes.contains(&name) => fields.error(name, "contradiction", "means nothing with this op"),
                None if needs.contains(&name) => fields.error(name, "required", "must be given"),
                _ => {}
            }
        }
        let mut invalid = fields.finish();
        let operation = match (op, id, event) {
            (Some(Op::Create), _, Some(event)) => NewEvent::parse(event).map(|new| Operation::Create(Box::new(new))),
            (Some(Op::Update), Some(id), Some(event)) => {
                Edit::parse(event, How::Patch, if_match).map(|edit| Operation::Update(id, Box::new(edit)))
            }
            (Some(Op::Delete), Some(id), _) => Ok(Operation::Delete(id, Precondition { if_match, base_version: None })),
            _ => return Err(invalid),
        };
        match operation {
            Ok(operation) => invalid.or(operation),
            Err(more) => {
                invalid.append(more.within(&format!("{at}/event")));
                Err(invalid)
            }
        }
    }

    /// The event that it is about, if there is one yet.
    fn about(&self) -> Option<EventId> {
        match self {
            Operation::Create(_) => None,
            Operation::Update(id, _) | Operation::Delete(id, _) => Some(*id),
        }
    }

    /// What is to happen when it takes time that is taken.
    pub fn on_conflict(&self) -> Option<Conflicts> {
        match self {
            Operation::Create(new) => new.on_conflict,
            Operation::Update(_, edit) => edit.on_conflict,
            Operation::Delete(..) => None,
        }
    }

    async fn run(&self, tx: &mut Tx, ctx: &Ctx) -> Result<Done, EventError> {
        match self {
            Operation::Create(new) => create(tx, ctx, new).await.map(|made| Done::Created(Box::new(made))),
            Operation::Update(id, change) => {
                edit(tx, ctx, *id, change).await.map(|changed| Done::Updated(Box::new(changed)))
            }
            Operation::Delete(id, precondition) => delete(tx, ctx, *id, precondition).await.map(|()| Done::Deleted),
        }
    }
}

/// The versions that an ETag names, as in `If-Match`; none for `*`, which is whatever is there.
fn versions(text: &str) -> Option<Vec<i64>> {
    if text == "*" {
        return None;
    }
    let tags = text.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    // A tag that is none of ours matches nothing.
    Some(tags.filter_map(|tag| tag.split('-').next().and_then(|version| version.parse().ok())).collect())
}

/// Does the changes, in their order. Atomic: all or none. Each: what fails leaves nothing, the others are done.
pub async fn batch(tx: &mut Tx, ctx: &Ctx, batch: &Batch) -> Result<Vec<Result<Done, EventError>>, BatchRefused> {
    if batch.mode == Mode::Atomic {
        all_readable(&batch.operations)?;
    }
    let mut about: Vec<EventId> = batch.operations.iter().flatten().filter_map(Operation::about).collect();
    about.sort();
    about.dedup();
    store::lock_all(tx, about).await?;
    let mut results = Vec::with_capacity(batch.operations.len());
    for (index, operation) in batch.operations.iter().enumerate() {
        let outcome = match (operation, batch.mode) {
            (Err(invalid), _) => Err(EventError::Invalid(invalid.clone())),
            (Ok(operation), Mode::Atomic) => operation.run(tx, ctx).await.map_err(|error| error.within(index)),
            (Ok(operation), Mode::Each) => {
                let done = tx.attempt(async |tx| operation.run(tx, ctx).await).await?;
                done.map_err(|error| error.within(index))
            }
        };
        match outcome {
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(error) if batch.mode == Mode::Atomic => return Err(BatchRefused::One(index, error)),
            outcome => results.push(outcome),
        }
    }
    Ok(results)
}

/// Refuses when one of them cannot be read; tells what is wrong with all of them.
fn all_readable(operations: &[Result<Operation, Invalid>]) -> Result<(), BatchRefused> {
    let mut first = None;
    let mut invalid = Invalid::new();
    for (index, operation) in operations.iter().enumerate() {
        if let Err(wrong) = operation {
            first.get_or_insert(index);
            invalid.append(wrong.clone());
        }
    }
    first.map_or(Ok(()), |index| Err(BatchRefused::One(index, EventError::Invalid(invalid))))
}

impl EventError {
    /// What is wrong with the input, with pointers into the body of a batch.
    fn within(self, index: usize) -> EventError {
        match self {
            EventError::Invalid(invalid) => EventError::Invalid(invalid.within(&format!("/operations/{index}/event"))),
            other => other,
        }
    }
}
