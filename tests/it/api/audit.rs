//! The audit log: rule 31.

use kalends_core::audit::{self, Action, Entry, Seal};
use kalends_core::check;
use kalends_core::ctx::{Ctx, Door};
use kalends_db::{Error, sql};
use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits};

/// Seals whatever can be sealed, as the server does every second.
async fn seal(world: &World) {
    let sealed: Result<Option<Seal>, Error> =
        world.db.write(world.now(), |tx, now| Box::pin(audit::seal(tx, *now))).await;
    sealed.expect("sealed");
}

/// Goes on until there is a further seal: on PostgreSQL the transactions of other tests hold the log back for a while.
async fn seal_beyond(world: &World, n: i64) -> Seal {
    let began = std::time::Instant::now();
    loop {
        seal(world).await;
        let head = audit::head(&mut world.db.reader().await.expect("a reader")).await.expect("an answer");
        match head {
            Some(head) if head.n > n => return head,
            _ => assert!(began.elapsed() < std::time::Duration::from_secs(20), "nothing to seal"),
        }
    }
}

async fn rows(admin: &Person, question: &str) -> Vec<Value> {
    admin.get(&format!("/api/v1/audit?limit=500&{question}")).expect(200).await.items().clone()
}

async fn one(admin: &Person, question: &str) -> Value {
    let rows = rows(admin, question).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].clone()
}

/// The password that the people of a test have.
const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn a_write_is_in_the_log_with_who_when_how_and_from_where() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await;
    let row = one(&admin, &format!("record_id={}", made.id())).await;
    assert_eq!(row["action"], "write");
    assert_eq!(row["operation"], "created");
    assert_eq!(row["type"], "event");
    assert_eq!(row["actor_id"], alice.id.as_str());
    assert_eq!(row["door"], "rest");
    assert_eq!(row["address"], "127.0.0.1");
    assert_eq!(row["result"], "ok");
    assert_eq!(Some(row["request_id"].as_str().expect("a text")), made.header("x-request-id"));
    assert_eq!(row["at"], "2027-01-15T10:00:00Z");
    // What was refused has changed nothing and is no write.
    let before = rows(&admin, "action=write").await.len();
    alice.post("/api/v1/events").json(&json!({"title": "x"})).send().await.expect_problem("invalid");
    assert_eq!(rows(&admin, "action=write").await.len(), before);
    fits(&world).await;
}

#[tokio::test]
async fn who_was_given_what_is_in_the_log_also_through_groups_and_addresses() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let group = alice.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
    let share = format!("/api/v1/calendars/{club}/share");
    for party in [json!({"user_id": bob.id}), json!({"group_id": group}), json!({"email": "nobody@example.org"})] {
        let mut one = party.clone();
        one["role"] = "viewer".into();
        alice.post(&share).json(&json!({"users": [one]})).expect(200).await;
        // The same once more is no news.
        alice.post(&share).json(&json!({"users": [one]})).expect(200).await;
    }
    let of_group = format!("/api/v1/calendars/{club}/permissions/{group}");
    for _ in 0..2 {
        alice.put(&of_group).json(&json!({"role": "editor"})).expect(200).await;
    }
    let members = format!("/api/v1/groups/{group}/members");
    alice.post(&members).json(&json!({"users": [{"user_id": bob.id}]})).expect(200).await;
    bob.delete(&format!("{members}/{}", bob.id)).expect(204).await;
    alice.delete(&format!("/api/v1/groups/{group}")).expect(204).await;
    let told = |row: &Value| {
        let detail = &row["detail"];
        let party = [&detail["user_id"], &detail["group"]["name"], &detail["group"]["email"]];
        let party = party.into_iter().find(|one| one.is_string()).cloned().unwrap_or_default();
        json!([row["operation"], party, detail["from"], detail["to"]])
    };
    let mut of_roles = rows(&admin, &format!("record_id={club}")).await;
    of_roles.retain(|row| row["type"] == "calendar_permission");
    of_roles.reverse();
    let of_roles: Vec<Value> = of_roles.iter().map(told).collect();
    assert_eq!(
        of_roles,
        [
            json!(["created", bob.id, null, "viewer"]),
            json!(["created", "Board", null, "viewer"]),
            json!(["created", "nobody@example.org", null, "viewer"]),
            json!(["updated", "Board", "viewer", "editor"]),
            json!(["deleted", "Board", "editor", null]),
        ]
    );
    let mut of_members = rows(&admin, &format!("record_id={group}")).await;
    of_members.reverse();
    let of_members: Vec<Value> =
        of_members.iter().map(|row| json!([row["actor_id"], row["operation"], row["detail"]["member"]])).collect();
    assert_eq!(
        of_members,
        [
            json!([alice.id, "created", null]),
            json!([alice.id, "updated", {"id": bob.id, "op": "added"}]),
            json!([bob.id, "updated", {"id": bob.id, "op": "removed"}]),
            json!([alice.id, "deleted", null]),
        ]
    );
    fits(&world).await;
}

#[tokio::test]
async fn sign_ins_are_in_the_log_and_failed_ones_are_counted_by_the_minute() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let row = one(&admin, &format!("action=sign_in&actor_id={}", alice.id)).await;
    assert_eq!((&row["result"], &row["address"]), (&json!("ok"), &json!("127.0.0.1")));
    for (login, times) in [("alice", 3), ("nobody", 2)] {
        for _ in 0..times {
            let wrong = json!({"login": login, "password": "wrong horse"});
            world.anonymous().post("/api/v1/auth/login").json(&wrong).send().await.expect_problem("bad-credentials");
        }
    }
    seal(&world).await;
    let failed = async |admin: &Person| -> Vec<(Value, Value)> {
        let rows = rows(admin, "action=sign_in").await;
        let failed = rows.into_iter().filter(|row| row["result"] == "failed");
        failed.map(|row| (row["at"].clone(), row["count"].clone())).collect()
    };
    assert_eq!(failed(&admin).await, [], "the minute is not over");
    world.advance(60);
    let wrong = json!({"login": "alice", "password": "wrong horse"});
    world.anonymous().post("/api/v1/auth/login").json(&wrong).send().await.expect_problem("bad-credentials");
    seal(&world).await;
    assert_eq!(failed(&admin).await, [(json!("2027-01-15T10:00:00Z"), json!(5))]);
    world.advance(60);
    seal(&world).await;
    assert_eq!(
        failed(&admin).await,
        [(json!("2027-01-15T10:01:00Z"), json!(1)), (json!("2027-01-15T10:00:00Z"), json!(5))]
    );
    let row = rows(&admin, "action=sign_in").await.into_iter().find(|row| row["result"] == "failed").expect("a row");
    assert_eq!((&row["address"], &row["actor_id"]), (&json!("127.0.0.1"), &Value::Null));
    fits(&world).await;
}

#[tokio::test]
async fn what_happens_to_tokens_sessions_and_passwords_is_in_the_log() {
    let world = World::new().await;
    let (mut alice, admin) = (world.alice().await, world.admin().await);
    let login = json!({"login": "alice", "password": PASSWORD});
    let session = world.anonymous().post("/api/v1/auth/login").json(&login).expect(200).await;
    alice.token = session.json["access_token"].as_str().map(str::to_owned);
    let token =
        alice.post("/api/v1/me/tokens").json(&json!({"name": "Script", "scopes": ["read"]})).expect(201).await.id();
    alice.delete(&format!("/api/v1/me/tokens/{token}")).expect(204).await;
    let change = |current: &str| json!({"current_password": current, "new_password": "another correct horse"});
    alice.put("/api/v1/me/password").json(&change("wrong horse")).send().await.expect_problem("invalid");
    alice.put("/api/v1/me/password").json(&change(PASSWORD)).expect(204).await;
    // A spent refresh token comes again; then somebody signs out.
    let spent = json!({"refresh_token": session.json["refresh_token"]});
    let next = alice.post("/api/v1/auth/refresh").json(&spent).expect(200).await;
    world.anonymous().post("/api/v1/auth/refresh").json(&spent).send().await.expect_problem("bad-token");
    let login = json!({"login": "alice", "password": "another correct horse"});
    let session = world.anonymous().post("/api/v1/auth/login").json(&login).expect(200).await;
    let refresh = json!({"refresh_token": session.json["refresh_token"]});
    world.anonymous().post("/api/v1/auth/logout").json(&refresh).expect(204).await;
    assert!(next.json["access_token"].is_string());
    let rows = rows(&admin, &format!("action=write&actor_id={}", alice.id)).await;
    let access: Vec<String> = rows
        .iter()
        .rev()
        .filter(|row| ["token", "session", "password"].contains(&row["type"].as_str().unwrap_or_default()))
        .map(|row| ["operation", "type", "result"].map(|name| row[name].as_str().unwrap_or_default()).join(" "))
        .collect();
    assert_eq!(
        access,
        [
            "created token ok",
            "deleted token ok",
            "updated password failed",
            "updated password ok",
            "deleted session refused",
            "deleted session ok"
        ]
    );
    fits(&world).await;
}

#[tokio::test]
async fn what_an_administrator_sees_by_that_right_alone_is_in_the_log() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "internal"})).await;
    let hers = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await.id();
    let public = json!({"title": "Feast", "start": "2027-05-03T12:00:00", "calendar_id": open});
    let public = event(&alice, &public).await.id();
    let own = event(&admin, &json!({"title": "Own", "start": "2027-05-03T12:00:00"})).await.id();
    for id in [&public, &own] {
        admin.get(&format!("/api/v1/events/{id}")).expect(200).await;
    }
    alice.get(&format!("/api/v1/events/{hers}")).expect(200).await;
    admin.get(&format!("/api/v1/calendars/{open}")).expect(200).await;
    admin.get(&format!("/api/v1/users/{}", admin.id)).expect(200).await;
    assert_eq!(rows(&admin, "action=admin_view").await, Vec::<Value>::new(), "others would have seen that, too");
    let viewed = async |reply: Reply| {
        let row = rows(&admin, "action=admin_view").await.into_iter().next().expect("a row");
        assert_eq!(row["request_id"].as_str(), reply.header("x-request-id"), "{row}");
        assert_eq!(row["actor_id"], admin.id.as_str());
        (row["type"].as_str().unwrap_or_default().to_owned(), row["record_id"].as_str().unwrap_or_default().to_owned())
    };
    let path = format!("/api/v1/events/{hers}");
    world.advance(1);
    assert_eq!(viewed(admin.get(&path).expect(200).await).await, ("event".to_owned(), hers.clone()));
    world.advance(1);
    let path = format!("/api/v1/calendars/{}", alice.calendar);
    assert_eq!(viewed(admin.get(&path).expect(200).await).await, ("calendar".to_owned(), alice.calendar.clone()));
    world.advance(1);
    let path = format!("/api/v1/users/{}", alice.id);
    assert_eq!(viewed(admin.get(&path).expect(200).await).await, ("user".to_owned(), alice.id.clone()));
    // Of several, one row names them.
    world.advance(1);
    let draft = json!({"title": "Draft", "start": "2027-05-03T12:00:00", "calendar_id": open, "state": "draft"});
    let drafts = [event(&alice, &draft).await.id(), event(&alice, &draft).await.id()];
    admin.get(&format!("/api/v1/events?calendar_id={open}")).expect(200).await;
    let row = rows(&admin, "action=admin_view").await.into_iter().next().expect("a row");
    let named: Vec<&str> =
        row["detail"]["records"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(drafts.iter().all(|id| named.contains(&id.as_str())) && !named.contains(&public.as_str()), "{row}");
    fits(&world).await;
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    for person in [&alice, &bob] {
        for day in 1..6 {
            world.advance(60);
            event(person, &json!({"title": "x", "start": format!("2027-05-0{day}T12:00:00")})).await;
        }
    }
    let question = format!("action=write&actor_id={}", alice.id);
    let all = rows(&admin, &question).await;
    assert_eq!(all.len(), 5, "accounts and their calendars were made by nobody here: {all:?}");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/api/v1/audit?limit=2&{question}{cursor}")).expect(200).await;
        paged.extend(page.items().clone());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let times: Vec<&str> = all.iter().filter_map(|row| row["at"].as_str()).collect();
    assert!(times.is_sorted_by(|a, b| a > b), "newest first: {times:?}");
    let window = format!("{question}&from=2027-01-15T10:02:00Z&to=2027-01-15T10:04:00Z");
    assert_eq!(rows(&admin, &window).await.len(), 2, "from is in it, to is not");
    for (wrong, pointer) in
        [("action=read", "?action"), ("actor_id=x", "?actor_id"), ("from=x", "?from"), ("who=x", "?who")]
    {
        let refused = admin.get(&format!("/api/v1/audit?{wrong}")).send().await.expect_problem("invalid");
        assert_eq!(refused.errors()[0].0, pointer);
    }
    fits(&world).await;
}

/// What `kalends check` says after something was done to the database directly.
async fn after(world: &World, statement: &'static str) -> Vec<&'static str> {
    let done: Result<u64, Error> =
        world.db.write((), move |tx, ()| Box::pin(async move { sql(statement).run(tx).await })).await;
    assert!(done.expect("done") > 0, "{statement}");
    let mut conn = world.db.reader().await.expect("a reader");
    check::run(&mut conn).await.expect("an answer").into_iter().map(|difference| difference.what).collect()
}

#[tokio::test]
async fn a_row_that_was_tampered_with_is_found() {
    const BROKEN: &str = "the audit log is as it was sealed";
    for statement in [
        "UPDATE audit SET actor_id = NULL WHERE action = 'sign_in' AND result = 'ok'",
        "UPDATE audit SET result = 'failed' WHERE seq = (SELECT max(seq) FROM audit WHERE action = 'sign_in')",
        "UPDATE audit SET address = '203.0.113.9' WHERE address IS NOT NULL",
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit WHERE action = 'sign_in')",
        "DELETE FROM audit_seals WHERE n = 1",
        "UPDATE audit_seals SET hash = 'x' WHERE n = 1",
        "UPDATE audit_seals SET rows_sealed = rows_sealed + 1 WHERE n = 1",
    ] {
        let world = World::new().await;
        let alice = world.alice().await;
        let sealed = seal_beyond(&world, 0).await;
        event(&alice, &json!({"title": "x", "start": "2027-05-03T12:00:00"})).await;
        seal_beyond(&world, sealed.n).await;
        fits(&world).await;
        assert_eq!(after(&world, statement).await, [BROKEN], "{statement}");
    }
}

#[tokio::test]
async fn the_head_can_be_kept_elsewhere() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    seal_beyond(&world, 0).await;
    let first = admin.get("/api/v1/audit/head").expect(200).await;
    event(&alice, &json!({"title": "x", "start": "2027-05-03T12:00:00"})).await;
    seal_beyond(&world, first.json["n"].as_i64().expect("a number")).await;
    let head = admin.get("/api/v1/audit/head").expect(200).await;
    assert!(head.json["n"].as_i64() > first.json["n"].as_i64(), "{}", head.text);
    assert_ne!(first.str("/hash"), head.str("/hash"));
    assert_eq!(head.str("/hash").len(), 64);
}

#[tokio::test]
async fn an_export_has_a_row_of_its_own() {
    let world = World::new().await;
    let admin = world.admin().await;
    let ctx = Ctx::system(world.now(), Door::Cli);
    let done: Result<(), Error> =
        world.db.write(ctx, |tx, ctx| Box::pin(audit::record(tx, ctx, Entry::of(Action::Export)))).await;
    done.expect("written");
    let row = one(&admin, "action=export").await;
    assert_eq!((&row["door"], &row["address"]), (&json!("cli"), &Value::Null));
}
