//! Delta sync: what changed since a token, in calendars and events, as the caller may see them now (rule 30).
//!
//! Invariants:
//! * who follows from any token, a page after the other, ends up with what a full read gives: nothing is missed, whatever
//!   happens between two pages;
//! * a record is always given as it is now, through the policy: gained access arrives as `created`, lost access as `deleted`;
//! * nobody hears of a record that they could not see at some moment since their token;
//! * a token says where somebody stands and nothing else: whose rights count is asked anew for every page.
//!
//! Why it holds: let somebody know a record while they hold a token. Then they could see it at that token's position or
//! later. A row of the log that takes it from them lies behind the position, and its page tells them, because `past` finds
//! from the log what they could see since.
#![deny(missing_docs)]

mod following;
mod listing;
mod retention;
mod store;
mod token;
mod visibility_replay;

pub(crate) use retention::complete_since;
pub use retention::prune;
pub use token::{Token, TokenError};

use kalends_db::{Conn, Error};
use kalends_kernel::CalendarId;
use uuid::Uuid;

use crate::changes::{self, Kind, Op, Position};
use crate::ctx::{Actor, Ctx};
use crate::settings;
use crate::{calendars, events};
use token::Place;

/// How many rows of the log, events or calendars one request looks at, at most; a page may end early because of it.
const WORK: usize = 2_000;
/// How many of them are asked for at a time.
const CHUNK: usize = 500;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// From where on; none for everything that is there.
    pub since: Option<Token>,
    /// Only of this calendar.
    pub calendar: Option<CalendarId>,
    /// How many records at most.
    pub limit: u32,
}

/// A record as the caller may see it.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// A calendar.
    Calendar(Box<calendars::Allowed>),
    /// An event.
    Event(Box<events::Allowed>),
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Where in the log it stands.
    pub position: Position,
    /// The kind of record.
    pub kind: Kind,
    /// Which record.
    pub id: Uuid,
    /// What happened, for the caller.
    pub op: Op,
    /// The record as it is now; none when it is gone, or out of sight.
    pub record: Option<Record>,
}

/// A page of changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Changes {
    /// Each record once, in the order of the log.
    pub items: Vec<Item>,
    /// From where to go on.
    pub next: Token,
    /// Whether there is more right now.
    pub more: bool,
}

/// Why there is no page.
#[derive(Debug)]
pub enum SyncError {
    /// The token is of another epoch, older than the log, or of somebody with other rights everywhere.
    Gone,
    /// The token belongs to another question.
    OtherQuestion,
    /// A fault.
    Internal(Error),
}

impl From<Error> for SyncError {
    fn from(error: Error) -> Self {
        SyncError::Internal(error)
    }
}

/// What everything on the way to a page looks at.
struct Reading<'r> {
    ctx: &'r Ctx,
    /// Only of this calendar.
    of: Option<CalendarId>,
    limit: usize,
}

/// What changed since a token, or, without one, everything that is there.
pub async fn changes(conn: &mut Conn, ctx: &Ctx, question: &Question) -> Result<Changes, SyncError> {
    let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
    let reading = Reading { ctx, of: question.calendar, limit };
    let epoch = settings::get(conn, settings::EPOCH).await?.unwrap_or_default();
    let fresh = Token::new(&epoch, question.calendar, is_admin(&ctx.actor));
    let place = match &question.since {
        Some(token) if !token.is_same_question(&fresh) => return Err(SyncError::OtherQuestion),
        Some(token) if !token.is_same_time(&fresh) => return Err(SyncError::Gone),
        Some(token) => token.place,
        None => begin(conn).await?,
    };
    let (items, next, more) = match place {
        Place::Listing { start, at } => listing::page(conn, &reading, start, at).await?,
        Place::Following { position, within } => following::page(conn, &reading, position, within).await?,
    };
    // Afterwards, so that rows which were let go in the meantime count as well.
    if question.since.is_some() && place.position() < retention::pruned(conn).await? {
        return Err(SyncError::Gone);
    }
    Ok(Changes { items, next: fresh.at(next), more })
}

/// A listing begins with the place from which it is followed: what changes while it is read comes afterwards.
async fn begin(conn: &mut Conn) -> Result<Place, Error> {
    let horizon = conn.log_horizon().await?;
    let last = changes::last(conn, horizon).await?;
    let start = last.max(retention::pruned(conn).await?);
    Ok(Place::Listing { start, at: token::Spot::Calendars { calendar: None, event: None } })
}

/// Whether the actor's rights are an administrator's. Who becomes one, or ceases to be one, sees everything else with
/// other eyes, and begins anew.
fn is_admin(actor: &Actor) -> bool {
    match actor {
        Actor::Anonymous => false,
        Actor::User(user) => user.is_admin(),
        Actor::System => true,
    }
}
