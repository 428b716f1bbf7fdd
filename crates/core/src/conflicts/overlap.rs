//! Stretches of time and what overlaps them, without I/O.

use jiff::Timestamp;

use crate::events::BusyInterval;

/// A stretch that is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OwnInterval {
    /// When and where.
    pub(super) taken: BusyInterval,
    /// Whether the event did not take this time before.
    pub(super) moved: bool,
    /// Whether it did not take this time at this venue before.
    pub(super) rehoused: bool,
}

/// Stretches by start, with the latest end of any up to each: what reaches into a window is found by two cuts.
pub(super) struct Timeline {
    mine: Vec<OwnInterval>,
    latest: Vec<Timestamp>,
}

impl Timeline {
    pub(super) fn new(mut mine: Vec<OwnInterval>) -> Timeline {
        mine.sort_by_key(|one| (one.taken.start, one.taken.end));
        let mut latest: Vec<Timestamp> = Vec::with_capacity(mine.len());
        for one in &mine {
            latest.push(latest.last().map_or(one.taken.end, |last| one.taken.end.max(*last)));
        }
        Timeline { mine, latest }
    }

    /// From the first start to the latest end; none when it is empty.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.mine.first()?.taken.start, *self.latest.last()?))
    }

    /// Those that overlap `[start, end)`, by start; touching is not overlapping.
    pub(super) fn overlapping(&self, start: Timestamp, end: Timestamp) -> impl Iterator<Item = &OwnInterval> {
        let first = self.latest.partition_point(|latest| *latest <= start);
        self.mine
            .iter()
            .skip(first)
            .take_while(move |one| one.taken.start < end)
            .filter(move |one| one.taken.end > start)
    }
}

/// Stretches of time that were taken, to be asked whether a shorter one lies in one of them.
pub(super) struct CoveredIntervals(Vec<(Timestamp, Timestamp)>);

impl CoveredIntervals {
    pub(super) fn of(stretches: impl IntoIterator<Item = (Timestamp, Timestamp)>) -> CoveredIntervals {
        let mut all: Vec<(Timestamp, Timestamp)> = stretches.into_iter().collect();
        all.sort_unstable();
        // Each with the latest end of any that begins no later.
        let mut latest = Timestamp::MIN;
        for one in &mut all {
            latest = latest.max(one.1);
            one.1 = latest;
        }
        CoveredIntervals(all)
    }

    pub(super) fn has(&self, start: Timestamp, end: Timestamp) -> bool {
        let begun = self.0.partition_point(|one| one.0 <= start);
        begun.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|(_, latest)| *latest >= end)
    }
}

/// Stretches joined where they overlap or touch, by start.
pub(super) fn merged(mut all: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    all.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in all {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

/// What of `[from, to)` the merged stretches leave.
pub(super) fn gaps(busy: &[(Timestamp, Timestamp)], from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut free = Vec::new();
    let mut at = from;
    for (start, end) in busy.iter().filter(|(_, end)| *end > from) {
        if *start >= to {
            break;
        }
        if *start > at {
            free.push((at, *start));
        }
        at = at.max(*end);
    }
    if at < to {
        free.push((at, to));
    }
    free
}
