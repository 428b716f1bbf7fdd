//! What holds for every operation.

mod bodies;
mod codes;
mod contract;
mod document;
mod openapi;
mod people;
mod rights;
mod schemathesis;
mod secrets;
