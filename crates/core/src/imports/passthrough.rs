//! What an event keeps of a file and does not model: raw content lines, up to a bound.

use kalends_ical::Component;

use crate::events::PARAMETERS;

/// How many bytes of raw lines one event keeps.
pub const MOST: usize = 64 << 10;
/// How many bytes all overrides of one event keep together.
pub const MOST_OF_OVERRIDES: usize = 256 << 10;

/// The lines of a component that have no field, with what else has none, as far as they fit into `room`, which they take
/// from. A part with BEGIN and END is kept whole or not at all. What was dropped is named in the warnings.
pub fn kept(one: &Component, unplaced: &[String], room: &mut usize, warnings: &mut Vec<String>) -> Vec<String> {
    let parameters = one.parameters.iter().map(|parameters| format!("{PARAMETERS}:{parameters}"));
    let lines: Vec<String> = parameters.chain(unplaced.iter().cloned()).chain(one.other.iter().cloned()).collect();
    let mut kept = Vec::new();
    let (mut dropped, mut dropped_bytes) = (Vec::new(), 0_usize);
    for part in parts(&lines) {
        let bytes: usize = part.iter().map(|line| line.len() + 2).sum();
        if bytes <= *room {
            *room -= bytes;
            kept.extend(part.iter().cloned());
        } else {
            dropped_bytes += bytes;
            let name = part.first().map(|line| name_of(line)).unwrap_or_default();
            if !dropped.contains(&name) && dropped.len() < 10 {
                dropped.push(name);
            }
        }
    }
    if !dropped.is_empty() {
        warnings.push(format!(
            "{} bytes of {} were more than an event keeps and are in the file alone.",
            dropped_bytes,
            dropped.join(", ")
        ));
    }
    kept
}

/// Single lines, and components from their BEGIN to their END.
fn parts(lines: &[String]) -> Vec<&[String]> {
    let mut parts = Vec::new();
    let (mut from, mut depth) = (0, 0_usize);
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("BEGIN:") {
            depth += 1;
        } else if line.starts_with("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            parts.extend(lines.get(from..=at));
            from = at + 1;
        }
    }
    // A BEGIN without its END cannot be given back.
    parts
}

/// `ATTACH`, or of a component its kind.
fn name_of(line: &str) -> String {
    let name = line.strip_prefix("BEGIN:").unwrap_or_else(|| line.split([':', ';']).next().unwrap_or_default());
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// An alarm that says only when, as content lines; `minutes` before the start, negative after it.
pub fn alarm(minutes: i64) -> [String; 5] {
    let sign = if minutes > 0 { "-" } else { "" };
    [
        "BEGIN:VALARM".to_owned(),
        "ACTION:DISPLAY".to_owned(),
        "DESCRIPTION:Reminder".to_owned(),
        format!("TRIGGER:{sign}PT{}M", minutes.unsigned_abs()),
        "END:VALARM".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_together() {
        let lines = ["X-A:1", "BEGIN:VALARM", "BEGIN:X-IN", "END:X-IN", "END:VALARM", "X-B:2"].map(str::to_owned);
        let found: Vec<usize> = parts(&lines).iter().map(|part| part.len()).collect();
        assert_eq!(found, [1, 4, 1]);
        assert_eq!(parts(&["BEGIN:VALARM".to_owned(), "X-A:1".to_owned()]), [&[] as &[String]; 0]);
    }

    #[test]
    fn an_alarm_after_the_start_has_no_sign() {
        assert_eq!(alarm(-5)[3], "TRIGGER:PT5M");
        assert_eq!(alarm(70_000)[3], "TRIGGER:-PT70000M");
    }
}
