//! `[accounts]`: how accounts come to be.

use super::keys::{Key, Keys, key};

/// `[accounts]`.
#[derive(Clone, Copy, Debug)]
pub struct Accounts {
    /// Whether people may make accounts for themselves.
    pub self_registration: bool,
    /// Whether they may choose the role organizer when they do.
    pub role_choice: bool,
    /// Whether the first account of an empty server becomes its administrator.
    pub first_user_is_admin: bool,
}

pub(super) static KEYS: &[Key] = &[
    key("accounts.self_registration", "true", "Whether people may make accounts for themselves."),
    key(
        "accounts.role_choice",
        "true",
        "Whether people may choose the role organizer when they sign up; otherwise an administrator gives it.",
    ),
    key(
        "accounts.first_user_is_admin",
        "false",
        "Whether the first account of an empty server becomes its administrator. Otherwise: kalends admin create.",
    ),
];

impl Accounts {
    pub(super) fn read(keys: &mut Keys) -> Accounts {
        Accounts {
            self_registration: keys.boolean("accounts.self_registration").unwrap_or(true),
            role_choice: keys.boolean("accounts.role_choice").unwrap_or(true),
            first_user_is_admin: keys.boolean("accounts.first_user_is_admin").unwrap_or(false),
        }
    }
}
