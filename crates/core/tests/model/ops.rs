//! Random operations, each made from a number and from what the model holds: the same numbers give the same operations.

use jiff::civil::{DateTime, Weekday, date};
use jiff::{SignedDuration, ToSpan};

use crate::chance::Chance;
use crate::plain::{End, InstancePatch, Kind, Patch, Plain, Rule, Step, When};

/// An operation. Events are named by their place in the model.
#[derive(Clone, Debug)]
pub enum Op {
    Create {
        plain: Plain,
        draft: bool,
    },
    /// `base`: which version, counted back from the current one.
    Patch {
        event: usize,
        patch: Patch,
        base: Option<i64>,
    },
    /// With an `If-Match` of a version that many behind.
    Stale {
        event: usize,
        patch: Patch,
        behind: i64,
    },
    Put {
        event: usize,
        plain: Plain,
    },
    This {
        event: usize,
        at: DateTime,
        patch: InstancePatch,
        base: Option<i64>,
    },
    Following {
        event: usize,
        at: DateTime,
        patch: Patch,
    },
    All {
        event: usize,
        at: DateTime,
        patch: Patch,
    },
    CancelThis {
        event: usize,
        at: DateTime,
    },
    CancelFollowing {
        event: usize,
        at: DateTime,
    },
    Delete {
        event: usize,
    },
    Restore {
        event: usize,
    },
    State {
        event: usize,
        published: bool,
    },
    Clone {
        event: usize,
        patch: Patch,
    },
    /// To a version counted from the first, 0; now and then to one that is not there yet.
    Rollback {
        event: usize,
        to: usize,
    },
}

/// What the generator looks at of an event.
pub struct Seen<'m> {
    pub now: &'m Plain,
    pub versions: Vec<&'m Plain>,
}

const ZONES: [&str; 4] = ["Europe/Zurich", "Europe/Zurich", "America/New_York", "Asia/Kathmandu"];
const TIMES: [(i8, i8); 6] = [(9, 0), (18, 30), (0, 0), (23, 15), (2, 30), (14, 0)];
const WORDS: [&str; 6] = ["Choir", "Rehearsal", "Exam", "Concert", "Trip", "Meeting"];

pub fn next(number: u64, events: &[Seen<'_>]) -> Op {
    let chance = &mut Chance(number);
    if events.is_empty() || (events.len() < 6 && chance.one_in(6)) {
        return Op::Create { plain: plain(chance), draft: chance.one_in(4) };
    }
    let event = chance.below(events.len());
    let seen = &events[event];
    let base = |chance: &mut Chance, most: usize| {
        let most = i64::try_from(most).expect("small") - 1;
        let least = if chance.one_in(12) { -1 } else { 0 };
        if chance.one_in(3) { Some(chance.between(least, most.max(0))) } else { None }
    };
    match chance.below(22) {
        0..4 => {
            let base = base(chance, seen.versions.len());
            let mut patch = patch(chance, seen.now, base.is_some());
            let of_base = base
                .and_then(|behind| usize::try_from(behind).ok())
                .and_then(|behind| seen.versions.iter().rev().nth(behind));
            if let (Some(of_base), Some(Some(rule))) = (of_base, &mut patch.rule)
                && of_base.when.kind != seen.now.when.kind
            {
                // Dates written for one kind of times mean nothing certain in another.
                rule.excluded.clear();
                rule.end = End::Never;
            }
            Op::Patch { event, patch, base }
        }
        4 => Op::Stale {
            event,
            behind: chance.between(0, 2),
            patch: Patch { title: Some(word(chance)), ..Patch::default() },
        },
        5 => Op::Put { event, plain: plain(chance) },
        6..10 => {
            let at = occurrence(chance, seen.now);
            let base = base(chance, seen.versions.len());
            Op::This { event, at, patch: instance_patch(chance, seen.now, at), base }
        }
        10 | 11 => {
            let at = occurrence(chance, seen.now);
            let patch = if chance.one_in(3) { Patch::default() } else { shared_patch(chance, seen.now, at) };
            Op::Following { event, at, patch }
        }
        12 | 13 => {
            let at = occurrence(chance, seen.now);
            Op::All { event, at, patch: shared_patch(chance, seen.now, at) }
        }
        14 => Op::CancelThis { event, at: occurrence(chance, seen.now) },
        15 if chance.one_in(2) => Op::CancelFollowing { event, at: occurrence(chance, seen.now) },
        15 | 16 => Op::Delete { event },
        17 => Op::Restore { event },
        18 | 19 => {
            let beyond = usize::from(chance.one_in(10));
            Op::Rollback { event, to: chance.below(seen.versions.len() + beyond) }
        }
        20 => Op::State { event, published: chance.one_in(2) },
        _ => {
            let patch = if chance.one_in(2) { Patch::default() } else { patch(chance, seen.now, true) };
            Op::Clone { event, patch: Patch { drop_orphans: false, ..patch } }
        }
    }
}

fn word(chance: &mut Chance) -> String {
    format!("{} {}", chance.of(&WORDS), chance.below(5))
}

fn start(chance: &mut Chance, kind: Kind) -> DateTime {
    let day = date(2027, 2, 20) + chance.between(0, 44).days();
    match kind {
        Kind::AllDay => day.into(),
        _ => {
            let (hour, minute) = chance.of(&TIMES);
            day.at(hour, minute, 0, 0)
        }
    }
}

fn length(chance: &mut Chance, kind: Kind) -> SignedDuration {
    match kind {
        Kind::AllDay => SignedDuration::from_hours(24 * chance.between(1, 3)),
        _ => SignedDuration::from_mins(chance.of(&[0, 45, 60, 90, 8 * 60, 26 * 60])),
    }
}

fn when(chance: &mut Chance) -> When {
    let kind = match chance.below(6) {
        0 => Kind::Floating,
        1 => Kind::AllDay,
        _ => Kind::Zoned(chance.of(&ZONES)),
    };
    let start = start(chance, kind);
    When { kind, start, end: start + length(chance, kind) }
}

fn rule(chance: &mut Chance, when: &When) -> Rule {
    let n = chance.of(&[1, 1, 2, 3]);
    let step = match chance.below(4) {
        0 => Step::Days(n),
        1 => Step::Weeks(n, Vec::new()),
        2 => {
            let own = when.start.weekday();
            let other = chance.of(&[Weekday::Monday, Weekday::Wednesday, Weekday::Friday, Weekday::Sunday]);
            let mut on = if own == other { vec![own] } else { vec![own, other] };
            on.sort_by_key(|day| day.to_monday_zero_offset());
            Step::Weeks(n, on)
        }
        _ => Step::Months(n),
    };
    let mut rule = Rule { step, end: End::Never, excluded: Default::default() };
    rule.end = match chance.below(4) {
        0 => End::Count(usize::try_from(chance.between(3, 12)).expect("small")),
        1 => {
            let last = rule.raw(when.start).nth(chance.below(10) + 2).expect("endless");
            // On the last occurrence itself, or some time before the next.
            End::Until(if chance.one_in(2) { last } else { last + chance.between(0, 20).hours() })
        }
        _ => End::Never,
    };
    if let (End::Until(until), Kind::AllDay) = (rule.end, when.kind) {
        rule.end = End::Until(until.date().into());
    }
    if chance.one_in(3) {
        let excluded: Vec<DateTime> = rule.raw(when.start).skip(1).take(2).collect();
        rule.excluded = excluded.into_iter().skip(chance.below(2)).collect();
    }
    rule
}

fn plain(chance: &mut Chance) -> Plain {
    let when = when(chance);
    let rule = if chance.one_in(4) { None } else { Some(rule(chance, &when)) };
    Plain { title: word(chance), location: String::new(), when, rule, overrides: Default::default() }
}

/// One of the first occurrences, now and then none.
fn occurrence(chance: &mut Chance, of: &Plain) -> DateTime {
    let index = chance.below(9);
    let all: Vec<DateTime> = of.occurrences().take(index + 1).collect();
    let at = all.last().copied().unwrap_or(of.when.start);
    if chance.one_in(25) { at + 1.days() } else { at }
}

fn moved(chance: &mut Chance, at: DateTime, kind: Kind) -> DateTime {
    let days = chance.between(-9, 9).days();
    if kind == Kind::AllDay {
        return at + days;
    }
    match chance.below(3) {
        0 => at + days,
        1 => at + chance.between(-5, 5).hours(),
        _ => (at + days) + chance.of(&[-90, -30, 15, 90, 150]).minutes(),
    }
}

fn patch(chance: &mut Chance, of: &Plain, same_kind: bool) -> Patch {
    let mut patch = Patch { drop_orphans: chance.one_in(3), ..Patch::default() };
    match chance.below(8) {
        0 | 1 => patch.title = Some(word(chance)),
        2 => patch.location = Some(chance.of(&["Aula", "Church", ""]).to_owned()),
        3 | 4 => {
            let start = moved(chance, of.when.start, of.when.kind);
            patch.start = Some(start);
            if !chance.one_in(4) {
                patch.end = Some(of.when.begun_at(start).end);
            }
            if chance.one_in(3) {
                patch.title = Some(word(chance));
            }
        }
        5 if of.rule.is_none() && !same_kind => {
            let when = when(chance);
            patch = Patch { kind: Some(when.kind), start: Some(when.start), end: Some(when.end), ..patch };
        }
        5 => {
            if let Kind::Zoned(_) = of.when.kind {
                patch.kind = Some(Kind::Zoned(chance.of(&ZONES)));
            } else {
                patch.end = Some(of.when.start + length(chance, of.when.kind));
            }
        }
        6 => {
            patch.rule = Some(if chance.one_in(5) { None } else { Some(rule(chance, &of.when)) });
            if chance.one_in(3) {
                patch.location = Some("Hall".to_owned());
            }
        }
        _ => patch.no_overrides = true,
    }
    patch
}

/// A change from the point of view of one occurrence: `start` is where it goes.
fn shared_patch(chance: &mut Chance, of: &Plain, at: DateTime) -> Patch {
    let mut patch = Patch { drop_orphans: chance.one_in(3), ..Patch::default() };
    if chance.one_in(2) {
        patch.title = Some(word(chance));
    }
    if patch.title.is_none() || chance.one_in(2) {
        let start = moved(chance, at, of.when.kind);
        patch.start = Some(start);
        if chance.one_in(3) {
            patch.end = Some(start + length(chance, of.when.kind));
        }
    }
    patch
}

fn instance_patch(chance: &mut Chance, of: &Plain, at: DateTime) -> InstancePatch {
    let kind = of.overrides.get(&at).and_then(|one| one.when.as_ref()).map_or(of.when.kind, |when| when.kind);
    let mut patch = InstancePatch::default();
    match chance.below(7) {
        0 => patch.cancelled = Some(true),
        1 => patch.cancelled = Some(false),
        2 => patch.title = Some(Some(word(chance))),
        3 => patch.title = Some(None),
        4 => {
            patch.title = Some(Some(word(chance)));
            patch.start = Some(moved(chance, at, kind));
        }
        5 => patch.start = Some(moved(chance, at, kind)),
        _ => {
            let start = moved(chance, at, kind);
            patch.start = Some(start);
            patch.end = Some(start + length(chance, kind));
        }
    }
    patch
}
