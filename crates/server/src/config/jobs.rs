//! `[jobs]`: background work.

use super::keys::{Key, Keys, key};

/// `[jobs]`.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    /// For how many days a job that is over can be looked at and undone.
    pub retention_days: u32,
}

pub(super) static KEYS: &[Key] = &[key(
    "jobs.retention_days",
    "30",
    "For how many days a job that is over is kept, with its report and the file that was imported: that long it can be undone.",
)];

impl Jobs {
    pub(super) fn read(keys: &mut Keys) -> Jobs {
        Jobs { retention_days: keys.integer("jobs.retention_days", 1, 36_500).unwrap_or(30) }
    }
}
