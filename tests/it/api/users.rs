//! Finding people, and administering them.

use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

async fn patch(by: &Person, whom: &Person, body: Value) -> kalends_testkit::Reply {
    by.patch(&format!("/api/v1/users/{}", whom.id)).json(&body).send().await
}

/// The status that somebody gets at his own account.
async fn status(person: &Person) -> u16 {
    person.get("/api/v1/me").send().await.status.as_u16()
}

#[tokio::test]
async fn everybody_signed_in_sees_cards_and_administrators_see_all() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let path = format!("/api/v1/users/{}", alice.id);
    let card = bob.get(&path).expect(200).await;
    assert_eq!(card.json, json!({"id": alice.id, "name": "Alice", "username": "alice"}));
    let whole = admin.get(&path).expect(200).await;
    assert_eq!(
        (whole.str("/email"), whole.str("/role"), &whole.json["disabled"]),
        ("alice@example.org", "organizer", &json!(false))
    );
    assert_eq!(alice.get(&path).expect(200).await.json, whole.json);
    assert_ne!(card.etag(), whole.etag());
    bob.get(&path).header("if-none-match", &card.etag()).expect(304).await;
    bob.get(&path).header("if-none-match", &whole.etag()).expect(200).await;
    world.anonymous().get(&path).send().await.expect_problem("sign-in-needed");
    for unknown in ["01941f29-7c00-7aaa-8000-3d1c7e9a5b10", "x", "%00", "me"] {
        bob.get(&format!("/api/v1/users/{unknown}")).send().await.expect_problem("not-found");
    }
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_user_name_or_name() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (username, name) in
        [("zora", "Ängela Özil"), ("per_cent", "100% Bob"), ("percent", "Wild! Card"), ("back", r"a\b")]
    {
        let made = world.person(username, GlobalRole::User).await;
        patch(&admin, &made, json!({"name": name})).await.expect(200);
    }
    let bob = world.bob().await;
    let found =
        async |by: &Person, q: &str| by.get(&format!("/api/v1/users?q={q}")).expect(200).await.each("/username");
    assert_eq!(found(&bob, "ZO").await, ["zora"]);
    assert_eq!(found(&bob, "%C3%A4NG").await, ["zora"], "case does not count beyond ASCII");
    assert_eq!(found(&bob, "%C3%B6z").await, ["zora"], "the second word of a name");
    assert_eq!(found(&bob, "ngela").await, Vec::<String>::new(), "not in the middle of a word");
    assert_eq!(found(&bob, "per").await, ["per_cent", "percent"]);
    assert_eq!(found(&bob, "per_").await, ["per_cent"], "wildcards are letters like others");
    assert_eq!(found(&bob, "%25").await, Vec::<String>::new());
    assert_eq!(found(&bob, "100%25").await, ["per_cent"]);
    assert_eq!(found(&bob, "wild!").await, ["percent"]);
    assert_eq!(found(&bob, "a%5C").await, ["back"]);
    assert_eq!(found(&bob, "';--").await, Vec::<String>::new());
    assert_eq!(found(&bob, "zora@example.org").await, Vec::<String>::new(), "addresses are not for everybody");
    assert_eq!(found(&admin, "Zora@example.org").await, ["zora"]);
    assert_eq!(found(&admin, "zora@example").await, Vec::<String>::new(), "nor in part");
}

#[tokio::test]
async fn people_come_in_pages_by_user_name() {
    let world = World::new().await;
    for username in ["Delta", "alpha", "charlie", "Bravo", "echo"] {
        world.person(username, GlobalRole::User).await;
    }
    let alpha = world.person("alpha", GlobalRole::User).await;
    let mut found = Vec::new();
    let mut path = "/api/v1/users?limit=2&include=total".to_owned();
    loop {
        let page = alpha.get(&path).expect(200).await;
        assert_eq!(page.json["total"], 5);
        found.extend(page.each("/username"));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/v1/users?limit=2&include=total&cursor={cursor}");
        if found.len() == 2 {
            world.person("aaa", GlobalRole::User).await;
            let aaa = world.person("aaa", GlobalRole::User).await;
            aaa.delete("/api/v1/me").expect(204).await;
        }
    }
    assert_eq!(found, ["alpha", "Bravo", "charlie", "Delta", "echo"]);
    let cursor = alpha.get("/api/v1/users?limit=1").expect(200).await.str("/next_cursor").to_owned();
    for bad in [
        format!("cursor={cursor}&q=b"),
        "cursor=x".to_owned(),
        "limit=0".to_owned(),
        "limit=501".to_owned(),
        "query=x".to_owned(),
        "q=a&q=b".to_owned(),
        "q=%00".to_owned(),
    ] {
        alpha.get(&format!("/api/v1/users?{bad}")).send().await.expect_problem("invalid");
    }
    world.anonymous().get("/api/v1/users").send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn only_administrators_administer() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    for body in [json!({"role": "admin"}), json!({"disabled": true}), json!({})] {
        patch(&bob, &bob, body.clone()).await.expect_problem("role-needed");
        patch(&alice, &bob, body).await.expect_problem("role-needed");
    }
    world
        .anonymous()
        .patch(&format!("/api/v1/users/{}", bob.id))
        .json(&json!({}))
        .send()
        .await
        .expect_problem("sign-in-needed");
    let admin = world.admin().await;
    admin
        .patch("/api/v1/users/01941f29-7c00-7aaa-8000-3d1c7e9a5b10")
        .json(&json!({}))
        .send()
        .await
        .expect_problem("not-found");
}

#[tokio::test]
async fn a_new_role_counts_at_once() {
    let world = World::new().await;
    let (admin, bob) = (world.admin().await, world.bob().await);
    let public = json!({"name": "Choir", "visibility": "public"});
    bob.post("/api/v1/calendars").json(&public).send().await.expect_problem("role-needed");
    let changed = patch(&admin, &bob, json!({"role": "organizer"})).await.expect(200);
    assert_eq!((changed.str("/role"), &changed.json["version"]), ("organizer", &json!(2)));
    bob.post("/api/v1/calendars").json(&public).expect(201).await;
    patch(&admin, &bob, json!({"role": "user"})).await.expect(200);
    bob.post("/api/v1/calendars").json(&public).send().await.expect_problem("role-needed");
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_comes_back_by_signing_in() {
    let world = World::new().await;
    let (admin, alice, bob) = (world.admin().await, world.alice().await, world.bob().await);
    let token = bob.post("/api/v1/me/tokens").json(&json!({"name": "r", "scopes": ["read"]})).expect(201).await;
    let program = bob.with_token(token.str("/token"));
    assert_eq!((status(&bob).await, status(&program).await), (200, 200));
    patch(&admin, &bob, json!({"disabled": true})).await.expect(200);
    assert_eq!((status(&bob).await, status(&program).await), (401, 401));
    let login = json!({"login": "bob", "password": world.password()});
    world.anonymous().post("/api/v1/auth/login").json(&login).send().await.expect_problem("bad-credentials");
    assert_eq!(alice.get("/api/v1/users?q=bob").expect(200).await.items().len(), 0, "others do not find him");
    assert_eq!(
        alice.get(&format!("/api/v1/users/{}", bob.id)).expect(200).await.str("/name"),
        "Bob",
        "but see who he was"
    );
    assert_eq!(admin.get("/api/v1/users?q=bob").expect(200).await.items().len(), 1);
    patch(&admin, &bob, json!({"disabled": false})).await.expect(200);
    assert_eq!((status(&bob).await, status(&program).await), (401, 200), "sessions have ended, tokens work again");
    world.anonymous().post("/api/v1/auth/login").json(&login).expect(200).await;
}

#[tokio::test]
async fn administrators_vouch_for_an_address_and_change_a_name() {
    let world = World::new().await;
    let (admin, bob) = (world.admin().await, world.bob().await);
    assert_eq!(
        patch(&admin, &bob, json!({"email_verified": false, "name": "Robert"})).await.expect(200).json["email_verified_at"],
        Value::Null
    );
    world.advance(5);
    let verified = patch(&admin, &bob, json!({"email_verified": true})).await.expect(200);
    assert_eq!((verified.str("/email_verified_at"), verified.str("/name")), ("2027-01-15T10:00:05Z", "Robert"));
    let wrong = patch(
        &admin,
        &bob,
        json!({"role": "boss", "disabled": "no", "email_verified": 1, "name": "", "email": "x@y.ch"}),
    )
    .await
    .expect_problem("invalid");
    let found: Vec<String> = wrong.errors().into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect();
    assert_eq!(
        found,
        [
            "/disabled wrong-type",
            "/email unknown-field",
            "/email_verified wrong-type",
            "/name empty",
            "/role not-a-choice"
        ]
    );
    patch(&admin, &bob, json!({"role": null})).await.expect_problem("invalid");
    let stale = admin
        .patch(&format!("/api/v1/users/{}", bob.id))
        .header("if-match", "\"1\"")
        .json(&json!({"name": "B"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    assert_eq!(stale.str("/current/name"), "Robert");
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new().await;
    let admin = world.admin().await;
    for body in [json!({"role": "user"}), json!({"role": "organizer"}), json!({"disabled": true})] {
        patch(&admin, &admin, body).await.expect_problem("last-admin");
    }
    patch(&admin, &admin, json!({"name": "The Boss"})).await.expect(200);
    let second = world.person("second", GlobalRole::Admin).await;
    patch(&second, &second, json!({"disabled": true})).await.expect(200);
    patch(&admin, &admin, json!({"role": "user"})).await.expect_problem("last-admin");
    patch(&admin, &second, json!({"disabled": false})).await.expect(200);
    patch(&admin, &admin, json!({"role": "user"})).await.expect(200);
    patch(&admin, &second, json!({"role": "user"})).await.expect_problem("role-needed");
}

#[tokio::test]
async fn administrators_who_depose_each_other_at_the_same_time_leave_one() {
    let world = World::new().await;
    let mut people = Vec::new();
    for n in 0..4 {
        people.push(world.person(&format!("admin{n}"), GlobalRole::Admin).await);
    }
    for round in 0..5 {
        let mut racing = JoinSet::new();
        for person in &people {
            // Each steps down: all but one may.
            let request = person.patch(&format!("/api/v1/users/{}", person.id)).json(&json!({"role": "user"}));
            racing.spawn(async move { request.send().await.status.as_u16() });
        }
        let mut statuses = racing.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 409], "round {round}");
        let mut left = None;
        for person in &people {
            if person.get("/api/v1/me").expect(200).await.str("/role") == "admin" {
                left = Some(person);
            }
        }
        let left = left.expect("one is left");
        for person in &people {
            patch(left, person, json!({"role": "admin"})).await.expect(200);
        }
    }
}
