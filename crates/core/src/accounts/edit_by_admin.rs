use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, UserId};
use serde_json::{Map, Value, json};

use super::edit::save;
use super::{AccountError, User, another_admin_than, store};
use crate::ctx::{Ctx, GlobalRole};

/// Applies an administrator's merge patch to an account: role, whether it is shut out, whether its address is its own,
/// the name. It takes effect with the commit: every request looks at the account as it is.
pub async fn edit_by_admin(
    tx: &mut Tx,
    ctx: &Ctx,
    id: UserId,
    patch: &Map<String, Value>,
    is_current: impl Fn(i64) -> bool,
) -> Result<User, AccountError> {
    let another_admin = another_admin_than(tx, id).await?;
    let old = store::lock(tx, id).await?.filter(|user| user.deleted_at.is_none()).ok_or(AccountError::NotFound)?;
    if !is_current(old.version) {
        return Err(AccountError::Changed(Box::new(old)));
    }
    let new = patched(&old, patch, ctx)?;
    if old.is_active_admin() && !new.is_active_admin() && !another_admin {
        return Err(AccountError::LastAdmin);
    }
    if new.disabled && !old.disabled {
        store::end_sessions_of(tx, id, None, ctx.now).await?;
    }
    let detail = json!({
        "role": {"from": old.role.name(), "to": new.role.name()},
        "disabled": {"from": old.disabled, "to": new.disabled},
    });
    save(tx, ctx, &old, new, Some(detail)).await
}

fn patched(old: &User, patch: &Map<String, Value>, ctx: &Ctx) -> Result<User, Invalid> {
    let mut body = json!({
        "role": old.role.name(),
        "disabled": old.disabled,
        "email_verified": old.email_verified_at.is_some(),
        "name": old.name,
    });
    json_patch::merge(&mut body, &Value::Object(patch.clone()));
    let mut fields = Fields::of(&body, "")?;
    let role = fields.choice("role", GlobalRole::NAMES);
    let role = fields.require("role", role);
    let disabled = fields.boolean("disabled");
    let disabled = fields.require("disabled", disabled);
    let verified = fields.boolean("email_verified").unwrap_or(false);
    let name = fields.text("name", Text::line(200).filled()).unwrap_or_else(|| old.username.clone());
    fields.finish().or(User {
        role: role.unwrap_or(old.role),
        disabled: disabled.unwrap_or(old.disabled),
        email_verified_at: if verified { old.email_verified_at.or(Some(ctx.now)) } else { None },
        name,
        ..old.clone()
    })
}
