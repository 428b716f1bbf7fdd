//! The program `kalends`: configuration, wiring, command line. Everything that decides anything is in `core`; everything
//! that speaks a protocol is in a door.
//!
//! [`start`] puts a server together and lets it listen; the program and the tests use the same one.

mod admin;
mod backup;
mod check;
pub mod cli;
pub mod config;
mod demo;
mod export;
mod housekeeping;
mod import;
mod linger;
pub mod logging;
mod metrics;
mod secret_key;
mod serve;
mod start;
mod telemetry;
mod worker;

pub use config::{Config, Flags};
pub use start::{Running, start, start_with};

/// A request makes and drops some hundred small values on whichever thread is free; the C library's allocator takes twice
/// as long for them (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
