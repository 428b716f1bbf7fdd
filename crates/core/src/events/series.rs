//! An event as its instances: the occurrences of its recurrence with its overrides applied.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, Weekday};
use jiff::{SignedDuration, Span, Timestamp};
use kalends_kernel::{Invalid, VenueId, Zone};
use kalends_recurrence::{BudgetSpent, Occurrences, Series, Start};

use super::content::{Content, Status};
use super::overrides::Override;
use super::times::Times;
use crate::budget::{Budget, TooMuchWork};

/// One instance of an event: when, and which override (if any) makes it different.
#[derive(Clone, PartialEq, Debug)]
pub struct Instance {
    /// Where the series alone would put it, on its wall clock (RECURRENCE-ID).
    pub original_start: DateTime,
    /// When it begins.
    pub start: Timestamp,
    /// The first moment after.
    pub end: Timestamp,
    /// Whether an override changes it.
    pub overridden: bool,
}

/// A compiled event: cheap to clone, safe to keep for as long as its version.
#[derive(Clone, Debug)]
pub struct Compiled {
    series: Series,
    times: Times,
    calendar: Zone,
    /// The occurrences with a length of their own (RDATE;VALUE=PERIOD), by start. However long one is, windows look back
    /// for it here, not by walking the rules over its length.
    periods: Vec<Instance>,
    overrides: Vec<Override>,
    overridden: BTreeSet<DateTime>,
    /// The instances that overrides make different, as they are then; cancelled ones are left out.
    moved: Vec<Instance>,
    busy: bool,
    cancelled: bool,
    venue: Option<VenueId>,
}

/// A stretch of time that an instance takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusyInterval {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after; later than the first.
    pub end: Timestamp,
    /// Which instance.
    pub original_start: DateTime,
    /// Where.
    pub venue: Option<VenueId>,
}

impl Compiled {
    /// Compiles an event of a calendar with this zone. Content from the database always compiles; what does not (it would
    /// have been refused) is taken as a single event.
    pub fn of(content: &Content, calendar: &Zone) -> Compiled {
        let series = compile(content, calendar).unwrap_or_else(|_| Series::once(start_of(content)));
        let mut compiled = Compiled {
            series,
            times: content.times.clone(),
            calendar: calendar.clone(),
            periods: Vec::new(),
            overridden: content.overrides.iter().map(|one| one.original_start).collect(),
            overrides: content.overrides.iter().map(without_texts).collect(),
            moved: Vec::new(),
            busy: content.busy,
            cancelled: content.status == Status::Cancelled,
            venue: content.venue_id,
        };
        if content.recurrence.iter().any(|line| line.contains("VALUE=PERIOD")) {
            compiled.periods = compiled.own_lengths();
        }
        let takes_place = compiled.overrides.iter().filter(|one| !one.cancelled);
        compiled.moved = takes_place.map(|one| compiled.overriding(one)).collect();
        compiled
    }

    /// Returns about how many bytes it takes.
    pub fn weight(&self) -> usize {
        let override_ = size_of::<Override>() + size_of::<Instance>() + size_of::<DateTime>() + 32;
        2_000 + self.overrides.len() * override_ + self.periods.len() * size_of::<Instance>() + self.series.weight()
    }

    fn own_lengths(&self) -> Vec<Instance> {
        let dates = self.series.dates(self.calendar.time_zone()).map_while(Result::ok);
        let own = dates.filter(|one| one.period_end.is_some() && !self.overridden.contains(&one.local));
        own.map(|one| self.usual(one.local, Some(one.instant), one.period_end)).collect()
    }

    /// The time that an instance takes; none for what is free, cancelled or without length.
    pub fn taken(&self, instance: &Instance) -> Option<BusyInterval> {
        let own = instance.overridden.then(|| self.overriding_at(instance.original_start));
        let (takes_time, venue) = match own.flatten() {
            Some(one) => (self.takes_time_at(one), one.venue_id.or(self.venue)),
            None => (self.busy && !self.cancelled, self.venue),
        };
        let Instance { original_start, start, end, .. } = *instance;
        (takes_time && start < end).then_some(BusyInterval { start, end, original_start, venue })
    }

    fn overriding_at(&self, original_start: DateTime) -> Option<&Override> {
        let found = self.overrides.binary_search_by_key(&original_start, |one| one.original_start);
        found.ok().and_then(|index| self.overrides.get(index))
    }

    fn takes_time_at(&self, one: &Override) -> bool {
        // What the series says is one answer to two questions; an override may give the other to either.
        let busy = one.busy.unwrap_or(self.busy);
        let cancelled = one.cancelled || one.status.map_or(self.cancelled, |status| status == Status::Cancelled);
        busy && !cancelled
    }

    /// Returns the instances that overlap `[from, to)`, by start. An instance without length counts when it begins in it.
    /// Lazy: an endless series costs what is taken from it. Everything that is walked is paid for from the budget.
    pub fn overlapping(&self, from: Timestamp, to: Timestamp, budget: &Budget) -> Instances<'_> {
        self.overlapping_or_starting(from, to, from, budget)
    }

    /// Does the same without the instances that begin before `after`, which is not before `from`.
    pub fn overlapping_or_starting(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Timestamp,
        budget: &Budget,
    ) -> Instances<'_> {
        let earliest = if after > from { after } else { self.earliest_start_reaching(from) };
        let base = self.series.starting_between(earliest, to, self.calendar.time_zone());
        let long = self.periods.iter().filter(|one| one.start < earliest);
        let seen = |one: &Instance| after > from && one.start < after;
        let others = self.moved.iter().chain(long).filter(|one| overlaps(one, from, to) && !seen(one));
        let mut others: Vec<Instance> = others.cloned().collect();
        others.sort_by_key(|one| std::cmp::Reverse((one.start, one.original_start)));
        // A look at an override costs a fraction of an occurrence.
        let looks = u64::try_from((self.moved.len() + self.periods.len()) / 16).unwrap_or(u64::MAX);
        Instances {
            compiled: self,
            base,
            waiting: None,
            others,
            from,
            to,
            budget: budget.clone(),
            paid: 0,
            owed: looks.saturating_add(1),
            ended: false,
        }
    }

    /// Returns an instant before which no occurrence begins that reaches beyond `from`.
    fn earliest_start_reaching(&self, from: Timestamp) -> Timestamp {
        let length = self.times.wall_length();
        // Two days more than the length on the wall clock cover zones and changes of the clock.
        let earliest =
            from.checked_sub(length.saturating_add(SignedDuration::from_hours(48))).unwrap_or(Timestamp::MIN);
        let zone = self.times.zone(&self.calendar);
        let is_even = length < SignedDuration::from_hours(24 * 14)
            && self.times.end_time_zone.is_none()
            && zone.to_offset(earliest) == zone.to_offset(from);
        // Where the clock does not change meanwhile, an occurrence lasts as long as it says.
        if is_even { from.checked_sub(length).unwrap_or(Timestamp::MIN) } else { earliest }
    }

    /// When the next such weekday (Monday = 1) begins behind an instance that begins on another, on its own clock.
    pub fn next_weekday(&self, instance: &Instance, weekday: i64) -> Timestamp {
        let days = (weekday - self.weekday_of(instance)).rem_euclid(7);
        let day = instance.start.to_zoned(self.times.zone(&self.calendar).clone()).start_of_day();
        let day = day.and_then(|day| day.checked_add(Span::new().try_days(days)?)?.start_of_day());
        day.map_or(Timestamp::MAX, |day| day.timestamp())
    }

    /// The weekday on which an instance begins, on its own clock, Monday = 1.
    pub fn weekday_of(&self, instance: &Instance) -> i64 {
        let zone = self.times.zone(&self.calendar).clone();
        i64::from(instance.start.to_zoned(zone).weekday().to_monday_one_offset())
    }

    /// Whether the series alone has an occurrence at this wall-clock time.
    pub fn contains(&self, local: DateTime) -> Result<bool, BudgetSpent> {
        self.series.contains(local)
    }

    /// Whether the rules may give such a weekday (Monday = 1).
    pub fn rules_may_fall_on(&self, weekday: i64) -> bool {
        let weekday = i8::try_from(weekday).ok().and_then(|weekday| Weekday::from_monday_one_offset(weekday).ok());
        weekday.is_none_or(|weekday| self.series.rules_may_fall_on(weekday))
    }

    /// Whether the series alone has an occurrence at this wall-clock time or later.
    pub fn goes_on_from(&self, local: DateTime) -> Result<bool, BudgetSpent> {
        Ok(self.series.occurrences_from(local, self.calendar.time_zone()).next().transpose()?.is_some())
    }

    /// The instance whose original start this is; none when the series has none there. A cancelled one is given too.
    pub fn instance(&self, original_start: DateTime) -> Result<Option<Instance>, BudgetSpent> {
        if !self.series.contains(original_start)? {
            return Ok(None);
        }
        Ok(Some(match self.overriding_at(original_start) {
            Some(one) => self.overriding(one),
            None => self.usual(original_start, None, None),
        }))
    }

    /// The recurrence alone.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// The occurrences of the series alone, overrides not applied.
    pub fn occurrences(&self) -> Occurrences {
        self.series.occurrences(self.calendar.time_zone())
    }

    fn overriding(&self, one: &Override) -> Instance {
        let times = one.times.clone().unwrap_or_else(|| self.times.begun_at(one.original_start));
        let start = times.start_instant(&self.calendar);
        Instance {
            original_start: one.original_start,
            start,
            end: times.end_instant(&self.calendar).max(start),
            overridden: true,
        }
    }

    fn usual(&self, local: DateTime, instant: Option<Timestamp>, period_end: Option<Timestamp>) -> Instance {
        let times = self.times.begun_at(local);
        let start = instant.unwrap_or_else(|| times.start_instant(&self.calendar));
        let end = period_end.unwrap_or_else(|| times.end_instant(&self.calendar)).max(start);
        Instance { original_start: local, start, end, overridden: false }
    }
}

/// Half-open everywhere: touching is not overlapping (rule 1).
fn overlaps(one: &Instance, from: Timestamp, to: Timestamp) -> bool {
    one.start < to && (one.end > from || (one.start == one.end && one.start >= from))
}

/// The instances in a window, by start.
pub struct Instances<'c> {
    compiled: &'c Compiled,
    base: Occurrences,
    waiting: Option<Instance>,
    /// What the walk does not find, because it was moved or is longer than usual; latest first.
    others: Vec<Instance>,
    from: Timestamp,
    to: Timestamp,
    budget: Budget,
    /// The steps of `base` that are paid for.
    paid: u64,
    /// Further steps that are to be paid for.
    owed: u64,
    ended: bool,
}

/// The reason why a walk ends before all instances were found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WalkEnded {
    /// The rule hardly ever matches.
    Sparse(BudgetSpent),
    /// The request has no steps left.
    TooMuchWork(TooMuchWork),
}

/// Returns what an override says about when, where and whether it takes time.
fn without_texts(one: &Override) -> Override {
    Override {
        cancelled: one.cancelled,
        times: one.times.clone(),
        venue_id: one.venue_id,
        status: one.status,
        busy: one.busy,
        ..Override::empty(one.original_start)
    }
}

impl Instances<'_> {
    /// Leaves out those that begin before an instant, without a step for each.
    pub fn skip_to(&mut self, at: Timestamp) {
        self.waiting = self.waiting.take().filter(|one| one.start >= at);
        while self.others.pop_if(|one| one.start < at).is_some() {}
        self.base.skip_to(at);
    }

    /// From here on only dates that are written down, without what the rules give.
    pub fn leave_out_rules(&mut self) {
        self.base.leave_out_rules();
    }

    fn pay(&mut self) -> Result<(), WalkEnded> {
        let walked = self.base.steps();
        let steps = walked.saturating_sub(self.paid).saturating_add(std::mem::take(&mut self.owed));
        self.paid = walked;
        self.budget.spend(steps).map_err(WalkEnded::TooMuchWork)
    }

    fn next_usual(&mut self) -> Result<Option<Instance>, WalkEnded> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(Some(waiting));
        }
        while let Some(occurrence) = self.base.next() {
            self.pay()?;
            let occurrence = occurrence.map_err(WalkEnded::Sparse)?;
            if self.compiled.overridden.contains(&occurrence.local) {
                continue;
            }
            let instance = self.compiled.usual(occurrence.local, Some(occurrence.instant), occurrence.period_end);
            if overlaps(&instance, self.from, self.to) {
                return Ok(Some(instance));
            }
        }
        self.pay()?;
        Ok(None)
    }
}

impl Iterator for Instances<'_> {
    type Item = Result<Instance, WalkEnded>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let usual = match self.next_usual() {
            Ok(usual) => usual,
            Err(ended) => {
                self.ended = true;
                return Some(Err(ended));
            }
        };
        match (usual, self.others.last()) {
            (Some(usual), Some(other)) if (other.start, other.original_start) < (usual.start, usual.original_start) => {
                self.waiting = Some(usual);
                self.others.pop().map(Ok)
            }
            (Some(usual), _) => Some(Ok(usual)),
            (None, _) => self.others.pop().map(Ok),
        }
    }
}

fn start_of(content: &Content) -> Start {
    let times = &content.times;
    match &times.time_zone {
        _ if times.all_day => Start::Date(times.start.date()),
        Some(zone) => Start::Zoned { at: times.start, zone: zone.time_zone().clone() },
        None => Start::Floating(times.start),
    }
}

fn compile(content: &Content, _calendar: &Zone) -> Result<Series, Vec<kalends_recurrence::LineError>> {
    if content.recurrence.is_empty() {
        return Ok(Series::once(start_of(content)));
    }
    Series::parse(start_of(content), &content.recurrence, &Zone::look_up)
}

/// The code of a rule that takes more work than a request may cost.
pub const TOO_SPARSE: &str = "recurrence-too-sparse";

/// What a spent budget is to whoever writes: the rule has to be another one, asking again does not help.
pub(super) fn too_sparse(_: BudgetSpent) -> Invalid {
    Invalid::one(
        "/recurrence",
        TOO_SPARSE,
        "the rule hardly ever matches a date, so that finding the next one takes too much work; write it with fewer restrictions",
    )
}

/// What is wrong with the recurrence and the overrides of an event that is otherwise right. The recurrence lines are put
/// into their canonical form.
pub(super) fn problems(content: &mut Content, calendar: &Zone) -> Invalid {
    let mut invalid = Invalid::new();
    let series = match compile(content, calendar) {
        Ok(series) => series,
        Err(errors) => {
            for error in errors {
                invalid.add(format!("/recurrence/{}", error.line), error.code, error.message);
            }
            return invalid;
        }
    };
    if content.recurrence.is_empty() {
        if !content.overrides.is_empty() {
            invalid.add(
                "/overrides",
                "not-recurring",
                "only a series has occurrences to override; give a recurrence too",
            );
        }
        return invalid;
    }
    // The first few, and the end where there is one: what a reader would ask for first must be affordable.
    let first: Result<Vec<_>, BudgetSpent> = series.occurrences(calendar.time_zone()).take(3).collect();
    match first {
        Err(spent) => invalid.append(too_sparse(spent)),
        Ok(found) if found.is_empty() => invalid.add("/recurrence", "no-occurrence", "every occurrence is excluded"),
        Ok(_) => {}
    }
    if !invalid.is_empty() {
        return invalid;
    }
    let overridden = content.overrides.iter().map(|one| one.original_start).collect();
    let missing = match series.last(calendar.time_zone()).and_then(|_| series.missing(&overridden)) {
        Ok(missing) => missing,
        Err(spent) => return too_sparse(spent),
    };
    for (index, one) in content.overrides.iter().enumerate().filter(|(_, one)| missing.contains(&one.original_start)) {
        invalid.add(
            format!("/overrides/{index}/original_start"),
            "not-an-occurrence",
            format!("the series has no occurrence at {}", one.original_start),
        );
    }
    content.recurrence = series.lines();
    invalid
}

/// What the database finds and sorts events by, derived from the content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Derived {
    /// The first moment of any instance.
    pub starts_at: Timestamp,
    /// The first moment after all instances; none for endless series.
    pub ends_at: Option<Timestamp>,
    /// How far the event reaches; see [`duration_class`](super::duration_class).
    pub reach: i64,
    /// The weekday of the start, Monday = 1.
    pub weekday: i64,
    /// The title as it is sorted.
    pub title_key: String,
}

/// How many characters of a title count in the order: a cursor carries them in an address.
const SORTED_BY: usize = 300;

/// Derives it.
pub fn derive(content: &Content, calendar: &Zone) -> Derived {
    let compiled = Compiled::of(content, calendar);
    let mut starts_at = content.times.start_instant(calendar);
    let mut ends_at = Some(content.times.end_instant(calendar).max(starts_at));
    if content.is_recurring() {
        if let Some(Ok(first)) = compiled.occurrences().next() {
            starts_at = starts_at.min(first.instant);
        }
        ends_at = match compiled.series.last(calendar.time_zone()) {
            // A period or a change of the clock may make the last one longer than the series: two days cover the clock.
            Ok(Some(last)) => {
                let usual = compiled.usual(last.local, Some(last.instant), last.period_end).end;
                ends_at.map(|end| end.max(usual))
            }
            Ok(None) if !compiled.series.is_endless() => ends_at,
            Ok(None) | Err(_) => None,
        };
        for one in content.overrides.iter().filter(|one| !one.cancelled) {
            let moved = compiled.overriding(one);
            starts_at = starts_at.min(moved.start);
            ends_at = ends_at.map(|end| end.max(moved.end));
        }
        // A period in the middle may outlast the last occurrence.
        let longest = compiled.periods.iter().map(|one| one.end).max();
        ends_at = ends_at.map(|end| longest.map_or(end, |longest| end.max(longest)));
    }
    Derived {
        starts_at,
        ends_at,
        reach: super::duration_class::of(content, starts_at, ends_at),
        weekday: i64::from(content.times.start.weekday().to_monday_one_offset()),
        title_key: content.title.to_lowercase().chars().take(SORTED_BY).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(body: serde_json::Value) -> Content {
        let zurich = Zone::parse("Europe/Zurich").expect("a zone");
        Content::parse(body.as_object().expect("an object"), &zurich).expect("right")
    }

    fn starts(content: &Content, from: &str, to: &str) -> Vec<String> {
        let zurich = Zone::parse("Europe/Zurich").expect("a zone");
        let compiled = Compiled::of(content, &zurich);
        let window = (from.parse().expect("an instant"), to.parse().expect("an instant"));
        compiled
            .overlapping(window.0, window.1, &Budget::default())
            .map(|one| one.expect("affordable").start.to_string())
            .collect()
    }

    #[test]
    fn a_window_five_hundred_years_ahead_has_its_instances() {
        let weekly = content(
            json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"]}),
        );
        assert_eq!(
            starts(&weekly, "2527-06-01T00:00:00Z", "2527-06-10T00:00:00Z"),
            ["2527-06-02T07:00:00Z", "2527-06-09T07:00:00Z"]
        );
    }

    #[test]
    fn touching_does_not_overlap_and_what_lasts_does() {
        let daily = content(
            json!({"title": "x", "start": "2027-03-22T22:00:00", "end": "2027-03-23T06:00:00", "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}),
        );
        assert_eq!(starts(&daily, "2027-03-23T05:00:00Z", "2027-03-23T21:00:00Z"), Vec::<String>::new());
        assert_eq!(
            starts(&daily, "2027-03-23T04:59:59Z", "2027-03-23T21:00:01Z"),
            ["2027-03-22T21:00:00Z", "2027-03-23T21:00:00Z"]
        );
    }

    #[test]
    fn a_moved_instance_is_found_where_it_is_and_not_where_it_was() {
        let moved = content(
            json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"],
            "overrides": [{"original_start": "2027-03-29T09:00:00", "start": "2027-05-01T09:00:00"}, {"original_start": "2027-04-05T09:00:00", "cancelled": true}]}),
        );
        assert_eq!(starts(&moved, "2027-03-28T00:00:00Z", "2027-04-12T00:00:00Z"), Vec::<String>::new());
        assert_eq!(starts(&moved, "2027-05-01T00:00:00Z", "2027-05-02T00:00:00Z"), ["2027-05-01T07:00:00Z"]);
    }

    #[test]
    fn a_period_reaches_as_far_as_it_says() {
        let long = content(json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00",
            "recurrence": ["RDATE;TZID=Europe/Zurich;VALUE=PERIOD:20270401T090000/P20D"]}));
        assert_eq!(starts(&long, "2027-04-15T00:00:00Z", "2027-04-16T00:00:00Z"), ["2027-04-01T07:00:00Z"]);
    }

    /// Walks a window as a page does and returns how many instances it gave and what that cost.
    fn walk(content: &Content, from: &str, to: &str, most: usize) -> (usize, u64) {
        let zurich = Zone::parse("Europe/Zurich").expect("a zone");
        let (compiled, budget) = (Compiled::of(content, &zurich), Budget::default());
        let window = (from.parse().expect("an instant"), to.parse().expect("an instant"));
        let given = compiled.overlapping(window.0, window.1, &budget).take(most).filter(Result::is_ok).count();
        (given, budget.spent())
    }

    #[test]
    fn a_dense_series_costs_what_is_taken_from_it_and_no_walk_up_to_the_window() {
        let dense = content(json!({"title": "x", "start": "2027-01-01T00:00:00", "end": "2027-01-01T00:00:01",
            "recurrence": ["RRULE:FREQ=SECONDLY"]}));
        let (given, steps) = walk(&dense, "2030-06-01T00:00:00Z", "2030-07-01T00:00:00Z", 10);
        assert!(given == 10 && steps < 50, "{given} instances for {steps} steps");
        // Two days around a change of the clock are walked, and paid for.
        let (given, steps) = walk(&dense, "2030-03-31T03:00:00Z", "2030-07-01T00:00:00Z", 10);
        assert!(given == 10 && (100_000..600_000).contains(&steps), "{given} instances for {steps} steps");
    }

    #[test]
    fn a_walk_without_end_ends_with_the_budget() {
        let dense = content(json!({"title": "x", "start": "2027-01-01T00:00:00", "end": "2027-01-01T00:00:01",
            "recurrence": ["RRULE:FREQ=SECONDLY"]}));
        let (given, steps) = walk(&dense, "2030-06-01T00:00:00Z", "2031-06-01T00:00:00Z", usize::MAX);
        assert!(given < 2_100_000 && steps <= Budget::STEPS + 10, "{given} instances for {steps} steps");
    }

    #[test]
    fn the_work_grows_no_faster_than_the_number_of_overrides() {
        let with = |number: i64| {
            let first: DateTime = "2027-01-01T09:00:00".parse().expect("a time");
            let overrides: Vec<_> = (0..number)
                .map(|day| json!({"original_start": (first + Span::new().days(day)).to_string(), "title": "Elsewhere"}))
                .collect();
            let daily = content(json!({"title": "x", "start": "2027-01-01T09:00:00", "end": "2027-01-01T10:00:00",
                "recurrence": ["RRULE:FREQ=DAILY"], "overrides": overrides}));
            walk(&daily, "2027-01-01T00:00:00Z", "2036-01-01T00:00:00Z", usize::MAX)
        };
        let (few, many) = (with(200), with(2_000));
        assert_eq!(few.0, many.0, "each day once");
        assert!(many.1 < few.1 * 2, "{few:?} {many:?}");
    }
}
