//! How far an event reaches: the classes by which a window finds what overlaps it without looking at everything that
//! ever began before it.
//!
//! A single event of class `r` lasts at most [`LONGEST`]`[r]`, so those that overlap `[from, to)` begin in
//! `(from - LONGEST[r], to)`: a range of the index (calendar, reach, start). Series are a class of their own: whether one
//! has an instance in a window is asked of its rule.

use jiff::{SignedDuration, Timestamp};

use super::content::Content;

/// The longest single event of each class; the last class holds whatever is longer.
pub const LONGEST: [SignedDuration; 3] =
    [SignedDuration::from_hours(24), SignedDuration::from_hours(24 * 8), SignedDuration::from_hours(24 * 100)];
/// The class of single events that are longer than that.
pub const LONG: i64 = 3;
/// The class of series.
pub const SERIES: i64 = 9;

/// The class of an event.
pub fn of(content: &Content, starts_at: Timestamp, ends_at: Option<Timestamp>) -> i64 {
    if content.is_recurring() {
        return SERIES;
    }
    let length = ends_at.map_or(SignedDuration::MAX, |end| end.duration_since(starts_at));
    (0_i64..).zip(LONGEST).find(|(_, longest)| length <= *longest).map_or(LONG, |(class, _)| class)
}
