//! Parts that RFC 5545 3.3.10 forbids together. Each has its own code, so that a form can point at the field.

use super::{Freq, Rule};
use crate::error::Fault;

pub(super) fn combinations(rule: &Rule, faults: &mut Vec<Fault>) {
    let freq = rule.freq;
    let mut refuse = |wrong: bool, code: &'static str, message: &str| {
        if wrong {
            faults.push(Fault::new(code, message));
        }
    };
    let ordinals = rule.by_day.iter().any(|day| day.ordinal != 0);
    refuse(
        ordinals && !matches!(freq, Freq::Monthly | Freq::Yearly),
        "byday-ordinal-with-freq",
        "numbered days in BYDAY need FREQ=MONTHLY or YEARLY",
    );
    refuse(
        ordinals && freq == Freq::Yearly && !rule.by_week_no.is_empty(),
        "byday-ordinal-with-byweekno",
        "numbered days in BYDAY cannot stand beside BYWEEKNO",
    );
    refuse(!rule.by_week_no.is_empty() && freq != Freq::Yearly, "byweekno-with-freq", "BYWEEKNO needs FREQ=YEARLY");
    refuse(
        !rule.by_month_day.is_empty() && freq == Freq::Weekly,
        "bymonthday-with-freq",
        "BYMONTHDAY cannot stand beside FREQ=WEEKLY",
    );
    refuse(
        !rule.by_year_day.is_empty() && matches!(freq, Freq::Daily | Freq::Weekly | Freq::Monthly),
        "byyearday-with-freq",
        "BYYEARDAY cannot stand beside FREQ=DAILY, WEEKLY or MONTHLY",
    );
    let other = !(rule.by_second.is_empty()
        && rule.by_minute.is_empty()
        && rule.by_hour.is_empty()
        && rule.by_day.is_empty()
        && rule.by_month_day.is_empty()
        && rule.by_year_day.is_empty()
        && rule.by_week_no.is_empty()
        && rule.by_month.is_empty());
    refuse(!rule.by_set_pos.is_empty() && !other, "bysetpos-alone", "BYSETPOS needs another BY part to choose from");
}
