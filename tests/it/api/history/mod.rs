//! What events were, and the way back: rules 6, 14 to 16, 18 and 19.

mod calendar;
mod changelog;
mod conflicts;
mod diff;
mod reading;
mod rollback;

use kalends_testkit::{Person, Reply};
use serde_json::{Map, Value};

/// A document with a JSON Patch (RFC 6902) applied.
pub fn patched(document: &Value, patch: &Value) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("a patch");
    let mut document = document.clone();
    json_patch::patch(&mut document, &patch).expect("the patch fits");
    document
}

async fn version(person: &Person, path: &str, version: i64) -> Reply {
    person.get(&format!("{path}/history/{version}")).expect(200).await
}

/// What a rollback brings back of an event: all but its number and the time of writing.
fn state_of(event: &Value) -> Map<String, Value> {
    let mut state = event.as_object().cloned().expect("an event");
    for beside in ["version", "updated_at"] {
        state.remove(beside);
    }
    state
}
