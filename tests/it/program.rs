//! The command line: the real program, its exit codes and what it says.

use kalends_db::Engine;
use kalends_db::testing::{TestDb, engine};
use kalends_testkit::{Binary, Setup};
use serde_json::json;

/// The program on a database of the engine that this test run is about.
async fn setup() -> (Setup, TestDb) {
    let db = TestDb::new().await;
    let setup = Setup::new().set("database.url", &db.url).set("rate_limit.enabled", "false");
    // Long, and different from every default there could be.
    let setup = setup.set("secret_key", "the program's tests have this secret key");
    (setup, db)
}

#[test]
fn wrong_usage_and_wrong_configuration_exit_with_2_and_say_why() {
    let setup = Setup::new();
    for arguments in [&["serv"][..], &["serve", "--port", "80"], &["admin", "create", "--username", "ada"], &[]] {
        let output = setup.run(arguments);
        assert_eq!(output.code, Some(2), "{arguments:?} {output:?}");
        assert!(output.stderr.contains("Usage") || output.stdout.contains("Usage"), "{output:?}");
    }
    let typo = Setup::new().set("http.listn", "127.0.0.1:0").run(&["serve"]);
    assert_eq!(typo.code, Some(2), "{typo:?}");
    assert!(
        typo.stderr.contains("KALENDS__HTTP__LISTN") && typo.stderr.contains("did you mean KALENDS__HTTP__LISTEN?"),
        "{typo:?}"
    );

    std::fs::write(setup.data().join("kalends.toml"), "[accounts]\nself_registation = true\n").expect("written");
    let typo = setup.run(&["migrate"]);
    assert_eq!(typo.code, Some(2), "{typo:?}");
    assert!(
        typo.stderr.contains("accounts.self_registation") && typo.stderr.contains("accounts.self_registration?"),
        "{typo:?}"
    );
    assert!(!setup.data().join("kalends.db").exists(), "nothing was touched");
}

#[test]
fn on_postgresql_the_secret_key_must_be_given() {
    let url = "postgres://nobody:a-password@127.0.0.1:1/nothing";
    let output = Setup::new().run(&["serve", "--database", url]);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("KALENDS__SECRET_KEY"), "{output:?}");
    let with_key = Setup::new().set("secret_key", "0123456789abcdef0123456789abcdef");
    let unreachable = with_key.run(&["serve", "--database", url]);
    assert_eq!(unreachable.code, Some(1), "{unreachable:?}");
    assert!(unreachable.stderr.contains("PostgreSQL") && !unreachable.stderr.contains("a-password"), "{unreachable:?}");
}

#[test]
fn the_configuration_can_be_shown_without_its_secrets() {
    let setup = Setup::new().set("secret_key", "0123456789abcdef0123456789abcdef");
    let output = setup.run(&["config", "show", "--database", "postgres://kalends:a-password@db.example/kalends"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("postgres://kalends:***@db.example/kalends"), "{output:?}");
    assert!(!output.stdout.contains("a-password") && !output.stdout.contains("0123456789"), "{output:?}");
    let generated = setup.run(&["config", "generate"]);
    std::fs::write(setup.data().join("kalends.toml"), &generated.stdout).expect("written");
    assert_eq!(setup.run(&["config", "check"]).code, Some(0), "{generated:?}");
}

#[tokio::test]
async fn migrating_twice_is_migrating_once() {
    let fresh = Setup::new();
    let setup = if engine() == Engine::Sqlite { fresh } else { setup().await.0 };
    for _ in 0..2 {
        let output = setup.run(&["migrate"]);
        assert_eq!(output.code, Some(0), "{output:?}");
    }
    let output = setup.run(&["check"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "no differences\n"), "{output:?}");
}

#[test]
fn there_is_nothing_to_check_where_there_is_no_database() {
    let setup = Setup::new();
    let output = setup.run(&["check"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("no database") && !setup.data().join("kalends.db").exists(), "{output:?}");
}

#[tokio::test]
async fn differences_exit_with_3_and_are_named() {
    let (setup, db) = setup().await;
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setup.run_with_input(&create, "correct horse\n").code, Some(0));
    let open = db.open().await;
    let broken: Result<u64, kalends_db::Error> = open
        .write((), |tx, ()| Box::pin(async { kalends_db::sql("DELETE FROM calendar_permissions").run(tx).await }))
        .await;
    assert_eq!(broken.expect("broken"), 1);
    open.close().await;
    let output = setup.run(&["check"]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stdout.contains("every calendar has its owner"), "{output:?}");
}

#[tokio::test]
async fn a_calendar_can_be_exported_without_the_server() {
    let (setup, _db) = setup().await;
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setup.run_with_input(&create, "correct horse\n").code, Some(0));
    let server = setup.serve(&[]).await;
    let token = format!("Bearer {}", sign_in(&server, "ada", "correct horse").await);
    let body = json!({"title": "Talk", "start": "2027-03-22T19:30:00", "state": "draft"});
    let made = server.post("/api/v1/events").header("authorization", &token).json(&body).expect(201).await;
    let calendar = made.str("/calendar_id").to_owned();
    let file = setup.data().join("out.csv");
    let to_file = file.to_str().expect("a path");
    let output = setup.run(&["export", "--calendar", &calendar, "--format", "csv", "--output", to_file]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(std::fs::read_to_string(&file).expect("the file").contains(",Talk,"));
    let output = setup.run(&["export", "--calendar", &calendar]);
    assert!(output.code == Some(0) && output.stdout.contains("SUMMARY:Talk\r\n"), "{output:?}");
    let output = setup.run(&["export", "--calendar", "01941f29-7c00-7ccc-8000-3d1c7e9a5b10"]);
    assert!(output.code == Some(1) && output.stderr.contains("there is no calendar"), "{output:?}");
    assert_eq!(setup.run(&["export", "--calendar", &calendar, "--format", "xlsx"]).code, Some(2));
    // Both are in the audit log.
    let told = server.get("/api/v1/audit?action=export").header("authorization", &token).expect(200).await;
    assert_eq!(told.each("/detail/format"), ["ics", "csv"]);
    assert_eq!((told.each("/door"), told.each("/record_id")), (vec!["cli".to_owned(); 2], vec![calendar; 2]));
}

async fn sign_in(server: &Binary, login: &str, password: &str) -> String {
    let body = json!({"login": login, "password": password});
    server.post("/api/v1/auth/login").json(&body).expect(200).await.str("/access_token").to_owned()
}

#[tokio::test]
async fn an_administrator_made_on_the_command_line_can_sign_in() {
    let (setup, _db) = setup().await;
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    let short = setup.run_with_input(&create, "short\n");
    assert!(short.code == Some(1) && short.stderr.contains("at least 8 characters"), "{short:?}");
    let server = setup.serve(&[]).await;
    // While the server runs: on SQLite the two processes share one file.
    let made = setup.run_with_input(&create, "correct horse \r\n");
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), "ada is an administrator now\n"), "{made:?}");
    let again = setup.run_with_input(&create, "correct horse\n");
    assert!(again.code == Some(1) && again.stderr.contains("\"ada\""), "{again:?}");

    let token = sign_in(&server, "ada", "correct horse ").await;
    let me = server.get("/api/v1/me").header("authorization", &format!("Bearer {token}")).expect(200).await;
    assert_eq!(me.str("/role"), "admin");
    assert!(!server.said().contains("correct horse"), "passwords are not logged");
}

#[tokio::test]
async fn the_printed_document_is_the_served_one() {
    let setup = Setup::new();
    let printed = setup.run(&["openapi"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let server = setup.serve(&[]).await;
    assert_eq!(server.get("/api/v1/openapi.json").expect(200).await.text, printed.stdout);
}

#[tokio::test]
async fn a_start_says_the_addresses_and_keeps_its_key_to_its_owner() {
    let setup = Setup::new();
    let server = setup.serve(&[]).await;
    let said = server.said();
    for word in [format!("Address  {}", server.base()), format!("Docs     {}/api/docs", server.base())] {
        assert!(said.contains(&word), "{said}");
    }
    assert!(!said.contains("password"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(setup.data().join("secret.key")).expect("a key");
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn log_lines_can_be_read_by_programs() {
    let setup = Setup::new().set("log.format", "json");
    let mut server = setup.serve(&[]).await;
    let id = server.get("/api/v1/events").expect(200).await.header("x-request-id").expect("an id").to_owned();
    server.signal("TERM");
    assert!(server.ended().await.success());
    let said = server.said();
    let lines = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let line = lines.rev().find(|line| line["request_id"] == id.as_str());
    let line = line.unwrap_or_else(|| panic!("no line of {id} in\n{said}"));
    assert_eq!((&line["path"], &line["status"]), (&json!("/api/v1/events"), &json!(200)), "{line}");
}

/// Starts a request whose second half is still to come.
async fn half_a_request(server: &Binary, path: &str, body: &str) -> (tokio::net::TcpStream, String) {
    use tokio::io::AsyncWriteExt;
    let address = server.base().trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("connected");
    let (first, second) = body.split_at(body.len() / 2);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.expect("written");
    (connection, second.to_owned())
}

#[tokio::test]
async fn a_running_request_is_finished_before_the_server_stops() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (setup, _db) = setup().await;
    let mut server = setup.serve(&[]).await;
    let body = json!({"username": "ada", "email": "ada@example.org", "password": "correct horse"}).to_string();
    let (mut running, rest) = half_a_request(&server, "/api/v1/auth/register", &body).await;
    // The server has begun with the request once it has answered a later one.
    server.get("/healthz").expect(200).await;
    server.signal("TERM");
    let address = server.base().trim_start_matches("http://").to_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "it still accepts connections");
        tokio::task::yield_now().await;
    }
    running.write_all(rest.as_bytes()).await.expect("written");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.said());
    let again = setup.serve(&[]).await;
    sign_in(&again, "ada", "correct horse").await;
}

fn demo_password(server: &Binary) -> String {
    let said = server.said();
    let password = said.split("with the password ").nth(1).and_then(|rest| rest.split_whitespace().next());
    password.unwrap_or_else(|| panic!("no password in\n{said}")).to_owned()
}

#[tokio::test]
async fn the_demo_is_made_once_and_found_again() {
    let (setup, _db) = setup().await;
    let first = setup.serve(&["--demo"]).await;
    let password = demo_password(&first);
    let token = sign_in(&first, "alice", &password).await;
    let path = "/api/v1/events?include=total&limit=500";
    let total = |reply: kalends_testkit::Reply| reply.json["total"].as_i64().expect("a total");
    let events = total(first.get(path).header("authorization", &format!("Bearer {token}")).expect(200).await);
    assert!(events > 80, "{events}");
    for word in ["alice, bob, carol, admin", "/api/docs"] {
        assert!(first.said().contains(word), "{}", first.said());
    }
    first.kill();

    let second = setup.serve(&["--demo"]).await;
    assert_eq!(demo_password(&second), password);
    for person in ["alice", "bob", "carol", "admin"] {
        let token = sign_in(&second, person, &password).await;
        let seen = total(second.get(path).header("authorization", &format!("Bearer {token}")).expect(200).await);
        assert!(seen > 0, "{person} sees {seen}");
        assert!(person != "alice" || seen == events, "nothing came twice");
    }
    second.kill();
    let checked = setup.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn the_demo_never_mixes_with_real_accounts() {
    let (setup, _db) = setup().await;
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setup.run_with_input(&create, "correct horse\n").code, Some(0));
    let refused = setup.run(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("--demo needs an empty database"), "{refused:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let setup = Setup::new();
    let server = setup.serve(&[]).await;
    let address = server.base().trim_start_matches("http://").to_owned();
    let second = setup.run(&["serve", "--listen", &address]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains(&address) && second.stderr.contains("--listen"), "{second:?}");
}

#[tokio::test]
async fn a_file_is_imported_from_the_command_line_with_a_report_and_an_exit_code() {
    let (setup, _db) = setup().await;
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setup.run_with_input(&create, "correct horse\n").code, Some(0));
    let good = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:Concert\r\nDTSTART:20270301T190000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let import = |more: &[&str], input: &str| {
        let arguments: Vec<&str> = ["import", "-", "--user", "ada"].iter().chain(more).copied().collect();
        setup.run_with_input(&arguments, input)
    };
    let dry = import(&["--dry-run"], good);
    assert!(dry.code == Some(0) && dry.stdout.starts_with("dry run: 1 created"), "{dry:?}");
    let done = import(&[], good);
    assert!(done.code == Some(0) && done.stdout.starts_with("1 created, 0 updated, 0 unchanged"), "{done:?}");
    // Beside a running server, into a calendar by its name.
    let server = setup.serve(&[]).await;
    let bearer = format!("Bearer {}", sign_in(&server, "ada", "correct horse").await);
    server.post("/api/v1/calendars").header("authorization", &bearer).json(&json!({"name": "Choir"})).expect(201).await;
    let half = import(
        &["--calendar", "Choir"],
        &good.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nUID:b\r\nEND:VEVENT\r\nEND:VCALENDAR"),
    );
    assert_eq!(half.code, Some(1), "{half:?}");
    assert!(half.stdout.contains("line 7: refused missing-start") && half.stdout.contains("1 created"), "{half:?}");
    let jobs = server.get("/api/v1/jobs").header("authorization", &bearer).expect(200).await;
    assert_eq!(jobs.each("/state"), ["done", "done", "done"]);
    for (more, says) in [
        (&["--calendar", "Chor"][..], "no calendar of this name"),
        (&["--user", "bob"], "no such account"),
        (&["--profile", "xlsx"], "there is ics"),
    ] {
        let wrong = if more[0] == "--user" {
            setup.run_with_input(&["import", "-", "--user", "bob"], good)
        } else {
            import(more, good)
        };
        assert!(wrong.code != Some(0) && wrong.stderr.contains(says), "{wrong:?}");
    }
    let nonsense = import(&[], "nonsense");
    assert!(nonsense.code == Some(1) && nonsense.stderr.contains("no iCalendar file"), "{nonsense:?}");
    // 200 MB: no more of it is read than is allowed.
    let large = setup.data().join("large.ics");
    std::fs::File::create(&large).and_then(|file| file.set_len(200_000_000)).expect("a file");
    let refused = setup.run(&["import", "large.ics", "--user", "ada"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("large.ics is larger than 20 MiB"), "{refused:?}");
}
