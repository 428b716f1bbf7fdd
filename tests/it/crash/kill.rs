//! `kill -9` again and again during writes: every acknowledged write is there, and `kalends check` finds nothing.
//!
//! This shows that no state of the program's memory is needed to come back. A killed process keeps its page cache; that an
//! answer waits for the disk is shown by `sync`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kalends_db::Engine;
use kalends_testkit::{Binary, Method};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{lecture, program, sign_in};

const WRITERS: usize = 6;

#[expect(clippy::disallowed_methods, reason = "a soak asks for more rounds")]
fn rounds() -> usize {
    std::env::var("KALENDS_CRASH_ROUNDS")
        .ok()
        .map_or(12, |rounds| rounds.parse().expect("KALENDS_CRASH_ROUNDS is a number"))
}

/// What the server said it had done.
#[derive(Default)]
struct Acknowledged {
    /// New events: id and title.
    events: Vec<(String, String)>,
    /// The newest version of the event that all change.
    version: i64,
}

/// Writes until the server is gone.
async fn write(
    server: Arc<Binary>,
    bearer: String,
    shared: String,
    name: String,
    heard: Arc<(AtomicUsize, Notify)>,
) -> Acknowledged {
    let mut all = Acknowledged::default();
    for n in 0.. {
        let title = format!("{name} {n}");
        let path = format!("/api/v1/events/{shared}");
        let request = if n % 4 == 3 {
            server.request(Method::PATCH, &path).json(&json!({"title": title}))
        } else {
            server.post("/api/v1/events").json(&lecture(&title))
        };
        let Ok(reply) = request.header("authorization", &bearer).try_send().await else { break };
        match reply.status.as_u16() {
            201 => all.events.push((reply.id(), title)),
            200 => all.version = all.version.max(reply.json["version"].as_i64().expect("a version")),
            _ => drop(reply.expect(201)),
        }
        heard.0.fetch_add(1, Ordering::SeqCst);
        heard.1.notify_one();
    }
    all
}

async fn killed_again_and_again(engine: Engine) {
    let (setup, _db) = program(engine).await;
    let server = setup.serve(&[]).await;
    let mut bearer = sign_in(&server).await;
    let made =
        server.post("/api/v1/events").header("authorization", &bearer).json(&lecture("Shared")).expect(201).await;
    let (shared, mut version) = (made.id(), 1);
    server.kill();
    let mut all: Vec<(String, String)> = Vec::new();
    for round in 0..rounds() {
        let server = Arc::new(setup.serve(&[]).await);
        let before = server.get(&format!("/api/v1/events/{shared}")).header("authorization", &bearer).expect(200).await;
        assert!(before.json["version"].as_i64().expect("a version") >= version, "an acknowledged version is gone");
        let heard = Arc::new((AtomicUsize::new(0), Notify::new()));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let name = format!("round {round} writer {writer}");
            writers.spawn(write(server.clone(), bearer.clone(), shared.clone(), name, heard.clone()));
        }
        // In the middle of writing: after another number of answers each time, while other requests are on their way.
        while heard.0.load(Ordering::SeqCst) < 1 + round * 7 % 60 {
            heard.1.notified().await;
        }
        server.signal("KILL");
        let mut new = Vec::new();
        while let Some(done) = writers.join_next().await {
            let acknowledged = done.expect("it ends");
            new.extend(acknowledged.events);
            version = version.max(acknowledged.version);
        }
        // Dropping it waits until the process is gone.
        drop(server);
        let check = setup.run(&["check"]);
        assert_eq!((check.code, check.stdout.as_str()), (Some(0), "no differences\n"), "round {round}: {check:?}");
        let server = setup.serve(&[]).await;
        // A token lives fifteen minutes; a soak takes longer.
        bearer = sign_in(&server).await;
        for (id, title) in &new {
            let event = server.get(&format!("/api/v1/events/{id}")).header("authorization", &bearer).expect(200).await;
            assert_eq!(event.str("/title"), title);
        }
        server.kill();
        all.extend(new);
    }
    let server = setup.serve(&[]).await;
    let mut path = "/api/v1/events?limit=500".to_owned();
    let mut there = std::collections::BTreeSet::new();
    loop {
        let page = server.get(&path).header("authorization", &bearer).expect(200).await;
        there.extend(page.each("/id"));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/v1/events?limit=500&cursor={cursor}");
    }
    let lost: Vec<&(String, String)> = all.iter().filter(|(id, _)| !there.contains(id)).collect();
    assert_eq!(lost, Vec::<&(String, String)>::new());
    let shared = server.get(&format!("/api/v1/events/{shared}")).header("authorization", &bearer).expect(200).await;
    assert!(shared.json["version"].as_i64() >= Some(version));
    println!(
        "{engine:?}: killed {} times; {} events and version {version} acknowledged, {} events there",
        rounds(),
        all.len(),
        there.len()
    );
    let _: Value = shared.json;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_on_sqlite() {
    killed_again_and_again(Engine::Sqlite).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_on_postgresql() {
    killed_again_and_again(Engine::Postgres).await;
}
