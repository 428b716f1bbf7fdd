//! A private event is its times to whoever only views the calendar: nothing of what it says appears in any answer.

use kalends_testkit::{Person, Reply};
use serde_json::json;

use super::people::{AT, CAPACITY, INNER, NEXT, People, REMINDER, SECRET, Situation};

fn tells(reply: &Reply) -> bool {
    let told = format!("{}{:?}", reply.text, reply.headers).to_lowercase();
    // Numbers as JSON has them, since an id may hold any digits.
    let numbers = [format!(":{CAPACITY}"), format!("[{REMINDER}")];
    [SECRET, INNER].iter().any(|word| told.contains(&word.to_lowercase()))
        || numbers.iter().any(|number| told.contains(number))
}

#[tokio::test]
async fn nothing_that_a_private_event_says_is_in_any_answer_to_those_who_see_its_times() {
    let people = People::new().await;
    for visibility in ["private", "internal", "public"] {
        let of_calendar = (visibility.to_owned(), "none".to_owned());
        let calendar = people.calendar(&of_calendar).await;
        let situation =
            Situation { calendar: of_calendar, state: "published".to_owned(), visibility: "private".to_owned() };
        let event = people.event(&calendar, &situation).await;
        // Something to page and sort beside.
        for title in ["A", "Z"] {
            let body = json!({"calendar_id": calendar, "title": title, "start": "2027-03-01T09:00:00", "time_zone": "Europe/Zurich"});
            people.by_column["own"].post("/api/v1/events").json(&body).expect(201).await;
        }
        for column in ["nobody", "stranger", "fb", "view", "e-fb"] {
            let person = &people.by_column[column];
            reads(person, &calendar, &event).await;
            writes(person, &calendar, &event).await;
        }
    }
}

async fn reads(person: &Person, calendar: &str, event: &str) {
    let window = "from=2027-02-01T00:00:00Z&to=2027-05-01T00:00:00Z";
    let word = SECRET;
    let mut paths = vec![
        format!("/events/{event}"),
        format!("/events/{event}/instances"),
        format!("/events/{event}/instances?{window}"),
        format!("/events/{event}/instances?limit=1"),
        format!("/events/{event}/instances/{AT}"),
        format!("/events/{event}/instances/{NEXT}"),
        format!("/events/{event}/instances/20270315T090000"),
        format!("/events/{event}/permissions"),
        format!("/calendars/{calendar}"),
        format!("/calendars/{calendar}/permissions"),
        "/calendars?include=total".to_owned(),
        "/me".to_owned(),
        "/me/shared".to_owned(),
        "/users?q=a".to_owned(),
    ];
    let places = [String::new(), format!("calendar_id={calendar}"), format!("ids={event}")];
    let kinds = [
        String::new(),
        window.to_owned(),
        format!("{window}&expand=true"),
        format!("{window}&expand=true&limit=1"),
        "state=published".to_owned(),
        "state=draft".to_owned(),
        "weekday=mo".to_owned(),
        format!("weekday=mo&{window}&expand=true"),
        "mine=true".to_owned(),
        "deleted=true".to_owned(),
        "include=total".to_owned(),
        "limit=1".to_owned(),
    ];
    let sorts = ["", "sort=start", "sort=-start", "sort=title", "sort=-title", "sort=created_at", "sort=-updated_at"];
    for place in &places {
        for kind in &kinds {
            for sort in sorts {
                let query: Vec<&str> =
                    [place.as_str(), kind, sort].into_iter().filter(|part| !part.is_empty()).collect();
                paths.push(format!("/events?{}", query.join("&")));
            }
        }
    }
    for path in [format!("/calendars/{calendar}.ics"), format!("/events/{event}.ics")] {
        let mut reply = person.get(&path).send().await;
        reply.text = reply.text.replace("\r\n ", "");
        assert!(!tells(&reply), "{} GET {path}: {}", person.name, reply.text);
    }
    for path in paths {
        let reply = person.get(&format!("/api/v1{path}")).send().await;
        assert!(!tells(&reply), "{} GET {path}: {}", person.name, reply.text);
        assert!(reply.status.as_u16() < 500, "{} GET {path}: {}", person.name, reply.text);
        // The pages behind it.
        let mut cursor = reply.json["next_cursor"].as_str().map(str::to_owned);
        for _ in 0..4 {
            let Some(next) = cursor else { break };
            assert!(!next.to_lowercase().contains(&word.to_lowercase()), "a cursor tells: {next}");
            let joint = if path.contains('?') { '&' } else { '?' };
            let reply = person.get(&format!("/api/v1{path}{joint}cursor={next}")).send().await;
            assert!(!tells(&reply), "{} GET {path} (a further page): {}", person.name, reply.text);
            cursor = reply.json["next_cursor"].as_str().map(str::to_owned);
        }
    }
    // A filter on, an order by what is hidden does not tell that it is there either; nor does the number of all.
    for filter in [format!("category={word}%20category"), format!("category={word}%20c"), "sort=title".to_owned()] {
        let reply =
            person.get(&format!("/api/v1/events?{filter}&include=total&calendar_id={calendar}")).expect(200).await;
        let there = reply.items().iter().any(|item| item["id"] == event);
        assert!(!there, "{} {filter}: {}", person.name, reply.text);
        let counted = reply.json["total"].as_u64();
        assert_eq!(counted, u64::try_from(reply.items().len()).ok(), "{} {filter}: {}", person.name, reply.text);
    }
}

async fn writes(person: &Person, calendar: &str, event: &str) {
    let stale = "\"99-0\"";
    let replies = [
        person.patch(&format!("/api/v1/events/{event}")).header("if-match", stale).json(&json!({"title": "x"})),
        person.patch(&format!("/api/v1/events/{event}")).json(&json!({"title": "x", "base_version": 1})),
        person.patch(&format!("/api/v1/events/{event}")).json(&json!({"start": "nonsense", "state": "draft"})),
        person.put(&format!("/api/v1/events/{event}")).json(&secret_free()),
        person.put(&format!("/api/v1/events/{event}")).header("if-match", stale).json(&secret_free()),
        person.delete(&format!("/api/v1/events/{event}")),
        person.delete(&format!("/api/v1/events/{event}")).header("if-match", stale),
        person.post(&format!("/api/v1/events/{event}/restore")),
        person.post(&format!("/api/v1/events/{event}/clone")),
        person.post(&format!("/api/v1/events/{event}/clone")).json(&json!({"title": "mine"})),
        person.post(&format!("/api/v1/events/{event}/state")).json(&json!({"state": "draft"})),
        person.post(&format!("/api/v1/events/{event}/state")).json(&json!({"state": "review"})),
        person.post("/api/v1/events/state").json(&json!({"ids": [event], "state": "draft"})),
        person
            .post(&format!("/api/v1/events/{event}/share"))
            .json(&json!({"users": [{"username": "mallory", "role": "owner"}]})),
        person.patch(&format!("/api/v1/events/{event}/instances/{NEXT}")).json(&json!({"title": "x"})),
        person.patch(&format!("/api/v1/events/{event}/instances/{NEXT}?scope=following")).json(&json!({"title": "x"})),
        person
            .patch(&format!("/api/v1/events/{event}/instances/{NEXT}?scope=all"))
            .header("if-match", stale)
            .json(&json!({"title": "x"})),
        person.delete(&format!("/api/v1/events/{event}/instances/{NEXT}")),
        person.delete(&format!("/api/v1/events/{event}/instances/{NEXT}?scope=all")).header("if-match", stale),
        person.patch(&format!("/api/v1/calendars/{calendar}")).header("if-match", stale).json(&json!({"name": "x"})),
        person.delete(&format!("/api/v1/calendars/{calendar}")).header("if-match", stale),
        // The UID is nobody's secret, but whether it is taken is the calendar's.
        person
            .post("/api/v1/events")
            .json(&json!({"title": "x", "start": "2027-03-01T09:00:00", "uid": event, "calendar_id": calendar})),
    ];
    for request in replies {
        let reply = request.send().await;
        assert!(!reply.status.is_success() && reply.status.as_u16() < 500, "{}: {reply:?}", person.name);
        assert!(!tells(&reply), "{}: {reply:?}", person.name);
    }
}

fn secret_free() -> serde_json::Value {
    json!({"title": "x", "start": "2027-03-01T09:00:00", "time_zone": "Europe/Zurich"})
}
