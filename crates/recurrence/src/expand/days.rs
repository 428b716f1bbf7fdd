//! Which days of a month match BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO and BYDAY, as a bit mask.
//!
//! "Expand" and "limit" of the table in RFC 5545 3.3.10 come to the same intersection once DTSTART's defaults are
//! filled in; what notes 1 and 2 add is only whether numbered weekdays count in the month or in the year.

use crate::calendar::{day_number, days_in_month, days_in_year, weekday};

/// The conditions on days. An empty list or a zero mask is no condition.
#[derive(Debug, Clone, Default)]
pub(crate) struct DayFilter {
    /// Bit `m`: month `m`, 1 to 12.
    pub(super) months: u16,
    /// Bit `d`: day `d + 1` of the month, counted from its start.
    pub(super) month_days: u32,
    /// Bit `d`: day `d + 1` of the month, counted back from its end.
    pub(super) month_days_from_end: u32,
    /// Bit `w`: weekday `w`, 0 is Monday.
    pub(super) weekdays: u8,
    /// Numbered weekdays: ordinal (not 0) and weekday. Together with `weekdays` a union.
    pub(super) ordinals: Vec<(i64, i64)>,
    /// Whether ordinals count in the month (MONTHLY, or YEARLY with BYMONTH) or in the year.
    pub(super) ordinals_in_month: bool,
    pub(super) year_days: Vec<i64>,
    pub(super) week_nos: Vec<i64>,
    /// First day of the week for `week_nos`: 0 is Monday.
    pub(super) week_start: i64,
}

/// Days 1, 8, 15, 22 and 29 of a month.
const EVERY_WEEK: u32 = 0x1020_4081;

impl DayFilter {
    /// Whether every day matches.
    pub(super) fn is_open(&self) -> bool {
        self.months == 0
            && self.month_days == 0
            && self.month_days_from_end == 0
            && !self.has_weekdays()
            && self.year_days.is_empty()
            && self.week_nos.is_empty()
    }

    pub(super) fn has_month_days(&self) -> bool {
        self.month_days != 0 || self.month_days_from_end != 0
    }

    pub(super) fn has_weekdays(&self) -> bool {
        self.weekdays != 0 || !self.ordinals.is_empty()
    }

    pub(super) fn has_month(&self, month: i64) -> bool {
        self.months == 0 || self.months >> month & 1 == 1
    }

    /// The matching days of a month: bit `d` is day `d + 1`.
    pub(super) fn matching(&self, year: i64, month: i64) -> u32 {
        if !self.has_month(month) {
            return 0;
        }
        let length = days_in_month(year, month);
        let mut mask = u32::MAX >> (32 - length);
        if self.has_month_days() {
            mask &= self.month_days | self.month_days_from_end.reverse_bits() >> (32 - length);
        }
        if mask == 0 || !(self.has_weekdays() || !self.year_days.is_empty() || !self.week_nos.is_empty()) {
            return mask;
        }
        let first = day_number(year, month, 1);
        if self.has_weekdays() {
            mask &= self.weekday_mask(year, first, length);
        }
        if !self.year_days.is_empty() {
            mask &= self.year_day_mask(year, first, length);
        }
        if !self.week_nos.is_empty() {
            mask &= self.week_no_mask(first, length);
        }
        mask
    }

    fn weekday_mask(&self, year: i64, first: i64, length: i64) -> u32 {
        let mut mask = 0;
        let first_weekday = weekday(first);
        for day in (0..7).filter(|day| self.weekdays >> day & 1 == 1) {
            mask |= EVERY_WEEK << (day - first_weekday).rem_euclid(7);
        }
        for &(ordinal, day) in &self.ordinals {
            if self.ordinals_in_month {
                if let Some(offset) = nth_weekday(first, length, ordinal, day) {
                    mask |= 1 << offset;
                }
            } else {
                let new_year = day_number(year, 1, 1);
                let offset =
                    nth_weekday(new_year, days_in_year(year), ordinal, day).map(|offset| new_year + offset - first);
                if let Some(offset @ 0..=30) = offset {
                    mask |= 1 << offset;
                }
            }
        }
        mask
    }

    fn year_day_mask(&self, year: i64, first: i64, length: i64) -> u32 {
        let before = first - day_number(year, 1, 1);
        let year_length = days_in_year(year);
        let offsets = self.year_days.iter().map(|&day| if day > 0 { day - 1 } else { year_length + day } - before);
        offsets.filter(|offset| (0..length).contains(offset)).fold(0, |mask, offset| mask | 1 << offset)
    }

    /// Days near New Year may belong to a week of the neighbouring year; they match by that week's number. They
    /// still belong to the calendar year they are in, which matters for INTERVAL and BYSETPOS.
    fn week_no_mask(&self, first: i64, length: i64) -> u32 {
        let mut mask = 0;
        let mut offset = -(weekday(first) - self.week_start).rem_euclid(7);
        while offset < length {
            let (number, weeks) = week_number(first + offset, self.week_start);
            if self.week_nos.iter().any(|&wanted| wanted == number || wanted == number - weeks - 1) {
                for day in offset.max(0)..(offset + 7).min(length) {
                    mask |= 1 << day;
                }
            }
            offset += 7;
        }
        mask
    }
}

/// Offset from `first` of the nth (from the end: −nth) given weekday among `length` days, if there is one.
fn nth_weekday(first: i64, length: i64, ordinal: i64, day: i64) -> Option<i64> {
    let earliest = (day - weekday(first)).rem_euclid(7);
    let offset = if ordinal > 0 {
        earliest + 7 * (ordinal - 1)
    } else {
        earliest + (length - 1 - earliest) / 7 * 7 + 7 * (ordinal + 1)
    };
    (0..length).contains(&offset).then_some(offset)
}

/// Number of the week that begins on `start`, and how many weeks its year has. A week belongs to the year that has
/// at least four of its days (RFC 5545 3.3.10, BYWEEKNO), so its fourth day decides.
fn week_number(start: i64, week_start: i64) -> (i64, i64) {
    let fourth = start + 3;
    let (year, _, _) = crate::calendar::civil(fourth);
    let new_year = day_number(year, 1, 1);
    let last = new_year + days_in_year(year) - 1;
    let last_fourth = last - (weekday(last) - week_start - 3).rem_euclid(7);
    ((fourth - new_year) / 7 + 1, (last_fourth - new_year) / 7 + 1)
}

/// Remembers the mask of the month looked at last; steps of a day or less ask for the same one again and again.
#[derive(Debug, Clone)]
pub(super) struct MonthCache {
    first: i64,
    next: i64,
    month: i64,
    year: i64,
    mask: u32,
}

impl MonthCache {
    pub(super) fn new() -> MonthCache {
        MonthCache { first: 0, next: 0, month: 0, year: 0, mask: 0 }
    }

    /// Looks for a matching day at or after `day` within its month.
    pub(super) fn find(&mut self, filter: &DayFilter, day: i64) -> DayMatch {
        if !(self.first..self.next).contains(&day) {
            let (year, month, of_month) = crate::calendar::civil(day);
            *self = MonthCache {
                first: day - of_month + 1,
                next: day - of_month + 1 + days_in_month(year, month),
                month,
                year,
                mask: filter.matching(year, month),
            };
        }
        let rest = self.mask >> (day - self.first);
        if rest != 0 {
            return DayMatch::Day(day + i64::from(rest.trailing_zeros()));
        }
        // Months that BYMONTH leaves out are jumped over at once.
        let (mut year, mut month, mut next) = (self.year, self.month, self.next);
        for _ in 0..12 {
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            if filter.has_month(month) {
                break;
            }
            next += days_in_month(year, month);
        }
        DayMatch::NotBefore(next)
    }
}

/// Answer of [`MonthCache::find`].
pub(super) enum DayMatch {
    /// The first matching day at or after the one asked for.
    Day(i64),
    /// None in this month; the search goes on at this day.
    NotBefore(i64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;

    #[test]
    fn monday_weeks_are_the_weeks_of_iso_8601() {
        for day in (-5_000..10_000).map(|week| week * 7) {
            // 1970-01-05 was a Monday.
            let date = Date::constant(1970, 1, 5).checked_add(jiff::Span::new().days(day)).expect("in the calendar");
            let iso = date.iso_week_date();
            let (number, weeks) = week_number(4 + day, 0);
            assert_eq!((number, weeks), (i64::from(iso.week()), i64::from(iso.weeks_in_year())), "{date}");
        }
    }
}
