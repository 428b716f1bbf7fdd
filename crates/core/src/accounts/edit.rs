use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EmailAddress, Invalid, UserId, Zone};
use serde_json::{Map, Value, json};

use super::register::read_locale;
use super::{AccountError, User, Username, record, store};
use crate::changes::Op;
use crate::ctx::Ctx;
use crate::reactions;

/// What only the server says about an account; a client may send it back as it got it.
const READ_ONLY: &[&str] = &["id", "email_verified_at", "version", "created_at", "updated_at"];

/// Applies a merge patch (RFC 7396) of its owner to an account. A new address is not verified any more.
pub async fn edit(
    tx: &mut Tx,
    ctx: &Ctx,
    id: UserId,
    patch: &Map<String, Value>,
    is_current: impl Fn(i64) -> bool,
) -> Result<User, AccountError> {
    let old = store::lock(tx, id).await?.filter(|user| user.deleted_at.is_none()).ok_or(AccountError::NotFound)?;
    if !is_current(old.version) {
        return Err(AccountError::Changed(Box::new(old)));
    }
    let new = patched(&old, patch)?;
    save(tx, ctx, &old, new, None).await
}

/// Writes an account that differs from what it was.
pub(super) async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &User,
    new: User,
    detail: Option<Value>,
) -> Result<User, AccountError> {
    if new == *old {
        return Ok(new);
    }
    let key = new.username.to_lowercase();
    if key != old.username.to_lowercase() && store::is_username_taken(tx, &key).await? {
        return Err(AccountError::UsernameTaken);
    }
    let new = User { version: old.version + 1, updated_at: ctx.now, ..new };
    if !store::update(tx, &new).await? {
        return Err(tx.stale().into());
    }
    record(tx, ctx, Op::Updated, new.id, new.version, detail).await?;
    reactions::address_changed(tx, ctx, old, &new).await?;
    Ok(new)
}

fn patched(old: &User, patch: &Map<String, Value>) -> Result<User, Invalid> {
    let mut body = json!({
        "username": old.username,
        "email": old.email,
        "name": old.name,
        "locale": old.locale,
        "time_zone": old.zone.name(),
        "role": old.role.name(),
        "disabled": old.disabled,
    });
    let patch: Map<String, Value> = patch
        .iter()
        .filter(|(name, _)| !READ_ONLY.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    json_patch::merge(&mut body, &Value::Object(patch));
    let mut fields = Fields::of(&body, "")?;
    for (kept, value) in [("role", json!(old.role.name())), ("disabled", json!(old.disabled))] {
        if fields.value(kept) != Some(&value) {
            fields.error(kept, "read-only", "administrators change this, by PATCH /users/{id}");
        }
    }
    let username = fields.parsed("username", "bad-username", Username::parse);
    let username = fields.require("username", username);
    let email = fields.parsed("email", "bad-email", EmailAddress::parse);
    let email = fields.require("email", email);
    let name = fields.text("name", Text::line(200)).filter(|name| !name.is_empty());
    let locale = read_locale(&mut fields);
    let zone = fields.parsed("time_zone", "unknown-time-zone", Zone::parse).unwrap_or_else(Zone::utc);
    let invalid = fields.finish();
    let (Some(username), Some(email)) = (username.as_ref().map(Username::as_str), email) else { return Err(invalid) };
    let same_address = old.email.as_deref().is_some_and(|old| old.to_lowercase() == email.key());
    invalid.or(User {
        name: name.unwrap_or_else(|| username.to_owned()),
        username: username.to_owned(),
        email: Some(email.as_str().to_owned()),
        email_verified_at: old.email_verified_at.filter(|_| same_address),
        locale,
        zone,
        ..old.clone()
    })
}
