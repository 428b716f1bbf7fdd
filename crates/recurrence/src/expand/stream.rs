//! The instances of one rule in order: DTSTART first, then what the rule gives after it, up to COUNT or UNTIL, from
//! the start or from anywhere.

use super::periods::Periods;
use super::plan::Plan;
use super::set::Set;
use crate::budget::{Budget, BudgetSpent};
use crate::calendar::LAST_SECOND;
use std::sync::Arc;

/// Wall-clock seconds in ascending order, each once.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    plan: Arc<Plan>,
    periods: Periods,
    set: Set,
    /// Instances that COUNT still allows.
    left: u64,
    /// No instance after this wall-clock second is wanted.
    ceiling: i64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing done yet; the first result is to be at or after this wall-clock second.
    Seek(i64),
    Running,
    Over,
}

impl Stream {
    /// Instances whose wall-clock time is between `floor` and `ceiling`, both included.
    pub(crate) fn between(plan: &Arc<Plan>, floor: i64, ceiling: i64) -> Stream {
        let ceiling = ceiling.min(plan.last).min(LAST_SECOND);
        Stream {
            periods: Periods::new(plan, ceiling),
            set: Set::default(),
            left: plan.count.unwrap_or(u64::MAX),
            ceiling,
            state: State::Seek(floor),
            plan: Arc::clone(plan),
        }
    }

    /// The next instance.
    pub(crate) fn next(&mut self, budget: &mut Budget) -> Result<Option<i64>, BudgetSpent> {
        if let State::Seek(floor) = self.state {
            if floor <= self.plan.start {
                // DTSTART is always the first instance, also where the rule does not give it (product rule 3).
                self.state = if self.plan.never { State::Over } else { State::Running };
                self.left = self.left.saturating_sub(1);
                return Ok(Some(self.plan.start));
            }
            self.seek(floor, budget)?;
        }
        loop {
            if self.state == State::Over || self.left == 0 {
                return Ok(None);
            }
            while let Some(local) = self.set.next(&self.plan) {
                // The period of DTSTART has instances before it.
                if local <= self.plan.start {
                    self.skip_past_start();
                    continue;
                }
                if local > self.ceiling {
                    self.state = State::Over;
                    return Ok(None);
                }
                if self.plan.count.is_some() {
                    self.left -= 1;
                }
                return Ok(Some(local));
            }
            self.load(budget)?;
        }
    }

    /// Goes on to the first instance at or after `floor`, as if those before it had been taken. One that still lies
    /// before `floor` may come where a period of the rule contains it.
    pub(crate) fn advance(&mut self, floor: i64, budget: &mut Budget) -> Result<(), BudgetSpent> {
        match self.state {
            State::Seek(before) => self.state = State::Seek(before.max(floor)),
            State::Running => self.run_to(floor, budget)?,
            State::Over => {}
        }
        Ok(())
    }

    fn run_to(&mut self, floor: i64, budget: &mut Budget) -> Result<(), BudgetSpent> {
        if self.periods.upcoming() == 0 {
            self.load(budget)?;
            self.skip_past_start();
        }
        let skipped = self.set.seek(&self.plan, floor) as u64;
        if self.plan.count.is_some() {
            self.left = self.left.saturating_sub(skipped);
        }
        if self.set.remaining() > 0 || self.state != State::Running {
            return Ok(());
        }
        if self.plan.count.is_none() {
            self.periods.jump(self.periods.index_of(&self.plan, floor).max(self.periods.upcoming()));
        } else {
            self.skip_whole_periods(floor);
        }
        Ok(())
    }

    /// How many instances (DTSTART included) lie before `local`.
    pub(crate) fn count_before(plan: &Arc<Plan>, local: i64, budget: &mut Budget) -> Result<u64, BudgetSpent> {
        let mut stream = Stream::between(plan, local, i64::MAX);
        if local <= plan.start {
            return Ok(0);
        }
        let before = stream.left;
        stream.seek(local, budget)?;
        Ok(before - stream.left)
    }

    /// The last instance; only for rules with an end. `None` is never the answer for those: DTSTART is one.
    pub(crate) fn last(plan: &Arc<Plan>, budget: &mut Budget) -> Result<i64, BudgetSpent> {
        if plan.never || plan.last <= plan.start {
            return Ok(plan.start);
        }
        if plan.count.is_some() {
            return Stream::between(plan, plan.start, i64::MAX).last_counted(budget);
        }
        // Look back from UNTIL, twice as far each time: the work is that of the window, not of the series.
        let mut window = 2 * plan.unit() * plan.interval.min(1_000);
        loop {
            let floor = plan.last.saturating_sub(window).max(plan.start);
            let mut stream = Stream::between(plan, floor, i64::MAX);
            match stream.next(budget)? {
                Some(first) => return stream.last_from(first, budget),
                None => window = window.saturating_mul(2),
            }
        }
    }

    /// The last instance up to the ceiling, `found` being one: a step for each period, not for each instance.
    fn last_from(mut self, mut found: i64, budget: &mut Budget) -> Result<i64, BudgetSpent> {
        let (end, after) = (self.ceiling.saturating_add(1), found);
        loop {
            // The period of DTSTART has instances before it.
            let last = self.set.last_before(&self.plan, end).filter(|&last| last > after);
            found = last.unwrap_or(found);
            self.load(budget)?;
            if self.state == State::Over {
                return Ok(found);
            }
        }
    }

    fn last_counted(mut self, budget: &mut Budget) -> Result<i64, BudgetSpent> {
        let mut found = self.plan.start;
        self.left = self.left.saturating_sub(1);
        self.state = State::Running;
        self.load(budget)?;
        self.skip_past_start();
        self.skip_whole_periods(i64::MAX);
        while self.left > 0 && self.state == State::Running {
            let here = self.set.remaining() as u64;
            if here > 0 {
                // The last of this period, or the last that COUNT allows.
                let wanted = here.min(self.left);
                self.set.skip(usize::try_from(wanted - 1).unwrap_or(usize::MAX));
                found = self.set.next(&self.plan).unwrap_or(found);
                self.left -= wanted;
            }
            if self.left > 0 {
                self.load(budget)?;
            }
        }
        Ok(found)
    }

    fn load(&mut self, budget: &mut Budget) -> Result<(), BudgetSpent> {
        if !self.periods.load(&self.plan, &mut self.set, budget)? {
            self.set = Set::default();
            self.state = State::Over;
        }
        Ok(())
    }

    fn skip_past_start(&mut self) {
        self.set.seek(&self.plan, self.plan.start.saturating_add(1));
    }

    /// Goes to the first instance at or after `floor`, which lies after DTSTART, and takes from `left` what is
    /// skipped.
    fn seek(&mut self, floor: i64, budget: &mut Budget) -> Result<(), BudgetSpent> {
        let outcome = self.try_seek(floor, budget);
        if outcome.is_err() {
            self.state = State::Over;
        }
        outcome
    }

    fn try_seek(&mut self, floor: i64, budget: &mut Budget) -> Result<(), BudgetSpent> {
        self.state = State::Running;
        if self.plan.never || floor > self.ceiling {
            self.left = self.left.saturating_sub(1);
            self.state = State::Over;
            return Ok(());
        }
        if self.plan.count.is_none() {
            let index = self.periods.index_of(&self.plan, floor);
            self.periods.jump(index);
            self.load(budget)?;
            self.set.seek(&self.plan, floor);
            return Ok(());
        }
        self.left = self.left.saturating_sub(1);
        self.load(budget)?;
        self.skip_past_start();
        self.take(floor);
        if self.set.remaining() == 0 {
            self.skip_whole_periods(floor);
        }
        while self.state == State::Running && self.set.remaining() == 0 && self.left > 0 {
            self.load(budget)?;
            self.take(floor);
        }
        Ok(())
    }

    /// Skips within the loaded period.
    fn take(&mut self, floor: i64) {
        let skipped = self.set.seek(&self.plan, floor) as u64;
        self.left = self.left.saturating_sub(skipped);
    }

    /// Where every period has the same number of instances, those before `floor` (or all that COUNT allows but the
    /// last period's) are reckoned, not visited.
    fn skip_whole_periods(&mut self, floor: i64) {
        let Some(each) = self.plan.per_period.filter(|_| self.state == State::Running) else { return };
        let here = self.set.remaining() as u64;
        if floor == i64::MAX && self.left <= here {
            return;
        }
        let next = self.periods.upcoming();
        // Leave at least one instance to be found in the last period.
        let by_count = (self.left - here.min(self.left)).saturating_sub(1) / each;
        let by_floor = match floor {
            i64::MAX => by_count,
            floor => u64::try_from(self.periods.index_of(&self.plan, floor) - next).unwrap_or(0),
        };
        let by_calendar = u64::try_from(self.periods.index_of(&self.plan, LAST_SECOND) - next).unwrap_or(0);
        let periods = by_count.min(by_floor).min(by_calendar);
        if periods == 0 {
            return;
        }
        self.set.skip(usize::MAX);
        self.left -= here.min(self.left) + periods * each;
        self.periods.jump(next.saturating_add_unsigned(periods));
    }
}
