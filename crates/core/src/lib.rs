//! Every feature and every rule of Kalends. Doors parse, call one command or query of a feature, and make a view.
//!
//! Mechanisms that every feature uses: [`ctx`] (who does what, when, through which door), [`access`] (the one policy),
//! [`changes`] (the change log), [`audit`] (the audit log), [`budget`] (the work a request may cost). Features call down, never up:
//! `accounts` < `calendars` < `sharing`, `venues` < `events` < `history`, `sync`, `feeds`, `imports` < `share_links`, `demo`. (`conflicts` is
//! one with `events`: its writes ask it, and it looks at instances.) Background work: [`jobs`] is the mechanism, [`job_runner`] says
//! which feature does which.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod budget;
pub mod calendars;
pub mod changes;
pub mod check;
pub mod conflicts;
pub mod ctx;
pub mod demo;
pub mod events;
pub mod feeds;
pub mod history;
pub mod imports;
pub mod job_runner;
pub mod jobs;
mod reactions;
pub mod search;
pub mod settings;
pub mod share_links;
pub mod sharing;
pub mod sync;
pub mod venues;
