//! A whole series: DTSTART with its RRULE, RDATE and EXDATE lines, and the questions one can ask of it.

use crate::budget::{Budget, BudgetSpent, DEFAULT_BUDGET};
use crate::calendar::{DAY, FIRST_SECOND, date_time, second_of, weekday_number};
use crate::error::Fault;
use crate::expand::{Plan, Stream};
use crate::occurrences::{Occurrence, Occurrences};
use crate::rule::{Freq, Rule, Until};
use crate::start::Start;
use crate::values::Length;
use crate::zone::Resolver;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::Arc;

/// DTSTART with any number of RRULE, RDATE and EXDATE (RFC 5545 3.8.5). Immutable and cheap to clone.
///
/// Always true:
/// * DTSTART is the first instance of every rule and counts for its COUNT, whether the rule gives it or not.
/// * Several rules and RDATE are a union, without duplicates. An RDATE before DTSTART is legal and comes first.
/// * Wall clock and zone are the truth. See [`Occurrence::local`] for gaps.
/// * EXDATE removes an occurrence by its wall-clock time; inside a gap the time it moves to removes it as well.
///   EXDATE;VALUE=DATE removes all occurrences of that local day.
#[derive(Debug, Clone)]
pub struct Series(pub(crate) Arc<Inner>);

#[derive(Debug, Clone)]
pub(crate) struct Inner {
    pub(crate) start: Start,
    pub(crate) rules: Vec<PlannedRule>,
    /// DTSTART and the RDATEs, ascending.
    pub(crate) extras: Vec<Extra>,
    pub(crate) exclusions: Exclusions,
    pub(crate) budget: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedRule {
    pub(crate) rule: Rule,
    pub(crate) plan: Arc<Plan>,
    /// UNTIL as an instant. The plan's `last` is only as exact as a wall clock can be near an overlap.
    pub(crate) until: Option<Timestamp>,
}

/// A single date, in wall-clock seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) local: i64,
    pub(crate) end: Option<PeriodEnd>,
}

/// Where a PERIOD ends (RFC 5545 3.3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeriodEnd {
    Local(i64),
    Instant(Timestamp),
    After(Length),
}

/// The EXDATEs, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusions {
    /// Wall-clock seconds as given.
    pub(crate) locals: Vec<i64>,
    /// Where those in a gap move to.
    pub(crate) moved: Vec<i64>,
    /// Whole days, of timed series.
    pub(crate) days: Vec<i64>,
}

impl Exclusions {
    /// Whether an occurrence is excluded that is at `local` by the rule and at `real` by the clock.
    pub(crate) fn contain(&self, local: i64, real: i64) -> bool {
        self.locals.binary_search(&local).is_ok()
            || real != local && self.locals.binary_search(&real).is_ok()
            || !self.moved.is_empty() && self.moved.binary_search(&real).is_ok()
            || self.contains_day(local.div_euclid(DAY))
    }

    /// Whether a day is excluded as a whole.
    pub(crate) fn contains_day(&self, day: i64) -> bool {
        !self.days.is_empty() && self.days.binary_search(&day).is_ok()
    }
}

impl Series {
    /// Returns about how many bytes it takes.
    pub fn weight(&self) -> usize {
        let Inner { rules, extras, exclusions, .. } = &*self.0;
        let excluded = exclusions.locals.len() + exclusions.moved.len() + exclusions.days.len();
        rules.len() * 2_000 + extras.len() * size_of::<Extra>() + excluded * size_of::<i64>()
    }

    /// An event without recurrence: the start is its only occurrence.
    #[must_use]
    pub fn once(start: Start) -> Series {
        Series::assemble(start, Vec::new(), Vec::new(), Exclusions::default())
    }

    /// A series of one rule.
    ///
    /// # Errors
    /// `freq-needs-time` for a rule in hours, minutes or seconds beside an all-day start.
    pub fn of_rule(start: Start, rule: Rule) -> Result<Series, Fault> {
        fits(&rule, &start)?;
        Ok(Series::assemble(start, vec![rule], Vec::new(), Exclusions::default()))
    }

    pub(crate) fn assemble(
        start: Start,
        rules: Vec<Rule>,
        mut extras: Vec<Extra>,
        mut exclusions: Exclusions,
    ) -> Series {
        let local = start.second();
        extras.push(Extra { local, end: None });
        extras.sort_by_key(|extra| extra.local);
        extras.dedup();
        if let Some(zone) = start.zone() {
            let mut resolver = Resolver::new(zone.clone());
            let gaps = exclusions.locals.iter().filter_map(|&local| {
                resolver.resolve(local).filter(|resolved| resolved.gap > 0).map(|resolved| local + resolved.gap)
            });
            exclusions.moved = gaps.collect();
        }
        for list in [&mut exclusions.locals, &mut exclusions.moved, &mut exclusions.days] {
            list.sort_unstable();
            list.dedup();
        }
        let rules = rules.into_iter().map(|rule| PlannedRule::new(rule, &start)).collect();
        Series(Arc::new(Inner { start, rules, extras, exclusions, budget: DEFAULT_BUDGET }))
    }

    /// The same series with another budget: how many candidates may be examined between two results, or for one
    /// answer of [`Series::contains`], [`Series::last`] and [`Series::split_at`].
    #[must_use]
    pub fn with_budget(self, candidates: u32) -> Series {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.budget = candidates;
        Series(Arc::new(inner))
    }

    /// DTSTART.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.0.start
    }

    /// The rules, in the order given.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.0.rules.iter().map(|planned| &planned.rule)
    }

    /// Whether there is anything beside DTSTART: a rule or a further date.
    #[must_use]
    pub fn is_recurring(&self) -> bool {
        !self.0.rules.is_empty() || self.0.extras.len() > 1
    }

    /// Whether some rule has no end. A rule that provably never matches is not endless.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.0.rules.iter().any(|rule| rule.plan.is_endless())
    }

    /// All occurrences. `floating_zone` gives all-day and floating series their instants; a zoned series has its own.
    #[must_use]
    pub fn occurrences(&self, floating_zone: &TimeZone) -> Occurrences {
        Occurrences::between(&self.0, self.zone_or(floating_zone), i64::MIN, i64::MAX)
    }

    /// The occurrences whose series-local wall-clock time is at or after `local`, in order of instants.
    ///
    /// Rules without COUNT, and rules with the same number of instances in every period, jump there by arithmetic;
    /// other rules with COUNT are counted from DTSTART, period by period, within the budget.
    #[must_use]
    pub fn occurrences_from(&self, local: DateTime, floating_zone: &TimeZone) -> Occurrences {
        Occurrences::between(&self.0, self.zone_or(floating_zone), at_or_after(local), i64::MAX)
    }

    /// The occurrences with `from` ≤ instant < `to`. Jumps like [`Series::occurrences_from`], and does not look
    /// beyond `to`.
    #[must_use]
    pub fn starting_between(&self, from: Timestamp, to: Timestamp, floating_zone: &TimeZone) -> Occurrences {
        Occurrences::window(&self.0, self.zone_or(floating_zone), from, to)
    }

    /// The occurrences that DTSTART and RDATE give, without the rules: at most [`MAX_DATES`](crate::MAX_DATES) and one.
    #[must_use]
    pub fn dates(&self, floating_zone: &TimeZone) -> Occurrences {
        let mut dates = self.occurrences(floating_zone);
        dates.leave_out_rules();
        dates
    }

    /// Whether a rule may give a further occurrence on this weekday (of the wall clock). `false` is certain.
    #[must_use]
    pub fn rules_may_fall_on(&self, weekday: Weekday) -> bool {
        self.0.rules.iter().any(|rule| rule.plan.weekdays() >> weekday_number(weekday) & 1 == 1)
    }

    /// Those of these series-local wall-clock times that no occurrence has; see [`Series::contains`]. A rule with COUNT
    /// is counted once for all of them, and one budget pays for all.
    ///
    /// # Errors
    /// [`BudgetSpent`] if it does not suffice.
    pub fn missing(&self, locals: &BTreeSet<DateTime>) -> Result<BTreeSet<DateTime>, BudgetSpent> {
        let (whole, mut missing): (BTreeSet<_>, BTreeSet<_>) =
            locals.iter().copied().partition(|local| local.subsec_nanosecond() == 0);
        let (Some(first), Some(last)) = (whole.first(), whole.last()) else { return Ok(missing) };
        let (floor, ceiling) = (second_of(*first), second_of(*last) + 2 * DAY);
        let mut occurrences = Occurrences::between(&self.0, self.zone_or(&TimeZone::UTC), floor, ceiling);
        missing.extend(occurrences.missing(whole.iter().copied().map(second_of))?.into_iter().map(wall_clock));
        Ok(missing)
    }

    /// Whether an occurrence has this series-local wall-clock time, that is, whether a RECURRENCE-ID with it would
    /// name one.
    ///
    /// # Errors
    /// [`BudgetSpent`] if a rule with COUNT has to be counted that far and the budget does not suffice.
    pub fn contains(&self, local: DateTime) -> Result<bool, BudgetSpent> {
        if local.subsec_nanosecond() != 0 {
            return Ok(false);
        }
        let second = second_of(local);
        let zone = self.zone_or(&TimeZone::UTC);
        // Inside a gap, a time that exists may take the occurrence over; it lies at most two gaps ahead.
        let gap = Resolver::new(zone.clone()).resolve(second).map_or(0, |resolved| resolved.gap);
        for occurrence in Occurrences::between(&self.0, zone, second, second + 2 * gap) {
            if second_of(occurrence?.local) == second {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last occurrence; `Ok(None)` if the series is endless or every occurrence is excluded.
    ///
    /// # Errors
    /// [`BudgetSpent`] if it cannot be found within the budget.
    pub fn last(&self, floating_zone: &TimeZone) -> Result<Option<Occurrence>, BudgetSpent> {
        if self.is_endless() {
            return Ok(None);
        }
        let mut budget = Budget::new(self.0.budget);
        let mut end = self.0.extras.last().map_or(FIRST_SECOND, |extra| extra.local);
        for rule in &self.0.rules {
            end = end.max(Stream::last(&rule.plan, &mut budget)?);
        }
        let first = self.0.extras.first().map_or(end, |extra| extra.local);
        let mut resolver = Resolver::new(self.zone_or(floating_zone));
        // Just after a gap, times inside it may be later than the last wall-clock time.
        let mut floor = resolver.resolve(end).map_or(end, |resolved| resolver.floor(resolved.instant)).max(first);
        // Usually the first look finds it; further back only where EXDATE takes out the end.
        let mut step = 3600;
        loop {
            let mut last = None;
            for occurrence in Occurrences::between(&self.0, self.zone_or(floating_zone), floor, i64::MAX) {
                last = Some(occurrence?);
                budget.spend()?;
            }
            if last.is_some() || floor == first {
                return Ok(last);
            }
            floor = floor.saturating_sub(step).max(first);
            step = step.saturating_mul(2);
        }
    }

    fn zone_or(&self, floating_zone: &TimeZone) -> TimeZone {
        self.0.start.zone().unwrap_or(floating_zone).clone()
    }
}

impl PlannedRule {
    fn new(rule: Rule, start: &Start) -> PlannedRule {
        let end_of_day = |second: i64| second.div_euclid(DAY) * DAY + DAY - 1;
        let mut exact = None;
        let last = rule.until().map(|until| match (until, start) {
            (Until::Date(date), _) => end_of_day(second_of(date.at(0, 0, 0, 0))),
            // An all-day instance lies within the day UNTIL names, whatever the time on it.
            (Until::Local(at), Start::Date(_)) => end_of_day(second_of(at)),
            (Until::Local(at), _) => second_of(at),
            (Until::Utc(at), Start::Zoned { zone, .. }) => {
                exact = Some(at);
                Resolver::new(zone.clone()).ceiling(at)
            }
            (Until::Utc(at), Start::Date(_)) => end_of_day(at.as_second()),
            (Until::Utc(at), Start::Floating(_)) => at.as_second(),
        });
        let plan = Arc::new(Plan::new(&rule, start.second(), start.is_date(), last));
        PlannedRule { rule, plan, until: exact }
    }
}

/// Whether a rule may stand beside a start.
pub(crate) fn fits(rule: &Rule, start: &Start) -> Result<(), Fault> {
    if start.is_date() && rule.freq < Freq::Daily {
        return Err(Fault::new("freq-needs-time", format!("FREQ={} needs a start with a time", rule.freq)));
    }
    Ok(())
}

/// The first whole wall-clock second that is not before `local`.
pub(crate) fn at_or_after(local: DateTime) -> i64 {
    second_of(local) + i64::from(local.subsec_nanosecond() > 0)
}

/// Only to be called with seconds of occurrences, which jiff's calendar has.
pub(crate) fn wall_clock(second: i64) -> DateTime {
    date_time(second).unwrap_or(if second < 0 { DateTime::MIN } else { DateTime::MAX })
}
