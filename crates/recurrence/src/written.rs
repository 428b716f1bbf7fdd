//! A series back to recurrence lines: the canonical form, which [`Series::parse`] reads again.

use crate::calendar::{DAY, date_time};
use crate::rule::Rule;
use crate::series::{Exclusions, Extra, PeriodEnd, Series, wall_clock};
use crate::start::Start;
use crate::values::{self, Length};
use crate::zone::Resolver;
use jiff::tz::TimeZone;

/// Dates per line; far below what a line may have.
const PER_LINE: usize = 1_000;

impl Series {
    /// The recurrence lines, canonical: rules, then RDATE, then EXDATE, dates ascending and in the series' own zone
    /// (in UTC where the zone has no IANA name).
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let rules: Vec<Rule> = self.rules().cloned().collect();
        let start = self.0.start.second();
        let implied = Extra { local: start, end: None };
        let extras: Vec<Extra> = self.0.extras.iter().copied().filter(|&extra| extra != implied).collect();
        lines(&self.0.start, &rules, &extras, &self.0.exclusions)
    }
}

pub(crate) fn lines(start: &Start, rules: &[Rule], extras: &[Extra], exclusions: &Exclusions) -> Vec<String> {
    let mut lines: Vec<String> = rules.iter().map(|rule| format!("RRULE:{rule}")).collect();
    let clock = Clock::of(start);
    let plain: Vec<String> =
        extras.iter().filter(|extra| extra.end.is_none()).map(|extra| clock.write(extra.local)).collect();
    push(&mut lines, "RDATE", &clock.parameter, &plain);
    let periods = extras.iter().filter_map(|extra| Some(clock.write_period(extra.local, extra.end?)));
    push(&mut lines, "RDATE;VALUE=PERIOD", &clock.parameter, &periods.collect::<Vec<_>>());
    let excluded: Vec<String> = exclusions.locals.iter().map(|&local| clock.write(local)).collect();
    push(&mut lines, "EXDATE", &clock.parameter, &excluded);
    let days: Vec<String> = exclusions.days.iter().map(|day| write_day(day * DAY)).collect();
    push(&mut lines, "EXDATE", ";VALUE=DATE", &days);
    lines
}

fn push(lines: &mut Vec<String>, name: &str, parameter: &str, dates: &[String]) {
    lines.extend(dates.chunks(PER_LINE).map(|dates| format!("{name}{parameter}:{}", dates.join(","))));
}

fn write_day(local: i64) -> String {
    values::write_date(wall_clock(local).date())
}

/// How dates are written beside a start.
struct Clock {
    parameter: String,
    form: Form,
    /// Of a series without a zone: UTC, which is then never asked.
    zone: Resolver,
}

enum Form {
    Date,
    Local,
    Utc,
}

impl Clock {
    fn of(start: &Start) -> Clock {
        let (parameter, form) = match start {
            Start::Date(_) => (";VALUE=DATE".to_owned(), Form::Date),
            Start::Floating(_) => (String::new(), Form::Local),
            Start::Zoned { zone, .. } => match zone.iana_name().filter(|&name| name != "UTC") {
                Some(name) => (format!(";TZID={name}"), Form::Local),
                None => (String::new(), Form::Utc),
            },
        };
        Clock { parameter, form, zone: Resolver::new(start.zone().cloned().unwrap_or(TimeZone::UTC)) }
    }

    fn write(&self, local: i64) -> String {
        match &self.form {
            Form::Date => write_day(local),
            Form::Local => values::write_local(wall_clock(local)),
            Form::Utc => self
                .zone
                .clone()
                .resolve(local)
                .map_or_else(|| values::write_local(wall_clock(local)), |resolved| values::write_utc(resolved.instant)),
        }
    }

    /// Always as start and length: both ends in one zone would lose which of two equal readings an end is.
    fn write_period(&self, local: i64, end: PeriodEnd) -> String {
        let end = match end {
            PeriodEnd::After(length) => values::write_duration(length),
            PeriodEnd::Local(end) => date_time(end).map_or_else(String::new, values::write_local),
            PeriodEnd::Instant(end) => {
                let start = self.zone.clone().resolve(local).map_or(end, |resolved| resolved.instant);
                values::write_duration(Length { days: 0, seconds: end.as_second() - start.as_second() })
            }
        };
        format!("{}/{end}", self.write(local))
    }
}
