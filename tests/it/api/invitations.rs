//! Sharing with an e-mail address: rule 15.

use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, share};

/// Makes an account whose address nobody has verified yet.
async fn sign_up(world: &World, name: &str, email: &str) -> Person {
    let body = json!({"username": name, "email": email, "password": "correct horse"});
    let made = world.anonymous().post("/api/v1/auth/register").json(&body).expect(201).await;
    let mut person = world.anonymous().with_token(made.str("/access_token"));
    made.str("/user/id").clone_into(&mut person.id);
    person
}

async fn verify(admin: &Person, who: &Person, verified: bool) {
    let body = json!({"email_verified": verified});
    admin.patch(&format!("/api/v1/users/{}", who.id)).json(&body).expect(200).await;
}

async fn invite(owner: &Person, what: &str, email: &str, role: &str) -> Value {
    let body = json!({"users": [{"email": email, "role": role}]});
    let shared = owner.post(&format!("/api/v1/{what}/share")).json(&body).expect(200).await;
    let is_it = |item: &&Value| item["email"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(email));
    shared.items().iter().find(is_it).cloned().expect("the address is listed")
}

#[tokio::test]
async fn what_is_shared_with_an_address_waits_until_it_is_verified() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let picnic = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await.id();
    invite(&alice, &format!("calendars/{club}"), "Zoe@Example.org", "editor").await;
    invite(&alice, &format!("events/{picnic}"), "zoe@example.org", "viewer").await;
    let zoe = sign_up(&world, "zoe", "zoe@example.org").await;
    zoe.get(&format!("/api/v1/calendars/{club}")).send().await.expect_problem("not-found");
    zoe.get(&format!("/api/v1/events/{picnic}")).send().await.expect_problem("not-found");
    verify(&admin, &zoe, true).await;
    assert_eq!(zoe.get(&format!("/api/v1/calendars/{club}")).expect(200).await.str("/my_role"), "editor");
    assert_eq!(zoe.get("/api/v1/events").expect(200).await.each("/title"), ["Picnic"]);
    let mine = zoe.get("/api/v1/me/shared").expect(200).await;
    assert_eq!(mine.each("/via"), ["email", "email"]);
    assert_eq!(mine.each("/shared_by/name"), ["Alice", "Alice"]);
    // An address that is not hers after all opens nothing.
    verify(&admin, &zoe, false).await;
    zoe.get(&format!("/api/v1/calendars/{club}")).send().await.expect_problem("not-found");
    fits(&world).await;
}

#[tokio::test]
async fn an_owner_is_not_told_whether_an_address_has_an_account() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let what = format!("calendars/{club}");
    let strip = |mut item: Value| {
        for name in ["id", "email"] {
            item.as_object_mut().expect("an object").remove(name);
        }
        item
    };
    let known = invite(&alice, &what, "bob@example.org", "viewer").await;
    let unknown = invite(&alice, &what, "nobody@example.org", "viewer").await;
    assert_eq!(strip(known.clone()), strip(unknown.clone()));
    assert_eq!((&known["status"], &known["user_id"]), (&json!("pending"), &json!(null)));
    assert_eq!(bob.get(&format!("/api/v1/{what}")).expect(200).await.str("/my_role"), "viewer", "bob has it at once");
    // Nor later, when somebody verifies the other one.
    let nobody = sign_up(&world, "nobody", "nobody@example.org").await;
    let before = alice.get(&format!("/api/v1/{what}/permissions")).expect(200).await;
    verify(&admin, &nobody, true).await;
    nobody.get(&format!("/api/v1/{what}")).expect(200).await;
    assert_eq!(alice.get(&format!("/api/v1/{what}/permissions")).expect(200).await.json, before.json);
    // Editors see the people, not the addresses.
    let carol = world.carol().await;
    share(&alice, &what, &carol, "editor").await;
    let seen = carol.get(&format!("/api/v1/{what}/permissions")).expect(200).await;
    assert_eq!(seen.each("/username"), ["alice", "carol"]);
    assert!(!seen.text.contains("example.org"), "{}", seen.text);
    fits(&world).await;
}

#[tokio::test]
async fn an_invitation_can_be_changed_and_revoked_and_does_not_wait_for_ever() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let what = format!("calendars/{club}");
    let permission = |item: &Value| format!("/api/v1/{what}/permissions/{}", item["id"].as_str().expect("an id"));
    let gone = invite(&alice, &what, "gone@example.org", "editor").await;
    let kept = invite(&alice, &what, "kept@example.org", "editor").await;
    let changed = alice.put(&permission(&kept)).json(&json!({"role": "viewer"})).expect(200).await;
    assert_eq!((changed.str("/email"), changed.str("/role")), ("kept@example.org", "viewer"));
    alice.delete(&permission(&gone)).expect(204).await;
    alice.delete(&permission(&gone)).expect(204).await;
    let path = format!("/api/v1/{what}");
    world.person("gone", GlobalRole::User).await.get(&path).send().await.expect_problem("not-found");
    let kept_by = world.person("kept", GlobalRole::User).await;
    assert_eq!(kept_by.get(&path).expect(200).await.str("/my_role"), "viewer");
    invite(&alice, &what, "late@example.org", "editor").await;
    world.advance(31 * 24 * 3_600);
    let alice = world.alice().await;
    world.person("late", GlobalRole::User).await.get(&path).send().await.expect_problem("not-found");
    invite(&alice, &what, "late@example.org", "editor").await;
    world.person("late", GlobalRole::User).await.get(&path).expect(200).await;
    world.person("kept", GlobalRole::User).await.get(&path).expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn whoever_changes_their_address_keeps_what_was_shared_with_the_old_one_and_its_next_holder_gets_nothing() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let what = format!("calendars/{club}");
    invite(&alice, &what, "bob@example.org", "editor").await;
    bob.patch("/api/v1/me").json(&json!({"email": "robert@example.org"})).expect(200).await;
    assert_eq!(bob.get(&format!("/api/v1/{what}")).expect(200).await.str("/my_role"), "editor");
    let other = sign_up(&world, "other", "bob@example.org").await;
    verify(&admin, &other, true).await;
    other.get(&format!("/api/v1/{what}")).send().await.expect_problem("not-found");
    // Everybody may leave, whichever way they came.
    invite(&alice, &what, "robert@example.org", "owner").await;
    verify(&admin, &bob, true).await;
    assert_eq!(bob.get(&format!("/api/v1/{what}")).expect(200).await.str("/my_role"), "owner");
    bob.delete(&format!("/api/v1/{what}/permissions/{}", bob.id)).expect(204).await;
    bob.get(&format!("/api/v1/{what}")).send().await.expect_problem("not-found");
    fits(&world).await;
}
