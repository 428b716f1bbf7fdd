//! The REST API, one file for each file of `crates/rest`.

mod accounts;
mod audit;
mod calendars;
mod concurrency;
mod conventions;
mod docs;
mod events;
mod given;
mod instances;
mod paging;
mod search;
mod sharing;
mod states;
mod sync;
mod users;
