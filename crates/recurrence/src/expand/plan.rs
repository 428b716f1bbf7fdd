//! A rule together with its DTSTART, ready to be walked: defaults filled in (RFC 5545 3.3.10, "Information, not
//! contained in the rule, … taken from DTSTART"), lists as masks, everything that does not change from period to
//! period computed once.

use super::days::DayFilter;
use super::proof;
use crate::calendar::{DAY, civil, weekday, weekday_number};
use crate::rule::{Freq, Rule};

/// What one rule yields from one DTSTART, apart from its end.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(super) freq: Freq,
    pub(super) interval: i64,
    /// DTSTART, in wall-clock seconds.
    pub(super) start: i64,
    pub(super) days: DayFilter,
    /// Whether `days` lets every day through; saves the look-up.
    pub(super) every_day: bool,
    /// For WEEKLY: the wanted days as offsets from the week's first day, ascending.
    pub(super) week_offsets: Vec<i64>,
    pub(super) week_start: i64,
    /// The times that one base (day, hour, minute or second) expands to.
    pub(super) times: Times,
    /// Limits of sub-daily rules; bit `n`: value `n` passes. All ones where there is no limit.
    pub(super) hours: u64,
    pub(super) minutes: u64,
    pub(super) seconds: u64,
    pub(super) positions: Vec<i64>,
    /// COUNT, at least 1.
    pub(super) count: Option<u64>,
    /// No instance has a later wall-clock second than this (from UNTIL).
    pub(super) last: i64,
    /// How many instances every period has, where that never changes: lets COUNT be reckoned instead of counted.
    pub(super) per_period: Option<u64>,
    /// The rule provably yields nothing, ever (DTSTART is still an instance).
    pub(super) never: bool,
}

/// Hours × minutes × seconds, ascending, without being written out.
#[derive(Debug, Clone)]
pub(super) struct Times {
    hours: Vec<i64>,
    minutes: Vec<i64>,
    seconds: Vec<i64>,
}

impl Times {
    pub(super) fn len(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    /// The time with this index, in seconds from the base; an index beyond the end counts as the last.
    pub(super) fn at(&self, index: usize) -> i64 {
        let (rest, second) = (index / self.seconds.len(), index % self.seconds.len());
        let (hour, minute) = (rest / self.minutes.len(), rest % self.minutes.len());
        let pick = |list: &[i64], index: usize| list.get(index).or(list.last()).copied().unwrap_or(0);
        pick(&self.hours, hour) * 3600 + pick(&self.minutes, minute) * 60 + pick(&self.seconds, second)
    }
}

impl Plan {
    /// `start` in wall-clock seconds; `dates` for an all-day series; `last` is UNTIL in wall-clock seconds.
    pub(crate) fn new(rule: &Rule, start: i64, dates: bool, last: Option<i64>) -> Plan {
        let week_start = weekday_number(rule.week_start);
        let days = day_filter(rule, start);
        let mut plan = Plan {
            freq: rule.freq,
            interval: i64::from(rule.interval),
            start,
            every_day: days.is_open(),
            week_offsets: (0..7).filter(|offset| days.weekdays >> ((week_start + offset) % 7) & 1 == 1).collect(),
            days,
            week_start,
            times: times(rule, start, dates),
            hours: limit(&rule.by_hour, rule.freq <= Freq::Hourly),
            minutes: limit(&rule.by_minute, rule.freq <= Freq::Minutely),
            seconds: limit(&rule.by_second, rule.freq <= Freq::Secondly),
            positions: rule.by_set_pos.iter().copied().map(i64::from).collect(),
            count: rule.count().map(u64::from),
            last: last.unwrap_or(i64::MAX),
            per_period: None,
            never: false,
        };
        plan.never = proof::never_matches(&plan);
        plan.per_period = plan.constant_size();
        plan
    }

    /// Whether the instances go on for ever.
    pub(crate) fn is_endless(&self) -> bool {
        self.count.is_none() && self.last == i64::MAX && !self.never
    }

    /// UNTIL in wall-clock seconds; `i64::MAX` without.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Whether the rule provably yields nothing beside DTSTART.
    pub(crate) fn is_never(&self) -> bool {
        self.never
    }

    /// The weekdays that BYDAY, or DTSTART in its place, lets through: bit `w`, 0 is Monday. DTSTART may be on another.
    pub(crate) fn weekdays(&self) -> u8 {
        match (self.days.has_weekdays(), self.freq) {
            (true, _) => self.days.ordinals.iter().fold(self.days.weekdays, |mask, &(_, weekday)| mask | 1 << weekday),
            (false, Freq::Daily) if self.interval % 7 == 0 => 1 << weekday(self.start.div_euclid(DAY)),
            (false, _) => 0x7f,
        }
    }

    /// Whether an instance at `local` belongs to the period that DTSTART's phase and INTERVAL select.
    pub(crate) fn in_phase(&self, local: i64) -> bool {
        (self.period_of(local) - self.period_of(self.start)).rem_euclid(self.interval) == 0
    }

    /// Number of the period that contains a wall-clock second, in units of FREQ.
    pub(super) fn period_of(&self, local: i64) -> i64 {
        let day = local.div_euclid(DAY);
        match self.freq {
            Freq::Secondly => local,
            Freq::Minutely => local.div_euclid(60),
            Freq::Hourly => local.div_euclid(3600),
            Freq::Daily => day,
            // Day 0 was a Thursday; (day + 3) counts from a Monday.
            Freq::Weekly => (day + 3 - self.week_start).div_euclid(7),
            Freq::Monthly => {
                let (year, month, _) = civil(day);
                year * 12 + month - 1
            }
            Freq::Yearly => civil(day).0,
        }
    }

    /// Seconds of a sub-daily period.
    pub(super) fn unit(&self) -> i64 {
        match self.freq {
            Freq::Secondly => 1,
            Freq::Minutely => 60,
            Freq::Hourly => 3600,
            Freq::Daily | Freq::Weekly | Freq::Monthly | Freq::Yearly => DAY,
        }
    }

    fn constant_size(&self) -> Option<u64> {
        let days = match self.freq {
            Freq::Daily | Freq::Weekly if self.days.months != 0 => return None,
            Freq::Weekly => self.week_offsets.len(),
            Freq::Daily if self.every_day => 1,
            Freq::Secondly | Freq::Minutely | Freq::Hourly
                if self.every_day && self.hours & self.minutes & self.seconds == u64::MAX =>
            {
                1
            }
            _ => return None,
        };
        let size = days * self.times.len();
        if self.positions.is_empty() {
            return u64::try_from(size).ok();
        }
        let mut picked = Vec::new();
        super::set::pick(&self.positions, size, &mut picked);
        u64::try_from(picked.len()).ok().filter(|&picked| picked > 0)
    }
}

fn day_filter(rule: &Rule, start: i64) -> DayFilter {
    let day = start.div_euclid(DAY);
    let (_, month, of_month) = civil(day);
    let mut filter = DayFilter {
        months: rule.by_month.iter().fold(0, |mask, &month| mask | 1 << month),
        ordinals_in_month: rule.freq == Freq::Monthly || !rule.by_month.is_empty(),
        year_days: rule.by_year_day.iter().copied().map(i64::from).collect(),
        week_nos: rule.by_week_no.iter().copied().map(i64::from).collect(),
        week_start: weekday_number(rule.week_start),
        ..DayFilter::default()
    };
    for &day in &rule.by_month_day {
        if day > 0 {
            filter.month_days |= 1 << (day - 1);
        } else {
            filter.month_days_from_end |= 1 << (-1 - day);
        }
    }
    for by_day in &rule.by_day {
        let weekday = weekday_number(by_day.weekday);
        if by_day.ordinal == 0 {
            filter.weekdays |= 1 << weekday;
        } else {
            filter.ordinals.push((i64::from(by_day.ordinal), weekday));
        }
    }
    let undated = !filter.has_month_days() && !filter.has_weekdays() && filter.year_days.is_empty();
    match rule.freq {
        Freq::Yearly if undated && !filter.week_nos.is_empty() => filter.weekdays = 1 << weekday(day),
        Freq::Yearly if undated => {
            filter.month_days = 1 << (of_month - 1);
            if filter.months == 0 {
                filter.months = 1 << month;
            }
        }
        Freq::Monthly if undated => filter.month_days = 1 << (of_month - 1),
        Freq::Weekly if undated => filter.weekdays = 1 << weekday(day),
        _ => {}
    }
    filter
}

fn times(rule: &Rule, start: i64, dates: bool) -> Times {
    let of_day = start.rem_euclid(DAY);
    // RFC 5545 3.3.10: BYHOUR, BYMINUTE and BYSECOND MUST be ignored beside a DATE.
    let list = |written: &[u8], expands: bool, default: i64| match (expands, written) {
        (false, _) => vec![0],
        (true, []) => vec![default],
        (true, _) if dates => vec![0],
        // A second 60 counts as 59 (RFC 5545 3.3.12); sorted lists stay sorted, and 59 may now be there twice.
        (true, written) => {
            let mut list: Vec<i64> = written.iter().map(|&value| i64::from(value).min(59)).collect();
            list.dedup();
            list
        }
    };
    Times {
        hours: list(&rule.by_hour, rule.freq > Freq::Hourly, of_day / 3600),
        minutes: list(&rule.by_minute, rule.freq > Freq::Minutely, of_day / 60 % 60),
        seconds: list(&rule.by_second, rule.freq > Freq::Secondly, of_day % 60),
    }
}

fn limit(written: &[u8], applies: bool) -> u64 {
    if !applies || written.is_empty() {
        return u64::MAX;
    }
    written.iter().fold(0, |mask, &value| mask | 1 << value.min(59))
}
