use kalends_core::ctx::GlobalRole;
use kalends_db::{FromRow, Row, sql};
use kalends_kernel::UserId;
use kalends_testkit::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{errors, is_signed_in, refresh, sign_in, sign_up};

#[tokio::test]
async fn people_change_their_account_by_merge_patch() {
    let world = World::new().await;
    let alice = world.alice().await;
    let before = alice.get("/api/v1/me").expect(200).await;
    world.advance(60);
    let after = alice
        .patch("/api/v1/me")
        .body(
            "application/merge-patch+json",
            r#"{"name": "Alice B.", "locale": "de-CH", "time_zone": "America/New_York"}"#,
        )
        .expect(200)
        .await;
    assert_eq!(
        (after.str("/name"), after.str("/locale"), after.str("/time_zone"), after.str("/username")),
        ("Alice B.", "de-CH", "America/New_York", "alice")
    );
    assert_eq!(
        (&after.json["version"], after.str("/updated_at"), after.str("/created_at")),
        (&json!(2), "2027-01-15T10:01:00Z", before.str("/created_at"))
    );
    assert_eq!(alice.get("/api/v1/me").expect(200).await.json, after.json);
    let reset =
        alice.patch("/api/v1/me").json(&json!({"name": null, "locale": null, "time_zone": null})).expect(200).await;
    assert_eq!((reset.str("/name"), reset.str("/locale"), reset.str("/time_zone")), ("alice", "en", "UTC"));
    let same = alice.patch("/api/v1/me").json(&json!({"name": "alice"})).expect(200).await;
    assert_eq!(same.json["version"], 3, "what changes nothing makes no version");
}

#[tokio::test]
async fn an_account_is_changed_only_as_it_was_seen() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seen = alice.get("/api/v1/me").expect(200).await;
    alice.get("/api/v1/me").header("if-none-match", &seen.etag()).expect(304).await;
    alice.patch("/api/v1/me").header("if-match", &seen.etag()).json(&json!({"name": "One"})).expect(200).await;
    let stale = alice
        .patch("/api/v1/me")
        .header("if-match", &seen.etag())
        .json(&json!({"name": "Two"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    assert_eq!(stale.str("/current/name"), "One");
    alice.patch("/api/v1/me").header("if-match", &stale.etag()).json(&json!({"name": "Two"})).expect(200).await;
    alice.delete("/api/v1/me").header("if-match", &seen.etag()).send().await.expect_problem("precondition-failed");
    alice.patch("/api/v1/me").header("if-match", "*").json(&json!({"name": "Three"})).expect(200).await;
}

#[tokio::test]
async fn another_address_is_not_verified_any_more() {
    let world = World::new().await;
    let alice = world.alice().await;
    assert!(alice.get("/api/v1/me").expect(200).await.json["email_verified_at"].is_string());
    let same = alice.patch("/api/v1/me").json(&json!({"email": "Alice@Example.org"})).expect(200).await;
    assert!(same.json["email_verified_at"].is_string(), "the same address, written otherwise");
    let other = alice.patch("/api/v1/me").json(&json!({"email": "alice@other.example"})).expect(200).await;
    assert_eq!(other.json["email_verified_at"], Value::Null);
    sign_in(&world, "alice@other.example", world.password()).await.expect(200);
    sign_in(&world, "alice@example.org", world.password()).await.expect_problem("bad-credentials");
}

#[tokio::test]
async fn what_others_have_and_what_only_administrators_change_is_refused() {
    let world = World::new().await;
    let (alice, _bob) = (world.alice().await, world.bob().await);
    alice.patch("/api/v1/me").json(&json!({"username": "BOB"})).send().await.expect_problem("username-taken");
    alice.patch("/api/v1/me").json(&json!({"email": "Bob@example.org"})).send().await.expect_problem("email-taken");
    let wrong =
        async |body: Value| errors(&alice.patch("/api/v1/me").json(&body).send().await.expect_problem("invalid"));
    assert_eq!(wrong(json!({"role": "admin", "disabled": true})).await, ["/disabled read-only", "/role read-only"]);
    assert_eq!(wrong(json!({"role": null})).await, ["/role read-only"]);
    assert_eq!(
        wrong(json!({"email": null, "username": null, "password": "x", "nmae": "x"})).await,
        ["/email required", "/nmae unknown-field", "/password unknown-field", "/username required"]
    );
    assert_eq!(
        wrong(json!({"email": 1, "username": "", "name": [], "locale": "german", "time_zone": "UTC+1"})).await,
        [
            "/email wrong-type",
            "/locale bad-locale",
            "/name wrong-type",
            "/time_zone unknown-time-zone",
            "/username bad-username"
        ]
    );
    alice.patch("/api/v1/me").body("application/json", "7").send().await.expect_problem("invalid");
    let whole = alice.get("/api/v1/me").expect(200).await.json;
    assert_eq!(
        alice.patch("/api/v1/me").json(&whole).expect(200).await.json,
        whole,
        "the whole account may be sent back as it was got"
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_keeps_this_one() {
    let world = World::new().await;
    let first = sign_up(&world, "anna").await;
    let other = sign_in(&world, "anna", "correct horse").await.expect(200);
    let anna = world.anonymous().with_token(first.str("/access_token"));
    let put = |current: &str, new: &str| {
        anna.put("/api/v1/me/password").json(&json!({"current_password": current, "new_password": new}))
    };
    assert_eq!(
        errors(&put("wrong horse", "staple battery").send().await.expect_problem("invalid")),
        ["/current_password wrong-password"]
    );
    assert_eq!(
        errors(&put("correct horse", "short").send().await.expect_problem("invalid")),
        ["/new_password too-short"]
    );
    assert!(is_signed_in(&world.anonymous().with_token(other.str("/access_token"))).await);
    put("correct horse", "staple battery").expect(204).await;
    assert!(is_signed_in(&anna).await);
    assert!(!is_signed_in(&world.anonymous().with_token(other.str("/access_token"))).await);
    refresh(&world, other.str("/refresh_token")).await.expect_problem("bad-token");
    refresh(&world, first.str("/refresh_token")).await.expect(200);
    sign_in(&world, "anna", "correct horse").await.expect_problem("bad-credentials");
    sign_in(&world, "anna", "staple battery").await.expect(200);
    world.anonymous().put("/api/v1/me/password").json(&json!({})).send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn of_several_password_changes_at_once_one_holds() {
    let world = World::new().await;
    for round in 0..5 {
        let username = format!("anna{round}");
        let anna = world.anonymous().with_token(sign_up(&world, &username).await.str("/access_token"));
        let mut racing = JoinSet::new();
        for n in 0..8 {
            let request = anna
                .put("/api/v1/me/password")
                .json(&json!({"current_password": "correct horse", "new_password": format!("new horse {n}")}));
            racing.spawn(async move { (n, request.send().await.status.as_u16()) });
        }
        let done = racing.join_all().await;
        let won: Vec<i32> = done.iter().filter(|(_, status)| *status == 204).map(|(n, _)| *n).collect();
        assert_eq!((won.len(), done.iter().filter(|(_, status)| *status == 422).count()), (1, 7), "round {round}");
        sign_in(&world, &username, &format!("new horse {}", won.first().expect("one"))).await.expect(200);
    }
}

#[tokio::test]
async fn deleting_an_account_takes_the_person_out_and_leaves_the_history() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let token = alice.post("/api/v1/me/tokens").json(&json!({"name": "r", "scopes": ["read"]})).expect(201).await;
    alice.delete("/api/v1/me").expect(204).await;
    assert!(!is_signed_in(&alice).await);
    assert!(!is_signed_in(&alice.with_token(token.str("/token"))).await);
    sign_in(&world, "alice", world.password()).await.expect_problem("bad-credentials");
    let card = bob.get(&format!("/api/v1/users/{}", alice.id)).expect(200).await;
    assert_eq!(card.json, json!({"id": alice.id, "name": "Deleted user", "username": format!("deleted-{}", alice.id)}));
    let seen = world.admin().await.get(&format!("/api/v1/users/{}", alice.id)).expect(200).await;
    assert_eq!(
        (&seen.json["email"], &seen.json["email_verified_at"], seen.str("/deleted_at")),
        (&Value::Null, &Value::Null, "2027-01-15T10:00:00Z")
    );
    assert!(bob.get("/api/v1/users?q=deleted").expect(200).await.items().is_empty());
    assert_eq!(
        sign_up(&world, "alice").await.str("/user/email"),
        "alice@example.org",
        "name and address are free again"
    );
}

#[tokio::test]
async fn the_last_administrator_cannot_delete_himself() {
    let world = World::new().await;
    let admin = world.admin().await;
    admin.delete("/api/v1/me").send().await.expect_problem("last-admin");
    assert!(is_signed_in(&admin).await);
    let second = world.person("second", GlobalRole::Admin).await;
    admin.delete("/api/v1/me").expect(204).await;
    second.delete("/api/v1/me").send().await.expect_problem("last-admin");
}

#[tokio::test]
async fn each_change_of_an_account_is_in_the_log_and_sign_ins_are_not() {
    let world = World::new().await;
    let alice = world.alice().await;
    alice.patch("/api/v1/me").json(&json!({"name": "Alice B."})).expect(200).await;
    alice.patch("/api/v1/me").json(&json!({"username": "bad name"})).expect(422).await;
    alice.delete("/api/v1/me").expect(204).await;
    let mut conn = world.db.reader().await.expect("a reader");
    let id: UserId = alice.id.parse().expect("an id");
    // The rows themselves: a follower of the log would wait for whatever else runs on the server.
    let rows = sql("SELECT kind, op, version FROM changes WHERE record_id = $1 ORDER BY tx, seq").bind(id);
    let logged: Vec<Logged> = rows.all(&mut conn).await.expect("rows");
    assert_eq!(
        logged,
        [Logged("user created 1".to_owned()), Logged("user updated 2".to_owned()), Logged("user deleted 3".to_owned())]
    );
}

#[derive(PartialEq, Debug)]
struct Logged(String);

impl FromRow for Logged {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        let version: i64 = row.get("version")?;
        Ok(Logged(format!("{} {} {version}", row.text("kind")?, row.text("op")?)))
    }
}
