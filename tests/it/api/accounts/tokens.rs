use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::{errors, is_signed_in};

async fn make(person: &Person, body: Value) -> (String, Person) {
    let made = person.post("/api/v1/me/tokens").json(&body).expect(201).await;
    (made.id(), person.with_token(made.str("/token")))
}

#[tokio::test]
async fn a_personal_token_is_shown_once_and_works_until_it_is_revoked() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = alice
        .post("/api/v1/me/tokens")
        .json(&json!({"name": "backup", "scopes": ["write", "read", "read"]}))
        .expect(201)
        .await;
    assert!(made.str("/token").starts_with("klp_"));
    assert_eq!(
        (made.header("cache-control"), &made.json["scopes"], &made.json["expires_at"]),
        (Some("no-store"), &json!(["read", "write"]), &Value::Null)
    );
    let listed = alice.get("/api/v1/me/tokens?include=total").expect(200).await;
    assert_eq!((listed.each("/name"), &listed.json["total"]), (vec!["backup".to_owned()], &json!(1)));
    assert!(!listed.text.contains("klp_"));
    let program = alice.with_token(made.str("/token"));
    assert!(is_signed_in(&program).await);
    let path = format!("/api/v1/me/tokens/{}", made.id());
    alice.delete(&path).expect(204).await;
    assert!(!is_signed_in(&program).await);
    alice.delete(&path).expect(204).await;
    assert!(alice.get("/api/v1/me/tokens").expect(200).await.items().is_empty());
}

#[tokio::test]
async fn a_personal_token_expires_when_it_was_told_to() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (_, by_days) = make(&alice, json!({"name": "days", "scopes": ["read"], "expires_in_days": 1})).await;
    let (_, by_instant) =
        make(&alice, json!({"name": "instant", "scopes": ["read"], "expires_at": "2027-01-15T12:00:00+01:00"})).await;
    let (_, for_ever) = make(&alice, json!({"name": "for ever", "scopes": ["read"]})).await;
    world.advance(3_599);
    assert!(is_signed_in(&by_instant).await);
    world.advance(1);
    assert!(!is_signed_in(&by_instant).await);
    assert!(is_signed_in(&by_days).await);
    world.advance(23 * 3_600);
    assert!(!is_signed_in(&by_days).await);
    world.advance(10 * 365 * 24 * 3_600);
    assert!(is_signed_in(&for_ever).await);
}

#[tokio::test]
async fn scopes_bound_what_a_personal_token_may_do() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let (_, reader) = make(&alice, json!({"name": "r", "scopes": ["read"]})).await;
    let (_, writer) = make(&alice, json!({"name": "w", "scopes": ["write"]})).await;
    let calendar = json!({"name": "Choir"});
    reader.get("/api/v1/calendars").expect(200).await;
    reader.post("/api/v1/calendars").json(&calendar).send().await.expect_problem("scope-needed");
    writer.get("/api/v1/calendars").expect(200).await;
    writer.post("/api/v1/calendars").json(&calendar).expect(201).await;
    let (_, admin_writer) = make(&admin, json!({"name": "w", "scopes": ["write"]})).await;
    let (_, administrator) = make(&admin, json!({"name": "a", "scopes": ["admin"]})).await;
    let path = format!("/api/v1/users/{}", alice.id);
    admin_writer.patch(&path).json(&json!({"name": "A"})).send().await.expect_problem("scope-needed");
    assert_eq!(
        admin_writer.get(&path).expect(200).await.json["email"],
        Value::Null,
        "without the scope admin only a card"
    );
    administrator.patch(&path).json(&json!({"name": "A"})).expect(200).await;
}

#[tokio::test]
async fn a_personal_token_cannot_take_over_the_account() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (id, program) = make(&alice, json!({"name": "w", "scopes": ["write"]})).await;
    program.get("/api/v1/me").expect(200).await;
    program.get("/api/v1/me/tokens").send().await.expect_problem("scope-needed");
    program
        .post("/api/v1/me/tokens")
        .json(&json!({"name": "more", "scopes": ["write"]}))
        .send()
        .await
        .expect_problem("scope-needed");
    program.delete(&format!("/api/v1/me/tokens/{id}")).send().await.expect_problem("scope-needed");
    program.get("/api/v1/me/sessions").send().await.expect_problem("scope-needed");
    program
        .put("/api/v1/me/password")
        .json(&json!({"current_password": "correct horse", "new_password": "another horse"}))
        .send()
        .await
        .expect_problem("scope-needed");
    program
        .patch("/api/v1/me")
        .json(&json!({"email": "mallory@example.org"}))
        .send()
        .await
        .expect_problem("scope-needed");
    program.delete("/api/v1/me").send().await.expect_problem("scope-needed");
    program.post("/api/v1/auth/logout").send().await.expect_problem("scope-needed");
}

#[tokio::test]
async fn everything_wrong_with_a_personal_token_is_told_at_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let wrong =
        async |body: Value| errors(&alice.post("/api/v1/me/tokens").json(&body).send().await.expect_problem("invalid"));
    assert_eq!(wrong(json!({})).await, ["/name required", "/scopes required"]);
    assert_eq!(
        wrong(json!({"name": "", "scopes": [], "expires_in_days": 0, "exp": 1})).await,
        ["/exp unknown-field", "/expires_in_days out-of-range", "/name empty", "/scopes empty"]
    );
    assert_eq!(
        wrong(json!({"name": "x", "scopes": ["root", 7], "expires_at": "2027-01-15T09:59:59Z"})).await,
        ["/expires_at past", "/scopes/0 not-a-choice", "/scopes/1 wrong-type"]
    );
    assert_eq!(
        wrong(json!({"name": "x", "scopes": ["read"], "expires_at": "2028-01-01T00:00:00", "expires_in_days": 1}))
            .await,
        ["/expires_at not-an-instant"]
    );
    assert_eq!(
        wrong(json!({"name": "x", "scopes": ["read"], "expires_at": "2028-01-01T00:00:00Z", "expires_in_days": 1}))
            .await,
        ["/expires_in_days contradiction"]
    );
    assert_eq!(wrong(json!({"name": "x", "scopes": ["admin"]})).await, ["/scopes not-allowed"]);
}

#[tokio::test]
async fn other_peoples_tokens_are_not_there() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let (id, program) = make(&alice, json!({"name": "r", "scopes": ["read"]})).await;
    for path in [id.as_str(), "01941f29-7c00-7aaa-8000-3d1c7e9a5b10", "x"] {
        mallory.delete(&format!("/api/v1/me/tokens/{path}")).send().await.expect_problem("not-found");
    }
    assert!(mallory.get("/api/v1/me/tokens").expect(200).await.items().is_empty());
    assert!(is_signed_in(&program).await);
}

#[tokio::test]
async fn a_demoted_administrators_token_administers_no_more() {
    let world = World::new().await;
    let admin = world.admin().await;
    let boss = world.person("boss", GlobalRole::Admin).await;
    let (_, program) = make(&boss, json!({"name": "a", "scopes": ["admin"]})).await;
    let path = format!("/api/v1/users/{}", admin.id);
    program.patch(&path).json(&json!({"name": "Admin One"})).expect(200).await;
    admin.patch(&format!("/api/v1/users/{}", boss.id)).json(&json!({"role": "user"})).expect(200).await;
    program.patch(&path).json(&json!({"name": "Admin Two"})).send().await.expect_problem("role-needed");
}

#[tokio::test]
async fn a_repeated_request_makes_another_token_and_stores_no_secret() {
    let world = World::new().await;
    let alice = world.alice().await;
    let post = || {
        alice.post("/api/v1/me/tokens").header("idempotency-key", "one").json(&json!({"name": "r", "scopes": ["read"]}))
    };
    assert_ne!(post().expect(201).await.str("/token"), post().expect(201).await.str("/token"));
}
