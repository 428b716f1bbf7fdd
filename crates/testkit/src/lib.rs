//! [`World`]: a running server with a database of its own, a clock that is moved by hand, and people with names who keep
//! their roles through all tests: alice owns, bob edits, carol views, mallory has nothing.
//!
//! [`Binary`]: the real program as a process of its own, for tests that start, stop and kill it.

mod binary;
mod request;
mod world;

pub use binary::{Binary, Output, Setup, variable};
pub use request::{Reply, Request};
pub use reqwest::Method;
pub use world::{Builder, Person, START, World, config};
