//! Three-way merge by field (rule 7): what the caller changed since a version, put onto what others made of it.

use serde::Serialize;
use serde_json::{Map, Value};

/// A field that both sides changed to different values.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FieldConflict {
    /// Which.
    pub field: String,
    /// What it was.
    pub base: Value,
    /// What others made of it.
    pub theirs: Value,
    /// What the caller makes of it.
    pub yours: Value,
}

/// Fields that only mean something together: half of one side's time and half of the other's is nobody's.
const TOGETHER: &[&str] = &["start", "end", "time_zone", "end_time_zone", "floating", "all_day"];

/// Merges whole bodies in canonical form.
pub(super) fn merge(
    base: &Map<String, Value>,
    theirs: &Map<String, Value>,
    mine: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<FieldConflict>> {
    let differs = |name: &str, a: &Map<String, Value>, b: &Map<String, Value>| a.get(name) != b.get(name);
    let both = |name: &str| differs(name, base, theirs) && differs(name, base, mine) && differs(name, theirs, mine);
    let when_changed = |side| TOGETHER.iter().any(|name| differs(name, base, side));
    let when_differs = TOGETHER.iter().any(|name| differs(name, theirs, mine));
    let when_conflicts = when_changed(theirs) && when_changed(mine) && when_differs;

    let mut names: Vec<&String> = base.keys().chain(theirs.keys()).chain(mine.keys()).collect();
    names.sort();
    names.dedup();
    let value = |side: &Map<String, Value>, name: &str| side.get(name).cloned().unwrap_or(Value::Null);
    let mut conflicts = Vec::new();
    let mut merged = Map::new();
    for name in names {
        let together = TOGETHER.contains(&name.as_str());
        let conflict = if together { when_conflicts && differs(name, theirs, mine) } else { both(name) };
        if conflict {
            conflicts.push(FieldConflict {
                field: name.clone(),
                base: value(base, name),
                theirs: value(theirs, name),
                yours: value(mine, name),
            });
            continue;
        }
        let mine_wins = if together { when_changed(mine) } else { differs(name, base, mine) };
        if let Some(value) = if mine_wins { mine.get(name) } else { theirs.get(name) } {
            merged.insert(name.clone(), value.clone());
        }
    }
    if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn changes_of_different_fields_are_merged_and_of_the_same_field_conflict() {
        let base = map(json!({"title": "a", "location": "x", "url": "u"}));
        let theirs = map(json!({"title": "b", "location": "x", "url": "u"}));
        assert_eq!(
            merge(&base, &theirs, &map(json!({"title": "a", "location": "y"}))),
            Ok(map(json!({"title": "b", "location": "y"})))
        );
        assert_eq!(
            merge(&base, &theirs, &map(json!({"title": "b", "location": "x", "url": "u"}))),
            Ok(theirs.clone()),
            "the same change on both sides is none"
        );
        let conflicts = merge(&base, &theirs, &map(json!({"title": "c", "location": "x", "url": "u"})))
            .expect_err("both changed the title");
        assert_eq!(
            conflicts,
            [FieldConflict { field: "title".into(), base: json!("a"), theirs: json!("b"), yours: json!("c") }]
        );
    }

    #[test]
    fn start_and_zone_are_one_thing() {
        let base = map(json!({"start": "1", "end": "2", "time_zone": "A"}));
        let theirs = map(json!({"start": "3", "end": "4", "time_zone": "A"}));
        let mine = map(json!({"start": "1", "end": "2", "time_zone": "B"}));
        let fields: Vec<String> =
            merge(&base, &theirs, &mine).expect_err("no mixture").into_iter().map(|c| c.field).collect();
        assert_eq!(fields, ["end", "start", "time_zone"]);
    }
}
