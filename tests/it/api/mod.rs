//! The REST API, one file for each file of `crates/rest`.

mod accounts;
mod audit;
mod calendars;
mod concurrency;
mod conflicts;
mod conventions;
mod docs;
mod events;
mod exports;
mod feeds;
mod given;
mod groups;
mod history;
mod imports;
mod instances;
mod invitations;
mod jobs;
mod leaving;
mod paging;
mod search;
mod share_links;
mod sharing;
mod states;
pub mod sync;
mod users;
mod venues;
