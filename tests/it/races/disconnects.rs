//! Clients that go away in the middle, a thousand times. (Callers of `Db::write` that are cut off at the microsecond, and
//! the driver's own `begin` as the control, are in `crates/db/tests/db/cut_off.rs`.)

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kalends_db::{Conn, Engine, sql};
use kalends_testkit::{Person, World};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Chance, Text, is_sound};

const CLIENTS: u64 = 8;
const EACH: usize = 125;

/// The sessions of this program on its database that are not idle, but for the one that asks.
const BUSY: &str =
    "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kalends'
    AND state <> 'idle' AND pid <> pg_backend_pid()";

/// Sends a request for a new event up to some point and goes away. True when the answer was 201.
async fn visit(address: &str, token: &str, title: &str, chance: &mut Chance) -> bool {
    let body = json!({"title": title, "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich"}).to_string();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let line = head.find('\r').expect("a line");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let whole = format!("{head}{body}").into_bytes();
    let cut = match chance.below(8) {
        0 => 1 + chance.below(line),
        1 => line + chance.below(head.len() - line),
        2 => head.len() + chance.below(body.len()),
        _ => whole.len(),
    };
    if stream.write_all(&whole[..cut]).await.is_err() || cut < whole.len() {
        return false;
    }
    match chance.below(6) {
        // At once.
        0 | 1 => false,
        // While it works.
        2 | 3 => {
            let (began, limit) =
                (Instant::now(), Duration::from_micros(50 * u64::try_from(chance.below(200)).expect("small")));
            while began.elapsed() < limit {
                tokio::task::yield_now().await;
            }
            false
        }
        // While the answer is on its way.
        4 => {
            let mut some = vec![0; 1 + chance.below(12)];
            stream.read_exact(&mut some).await.ok();
            some == b"HTTP/1.1 201"
        }
        _ => {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.expect("an answer");
            assert_eq!(answer, *b"HTTP/1.1 201");
            true
        }
    }
}

async fn number(conn: &mut Conn, statement: &'static str) -> i64 {
    sql(statement).one(conn).await.expect("a number")
}

async fn thousand(engine: Engine) {
    let world = World::builder().on(engine).start().await;
    let alice = world.alice().await;
    let token = Arc::new(alice.token.clone().expect("a token"));
    let address = Arc::new(world.base().trim_start_matches("http://").to_owned());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (token, address) = (token.clone(), address.clone());
        clients.spawn(async move {
            let mut chance = Chance::new(client + 1);
            let mut acknowledged = Vec::new();
            for n in 0..EACH {
                let title = format!("visit {client} {n}");
                if visit(&address, &token, &title, &mut chance).await {
                    acknowledged.push(title);
                }
            }
            acknowledged
        });
    }
    let mut acknowledged = BTreeSet::new();
    while let Some(titles) = clients.join_next().await {
        acknowledged.extend(titles.expect("it ends"));
    }
    if engine == Engine::Postgres {
        // What still runs may end; a connection that was left behind would stay (until the server ends it after 30 s).
        let began = Instant::now();
        let mut conn = world.db.reader().await.expect("a reader");
        while number(&mut conn, BUSY).await > 0 {
            assert!(began.elapsed() < Duration::from_secs(15), "a connection was left inside a transaction");
            tokio::task::yield_now().await;
        }
    }
    for n in 0..200 {
        write(&alice, &format!("after {n}")).await;
    }
    let mut conn = world.db.reader().await.expect("a reader");
    if engine == Engine::Postgres {
        assert_eq!(number(&mut conn, BUSY).await, 0);
    }
    let titles: Vec<Text> = sql("SELECT title_key AS t FROM events").all(&mut conn).await.expect("rows");
    let there: BTreeSet<String> = titles.into_iter().map(|title| title.0).collect();
    let visits = there.iter().filter(|title| title.starts_with("visit")).count();
    println!("{engine:?}: of 1000 visits {} heard 201, {visits} were written", acknowledged.len());
    assert!(acknowledged.is_subset(&there), "an acknowledged event is not there");
    assert!(
        acknowledged.len() > 100 && visits > acknowledged.len() && visits < 1_000,
        "{} {visits}",
        acknowledged.len()
    );
    assert_eq!(there.len() - visits, 200);
    is_sound(&world.db).await;
}

async fn write(alice: &Person, title: &str) {
    let body = json!({"title": title, "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich"});
    alice.post("/api/v1/events").json(&body).expect(201).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_that_go_away_leave_nothing_behind_on_postgresql() {
    thousand(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_that_go_away_leave_nothing_behind_on_sqlite() {
    thousand(Engine::Sqlite).await;
}
