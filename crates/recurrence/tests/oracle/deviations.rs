//! Where the other engines are known to differ from RFC 5545 (or from our reading where it leaves room), each with
//! the rules it can affect and the reason. A difference on a rule that no line here covers is unexplained.

use kalends_recurrence::{Freq, Rule};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Dateutil,
    Temporal,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Engine::Dateutil => "python-dateutil",
            Engine::Temporal => "rrule-temporal",
        }
    }
}

pub struct Deviation {
    pub engine: Engine,
    /// Whether it can be the cause, given the rule and the earliest wall-clock time that only one side has.
    pub explains: fn(&Rule, &str) -> bool,
    pub reason: &'static str,
}

pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        engine: Engine::Dateutil,
        explains: |rule, _| has_ordinals(rule) && rule.by_day().iter().any(|day| day.ordinal == 0),
        reason: "BYDAY=TU,1FR: takes plain and numbered days together as a condition instead of as a union",
    },
    Deviation {
        engine: Engine::Dateutil,
        explains: |rule, _| rule.freq() == Freq::Weekly && !rule.by_set_pos().is_empty(),
        reason: "WEEKLY with BYSETPOS: counts in the first week from DTSTART instead of from the week's start",
    },
    Deviation {
        engine: Engine::Dateutil,
        explains: |rule, _| {
            !rule.by_week_no().is_empty()
                && rule.by_day().is_empty()
                && rule.by_month_day().is_empty()
                && rule.by_year_day().is_empty()
        },
        reason: "BYWEEKNO without a day: gives all seven days of the week instead of DTSTART's weekday",
    },
    Deviation {
        engine: Engine::Dateutil,
        explains: |rule, first| {
            !rule.by_week_no().is_empty() && (near_new_year(first) || !rule.by_set_pos().is_empty())
        },
        reason: "BYWEEKNO at the year's edges: miscounts the weeks of last year, and ignores negative numbers there",
    },
    Deviation {
        engine: Engine::Temporal,
        explains: |rule, _| {
            let others = [
                rule.by_week_no().is_empty(),
                rule.by_year_day().is_empty(),
                rule.by_month_day().is_empty(),
                rule.by_day().is_empty(),
            ];
            rule.freq() == Freq::Yearly && others.iter().filter(|&&empty| !empty).count() > 1
        },
        reason: "YEARLY with two of BYWEEKNO, BYYEARDAY, BYMONTHDAY and BYDAY: forgets or unites one instead of limiting (3.3.10 note 2)",
    },
    Deviation {
        engine: Engine::Temporal,
        explains: |rule, first| {
            !rule.by_week_no().is_empty() && (near_new_year(first) || !rule.by_set_pos().is_empty())
        },
        reason: "BYWEEKNO at the year's edges: counts a day near New Year in its week's year (the RFC leaves room), which shows with INTERVAL, BYMONTH and BYSETPOS",
    },
    Deviation {
        engine: Engine::Temporal,
        explains: |rule, _| has_ordinals(rule) && rule.by_day().iter().any(|day| day.ordinal == 0),
        reason: "BYDAY=TU,1FR: forgets the plain days",
    },
    Deviation {
        engine: Engine::Temporal,
        explains: |rule, first| {
            let far = |day: &kalends_recurrence::ByDay| day.ordinal.abs() == 53;
            rule.freq() == Freq::Yearly
                && rule.by_day().iter().any(far)
                && (near_new_year(first) || !rule.by_set_pos().is_empty())
        },
        reason: "YEARLY with BYDAY=53TH: in a year that has 52, takes one of the next year",
    },
];

fn has_ordinals(rule: &Rule) -> bool {
    rule.by_day().iter().any(|day| day.ordinal != 0)
}

/// The days whose week may belong to the neighbouring year, with any WKST.
fn near_new_year(first: &str) -> bool {
    first.get(4..8).is_some_and(|day| ("1225".."1232").contains(&day) || ("0101".."0108").contains(&day))
}
