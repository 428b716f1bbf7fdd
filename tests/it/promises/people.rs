//! The people of the rights table, and the calendars and events that they meet.

use std::collections::HashMap;

use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

/// Stands in every text of an event that only those may read who see it.
pub const SECRET: &str = "Quetzalcoatl";
/// Stands in what only those may read who see all of it.
pub const INNER: &str = "Tenochtitlan";
/// Numbers that nobody else has.
pub const CAPACITY: i64 = 4_711_471;
pub const REMINDER: i64 = 42_424;
/// The first instance of every event here.
pub const AT: &str = "20270301T090000";
/// The second.
pub const NEXT: &str = "20270308T090000";

pub struct People {
    pub world: World,
    /// By column of the table.
    pub by_column: HashMap<&'static str, Person>,
    /// Somebody whom nothing is about.
    pub heidi: Person,
    /// One of heidi's sessions and one of her tokens.
    pub of_heidi: (String, String),
    /// The path and the id of a secret feed of heidi's.
    pub feed: (String, String),
    /// A share link of heidi's.
    pub link_of_heidi: String,
    /// A job of heidi's, over and done.
    pub job_of_heidi: String,
    /// A venue that alice made.
    pub venue: String,
}

/// A calendar's visibility and review.
pub type OfCalendar = (String, String);

/// An event's state and visibility in a calendar.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Situation {
    pub calendar: OfCalendar,
    pub state: String,
    pub visibility: String,
}

impl People {
    pub async fn new() -> People {
        let world = World::new().await;
        let alice = world.alice().await;
        let mut by_column = HashMap::new();
        by_column.insert("nobody", world.anonymous());
        by_column.insert("stranger", world.mallory().await);
        let plain = [("fb", "frieda"), ("view", "carol"), ("edit", "bob"), ("author", "dave"), ("gone", "gustav")];
        let on_events = [("e-fb", "emil"), ("e-view", "eva"), ("e-edit", "edda"), ("e-own", "egon")];
        for (column, name) in plain.into_iter().chain(on_events) {
            by_column.insert(column, world.person(name, GlobalRole::User).await);
        }
        let admin = world.admin().await;
        let gustav = by_column["gone"].id.clone();
        admin.patch(&format!("/api/v1/users/{gustav}")).json(&json!({"disabled": true})).expect(200).await;
        by_column.insert("admin", admin);
        let made =
            alice.post("/api/v1/me/tokens").json(&json!({"name": "reader", "scopes": ["read"]})).expect(201).await;
        by_column.insert("token", alice.with_token(made.str("/token")));
        by_column.insert("own", alice);
        let heidi = world.person("heidi", GlobalRole::User).await;
        let session = heidi.get("/api/v1/me/sessions").expect(200).await.str("/items/0/id").to_owned();
        let token =
            heidi.post("/api/v1/me/tokens").json(&json!({"name": "t", "scopes": ["read"]})).expect(201).await.id();
        let venue = by_column["own"].post("/api/v1/venues").json(&json!({"name": "Aula"})).expect(201).await.id();
        let feed = heidi.post("/api/v1/me/feeds").json(&json!({"name": "phone"})).expect(201).await;
        let feed = (format!("/feeds/{}.ics", feed.str("/token")), feed.id());
        let body = json!({"calendar_id": heidi.calendar, "title": "Own", "start": "2027-03-01T09:00:00"});
        let own = heidi.post("/api/v1/events").json(&body).expect(201).await.id();
        let link = heidi.post("/api/v1/share-links").json(&json!({"event_ids": [own]})).expect(201).await;
        let link_of_heidi = link.id();
        let job_of_heidi = heidi.import(&heidi.calendar, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", &[]).await.id();
        People { world, by_column, heidi, of_heidi: (session, token), feed, link_of_heidi, job_of_heidi, venue }
    }

    fn alice(&self) -> &Person {
        &self.by_column["own"]
    }

    /// A calendar of alice's, shared in every role.
    pub async fn calendar(&self, (visibility, review): &OfCalendar) -> String {
        let body = json!({"name": format!("{visibility} {review}"), "visibility": visibility, "review": review});
        let id = self.alice().post("/api/v1/calendars").json(&body).expect(201).await.id();
        let users = json!({"users": [
            {"username": "frieda", "role": "free_busy"}, {"username": "carol", "role": "viewer"}, {"username": "bob", "role": "editor"},
            {"username": "dave", "role": "editor"}, {"username": "gustav", "role": "editor"}, {"username": "heidi", "role": "free_busy"}]});
        self.alice().post(&format!("/api/v1/calendars/{id}/share")).json(&users).expect(200).await;
        id
    }

    /// A group of alice's with bob in it.
    pub async fn group(&self) -> String {
        let id = self.alice().post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
        let users = json!({"users": [{"username": "bob"}, {"username": "heidi"}]});
        self.alice().post(&format!("/api/v1/groups/{id}/members")).json(&users).expect(200).await;
        id
    }

    /// An event of dave's in a calendar, shared in every role.
    pub async fn event(&self, calendar: &str, situation: &Situation) -> String {
        let (alice, dave) = (self.alice(), &self.by_column["author"]);
        let mut body = secret_event(&self.heidi.id);
        body["calendar_id"] = calendar.into();
        body["visibility"] = situation.visibility.clone().into();
        body["state"] = "draft".into();
        let id = dave.post("/api/v1/events").json(&body).expect(201).await.id();
        let steps: &[&str] = match situation.state.as_str() {
            "draft" => &[],
            "review" => &["review"],
            "refused" => &["review", "refused"],
            _ => &["published"],
        };
        for step in steps {
            let body = json!({"state": step, "comment": "so be it"});
            alice.post(&format!("/api/v1/events/{id}/state")).json(&body).expect(200).await;
        }
        let users = json!({"users": [{"username": "emil", "role": "free_busy"}, {"username": "eva", "role": "viewer"},
            {"username": "edda", "role": "editor"}, {"username": "egon", "role": "owner"}, {"username": "heidi", "role": "free_busy"}]});
        alice.post(&format!("/api/v1/events/{id}/share")).json(&users).expect(200).await;
        if situation.state == "deleted" {
            alice.delete(&format!("/api/v1/events/{id}")).expect(204).await;
        }
        id
    }
}

/// A weekly series whose every text is a secret.
pub fn secret_event(linked: &str) -> Value {
    json!({
        "title": format!("{SECRET} title"), "description": format!("{SECRET} description"), "location": format!("{SECRET} location"),
        "url": format!("https://example.org/{SECRET}"), "categories": [format!("{SECRET} category")],
        "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich", "capacity": CAPACITY,
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"], "reminders": [REMINDER],
        "overrides": [{"original_start": "2027-03-15T09:00:00", "title": format!("{SECRET} another title"), "description": format!("{SECRET} d"),
            "location": format!("{SECRET} l"), "url": format!("https://example.org/other/{SECRET}"), "categories": [format!("{SECRET} c")],
            "meta": {"x": INNER}, "capacity": CAPACITY}],
        "audience": {"kind": "all", "classes": [format!("{SECRET}")], "class_groups": [format!("{SECRET}")], "user_ids": [linked]},
        "meta": {"note": format!("{INNER} {SECRET}"), format!("{INNER}"): 1},
    })
}
