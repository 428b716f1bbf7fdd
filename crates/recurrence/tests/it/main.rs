//! The crate from outside: what the RFC's examples give, what a series means, what text is read and refused, and
//! properties that hold for random series. (`vectors.rs` and `oracle.rs` compare with other engines.)

#![expect(clippy::expect_used, reason = "a test stops where its own data are wrong")]

mod given;
mod properties;
mod rfc_examples;
mod semantics;
mod text;
