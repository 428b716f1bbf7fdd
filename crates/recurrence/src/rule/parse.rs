//! Text of an RRULE to parts. Everything that is wrong is reported, not only the first thing; nothing is dropped.

use super::{ByDay, End, Freq, Rule, Until, check};
use crate::calendar::weekday_number;
use crate::error::{Fault, InvalidRule};
use crate::values::{self, Moment};
use jiff::civil::Weekday;
use std::str::FromStr;

/// Most values that one BY list may have. BYYEARDAY has the longest useful list, 732 values.
pub const MAX_LIST_VALUES: usize = 1_000;

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Rule, InvalidRule> {
        parse(text).map_err(|faults| InvalidRule { faults })
    }
}

/// The parts as far as they are known; `None` is "not written".
#[derive(Default)]
struct Parts {
    freq: Option<Freq>,
    interval: Option<u32>,
    count: Option<u32>,
    until: Option<Until>,
    by_second: Vec<u8>,
    by_minute: Vec<u8>,
    by_hour: Vec<u8>,
    by_day: Vec<ByDay>,
    by_month_day: Vec<i8>,
    by_year_day: Vec<i16>,
    by_week_no: Vec<i8>,
    by_month: Vec<u8>,
    by_set_pos: Vec<i16>,
    week_start: Option<Weekday>,
}

/// Reads the value of an RRULE property; the length of `text` is the caller's to bound.
pub(crate) fn parse(text: &str) -> Result<Rule, Vec<Fault>> {
    let text = text.trim().to_ascii_uppercase();
    let mut parts = Parts::default();
    let mut faults = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for part in text.strip_suffix(';').unwrap_or(&text).split(';') {
        let Some((name, value)) = part.split_once('=') else {
            faults.push(Fault::new("malformed-part", format!("{part:?} is not NAME=VALUE")));
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if seen.contains(&name) {
            faults.push(Fault::new("duplicate-part", format!("{name} is given twice")));
            continue;
        }
        // Only known names are remembered, so the list stays short whatever is sent.
        match parts.read(name, value) {
            Ok(()) => seen.push(name),
            Err(fault) => {
                if fault.code != "unknown-part" {
                    seen.push(name);
                }
                faults.push(fault);
            }
        }
        if faults.len() >= 20 {
            break;
        }
    }
    if parts.freq.is_none() && !seen.contains(&"FREQ") {
        faults.push(Fault::new("missing-freq", "FREQ is required"));
    }
    if parts.count.is_some() && parts.until.is_some() {
        faults.push(Fault::new("count-and-until", "COUNT and UNTIL exclude each other"));
    }
    let Some(freq) = parts.freq else { return Err(faults) };
    let rule = parts.into_rule(freq);
    check::combinations(&rule, &mut faults);
    if faults.is_empty() { Ok(rule) } else { Err(faults) }
}

impl Parts {
    fn read(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::new("empty-value", format!("{name} has no value")));
        }
        match name {
            "FREQ" => self.freq = Some(freq(value)?),
            "INTERVAL" => self.interval = Some(positive(name, value)?),
            "COUNT" => self.count = Some(positive(name, value)?),
            "UNTIL" => self.until = Some(until(value)?),
            "BYSECOND" => self.by_second = numbers(name, value, 0, 60, false)?,
            "BYMINUTE" => self.by_minute = numbers(name, value, 0, 59, false)?,
            "BYHOUR" => self.by_hour = numbers(name, value, 0, 23, false)?,
            "BYDAY" => self.by_day = by_days(value)?,
            "BYMONTHDAY" => self.by_month_day = numbers(name, value, 1, 31, true)?,
            "BYYEARDAY" => self.by_year_day = numbers(name, value, 1, 366, true)?,
            "BYWEEKNO" => self.by_week_no = numbers(name, value, 1, 53, true)?,
            "BYMONTH" => self.by_month = numbers(name, value, 1, 12, false)?,
            "BYSETPOS" => self.by_set_pos = numbers(name, value, 1, 366, true)?,
            "WKST" => self.week_start = Some(weekday(value).ok_or_else(|| bad_weekday(name, value))?),
            "RSCALE" => {
                return Err(Fault::new(
                    "rscale-unsupported",
                    "RSCALE (RFC 7529) is not supported: only the Gregorian calendar is",
                ));
            }
            "SKIP" => {
                return Err(Fault::new(
                    "skip-unsupported",
                    "SKIP (RFC 7529) is not supported: invalid dates are left out",
                ));
            }
            _ => return Err(Fault::new("unknown-part", format!("{name:?} is no part of a rule"))),
        }
        Ok(())
    }

    fn into_rule(self, freq: Freq) -> Rule {
        Rule {
            freq,
            interval: self.interval.unwrap_or(1),
            end: match (self.count, self.until) {
                (Some(count), _) => End::Count(count),
                (None, Some(until)) => End::Until(until),
                (None, None) => End::Never,
            },
            by_second: self.by_second,
            by_minute: self.by_minute,
            by_hour: self.by_hour,
            by_day: self.by_day,
            by_month_day: self.by_month_day,
            by_year_day: self.by_year_day,
            by_week_no: self.by_week_no,
            by_month: self.by_month,
            by_set_pos: self.by_set_pos,
            week_start: self.week_start.unwrap_or(Weekday::Monday),
        }
    }
}

fn freq(value: &str) -> Result<Freq, Fault> {
    Ok(match value {
        "SECONDLY" => Freq::Secondly,
        "MINUTELY" => Freq::Minutely,
        "HOURLY" => Freq::Hourly,
        "DAILY" => Freq::Daily,
        "WEEKLY" => Freq::Weekly,
        "MONTHLY" => Freq::Monthly,
        "YEARLY" => Freq::Yearly,
        _ => return Err(Fault::new("unknown-freq", format!("{value:?} is no frequency"))),
    })
}

/// A number from 1 to `u32::MAX`.
fn positive(name: &str, value: &str) -> Result<u32, Fault> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::new("not-a-number", format!("{name}={value:?} is not a whole number")));
    }
    match value.parse::<u32>() {
        Ok(0) if name == "COUNT" => Err(Fault::new("zero-count", "COUNT must be at least 1")),
        Ok(0) => Err(Fault::new("zero-interval", "INTERVAL must be at least 1")),
        Ok(number) => Ok(number),
        Err(_) => Err(Fault::new("out-of-range", format!("{name}={value} is above {}", u32::MAX))),
    }
}

fn until(value: &str) -> Result<Until, Fault> {
    match values::moment(value) {
        Some(Moment::Date(date)) => Ok(Until::Date(date)),
        Some(Moment::Local(at)) => Ok(Until::Local(at)),
        Some(Moment::Utc(at)) => values::utc(at)
            .map(Until::Utc)
            .ok_or_else(|| Fault::new("invalid-until", format!("UNTIL={value} is beyond the calendar"))),
        None => Err(Fault::new("invalid-until", format!("UNTIL={value:?} is neither a date nor a date-time"))),
    }
}

/// A list of numbers between `low` and `high`, with `signed` also between −`high` and −`low`; sorted, each once.
fn numbers<T: TryFrom<i32> + Ord>(name: &str, value: &str, low: i32, high: i32, signed: bool) -> Result<Vec<T>, Fault> {
    let mut list = Vec::new();
    for (index, item) in value.split(',').enumerate() {
        if index == MAX_LIST_VALUES {
            return Err(Fault::new("too-many-values", format!("{name} has more than {MAX_LIST_VALUES} values")));
        }
        let number = number(item.trim())
            .ok_or_else(|| Fault::new("not-a-number", format!("{item:?} in {name} is not a whole number")))?;
        let magnitude = if signed { number.abs() } else { number };
        let out_of_range = || Fault::new("out-of-range", format!("{item} in {name} is not {low} to {high}"));
        if !(low..=high).contains(&magnitude) {
            return Err(out_of_range());
        }
        list.push(T::try_from(number).map_err(|_| out_of_range())?);
    }
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// An optionally signed number of at most four digits; `str::parse` alone would not bound the length.
fn number(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plausible = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if plausible { text.parse().ok() } else { None }
}

fn by_days(value: &str) -> Result<Vec<ByDay>, Fault> {
    let mut list = Vec::new();
    for (index, item) in value.split(',').enumerate() {
        if index == MAX_LIST_VALUES {
            return Err(Fault::new("too-many-values", format!("BYDAY has more than {MAX_LIST_VALUES} values")));
        }
        let item = item.trim();
        let bad = || bad_weekday("BYDAY", item);
        let (ordinal, name) = item.len().checked_sub(2).and_then(|at| item.split_at_checked(at)).ok_or_else(bad)?;
        let weekday = weekday(name).ok_or_else(bad)?;
        let ordinal = if ordinal.is_empty() {
            0
        } else {
            let number = number(ordinal).ok_or_else(bad)?;
            match i8::try_from(number) {
                Ok(number @ (-53..=-1 | 1..=53)) => number,
                _ => return Err(Fault::new("out-of-range", format!("{item} in BYDAY is not 1 to 53 or -53 to -1"))),
            }
        };
        list.push(ByDay { ordinal, weekday });
    }
    list.sort_unstable_by_key(|day| (day.ordinal, weekday_number(day.weekday)));
    list.dedup();
    Ok(list)
}

fn bad_weekday(name: &str, value: &str) -> Fault {
    Fault::new("not-a-weekday", format!("{value:?} in {name} is no weekday such as MO or 2TU"))
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}
