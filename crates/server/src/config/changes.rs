//! `[changes]`: the change log that clients follow.

use super::keys::{Key, Keys, key};

/// `[changes]`.
#[derive(Clone, Copy, Debug)]
pub struct Changes {
    /// For how many days a client may stay away and still go on from its token.
    pub retention_days: u32,
}

pub(super) static KEYS: &[Key] = &[key(
    "changes.retention_days",
    "90",
    "For how many days the change log is kept: a client that stays away longer reads everything anew.",
)];

impl Changes {
    pub(super) fn read(keys: &mut Keys) -> Changes {
        Changes { retention_days: keys.integer("changes.retention_days", 1, 36_500).unwrap_or(90) }
    }
}
