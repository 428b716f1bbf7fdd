//! A server that is killed, and what it must not lose.

mod disk_full;
mod imports;
mod kill;
mod sync;

use kalends_db::Engine;
use kalends_db::testing::TestDb;
use kalends_testkit::{Binary, Setup};
use serde_json::{Value, json};

/// The program on a database of this engine, with an administrator.
async fn program(engine: Engine) -> (Setup, TestDb) {
    let db = TestDb::on(engine).await;
    let setup = Setup::new()
        .set("database.url", &db.url)
        .set("rate_limit.enabled", "false")
        .set("secret_key", "the tests of crashes have this secret key");
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    let made = setup.run_with_input(&create, "correct horse\n");
    assert_eq!(made.code, Some(0), "{made:?}");
    (setup, db)
}

/// The header of somebody who is signed in.
async fn sign_in(server: &Binary) -> String {
    let body = json!({"login": "ada", "password": "correct horse"});
    let reply = server.post("/api/v1/auth/login").json(&body).expect(200).await;
    format!("Bearer {}", reply.str("/access_token"))
}

fn lecture(title: &str) -> Value {
    json!({"title": title, "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich"})
}
