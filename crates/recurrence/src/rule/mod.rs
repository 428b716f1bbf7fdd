//! One recurrence rule (RFC 5545 3.3.10) as a value. Text to value is [`parse`], what may not stand together is
//! [`check`], value to text is [`text`]. A `Rule` that exists is valid.

mod check;
mod parse;
mod text;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};

pub use parse::MAX_LIST_VALUES;
pub(crate) use parse::parse as parse_rule;

/// FREQ: the unit in which a rule counts (RFC 5545 3.3.10). Ordered from short to long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freq {
    /// Every second.
    Secondly,
    /// Every minute.
    Minutely,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week; weeks begin on WKST.
    Weekly,
    /// Every calendar month.
    Monthly,
    /// Every calendar year.
    Yearly,
}

/// One value of BYDAY: a weekday, and which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByDay {
    /// 0: every such weekday; `2`: the second, `-1`: the last one of the month or year.
    pub ordinal: i8,
    /// The weekday.
    pub weekday: Weekday,
}

/// UNTIL as written (RFC 5545 3.3.10): the bound is inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// A date: the whole of that day in the series' wall clock.
    Date(Date),
    /// A time without `Z`: read in the series' wall clock. The RFC wants UTC beside a zoned DTSTART, many files
    /// have this.
    Local(DateTime),
    /// An instant. Beside a floating or all-day DTSTART, which have no instants, read as wall clock as written.
    Utc(Timestamp),
}

/// How a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// It does not.
    Never,
    /// COUNT: after so many instances, DTSTART being the first.
    Count(u32),
    /// UNTIL: at the last instance at or before this.
    Until(Until),
}

/// One RRULE, parsed and valid by itself (whether it fits its DTSTART is for [`crate::Series::parse`]).
///
/// `FromStr` reads the value of the property (`FREQ=WEEKLY;BYDAY=MO`), in any case, with or without a trailing
/// `;`. `Display` writes it canonically: parts in a fixed order, lists sorted and without repetitions, defaults
/// left out. Reading what was written gives an equal rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    pub(crate) freq: Freq,
    pub(crate) interval: u32,
    pub(crate) end: End,
    pub(crate) by_second: Vec<u8>,
    pub(crate) by_minute: Vec<u8>,
    pub(crate) by_hour: Vec<u8>,
    pub(crate) by_day: Vec<ByDay>,
    pub(crate) by_month_day: Vec<i8>,
    pub(crate) by_year_day: Vec<i16>,
    pub(crate) by_week_no: Vec<i8>,
    pub(crate) by_month: Vec<u8>,
    pub(crate) by_set_pos: Vec<i16>,
    pub(crate) week_start: Weekday,
}

impl Rule {
    /// FREQ.
    #[must_use]
    pub fn freq(&self) -> Freq {
        self.freq
    }

    /// INTERVAL, in units of [`Rule::freq`]; at least 1.
    #[must_use]
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// COUNT or UNTIL.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// COUNT, if the rule has one; DTSTART counts as the first instance.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        match self.end {
            End::Count(count) => Some(count),
            End::Never | End::Until(_) => None,
        }
    }

    /// UNTIL, if the rule has one.
    #[must_use]
    pub fn until(&self) -> Option<Until> {
        match self.end {
            End::Until(until) => Some(until),
            End::Never | End::Count(_) => None,
        }
    }

    /// Whether the rule has neither COUNT nor UNTIL.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.end == End::Never
    }

    /// BYSECOND, sorted; 60 is kept as written and expands like 59 (RFC 5545 3.3.12).
    #[must_use]
    pub fn by_second(&self) -> &[u8] {
        &self.by_second
    }

    /// BYMINUTE, sorted.
    #[must_use]
    pub fn by_minute(&self) -> &[u8] {
        &self.by_minute
    }

    /// BYHOUR, sorted.
    #[must_use]
    pub fn by_hour(&self) -> &[u8] {
        &self.by_hour
    }

    /// BYDAY; plain and numbered days together are a union.
    #[must_use]
    pub fn by_day(&self) -> &[ByDay] {
        &self.by_day
    }

    /// BYMONTHDAY, sorted; −1 is the last day of the month.
    #[must_use]
    pub fn by_month_day(&self) -> &[i8] {
        &self.by_month_day
    }

    /// BYYEARDAY, sorted; −1 is 31 December.
    #[must_use]
    pub fn by_year_day(&self) -> &[i16] {
        &self.by_year_day
    }

    /// BYWEEKNO, sorted; ISO 8601 weeks with WKST as the first day.
    #[must_use]
    pub fn by_week_no(&self) -> &[i8] {
        &self.by_week_no
    }

    /// BYMONTH, sorted; 1 is January.
    #[must_use]
    pub fn by_month(&self) -> &[u8] {
        &self.by_month
    }

    /// BYSETPOS, sorted; −1 is the last of the period's set.
    #[must_use]
    pub fn by_set_pos(&self) -> &[i16] {
        &self.by_set_pos
    }

    /// WKST; Monday unless written.
    #[must_use]
    pub fn week_start(&self) -> Weekday {
        self.week_start
    }
}
