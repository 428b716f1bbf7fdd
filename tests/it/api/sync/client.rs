//! A client that keeps a copy by `GET /changes`, and what a full read gives.

use std::collections::BTreeMap;

use kalends_testkit::{Person, Reply};
use serde_json::Value;

/// Records by type and id.
pub type Copy = BTreeMap<(String, String), Value>;

/// A copy, and the token that it stands at.
#[derive(Clone, Default)]
pub struct Client {
    /// Further parameters: `&calendar_id=…`.
    pub question: String,
    pub token: Option<String>,
    pub copy: Copy,
    /// A control: what was deleted stays in the copy.
    pub keeps_all: bool,
}

impl Client {
    pub fn of_calendar(id: &str) -> Client {
        Client { question: format!("&calendar_id={id}"), ..Client::default() }
    }

    /// Asks for the next page and does what it says; the page.
    pub async fn page(&mut self, person: &Person, limit: usize) -> Reply {
        let since = self.token.as_ref().map_or_else(String::new, |token| format!("&since={token}"));
        let page = person.get(&format!("/api/v1/changes?limit={limit}{since}{}", self.question)).expect(200).await;
        assert!(page.items().len() <= limit, "{}", page.text);
        let mut last = String::new();
        for item in page.items() {
            let text = |name: &str| item[name].as_str().expect("a text").to_owned();
            assert!(text("seq") >= last, "in order: {}", page.text);
            last = text("seq");
            let key = (text("type"), text("id"));
            if item["op"] == "deleted" {
                assert!(item.get("record").is_none() && item["version"].is_null(), "{item}");
                if !self.keeps_all {
                    self.copy.remove(&key);
                }
            } else {
                assert_eq!(item["record"]["id"], item["id"]);
                assert_eq!(item["record"]["version"], item["version"]);
                self.copy.insert(key, item["record"].clone());
            }
        }
        self.token = Some(page.str("/next_token").to_owned());
        page
    }

    /// Goes on to the end; the items of all pages as `op type id`.
    pub async fn catch_up(&mut self, person: &Person, limit: usize) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let page = self.page(person, limit).await;
            for item in page.items() {
                let text = |name: &str| item[name].as_str().expect("a text").to_owned();
                told.push(format!("{} {} {}", text("op"), text("type"), text("id")));
            }
            if page.json["more"] == false {
                return told;
            }
        }
    }

    /// Goes on until the copy is what a full read gives. On PostgreSQL any open transaction of the cluster holds the log
    /// back for a while.
    pub async fn must_become(&mut self, person: &Person, full: &Copy, what: &str) {
        let began = std::time::Instant::now();
        loop {
            self.catch_up(person, 100).await;
            if self.copy == *full {
                return;
            }
            if began.elapsed() > PATIENCE {
                let keys = |copy: &Copy| copy.keys().map(|(kind, id)| format!("{kind} {id}")).collect::<Vec<_>>();
                assert_eq!(keys(&self.copy), keys(full), "{what}: {} has not what a full read gives", person.name);
                assert_eq!(self.copy, *full, "{what}: {} has not what a full read gives", person.name);
            }
        }
    }
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Everything that the lists give, page by page; with a calendar's id only that and its events.
pub async fn full(person: &Person, calendar: Option<&str>) -> Copy {
    let mut copy = Copy::new();
    let of = calendar.map_or_else(String::new, |id| format!("&calendar_id={id}"));
    match calendar {
        None => list(person, "calendar", "/api/v1/calendars?limit=500", &mut copy).await,
        Some(id) => {
            let found = person.get(&format!("/api/v1/calendars/{id}")).send().await;
            if found.status == 200 {
                copy.insert(("calendar".to_owned(), id.to_owned()), found.json);
            }
        }
    }
    list(person, "event", &format!("/api/v1/events?limit=500{of}"), &mut copy).await;
    copy
}

async fn list(person: &Person, kind: &str, path: &str, copy: &mut Copy) {
    let mut cursor = String::new();
    loop {
        let page = person.get(&format!("{path}{cursor}")).expect(200).await;
        for item in page.items() {
            copy.insert((kind.to_owned(), item["id"].as_str().expect("an id").to_owned()), item.clone());
        }
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return,
        }
    }
}
