//! `[rate_limit]`: how much one client may ask.

use kalends_rest::limits::PerMinute;

use super::keys::{Key, Keys, key};

/// `[rate_limit]`.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// Whether requests are counted and refused.
    pub enabled: bool,
    /// Requests a minute, by kind of route.
    pub per_minute: PerMinute,
}

pub(super) static KEYS: &[Key] = &[
    key("rate_limit.enabled", "true", "Whether requests are counted per client and refused above the limits."),
    key(
        "rate_limit.auth_per_minute",
        "30",
        "Sign-ins, sign-ups and invalid tokens a minute, per address: this is where passwords are guessed.",
    ),
    key(
        "rate_limit.read_per_minute",
        "1200",
        "Reading requests a minute, per account (per address for people who are not signed in).",
    ),
    key("rate_limit.write_per_minute", "600", "Writing requests a minute, per account or address."),
];

impl RateLimit {
    pub(super) fn read(keys: &mut Keys) -> RateLimit {
        let default = PerMinute::default();
        let mut limit = |name, default| keys.integer(name, 1, 1_000_000).unwrap_or(default);
        let per_minute = PerMinute {
            auth: limit("rate_limit.auth_per_minute", default.auth),
            read: limit("rate_limit.read_per_minute", default.read),
            write: limit("rate_limit.write_per_minute", default.write),
        };
        RateLimit { enabled: keys.boolean("rate_limit.enabled").unwrap_or(true), per_minute }
    }
}
