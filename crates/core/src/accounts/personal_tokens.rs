use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::fields::{Fields, Text, read_text};
use kalends_kernel::{Cursor, Invalid, Page, Secret, TokenId, UserId};
use serde_json::{Map, Value};

use super::store;
use super::tokens::TokenKind;
use crate::audit::{self, Entry};
use crate::ctx::{Ctx, GlobalRole, Scope, SignedIn};

/// A personal token, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonalToken {
    /// Its id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour; none if never.
    pub last_used_at: Option<Timestamp>,
}

/// A personal token with its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct MadeToken {
    /// The token.
    pub token: PersonalToken,
    /// Its secret.
    pub secret: Secret,
}

/// What a person says who wants a personal token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenInput {
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
}

/// How many personal tokens one account may have.
const MOST: i64 = 200;
/// The longest `expires_in_days`.
const MOST_DAYS: i64 = 3_650;

impl TokenInput {
    /// Reads `{name, scopes, expires_at?, expires_in_days?}`; without either the token does not expire.
    pub fn parse(body: &Map<String, Value>, now: Timestamp) -> Result<TokenInput, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let name = fields.text("name", Text::line(100).filled());
        let name = fields.require("name", name);
        let scopes = fields.list("scopes", Scope::NAMES.len(), parse_scope);
        let mut scopes = fields.require("scopes", scopes).unwrap_or_default();
        if scopes.is_empty() && body.get("scopes").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            fields.error("scopes", "empty", "must have at least one of read, write, admin");
        }
        scopes.sort_unstable();
        scopes.dedup();
        let at = fields.parsed("expires_at", "not-an-instant", |text| {
            text.parse::<Timestamp>().map_err(|_| "must be an instant with an offset such as 2027-12-31T00:00:00Z")
        });
        if at.is_some_and(|at| at <= now) {
            fields.error("expires_at", "past", "must be in the future");
        }
        let days = fields.integer("expires_in_days", 1, MOST_DAYS);
        if at.is_some() && days.is_some() {
            fields.error("expires_in_days", "contradiction", "give either expires_at or expires_in_days");
        }
        let in_days = days.and_then(|days| now.checked_add(SignedDuration::from_hours(24 * days)).ok());
        fields.finish().or(TokenInput {
            name: name.unwrap_or_default(),
            scopes,
            expires_at: at.or(in_days).map(to_micros),
        })
    }
}

fn parse_scope(value: &Value, at: &str) -> Result<Scope, Invalid> {
    let text = read_text(value, Text::line(20)).map_err(|(code, detail)| Invalid::one(at, code, detail))?;
    let found = Scope::NAMES.iter().find(|(name, _)| *name == text).map(|(_, scope)| *scope);
    found.ok_or_else(|| Invalid::one(at, "not-a-choice", "must be one of read, write, admin"))
}

/// Cut to what both databases keep, so that the answer says what will be stored.
fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Why there is no new token.
#[derive(Debug)]
pub enum TokenError {
    /// The input is wrong.
    Invalid(Invalid),
    /// A fault.
    Internal(Error),
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        TokenError::Internal(error)
    }
}

/// Makes a personal token. Only administrators can give one the right to administer, and it works as long as they are.
pub async fn create_token(
    tx: &mut Tx,
    ctx: &Ctx,
    owner: &SignedIn,
    input: &TokenInput,
) -> Result<MadeToken, TokenError> {
    if input.scopes.contains(&Scope::Admin) && owner.role != GlobalRole::Admin {
        return Err(TokenError::Invalid(Invalid::one(
            "/scopes",
            "not-allowed",
            "the scope admin needs an administrator's account",
        )));
    }
    if store::count_tokens_of(tx, owner.id).await? >= MOST {
        return Err(TokenError::Invalid(Invalid::one(
            "",
            "too-many",
            format!("an account may have {MOST} personal tokens; revoke one first"),
        )));
    }
    let (secret, digest) = TokenKind::Personal.make(ctx.ids);
    let token = PersonalToken {
        id: ctx.ids.next(),
        name: input.name.clone(),
        scopes: input.scopes.clone(),
        created_at: ctx.now,
        expires_at: input.expires_at,
        last_used_at: None,
    };
    store::insert_token(tx, owner.id, &token, digest).await?;
    audit::record(tx, ctx, Entry::of_access("created", "token", token.id.uuid(), owner.id)).await?;
    Ok(MadeToken { token, secret })
}

/// Revokes a personal token of this account. A second time is no news; false when it never was the account's.
pub async fn revoke_token(tx: &mut Tx, ctx: &Ctx, owner: UserId, id: TokenId) -> Result<bool, Error> {
    if !store::is_token_of(tx, id, owner).await? {
        return Ok(false);
    }
    store::revoke_token(tx, id, ctx.now).await?;
    audit::record(tx, ctx, Entry::of_access("deleted", "token", id.uuid(), owner)).await?;
    Ok(true)
}

/// The account's personal tokens that were not revoked, newest first.
pub async fn tokens(
    conn: &mut Conn,
    owner: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<PersonalToken>, Error> {
    let found = store::tokens_of(conn, owner, limit, cursor).await?;
    Ok(super::list::page(found, limit, |last| Cursor {
        key: String::new(),
        id: last.id.uuid(),
        part: String::new(),
        of,
    }))
}

/// How many personal tokens the account has.
pub async fn token_count(conn: &mut Conn, owner: UserId) -> Result<i64, Error> {
    store::count_tokens_of(conn, owner).await
}
