//! What is different between two states of an event, as the API shows them: field by field for people, as JSON Patch
//! (RFC 6902) for programs. Pure: two documents in, the difference out.

use kalends_kernel::Zone;
use serde_json::{Map, Value, json};

use super::recurrence_text::recurrence_in_words;

/// What is different between two documents.
#[derive(Clone, PartialEq, Debug)]
pub struct Diff {
    /// By field `{from, to}`; of lists also `added` and `removed`, of objects `changes`, of times the zones, of
    /// recurrences the words, of overrides what changed by original start.
    pub changes: Map<String, Value>,
    /// Operations of RFC 6902 that make the second document of the first.
    pub patch: Value,
}

/// What a document says beside the event's content: never a change of its own.
const BESIDE: &[&str] = &[
    "id",
    "uid",
    "author_id",
    "split_from",
    "version",
    "my_role",
    "created_at",
    "updated_at",
    "seats_taken",
    "seats_left",
    "waitlist_length",
    "conflicts",
];

/// Compares two documents of one event. An empty first one stands for "not there yet".
pub fn diff(from: &Value, to: &Value) -> Diff {
    let patch = serde_json::to_value(json_patch::diff(from, to)).unwrap_or_default();
    let nothing = Map::new();
    let (from, to) = (from.as_object().unwrap_or(&nothing), to.as_object().unwrap_or(&nothing));
    let mut changes = Map::new();
    for (name, before, after) in different(from, to) {
        if BESIDE.contains(&name) {
            continue;
        }
        let mut change = change_of(before, after);
        match name {
            "start" => add_zones(&mut change, zone_of(from, &["time_zone"]), zone_of(to, &["time_zone"])),
            "end" => {
                let names = ["end_time_zone", "time_zone"];
                add_zones(&mut change, zone_of(from, &names), zone_of(to, &names));
            }
            "recurrence" => {
                change.insert("from_words".into(), words(before, from).into());
                change.insert("to_words".into(), words(after, to).into());
            }
            "overrides" => change.extend(by_original_start(before, after)),
            _ => {}
        }
        changes.insert(name.to_owned(), change.into());
    }
    Diff { changes, patch }
}

static NULL: Value = Value::Null;

/// The members in which two objects differ, by name; absent and null are the same.
fn different<'d>(from: &'d Map<String, Value>, to: &'d Map<String, Value>) -> Vec<(&'d str, &'d Value, &'d Value)> {
    let mut names: Vec<&str> = from.keys().chain(to.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let pairs = names.into_iter().map(|name| (name, from.get(name).unwrap_or(&NULL), to.get(name).unwrap_or(&NULL)));
    pairs.filter(|(_, before, after)| before != after).collect()
}

fn change_of(before: &Value, after: &Value) -> Map<String, Value> {
    let mut change = Map::new();
    change.insert("from".into(), before.clone());
    change.insert("to".into(), after.clone());
    match (before, after) {
        (Value::Array(before), Value::Array(after)) if before.iter().chain(after).all(is_plain) => {
            let not_in = |one: &[Value], other: &[Value]| -> Vec<Value> {
                one.iter().filter(|value| !other.contains(value)).cloned().collect()
            };
            change.insert("added".into(), not_in(after, before).into());
            change.insert("removed".into(), not_in(before, after).into());
        }
        (Value::Object(before), Value::Object(after)) => {
            let inner = different(before, after).into_iter().map(|(name, before, after)| {
                let inner = match (before, after) {
                    // Deeper than this only `meta` goes, and that is the business of whoever keeps it there.
                    (Value::Object(_), Value::Object(_)) => json!({"from": before, "to": after}),
                    _ => change_of(before, after).into(),
                };
                (name.to_owned(), inner)
            });
            change.insert("changes".into(), inner.collect::<Map<_, _>>().into());
        }
        _ => {}
    }
    change
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// The first of these zones that the document names.
fn zone_of<'d>(document: &'d Map<String, Value>, names: &[&str]) -> &'d Value {
    names.iter().filter_map(|name| document.get(*name)).find(|zone| !zone.is_null()).unwrap_or(&NULL)
}

fn add_zones(change: &mut Map<String, Value>, from: &Value, to: &Value) {
    change.insert("from_time_zone".into(), from.clone());
    change.insert("to_time_zone".into(), to.clone());
}

fn words(lines: &Value, document: &Map<String, Value>) -> Option<String> {
    let lines: Vec<&str> = lines.as_array()?.iter().filter_map(Value::as_str).collect();
    let zone = zone_of(document, &["time_zone"]).as_str().and_then(|name| Zone::parse(name).ok());
    Some(recurrence_in_words(&lines, zone.as_ref()))
}

/// Of overrides: which came, which went, and what changed in those that stayed, each known by its original start.
fn by_original_start(before: &Value, after: &Value) -> Map<String, Value> {
    let list = |value: &Value| -> std::collections::BTreeMap<String, Map<String, Value>> {
        let items = value.as_array().into_iter().flatten().filter_map(Value::as_object);
        let start = |one: &Map<String, Value>| one.get("original_start").and_then(Value::as_str).map(str::to_owned);
        items.filter_map(|one| Some((start(one)?, one.clone()))).collect()
    };
    let (before, after) = (list(before), list(after));
    let only_in = |one: &std::collections::BTreeMap<String, Map<String, Value>>,
                   other: &std::collections::BTreeMap<String, Map<String, Value>>| {
        let missing = one.iter().filter(|(start, _)| !other.contains_key(*start));
        missing.map(|(_, value)| Value::Object(value.clone())).collect::<Vec<_>>()
    };
    let mut changed = Vec::new();
    for (start, old) in &before {
        let Some(new) = after.get(start) else { continue };
        let fields: Map<String, Value> = different(old, new)
            .into_iter()
            .map(|(name, before, after)| (name.to_owned(), change_of(before, after).into()))
            .collect();
        if !fields.is_empty() {
            changed.push(json!({"original_start": start, "changes": fields}));
        }
    }
    let mut change = Map::new();
    change.insert("added".into(), only_in(&after, &before).into());
    change.insert("removed".into(), only_in(&before, &after).into());
    change.insert("changed".into(), changed.into());
    change
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn applied(from: &Value, diff: &Diff) -> Value {
        let mut document = from.clone();
        let patch: json_patch::Patch = serde_json::from_value(diff.patch.clone()).expect("a patch");
        json_patch::patch(&mut document, &patch).expect("it fits");
        document
    }

    #[test]
    fn fields_lists_objects_times_and_overrides_say_what_is_different() {
        let from = json!({
            "version": 1, "title": "Choir", "categories": ["music", "school"], "reminders": [60], "time_zone": "Europe/Zurich",
            "start": "2027-03-22T19:30:00+01:00", "end": "2027-03-22T21:00:00+01:00", "end_time_zone": null, "location": "",
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"], "meta": {"room": 1},
            "overrides": [{"original_start": "2027-03-29T19:30:00+02:00", "title": "Outside"},
                          {"original_start": "2027-04-05T19:30:00+02:00", "cancelled": true}],
            "registration": {"enabled": false, "max_seats": 10},
        });
        let to = json!({
            "version": 2, "title": "Choir", "categories": ["school", "concert"], "reminders": [60], "time_zone": "Europe/Zurich",
            "start": "2027-03-22T20:00:00+01:00", "end": "2027-03-22T21:00:00+01:00", "end_time_zone": null, "location": "Aula",
            "recurrence": [], "meta": {"room": 1},
            "overrides": [{"original_start": "2027-03-29T19:30:00+02:00", "title": "Inside"},
                          {"original_start": "2027-04-12T19:30:00+02:00", "cancelled": true}],
            "registration": {"enabled": true, "max_seats": 10},
        });
        let found = diff(&from, &to);
        assert_eq!(applied(&from, &found), to);
        let wanted = json!({
            "categories": {"from": ["music", "school"], "to": ["school", "concert"], "added": ["concert"], "removed": ["music"]},
            "location": {"from": "", "to": "Aula"},
            "overrides": {"from": from["overrides"], "to": to["overrides"],
                "added": [{"original_start": "2027-04-12T19:30:00+02:00", "cancelled": true}],
                "removed": [{"original_start": "2027-04-05T19:30:00+02:00", "cancelled": true}],
                "changed": [{"original_start": "2027-03-29T19:30:00+02:00", "changes": {"title": {"from": "Outside", "to": "Inside"}}}]},
            "recurrence": {"from": ["RRULE:FREQ=WEEKLY;BYDAY=MO"], "to": [], "added": [], "removed": ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
                "from_words": "every week on Monday", "to_words": "does not repeat"},
            "registration": {"from": from["registration"], "to": to["registration"], "changes": {"enabled": {"from": false, "to": true}}},
            "start": {"from": "2027-03-22T19:30:00+01:00", "to": "2027-03-22T20:00:00+01:00",
                "from_time_zone": "Europe/Zurich", "to_time_zone": "Europe/Zurich"},
        });
        assert_eq!(Value::Object(found.changes), wanted);
    }

    #[test]
    fn equal_documents_have_no_difference_and_what_is_not_there_yet_becomes_all() {
        let event = json!({"title": "Choir", "categories": ["music"]});
        assert_eq!(diff(&event, &event), Diff { changes: Map::new(), patch: json!([]) });
        let made = diff(&json!({}), &event);
        assert_eq!(made.changes.get("title"), Some(&json!({"from": null, "to": "Choir"})));
        assert_eq!(applied(&json!({}), &made), event);
    }

    /// Any JSON, with names that JSON Pointer must escape.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c~/ü\"]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_patch_makes_the_second_document_of_the_first(from in any_value(), to in any_value()) {
            let (from, to) = (json!({"meta": from, "overrides": from}), json!({"meta": to, "overrides": to}));
            prop_assert_eq!(applied(&from, &diff(&from, &to)), to.clone());
            prop_assert_eq!(applied(&to, &diff(&to, &from)), from);
        }

        #[test]
        fn a_field_is_named_exactly_when_it_is_different(from in any_value(), to in any_value()) {
            let found = diff(&json!({"title": from}), &json!({"title": to}));
            prop_assert_eq!(found.changes.contains_key("title"), from != to);
        }
    }
}
