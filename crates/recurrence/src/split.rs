//! "This and following": one series as two, without an instance lost, added or moved.
//!
//! The first part keeps DTSTART and ends before the cut. The second begins at the first occurrence at or after it,
//! which becomes its DTSTART and therefore the first instance of each of its rules; what the rules took from the
//! old DTSTART (phase of INTERVAL, defaults, COUNT) has to come out the same from the new one.

use crate::budget::{Budget, BudgetSpent};
use crate::calendar::{DAY, civil, date_time, weekday};
use crate::expand::Stream;
use crate::occurrences::Occurrences;
use crate::rule::{ByDay, End, Freq, Rule, Until};
use crate::series::{Exclusions, Extra, PlannedRule, Series, at_or_after, wall_clock};
use crate::start::Start;
use crate::written::lines;
use crate::zone::Resolver;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

/// A series in two parts; see [`Series::split_at`].
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Recurrence lines of the part before the cut; its DTSTART is that of the whole.
    pub before: Vec<String>,
    /// DTSTART of the part from the cut on: the first occurrence at or after it, in the same form and zone.
    pub after_start: Start,
    /// Recurrence lines of the part from the cut on.
    pub after: Vec<String>,
}

/// Why a series cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// No occurrence lies before the cut: "this and following" is the whole series.
    #[error("no occurrence lies before the cut")]
    NothingBefore,
    /// No occurrence lies at or after the cut.
    #[error("no occurrence lies at or after the cut")]
    NothingAfter,
    /// The first occurrence after the cut is a single date (or another rule's) from which a rule with INTERVAL
    /// cannot be continued in step, or one before DTSTART.
    #[error("the rules cannot be continued from the first occurrence after the cut")]
    Inexpressible,
    /// Finding the cut took more than the budget.
    #[error(transparent)]
    Budget(#[from] BudgetSpent),
}

impl Series {
    /// Splits into the occurrences with a series-local wall-clock time before `local` and those from it on.
    ///
    /// Rules without COUNT get an UNTIL just before `local` (in UTC for zoned series, as RFC 5545 3.3.10 wants; only
    /// if `local` lies within an hour or so after a DST gap, where instants do not tell the parts apart, as wall
    /// clock). COUNT is divided exactly, RDATE and EXDATE are distributed, rules that are over are left out.
    ///
    /// # Errors
    /// See [`SplitError`].
    pub fn split_at(&self, local: DateTime) -> Result<Split, SplitError> {
        let cut = at_or_after(local);
        let zone = self.0.start.zone().cloned().unwrap_or(TimeZone::UTC);
        let between = |floor, ceiling| Occurrences::between(&self.0, zone.clone(), floor, ceiling).next().transpose();
        if between(i64::MIN, cut - 1)?.is_none() {
            return Err(SplitError::NothingBefore);
        }
        let mut first = between(cut, i64::MAX)?.ok_or(SplitError::NothingAfter)?;
        // Around a gap, the first by instant need not be the first by wall clock.
        while let Some(earlier) = between(cut, at_or_after(first.local) - 1)? {
            first = earlier;
        }
        let splitter = Splitter { series: self, cut, first: at_or_after(first.local), zone: Resolver::new(zone) };
        splitter.split()
    }
}

struct Splitter<'s> {
    series: &'s Series,
    /// Wall-clock second of the cut.
    cut: i64,
    /// Wall-clock second of the first occurrence at or after it.
    first: i64,
    zone: Resolver,
}

impl Splitter<'_> {
    fn split(mut self) -> Result<Split, SplitError> {
        let inner = &self.series.0;
        let start = inner.start.second();
        if self.first < start && !inner.rules.is_empty() {
            return Err(SplitError::Inexpressible);
        }
        let near_gap = self.zone.is_near_gap(self.cut);
        let mut budget = Budget::new(inner.budget);
        let (mut before_rules, mut after_rules) = (Vec::new(), Vec::new());
        for planned in &inner.rules {
            if start < self.cut {
                before_rules.push(self.ended(planned, near_gap, &mut budget)?);
            }
            after_rules.extend(self.continued(planned, &mut budget)?);
        }

        let implied = Extra { local: start, end: None };
        let extras = |keep: &dyn Fn(i64) -> bool| -> Vec<Extra> {
            inner.extras.iter().copied().filter(|extra| keep(extra.local)).collect()
        };
        let mut before_extras = extras(&|local| local < self.cut);
        before_extras.retain(|&extra| extra != implied);
        // Here DTSTART may be kept: if it lies after the cut and there are no rules, it is just one more date.
        let mut after_extras = extras(&|local| local >= self.first);
        after_extras.retain(|&extra| extra != Extra { local: self.first, end: None });
        let exclusions = |keep: &dyn Fn(i64) -> bool| Exclusions {
            locals: inner.exclusions.locals.iter().copied().filter(|&local| keep(local)).collect(),
            moved: Vec::new(),
            days: inner
                .exclusions
                .days
                .iter()
                .copied()
                .filter(|&day| keep(day * DAY) || keep(day * DAY + DAY - 1))
                .collect(),
        };
        // An EXDATE may name a time in a gap by the time it moves to, which may lie on the other side.
        let slack = if near_gap { DAY } else { 0 };
        let mut before_exclusions = exclusions(&|local| local < self.cut + slack);
        if start >= self.cut {
            before_exclusions.locals.push(start);
        }
        let after_exclusions = exclusions(&|local| local >= self.first - slack);

        let after_start = match &inner.start {
            Start::Date(_) => Start::Date(wall_clock(self.first).date()),
            Start::Floating(_) => Start::Floating(wall_clock(self.first)),
            Start::Zoned { zone, .. } => Start::Zoned { at: wall_clock(self.first), zone: zone.clone() },
        };
        Ok(Split {
            before: lines(&inner.start, &before_rules, &before_extras, &before_exclusions),
            after: lines(&after_start, &after_rules, &after_extras, &after_exclusions),
            after_start,
        })
    }

    /// The rule with an end before the cut. DTSTART lies before the cut.
    fn ended(&mut self, planned: &PlannedRule, near_gap: bool, budget: &mut Budget) -> Result<Rule, BudgetSpent> {
        let mut rule = planned.rule.clone();
        if rule.count().is_some() {
            let before = Stream::count_before(&planned.plan, self.cut, budget)?;
            rule.end = End::Count(u32::try_from(before).unwrap_or(u32::MAX));
        } else if planned.plan.last() >= self.cut {
            let last = self.cut - 1;
            rule.end = End::Until(match &self.series.0.start {
                Start::Date(_) => Until::Date(wall_clock(last).date()),
                Start::Zoned { .. } if !near_gap => match self.instant_before_cut() {
                    Some(instant) => Until::Utc(instant),
                    None => Until::Local(wall_clock(last)),
                },
                Start::Zoned { .. } | Start::Floating(_) => Until::Local(wall_clock(last)),
            });
        }
        Ok(rule)
    }

    fn instant_before_cut(&mut self) -> Option<Timestamp> {
        let instant = self.zone.resolve(self.cut)?.instant;
        Timestamp::from_second(instant.as_second() - 1).ok()
    }

    /// The rule as it goes on from the first occurrence after the cut; `None` if it is over.
    fn continued(&self, planned: &PlannedRule, budget: &mut Budget) -> Result<Option<Rule>, SplitError> {
        let plan = &planned.plan;
        let mut rule = planned.rule.clone();
        if plan.is_never() || plan.last() < self.first {
            return Ok(None);
        }
        let given = Stream::between(plan, self.first, self.first).next(budget)? == Some(self.first);
        if let Some(count) = rule.count() {
            let before = Stream::count_before(plan, self.first, budget)?;
            let left = u64::from(count).saturating_sub(before);
            if left == 0 {
                return Ok(None);
            }
            // The new DTSTART counts in any case; if it is not the rule's own, it must not use one up.
            let left = left + u64::from(!given);
            rule.end = End::Count(u32::try_from(left).unwrap_or(u32::MAX));
        }
        if !given {
            if !plan.in_phase(self.first) {
                return Err(SplitError::Inexpressible);
            }
            make_explicit(&mut rule, &self.series.0.start);
        }
        Ok(Some(rule))
    }
}

/// Writes out what the rule takes from DTSTART (see `expand::plan`), so that it may have another one.
fn make_explicit(rule: &mut Rule, start: &Start) {
    let second = start.second();
    let day = second.div_euclid(DAY);
    let (_, month, of_month) = civil(day);
    let undated = rule.by_day.is_empty() && rule.by_month_day.is_empty() && rule.by_year_day.is_empty();
    let weekdays = match rule.freq {
        Freq::Weekly => true,
        Freq::Yearly => !rule.by_week_no.is_empty(),
        _ => false,
    };
    if undated && weekdays {
        let weekday = i8::try_from(weekday(day)).ok().and_then(|day| Weekday::from_monday_zero_offset(day).ok());
        rule.by_day.extend(weekday.map(|weekday| ByDay { ordinal: 0, weekday }));
    } else if undated && rule.freq >= Freq::Monthly {
        if rule.freq == Freq::Yearly && rule.by_month.is_empty() {
            rule.by_month.extend(u8::try_from(month));
        }
        rule.by_month_day.extend(i8::try_from(of_month));
    }
    let Some(at) = date_time(second).filter(|_| !start.is_date()) else { return };
    for (list, value, expands) in [
        (&mut rule.by_hour, at.hour(), rule.freq > Freq::Hourly),
        (&mut rule.by_minute, at.minute(), rule.freq > Freq::Minutely),
        (&mut rule.by_second, at.second(), rule.freq > Freq::Secondly),
    ] {
        if list.is_empty() && expands {
            list.extend(u8::try_from(value));
        }
    }
}
