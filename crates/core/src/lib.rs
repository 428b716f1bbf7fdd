//! Every feature and every rule of Kalends. Doors parse, call one command or query of a feature, and make a view.
//!
//! Mechanisms that every feature uses: [`ctx`] (who does what, when, through which door), [`access`] (the one policy),
//! [`changes`] (the change log), [`audit`] (the audit log). Features call down, never up:
//! `accounts` < `calendars` < `sharing` < `events` < `sync` < `demo`.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod calendars;
pub mod changes;
pub mod check;
pub mod ctx;
pub mod demo;
pub mod events;
pub mod search;
pub mod settings;
pub mod sharing;
pub mod sync;
