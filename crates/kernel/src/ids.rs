use jiff::Timestamp;
use uuid::{Builder, Uuid};

use crate::Id;

/// The maker of ids and random secrets for one command. Ids carry the command's time.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    now: Timestamp,
}

impl Ids {
    /// A maker whose ids carry the time `now`.
    pub fn at(now: Timestamp) -> Ids {
        Ids { now }
    }

    /// A fresh UUIDv7 (RFC 9562 5.7): milliseconds of the command's time, then 74 random bits.
    pub fn next<K>(&self) -> Id<K> {
        let millis = u64::try_from(self.now.as_millisecond()).unwrap_or(0);
        Id::new(Builder::from_unix_timestamp_millis(millis, &random::<10>()).into_uuid())
    }

    /// A fresh UUID without a kind, for UIDs and request ids.
    pub fn uuid(&self) -> Uuid {
        self.next::<()>().uuid()
    }

    /// 32 random bytes: a secret that cannot be guessed.
    pub fn secret(&self) -> [u8; 32] {
        random()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "a machine without randomness can make no ids or secrets: stop at once")]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for randomness")]
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
