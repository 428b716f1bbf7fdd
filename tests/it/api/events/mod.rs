//! Events: when they are, what they say, how they change, who sees what of them.

mod batch;
mod editing;
mod fields;
mod recurrence;
mod response_cache;
mod shift;
mod sight;
mod times;
mod trash;
