//! A word that very many events have: the same order, page by page, without ranking all of them each time.

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::super::given::{calendar, fits, share};
use super::ask;

/// How many there are, and what they say in turn.
const EVENTS: usize = 1_500;
const SAID: &[(&str, &str, i64)] = &[
    ("title", "Match", 0),
    ("title", "Matches", 1),
    ("categories", "match", 2),
    ("categories", "matchbox", 3),
    ("location", "At the match", 4),
    ("location", "Matchpoint", 5),
    ("description", "no match", 6),
    ("description", "matched", 7),
    ("title", "Something else", 8),
];

struct Known {
    rank: i64,
    distance: u64,
    id: String,
    hidden: bool,
}

async fn make(alice: &Person, into: &str, now: i64) -> Vec<Known> {
    let mut known = Vec::new();
    let mut operations = Vec::new();
    for number in 0..EVENTS {
        let (field, text, rank) = SAID[(number * 7) % SAID.len()];
        // Many begin at the same moment, on both sides of now.
        let hours = i64::try_from((number * 37) % 400).expect("small") - 200;
        let at = now + hours * 3_600;
        let hidden = number % 11 == 0;
        let mut event = json!({"title": format!("Nr {number}"), "calendar_id": into, "time_zone": "UTC",
            "description": "Together", "start": jiff::Timestamp::from_second(at).expect("a time").to_string(), "visibility": if hidden { "private" } else { "public" }});
        event[field] = if field == "categories" { json!([text]) } else { json!(text) };
        operations.push(json!({"op": "create", "event": event}));
        known.push(Known { rank, distance: (at - now).unsigned_abs(), id: String::new(), hidden });
    }
    let mut made: Vec<Value> = Vec::new();
    for operations in operations.chunks(100) {
        let body = json!({"mode": "atomic", "operations": operations});
        let reply = alice.post("/api/v1/events/batch").json(&body).expect(200).await;
        made.extend(reply.json["results"].as_array().expect("results").iter().cloned());
    }
    for (known, made) in known.iter_mut().zip(made) {
        known.id = made["event"]["id"].as_str().expect("an id").to_owned();
    }
    known
}

async fn pages(person: &Person, question: &str, limit: &str, more: &[(&str, &str)]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("q", question), ("limit", limit)];
        parameters.extend(more);
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let page = ask(person, &parameters).await;
        ids.extend(page.each("/id"));
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn a_word_that_very_many_events_have_is_ranked_all_the_same() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let into = calendar(&alice, &json!({"name": "All", "time_zone": "UTC"})).await;
    let now = world.now().as_second();
    let known = make(&alice, &into, now).await;
    share(&alice, &format!("calendars/{into}"), &bob, "viewer").await;
    let one = known.iter().find(|one| one.hidden && one.rank == 3).expect("one");
    for person in [&bob, &carol] {
        share(&alice, &format!("events/{}", one.id), person, "viewer").await;
    }
    let wanted = |sees: &dyn Fn(&Known) -> bool, best: &[i64]| {
        let mut rows: Vec<(i64, u64, &str)> = known
            .iter()
            .filter(|one| sees(one) && best.contains(&one.rank))
            .map(|one| (one.rank, one.distance, one.id.as_str()))
            .collect();
        rows.sort_unstable();
        rows.into_iter().map(|(.., id)| id.to_owned()).collect::<Vec<_>>()
    };
    let all = [0, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(pages(&alice, "match", "97", &[]).await, wanted(&|_| true, &all));
    assert_eq!(pages(&bob, "match", "500", &[]).await, wanted(&|of| !of.hidden || of.id == one.id, &all));
    assert_eq!(pages(&carol, "match", "50", &[]).await, std::slice::from_ref(&one.id));
    // Two words, and the words that only begin so.
    let both = pages(&alice, "match nr", "500", &[]).await;
    let count = wanted(&|_| true, &all).len() - wanted(&|_| true, &[0, 1]).len();
    assert_eq!(both.len(), count, "those whose title is another have no number in it");
    let begun: Vec<String> = wanted(&|_| true, &all);
    let mut found = pages(&alice, "matc", "500", &[]).await;
    assert_eq!(found.len(), begun.len());
    found.sort();
    found.dedup();
    assert_eq!(found.len(), begun.len(), "each once");
    // Words that very many have together: the one that fits worst counts.
    let worst = |rank: &dyn Fn(i64) -> Option<i64>| {
        let ranked = |one: &Known| rank(one.rank).map(|rank| (rank, one.distance, one.id.clone()));
        let mut rows: Vec<_> = known.iter().filter_map(ranked).collect();
        rows.sort_unstable();
        rows.into_iter().map(|(.., id)| id).collect::<Vec<_>>()
    };
    let begun_too = worst(&|rank| (rank < 8).then_some(rank | 1));
    assert_eq!(pages(&alice, "match mat", "97", &[]).await, begun_too);
    let together = worst(&|rank| (rank < 6).then_some(6));
    assert_eq!(pages(&alice, "match together", "97", &[]).await, together);
    assert_eq!(pages(&alice, "together matc toget", "500", &[]).await, worst(&|rank| (rank < 6).then_some(7)));
    assert_eq!(pages(&carol, "match together", "50", &[]).await, std::slice::from_ref(&one.id));
    // With a window, and counted.
    let to = jiff::Timestamp::from_second(now + 3_600).expect("a time").to_string();
    let from = jiff::Timestamp::from_second(now - 10 * 3_600).expect("a time").to_string();
    let inside = pages(&alice, "match", "20", &[("from", &from), ("to", &to)]).await;
    let expected = wanted(&|_| true, &all).len();
    assert!(!inside.is_empty() && inside.len() < expected);
    let total = ask(&alice, &[("q", "match"), ("include", "total"), ("limit", "1")]).await;
    assert_eq!(total.json["total"], json!(expected));
    fits(&world).await;
}
