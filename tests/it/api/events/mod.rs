//! Events: when they are, what they say, how they change, who sees what of them.

mod editing;
mod fields;
mod recurrence;
mod sight;
mod times;
mod trash;
