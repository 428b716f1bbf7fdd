//! The audit log: who wrote, exported, looked at what is not theirs by an administrator's rights, and signed in, with door,
//! address and result (rule 31).
//!
//! Invariants:
//! * a row is written in the transaction of what it tells of (an administrator's look: before the answer), and never changed;
//! * rows are sealed in the order of the log: each [`Seal`] is a digest of the one before and of every row since, so that a
//!   row that is changed, taken out or put in later does not fit, and `kalends check` says where;
//! * whoever keeps the head elsewhere can show that the end was not cut off either.
#![deny(missing_docs)]

mod failed;
mod list;
mod seal;
mod store;
mod trail;

pub use failed::failed_sign_in;
pub use list::{Filter, list};
pub use seal::{Seal, head, is_due, seal, verify};
pub use store::after_restore;
pub use trail::{Trail, Viewed};

use jiff::Timestamp;
use kalends_db::{Result, Tx};
use kalends_kernel::{CalendarId, UserId};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::changes::{Change, Kind, Position};
use crate::ctx::Ctx;

/// What somebody did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Changed something.
    Write,
    /// Took data out.
    Export,
    /// Used an administrator's rights on what is not theirs.
    AdminView,
    /// Signed in, or tried to.
    SignIn,
}

impl Action {
    /// Every action with its name in the API.
    pub const NAMES: &'static [(&'static str, Action)] = &[
        ("write", Action::Write),
        ("export", Action::Export),
        ("admin_view", Action::AdminView),
        ("sign_in", Action::SignIn),
    ];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Action::Write => "write",
            Action::Export => "export",
            Action::AdminView => "admin_view",
            Action::SignIn => "sign_in",
        }
    }
}

/// A row of the audit log to be.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was done.
    pub action: Action,
    /// `ok`, or why not.
    pub result: &'static str,
    /// Who did it, where that is not who asks: somebody who signs in is nobody yet.
    pub actor: Option<UserId>,
    /// What happened to the record: `created`, `updated`, `deleted`.
    pub op: Option<&'static str>,
    /// The kind of record.
    pub kind: Option<&'static str>,
    /// Which record.
    pub record: Option<Uuid>,
    /// How often, where several are told in one row.
    pub count: i64,
    /// More.
    pub detail: Option<Value>,
}

impl Entry {
    /// Something that was done.
    pub fn of(action: Action) -> Entry {
        Entry { action, result: "ok", actor: None, op: None, kind: None, record: None, count: 1, detail: None }
    }
}

impl Entry {
    /// Returns the entry of something that happened to a person's way in: a token, a session, a password.
    pub fn of_access(op: &'static str, kind: &'static str, record: Uuid, owner: UserId) -> Entry {
        Entry { actor: Some(owner), op: Some(op), kind: Some(kind), record: Some(record), ..Entry::of(Action::Write) }
    }
}

/// Writes a row, in the transaction of what it tells of.
pub async fn record(tx: &mut Tx, ctx: &Ctx, entry: Entry) -> Result<()> {
    store::insert(tx, ctx, ctx.now, entry).await
}

/// The row of a change.
pub(crate) fn of_change(change: &Change) -> Entry {
    let mut detail = change.detail.clone();
    if let (Kind::CalendarPermission | Kind::EventPermission, Some(user), Some(Value::Object(said))) =
        (change.kind, change.user, &mut detail)
    {
        said.insert("user_id".to_owned(), user.to_string().into());
    }
    Entry {
        op: Some(change.op.name()),
        kind: Some(change.kind.name()),
        record: Some(change.record),
        detail,
        ..Entry::of(Action::Write)
    }
}

/// A row of the audit log.
#[derive(Clone, PartialEq, Debug)]
pub struct Audited {
    /// Its place.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: String,
    /// `ok`, or why not.
    pub result: String,
    /// Who did it; none for the program itself and for people who are not signed in.
    pub actor: Option<UserId>,
    /// The way in.
    pub door: String,
    /// The client's address, where there is one.
    pub address: Option<String>,
    /// Ties it to the log lines and the answer.
    pub request_id: String,
    /// What happened to the record.
    pub op: Option<String>,
    /// The kind of record.
    pub kind: Option<String>,
    /// Which record.
    pub record: Option<Uuid>,
    /// How often.
    pub count: i64,
    /// More, as JSON text.
    pub detail: Option<String>,
}

/// The row of an export: in which form, and by which filters; about the calendar, where it is one calendar's.
pub fn of_export(format: &str, calendar: Option<CalendarId>, filters: Map<String, Value>) -> Entry {
    Entry {
        kind: calendar.map(|_| "calendar"),
        record: calendar.map(CalendarId::uuid),
        detail: Some(serde_json::json!({"format": format, "filters": filters})),
        ..Entry::of(Action::Export)
    }
}

/// The row of what an administrator saw: of one record about that, of several with their list.
pub fn of_view(viewed: &Viewed, result: &'static str, mut detail: Map<String, Value>) -> Entry {
    let mut records = viewed.records.iter();
    let one = records.next().filter(|_| viewed.records.len() == 1);
    if one.is_none() {
        let list: Vec<Value> =
            viewed.records.iter().map(|(kind, id)| serde_json::json!({"type": kind, "id": id})).collect();
        detail.insert("records".into(), list.into());
        detail.insert("more".into(), viewed.more.into());
    }
    Entry {
        result,
        kind: one.map(|(kind, _)| *kind),
        record: one.map(|(_, id)| *id),
        detail: Some(detail.into()),
        ..Entry::of(Action::AdminView)
    }
}
