//! The instances of one period: bases × times, in order, with BYSETPOS applied (RFC 5545 3.3.10).
//!
//! The product is never written out: `FREQ=YEARLY` with all hours, minutes and seconds has 31 million instances a
//! year, but the n-th of them is found by division.

use super::plan::Plan;

#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    /// Days (or hours, minutes, seconds) in the period, as their first wall-clock second, ascending.
    pub(super) bases: Vec<i64>,
    picked: Vec<usize>,
    next: usize,
    len: usize,
}

impl Set {
    /// Call after `bases` has been filled.
    pub(super) fn ready(&mut self, plan: &Plan) {
        let size = self.bases.len() * plan.times.len();
        self.next = 0;
        if plan.positions.is_empty() {
            self.len = size;
        } else {
            pick(&plan.positions, size, &mut self.picked);
            self.len = self.picked.len();
        }
    }

    pub(super) fn remaining(&self) -> usize {
        self.len - self.next
    }

    pub(super) fn next(&mut self, plan: &Plan) -> Option<i64> {
        let value = self.get(plan, self.next)?;
        self.next += 1;
        Some(value)
    }

    /// Skips what lies before `floor`; answers how many were skipped.
    pub(super) fn seek(&mut self, plan: &Plan, floor: i64) -> usize {
        let from = self.next;
        let (mut low, mut high) = (self.next, self.len);
        while low < high {
            let middle = low.midpoint(high);
            match self.get(plan, middle) {
                Some(value) if value < floor => low = middle + 1,
                _ => high = middle,
            }
        }
        self.next = low;
        low - from
    }

    /// Goes to the end; answers the last that lies before `end`, if there is one.
    pub(super) fn last_before(&mut self, plan: &Plan, end: i64) -> Option<i64> {
        let last = self.seek(plan, end).checked_sub(1).and_then(|_| self.get(plan, self.next - 1));
        self.next = self.len;
        last
    }

    /// Skips `count`, or all if there are fewer.
    pub(super) fn skip(&mut self, count: usize) {
        self.next = self.next.saturating_add(count).min(self.len);
    }

    fn get(&self, plan: &Plan, index: usize) -> Option<i64> {
        if index >= self.len {
            return None;
        }
        let index = if plan.positions.is_empty() { index } else { *self.picked.get(index)? };
        let times = plan.times.len();
        Some(self.bases.get(index / times)? + plan.times.at(index % times))
    }
}

/// Turns BYSETPOS into ascending indices of a set of `size`; positions beyond it are left out.
pub(super) fn pick(positions: &[i64], size: usize, picked: &mut Vec<usize>) {
    picked.clear();
    for &position in positions {
        let distance = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
        if (1..=size).contains(&distance) {
            picked.push(if position > 0 { distance - 1 } else { size - distance });
        }
    }
    picked.sort_unstable();
    picked.dedup();
}
