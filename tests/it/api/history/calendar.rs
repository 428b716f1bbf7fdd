//! A whole calendar back to an instant.

use kalends_testkit::World;
use serde_json::{Value, json};

use super::super::given::{calendar, event, fits, share};
use super::state_of;

/// A calendar with something of everything, and the instant to which it shall go back.
const AT: &str = "2027-01-15T10:01:30Z";

fn meeting(calendar: &str, title: &str) -> Value {
    json!({"title": title, "start": "2027-05-03T12:00:00", "calendar_id": calendar})
}

#[tokio::test]
async fn what_changed_rolls_back_what_was_deleted_comes_back_and_what_is_new_goes() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let path = format!("/api/v1/calendars/{club}/restore");
    let of = |id: &str| format!("/api/v1/events/{id}");
    let untouched = event(&alice, &meeting(&club, "Untouched")).await;
    let changed = event(&bob, &meeting(&club, "Changed")).await;
    let deleted = event(&alice, &meeting(&club, "Deleted")).await;
    let trashed = event(&alice, &meeting(&club, "In the trash")).await.id();
    let there_and_back = event(&alice, &meeting(&club, "There and back")).await;
    alice.delete(&of(&trashed)).expect(204).await;
    world.advance(60);
    let before = alice.patch(&of(&changed.id())).json(&json!({"location": "Aula"})).expect(200).await;
    world.advance(60);
    bob.patch(&of(&changed.id()))
        .json(&json!({"title": "Other", "start": "2027-06-01T08:00:00", "end": "2027-06-01T09:00:00"}))
        .expect(200)
        .await;
    bob.patch(&of(&changed.id())).json(&json!({"title": "Yet other"})).expect(200).await;
    alice.delete(&of(&deleted.id())).expect(204).await;
    alice.post(&format!("{}/restore", of(&trashed))).expect(200).await;
    let new = event(&bob, &meeting(&club, "New")).await.id();
    let draft = json!({"title": "New draft", "start": "2027-05-03T12:00:00", "calendar_id": club, "state": "draft"});
    let draft = event(&bob, &draft).await.id();
    let gone = event(&alice, &meeting(&club, "New and gone")).await.id();
    alice.delete(&of(&gone)).expect(204).await;
    for title in ["Elsewhere", "There and back"] {
        alice.patch(&of(&there_and_back.id())).json(&json!({"title": title})).expect(200).await;
    }
    let elsewhere = event(&alice, &json!({"title": "Mine", "start": "2027-05-03T12:00:00"})).await;

    bob.post(&path).json(&json!({"at": AT})).send().await.expect_problem("forbidden");
    // By title here: ids of one instant have no order of their own.
    let wanted = json!([
        ["Deleted", "restore", 2, 1],
        ["In the trash", "delete", 3, 2],
        ["New", "delete", 1, null],
        ["New and gone", "none", 2, null],
        ["New draft", "delete", 1, null],
        ["There and back", "none", 3, 1],
        ["Yet other", "rollback", 4, 2],
    ]);
    let told = |reply: &kalends_testkit::Reply| -> Value {
        let line = |item: &Value| json!([item["title"], item["action"], item["from_version"], item["to_version"]]);
        let mut lines: Vec<Value> = reply.items().iter().map(line).collect();
        lines.sort_by_key(|line| line[0].as_str().map(str::to_owned));
        lines.into()
    };
    // A preview changes nothing, and is what one gets unless one says otherwise.
    let preview = alice.post(&path).json(&json!({"at": AT})).expect(200).await;
    assert_eq!((told(&preview), &preview.json["preview"]), (wanted.clone(), &json!(true)));
    assert_eq!(alice.get(&of(&changed.id())).expect(200).await.str("/title"), "Yet other");
    world.advance(60);
    let done = json!({"at": AT, "preview": false, "comment": "somebody's script ran wild"});
    let restored = alice.post(&path).header("idempotency-key", "once").json(&done).expect(200).await;
    assert_eq!((told(&restored), restored.str("/at")), (wanted, AT));
    assert_eq!(alice.post(&path).header("idempotency-key", "once").json(&done).expect(200).await.text, restored.text);

    let now = alice.get(&format!("/api/v1/events?calendar_id={club}&sort=title")).expect(200).await;
    assert_eq!(now.each("/title"), ["Changed", "Deleted", "There and back", "Untouched"]);
    let back = alice.get(&of(&changed.id())).expect(200).await;
    assert_eq!(state_of(&back.json), state_of(&before.json));
    assert_eq!(back.json["version"], 5);
    let entry = alice.get(&format!("{}/history?limit=1", of(&changed.id()))).expect(200).await;
    assert_eq!(
        (entry.str("/items/0/operation"), entry.str("/items/0/comment")),
        ("rollback", "somebody's script ran wild")
    );
    assert_eq!(alice.get(&of(&untouched.id())).expect(200).await.json, untouched.json);
    assert_eq!(alice.get(&of(&elsewhere.id())).expect(200).await.json, elsewhere.json);
    // Nothing is lost: what went is in the trash, and the restore itself can be taken back.
    for id in [&new, &draft] {
        assert!(alice.get(&of(id)).expect(200).await.json["deleted_at"].is_string());
    }
    let undone = json!({"at": "2027-01-15T10:02:30Z", "preview": false});
    alice.post(&path).json(&undone).expect(200).await;
    let now = alice.get(&format!("/api/v1/events?calendar_id={club}&sort=title")).expect(200).await;
    assert_eq!(now.each("/title"), ["In the trash", "New", "New draft", "There and back", "Untouched", "Yet other"]);
    let nothing = alice.post(&path).json(&json!({"at": "2027-01-15T10:03:00Z"})).expect(200).await;
    assert_eq!(nothing.items().len(), 0);
    fits(&world).await;
}

#[tokio::test]
async fn what_is_in_the_way_of_one_event_is_told_and_leaves_the_others_their_way() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let theirs = calendar(&bob, &json!({"name": "Bob's"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let of = |id: &str| format!("/api/v1/events/{id}");
    let mut body = meeting(&club, "First");
    body["uid"] = "one@example.org".into();
    let first = event(&alice, &body).await.id();
    let second = event(&alice, &meeting(&club, "Second")).await.id();
    let mut same = [meeting(&club, "Third"), meeting(&theirs, "Came")];
    same.iter_mut().for_each(|body| body["uid"] = "two@example.org".into());
    let (third, came) = (event(&alice, &same[0]).await.id(), event(&bob, &same[1]).await.id());
    world.advance(60);
    alice.delete(&of(&first)).expect(204).await;
    alice.delete(&of(&third)).expect(204).await;
    alice.patch(&of(&second)).json(&json!({"title": "Second, changed"})).expect(200).await;
    bob.patch(&of(&came)).json(&json!({"calendar_id": club})).expect(200).await;
    // The UID is taken by an event that was made since, which will go.
    let replacement = event(&alice, &body).await.id();
    let path = format!("/api/v1/calendars/{club}/restore");
    let at = "2027-01-15T10:00:30Z";
    let preview = alice.post(&path).json(&json!({"at": at})).expect(200).await;
    let told = |reply: &kalends_testkit::Reply, id: &str| {
        let item = reply.items().iter().find(|item| item["id"] == id).cloned().expect("the event");
        (
            item["action"].as_str().expect("an action").to_owned(),
            item["problem"]["type"].as_str().unwrap_or("-").to_owned(),
        )
    };
    let words = |action: &str, problem: &str| (action.to_owned(), problem.to_owned());
    assert_eq!(told(&preview, &first), words("restore", "-"));
    assert_eq!(told(&preview, &replacement), words("delete", "-"));
    assert_eq!(told(&preview, &second), words("rollback", "-"));
    assert_eq!(
        told(&preview, &came),
        words("none", "/problems/wrong-state"),
        "it was in a calendar that is not alice's"
    );
    assert_eq!(told(&preview, &third), words("none", "/problems/uid-taken"), "by the one that came");
    let done = alice.post(&path).json(&json!({"at": at, "preview": false})).expect(200).await;
    assert_eq!(done.json["items"], preview.json["items"]);
    assert_eq!(alice.get(&of(&second)).expect(200).await.str("/title"), "Second");
    assert_eq!(alice.get(&of(&came)).expect(200).await.str("/calendar_id"), club);
    assert!(alice.get(&of(&first)).expect(200).await.json["deleted_at"].is_null());
    fits(&world).await;
}

#[tokio::test]
async fn the_instant_must_be_one_that_the_calendar_has_seen() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let path = format!("/api/v1/calendars/{club}/restore");
    for (body, error) in [
        (json!({"at": "2027-01-15T10:00:01Z"}), ("/at", "in-the-future")),
        (json!({"at": "2027-01-15T09:59:59Z"}), ("/at", "before-the-calendar")),
        (json!({"at": "2027-01-15T10:00:00"}), ("/at", "not-an-instant")),
        (json!({"at": 5}), ("/at", "wrong-type")),
        (json!({}), ("/at", "required")),
        (json!({"at": "2027-01-15T10:00:00Z", "preview": "no"}), ("/preview", "wrong-type")),
    ] {
        let refused = alice.post(&path).json(&body).send().await.expect_problem("invalid");
        assert_eq!(refused.errors(), [(error.0.to_owned(), error.1.to_owned())], "{body}");
    }
    alice.post(&path).json(&json!({"at": "2027-01-15T11:00:00+01:00"})).expect(200).await;
}
