//! What goes back takes time, too.

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::super::given::{calendar, event, fits};

fn at(calendar: &str, title: &str, hour: u8) -> Value {
    json!({"title": title, "start": format!("2027-03-01T{hour:02}:00:00"), "end": format!("2027-03-01T{:02}:00:00", hour + 1),
        "time_zone": "Europe/Zurich", "calendar_id": calendar})
}

fn to(hour: u8) -> Value {
    json!({"start": format!("2027-03-01T{hour:02}:00:00"), "end": format!("2027-03-01T{:02}:00:00", hour + 1)})
}

/// The hour at which an event begins.
fn hour(event: &Reply) -> i8 {
    let start: jiff::civil::DateTime = event.str("/start").parse().expect("a time");
    start.hour()
}

async fn strict(alice: &Person) -> String {
    calendar(alice, &json!({"name": "Strict", "conflicts": "reject"})).await
}

/// The titles of the conflicts, of an answer or a problem.
fn titles(of: &Value) -> Vec<&str> {
    of["conflicts"].as_array().into_iter().flatten().filter_map(|one| one["title"].as_str()).collect()
}

/// What is to happen to each event, and what is in its way.
fn told(reply: &Reply) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let told = |item: &Value| (text(&item["title"]), text(&item["action"]), text(&item["problem"]["type"]));
    let mut all: Vec<_> = reply.items().iter().map(told).collect();
    all.sort();
    all
}

fn words(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter().map(|(title, action, problem)| ((*title).into(), (*action).into(), (*problem).into())).collect()
}

#[tokio::test]
async fn a_rollback_is_held_up_by_what_takes_its_time_now() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = strict(&alice).await;
    let moved = event(&alice, &at(&club, "Moved", 10)).await.id();
    let path = format!("/api/v1/events/{moved}");
    alice.patch(&path).json(&to(14)).expect(200).await;
    event(&alice, &at(&club, "In its place", 10)).await;
    let back = format!("{path}/rollback/1");
    let refused = alice.post(&back).send().await.expect_problem("conflict");
    assert_eq!(titles(&refused.json), ["In its place"]);
    assert_eq!(alice.get(&path).expect(200).await.json["version"], 2);
    let warned = alice.post(&back).json(&json!({"on_conflict": "warn"})).expect(200).await;
    assert_eq!((titles(&warned.json), &warned.json["version"]), (vec!["In its place"], &json!(3)));
    fits(&world).await;
}

#[tokio::test]
async fn a_rollback_into_another_calendar_is_held_up_by_what_that_one_says() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let (club, lax) = (strict(&alice).await, calendar(&alice, &json!({"name": "Lax"})).await);
    let moved = event(&alice, &at(&club, "Moved", 10)).await.id();
    let path = format!("/api/v1/events/{moved}");
    alice.patch(&path).json(&json!({"calendar_id": lax})).expect(200).await;
    let mut other = at(&club, "In its place", 10);
    other["on_conflict"] = "ignore".into();
    let other = event(&alice, &other).await.id();
    let refused = alice.post(&format!("{path}/rollback/1")).send().await.expect_problem("conflict");
    assert_eq!(titles(&refused.json), ["In its place"]);
    alice.delete(&format!("/api/v1/events/{other}")).expect(204).await;
    alice.post(&format!("{path}/rollback/1")).expect(200).await;
    // And it is the time of whose calendar it is again.
    super::super::given::share(&alice, &format!("calendars/{}", alice.calendar), &bob, "editor").await;
    let hers = event(&bob, &at(&alice.calendar, "Hers", 12)).await.id();
    let path = format!("/api/v1/events/{hers}");
    alice.patch(&path).json(&json!({"calendar_id": club})).expect(200).await;
    alice.post(&format!("{path}/rollback/1")).expect(200).await;
    let busy = async |of: &Person| -> usize {
        let path = format!("/api/v1/freebusy?user_id={}&from=2027-03-01T11:00:00Z&to=2027-03-01T12:00:00Z", of.id);
        of.get(&path).expect(200).await.json["busy"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((busy(&alice).await, busy(&bob).await), (1, 0));
    fits(&world).await;
}

#[tokio::test]
async fn a_calendar_goes_back_as_a_whole_though_its_events_have_changed_places() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = strict(&alice).await;
    let (first, second) = (event(&alice, &at(&club, "First", 10)).await, event(&alice, &at(&club, "Second", 11)).await);
    world.advance(60);
    let of = |reply: &Reply| format!("/api/v1/events/{}", reply.id());
    alice.patch(&of(&first)).json(&to(15)).expect(200).await;
    alice.patch(&of(&second)).json(&to(10)).expect(200).await;
    alice.patch(&of(&first)).json(&to(11)).expect(200).await;
    let path = format!("/api/v1/calendars/{club}/restore");
    let expected = words(&[("First", "rollback", "-"), ("Second", "rollback", "-")]);
    for preview in [true, false] {
        let body = json!({"at": "2027-01-15T10:00:30Z", "preview": preview});
        assert_eq!(told(&alice.post(&path).json(&body).expect(200).await), expected);
        let starts = [alice.get(&of(&first)).expect(200).await, alice.get(&of(&second)).expect(200).await];
        let hours: Vec<i8> = starts.iter().map(hour).collect();
        assert_eq!(hours, if preview { [11, 10] } else { [10, 11] });
    }
    fits(&world).await;
}

#[tokio::test]
async fn an_event_of_a_calendar_stays_where_its_time_is_taken_and_the_others_go_back() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = strict(&alice).await;
    let hall =
        alice.post("/api/v1/venues").json(&json!({"name": "Hall", "conflicts": "reject"})).expect(201).await.id();
    let with = |mut body: Value| {
        body["venue_id"] = hall.as_str().into();
        body
    };
    let stuck = event(&alice, &with(at(&club, "Stuck", 10))).await;
    let free = event(&alice, &at(&club, "Free", 12)).await;
    world.advance(60);
    let of = |reply: &Reply| format!("/api/v1/events/{}", reply.id());
    alice.patch(&of(&stuck)).json(&to(15)).expect(200).await;
    alice.patch(&of(&free)).json(&to(16)).expect(200).await;
    // Somebody else has the hall at ten now, in a calendar that nobody else sees.
    let bob = world.bob().await;
    event(&bob, &with(at(&bob.calendar, "Secret", 10))).await;
    let path = format!("/api/v1/calendars/{club}/restore");
    let expected = words(&[("Free", "rollback", "-"), ("Stuck", "none", "/problems/conflict")]);
    for preview in [true, false] {
        let body = json!({"at": "2027-01-15T10:00:30Z", "preview": preview});
        let reply = alice.post(&path).json(&body).expect(200).await;
        assert_eq!(told(&reply), expected, "preview: {preview}");
        assert!(!reply.text.contains("Secret"));
    }
    assert_eq!(hour(&alice.get(&of(&stuck)).expect(200).await), 15);
    assert_eq!(hour(&alice.get(&of(&free)).expect(200).await), 12);
    // Who manages the hall may bring it back all the same, and is told what it meets.
    let body = json!({"at": "2027-01-15T10:00:30Z", "preview": false, "on_conflict": "warn"});
    let warned = alice.post(&path).json(&body).expect(200).await;
    let item = warned.items().iter().find(|item| item["title"] == "Stuck").cloned().expect("the event");
    assert_eq!((&item["action"], item["conflicts"].as_array().map(Vec::len)), (&json!("rollback"), Some(1)));
    fits(&world).await;
}
