//! Following what changes: rules 15 and 30.

mod client;
mod random;
