//! The REST API, one file for each file of `crates/rest`.

mod accounts;
mod conventions;
mod docs;
mod events;
mod given;
mod users;
