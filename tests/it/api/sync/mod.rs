//! Following what changes: rules 15 and 30.

pub mod client;

use kalends_core::{changes, sync};
use kalends_db::{FromRow, Row, sql};
use kalends_testkit::{Person, World};
use serde_json::json;

use super::given::{calendar, event, fits, settled, share};
use client::{Client, full};

/// Catches up and says what it was told, in words that tests can compare.
async fn told(world: &World, client: &mut Client, person: &Person) -> Vec<String> {
    settled(world).await;
    client.catch_up(person, 50).await
}

#[tokio::test]
async fn a_listing_gives_everything_in_pages_and_its_token_what_comes_after() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    for day in 1..8 {
        event(&alice, &json!({"title": "Picnic", "start": format!("2027-05-0{day}T12:00:00")})).await;
    }
    let shared = event(&bob, &json!({"title": "Shared", "start": "2027-05-03T12:00:00"})).await.id();
    share(&bob, &format!("events/{shared}"), &alice, "viewer").await;
    for limit in [1, 2, 3, 100] {
        let mut client = Client::default();
        client.catch_up(&alice, limit).await;
        client.must_become(&alice, &full(&alice, None).await, "a listing").await;
        assert_eq!(client.copy.len(), 9, "a calendar, seven events of her own and a shared one");
    }
    let mut client = Client::default();
    // Between the first page and the last something happens: it comes afterwards.
    client.page(&alice, 2).await;
    event(&alice, &json!({"title": "Late", "start": "2027-05-09T12:00:00"})).await;
    alice.patch(&format!("/api/v1/calendars/{}", alice.calendar)).json(&json!({"name": "Hers"})).expect(200).await;
    client.must_become(&alice, &full(&alice, None).await, "afterwards").await;
    assert!(client.catch_up(&alice, 50).await.is_empty(), "nothing is new any more");
    fits(&world).await;
}

#[tokio::test]
async fn an_event_comes_as_created_updated_and_deleted() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut client = Client::default();
    settled(&world).await;
    client.must_become(&alice, &full(&alice, None).await, "the beginning").await;
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await.id();
    let path = format!("/api/v1/events/{made}");
    assert_eq!(told(&world, &mut client, &alice).await, [format!("created event {made}")]);
    alice.patch(&path).json(&json!({"title": "Feast"})).expect(200).await;
    alice.patch(&path).json(&json!({"title": "Banquet"})).expect(200).await;
    assert_eq!(
        told(&world, &mut client, &alice).await,
        [format!("updated event {made}")],
        "once, however often it changed"
    );
    alice.delete(&path).expect(204).await;
    assert_eq!(told(&world, &mut client, &alice).await, [format!("deleted event {made}")]);
    alice.post(&format!("{path}/restore")).expect(200).await;
    assert_eq!(told(&world, &mut client, &alice).await, [format!("created event {made}")]);
    assert_eq!(client.copy, full(&alice, None).await);
}

#[tokio::test]
async fn what_somebody_gains_comes_as_created_and_what_they_lose_as_deleted() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let mut made = Vec::new();
    for day in 1..6 {
        let body = json!({"title": "Picnic", "start": format!("2027-05-0{day}T12:00:00"), "calendar_id": club});
        made.push(event(&alice, &body).await.id());
    }
    made.sort();
    let draft = json!({"title": "Draft", "start": "2027-05-03T12:00:00", "calendar_id": club, "state": "draft"});
    let draft = event(&alice, &draft).await.id();
    let mut client = Client::default();
    settled(&world).await;
    client.must_become(&bob, &full(&bob, None).await, "the beginning").await;
    let all = |op: &str| -> Vec<String> {
        std::iter::once(format!("{op} calendar {club}"))
            .chain(made.iter().map(|id| format!("{op} event {id}")))
            .collect()
    };
    let permission = format!("/api/v1/calendars/{club}/permissions/{}", bob.id);
    share(&alice, &format!("calendars/{club}"), &bob, "viewer").await;
    // In pages of two, and no draft among them.
    settled(&world).await;
    assert_eq!(client.catch_up(&bob, 2).await, all("created"));
    share(&alice, &format!("calendars/{club}"), &bob, "free_busy").await;
    assert_eq!(told(&world, &mut client, &bob).await, all("updated"));
    assert_eq!(client.copy[&("event".to_owned(), made[0].clone())]["title"], json!(null), "and now only as busy");
    alice.delete(&permission).expect(204).await;
    assert_eq!(told(&world, &mut client, &bob).await, all("deleted"));
    // What happens there from now on is no news of his.
    alice.patch(&format!("/api/v1/events/{}", made[0])).json(&json!({"title": "x"})).expect(200).await;
    alice.post(&format!("/api/v1/events/{draft}/state")).json(&json!({"state": "published"})).expect(200).await;
    let other = event(&bob, &json!({"title": "Own", "start": "2027-05-03T12:00:00"})).await.id();
    assert_eq!(told(&world, &mut client, &bob).await, [format!("created event {other}")]);
    // Opened to everybody, closed, deleted.
    let path = format!("/api/v1/calendars/{club}");
    alice.patch(&path).json(&json!({"visibility": "internal"})).expect(200).await;
    assert_eq!(told(&world, &mut client, &bob).await.len(), 7, "the draft is published by now");
    alice.delete(&path).expect(204).await;
    assert_eq!(told(&world, &mut client, &bob).await.len(), 7);
    assert_eq!(client.copy, full(&bob, None).await);
    fits(&world).await;
}

#[tokio::test]
async fn an_event_that_moves_leaves_one_calendar_and_comes_to_the_other() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (from, to) = (calendar(&alice, &json!({"name": "A"})).await, calendar(&alice, &json!({"name": "B"})).await);
    let made = event(&alice, &json!({"title": "x", "start": "2027-05-03T12:00:00", "calendar_id": from})).await.id();
    let (mut old, mut new) = (Client::of_calendar(&from), Client::of_calendar(&to));
    settled(&world).await;
    old.must_become(&alice, &full(&alice, Some(&from)).await, "from").await;
    new.must_become(&alice, &full(&alice, Some(&to)).await, "to").await;
    alice.patch(&format!("/api/v1/events/{made}")).json(&json!({"calendar_id": to})).expect(200).await;
    assert_eq!(told(&world, &mut old, &alice).await, [format!("deleted event {made}")]);
    assert_eq!(told(&world, &mut new, &alice).await, [format!("created event {made}")]);
    fits(&world).await;
}

#[tokio::test]
async fn a_draft_that_was_shared_and_goes_for_good_is_deleted_for_those_who_saw_it_and_nobody_else() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club", "visibility": "public"})).await;
    let draft = json!({"title": "Draft", "start": "2027-05-03T12:00:00", "calendar_id": club, "state": "draft"});
    let draft = event(&alice, &draft).await.id();
    share(&alice, &format!("events/{draft}"), &bob, "viewer").await;
    let (mut of_bob, mut of_carol) = (Client::default(), Client::default());
    settled(&world).await;
    of_bob.must_become(&bob, &full(&bob, None).await, "bob").await;
    of_carol.must_become(&carol, &full(&carol, None).await, "carol").await;
    alice.delete(&format!("/api/v1/events/{draft}")).expect(204).await;
    let last = event(&alice, &json!({"title": "x", "start": "2027-05-03T12:00:00", "calendar_id": club})).await.id();
    assert_eq!(told(&world, &mut of_carol, &carol).await, [format!("created event {last}")]);
    let mut heard = told(&world, &mut of_bob, &bob).await;
    heard.sort();
    assert_eq!(heard, [format!("created event {last}"), format!("deleted event {draft}")]);
    fits(&world).await;
}

#[tokio::test]
async fn a_token_gives_nobody_a_right() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let mut client = Client::default();
    client.page(&alice, 1).await;
    let made = event(&alice, &json!({"title": "Secret", "start": "2027-05-03T12:00:00"})).await.id();
    for person in [&mallory, &world.anonymous()] {
        let mut stolen = client.clone();
        stolen.copy.clear();
        stolen.catch_up(person, 50).await;
        assert!(!stolen.copy.contains_key(&("event".to_owned(), made.clone())));
    }
}

#[tokio::test]
async fn a_made_up_token_is_refused_and_an_old_one_is_gone_with_a_way_back() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await;
    let mut client = Client::default();
    client.catch_up(&alice, 50).await;
    let token = client.token.clone().expect("a token");
    for made_up in
        ["x", "AAAA", &token.replacen('A', "", 1), &format!("{token}A"), &token.to_lowercase(), &"A".repeat(1_900)]
    {
        let refused = alice.get(&format!("/api/v1/changes?since={made_up}")).send().await.expect_problem("invalid");
        assert_eq!(refused.errors(), [("?since".to_owned(), "bad-token".to_owned())], "{made_up}");
    }
    let other = format!("/api/v1/changes?since={token}&calendar_id={}", alice.calendar);
    assert_eq!(alice.get(&other).send().await.expect_problem("invalid").errors().len(), 1, "of another question");
    for (wrong, pointer) in
        [("limit=0", "?limit"), ("limit=501", "?limit"), ("representation=all", "?representation"), ("form=x", "?form")]
    {
        let refused = alice.get(&format!("/api/v1/changes?{wrong}")).send().await.expect_problem("invalid");
        assert_eq!(refused.errors()[0].0, pointer);
    }
    // Who becomes an administrator sees everything with other eyes.
    let admin = world.admin().await;
    let mut of_bob = Client::default();
    of_bob.catch_up(&bob, 50).await;
    admin.patch(&format!("/api/v1/users/{}", bob.id)).json(&json!({"role": "admin"})).expect(200).await;
    let path = format!("/api/v1/changes?since={}", of_bob.token.expect("a token"));
    let gone = bob.get(&path).send().await.expect_problem("gone");
    // The way back: ids, versions and ETags.
    let ids = bob.get(gone.str("/start_again")).expect(200).await;
    assert!(ids.items().iter().all(|item| item.get("record").is_none() && item["version"].is_i64()), "{}", ids.text);
    let first = &ids.items()[0];
    let path = format!("/api/v1/calendars/{}", first["id"].as_str().expect("an id"));
    assert_eq!(Some(bob.get(&path).expect(200).await.etag().as_str()), first["etag"].as_str());
    bob.get(&format!("/api/v1/changes?since={}", ids.str("/next_token"))).expect(200).await;
}

#[tokio::test]
async fn what_the_log_has_let_go_of_is_gone_and_everything_younger_is_there() {
    let world = World::new().await;
    let alice = world.alice().await;
    let prune = async || {
        let args = world.now();
        let gone: Result<u64, kalends_db::Error> =
            world.db.write(args, |tx, now| Box::pin(sync::prune(tx, *now, 90))).await;
        gone.expect("pruned")
    };
    let mut early = Client::default();
    early.catch_up(&alice, 50).await;
    event(&alice, &json!({"title": "Old", "start": "2027-05-03T12:00:00"})).await;
    let mut late = Client::default();
    late.must_become(&alice, &full(&alice, None).await, "late").await;
    assert_eq!(prune().await, 0);
    world.advance(91 * 24 * 3_600);
    let alice = world.alice().await;
    event(&alice, &json!({"title": "New", "start": "2027-05-03T12:00:00"})).await;
    let began = std::time::Instant::now();
    while prune().await == 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
    alice.get(&format!("/api/v1/changes?since={}", early.token.expect("a token"))).send().await.expect_problem("gone");
    // Who had seen all that was let go has missed nothing.
    late.must_become(&alice, &full(&alice, None).await, "late").await;
    let mut fresh = Client::default();
    fresh.must_become(&alice, &full(&alice, None).await, "fresh").await;
    fits(&world).await;
}

#[tokio::test]
async fn a_quiet_calendars_token_does_not_grow_old_by_itself() {
    let world = World::new().await;
    let alice = world.alice().await;
    let quiet = calendar(&alice, &json!({"name": "Quiet"})).await;
    let mut client = Client::of_calendar(&quiet);
    settled(&world).await;
    client.must_become(&alice, &full(&alice, Some(&quiet)).await, "quiet").await;
    let before = client.token.clone();
    event(&alice, &json!({"title": "Elsewhere", "start": "2027-05-03T12:00:00"})).await;
    let began = std::time::Instant::now();
    while client.token == before {
        assert_eq!(client.catch_up(&alice, 50).await, Vec::<String>::new());
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
}

/// What a page costs does not hang on how long the log is: the database goes by the position.
#[tokio::test]
async fn a_position_is_found_by_index() {
    struct Plan(String);
    impl FromRow for Plan {
        fn from_row(row: &Row) -> kalends_db::Result<Self> {
            row.text("detail").or_else(|_| row.text("QUERY PLAN")).map(|text| Plan(text.to_owned()))
        }
    }
    let world = World::new().await;
    let mut conn = world.db.reader().await.expect("a reader");
    let horizon = conn.log_horizon().await.expect("a horizon");
    assert!(
        changes::after(&mut conn, changes::Position { tx: horizon - 1, seq: 0 }, 5).await.expect("rows").is_empty()
    );
    let explain = if world.db.engine() == kalends_db::Engine::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    for condition in ["", "AND calendar_id = $5"] {
        let behind = conn.behind(1);
        let text = format!(
            "{explain} SELECT seq FROM changes WHERE {behind} AND +tx < $3 {condition} ORDER BY tx, seq LIMIT $4"
        );
        let mut statement = sql(text).bind(0).bind(3).bind(i64::MAX).bind(10);
        if !condition.is_empty() {
            statement = statement.bind(uuid_of(&world.alice().await.calendar));
        }
        let plan: Vec<Plan> = statement.all(&mut conn).await.expect("a plan");
        let plan: String = plan.into_iter().map(|line| line.0 + "\n").collect();
        // PostgreSQL reads a small table whole, whatever indexes there are; SQLite says what it would always do.
        if world.db.engine() == kalends_db::Engine::Sqlite {
            let found = plan.contains("seq>?") || plan.contains("rowid>?");
            assert!(found && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

fn uuid_of(id: &str) -> kalends_kernel::CalendarId {
    id.parse().expect("an id")
}
