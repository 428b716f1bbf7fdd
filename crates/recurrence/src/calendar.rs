//! Day arithmetic of the proleptic Gregorian calendar, in plain integers.
//!
//! Inside the crate a wall-clock time is an `i64`: seconds since 1970-01-01T00:00:00 of the same wall clock.
//! That is no instant; only [`crate::zone`] turns one into the other. A day is its number since 1970-01-01.

use jiff::civil::{Date, DateTime, Weekday};

/// Seconds of a nominal day.
pub(crate) const DAY: i64 = 86_400;

/// The first and last wall-clock second that jiff can express; every endless series stops at the last.
pub(crate) const FIRST_SECOND: i64 = day_number(-9999, 1, 1) * DAY;
pub(crate) const LAST_SECOND: i64 = day_number(9999, 12, 31) * DAY + DAY - 1;

/// Days since 1970-01-01 (Howard Hinnant's `days_from_civil`).
pub(crate) const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day number (Howard Hinnant's `civil_from_days`).
pub(crate) const fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// Weekday of a day number: 0 is Monday, 6 Sunday.
pub(crate) const fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// The same numbering for jiff's type.
pub(crate) fn weekday_number(weekday: Weekday) -> i64 {
    i64::from(weekday.to_monday_zero_offset())
}

pub(crate) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) const fn days_in_year(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

pub(crate) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The number of a date.
pub(crate) fn day_of(date: Date) -> i64 {
    day_number(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

/// The wall-clock second of a date-time; fractions are dropped (RFC 5545 3.3.12 has none).
pub(crate) fn second_of(at: DateTime) -> i64 {
    day_of(at.date()) * DAY + i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second())
}

/// The date-time of a wall-clock second, or `None` outside jiff's calendar.
pub(crate) fn date_time(second: i64) -> Option<DateTime> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&second) {
        return None;
    }
    let (year, month, day) = civil(second.div_euclid(DAY));
    let of_day = second.rem_euclid(DAY);
    DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        i8::try_from(of_day / 3600).ok()?,
        i8::try_from(of_day / 60 % 60).ok()?,
        i8::try_from(of_day % 60).ok()?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_survives_the_round_trip() {
        let mut date = Date::MIN;
        let mut day = day_of(date);
        assert_eq!(day, FIRST_SECOND / DAY);
        loop {
            assert_eq!(day_of(date), day);
            let (y, m, d) = civil(day);
            assert_eq!((y, m, d), (i64::from(date.year()), i64::from(date.month()), i64::from(date.day())));
            assert_eq!(weekday(day), weekday_number(date.weekday()));
            // A step of 13 days meets every month, weekday and leap day often enough and keeps the test fast.
            let Ok(next) = date.checked_add(jiff::Span::new().days(13)) else { break };
            date = next;
            day += 13;
        }
        assert_eq!(date_time(LAST_SECOND), Some(DateTime::constant(9999, 12, 31, 23, 59, 59, 0)));
        assert_eq!(date_time(LAST_SECOND + 1), None);
    }
}
