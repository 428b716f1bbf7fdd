//! Events: when they are, what they say, how they change, who sees what of them.

mod batch;
mod editing;
mod fields;
mod hot;
mod recurrence;
mod shift;
mod sight;
mod times;
mod trash;
