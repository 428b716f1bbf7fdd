//! The REST API, one file for each file of `crates/rest`.

mod conventions;
mod docs;
