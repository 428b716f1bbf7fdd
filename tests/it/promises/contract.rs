//! What typed clients are generated from: the headers that the document declares are the headers that the server sends.

use kalends_testkit::{Reply, World};
use serde_json::{Value, json};

use super::document;

/// The headers that the document declares where they are sent.
const DECLARED: &[&str] =
    &["etag", "location", "retry-after", "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

/// Compares the headers of a response with those that the document declares for it.
fn compare(document: &Value, id: &str, reply: &Reply, wrong: &mut Vec<String>) {
    let operation =
        document::operations(document).into_iter().find(|operation| operation.id == id).expect("an operation");
    let responses = &operation.said["responses"];
    let status = reply.status.as_u16().to_string();
    let Some(response) = responses.get(&status) else {
        wrong.push(format!("{id}: {status} is not declared"));
        return;
    };
    let response = document::resolved(document, response);
    let declared: Vec<String> =
        response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()).collect();
    for name in DECLARED {
        let (is_declared, is_sent) = (declared.iter().any(|one| one == name), reply.header(name).is_some());
        if is_declared != is_sent {
            wrong.push(format!("{id} {status}: {name} is declared: {is_declared}, sent: {is_sent}"));
        }
    }
    if !reply.status.is_success() && status != "304" {
        let known: Vec<String> = response["content"]["application/problem+json"]["examples"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, example)| example["value"]["status"].to_string())
            .collect();
        if known.is_empty() || known.iter().any(|given| *given != status) {
            wrong.push(format!("{id} {status}: its examples have the statuses {known:?}"));
        }
    }
}

#[tokio::test]
async fn declared_headers_are_sent_and_sent_headers_are_declared() {
    let world = World::builder().with_rate_limits().start().await;
    let (alice, bob, admin, anybody) = (world.alice().await, world.bob().await, world.admin().await, world.anonymous());
    let document = document::of(&anybody).await;
    let mut wrong = Vec::new();
    let mut see = |id: &str, reply: &Reply| compare(&document, id, reply, &mut wrong);

    let account = json!({"username": "ada", "email": "ada@example.org", "password": "a long password"});
    see("register", &anybody.post("/api/v1/auth/register").json(&account).expect(201).await);
    see("register", &anybody.post("/api/v1/auth/register").json(&account).expect(409).await);
    let login = json!({"login": "ada", "password": "a long password"});
    let tokens = anybody.post("/api/v1/auth/login").json(&login).expect(200).await;
    see("login", &tokens);
    see(
        "login",
        &anybody.post("/api/v1/auth/login").json(&json!({"login": "ada", "password": "wrong"})).expect(401).await,
    );
    let ada = anybody.with_token(tokens.str("/access_token"));

    let calendar = alice.post("/api/v1/calendars").json(&json!({"name": "Choir"})).expect(201).await;
    see("create_calendar", &calendar);
    let at = calendar.header("location").expect("a location").to_owned();
    see("list_calendars", &alice.get("/api/v1/calendars").expect(200).await);
    let shown = alice.get(&at).expect(200).await;
    see("get_calendar", &shown);
    see("get_calendar", &alice.get(&at).header("if-none-match", &shown.etag()).expect(304).await);
    see("get_calendar", &bob.get(&at).expect(404).await);
    see("update_calendar", &alice.patch(&at).json(&json!({"color": "#123456"})).expect(200).await);
    let stale = alice.patch(&at).header("if-match", &shown.etag()).json(&json!({"color": null}));
    see("update_calendar", &stale.expect(412).await);
    let roles = json!({"users": [{"username": "bob", "role": "viewer"}]});
    see("share_calendar", &alice.post(&format!("{at}/share")).json(&roles).expect(200).await);
    see("list_calendar_permissions", &alice.get(&format!("{at}/permissions")).expect(200).await);
    let role = format!("{at}/permissions/{}", bob.id);
    see("put_calendar_permission", &alice.put(&role).json(&json!({"role": "editor"})).expect(200).await);
    see("delete_calendar_permission", &alice.delete(&role).expect(204).await);
    see("delete_calendar", &bob.delete(&at).expect(404).await);

    let new = json!({"title": "Rehearsal", "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00",
        "calendar_id": calendar.id(), "recurrence": ["RRULE:FREQ=WEEKLY"]});
    let event = alice.post("/api/v1/events").json(&new).expect(201).await;
    see("create_event", &event);
    let at = event.header("location").expect("a location").to_owned();
    see("create_event", &anybody.post("/api/v1/events").json(&new).expect(401).await);
    see("create_event", &alice.post("/api/v1/events").json(&json!({"title": ""})).expect(422).await);
    see("create_event", &alice.post("/api/v1/events").body("text/plain", "x").expect(415).await);
    see("create_event", &alice.post("/api/v1/events").body("application/json", "{").expect(400).await);
    see("list_events", &alice.get("/api/v1/events").expect(200).await);
    see("get_event", &alice.get(&at).expect(200).await);
    see("get_event", &alice.get(&at).header("if-none-match", &event.etag()).expect(304).await);
    see("update_event", &alice.patch(&at).json(&json!({"title": "Concert"})).expect(200).await);
    see("update_event", &alice.patch(&at).header("if-match", "\"1\"").json(&json!({"title": "x"})).expect(412).await);
    let clashing = json!({"title": "x", "base_version": 1});
    see("update_event", &alice.patch(&at).json(&clashing).expect(409).await);
    see(
        "replace_event",
        &alice.put(&at).json(&json!({"title": "x", "start": "2027-03-01T09:00:00"})).expect(428).await,
    );
    see("list_instances", &alice.get(&format!("{at}/instances")).expect(200).await);
    let instance = format!("{at}/instances/20270308T090000");
    see("get_instance", &alice.get(&instance).expect(200).await);
    see("update_instance", &alice.patch(&instance).json(&json!({"location": "Aula"})).expect(200).await);
    see("cancel_instance", &alice.delete(&instance).expect(204).await);
    see("list_history", &alice.get(&format!("{at}/history")).expect(200).await);
    see("get_version", &alice.get(&format!("{at}/history/1")).expect(200).await);
    see("get_diff", &alice.get(&format!("{at}/diff/1/2")).expect(200).await);
    see("list_changelog", &alice.get(&format!("{at}/changelog")).expect(200).await);
    see("roll_back_event", &alice.post(&format!("{at}/rollback/1")).json(&json!({})).expect(200).await);
    see("clone_event", &alice.post(&format!("{at}/clone")).json(&json!({})).expect(201).await);
    see("change_event_state", &alice.post(&format!("{at}/state")).json(&json!({"state": "draft"})).expect(200).await);
    let states = json!({"ids": [event.id()], "state": "published"});
    see("change_event_states", &alice.post("/api/v1/events/state").json(&states).expect(200).await);
    let operations = json!({"operations": [{"op": "update", "id": event.id(), "event": {"title": "Batch"}}]});
    see("batch_events", &alice.post("/api/v1/events/batch").json(&operations).expect(200).await);
    see(
        "shift_events",
        &alice.post("/api/v1/events/shift").json(&json!({"ids": [event.id()], "by": "P7D"})).expect(200).await,
    );
    see("share_event", &alice.post(&format!("{at}/share")).json(&roles).expect(200).await);
    see("list_event_permissions", &alice.get(&format!("{at}/permissions")).expect(200).await);
    see("delete_event", &bob.delete(&at).expect(403).await);
    see("delete_event", &alice.delete(&at).expect(204).await);
    see("restore_event", &alice.post(&format!("{at}/restore")).json(&json!({})).expect(200).await);
    see(
        "find_conflicts",
        &alice.post("/api/v1/conflicts").json(&json!({"start": "2027-03-01T09:00:00Z"})).expect(200).await,
    );
    see("list_changes", &alice.get("/api/v1/changes").expect(200).await);

    let venue = alice.post("/api/v1/venues").json(&json!({"name": "Aula"})).expect(201).await;
    see("create_venue", &venue);
    let at = venue.header("location").expect("a location").to_owned();
    see("get_venue", &alice.get(&at).expect(200).await);
    see("update_venue", &alice.patch(&at).json(&json!({"capacity": 80})).expect(200).await);
    see("delete_venue", &bob.delete(&at).expect(403).await);
    let group = alice.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await;
    see("create_group", &group);
    let at = group.header("location").expect("a location").to_owned();
    see("get_group", &alice.get(&at).expect(200).await);
    see("update_group", &alice.patch(&at).json(&json!({"name": "The board"})).expect(200).await);
    see("list_group_members", &alice.get(&format!("{at}/members")).expect(200).await);

    see("get_me", &ada.get("/api/v1/me").expect(200).await);
    see("update_me", &ada.patch("/api/v1/me").json(&json!({"name": "Ada"})).expect(200).await);
    see("get_user", &admin.get(&format!("/api/v1/users/{}", bob.id)).expect(200).await);
    see(
        "update_user",
        &admin.patch(&format!("/api/v1/users/{}", bob.id)).json(&json!({"name": "B"})).expect(200).await,
    );
    see("list_audit", &admin.get("/api/v1/audit").expect(200).await);
    see("list_audit", &alice.get("/api/v1/audit").expect(403).await);
    see(
        "create_token",
        &ada.post("/api/v1/me/tokens").json(&json!({"name": "x", "scopes": ["read"]})).expect(201).await,
    );
    let feed = ada.post("/api/v1/me/feeds").json(&json!({"name": "Phone"})).expect(201).await;
    see("create_feed", &feed);
    see("get_secret_feed", &anybody.get(&format!("/feeds/{}.ics", feed.str("/token"))).expect(200).await);
    let link = json!({"event_ids": [event.id()]});
    let link = alice.post("/api/v1/share-links").json(&link).expect(201).await;
    see("create_share_link", &link);
    see("get_share_link", &anybody.get(&format!("/api/v1/share-links/{}", link.str("/token"))).expect(200).await);
    let file = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n";
    see("import_file", &alice.post("/api/v1/imports").upload("calendar.ics", file, &[]).expect(202).await);
    see("list_jobs", &alice.get("/api/v1/jobs").expect(200).await);
    see("logout", &ada.post("/api/v1/auth/logout").json(&json!({})).expect(204).await);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_again() {
    let world = World::builder().with_rate_limits().set("rate_limit.auth_per_minute", "1").start().await;
    let anybody = world.anonymous();
    let document = document::of(&anybody).await;
    let mut wrong = Vec::new();
    let body = json!({"login": "ada", "password": "wrong"});
    anybody.post("/api/v1/auth/login").json(&body).expect(401).await;
    compare(&document, "login", &anybody.post("/api/v1/auth/login").json(&body).expect(429).await, &mut wrong);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn booleans_and_empty_bodies_are_read_as_clients_send_them() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (yes, no) in [("true", "false"), ("True", "False"), ("1", "0")] {
        for value in [yes, no] {
            alice.get(&format!("/api/v1/events?mine={value}")).expect(200).await;
        }
    }
    alice.get("/api/v1/events?mine=yes").expect(422).await;
    let event = json!({"title": "Rehearsal", "start": "2027-03-01T09:00:00"});
    let event = alice.post("/api/v1/events").json(&event).expect(201).await;
    let at = format!("/api/v1/events/{}", event.id());
    alice.post(&format!("{at}/rollback/1")).json(&json!({})).expect(200).await;
    alice.post("/api/v1/auth/logout").json(&json!({})).expect(204).await;
    alice.get("/api/v1/me").expect(401).await;
}
