//! The story of an event, oldest first: its versions with their content, and between them who was given which role.

use jiff::Timestamp;
use kalends_db::Conn;
use kalends_kernel::EventId;

use super::read::{Entry, Person, as_of, open};
use super::store;
use crate::access::{self, Can, Role};
use crate::changes::Position;
use crate::ctx::Ctx;
use crate::events::{Allowed, EventError};
use crate::sharing::Party;

/// A role that somebody was given, or that was taken away.
#[derive(Clone, PartialEq, Debug)]
pub struct RoleChange {
    /// Its place in the change log.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Who did it; none for the program itself.
    pub actor: Option<Person>,
    /// Through which door.
    pub door: String,
    /// Whose role it is; none when it is a group's or an address's, or that of an account that is gone.
    pub user: Option<Person>,
    /// The group or address whose role it is; addresses are for owners alone.
    pub party: Option<Party>,
    /// The role before; none when there was none.
    pub from: Option<String>,
    /// The role after.
    pub to: Option<String>,
}

/// A line of the story.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// A version, with the whole event as of it.
    Version(Entry, Box<Allowed>),
    /// A change of a role on the event.
    Role(RoleChange),
}

/// How far somebody has read: to this version, and to this place among the changes of roles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The last version.
    pub version: i64,
    /// The last change of a role.
    pub roles: Position,
}

/// A page of the story.
#[derive(Clone, PartialEq, Debug)]
pub struct Changelog {
    /// The version before the first one of the page, to compare that one with; none at the beginning.
    pub before: Option<Box<Allowed>>,
    /// In the order in which it happened.
    pub lines: Vec<Line>,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

/// How many bytes of content a page has at most: an event can be as large as a request. At least one line is given.
const MOST_BYTES: usize = 2_000_000;
/// How many versions are read at a time, so that a page of large events ends early.
const AT_A_TIME: i64 = 10;

/// What happened to an event behind `after`, at most `limit` lines. Changes of roles are for those who may see roles.
pub async fn changelog(
    conn: &mut Conn,
    ctx: &Ctx,
    id: EventId,
    after: Option<Place>,
    limit: usize,
) -> Result<Changelog, EventError> {
    let (of, seen) = open(conn, ctx, id).await?;
    let mut place = after.unwrap_or_default();
    let before = match place.version {
        0 => None,
        upto => store::last(conn, id, seen, upto).await?.map(|stored| Box::new(as_of(&of, stored))),
    };
    let owns = of.grant.role == Some(Role::Owner);
    let sees_roles = access::check(Some(of.grant), Can::SeePermissions).is_ok();
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let roles = if sees_roles { store::role_changes(conn, id, place.roles, owns, wanted).await? } else { Vec::new() };
    let mut roles = roles.into_iter().peekable();
    let (mut versions, mut all_read) = (std::collections::VecDeque::new(), false);
    let (mut lines, mut bytes, mut read_to) = (Vec::new(), 0, place.version);
    loop {
        if versions.is_empty() && !all_read {
            let batch = store::next(conn, id, seen, read_to, AT_A_TIME).await?;
            all_read = i64::try_from(batch.len()).unwrap_or(i64::MAX) < AT_A_TIME;
            read_to = batch.last().map_or(read_to, |last| last.entry.version);
            versions.extend(batch);
        }
        let role_is_next = match (versions.front(), roles.peek()) {
            (None, None) => return Ok(Changelog { before, lines, next: None }),
            (Some(version), Some(role)) => role.at < version.entry.at,
            (version, _) => version.is_none(),
        };
        if lines.len() >= limit || (bytes >= MOST_BYTES && !lines.is_empty()) {
            return Ok(Changelog { before, lines, next: Some(place) });
        }
        if role_is_next {
            if let Some(role) = roles.next() {
                place.roles = role.position;
                lines.push(Line::Role(role));
            }
        } else if let Some(version) = versions.pop_front() {
            place.version = version.entry.version;
            bytes += version.size;
            let entry = version.entry.clone();
            lines.push(Line::Version(entry, Box::new(as_of(&of, version))));
        }
    }
}
