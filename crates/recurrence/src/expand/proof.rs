//! Arithmetic proofs that a rule never matches. They are sound, not complete: what they miss ends at the year 9999
//! or spends the budget.

use super::plan::Plan;
use crate::calendar::{DAY, weekday};
use crate::rule::Freq;

const WEEK: i64 = 7 * DAY;

pub(super) fn never_matches(plan: &Plan) -> bool {
    no_position_fits(plan) || no_day_fits(plan) || no_weekday_and_time_fit(plan)
}

/// BYSETPOS beyond the largest set that a period can have.
fn no_position_fits(plan: &Plan) -> bool {
    let days = match plan.freq {
        Freq::Yearly => 366,
        Freq::Monthly => 31,
        Freq::Weekly => plan.week_offsets.len(),
        Freq::Daily | Freq::Hourly | Freq::Minutely | Freq::Secondly => 1,
    };
    let largest = i64::try_from(days * plan.times.len()).unwrap_or(i64::MAX);
    !plan.positions.is_empty() && plan.positions.iter().all(|position| position.abs() > largest)
}

/// No day of any kind of year matches, such as 30 February. There are 14 kinds of year (seven weekdays for
/// 1 January, leap or not), and 2001 to 2028 has them all.
fn no_day_fits(plan: &Plan) -> bool {
    let days = &plan.days;
    let may_be_empty =
        days.months != 0 && days.has_month_days() || !days.year_days.is_empty() || !days.ordinals.is_empty();
    // Weeks also depend on the year before; leave those to the calendar's end.
    plan.freq != Freq::Weekly
        && may_be_empty
        && days.week_nos.is_empty()
        && (2001..=2028).all(|year| (1..=12).all(|month| days.matching(year, month) == 0))
}

/// INTERVAL keeps to few places of the week and none of them is wanted: every 7 days on another weekday, every
/// 24 hours at another hour. Modulo a week, the periods are those congruent to the first modulo
/// gcd(interval, week).
fn no_weekday_and_time_fit(plan: &Plan) -> bool {
    if plan.freq > Freq::Daily {
        return false;
    }
    let unit = plan.unit();
    let step = gcd(plan.interval * unit, WEEK);
    let first = plan.period_of(plan.start) * unit;
    let origin = weekday(first.div_euclid(DAY)) * DAY + first.rem_euclid(DAY);
    let reached = |second_of_week: i64| (second_of_week - origin) % step == 0;
    let weekdays = if plan.days.weekdays == 0 { 0x7f } else { plan.days.weekdays };
    if plan.freq == Freq::Daily {
        return !(0..7).any(|day| weekdays >> day & 1 == 1 && reached(day * DAY));
    }
    if weekdays == 0x7f && plan.hours & plan.minutes & plan.seconds == u64::MAX {
        return false;
    }
    let wanted = |mask: u64, end: i64| (0..end).filter(move |value| mask >> value & 1 == 1);
    // Values below the unit are always 0 in a period's first second.
    let minutes = if plan.freq <= Freq::Minutely { 60 } else { 1 };
    let seconds = if plan.freq == Freq::Secondly { 60 } else { 1 };
    !wanted(u64::from(weekdays), 7).any(|day| {
        wanted(plan.hours, 24).any(|hour| {
            wanted(plan.minutes, minutes).any(|minute| {
                wanted(plan.seconds, seconds).any(|second| reached(day * DAY + hour * 3600 + minute * 60 + second))
            })
        })
    })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
