//! Rate limits: how much one client may ask, per class of route (GCRA by `governor`, on our clock).

use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use kalends_kernel::Clock;

/// Who is counted: an account, or an address.
pub type Client = String;

/// The classes of routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Signing in and up: where passwords are guessed.
    Auth,
    /// Reading.
    Read,
    /// Writing.
    Write,
}

/// What a client has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Whether this request is allowed.
    pub allowed: bool,
    /// Requests a minute.
    pub limit: u32,
    /// Requests left now.
    pub remaining: u32,
    /// Seconds until another request is allowed, or until the full number is there again.
    pub reset: u64,
}

type Keyed = RateLimiter<Client, DashMapStateStore<Client>, OurClock, StateInformationMiddleware>;

/// The counters of this node.
pub struct Limits {
    auth: (u32, Keyed),
    read: (u32, Keyed),
    write: (u32, Keyed),
    clock: OurClock,
}

/// Requests a minute for each class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PerMinute {
    /// Signing in and up.
    pub auth: u32,
    /// Reading.
    pub read: u32,
    /// Writing.
    pub write: u32,
}

impl Default for PerMinute {
    fn default() -> Self {
        PerMinute { auth: 30, read: 1_200, write: 600 }
    }
}

impl Limits {
    /// Empty counters.
    pub fn new(clock: Clock, per_minute: PerMinute) -> Limits {
        let clock = OurClock(clock);
        let keyed = |limit: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN));
            (limit, Keyed::new(quota, DashMapStateStore::default(), clock.clone()))
        };
        Limits {
            auth: keyed(per_minute.auth),
            read: keyed(per_minute.read),
            write: keyed(per_minute.write),
            clock: clock.clone(),
        }
    }

    /// Counts a request.
    pub fn count(&self, class: Class, client: &Client) -> Left {
        let (limit, keyed) = self.keyed(class);
        match keyed.check_key(client) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = limit.saturating_sub(remaining);
                Left {
                    allowed: true,
                    limit: *limit,
                    remaining,
                    reset: u64::from(missing) * 60 / u64::from((*limit).max(1)),
                }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(governor::clock::Clock::now(&self.clock));
                Left { allowed: false, limit: *limit, remaining: 0, reset: wait.as_secs() + 1 }
            }
        }
    }

    /// Lets go of counters that are full again; called now and then.
    pub fn tidy(&self) {
        for class in [Class::Auth, Class::Read, Class::Write] {
            self.keyed(class).1.retain_recent();
        }
    }

    fn keyed(&self, class: Class) -> &(u32, Keyed) {
        match class {
            Class::Auth => &self.auth,
            Class::Read => &self.read,
            Class::Write => &self.write,
        }
    }
}

#[derive(Clone, Debug)]
struct OurClock(Clock);

impl governor::clock::Clock for OurClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.0.now().as_microsecond()).unwrap_or(0);
        Nanos::from(Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_used_everything_waits_and_others_do_not() {
        let clock = Clock::manual("2027-01-01T00:00:00Z".parse().expect("a time"));
        let limits = Limits::new(clock.clone(), PerMinute { auth: 3, read: 10, write: 10 });
        let ask = |who: &str| limits.count(Class::Auth, &who.to_owned());
        assert_eq!([ask("a").remaining, ask("a").remaining, ask("a").remaining], [2, 1, 0]);
        let refused = ask("a");
        assert!(!refused.allowed && refused.reset == 21, "{refused:?}");
        assert!(ask("b").allowed);
        clock.advance(20);
        assert!(ask("a").allowed);
        assert!(!ask("a").allowed);
    }
}
