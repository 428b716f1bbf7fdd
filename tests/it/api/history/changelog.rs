//! The story of an event: versions with their differences, and who was given which role.

use kalends_testkit::World;
use serde_json::{Value, json};

use super::super::given::{choir, event, share};
use super::{patched, version};

#[tokio::test]
async fn the_changelog_tells_the_story_with_its_roles_from_the_beginning() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let id = event(&alice, &choir()).await.id();
    let path = format!("/api/v1/events/{id}");
    world.advance(1);
    share(&alice, &format!("events/{id}"), &bob, "viewer").await;
    world.advance(1);
    alice.patch(&path).json(&json!({"location": "Aula"})).expect(200).await;
    world.advance(1);
    share(&alice, &format!("events/{id}"), &bob, "editor").await;
    share(&alice, &format!("events/{id}"), &carol, "viewer").await;
    world.advance(1);
    bob.patch(&path).json(&json!({"location": null, "categories": ["music"]})).expect(200).await;
    world.advance(1);
    alice.delete(&format!("{path}/permissions/{}", carol.id)).expect(204).await;

    let story = bob.get(&format!("{path}/changelog")).expect(200).await;
    let told: Vec<Value> = story
        .items()
        .iter()
        .map(|line| {
            let changes: Vec<&String> =
                line["diff"]["changes"].as_object().map(|changes| changes.keys().collect()).unwrap_or_default();
            let role = &line["permission"];
            json!([
                line["version"],
                line["operation"],
                line["actor"]["name"],
                if line["version"] == 1 { json!("all") } else { json!(changes) },
                role["user"]["name"],
                role["from"],
                role["to"]
            ])
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [1, "create", "Alice", "all", null, null, null],
            [null, "share", "Alice", [], "Bob", null, "viewer"],
            [2, "update", "Alice", ["location"], null, null, null],
            [null, "share", "Alice", [], "Bob", "viewer", "editor"],
            [null, "share", "Alice", [], "Carol", null, "viewer"],
            [3, "update", "Bob", ["categories", "location"], null, null, null],
            [null, "unshare", "Alice", [], "Carol", "viewer", null],
        ])
    );
    // One patch after the other makes the event out of nothing.
    let mut document = json!({});
    for line in story.items().iter().filter(|line| line["version"].is_i64()) {
        document = patched(&document, &line["diff"]["patch"]);
        let number = line["version"].as_i64().expect("a number");
        assert_eq!(document, version(&bob, &path, number).await.json);
    }
    // In pages it is the same story.
    for limit in 1..=4 {
        let (mut cursor, mut items) = (String::new(), Vec::new());
        loop {
            let page = bob.get(&format!("{path}/changelog?limit={limit}{cursor}")).expect(200).await;
            assert!(page.items().len() <= limit);
            items.extend(page.items().clone());
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(&items, story.items(), "in pages of {limit}");
    }
}

#[tokio::test]
async fn a_groups_role_is_one_line_and_that_of_an_address_is_for_owners_and_names_nobody() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let id = event(&alice, &choir()).await.id();
    share(&alice, &format!("events/{id}"), &carol, "editor").await;
    let group = alice.post("/api/v1/groups").json(&json!({"name": "The \"to\": board"})).expect(201).await.id();
    let members = json!({"users": [{"user_id": bob.id}, {"user_id": carol.id}]});
    alice.post(&format!("/api/v1/groups/{group}/members")).json(&members).expect(200).await;
    for party in
        [json!({"group_id": group}), json!({"email": "bob@example.org"}), json!({"email": "nobody@example.org"})]
    {
        let mut one = party.clone();
        one["role"] = "viewer".into();
        alice.post(&format!("/api/v1/events/{id}/share")).json(&json!({"users": [one]})).expect(200).await;
    }
    let all = alice.get(&format!("/api/v1/events/{id}/permissions")).expect(200).await;
    for one in all.items().iter().filter(|one| one["user_id"].is_null()) {
        let of = one["id"].as_str().or(one["group_id"].as_str()).expect("an id");
        alice.delete(&format!("/api/v1/events/{id}/permissions/{of}")).expect(204).await;
    }
    let told = async |person: &kalends_testkit::Person| -> Vec<Value> {
        let story = person.get(&format!("/api/v1/events/{id}/changelog")).expect(200).await;
        let roles = story.items().iter().filter(|line| line["permission"].is_object()).skip(1);
        let line = |line: &Value| {
            let role = &line["permission"];
            json!([
                line["operation"],
                role["user"]["name"],
                role["group"]["name"],
                role["email"],
                role["from"],
                role["to"]
            ])
        };
        roles.map(line).collect()
    };
    let of_group = [
        json!(["share", null, "The \"to\": board", null, null, "viewer"]),
        json!(["unshare", null, "The \"to\": board", null, "viewer", null]),
    ];
    assert_eq!(told(&carol).await, of_group, "an editor");
    let of_address = |how: &str, email: &str, from: Value, to: Value| json!([how, null, null, email, from, to]);
    let (viewer, none) = (json!("viewer"), Value::Null);
    let mut all = told(&alice).await;
    all.sort_by_key(Value::to_string);
    let mut expected = of_group.to_vec();
    for email in ["bob@example.org", "nobody@example.org"] {
        expected.push(of_address("share", email, none.clone(), viewer.clone()));
        expected.push(of_address("unshare", email, viewer.clone(), none.clone()));
    }
    expected.sort_by_key(Value::to_string);
    assert_eq!(all, expected, "an owner");
}

#[tokio::test]
async fn who_may_not_see_roles_gets_the_story_without_them() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let id = event(&alice, &choir()).await.id();
    share(&alice, &format!("events/{id}"), &bob, "viewer").await;
    share(&alice, &format!("events/{id}"), &carol, "editor").await;
    let story = |person: &kalends_testkit::Person| person.get(&format!("/api/v1/events/{id}/changelog")).expect(200);
    assert_eq!(story(&bob).await.each("/operation"), ["create"]);
    assert_eq!(story(&carol).await.each("/operation"), ["create", "share", "share"]);
}

#[tokio::test]
async fn a_page_of_large_events_ends_early_and_goes_on() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = event(&alice, &choir()).await.id();
    let path = format!("/api/v1/events/{id}");
    // Text beyond ASCII is larger than it is long.
    let text = "ü".repeat(49_000);
    let overrides: Vec<Value> = ["2027-03-29", "2027-04-05", "2027-04-12", "2027-04-19"]
        .iter()
        .map(|day| json!({"original_start": format!("{day}T19:30:00"), "description": text}))
        .collect();
    for n in 0..8 {
        let body = json!({"overrides": overrides, "description": format!("{n}{text}")});
        alice.patch(&path).json(&body).expect(200).await;
    }
    let first = alice.get(&format!("{path}/changelog")).expect(200).await;
    assert!(first.items().len() < 9, "{} lines", first.items().len());
    let rest = alice.get(&format!("{path}/changelog?cursor={}", first.str("/next_cursor"))).expect(200).await;
    let versions: Vec<i64> =
        first.items().iter().chain(rest.items()).filter_map(|line| line["version"].as_i64()).collect();
    assert_eq!(versions, (1..=9).collect::<Vec<i64>>());
}
