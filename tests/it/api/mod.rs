//! The REST API, one file for each file of `crates/rest`.

mod accounts;
mod calendars;
mod concurrency;
mod conventions;
mod docs;
mod events;
mod given;
mod imports;
mod instances;
mod jobs;
mod paging;
mod sharing;
mod states;
mod users;
