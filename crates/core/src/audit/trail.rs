use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Where a command comes from, and what was looked at on its way by an administrator's rights alone.
#[derive(Clone, Default, Debug)]
pub struct Trail {
    /// The client's address; none for the program's own work.
    pub address: Option<IpAddr>,
    viewed: Arc<Mutex<Viewed>>,
}

/// What an administrator saw that others in their place would not have.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Viewed {
    /// The first of them, as kind and id.
    pub records: BTreeSet<(&'static str, Uuid)>,
    /// Whether there were more.
    pub more: bool,
}

/// How many records one row of the audit log names.
const MOST: usize = 100;

impl Trail {
    /// From this address.
    pub fn from(address: IpAddr) -> Trail {
        Trail { address: Some(address), ..Trail::default() }
    }

    /// Notes that a record was seen by an administrator's rights alone.
    pub fn note(&self, kind: &'static str, record: Uuid) {
        // Nothing panics while it is held.
        let mut viewed = self.viewed.lock().unwrap_or_else(PoisonError::into_inner);
        if viewed.records.len() < MOST {
            viewed.records.insert((kind, record));
        } else if !viewed.records.contains(&(kind, record)) {
            viewed.more = true;
        }
    }

    /// What was noted, and nothing the next time.
    pub fn take(&self) -> Option<Viewed> {
        let viewed = std::mem::take(&mut *self.viewed.lock().unwrap_or_else(PoisonError::into_inner));
        (!viewed.records.is_empty()).then_some(viewed)
    }
}
