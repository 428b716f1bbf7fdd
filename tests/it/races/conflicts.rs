//! A thousand who want the same venue at the same time: it is never taken twice, by whichever server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use kalends_core::ctx::GlobalRole;
use kalends_db::Engine;
use kalends_db::testing::TestDb;
use kalends_testkit::{Person, Reply, Request, Setup, World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::unguarded::{NO_HELD_IDS, Unguarded};
use super::{Chance, is_sound};

#[expect(clippy::disallowed_methods, reason = "a soak asks for more writers")]
fn writers() -> usize {
    std::env::var("KALENDS_RACES_WRITERS")
        .ok()
        .map_or(1_000, |writers| writers.parse().expect("KALENDS_RACES_WRITERS is a number"))
}

/// Single events and weekly series on two days of some weeks, most of which overlap some other.
fn wishes(venue: &str, number: usize) -> Vec<Value> {
    let mut chance = Chance::new(27);
    (0..number)
        .map(|n| {
            let (day, hour, quarter) = (1 + chance.below(2), 8 + chance.below(8), 15 * chance.below(4));
            let week = chance.below(4);
            let start: jiff::civil::DateTime =
                format!("2027-03-{:02}T{hour:02}:{quarter:02}:00", day + 7 * week).parse().expect("a time");
            let minutes = i64::try_from(15 * (1 + chance.below(8))).expect("small");
            let end = start.checked_add(jiff::Span::new().minutes(minutes)).expect("a time");
            let mut body = json!({"title": format!("Wish {n}"), "start": start.to_string(), "end": end.to_string(),
                "time_zone": "Europe/Zurich", "venue_id": venue});
            match chance.below(8) {
                0 => body["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=4"]),
                1 => body["recurrence"] = json!(["RRULE:FREQ=WEEKLY"]),
                _ => {}
            }
            body
        })
        .collect()
}

/// How many pairs of instances at a venue overlap, counted without the server's own check.
fn overlaps(all: &[Value]) -> usize {
    let instant =
        |item: &Value, name: &str| -> Timestamp { item[name].as_str().expect("a time").parse().expect("a time") };
    let all: Vec<(Timestamp, Timestamp)> =
        all.iter().map(|item| (instant(item, "start"), instant(item, "end"))).collect();
    let pairs = all.iter().enumerate().flat_map(|(n, one)| all.iter().skip(n + 1).map(move |other| (one, other)));
    pairs.filter(|(one, other)| one.0 < other.1 && other.0 < one.1).count()
}

fn at(venue: &str) -> String {
    format!("/api/v1/events?venue_id={venue}&expand=true&limit=500&from=2027-02-01T00:00:00Z&to=2027-06-01T00:00:00Z")
}

/// What all of them have there.
async fn taken(people: &[Person], venue: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for person in people {
        let page = person.get(&at(venue)).expect(200).await;
        assert!(page.json["next_cursor"].is_null(), "a page holds all of it");
        all.extend(page.items().iter().cloned());
    }
    all
}

async fn together(requests: impl IntoIterator<Item = Request>) -> Vec<Reply> {
    let mut all: JoinSet<Reply> = requests.into_iter().map(Request::send).collect();
    let mut replies = Vec::new();
    while let Some(reply) = all.join_next().await {
        replies.push(reply.expect("it ends"));
    }
    replies
}

async fn aula(alice: &Person) -> String {
    alice.post("/api/v1/venues").json(&json!({"name": "Aula"})).expect(201).await.id()
}

/// Several people with calendars of their own, so that nothing but the venue keeps one from another.
async fn people(world: &World) -> Vec<Person> {
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(world.person(&format!("person-{n}"), GlobalRole::Organizer).await);
    }
    people
}

/// All of them at once want their times at a venue; how many got theirs, and the instances that are there then.
async fn rush(world: &World, number: usize) -> (usize, Vec<Value>) {
    let people = people(world).await;
    let venue = aula(&people[0]).await;
    let mut all = JoinSet::new();
    for (n, wish) in wishes(&venue, number).into_iter().enumerate() {
        let person = people[n % people.len()].clone();
        all.spawn(async move { until_answered(|| person.post("/api/v1/events").json(&wish)).await });
    }
    let (mut got, mut told_to_wait) = (0, 0);
    while let Some(one) = all.join_next().await {
        let (reply, waited) = one.expect("it ends");
        told_to_wait += waited;
        if reply.status.as_u16() == 201 {
            got += 1;
        } else {
            let refused = reply.expect_problem("conflict");
            assert_eq!(refused.json["conflicts"][0]["reason"], "venue");
        }
    }
    println!("{got} of {number} got in; {told_to_wait} times somebody was told to come back");
    (got, taken(&people, &venue).await)
}

/// Asks again for as long as the server says that it is busy.
async fn until_answered(request: impl Fn() -> Request) -> (Reply, usize) {
    for waited in 0..100 {
        let reply = request().send().await;
        if reply.status.as_u16() != 503 {
            return (reply, waited);
        }
    }
    panic!("the server stays busy")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_a_thousand_want_at_once_is_never_taken_twice() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        let (got, taken) = rush(&world, writers()).await;
        assert!(got > 4 && got < writers());
        assert_eq!(overlaps(&taken), 0, "on {engine:?}");
        is_sound(&world.db).await;
    }
}

/// The control: the same check, without the lock that keeps others waiting until what it saw is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_a_venue_is_taken_twice() {
    let unguarded = Unguarded::database(NO_HELD_IDS).await;
    let world = World::builder().over(unguarded.db).start().await;
    let (_, taken) = rush(&world, 100).await;
    let taken_twice = overlaps(&taken);
    println!("{taken_twice} pairs overlap");
    assert!(unguarded.lost.load(Ordering::SeqCst) > 0 && taken_twice > 0);
}

/// People and calendars are held as venues are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_whom_many_invite_at_once_is_never_taken_twice() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let calendars =
            ["One", "Two", "Three"].map(|name| alice.post("/api/v1/calendars").json(&json!({"name": name})));
        let calendars: Vec<String> = together(calendars).await.into_iter().map(|made| made.expect(201).id()).collect();
        let venue = aula(&alice).await;
        let requests = wishes(&venue, 60).into_iter().enumerate().map(|(n, mut wish)| {
            wish["calendar_id"] = calendars[n % calendars.len()].clone().into();
            wish["on_conflict"] = "reject".into();
            // Half of them are nowhere: only the author is the same.
            wish["venue_id"] = if n % 2 == 0 { json!(null) } else { wish["venue_id"].clone() };
            alice.post("/api/v1/events").json(&wish)
        });
        let replies = together(requests).await;
        let got = replies.iter().filter(|reply| reply.status.as_u16() == 201).count();
        let window = "expand=true&limit=500&from=2027-02-01T00:00:00Z&to=2027-06-01T00:00:00Z";
        let all = alice.get(&format!("/api/v1/events?{window}")).expect(200).await;
        println!("{engine:?}: {got} of {} got in, {} instances", replies.len(), all.items().len());
        assert_eq!(overlaps(all.items()), 0, "on {engine:?}");
        is_sound(&world.db).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_over_one_database_never_take_a_venue_twice_also_when_one_is_killed() {
    let db = TestDb::on(Engine::Postgres).await;
    let setup = |_: usize| {
        Setup::new()
            .set("database.url", &db.url)
            .set("rate_limit.enabled", "false")
            .set("secret_key", "the tests of two servers have this secret key")
    };
    let setups = [setup(0), setup(1)];
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setups[0].run_with_input(&create, "correct horse\n").code, Some(0));
    let (first, second) = (Arc::new(setups[0].serve(&[]).await), Arc::new(setups[1].serve(&[]).await));
    let login = json!({"login": "ada", "password": "correct horse"});
    let token = first.post("/api/v1/auth/login").json(&login).expect(200).await;
    let bearer = format!("Bearer {}", token.str("/access_token"));
    let made =
        first.post("/api/v1/venues").header("authorization", &bearer).json(&json!({"name": "Aula"})).expect(201).await;
    let venue = made.id();
    let mut all = JoinSet::new();
    for (n, wish) in wishes(&venue, writers()).into_iter().enumerate() {
        let (server, bearer) = ([&first, &second][n % 2].clone(), bearer.clone());
        all.spawn(async move {
            loop {
                let request = server.post("/api/v1/events").header("authorization", &bearer).json(&wish);
                let reply = request.try_send().await.ok()?;
                // Busy: again.
                if reply.status.as_u16() != 503 {
                    return Some((n % 2, reply));
                }
            }
        });
    }
    // Somewhere while the answers come in.
    let of_this_run = u64::from(std::process::id());
    let kill_after = 1 + Chance::new(of_this_run).below(writers() / 2);
    let (mut got, mut gone, mut answered) = ([0, 0], 0, 0);
    while let Some(one) = all.join_next().await {
        match one.expect("it ends") {
            Some((server, reply)) if reply.status.as_u16() == 201 => got[server] += 1,
            Some((_, reply)) => drop(reply.expect_problem("conflict")),
            None => gone += 1,
        }
        answered += 1;
        if answered == kill_after {
            second.signal("KILL");
        }
    }
    println!("killed after {kill_after} answers");
    println!("{got:?} got in, {gone} were cut off");
    let all = first.get(&at(&venue)).header("authorization", &bearer).expect(200).await;
    assert!(gone > 0 && got[0] > 0);
    assert_eq!(overlaps(all.items()), 0);
    let checked = setups[0].run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}
