use kalends_db::{Result, Tx};
use kalends_kernel::fields::Fields;
use kalends_kernel::{Invalid, Secret, SessionId, UserId};
use serde_json::{Map, Value};

use super::register::{read_password, read_secret};
use super::{Password, Proof, store};
use crate::audit::{self, Entry};
use crate::ctx::Ctx;

/// What a person says who wants another password.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The one that holds now.
    pub current: Secret,
    /// The one that shall hold.
    pub new: Password,
}

/// Reads `{current_password, new_password}`.
pub fn parse_password_change(body: &Map<String, Value>) -> Result<PasswordChange, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let current = read_secret(&mut fields, "current_password").unwrap_or_default();
    let new = read_password(&mut fields, "new_password");
    let invalid = fields.finish();
    match new {
        Some(new) => invalid.or(PasswordChange { current: Secret::new(current), new }),
        None => Err(invalid),
    }
}

/// Gives the account another password and ends all its sessions but the one that asks: whoever knew the old one is out.
/// False when what was proved does not hold any more.
pub async fn change_password(tx: &mut Tx, ctx: &Ctx, proof: &Proof, new_hash: &str, kept: SessionId) -> Result<bool> {
    if !proof.still_holds(tx).await? {
        return Ok(false);
    }
    store::set_password(tx, proof.user(), new_hash, ctx.now).await?;
    store::end_sessions_of(tx, proof.user(), Some(kept), ctx.now).await?;
    audit::record(tx, ctx, Entry::of_access("updated", "password", proof.user().uuid(), proof.user())).await?;
    Ok(true)
}

/// Notes that somebody who was signed in gave a wrong password when they wanted to change it.
pub async fn note_wrong_password(tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<()> {
    let entry = Entry { result: "failed", ..Entry::of_access("updated", "password", user.uuid(), user) };
    audit::record(tx, ctx, entry).await
}
