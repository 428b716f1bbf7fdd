//! Backups: made while people write, restored into either database, refused when they are not whole.

use std::path::Path;

use kalends_core::settings;
use kalends_db::Engine;
use kalends_db::testing::{TestDb, engine};
use kalends_testkit::{Output, Person, Setup, World};
use serde_json::json;

/// The program on a database.
fn program_on(db: &TestDb) -> Setup {
    let setup = Setup::new().set("database.url", &db.url).set("rate_limit.enabled", "false");
    setup.set("secret_key", "a key of tests, long enough for everybody")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

fn ok(output: Output) -> Output {
    assert_eq!(output.code, Some(0), "{output:?}");
    output
}

async fn epoch(db: &TestDb) -> String {
    let open = db.open().await;
    let mut conn = open.reader().await.expect("a reader");
    let epoch = settings::get(&mut conn, settings::EPOCH).await.expect("an answer").expect("an epoch");
    drop(conn);
    open.close().await;
    epoch
}

async fn is_empty(db: &TestDb) -> bool {
    let open = db.open().await;
    let empty = open.is_empty().await.expect("an answer");
    open.close().await;
    empty
}

/// Series, overrides, drafts, the trash, shares: something of everything.
async fn fill(alice: &Person, bob: &Person) {
    let event = |number: usize| {
        let day = format!("2027-03-{:02}", 1 + number % 28);
        json!({"title": format!("Konzert № {number} – Übung"), "start": format!("{day}T19:30:00"), "end": format!("{day}T21:00:00"),
            "categories": ["Musik", "öffentlich"], "meta": {"n": number}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]})
    };
    for number in 0..40 {
        let made = alice.post("/api/v1/events").json(&event(number)).expect(201).await;
        let one = format!("/api/v1/events/{}", made.id());
        match number % 4 {
            0 => alice.patch(&one).json(&json!({"location": "Aula\tund \"Hof\" \\"})).send().await,
            1 => alice.delete(&one).send().await,
            2 => {
                alice
                    .post(&format!("{one}/share"))
                    .json(&json!({"users": [{"user_id": bob.id, "role": "editor"}]}))
                    .send()
                    .await
            }
            _ => alice.get(&one).send().await,
        };
    }
}

#[tokio::test]
async fn what_was_backed_up_under_writes_is_the_same_in_the_other_database() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    fill(&alice, &bob).await;
    let all = "/api/v1/events?limit=500&sort=created_at";
    let before = alice.get(all).expect(200).await;

    let source = program_on(&world.test_db);
    let file = source.data().join("first.backup");
    let writer = alice.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let writing = tokio::spawn(async move {
        let mut stopped = stopped;
        let mut written = 0;
        while stopped.try_recv().is_err() {
            let body = json!({"title": "Meanwhile", "start": "2027-05-01T10:00:00", "state": "draft"});
            writer.post("/api/v1/events").json(&body).expect(201).await;
            written += 1;
        }
        written
    });
    let to = text(&file).to_owned();
    let (source, made) = tokio::task::spawn_blocking(move || {
        let made = source.run(&["backup", &to]);
        (source, made)
    })
    .await
    .expect("it ends");
    stop.send(()).expect("it runs");
    assert!(writing.await.expect("it ends") > 0, "somebody wrote meanwhile");
    assert!(ok(made).stdout.contains("read back whole"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    let left: Vec<_> = std::fs::read_dir(source.data()).expect("a folder").filter_map(Result::ok).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains("unfinished")), "{left:?}");
    let again = source.run(&["backup", text(&file)]);
    assert!(again.code == Some(1) && again.stderr.contains("never replaces"), "{again:?}");

    let other = TestDb::on(if engine() == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite }).await;
    let target = program_on(&other);
    ok(target.run(&["restore", text(&file)]));
    let checked = ok(target.run(&["check"]));
    assert_eq!(checked.stdout, "no differences\n");
    assert_ne!(epoch(&other).await, epoch(&world.test_db).await, "positions of before mean nothing any more");

    let server = target.serve(&[]).await;
    let login = json!({"login": "alice", "password": world.password()});
    let token = server.post("/api/v1/auth/login").json(&login).expect(200).await.str("/access_token").to_owned();
    let bearer = format!("Bearer {token}");
    let get = async |path: &str| {
        server.request(kalends_testkit::Method::GET, path).header("authorization", &bearer).expect(200).await
    };
    let after = get(all).await;
    let count = before.items().len();
    assert!(count >= 30);
    let mut there = after.items().clone();
    there.retain(|item| item["title"] != "Meanwhile");
    assert_eq!(&there, before.items(), "everything is there, to the letter");
    let trash = get("/api/v1/events?limit=500&deleted=true").await;
    assert_eq!(trash.items(), alice.get("/api/v1/events?limit=500&deleted=true").expect(200).await.items());
    assert_eq!(
        get("/api/v1/events?q=konzrt&limit=500").await.items().len(),
        count,
        "the index of words is there again"
    );
    // It goes on from there: versions, the log, everything that counts.
    let id = before.str("/items/0/id");
    let patched = server.request(kalends_testkit::Method::PATCH, &format!("/api/v1/events/{id}"));
    patched.header("authorization", &bearer).json(&json!({"title": "After"})).expect(200).await;
    drop(server);
    ok(target.run(&["check"]));

    // And back again, over what is there.
    let second = target.data().join("second.backup");
    ok(target.run(&["backup", text(&second)]));
    let third = TestDb::new().await;
    let back = program_on(&third);
    ok(back.run(&["restore", text(&file)]));
    let refused = back.run(&["restore", text(&second)]);
    assert!(refused.code == Some(1) && refused.stderr.contains("--force"), "{refused:?}");
    ok(back.run(&["restore", "--force", text(&second)]));
    ok(back.run(&["check"]));
    let server = back.serve(&[]).await;
    let token = server.post("/api/v1/auth/login").json(&login).expect(200).await.str("/access_token").to_owned();
    let seen = server.get(&format!("/api/v1/events/{id}")).header("authorization", &format!("Bearer {token}"));
    assert_eq!(seen.expect(200).await.str("/title"), "After");
}

#[tokio::test]
async fn a_backup_that_is_not_whole_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    fill(&alice, &bob).await;
    let source = program_on(&world.test_db);
    let file = source.data().join("good.backup");
    ok(source.run(&["backup", text(&file)]));
    let good = std::fs::read(&file).expect("a file");
    let epoch_before = epoch(&world.test_db).await;
    let kept = alice.get("/api/v1/events?limit=500").expect(200).await;

    let empty = TestDb::new().await;
    let target = program_on(&empty);
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bad
    };
    let mut doubled = good.clone();
    doubled.extend_from_slice(&good);
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("no backup", b"Dear diary\n".to_vec()),
        ("one byte", good[..1].to_vec()),
        ("half of it", good[..good.len() / 2].to_vec()),
        ("all but the end", good[..good.len() - 9].to_vec()),
        ("a changed byte in front", flipped(40)),
        ("a changed byte in the middle", flipped(good.len() / 2)),
        ("a changed byte at the end", flipped(good.len() - 5)),
        ("twice", doubled),
    ];
    let path = source.data().join("bad.backup");
    for (what, bytes) in bad {
        std::fs::write(&path, bytes).expect("written");
        for (setup, arguments) in
            [(&target, &["restore", text(&path)][..]), (&source, &["restore", "--force", text(&path)][..])]
        {
            let refused = setup.run(arguments);
            assert!(refused.code == Some(1) && refused.stderr.contains("backup cannot be used"), "{what}: {refused:?}");
        }
    }
    assert!(is_empty(&empty).await);
    assert_eq!(epoch(&world.test_db).await, epoch_before);
    assert_eq!(alice.get("/api/v1/events?limit=500").expect(200).await.items(), kept.items());
    let missing = target.run(&["restore", "/nowhere/at-all.backup"]);
    assert!(missing.code == Some(1) && missing.stderr.contains("/nowhere/at-all.backup"), "{missing:?}");
    ok(target.run(&["restore", text(&file)]));
    assert!(!is_empty(&empty).await);
}

#[test]
fn there_is_nothing_to_back_up_where_there_is_no_database() {
    let setup = Setup::new();
    let output = setup.run(&["backup", "x.backup"]);
    assert!(output.code == Some(1) && output.stderr.contains("no database"), "{output:?}");
    assert!(!setup.data().join("x.backup").exists() && !setup.data().join("kalends.db").exists());
}

#[test]
fn the_configuration_says_where_each_value_comes_from() {
    let setup = Setup::new().set("log.level", "debug");
    std::fs::write(setup.data().join("kalends.toml"), "[http]\npublic_url = \"https://events.example.org\"\n")
        .expect("written");
    let shown = ok(setup.run(&["config"]));
    for line in [
        "log.level = \"debug\"  # KALENDS__LOG__LEVEL",
        "http.listen = \"127.0.0.1:8080\"  # default",
        "kalends.toml: http.public_url",
    ] {
        assert!(shown.stdout.contains(line), "{line}\n{}", shown.stdout);
    }
}
