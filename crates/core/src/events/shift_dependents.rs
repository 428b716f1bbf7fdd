//! What follows when a whole series moves (rule 4, "all"): its excluded and added dates, its end, and its overrides, each
//! with its occurrence by index.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use kalends_kernel::{Invalid, Zone};

use super::EventError;
use super::content::Content;
use super::overrides::Override;
use super::series::{Compiled, TOO_SPARSE, too_sparse};
use super::times::{Times, resolve};

/// The recurrence lines of a series (in canonical form) when its times become others: dates in EXDATE and RDATE and the
/// time in UNTIL move along on the wall clock, so that no excluded date comes back and no last one is lost.
pub(super) fn recurrence(lines: &[String], old: &Times, new: &Times) -> Vec<String> {
    if old.all_day != new.all_day || (old.start == new.start && old.time_zone == new.time_zone) {
        return lines.to_vec();
    }
    let by = new.start.duration_since(old.start);
    lines.iter().map(|line| shift_line(line, by, old, new).unwrap_or_else(|| line.clone())).collect()
}

fn shift_line(line: &str, by: SignedDuration, old: &Times, new: &Times) -> Option<String> {
    let (head, values) = line.split_once(':')?;
    if head.eq_ignore_ascii_case("RRULE") {
        let (before, rest) = values.split_once("UNTIL=")?;
        let (until, after) = rest.split_once(';').map_or((rest, None), |(until, after)| (until, Some(after)));
        let until = shift_value(until, by, old, new)?;
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

/// A time in UTC is an instant where the series has a zone; where it has none, the engine reads it as written. It follows on
/// the clock of the series, and is in UTC again where that still has a zone.
fn shift_utc(value: &str, by: SignedDuration, old: &Times, new: &Times) -> Option<String> {
    let written: DateTime = expand(value.strip_suffix('Z')?)?.parse().ok()?;
    let local = match &old.time_zone {
        Some(zone) => zone.time_zone().to_datetime(TimeZone::UTC.to_timestamp(written).ok()?),
        None => written,
    };
    let local = local.checked_add(by).ok()?;
    Some(match &new.time_zone {
        Some(zone) => format!("{}Z", compact(TimeZone::UTC.to_datetime(resolve(local, zone.time_zone())))),
        None => compact(local),
    })
}

fn shift_value(value: &str, by: SignedDuration, old: &Times, new: &Times) -> Option<String> {
    if value.ends_with('Z') {
        return shift_utc(value, by, old, new);
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
            let detail =
                format!("the overrides lie more than {FARTHEST} occurrences into the series, too far to follow it");
            return Err(Invalid::one("/recurrence", TOO_SPARSE, detail).into());
        }
        let local = occurrence.map_err(too_sparse)?.local;
        let twin = after.next().transpose().map_err(too_sparse)?;
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
