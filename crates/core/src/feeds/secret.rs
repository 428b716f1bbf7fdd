//! Secret feeds: an address that only its owner knows shows calendars as the owner sees them at that moment. Many per
//! person, each revocable by itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::fields::{Fields, Text, read_text};
use kalends_kernel::{CalendarId, Cursor, FeedId, Id, Invalid, Page, UserId};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::store;
use crate::access::Can;
use crate::audit::{self, Action, Entry};
use crate::calendars::{self, CalendarError};
use crate::ctx::{Actor, Credential, Ctx, GlobalRole, Scope, SignedIn};

/// A secret feed, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// What its owner calls it; the name of the calendar in apps.
    pub name: String,
    /// Which calendars; none for all that are shared with the owner at that moment.
    pub calendars: Option<Vec<CalendarId>>,
    /// Whether it shows times alone.
    pub busy_only: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last fetched, to the hour; none if never.
    pub last_used_at: Option<Timestamp>,
}

/// A feed with its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct CreatedFeed {
    /// The feed.
    pub feed: Feed,
    /// The part of its address that nobody can guess.
    pub secret: kalends_kernel::Secret,
}

/// A feed that was asked for by its secret, and its owner's account of now.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The feed.
    pub feed: Feed,
    /// Whose it is.
    pub owner: UserId,
    pub(super) role: GlobalRole,
    pub(super) locale: String,
}

impl Secret {
    /// Whoever has the address reads as its owner does; never more than reading, and never as an administrator.
    pub(super) fn actor(&self) -> Actor {
        let by = Credential::PersonalToken(Id::new(self.feed.id.uuid()), vec![Scope::Read]);
        Actor::User(SignedIn { id: self.owner, role: self.role, by })
    }

    /// Whether the use was not noted lately.
    pub fn is_news(&self, now: Timestamp) -> bool {
        self.feed.last_used_at.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY)
    }
}

/// What a person says who wants a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedInput {
    name: String,
    calendars: Option<Vec<CalendarId>>,
    busy_only: bool,
}

/// How many feeds one account may have.
const MOST: i64 = 100;
/// How many calendars one feed may name.
const MOST_CALENDARS: usize = 100;
/// How exactly the last use is known: one write an hour, however often an app looks.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// What secret scanners know it by.
const PREFIX: &str = "klf_";

impl FeedInput {
    /// Reads `{name, calendar_ids?, busy_only?}`; without `calendar_ids` all that are shared with the owner.
    pub fn parse(body: &Map<String, Value>) -> Result<FeedInput, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let name = fields.text("name", Text::line(100).filled());
        let name = fields.require("name", name);
        let mut calendars = fields.list("calendar_ids", MOST_CALENDARS, |value, at| {
            let text = read_text(value, Text::line(36)).map_err(|(code, detail)| Invalid::one(at, code, detail))?;
            text.parse::<CalendarId>()
                .map_err(|_| Invalid::one(at, "not-an-id", "must be the id of a calendar (a UUID)"))
        });
        if calendars.as_ref().is_some_and(Vec::is_empty)
            && body.get("calendar_ids").is_some_and(|v| v == &Value::Array(Vec::new()))
        {
            fields.error("calendar_ids", "empty", "name at least one calendar, or leave it out for all of yours");
        }
        if let Some(calendars) = &mut calendars {
            let mut seen = std::collections::BTreeSet::new();
            calendars.retain(|id| seen.insert(*id));
        }
        let busy_only = fields.boolean("busy_only").unwrap_or(false);
        fields.finish().or(FeedInput { name: name.unwrap_or_default(), calendars, busy_only })
    }
}

/// Why there is no new feed.
#[derive(Debug)]
pub enum FeedError {
    /// The input is wrong.
    Invalid(Invalid),
    /// A fault.
    Internal(Error),
}

impl From<Error> for FeedError {
    fn from(error: Error) -> Self {
        FeedError::Internal(error)
    }
}

/// Makes a feed of calendars that its owner sees.
pub async fn create(tx: &mut Tx, ctx: &Ctx, owner: UserId, input: &FeedInput) -> Result<CreatedFeed, FeedError> {
    if store::count_of(tx, owner).await? >= MOST {
        let detail = format!("an account may have {MOST} feeds; delete one first");
        return Err(FeedError::Invalid(Invalid::one("", "too-many", detail)));
    }
    let mut invalid = Invalid::new();
    for (index, id) in input.calendars.iter().flatten().enumerate() {
        match calendars::load(tx, ctx, *id, Can::See).await {
            Ok(_) => {}
            Err(CalendarError::Internal(error)) => return Err(error.into()),
            Err(_) => invalid.add(
                format!("/calendar_ids/{index}"),
                "not-found",
                "there is no such calendar, or you do not see it",
            ),
        }
    }
    invalid.or(()).map_err(FeedError::Invalid)?;
    let feed = Feed {
        id: ctx.ids.next(),
        name: input.name.clone(),
        calendars: input.calendars.clone(),
        busy_only: input.busy_only,
        created_at: ctx.now,
        last_used_at: None,
    };
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(ctx.ids.secret()));
    store::insert(tx, owner, &feed, Sha256::digest(secret.as_bytes()).into()).await?;
    audit::record(tx, ctx, done("created", feed.id)).await?;
    Ok(CreatedFeed { feed, secret: kalends_kernel::Secret::new(secret) })
}

/// Ends a feed of this account. A second time is no news; false when it never was the account's.
pub async fn revoke(tx: &mut Tx, ctx: &Ctx, owner: UserId, id: FeedId) -> Result<bool, Error> {
    if !store::is_of(tx, id, owner).await? {
        return Ok(false);
    }
    if store::revoke(tx, id, ctx.now).await? {
        audit::record(tx, ctx, done("deleted", id)).await?;
    }
    Ok(true)
}

/// What is read by an address is read by nobody in particular: who made it stands in the audit log.
fn done(op: &'static str, id: FeedId) -> Entry {
    Entry { op: Some(op), kind: Some("feed"), record: Some(id.uuid()), ..Entry::of(Action::Write) }
}

/// The account's feeds, newest first.
pub async fn feeds(
    conn: &mut Conn,
    owner: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<Feed>, Error> {
    let mut items = store::feeds_of(conn, owner, limit, cursor).await?;
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

/// How many feeds the account has.
pub async fn feed_count(conn: &mut Conn, owner: UserId) -> Result<i64, Error> {
    store::count_of(conn, owner).await
}

/// Notes that a feed is in use, so that its owner sees which ones are.
pub async fn note_use(tx: &mut Tx, id: FeedId, now: Timestamp) -> Result<(), Error> {
    store::note_use(tx, id, now).await
}

/// The feed of a secret.
pub(super) async fn find(conn: &mut Conn, secret: &str) -> Result<Option<Secret>, Error> {
    let random = secret.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    if random.is_none_or(|bytes| bytes.len() != 32) {
        return Ok(None);
    }
    store::by_digest(conn, Sha256::digest(secret.as_bytes()).into()).await
}
