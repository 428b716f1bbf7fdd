//! Jobs: persistent units of background work.
//!
//! Invariants:
//! * a job is written in the transaction of the command that wants it ([`enqueue`]): it exists if and only if that command
//!   took place;
//! * one worker at a time has a job: it holds a lease, and every step of its work is a transaction that begins with
//!   [`Lease::step`], which fails once the lease is somebody else's. A worker that is killed is followed by another when the
//!   lease ends, and goes on behind the last step that was committed;
//! * a job that fails for a passing reason is tried again later, a bounded number of times; what it did stays, and can be
//!   undone as a whole where its kind can be undone.
//!
//! This is the mechanism alone: which work a [`Kind`] means is known by [`crate::job_runner`].
#![deny(missing_docs)]

mod enqueue;
mod lease;
mod list;
mod manage;
mod model;
mod retention;
mod store;

pub use enqueue::{NewJob, enqueue, report};
pub use lease::{Lease, Stopped, claim, finish, give_back, next_due, put_off, take};
pub use list::{Listed, count, list, load, waiting};
pub use manage::{Undoing, begin_undo, cancel, retry};
pub use model::{Job, Kind, LogLine, Progress, State};
pub use retention::{oldest_over, remove};

use kalends_db::Error;

use crate::access::Denied;

/// Why a command on a job was refused.
#[derive(Debug)]
pub enum JobError {
    /// The actor may not, or there is no such job.
    Denied(Denied),
    /// The state that it is in does not allow it.
    WrongState {
        /// The state.
        state: State,
        /// What would help.
        why: &'static str,
    },
    /// A fault.
    Internal(Error),
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        JobError::Internal(error)
    }
}
impl From<Denied> for JobError {
    fn from(denied: Denied) -> Self {
        JobError::Denied(denied)
    }
}
