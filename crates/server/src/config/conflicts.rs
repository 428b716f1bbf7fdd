//! `[conflicts]`: how far double bookings are looked for.

use super::keys::{Key, Keys, key};

/// `[conflicts]`.
#[derive(Clone, Copy, Debug)]
pub struct Conflicts {
    /// How many years ahead conflicts of series are looked for.
    pub horizon_years: u32,
}

pub(super) static KEYS: &[Key] = &[key(
    "conflicts.horizon_years",
    "10",
    "How many years ahead conflicts of endless series are looked for, from 1 to 100.",
)];

impl Conflicts {
    pub(super) fn read(keys: &mut Keys) -> Conflicts {
        Conflicts { horizon_years: keys.integer("conflicts.horizon_years", 1, 100).unwrap_or(10) }
    }
}
