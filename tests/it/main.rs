//! Black-box tests over HTTP. The folders mirror the doors: `api/` has a file for each file of `crates/rest`; `races/` is
//! about many at once (always also on PostgreSQL), `promises/` about what holds for every operation, `crash/` about a server
//! that is killed, `program` about the command line, `web` about the pages,
//! `checked` about what other programs think of our texts.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests may fail like the tests"
)]

mod api;
mod backup;
mod checked;
mod clients;
mod crash;
mod program;
mod promises;
mod races;
mod web;
