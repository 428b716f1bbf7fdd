//! From one rule to its instances, in wall-clock seconds. Zones come later ([`crate::occurrences`]): every rule is
//! evaluated on the wall clock, as RFC 5545 3.3.10 says.
//!
//! [`plan`] fills in what DTSTART decides, [`days`] answers which days of a month match, [`periods`] walks from one
//! period (year … second) to the next that can have instances, [`set`] is what one period yields with BYSETPOS
//! applied, [`stream`] adds DTSTART, COUNT, UNTIL and jumping. [`proof`] recognises rules that can never match.

mod days;
mod periods;
mod plan;
mod proof;
mod set;
mod stream;

pub(crate) use plan::Plan;
pub(crate) use stream::Stream;
