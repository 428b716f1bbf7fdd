//! The occurrences of a series: the rules' streams and the single dates merged, exclusions taken out, wall clock
//! resolved to instants, ascending by instant and each instant once.
//!
//! Wall-clock order is the order of instants except around a DST gap, where times inside the gap resolve later than
//! the first times after it. There, and only there, a batch is collected and sorted.

use crate::budget::{Budget, BudgetSpent};
use crate::calendar::{DAY, date_time, second_of};
use crate::expand::Stream;
use crate::series::{Inner, PeriodEnd};
use crate::zone::{Resolved, Resolver};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::{BTreeSet, VecDeque};
use std::iter::FusedIterator;
use std::sync::Arc;

/// One occurrence of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Occurrence {
    /// The series-local wall-clock time as the rule gives it, which is what RECURRENCE-ID names. In a DST gap this
    /// time does not exist on the clock; it is kept, and `instant` says when the occurrence is. If two wall-clock
    /// times come to one instant (every half hour across a gap), the one that exists is kept.
    pub local: DateTime,
    /// The instant. For all-day and floating series it depends on the zone given to the iterator.
    pub instant: Timestamp,
    /// The exclusive end, where RDATE;VALUE=PERIOD gave this occurrence its own (RFC 5545 3.8.5.2).
    pub period_end: Option<Timestamp>,
}

/// Iterator over the occurrences of a [`crate::Series`], ascending by instant, each instant once.
///
/// It is lazy, owns what it needs and may be endless (up to the year 9999). An `Err` is its last item: the work
/// allowed between two results was spent, and the list so far must not be taken for complete.
#[derive(Debug, Clone)]
pub struct Occurrences {
    series: Arc<Inner>,
    resolver: Resolver,
    sources: Vec<Source>,
    /// Next of `series.extras`.
    extra: usize,
    budget: Budget,
    /// Around a gap: sorted, waiting to be given out.
    ready: VecDeque<Occurrence>,
    /// Spent while a batch was collected; told after it.
    spent: Option<BudgetSpent>,
    from: Timestamp,
    to: Option<Timestamp>,
    ceiling: i64,
    over: bool,
}

#[derive(Debug, Clone)]
struct Source {
    stream: Stream,
    head: Head,
    /// Exact UNTIL, where it is an instant.
    until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Unknown,
    At(i64),
    Over,
}

/// A wall-clock time that some source gave.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    local: i64,
    end: Option<PeriodEnd>,
    /// Only if not later than this.
    until: Option<Timestamp>,
}

impl Occurrences {
    /// Wall-clock times from `floor` to `ceiling`, both included.
    pub(crate) fn between(series: &Arc<Inner>, zone: TimeZone, floor: i64, ceiling: i64) -> Occurrences {
        let sources = series.rules.iter().map(|rule| Source {
            stream: Stream::between(&rule.plan, floor, ceiling),
            head: Head::Unknown,
            until: rule.until,
        });
        Occurrences {
            sources: sources.collect(),
            extra: series.extras.partition_point(|extra| extra.local < floor),
            budget: Budget::new(series.budget),
            ready: VecDeque::new(),
            spent: None,
            from: Timestamp::MIN,
            to: None,
            ceiling,
            over: false,
            resolver: Resolver::new(zone),
            series: Arc::clone(series),
        }
    }

    /// Instants from `from` and before `to`.
    pub(crate) fn window(series: &Arc<Inner>, zone: TimeZone, from: Timestamp, to: Timestamp) -> Occurrences {
        let resolver = Resolver::new(zone.clone());
        let (floor, ceiling) = (resolver.floor(from), resolver.ceiling(to));
        Occurrences { from, to: Some(to), ..Occurrences::between(series, zone, floor, ceiling) }
    }

    /// Returns the work so far: the number of candidates that were examined, whether or not they are occurrences.
    pub fn steps(&self) -> u64 {
        self.budget.steps()
    }

    /// From here on only the RDATEs (and DTSTART), without what the rules give.
    pub fn leave_out_rules(&mut self) {
        self.sources.clear();
    }

    /// Which of these wall-clock seconds no occurrence has; they ascend, and one budget pays for all.
    pub(crate) fn missing(&mut self, seconds: impl Iterator<Item = i64>) -> Result<Vec<i64>, BudgetSpent> {
        let (mut missing, mut seen) = (Vec::new(), BTreeSet::new());
        self.ceiling = i64::MIN;
        for second in seconds {
            // Inside a gap, a time that exists may take the occurrence over; it lies at most two gaps ahead.
            let gap = self.resolver.resolve(second).map_or(0, |resolved| resolved.gap);
            self.ceiling = self.ceiling.max(second + 2 * gap);
            self.advance(second)?;
            while let Some(occurrence) = self.step()? {
                self.budget.spend()?;
                seen.insert(second_of(occurrence.local));
            }
            if !seen.contains(&second) {
                missing.push(second);
            }
        }
        Ok(missing)
    }

    /// Leaves out what lies before an instant: by arithmetic, without a step for each.
    pub fn skip_to(&mut self, at: Timestamp) {
        self.from = self.from.max(at);
        if let Err(spent) = self.advance(self.resolver.floor(at)) {
            self.spent = Some(spent);
        }
    }

    /// Leaves out the wall-clock times before `floor` that are not sorted yet.
    fn advance(&mut self, floor: i64) -> Result<(), BudgetSpent> {
        let extras = self.series.extras.get(self.extra..).unwrap_or_default();
        self.extra += extras.partition_point(|extra| extra.local < floor);
        self.advance_rules(floor)
    }

    fn advance_rules(&mut self, floor: i64) -> Result<(), BudgetSpent> {
        for source in &mut self.sources {
            let known = match source.head {
                Head::Unknown => false,
                Head::At(local) => local >= floor,
                Head::Over => true,
            };
            if !known {
                source.head = Head::Unknown;
                source.stream.advance(floor, &mut self.budget)?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Occurrence>, BudgetSpent> {
        loop {
            if let Some(occurrence) = self.ready.pop_front() {
                return Ok(Some(occurrence));
            }
            if let Some(spent) = self.spent.take() {
                return Err(spent);
            }
            let Some(candidate) = self.candidate(i64::MAX)? else { return Ok(None) };
            let Some(resolved) = self.resolver.resolve(candidate.local) else { continue };
            if resolved.gap == 0 {
                if let Some(occurrence) = self.admit(candidate, resolved)? {
                    return Ok(Some(occurrence));
                }
            } else {
                self.collect(candidate, resolved);
            }
        }
    }

    /// Collects what lies in and just after a gap, and sorts it by instant.
    fn collect(&mut self, first: Candidate, resolved: Resolved) {
        // The gap ends less than its length after `first`, and times within its length after that may coincide
        // with or precede times inside.
        let end = first.local + 2 * resolved.gap;
        let mut batch = Vec::new();
        let mut next = Some((first, resolved));
        while let Some((candidate, resolved)) = next.take() {
            let admitted = self.admit(candidate, resolved).map(|occurrence| batch.extend(occurrence));
            let following = admitted.and_then(|()| self.candidate(end));
            match following {
                Ok(Some(candidate)) => {
                    next = self.resolver.resolve(candidate.local).map(|resolved| (candidate, resolved))
                }
                Ok(None) => {}
                Err(spent) => self.spent = Some(spent),
            }
        }
        batch.sort_by_key(|occurrence: &Occurrence| (occurrence.instant, occurrence.local));
        for occurrence in batch {
            match self.ready.back_mut() {
                Some(last) if last.instant == occurrence.instant => {
                    let period_end = last.period_end.or(occurrence.period_end);
                    *last = Occurrence { period_end, ..occurrence };
                }
                _ => self.ready.push_back(occurrence),
            }
        }
    }

    /// The earliest wall-clock time of all sources, if before `end`.
    fn candidate(&mut self, end: i64) -> Result<Option<Candidate>, BudgetSpent> {
        let mut earliest = self.series.extras.get(self.extra).map_or(i64::MAX, |extra| extra.local);
        for source in &mut self.sources {
            if source.head == Head::Unknown {
                source.head = source.stream.next(&mut self.budget)?.map_or(Head::Over, Head::At);
            }
            if let Head::At(local) = source.head {
                earliest = earliest.min(local);
            }
        }
        if earliest >= end || earliest > self.ceiling {
            return Ok(None);
        }
        let mut candidate = Candidate { local: earliest, end: None, until: None };
        let mut certain = false;
        while let Some(extra) = self.series.extras.get(self.extra).filter(|extra| extra.local == earliest) {
            certain = true;
            candidate.end = candidate.end.or(extra.end);
            self.extra += 1;
        }
        for source in &mut self.sources {
            if source.head == Head::At(earliest) {
                source.head = Head::Unknown;
                certain |= source.until.is_none();
                candidate.until = candidate.until.max(source.until);
            }
        }
        if certain {
            candidate.until = None;
        }
        Ok(Some(candidate))
    }

    /// Applies UNTIL and EXDATE.
    fn admit(&mut self, candidate: Candidate, resolved: Resolved) -> Result<Option<Occurrence>, BudgetSpent> {
        let excluded = self.series.exclusions.contain(candidate.local, candidate.local + resolved.gap);
        let late = candidate.until.is_some_and(|until| resolved.instant > until);
        let Some(local) = date_time(candidate.local).filter(|_| !excluded && !late) else {
            self.budget.spend()?;
            let day = candidate.local.div_euclid(DAY);
            if self.series.exclusions.contains_day(day) {
                // An excluded day may hold 86,400 instances.
                self.advance_rules((day + 1) * DAY)?;
            }
            return Ok(None);
        };
        let period_end = candidate.end.and_then(|end| self.period_end(end, candidate.local));
        Ok(Some(Occurrence { local, instant: resolved.instant, period_end }))
    }

    fn period_end(&mut self, end: PeriodEnd, local: i64) -> Option<Timestamp> {
        match end {
            PeriodEnd::Instant(instant) => Some(instant),
            PeriodEnd::Local(end) => self.resolver.resolve(end).map(|resolved| resolved.instant),
            PeriodEnd::After(length) => {
                let nominal = self.resolver.resolve(local + length.days * DAY)?.instant;
                Timestamp::from_second(nominal.as_second().checked_add(length.seconds)?).ok()
            }
        }
    }
}

impl Iterator for Occurrences {
    type Item = Result<Occurrence, BudgetSpent>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            self.budget.count();
            match self.step() {
                Ok(Some(occurrence)) if occurrence.instant < self.from => {}
                Ok(Some(occurrence)) if self.to.is_none_or(|to| occurrence.instant < to) => {
                    self.budget.refill();
                    return Some(Ok(occurrence));
                }
                Ok(_) => self.over = true,
                Err(spent) => {
                    self.over = true;
                    return Some(Err(spent));
                }
            }
        }
        None
    }
}

impl FusedIterator for Occurrences {}
