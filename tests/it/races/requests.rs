//! Requests that meet: the same key, the same event, the same name.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kalends_db::{Engine, sql};
use kalends_testkit::{Reply, Request, World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::unguarded::{NO_ROW_LOCKS, Unguarded};
use super::{Text, is_sound};

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::Sqlite];

/// Sends all of them at once.
async fn together(requests: impl IntoIterator<Item = Request>) -> Vec<Reply> {
    let mut all: JoinSet<Reply> = requests.into_iter().map(Request::send).collect();
    let mut replies = Vec::new();
    while let Some(reply) = all.join_next().await {
        replies.push(reply.expect("it ends"));
    }
    replies
}

fn lecture(title: &str) -> Value {
    json!({"title": title, "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich"})
}

async fn texts(world: &World, statement: &'static str) -> Vec<String> {
    let mut conn = world.db.reader().await.expect("a reader");
    let texts: Vec<Text> = sql(statement).all(&mut conn).await.expect("rows");
    texts.into_iter().map(|text| text.0).collect()
}

#[tokio::test]
async fn two_posts_with_one_key_have_one_effect() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let posts = (0..50).flat_map(|pair| {
            let post = move |alice: &kalends_testkit::Person| {
                alice
                    .post("/api/v1/events")
                    .header("idempotency-key", &format!("pair-{pair}"))
                    .json(&lecture(&format!("Lecture {pair:02}")))
            };
            [post(&alice), post(&alice)]
        });
        let replies = together(posts).await;
        let mut ids: Vec<String> = replies.into_iter().map(|reply| reply.expect(201).id()).collect();
        ids.sort();
        let pairs = ids.chunks(2).filter(|pair| pair[0] == pair[1]).count();
        assert_eq!((ids.len(), pairs), (100, 50), "both of a pair have the same answer on {engine:?}");
        let titles = texts(&world, "SELECT title_key AS t FROM events ORDER BY title_key").await;
        let once: Vec<String> = (0..50).map(|pair| format!("lecture {pair:02}")).collect();
        assert_eq!(titles, once, "one effect each on {engine:?}");
        is_sound(&world.db).await;
    }
}

/// The control: without a key each has its effect.
#[tokio::test]
async fn two_posts_without_a_key_have_two_effects() {
    let world = World::builder().on(Engine::Postgres).start().await;
    let alice = world.alice().await;
    let replies = together((0..10).map(|_| alice.post("/api/v1/events").json(&lecture("Twin")))).await;
    replies.into_iter().for_each(|reply| drop(reply.expect(201)));
    assert_eq!(texts(&world, "SELECT title_key AS t FROM events").await.len(), 10);
}

#[tokio::test]
async fn parallel_patches_of_one_event_all_survive_in_its_history() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let path =
            format!("/api/v1/events/{}", alice.post("/api/v1/events").json(&lecture("Start")).expect(201).await.id());
        // Half of them change one field and half another: nobody undoes what another one did.
        let patches = (0..40).map(|n| {
            let body = if n % 2 == 0 {
                json!({"title": format!("Title {n:02}")})
            } else {
                json!({"location": format!("Room {n:02}")})
            };
            alice.patch(&path).json(&body)
        });
        let mut versions: Vec<i64> = together(patches)
            .await
            .into_iter()
            .map(|reply| reply.expect(200).json["version"].as_i64().expect("a version"))
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, (2..=41).collect::<Vec<i64>>(), "each has a version of its own on {engine:?}");
        let snapshots = texts(&world, "SELECT snapshot AS t FROM event_versions ORDER BY version").await;
        assert_eq!(snapshots.len(), 41);
        let snapshots: Vec<Value> = snapshots.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
        let of = |snapshot: &Value| (snapshot["content"]["title"].clone(), snapshot["content"]["location"].clone());
        for pair in snapshots.windows(2) {
            let (before, after) = (of(&pair[0]), of(&pair[1]));
            assert!((before.0 == after.0) != (before.1 == after.1), "one field at a time: {before:?} {after:?}");
        }
        let last = alice.get(&path).expect(200).await;
        assert_eq!((last.json["title"].clone(), last.json["location"].clone()), of(&snapshots[40]));
        is_sound(&world.db).await;
    }
}

#[tokio::test]
async fn of_parallel_patches_of_one_version_one_wins() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let made = alice.post("/api/v1/events").json(&lecture("Start")).expect(201).await;
        let path = format!("/api/v1/events/{}", made.id());
        let patches = (0..20)
            .map(|n| alice.patch(&path).header("if-match", &made.etag()).json(&json!({"title": format!("Title {n}")})));
        let replies = together(patches).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (200, &[412; 19][..]), "{engine:?}");
        assert_eq!(alice.get(&path).expect(200).await.json["version"], 2);
        is_sound(&world.db).await;
    }
}

#[tokio::test]
async fn of_parallel_sign_ups_with_one_name_one_wins() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let sign_ups = (0..16).map(|n| {
            let body = json!({"username": "zoe", "email": format!("zoe{n}@example.org"), "password": "correct horse"});
            world.anonymous().post("/api/v1/auth/register").json(&body)
        });
        let replies = together(sign_ups).await;
        let (won, lost): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status.as_u16() == 201);
        assert_eq!(won.len(), 1, "{engine:?}");
        lost.into_iter().for_each(|reply| drop(reply.expect_problem("username-taken")));
        assert_eq!(texts(&world, "SELECT username_key AS t FROM users").await, ["zoe"]);
        assert_eq!(
            texts(&world, "SELECT name AS t FROM calendars").await.len(),
            1,
            "nothing is left of those who lost"
        );
        is_sound(&world.db).await;
    }
}

#[tokio::test]
async fn parallel_deletes_and_restores_leave_one_chain() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = Arc::new(world.alice().await);
        let path = format!(
            "/api/v1/events/{}",
            alice.post("/api/v1/events").json(&lecture("Here and gone")).expect(201).await.id()
        );
        let requests = (0..60).map(|n| match n % 3 {
            0 => alice.delete(&path),
            1 => alice.post(&format!("{path}/restore")),
            _ => alice.patch(&path).json(&json!({"title": format!("Title {n}")})),
        });
        let mut deleted = 0;
        for reply in together(requests).await {
            let status = reply.status.as_u16();
            assert!([200, 204, 404, 409].contains(&status), "{engine:?} {reply:?}");
            deleted += usize::from(status == 204);
        }
        assert_eq!(deleted, 20, "a DELETE is answered with 204, the second time too");
        is_sound(&world.db).await;
        alice.post(&format!("{path}/restore")).send().await;
        alice.get(&path).expect(200).await;
        is_sound(&world.db).await;
    }
}

/// Batches that change the same events, half of them from the last to the first.
async fn opposite_batches(world: &World, number: usize) -> Vec<Reply> {
    let alice = world.alice().await;
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(alice.post("/api/v1/events").json(&lecture(&format!("Lecture {n}"))).expect(201).await.id());
    }
    let batches = (0..number).map(|n| {
        let update = |id: &String| json!({"op": "update", "id": id, "event": {"location": format!("Hall {n}")}});
        let operations: Vec<Value> =
            if n % 2 == 0 { ids.iter().map(update).collect() } else { ids.iter().rev().map(update).collect() };
        alice.post("/api/v1/events/batch").json(&json!({"operations": operations}))
    });
    together(batches).await
}

#[tokio::test]
async fn batches_that_meet_in_opposite_order_are_all_done() {
    for engine in ENGINES {
        // Nothing is lost on this way: it counts the deadlocks.
        let counted = Unguarded::database(&[]).await;
        let world = match engine {
            Engine::Postgres => World::builder().over(counted.db),
            Engine::Sqlite => World::builder().on(engine),
        };
        let world = world.start().await;
        for reply in opposite_batches(&world, 20).await {
            reply.expect(200);
        }
        // The last one wins everywhere: none is mixed with another.
        let halls = world.alice().await.get("/api/v1/events").expect(200).await.each("/location");
        assert!(halls.iter().all(|hall| *hall == halls[0]), "{halls:?} on {engine:?}");
        assert_eq!(counted.deadlocks.load(Ordering::SeqCst), 0, "nobody waits for who waits for him");
    }
}

/// The control: when a batch does not lock its events first, all in one order, they wait for each other.
#[tokio::test]
async fn batches_that_lock_as_they_go_stand_in_each_others_way() {
    let unguarded = Unguarded::database(NO_ROW_LOCKS).await;
    let world = World::builder().over(unguarded.db).start().await;
    let mut deadlocks = 0;
    for _ in 0..20 {
        for reply in opposite_batches(&world, 2).await {
            // PostgreSQL breaks one of them off, and it is done again, as long as there is hope.
            assert!([200, 503].contains(&reply.status.as_u16()), "{reply:?}");
        }
        deadlocks = unguarded.deadlocks.load(Ordering::SeqCst);
        if deadlocks > 0 {
            break;
        }
    }
    println!("{deadlocks} deadlocks");
    assert!(unguarded.lost.load(Ordering::SeqCst) > 0 && deadlocks > 0);
}
