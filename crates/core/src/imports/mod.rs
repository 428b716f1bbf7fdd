//! Imports: a file becomes a change set of a calendar (rule 24).
//!
//! Invariants:
//! * a dry run is the same work, rolled back: what it reports is what an import does;
//! * the same file again changes nothing: each event remembers the digest of what it was last imported as;
//! * of two states of one event the newer wins, by SEQUENCE and then LAST-MODIFIED;
//! * what is wrong with one event is reported with its line and stops none of the others;
//! * the work is done in steps, each a transaction with its rows of the report and its progress, so that an import that
//!   is killed goes on where it was, and what it did can be undone as a whole.
//!
//! `gather` brings a file's components together by UID, `convert` makes contents of them (both without I/O), `decide` says
//! what becomes of one, `apply` writes it, `run` and `undo` are the work of the job.
#![deny(missing_docs)]

mod apply;
mod component;
mod convert;
mod decide;
mod gather;
mod overrides;
mod passthrough;
mod report;
mod run;
mod start;
mod store;
mod undo;

pub use convert::{Item, What, convert};
pub use gather::{Entry, Gathered, gather};
pub use report::{Action, ReportRow};
pub use run::{forget, run, so_far};
pub use start::{ImportError, NewImport, Profile, start};
pub use undo::undo;
