//! From one period to the next that has instances. Whatever cannot match is jumped over by arithmetic: a rule every
//! second in February does not step through the seconds of March.

use super::days::{DayMatch, MonthCache};
use super::plan::Plan;
use super::set::Set;
use crate::budget::{Budget, BudgetSpent};
use crate::calendar::{DAY, LAST_SECOND, civil, day_number};
use crate::rule::Freq;

/// Walks the periods `first + n × INTERVAL`, n = 0, 1, 2 …
#[derive(Debug, Clone)]
pub(super) struct Periods {
    /// Number of DTSTART's period, in units of FREQ.
    first: i64,
    /// The n to be looked at next.
    next: i64,
    month: MonthCache,
    /// No period that begins after this wall-clock second is looked at.
    ceiling: i64,
}

impl Periods {
    pub(super) fn new(plan: &Plan, ceiling: i64) -> Periods {
        Periods {
            first: plan.period_of(plan.start),
            next: 0,
            month: MonthCache::new(),
            ceiling: ceiling.min(LAST_SECOND),
        }
    }

    /// The n whose period contains `local`, or the last one before it.
    pub(super) fn index_of(&self, plan: &Plan, local: i64) -> i64 {
        (plan.period_of(local) - self.first).div_euclid(plan.interval).max(0)
    }

    pub(super) fn jump(&mut self, index: i64) {
        self.next = index;
    }

    /// The n that [`Periods::load`] looks at next.
    pub(super) fn upcoming(&self) -> i64 {
        self.next
    }

    /// Fills `set` with the next period that has any instance. `Ok(false)`: there is none up to the ceiling.
    pub(super) fn load(&mut self, plan: &Plan, set: &mut Set, budget: &mut Budget) -> Result<bool, BudgetSpent> {
        loop {
            budget.spend()?;
            set.bases.clear();
            let period = self.first + self.next * plan.interval;
            let goes_on = match plan.freq {
                Freq::Yearly => self.year(plan, set, period),
                Freq::Monthly => self.month(plan, set, period),
                Freq::Weekly => self.week(plan, set, period),
                Freq::Daily => self.day(plan, set, period),
                Freq::Hourly | Freq::Minutely | Freq::Secondly => self.within_day(plan, set, period),
            };
            if !goes_on {
                return Ok(false);
            }
            if !set.bases.is_empty() {
                set.ready(plan);
                if set.remaining() > 0 {
                    return Ok(true);
                }
            }
        }
    }

    fn year(&mut self, plan: &Plan, set: &mut Set, year: i64) -> bool {
        self.next += 1;
        if day_number(year, 1, 1) * DAY > self.ceiling {
            return false;
        }
        for month in 1..=12 {
            push_days(set, day_number(year, month, 1), plan.days.matching(year, month));
        }
        true
    }

    fn month(&mut self, plan: &Plan, set: &mut Set, number: i64) -> bool {
        self.next += 1;
        let (year, month) = (number.div_euclid(12), number.rem_euclid(12) + 1);
        let first = day_number(year, month, 1);
        if first * DAY > self.ceiling {
            return false;
        }
        push_days(set, first, plan.days.matching(year, month));
        true
    }

    fn week(&mut self, plan: &Plan, set: &mut Set, number: i64) -> bool {
        self.next += 1;
        let start = number * 7 - 3 + plan.week_start;
        if start * DAY > self.ceiling {
            return false;
        }
        for day in plan.week_offsets.iter().map(|offset| start + offset) {
            // The calendar may end within its last week.
            let exists = day * DAY <= LAST_SECOND;
            if exists && (plan.days.months == 0 || plan.days.has_month(civil(day).1)) {
                set.bases.push(day * DAY);
            }
        }
        true
    }

    fn day(&mut self, plan: &Plan, set: &mut Set, day: i64) -> bool {
        if day * DAY > self.ceiling {
            return false;
        }
        match self.wanted_day(plan, day) {
            Ok(()) => {
                set.bases.push(day * DAY);
                self.next += 1;
            }
            Err(later) => self.jump_to(plan, later),
        }
        true
    }

    fn within_day(&mut self, plan: &Plan, set: &mut Set, period: i64) -> bool {
        let unit = plan.unit();
        let second = period * unit;
        if second > self.ceiling {
            return false;
        }
        let day = second.div_euclid(DAY);
        if let Err(later) = self.wanted_day(plan, day) {
            self.jump_to(plan, later * DAY / unit);
            return true;
        }
        // From the longest unit to the shortest: the first that is not wanted says where to go on.
        let of_day = second.rem_euclid(DAY);
        for (limit, value, length, whole) in [
            (plan.hours, of_day / 3600, 3600, DAY),
            (plan.minutes, of_day / 60 % 60, 60, 3600),
            (plan.seconds, of_day % 60, 1, 60),
        ] {
            let from_here = limit >> value;
            if from_here & 1 == 1 {
                continue;
            }
            let start_of_whole = second - second.rem_euclid(whole);
            let target = match from_here {
                0 => start_of_whole + whole,
                _ => start_of_whole + (value + i64::from(from_here.trailing_zeros())) * length,
            };
            self.jump_to(plan, target.div_euclid(unit));
            return true;
        }
        set.bases.push(second);
        self.next += 1;
        true
    }

    /// `Err`: not this day, and none before the one given.
    fn wanted_day(&mut self, plan: &Plan, day: i64) -> Result<(), i64> {
        if plan.every_day {
            return Ok(());
        }
        match self.month.find(&plan.days, day) {
            DayMatch::Day(found) if found == day => Ok(()),
            DayMatch::Day(later) | DayMatch::NotBefore(later) => Err(later),
        }
    }

    /// To the first period of the rule at or after the one numbered `target`; always forward.
    fn jump_to(&mut self, plan: &Plan, target: i64) {
        let distance = target - self.first;
        self.next = (distance + plan.interval - 1).div_euclid(plan.interval).max(self.next + 1);
    }
}

fn push_days(set: &mut Set, first: i64, mut mask: u32) {
    while mask != 0 {
        set.bases.push((first + i64::from(mask.trailing_zeros())) * DAY);
        mask &= mask - 1;
    }
}
