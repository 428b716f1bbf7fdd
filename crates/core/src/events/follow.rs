//! What follows when a whole series moves (rule 4, "all"): its excluded and added dates, its end, and its overrides, each
//! with its occurrence by index.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use kalends_kernel::Zone;

use super::EventError;
use super::content::Content;
use super::overrides::Override;
use super::series::Compiled;
use super::times::{Times, resolve};

/// The recurrence lines of a series (in canonical form) when its times become others: dates in EXDATE and RDATE and the
/// time in UNTIL move along on the wall clock, so that no excluded date comes back and no last one is lost.
pub(super) fn recurrence(lines: &[String], old: &Times, new: &Times, calendar: &Zone) -> Vec<String> {
    if old.all_day != new.all_day || (old.start == new.start && old.time_zone == new.time_zone) {
        return lines.to_vec();
    }
    let by = new.start.duration_since(old.start);
    lines.iter().map(|line| shift_line(line, by, old, new, calendar).unwrap_or_else(|| line.clone())).collect()
}

fn shift_line(line: &str, by: SignedDuration, old: &Times, new: &Times, calendar: &Zone) -> Option<String> {
    let (head, values) = line.split_once(':')?;
    if head.eq_ignore_ascii_case("RRULE") {
        let (before, rest) = values.split_once("UNTIL=")?;
        let (until, after) = rest.split_once(';').map_or((rest, None), |(until, after)| (until, Some(after)));
        let until = shift_until(until, by, old, new, calendar)?;
        return Some(format!(
            "{head}:{before}UNTIL={until}{}",
            after.map_or_else(String::new, |after| format!(";{after}"))
        ));
    }
    let shift = |value: &str| match value.split_once('/') {
        // A period (RDATE;VALUE=PERIOD): its start, and its end or how long it is.
        Some((start, length)) if length.starts_with(['P', '+', '-']) => {
            shift_value(start, by, old, new).map(|start| format!("{start}/{length}"))
        }
        Some((start, end)) => shift_value(start, by, old, new)
            .zip(shift_value(end, by, old, new))
            .map(|(start, end)| format!("{start}/{end}")),
        None => shift_value(value, by, old, new),
    };
    let shifted: Option<Vec<String>> = values.split(',').map(shift).collect();
    let head = match (&old.time_zone, &new.time_zone) {
        (Some(old), Some(new)) => head.replace(&format!("TZID={}", old.name()), &format!("TZID={}", new.name())),
        _ => head.to_owned(),
    };
    Some(format!("{head}:{}", shifted?.join(",")))
}

fn shift_until(until: &str, by: SignedDuration, old: &Times, new: &Times, calendar: &Zone) -> Option<String> {
    if let Some(utc) = until.strip_suffix('Z') {
        let instant = format!("{}Z", expand(utc)?).parse::<Timestamp>().ok()?;
        let local = instant.to_zoned(old.zone(calendar).clone()).datetime().checked_add(by).ok()?;
        let moved = resolve(local, new.zone(calendar)).to_zoned(jiff::tz::TimeZone::UTC).datetime();
        return Some(format!("{}Z", compact(moved)));
    }
    shift_value(until, by, old, new)
}

fn shift_value(value: &str, by: SignedDuration, old: &Times, new: &Times) -> Option<String> {
    if let Some(utc) = value.strip_suffix('Z') {
        let instant = format!("{}Z", expand(utc)?).parse::<Timestamp>().ok()?;
        let (Some(from), Some(to)) = (&old.time_zone, &new.time_zone) else { return None };
        let local = instant.to_zoned(from.time_zone().clone()).datetime().checked_add(by).ok()?;
        return Some(format!(
            "{}Z",
            compact(resolve(local, to.time_zone()).to_zoned(jiff::tz::TimeZone::UTC).datetime())
        ));
    }
    if value.len() == 8 {
        let date: Date = value.parse().ok()?;
        // A whole day moves with the day of the start.
        let days = new.start.date().since(old.start.date()).ok()?;
        return Some(date.checked_add(days).ok()?.strftime("%Y%m%d").to_string());
    }
    let local: DateTime = expand(value)?.parse().ok()?;
    local.checked_add(by).ok().map(compact)
}

/// `20270329T090000` → `2027-03-29T09:00:00`.
fn expand(text: &str) -> Option<String> {
    let part = |from, to| text.get(from..to);
    Some(format!(
        "{}-{}-{}T{}:{}:{}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?
    ))
}

fn compact(local: DateTime) -> String {
    local.strftime("%Y%m%dT%H%M%S").to_string()
}

/// How far into a series an override can follow: as many occurrences as a request may be made to walk.
const FARTHEST: usize = 200_000;

/// Overrides with their occurrences in the new series, and the original starts of those that have none there.
pub(super) fn overrides(
    old: &Content,
    new: &Content,
    calendar: &Zone,
) -> Result<(Vec<Override>, Vec<DateTime>), EventError> {
    if new.overrides.is_empty() || (old.times == new.times && old.recurrence == new.recurrence) {
        return Ok((new.overrides.clone(), Vec::new()));
    }
    if !new.is_recurring() {
        return Ok((Vec::new(), new.overrides.iter().map(|one| one.original_start).collect()));
    }
    let (before, after) = (Compiled::of(old, calendar), Compiled::of(new, calendar));
    let mut wanted = new.overrides.iter().peekable();
    let mut following = Vec::new();
    let mut orphans = Vec::new();
    let mut after = after.occurrences();
    // Both series are walked in step, no further than the last override.
    for (walked, occurrence) in before.occurrences().enumerate() {
        if walked > FARTHEST {
            return Err(EventError::Budget);
        }
        let local = occurrence?.local;
        let twin = after.next().transpose()?;
        while wanted.peek().is_some_and(|one| one.original_start < local) {
            orphans.extend(wanted.next().map(|one| one.original_start));
        }
        if let Some(one) = wanted.next_if(|one| one.original_start == local) {
            match twin {
                Some(twin) => following.push(Override { original_start: twin.local, ..one.clone() }),
                None => orphans.push(local),
            }
        }
        if wanted.peek().is_none() {
            break;
        }
    }
    orphans.extend(wanted.map(|one| one.original_start));
    following.sort_by_key(|one| one.original_start);
    Ok((following, orphans))
}
