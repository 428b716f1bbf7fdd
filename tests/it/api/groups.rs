//! Groups of people, and sharing with them.

use kalends_core::ctx::GlobalRole;
use kalends_db::sql;
use kalends_kernel::{EventId, GroupId};
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, only_error, settled};

async fn group(owner: &Person, name: &str, members: &[&Person]) -> String {
    let id = owner.post("/api/v1/groups").json(&json!({"name": name})).expect(201).await.id();
    let users: Vec<Value> = members.iter().map(|member| json!({"user_id": member.id})).collect();
    if !users.is_empty() {
        owner.post(&format!("/api/v1/groups/{id}/members")).json(&json!({"users": users})).expect(200).await;
    }
    id
}

async fn share_with(owner: &Person, what: &str, group: &str, role: &str) {
    let body = json!({"users": [{"group_id": group, "role": role}]});
    owner.post(&format!("/api/v1/{what}/share")).json(&body).expect(200).await;
}

#[tokio::test]
async fn who_is_in_a_group_has_at_once_what_it_is_given_and_who_leaves_loses_it_at_once() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let inside =
        event(&alice, &json!({"title": "Inside", "start": "2027-05-03T12:00:00", "calendar_id": club})).await.id();
    let alone = event(&alice, &json!({"title": "Alone", "start": "2027-05-04T12:00:00", "state": "draft"})).await.id();
    let board = group(&alice, "Board", &[&bob]).await;
    share_with(&alice, &format!("calendars/{club}"), &board, "editor").await;
    share_with(&alice, &format!("events/{alone}"), &board, "viewer").await;
    let month = "/api/v1/events?from=2027-05-01T00:00:00Z&to=2027-06-01T00:00:00Z&expand=true";
    for _ in 0..2 {
        assert_eq!(bob.get(month).expect(200).await.each("/title"), ["Inside", "Alone"]);
        assert_eq!(bob.get("/api/v1/events?include=total").expect(200).await.json["total"], 2);
        assert_eq!(bob.get("/api/v1/calendars").expect(200).await.each("/name"), ["Club", "My calendar"]);
        bob.patch(&format!("/api/v1/events/{inside}")).json(&json!({"location": "Park"})).expect(200).await;
        bob.patch(&format!("/api/v1/events/{alone}"))
            .json(&json!({"location": "x"}))
            .send()
            .await
            .expect_problem("forbidden");
        assert_eq!(bob.get("/api/v1/events?q=alone").expect(200).await.each("/title"), ["Alone"]);
        assert_eq!(bob.get("/api/v1/events?q=insdie").expect(200).await.each("/title"), ["Inside"]);
        let mine = bob.get("/api/v1/me/shared").expect(200).await;
        assert_eq!(mine.each("/group_name"), ["Board", "Board"]);
        carol.get(&format!("/api/v1/events/{inside}")).send().await.expect_problem("not-found");
        bob.delete(&format!("/api/v1/groups/{board}/members/{}", bob.id)).expect(204).await;
        assert_eq!(bob.get(month).expect(200).await.items().len(), 0);
        bob.get(&format!("/api/v1/events/{inside}")).send().await.expect_problem("not-found");
        bob.get(&format!("/api/v1/groups/{board}")).send().await.expect_problem("not-found");
        assert_eq!(bob.get("/api/v1/me/shared").expect(200).await.items().len(), 0);
        let again = json!({"users": [{"username": "BOB"}]});
        alice.post(&format!("/api/v1/groups/{board}/members")).json(&again).expect(200).await;
    }
    // The strongest role counts, whichever way it came.
    share_with(&alice, &format!("events/{inside}"), &board, "owner").await;
    assert_eq!(bob.get(&format!("/api/v1/events/{inside}")).expect(200).await.str("/my_role"), "owner");
    let listed = bob.get(&format!("/api/v1/events/{inside}/permissions")).expect(200).await;
    assert_eq!(listed.each("/name"), ["Board", "Alice", "Board"]);
    let path = format!("/api/v1/calendars/{club}/permissions/{board}");
    assert_eq!(alice.put(&path).json(&json!({"role": "free_busy"})).expect(200).await.str("/group_id"), board);
    alice.delete(&format!("/api/v1/events/{inside}/permissions/{board}")).expect(204).await;
    assert_eq!(bob.get(&format!("/api/v1/events/{inside}")).expect(200).await.json["title"], json!(null));
    alice.delete(&format!("/api/v1/groups/{board}")).expect(204).await;
    alice.delete(&format!("/api/v1/groups/{board}")).expect(204).await;
    assert_eq!(bob.get(month).expect(200).await.items().len(), 0);
    fits(&world).await;
}

#[tokio::test]
async fn who_follows_the_changes_gains_and_loses_what_their_groups_do() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    event(&alice, &json!({"title": "Inside", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    let alone = event(&alice, &json!({"title": "Alone", "start": "2027-05-04T12:00:00"})).await.id();
    let board = group(&alice, "Board", &[&bob]).await;
    settled(&world).await;
    let mut token = bob.get("/api/v1/changes").expect(200).await.str("/next_token").to_owned();
    let member = format!("/api/v1/groups/{board}/members/{}", bob.id);
    let back = json!({"users": [{"user_id": bob.id}]});
    for (step, expected) in [
        ("share", vec!["calendar created", "event created", "event created"]),
        ("leave", vec!["calendar deleted", "event deleted", "event deleted"]),
        ("join", vec!["calendar created", "event created", "event created"]),
        ("weaker", vec!["calendar updated", "event updated"]),
        ("delete", vec!["calendar deleted", "event deleted", "event deleted"]),
    ] {
        match step {
            "share" => {
                share_with(&alice, &format!("calendars/{club}"), &board, "editor").await;
                share_with(&alice, &format!("events/{alone}"), &board, "viewer").await;
            }
            "leave" => drop(alice.delete(&member).expect(204).await),
            "join" => drop(alice.post(&format!("/api/v1/groups/{board}/members")).json(&back).expect(200).await),
            "weaker" => share_with(&alice, &format!("calendars/{club}"), &board, "viewer").await,
            _ => drop(alice.delete(&format!("/api/v1/groups/{board}")).expect(204).await),
        }
        settled(&world).await;
        let changes = bob.get(&format!("/api/v1/changes?since={token}")).expect(200).await;
        changes.str("/next_token").clone_into(&mut token);
        let mut told: Vec<String> = changes
            .items()
            .iter()
            .map(|item| format!("{} {}", item["type"].as_str().unwrap_or("?"), item["op"].as_str().unwrap_or("?")))
            .collect();
        told.sort();
        assert_eq!(told, expected, "{step}");
    }
    // And who begins anew finds what a group was given.
    let board = group(&alice, "Board again", &[&bob]).await;
    share_with(&alice, &format!("calendars/{club}"), &board, "viewer").await;
    share_with(&alice, &format!("events/{alone}"), &board, "viewer").await;
    let all = bob.get("/api/v1/changes").expect(200).await;
    let titles: Vec<&str> = all.items().iter().filter_map(|item| item["record"]["title"].as_str()).collect();
    assert_eq!(titles, ["Inside", "Alone"]);
    fits(&world).await;
}

#[tokio::test]
async fn a_group_is_changed_by_its_owner_and_seen_by_who_is_in_it() {
    let world = World::new().await;
    let (alice, bob, carol, mallory) =
        (world.alice().await, world.bob().await, world.carol().await, world.mallory().await);
    let board = group(&alice, "Board", &[&bob]).await;
    let path = format!("/api/v1/groups/{board}");
    let seen = bob.get(&path).expect(200).await;
    assert_eq!((seen.str("/name"), seen.str("/my_role")), ("Board", "member"));
    assert_eq!(bob.get(&format!("{path}/members")).expect(200).await.each("/username"), ["alice", "bob"]);
    let first = bob.get(&format!("{path}/members?limit=1")).expect(200).await;
    let next = format!("{path}/members?limit=1&cursor={}", first.str("/next_cursor"));
    assert_eq!(bob.get(&next).expect(200).await.each("/username"), ["bob"]);
    for request in [
        bob.patch(&path).json(&json!({"name": "x"})),
        bob.delete(&path),
        bob.post(&format!("{path}/members")).json(&json!({"users": [{"user_id": carol.id}]})),
        bob.delete(&format!("{path}/members/{}", alice.id)),
    ] {
        request.send().await.expect_problem("forbidden");
    }
    for request in [
        mallory.get(&path),
        mallory.get(&format!("{path}/members")),
        mallory.delete(&path),
        mallory.patch(&path).json(&json!({})),
    ] {
        request.send().await.expect_problem("not-found");
    }
    assert_eq!(mallory.get("/api/v1/groups").expect(200).await.items().len(), 0);
    // Who is not in a group cannot share with it.
    let users = json!({"users": [{"group_id": board, "role": "viewer"}]});
    let refused = mallory.post(&format!("/api/v1/calendars/{}/share", mallory.calendar)).json(&users).send().await;
    assert_eq!(refused.expect_problem("invalid").errors(), [("/users/0".to_owned(), "unknown-group".to_owned())]);
    bob.post(&format!("/api/v1/calendars/{}/share", bob.calendar)).json(&users).expect(200).await;
    assert_eq!(alice.get(&format!("/api/v1/calendars/{}", bob.calendar)).expect(200).await.str("/my_role"), "viewer");
    // Changed with an ETag, and handed over to somebody in it.
    let etag = alice.get(&path).expect(200).await.etag();
    let renamed = alice.patch(&path).header("if-match", &etag).json(&json!({"name": "The board"})).expect(200).await;
    alice.get(&path).header("if-none-match", &renamed.etag()).expect(304).await;
    alice
        .patch(&path)
        .header("if-match", &etag)
        .json(&json!({"name": "x"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    let refused = alice.patch(&path).json(&json!({"owner_id": carol.id})).send().await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/owner_id".to_owned(), "not-a-member".to_owned())]);
    alice.patch(&path).json(&json!({"owner_id": bob.id})).expect(200).await;
    alice.patch(&path).json(&json!({"name": "x"})).send().await.expect_problem("forbidden");
    assert_eq!(bob.get("/api/v1/groups").expect(200).await.each("/my_role"), ["owner"]);
    let unknown = json!({"users": [{"username": "nobody"}, {"user_id": carol.id}]});
    let refused = bob.post(&format!("{path}/members")).json(&unknown).send().await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/users/0".to_owned(), "unknown-user".to_owned())]);
    carol.get(&path).send().await.expect_problem("not-found");
    fits(&world).await;
}

#[tokio::test]
async fn what_a_group_reaches_has_a_bound_so_that_all_its_members_hear_of_a_change() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut members = Vec::new();
    for n in 0..101 {
        members.push(world.person(&format!("member-{n}"), GlobalRole::User).await);
    }
    let choir = group(&alice, "Choir", &[]).await;
    let add = async |members: &[Person]| {
        let users: Vec<Value> = members.iter().map(|member| json!({"user_id": member.id})).collect();
        alice.post(&format!("/api/v1/groups/{choir}/members")).json(&json!({"users": users})).send().await
    };
    // With its owner they are a hundred.
    for some in members[..99].chunks(50) {
        add(some).await.expect(200);
    }
    let create =
        |n: usize| json!({"op": "create", "event": {"title": format!("Event {n}"), "start": "2027-05-03T12:00:00"}});
    let operations: Vec<Value> = (0..1_000).map(create).collect();
    let made = alice.post("/api/v1/events/batch").json(&json!({"mode": "atomic", "operations": operations}));
    let made = made.expect(200).await;
    let ids: Vec<EventId> = made.json["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["event"]["id"].as_str().expect("an id").parse().expect("an id"))
        .collect();
    let (first, rest) = ids.split_first().expect("events");
    let grants: Result<(), kalends_db::Error> = world
        .db
        .write((rest.to_vec(), choir.parse::<GroupId>().expect("an id"), world.now()), |tx, (ids, group, now)| {
            Box::pin(async move {
                for id in ids {
                    sql("INSERT INTO event_group_permissions (event_id, group_id, rank, created_at, updated_at) VALUES ($1, $2, 2, $3, $3)")
                        .bind(*id)
                        .bind(*group)
                        .bind(*now)
                        .run(tx)
                        .await?;
                }
                Ok(())
            })
        })
        .await;
    grants.expect("written");
    share_with(&alice, &format!("events/{first}"), &choir, "viewer").await;
    // A thousand events for a hundred people: no more of either.
    let one_more =
        alice.post("/api/v1/events").json(&json!({"title": "More", "start": "2027-05-03T12:00:00"})).expect(201).await;
    let share = json!({"users": [{"group_id": choir, "role": "viewer"}]});
    let refused = alice.post(&format!("/api/v1/events/{}/share", one_more.id())).json(&share).send().await;
    assert_eq!(only_error(&refused.expect_problem("invalid")).1, "too-many");
    let refused = add(&members[99..]).await.expect_problem("invalid");
    assert_eq!(only_error(&refused).1, "too-many");
    assert_eq!(alice.get(&format!("/api/v1/groups/{choir}/members?limit=500")).expect(200).await.items().len(), 100);
    // Another role is as well as the one before, and less makes room.
    share_with(&alice, &format!("events/{first}"), &choir, "editor").await;
    alice.delete(&format!("/api/v1/events/{first}/permissions/{choir}")).expect(204).await;
    share_with(&alice, &format!("events/{}", one_more.id()), &choir, "viewer").await;
}
