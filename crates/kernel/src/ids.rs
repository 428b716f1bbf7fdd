use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
        Id::new(Builder::from_unix_timestamp_millis(self.millis(), &random::<10>()).into_uuid())
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.now.as_millisecond()).unwrap_or(0)
    }

    /// A fresh UUID without a kind, for UIDs.
    pub fn uuid(&self) -> Uuid {
        self.next::<()>().uuid()
    }

    /// A fresh UUIDv7 that tells requests apart. It is no secret, so its random bits are this process's own: to ask the
    /// machine for them costs a request more than the rest of its id.
    pub fn label(&self) -> Uuid {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 10];
        let hashed = [KEY.hash_one((count, false)), KEY.hash_one((count, true))];
        for (byte, random) in bytes.iter_mut().zip(hashed.into_iter().flat_map(u64::to_be_bytes)) {
            *byte = random;
        }
        Builder::from_unix_timestamp_millis(self.millis(), &bytes).into_uuid()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn labels_differ_and_carry_the_time() {
        let now = "2027-03-28T01:30:00.123Z".parse().expect("a time");
        let labels: BTreeSet<Uuid> = (0..10_000).map(|_| Ids::at(now).label()).collect();
        assert_eq!(labels.len(), 10_000);
        for label in labels {
            assert_eq!(label.get_version_num(), 7);
            let (seconds, nanos) = label.get_timestamp().expect("a time").to_unix();
            assert_eq!((seconds, nanos), (1_806_197_400, 123_000_000), "{label}");
        }
    }
}
