//! Wall clock to instant and back (RFC 5545 3.3.5): a time in a DST gap moves forward by the gap, a time in an
//! overlap is the first of the two.

use crate::calendar::{DAY, date_time, second_of};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Resolves wall-clock seconds in one zone. Times that follow each other closely share an offset, so the range in
/// which the last one holds is remembered.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    zone: TimeZone,
    /// Wall-clock seconds from `from` and before `until` have `offset`, and none of them is in a gap.
    from: i64,
    until: i64,
    offset: i64,
    previous: i64,
}

/// The instant of a wall-clock time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub(crate) instant: Timestamp,
    /// Length in seconds of the gap that the wall-clock time falls into; 0 for a time that exists.
    pub(crate) gap: i64,
}

/// Asking the zone for its next transition costs about as much as resolving a time; it pays where several
/// instances are expected before it.
const CLOSE: i64 = 40 * DAY;

impl Resolver {
    pub(crate) fn new(zone: TimeZone) -> Resolver {
        Resolver { zone, from: 0, until: 0, offset: 0, previous: i64::MIN }
    }

    /// `None` at the ends of the calendar, where jiff has no instant.
    pub(crate) fn resolve(&mut self, local: i64) -> Option<Resolved> {
        if (self.from..self.until).contains(&local) {
            let instant = Timestamp::from_second(local - self.offset).ok()?;
            return Some(Resolved { instant, gap: 0 });
        }
        let close = local.checked_sub(self.previous).is_some_and(|step| (0..CLOSE).contains(&step));
        self.previous = local;
        match self.zone.to_ambiguous_timestamp(date_time(local)?).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                let offset = i64::from(offset.seconds());
                let instant = Timestamp::from_second(local - offset).ok()?;
                if close {
                    // Up to the next transition, read on the clock before it: times in an overlap that starts there
                    // take the first offset, which is this one, and a gap starts exactly there.
                    let next = self.zone.following(instant).next();
                    self.from = local;
                    self.until = next.map_or(i64::MAX, |next| next.timestamp().as_second() + offset);
                    self.offset = offset;
                }
                Some(Resolved { instant, gap: 0 })
            }
            AmbiguousOffset::Gap { before, after } => {
                let instant = Timestamp::from_second(local - i64::from(before.seconds())).ok()?;
                Some(Resolved { instant, gap: i64::from(after.seconds()) - i64::from(before.seconds()) })
            }
        }
    }

    /// The wall clock at an instant; fractions of a second are dropped.
    pub(crate) fn local(&self, instant: Timestamp) -> i64 {
        second_of(self.zone.to_datetime(instant))
    }

    /// A wall-clock second before which no time resolves to `from` or later.
    pub(crate) fn floor(&self, from: Timestamp) -> i64 {
        // Times in a gap resolve later than times after it; no gap is longer than a day.
        let before = Timestamp::from_second(from.as_second().saturating_sub(26 * 3600)).unwrap_or(Timestamp::MIN);
        let offset = |at| i64::from(self.zone.to_offset(at).seconds());
        self.local(from) - (offset(from) - offset(before)).max(0)
    }

    /// A wall-clock second after which no time resolves to `to` or earlier.
    pub(crate) fn ceiling(&self, to: Timestamp) -> i64 {
        let local = self.local(to);
        let overlap = date_time(local).map(|at| self.zone.to_ambiguous_timestamp(at).offset());
        match overlap {
            // All of an overlap resolves to its first pass; `to` may be in the second.
            Some(AmbiguousOffset::Fold { before, after }) => {
                local + i64::from(before.seconds()) - i64::from(after.seconds())
            }
            _ => local,
        }
    }

    /// Whether `local` lies in a gap, or so shortly after one that times inside it are not earlier.
    pub(crate) fn is_near_gap(&mut self, local: i64) -> bool {
        let Some(resolved) = self.resolve(local) else { return false };
        let gap = local + resolved.gap - self.floor(resolved.instant);
        if resolved.gap > 0 || gap == 0 {
            return resolved.gap > 0;
        }
        let offset = |at| self.zone.to_offset(at);
        let before = Timestamp::from_second(resolved.instant.as_second() - gap).unwrap_or(Timestamp::MIN);
        offset(before) != offset(resolved.instant)
    }
}
