//! An event as plain data, and what happens to it, as rules 1 to 4 and 7 say it. Written without the recurrence crate: dates
//! are stepped by days, weeks and months, and the wall clock becomes an instant through jiff.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The zone of the calendar: where all-day and floating events lie.
pub const HOME: &str = "Europe/Zurich";

/// Why the model says that a change is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    NotFound,
    Invalid,
    Orphans,
    Conflict,
    State,
    Changed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Zoned(&'static str),
    Floating,
    AllDay,
}

impl Kind {
    pub fn zone(self) -> TimeZone {
        let name = if let Kind::Zoned(name) = self { name } else { HOME };
        TimeZone::get(name).expect("a zone")
    }

    fn class(self) -> u8 {
        match self {
            Kind::Zoned(_) => 0,
            Kind::Floating => 1,
            Kind::AllDay => 2,
        }
    }
}

/// When an event is: on the wall clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct When {
    pub kind: Kind,
    pub start: DateTime,
    pub end: DateTime,
}

pub fn instant(local: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_timestamp(local).compatible().expect("in range")
}

impl When {
    /// The same length on the wall clock, from another start.
    pub fn begun_at(&self, start: DateTime) -> When {
        When { kind: self.kind, start, end: start + self.end.duration_since(self.start) }
    }

    pub fn instants(&self) -> (Timestamp, Timestamp) {
        let zone = self.kind.zone();
        let start = instant(self.start, &zone);
        (start, instant(self.end, &zone).max(start))
    }

    fn is_right(&self) -> bool {
        let zone = self.kind.zone();
        match self.kind {
            Kind::AllDay => self.end > self.start,
            _ => instant(self.end, &zone) >= instant(self.start, &zone),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Days(i64),
    /// Without weekdays: on that of the start.
    Weeks(i64, Vec<Weekday>),
    Months(i64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Never,
    Count(usize),
    /// The last wall-clock time that still counts.
    Until(DateTime),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    pub step: Step,
    pub end: End,
    pub excluded: BTreeSet<DateTime>,
}

/// What is different at one occurrence.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Over {
    pub cancelled: bool,
    pub title: Option<String>,
    pub when: Option<When>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plain {
    pub title: String,
    pub location: String,
    pub when: When,
    pub rule: Option<Rule>,
    pub overrides: BTreeMap<DateTime, Over>,
}

/// One row that a reader should see.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ListedRow {
    pub start: Timestamp,
    pub original: DateTime,
    pub end: Timestamp,
    pub title: String,
    pub overridden: bool,
}

impl Rule {
    /// Every start, excluded ones included, from `start` on.
    pub fn raw(&self, start: DateTime) -> impl Iterator<Item = DateTime> + '_ {
        let stepped: Box<dyn Iterator<Item = DateTime>> = match &self.step {
            Step::Days(days) => {
                let days = *days;
                Box::new((0..).map(move |k| start + (k * days).days()))
            }
            Step::Weeks(weeks, on) => {
                let weeks = *weeks;
                let monday = start - i64::from(start.weekday().to_monday_zero_offset()).days();
                let mut on: Vec<i64> = on.iter().map(|day| i64::from(day.to_monday_zero_offset())).collect();
                if on.is_empty() {
                    on.push(i64::from(start.weekday().to_monday_zero_offset()));
                }
                on.sort_unstable();
                let of_week = move |k: i64| {
                    let on = on.clone();
                    on.into_iter().map(move |day| monday + (k * weeks * 7 + day).days())
                };
                // The start is the first whether the rule gives it or not (rule 3).
                Box::new(std::iter::once(start).chain((0..).flat_map(of_week).filter(move |at| *at > start)))
            }
            Step::Months(months) => {
                let months = *months;
                let first = start.first_of_month();
                Box::new((0..).filter_map(move |k| {
                    let month = first + (k * months).months();
                    // A month without the day has no occurrence.
                    month.with().day(start.day()).build().ok()
                }))
            }
        };
        let (count, until) = match self.end {
            End::Never => (usize::MAX, DateTime::MAX),
            End::Count(count) => (count, DateTime::MAX),
            End::Until(until) => (usize::MAX, until),
        };
        stepped.take(count).take_while(move |at| *at <= until || *at == start)
    }

    /// The recurrence lines.
    pub fn lines(&self, kind: Kind) -> Vec<String> {
        let (freq, interval) = match &self.step {
            Step::Days(n) => ("DAILY", n),
            Step::Weeks(n, _) => ("WEEKLY", n),
            Step::Months(n) => ("MONTHLY", n),
        };
        let mut rule = format!("RRULE:FREQ={freq}");
        match self.end {
            End::Never => {}
            End::Count(count) => rule += &format!(";COUNT={count}"),
            End::Until(until) => rule += &format!(";UNTIL={}", written(until, kind, true)),
        }
        if *interval != 1 {
            rule += &format!(";INTERVAL={interval}");
        }
        if let Step::Weeks(_, on) = &self.step
            && !on.is_empty()
        {
            let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
            let on: Vec<&str> =
                on.iter().map(|day| names[usize::try_from(day.to_monday_zero_offset()).expect("small")]).collect();
            rule += &format!(";BYDAY={}", on.join(","));
        }
        let mut lines = vec![rule];
        if !self.excluded.is_empty() {
            let dates: Vec<String> = self.excluded.iter().map(|at| written(*at, kind, false)).collect();
            let parameter = match kind {
                Kind::Zoned(zone) => format!(";TZID={zone}"),
                Kind::Floating => String::new(),
                Kind::AllDay => ";VALUE=DATE".to_owned(),
            };
            lines.push(format!("EXDATE{parameter}:{}", dates.join(",")));
        }
        lines
    }

    fn has_dates(&self) -> bool {
        matches!(self.end, End::Until(_)) || !self.excluded.is_empty()
    }

    fn map(&self, change: impl Fn(DateTime) -> DateTime) -> Rule {
        let end = match self.end {
            End::Until(until) => End::Until(change(until)),
            other => other,
        };
        Rule { step: self.step.clone(), end, excluded: self.excluded.iter().map(|at| change(*at)).collect() }
    }
}

fn written(local: DateTime, kind: Kind, utc: bool) -> String {
    match kind {
        Kind::AllDay => local.strftime("%Y%m%d").to_string(),
        Kind::Zoned(_) if utc => instant(local, &kind.zone()).strftime("%Y%m%dT%H%M%SZ").to_string(),
        _ => local.strftime("%Y%m%dT%H%M%S").to_string(),
    }
}

impl Plain {
    /// The starts that take place, overrides aside.
    pub fn occurrences(&self) -> Box<dyn Iterator<Item = DateTime> + '_> {
        match &self.rule {
            None => Box::new(std::iter::once(self.when.start)),
            Some(rule) => Box::new(
                rule.raw(self.when.start).take_while(|at| at.year() < 2400).filter(|at| !rule.excluded.contains(at)),
            ),
        }
    }

    pub fn has(&self, original: DateTime) -> bool {
        self.occurrences().take_while(|at| *at <= original).any(|at| at == original)
    }

    /// What a reader sees in `[from, to)`.
    pub fn rows(&self, from: Timestamp, to: Timestamp) -> Vec<ListedRow> {
        let horizon = to.to_zoned(TimeZone::UTC).datetime() + 3.days();
        let usual = self.occurrences().take_while(|at| *at <= horizon).filter(|at| !self.overrides.contains_key(at));
        let usual = usual.map(|at| (at, self.when.begun_at(at), self.title.clone(), false));
        let different = self.overrides.iter().filter(|(_, one)| !one.cancelled).map(|(at, one)| {
            let when = one.when.clone().unwrap_or_else(|| self.when.begun_at(*at));
            (*at, when, one.title.clone().unwrap_or_else(|| self.title.clone()), true)
        });
        let mut rows: Vec<ListedRow> = usual
            .chain(different)
            .map(|(original, when, title, overridden)| {
                let (start, end) = when.instants();
                ListedRow { start, end, original, title, overridden }
            })
            // Half-open: touching is outside; without length it counts where it begins.
            .filter(|row| row.start < to && (row.end > from || (row.start == row.end && row.start >= from)))
            .collect();
        rows.sort();
        rows
    }
}

/// A change of a whole event: what is None stays.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Patch {
    pub title: Option<String>,
    pub location: Option<String>,
    pub kind: Option<Kind>,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
    pub rule: Option<Option<Rule>>,
    pub no_overrides: bool,
    pub drop_orphans: bool,
}

/// An event that a caller wishes: its rule still written for the kind of times in `written_for`.
#[derive(Clone, Debug)]
pub struct Wish {
    plain: Plain,
    written_for: Kind,
}

impl Wish {
    pub fn new(plain: Plain) -> Wish {
        Wish { written_for: plain.when.kind, plain }
    }

    /// A patch of `base`, written by somebody to whom the times are of the kind `seen`.
    pub fn of(base: &Plain, patch: &Patch, seen: Kind) -> Result<Wish, Refusal> {
        let mut wish = Wish::new(base.clone());
        let is_days = |kind: Kind| kind == Kind::AllDay;
        let written = patch.kind.unwrap_or(seen);
        let wanted = is_days(patch.kind.unwrap_or(base.when.kind));
        // Dates are no times, and times no dates.
        for given in [patch.start, patch.end] {
            if is_days(given.map_or(base.when.kind, |_| written)) != wanted {
                return Err(Refusal::Invalid);
            }
        }
        let plain = &mut wish.plain;
        if let Some(title) = &patch.title {
            plain.title.clone_from(title);
        }
        if let Some(location) = &patch.location {
            plain.location.clone_from(location);
        }
        if let Some(kind) = patch.kind {
            plain.when.kind = kind;
        }
        plain.when.start = patch.start.unwrap_or(plain.when.start);
        plain.when.end = patch.end.unwrap_or(plain.when.end);
        if patch.no_overrides {
            plain.overrides.clear();
        }
        if let Some(rule) = &patch.rule {
            plain.rule.clone_from(rule);
            wish.written_for = written;
        }
        Ok(wish)
    }

    fn recurrence(&self) -> Option<Vec<String>> {
        self.plain.rule.as_ref().map(|rule| rule.lines(self.written_for))
    }

    /// What becomes of `old` (rule 4): a rule and overrides that are not said anew move along with the times.
    pub fn following(self, old: &Plain, drop_orphans: bool) -> Result<Plain, Refusal> {
        let keeps_rule = old.rule.is_some() && self.recurrence() == Wish::new(old.clone()).recurrence();
        let keeps_overrides = !old.overrides.is_empty() && self.plain.overrides == old.overrides;
        let mut new = self.plain;
        if !new.when.is_right() {
            return Err(Refusal::Invalid);
        }
        if let Some(rule) = &new.rule {
            let (from, to) = (self.written_for, new.when.kind);
            new.rule = Some(if keeps_rule {
                let by = new.when.start.duration_since(old.when.start);
                old.rule.as_ref().expect("kept").map(|at| at + by)
            } else if from.class() != to.class() && rule.has_dates() {
                return Err(Refusal::Invalid);
            } else if from != to && from.class() == 0 && to.class() == 0 {
                rule.map(|at| instant(at, &from.zone()).to_zoned(to.zone()).datetime())
            } else {
                rule.clone()
            });
        }
        if new.occurrences().next().is_none() {
            return Err(Refusal::Invalid);
        }
        if keeps_overrides {
            let moved = new.when != old.when || new.rule != old.rule;
            if moved {
                new.overrides = by_index(old, &new, drop_orphans)?;
            }
        } else if (new.rule.is_none() && !new.overrides.is_empty()) || new.overrides.keys().any(|at| !new.has(*at)) {
            return Err(Refusal::Invalid);
        }
        Ok(new)
    }
}

/// Overrides follow their occurrence by its number in the series.
fn by_index(old: &Plain, new: &Plain, drop_orphans: bool) -> Result<BTreeMap<DateTime, Over>, Refusal> {
    let mut followed = BTreeMap::new();
    for (at, one) in &old.overrides {
        let index = old.occurrences().take_while(|other| *other <= *at).position(|other| other == *at);
        let twin = index.filter(|_| new.rule.is_some()).and_then(|index| new.occurrences().nth(index));
        match twin {
            Some(twin) => {
                followed.insert(twin, one.clone());
            }
            None if drop_orphans => {}
            None => return Err(Refusal::Orphans),
        }
    }
    Ok(followed)
}

/// Three-way merge by field (rule 7); the times are one field.
pub fn merge(base: &Plain, theirs: &Plain, mine: &Plain) -> Result<Wish, Refusal> {
    fn field<T: PartialEq + Clone>(base: &T, theirs: &T, mine: &T) -> Result<T, Refusal> {
        match (base == theirs, base == mine, theirs == mine) {
            (false, false, false) => Err(Refusal::Conflict),
            (_, true, _) => Ok(theirs.clone()),
            _ => Ok(mine.clone()),
        }
    }
    let rule = |plain: &Plain| (Wish::new(plain.clone()).recurrence(), plain.when.kind, plain.rule.clone());
    let (base_rule, their_rule, my_rule) = (rule(base), rule(theirs), rule(mine));
    let picked = field(&base_rule.0, &their_rule.0, &my_rule.0)?;
    let from = if picked == their_rule.0 { their_rule } else { my_rule };
    let plain = Plain {
        title: field(&base.title, &theirs.title, &mine.title)?,
        location: field(&base.location, &theirs.location, &mine.location)?,
        when: field(&base.when, &theirs.when, &mine.when)?,
        overrides: field(&base.overrides, &theirs.overrides, &mine.overrides)?,
        rule: from.2,
    };
    Ok(Wish { plain, written_for: from.1 })
}

/// A change of one occurrence.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InstancePatch {
    pub cancelled: Option<bool>,
    /// `Some(None)` takes it back to that of the series.
    pub title: Option<Option<String>>,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
}

impl Plain {
    fn override_at(&self, at: DateTime) -> Over {
        self.overrides.get(&at).filter(|one| !one.cancelled).cloned().unwrap_or_default()
    }

    /// "This": an override, merged with what others made of it since `base`.
    pub fn with_instance(&self, at: DateTime, patch: &InstancePatch, base: Option<&Plain>) -> Result<Plain, Refusal> {
        let mut new = self.clone();
        new.overrides.remove(&at);
        if patch.cancelled == Some(true) {
            new.overrides.insert(at, Over { cancelled: true, ..Over::default() });
            return Ok(new);
        }
        let usual = self.when.begun_at(at);
        let current = self.override_at(at);
        let read = |from: &Over| -> Result<Over, Refusal> {
            let mut one = from.clone();
            if let Some(title) = &patch.title {
                one.title.clone_from(title);
            }
            if patch.start.is_some() || patch.end.is_some() {
                // A start alone keeps the length that the instance has now.
                let before = current.when.clone().unwrap_or_else(|| usual.clone());
                let mut when = from.when.clone().unwrap_or_else(|| usual.clone());
                if (when.kind == Kind::AllDay) != (before.kind == Kind::AllDay) {
                    return Err(Refusal::Invalid);
                }
                if let Some(start) = patch.start {
                    when = When { kind: when.kind, ..before.begun_at(start) };
                }
                when.end = patch.end.unwrap_or(when.end);
                if !when.is_right() {
                    return Err(Refusal::Invalid);
                }
                one.when = Some(when);
            }
            one.when = one.when.filter(|when| *when != usual);
            Ok(one)
        };
        let one = match base {
            None => read(&current)?,
            Some(base) => {
                let base = base.override_at(at);
                let mine = read(&base)?;
                let both = |theirs: bool, mine: bool, same: bool| theirs && mine && !same;
                if both(base.title != current.title, base.title != mine.title, current.title == mine.title)
                    || both(base.when != current.when, base.when != mine.when, current.when == mine.when)
                {
                    return Err(Refusal::Conflict);
                }
                let title = if base.title == mine.title { current.title.clone() } else { mine.title };
                let when = if base.when == mine.when { current.when.clone() } else { mine.when };
                Over { cancelled: false, title, when: when.filter(|when| *when != usual) }
            }
        };
        if one != Over::default() {
            new.overrides.insert(at, one);
        }
        Ok(new)
    }

    /// "This and following": what stays and what goes on; none when nothing would stay.
    pub fn halves(&self, at: DateTime) -> Option<(Plain, Plain)> {
        let rule = self.rule.as_ref()?;
        if self.occurrences().next()? >= at {
            return None;
        }
        let before = rule.raw(self.when.start).take_while(|other| *other < at).count();
        let (end_before, end_after) = match rule.end {
            End::Count(count) => (End::Count(before), End::Count(count - before)),
            other => (End::Until(at - 1.seconds()), other),
        };
        let end_before = match (end_before, self.when.kind) {
            (End::Until(_), Kind::AllDay) => End::Until(at - 1.days()),
            (other, _) => other,
        };
        let (excluded_before, excluded_after) = rule.excluded.iter().partition(|other| **other < at);
        let (earlier, later) = self.overrides.clone().into_iter().partition(|(other, _)| *other < at);
        let rule_of = |end, excluded| Some(Rule { step: rule.step.clone(), end, excluded });
        let stays = Plain { rule: rule_of(end_before, excluded_before), overrides: earlier, ..self.clone() };
        let goes_on = Plain {
            when: self.when.begun_at(at),
            rule: rule_of(end_after, excluded_after),
            overrides: later,
            ..self.clone()
        };
        Some((stays, goes_on))
    }
}
