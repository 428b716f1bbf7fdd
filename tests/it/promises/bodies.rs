//! Bodies: what the document says of them and what is really read are the same fields, and nothing wrong passes silently.

use std::collections::BTreeSet;

use kalends_testkit::{Person, Reply, Request, World};
use serde_json::{Map, Value, json};

use super::document::{self, Operation};

/// Whatever version the event is at.
const VERSIONS: &str = "\"1-0\", \"2-0\", \"3-0\", \"4-0\", \"5-0\"";

struct Bodies {
    world: World,
    document: Value,
    alice: Person,
    admin: Person,
    calendar: String,
    event: String,
    venue: String,
    group: String,
    other: String,
}

impl Bodies {
    async fn new() -> Bodies {
        let world = World::new().await;
        let (alice, admin) = (world.alice().await, world.admin().await);
        let other = world.bob().await.id;
        let calendar = alice.post("/api/v1/calendars").json(&json!({"name": "Choir"})).expect(201).await.id();
        let event = json!({"title": "Rehearsal", "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "calendar_id": calendar,
            "recurrence": ["RRULE:FREQ=WEEKLY"]});
        let event = alice.post("/api/v1/events").json(&event).expect(201).await.id();
        let group = alice.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
        let document = document::of(&world.anonymous()).await;
        let venue = alice.post("/api/v1/venues").json(&json!({"name": "Aula"})).expect(201).await.id();
        Bodies { world, document, alice, admin, calendar, event, venue, group, other }
    }

    /// Everything that takes a JSON body.
    fn operations(&self) -> Vec<Operation> {
        let all = document::operations(&self.document);
        all.into_iter().filter(|operation| document::body(operation).is_some()).collect()
    }

    fn request(&self, operation: &Operation) -> Request {
        let id = match operation.path.as_str() {
            path if path.contains("/calendars/") => &self.calendar,
            path if path.contains("/groups/") => &self.group,
            path if path.contains("/users/") => &self.other,
            path if path.contains("/venues/") => &self.venue,
            _ => &self.event,
        };
        let path = operation
            .path
            .replace("{id}", id)
            .replace("{user_id}", &self.other)
            .replace("{original_start}", "20270308T090000")
            .replace("{version}", "1");
        let person = if operation.path.contains("/users/") { &self.admin } else { &self.alice };
        person.request(operation.method.clone(), &path)
    }

    async fn send(&self, operation: &Operation, body: &Value) -> Reply {
        let request = self.request(operation);
        let request = if operation.id == "replace_event" { request.header("if-match", VERSIONS) } else { request };
        request.json(body).send().await
    }

    /// A body that is right, as far as a wrong field beside it is looked at: the example without what would be in the way.
    fn right(&self, operation: &Operation) -> Map<String, Value> {
        let schema = document::body(operation).expect("a body");
        let mut body = example(&self.document, schema).as_object().cloned().unwrap_or_default();
        body.remove("base_version");
        if body.contains_key("users") && operation.id.starts_with("share_") {
            body.insert("users".to_owned(), json!([{"username": "bob", "role": "editor"}]));
        }
        if body.contains_key("ids") {
            body.insert("ids".to_owned(), json!([self.event]));
        }
        body
    }
}

fn example(document: &Value, schema: &Value) -> Value {
    let schema = document::resolved(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let parts = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    parts.into_iter().map(|part| example(document, part)).find(|example| !example.is_null()).unwrap_or_default()
}

/// Values of every JSON type but those that the schema names (and null, which a patch may say).
fn wrong_values(document: &Value, schema: &Value) -> Vec<Value> {
    let mut right = BTreeSet::new();
    types(document, schema, &mut right);
    let all = [
        ("string", json!("a word")),
        ("integer", json!(7)),
        ("boolean", json!(true)),
        ("array", json!([7])),
        ("object", json!({"x": 7})),
    ];
    let mut wrong: Vec<Value> =
        all.into_iter().filter(|(kind, _)| !right.contains(*kind)).map(|(_, value)| value).collect();
    if right.contains("integer") {
        wrong.push(json!(1.5));
    }
    if right.contains("array") {
        wrong.push(json!([{"x": 7}, [7]]));
    }
    wrong
}

fn types(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    let schema = document::resolved(document, schema);
    match &schema["type"] {
        Value::String(kind) => {
            found.insert(kind.clone());
        }
        Value::Array(kinds) => found.extend(kinds.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).flatten() {
        types(document, part, found);
    }
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_by_name() {
    let bodies = Bodies::new().await;
    for operation in bodies.operations() {
        let mut body = bodies.right(&operation);
        body.insert("titel".to_owned(), json!("x"));
        let reply = bodies.send(&operation, &body.into()).await.expect_problem("invalid");
        assert!(
            reply.errors().iter().any(|(pointer, code)| pointer == "/titel" && code.starts_with("unknown")),
            "{}: {}",
            operation.id,
            reply.text
        );
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused_by_name() {
    let bodies = Bodies::new().await;
    let (mut tried, mut silent) = (0, Vec::new());
    for operation in bodies.operations() {
        for (name, schema) in document::properties(&bodies.document, document::body(&operation).expect("a body")) {
            for wrong in wrong_values(&bodies.document, &schema) {
                tried += 1;
                let mut body = bodies.right(&operation);
                body.insert(name.clone(), wrong.clone());
                let reply = bodies.send(&operation, &body.into()).await;
                let named = reply.errors().iter().any(|(pointer, _)| pointer.starts_with(&format!("/{name}")));
                if reply.status.as_u16() != 422 || !named {
                    silent.push(format!(
                        "{} {name}: {wrong} → {} {}",
                        operation.id,
                        reply.status.as_u16(),
                        reply.text.chars().take(200).collect::<String>()
                    ));
                }
            }
        }
    }
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
    println!("{tried} wrong values");
}

#[tokio::test]
async fn the_fields_of_the_document_are_those_that_are_read() {
    let bodies = Bodies::new().await;
    let mut drift = Vec::new();
    for operation in bodies.operations() {
        let properties = document::properties(&bodies.document, document::body(&operation).expect("a body"));
        let names: BTreeSet<String> = properties.into_iter().map(|(name, _)| name).collect();
        assert!(!names.is_empty(), "{} has a body without fields", operation.id);
        // What is documented is known: no complaint about an unknown field.
        let body: Map<String, Value> = names.iter().map(|name| (name.clone(), json!({"x": 7}))).collect();
        let reply = bodies.send(&operation, &body.into()).await;
        let unknown = reply
            .errors()
            .into_iter()
            .filter(|(pointer, code)| code.starts_with("unknown-field") && pointer.matches('/').count() == 1);
        drift.extend(unknown.map(|(pointer, _)| format!("{} documents {pointer}, which nobody reads", operation.id)));
        // What is known is documented: the complaint about a typo names the nearest field that is read.
        for near in [
            "titel",
            "descripton",
            "categorys",
            "recurence",
            "visibilty",
            "remindrs",
            "capacty",
            "registraton",
            "audiense",
            "busi",
            "metta",
            "colr",
            "time_zon",
            "revew",
            "conflict",
            "nam",
            "usernam",
            "emial",
            "passwrd",
            "rol",
            "localle",
            "scops",
            "expires_i",
            "expires_a",
            "stat",
            "commnt",
            "id",
            "idss",
            "user",
            "uidd",
            "calendar_i",
            "venue",
            "on_conflic",
            "base_versio",
            "drop_orphan",
            "cancelle",
            "original_star",
            "disable",
            "email_verifie",
            "current_passwor",
            "new_passwor",
            "refresh_toke",
            "logi",
            "overide",
            "statu",
            "urll",
            "locatio",
            "floatin",
            "all_da",
            "end_time_zon",
        ] {
            let mut body = bodies.right(&operation);
            if body.contains_key(near) {
                continue;
            }
            body.insert(near.to_owned(), json!({"x": 7}));
            let reply = bodies.send(&operation, &body.into()).await;
            let details =
                reply.json["errors"].as_array().into_iter().flatten().filter_map(|error| error["detail"].as_str());
            for hint in details.filter_map(|detail| detail.split("did you mean \"").nth(1)?.split('"').next()) {
                // Refused with a reason of their own: until what they belong to is there, or because others change them.
                let later = ["email"].contains(&hint);
                let not_here = operation.id == "update_me" && ["role", "disabled"].contains(&hint);
                if !later && !not_here && !names.contains(hint) {
                    drift.push(format!("{} reads {hint}, which is not documented", operation.id));
                }
            }
        }
    }
    drift.sort();
    drift.dedup();
    assert!(drift.is_empty(), "\n{}", drift.join("\n"));
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let bodies = Bodies::new().await;
    for operation in bodies.operations() {
        for (media, text, slug) in [
            ("application/json", "[]", "invalid"),
            ("application/json", "\"text\"", "invalid"),
            ("application/json", "null", "invalid"),
            ("application/json", "17", "invalid"),
            ("application/json", "{\"a\":", "unreadable"),
            ("application/json", "", "unreadable"),
            ("application/json", "{\"title\": \"\u{0}\"}", "unreadable"),
            ("text/plain", "{}", "unsupported-media-type"),
            ("application/xml", "<a/>", "unsupported-media-type"),
        ] {
            // Where a body may be left out, an empty one is none.
            if text.is_empty() && operation.said["requestBody"]["required"] != true {
                continue;
            }
            let reply = bodies.request(&operation).body(media, text).send().await;
            let kind = reply.json["type"].as_str().unwrap_or_default().to_owned();
            assert_eq!(kind, format!("/problems/{slug}"), "{} {media} {text}: {}", operation.id, reply.text);
        }
        let limit = if operation.id == "batch_events" { 8 << 20 } else { 1 << 20 };
        let large = format!("{{\"title\": \"{}\"}}", "x".repeat(limit));
        bodies.request(&operation).body("application/json", large).send().await.expect_problem("too-large");
        // A name that stands twice: two readers would disagree.
        let mut twice = serde_json::to_string(&Value::Object(bodies.right(&operation))).expect("text");
        let name = bodies.right(&operation).keys().next().cloned().unwrap_or_else(|| "refresh_token".to_owned());
        twice.insert_str(1, &format!("\"{name}\": null, "));
        let reply =
            bodies.request(&operation).header("if-match", VERSIONS).body("application/json", twice).send().await;
        assert!(
            [400, 422].contains(&reply.status.as_u16()),
            "{} with {name} twice: {} {}",
            operation.id,
            reply.status,
            reply.text
        );
    }
    bodies.world.stop().await;
}
