//! Share links: an address that nobody can guess shows several events to whoever has it, without an account.
//!
//! Invariants:
//! * a link gives no more than its maker may still share: that is asked at each reading, never as an administrator;
//! * what is not published, in the trash or confidential is not in it; of what is private, and with `busy_only` of all, it
//!   shows the times alone; never linked people, notes or reminders ([`access::by_link`](crate::access::by_link));
//! * of its address only a digest is stored.
#![deny(missing_docs)]

mod input;
mod open;
mod store;

pub use input::LinkInput;
pub use open::{Opened, note_use, open};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::{Cursor, EventId, Id, Invalid, Page, ShareLinkId, UserId};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::access::Can;
use crate::audit::{self, Action, Entry};
use crate::ctx::{Actor, Credential, Ctx, GlobalRole, Scope, SignedIn};
use crate::events::{self, EventError};

/// A share link, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareLink {
    /// Its id.
    pub id: ShareLinkId,
    /// What it is called, for those who open it too.
    pub name: Option<String>,
    /// Which events.
    pub events: Vec<EventId>,
    /// Whether it shows times alone.
    pub busy_only: bool,
    /// From when on it shows nothing any more, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last opened, to the hour; none if never.
    pub last_used_at: Option<Timestamp>,
}

/// A link with its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct CreatedLink {
    /// The link.
    pub link: ShareLink,
    /// The part of its address that nobody can guess.
    pub secret: kalends_kernel::Secret,
}

/// Why there is no new link.
#[derive(Debug)]
pub enum LinkError {
    /// The input is wrong.
    Invalid(Invalid),
    /// These events, by their place in the list, are not the maker's to share.
    Refused(Vec<(usize, EventId, EventError)>),
    /// A fault.
    Internal(Error),
}

impl From<Error> for LinkError {
    fn from(error: Error) -> Self {
        LinkError::Internal(error)
    }
}

/// How many links one account may have.
const MOST: i64 = 500;
/// What secret scanners know it by.
const PREFIX: &str = "kls_";
/// What it is called in the audit log.
const KIND: &str = "share_link";

/// Whoever has the address reads by what its maker may share by themselves, not as an administrator.
fn maker(link: ShareLinkId, id: UserId, role: GlobalRole) -> Actor {
    Actor::User(SignedIn { id, role, by: Credential::PersonalToken(Id::new(link.uuid()), vec![Scope::Read]) })
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Makes a link to events that its maker may share; all of them or none.
pub async fn create(tx: &mut Tx, ctx: &Ctx, user: &SignedIn, input: &LinkInput) -> Result<CreatedLink, LinkError> {
    if store::count_of(tx, user.id).await? >= MOST {
        let detail = format!("an account may have {MOST} share links; delete one first");
        return Err(LinkError::Invalid(Invalid::one("", "too-many", detail)));
    }
    let id = ctx.ids.next();
    let as_maker = Ctx { actor: maker(id, user.id, user.role), ..ctx.clone() };
    let mut refused = Vec::new();
    for (index, event) in input.events.iter().enumerate() {
        match events::load(tx, &as_maker, *event, Can::Share).await {
            Ok(of) if of.event.facts.deleted => refused.push((index, *event, EventError::Deleted)),
            Ok(_) => {}
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(error) => refused.push((index, *event, error)),
        }
    }
    if !refused.is_empty() {
        return Err(LinkError::Refused(refused));
    }
    let link = ShareLink {
        id,
        name: input.name.clone(),
        events: input.events.clone(),
        busy_only: input.busy_only,
        expires_at: input.expires_at,
        created_at: ctx.now,
        last_used_at: None,
    };
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(ctx.ids.secret()));
    store::insert(tx, user.id, &link, digest(&secret)).await?;
    // What is given to people without an account is somebody's doing: it can be found out whose.
    let detail = json!({"event_ids": link.events, "busy_only": link.busy_only});
    audit::record(tx, ctx, Entry { detail: Some(detail), ..done("created", id) }).await?;
    Ok(CreatedLink { link, secret: kalends_kernel::Secret::new(secret) })
}

fn done(op: &'static str, id: ShareLinkId) -> Entry {
    Entry { op: Some(op), kind: Some(KIND), record: Some(id.uuid()), ..Entry::of(Action::Write) }
}

/// Ends a link of this account. A second time is no news; false when it never was the account's.
pub async fn revoke(tx: &mut Tx, ctx: &Ctx, owner: UserId, id: ShareLinkId) -> Result<bool, Error> {
    if !store::is_of(tx, id, owner).await? {
        return Ok(false);
    }
    if store::revoke(tx, id, ctx.now).await? {
        audit::record(tx, ctx, done("deleted", id)).await?;
    }
    Ok(true)
}

/// The account's links, newest first.
pub async fn links(
    conn: &mut Conn,
    owner: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<ShareLink>, Error> {
    let mut items = store::links_of(conn, owner, limit, cursor).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        key: String::new(),
        id: last.id.uuid(),
        part: String::new(),
        of,
    });
    Ok(Page { items, next })
}

/// How many links the account has.
pub async fn link_count(conn: &mut Conn, owner: UserId) -> Result<i64, Error> {
    store::count_of(conn, owner).await
}
