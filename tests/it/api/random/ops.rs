//! What people do at random, and what the model says of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::DateTime;
use kalends_core::ctx::{Ctx, Door};
use kalends_core::events::{self, EventError, NewEvent};
use kalends_testkit::{Person, Reply, Request, World};
use serde_json::{Value, json};

use super::story::{Stories, Writer, said};
use crate::races::Chance;

/// One run: a world, what was done in it, and the stories that must be told of it.
pub struct Run {
    pub world: World,
    pub people: Vec<Person>,
    pub calendars: Vec<String>,
    pub stories: Stories,
    /// Calendars that were deleted.
    pub trashed: BTreeSet<String>,
    /// Every step, for people.
    pub told: Vec<String>,
    /// How often what was granted.
    pub done: BTreeMap<&'static str, usize>,
    events: Vec<String>,
    group: String,
    /// When each step was taken.
    times: Vec<String>,
}

/// What a granted request does to its event.
enum Effect {
    Nothing,
    NewCalendar,
    TrashedCalendar(String),
    Made,
    Becomes(&'static str, Value),
    Deleted,
    /// The series goes on as another one, with this title.
    Split(String),
    /// It is again what it was in this version.
    Back(usize),
}

const VISIBILITIES: [&str; 4] = ["private", "private", "internal", "public"];
const ROLES: [&str; 4] = ["free_busy", "viewer", "editor", "owner"];
const STATES: [&str; 4] = ["draft", "review", "published", "refused"];
const OF_EVENTS: [&str; 3] = ["public", "private", "confidential"];
/// When events are made for; and the third of those that come every week.
const START: &str = "2027-03-01T09:00:00";
const SPLIT_AT: &str = "2027-03-15T09:00:00";

fn fields(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn weekly(count: i64) -> String {
    format!("RRULE:FREQ=WEEKLY;COUNT={count}")
}

fn count(rule: &Value) -> i64 {
    rule.as_str().and_then(|rule| rule.rsplit('=').next()).expect("a rule").parse().expect("a count")
}

fn civil(start: &Value) -> DateTime {
    start.as_str().expect("a start").parse().expect("a time")
}

impl Run {
    pub async fn new() -> Run {
        let world = World::new().await;
        let people =
            vec![world.alice().await, world.bob().await, world.carol().await, world.admin().await, world.anonymous()];
        let calendars = people.iter().take(3).map(|person| person.calendar.clone()).collect();
        let group = people[0].post("/api/v1/groups").json(&json!({"name": "Team"})).expect(201).await.id();
        Run {
            world,
            people,
            calendars,
            stories: Stories::default(),
            trashed: BTreeSet::new(),
            told: Vec::new(),
            done: BTreeMap::new(),
            events: Vec::new(),
            group,
            times: Vec::new(),
        }
    }

    fn calendar(&self, chance: &mut Chance) -> String {
        if chance.below(2) == 0 {
            return self.calendars[0].clone();
        }
        self.calendars[chance.below(self.calendars.len())].clone()
    }

    fn event(&self, chance: &mut Chance) -> String {
        self.events.get(chance.below(self.events.len().max(1))).cloned().unwrap_or_else(|| self.calendars[0].clone())
    }

    fn writer(&self, actor: &Person) -> Writer {
        Writer { id: Some(actor.id.clone()), door: "rest", at: self.world.now().to_string() }
    }

    /// Asks; the answer when it was granted.
    async fn ask(&mut self, name: &'static str, what: String, request: Request) -> Option<Reply> {
        let reply = request.send().await;
        self.told.push(format!("{} {name} {what}: {}", self.world.now(), reply.status));
        assert!(!reply.status.is_server_error(), "{}\n{}", self.told.join("\n"), reply.text);
        if !reply.status.is_success() {
            return None;
        }
        *self.done.entry(name).or_default() += 1;
        Some(reply)
    }

    /// Does something, as somebody who perhaps may.
    pub async fn step(&mut self, chance: &mut Chance) {
        self.world.advance(1);
        self.times.push(self.world.now().to_string());
        let (calendar, event) = (self.calendar(chance), self.event(chance));
        // Mostly somebody who has made something, since others may do little.
        let actor = self.people[[0, 0, 0, 0, 0, 1, 2, 3][chance.below(8)]].clone();
        let other = self.people[chance.below(4)].clone();
        let role = ROLES[chance.below(4)];
        let (of_calendar, of_event) = (format!("/api/v1/calendars/{calendar}"), format!("/api/v1/events/{event}"));
        let members = format!("/api/v1/groups/{}/members", self.group);
        let whom = if chance.below(4) == 0 { json!({"group_id": self.group}) } else { json!({"user_id": other.id}) };
        let mut share = json!({"users": [whom]});
        share["users"][0]["role"] = role.into();
        let word = format!("Word {}", chance.below(1000));
        let (name, request, effect) = match chance.below(32) {
            0 => {
                let visibility = VISIBILITIES[chance.below(4)];
                let review = if chance.below(4) == 0 { "required" } else { "none" };
                let body = json!({"name": word, "visibility": visibility, "review": review});
                ("create_calendar", actor.post("/api/v1/calendars").json(&body), Effect::NewCalendar)
            }
            1..6 => {
                let body = a_new_event(chance, &calendar, &word);
                ("create_event", actor.post("/api/v1/events").json(&body), Effect::Made)
            }
            6 => return self.import(&calendar, &word).await,
            7 => {
                let title = json!({"title": word});
                ("edit", actor.patch(&of_event).json(&title), Effect::Becomes("update", title))
            }
            8 => {
                let hidden = json!({"visibility": OF_EVENTS[chance.below(3)]});
                ("hide", actor.patch(&of_event).json(&hidden), Effect::Becomes("update", hidden))
            }
            9 | 10 => {
                let moved = json!({"calendar_id": calendar});
                ("move", actor.patch(&of_event).json(&moved), Effect::Becomes("update", moved))
            }
            11 => ("delete", actor.delete(&of_event), Effect::Deleted),
            12 => {
                let back = json!({"deleted": false});
                ("restore", actor.post(&format!("{of_event}/restore")), Effect::Becomes("restore", back))
            }
            13 | 14 => {
                let state = ["draft", "published", "published", STATES[chance.below(4)]][chance.below(4)];
                let body = json!({"state": state, "comment": word});
                let request = actor.post(&format!("{of_event}/state")).json(&body);
                ("state", request, Effect::Becomes("state", json!({"state": state})))
            }
            15 | 16 => ("share_calendar", actor.post(&format!("{of_calendar}/share")).json(&share), Effect::Nothing),
            17 => {
                let whose = if chance.below(4) == 0 { &self.group } else { &other.id };
                ("unshare_calendar", actor.delete(&format!("{of_calendar}/permissions/{whose}")), Effect::Nothing)
            }
            18 => ("share_event", actor.post(&format!("{of_event}/share")).json(&share), Effect::Nothing),
            19 => ("unshare_event", actor.delete(&format!("{of_event}/permissions/{}", other.id)), Effect::Nothing),
            20 => {
                let body = json!({"visibility": VISIBILITIES[chance.below(4)]});
                ("calendar_visibility", actor.patch(&of_calendar).json(&body), Effect::Nothing)
            }
            21 => ("rename", actor.patch(&of_calendar).json(&json!({"name": word})), Effect::Nothing),
            22 | 23 => {
                let path = format!("{of_event}/instances/20270315T090000?scope=following");
                ("split", actor.patch(&path).json(&json!({"title": word})), Effect::Split(word.clone()))
            }
            24 => {
                let to = 1 + chance.below(self.stories.count(&event).max(1));
                ("rollback", actor.post(&format!("{of_event}/rollback/{to}")), Effect::Back(to))
            }
            25 => return self.batch(chance, &actor, &calendar, &event, &word).await,
            26 => return self.shift(chance, &actor, &event).await,
            27 => return self.take_back(chance, &actor, &calendar).await,
            28 => {
                let body = json!({"users": [{"user_id": other.id}]});
                ("add_member", actor.post(&members).json(&body), Effect::Nothing)
            }
            29 => ("remove_member", actor.delete(&format!("{members}/{}", other.id)), Effect::Nothing),
            30 => {
                // Nobody's own can be deleted, and those are the first.
                let newest = self.calendars[self.calendars.len() - 1 - chance.below(2)].clone();
                let request = actor.delete(&format!("/api/v1/calendars/{newest}"));
                ("delete_calendar", request, Effect::TrashedCalendar(newest))
            }
            _ => ("leave", actor.delete(&format!("{of_calendar}/permissions/{}", actor.id)), Effect::Nothing),
        };
        let what = format!("{} {calendar} {event} {} {role}", actor.name, other.name);
        if let Some(reply) = self.ask(name, what, request).await {
            self.took(effect, &actor, &event, &reply).await;
        }
    }

    /// What was granted is so from now on.
    async fn took(&mut self, effect: Effect, actor: &Person, event: &str, reply: &Reply) {
        let by = self.writer(actor);
        match effect {
            Effect::Nothing => return,
            Effect::NewCalendar => return self.calendars.push(reply.id()),
            Effect::TrashedCalendar(id) => {
                self.trashed.insert(id);
                return;
            }
            Effect::Deleted => return self.stories.deleted(event, &by),
            Effect::Made => self.is_made(&by, "create", &reply.json),
            Effect::Becomes(operation, change) => self.stories.became(event, &by, operation, &change),
            Effect::Back(to) => {
                let then = self.stories.version(event, to).clone();
                self.stories.became(event, &by, "rollback", &then);
            }
            Effect::Split(title) if reply.json["id"] == event => {
                self.stories.became(event, &by, "update", &json!({"title": title}));
            }
            Effect::Split(title) => {
                let mut rest = self.stories.now(event).clone();
                let submitted = self.stories.was_submitted(event);
                let (start, count) = (civil(&rest["start"]), count(&rest["recurrence"][0]));
                let before = i64::from(civil(&SPLIT_AT.into()).since(start).expect("a span").get_days() / 7);
                self.stories.became(event, &by, "split", &json!({"recurrence": [weekly(before)]}));
                rest["title"] = title.into();
                rest["start"] = SPLIT_AT.into();
                rest["recurrence"] = json!([weekly(count - before)]);
                let id = reply.id();
                self.stories.made(&id, &by, "split", rest, submitted);
                self.events.push(id);
            }
        }
        // A split answers with an instance.
        self.stories.is(&actor.get(&format!("/api/v1/events/{}", reply.id())).expect(200).await.json);
    }

    fn is_made(&mut self, by: &Writer, operation: &'static str, event: &Value) {
        let id = event["id"].as_str().expect("an id");
        self.stories.made(id, by, operation, said(event), false);
        self.events.push(id.to_owned());
    }

    /// The program itself puts an event into a calendar.
    async fn import(&mut self, calendar: &str, title: &str) {
        let new = fields(json!({"title": title, "start": "2027-03-02T09:00:00", "calendar_id": calendar}));
        let new = NewEvent::parse(new).expect("it is right");
        let ctx = Ctx::system(self.world.now(), Door::Import);
        let made: Result<events::Allowed, EventError> =
            self.world.db.write((ctx, new), |tx, (ctx, new)| Box::pin(events::create(tx, ctx, new))).await;
        self.told.push(format!("import into {calendar}: {}", made.is_ok()));
        let Ok(made) = made else { return };
        *self.done.entry("import").or_default() += 1;
        let id = made.event.id.to_string();
        let by = Writer { id: None, door: "import", at: self.world.now().to_string() };
        let said = json!({
            "title": title, "calendar_id": calendar, "visibility": "public", "start": "2027-03-02T09:00:00",
            "state": made.event.facts.state.name(), "recurrence": [], "deleted": false,
        });
        self.stories.made(&id, &by, "create", said, false);
        self.events.push(id);
    }

    /// Several changes in one request.
    async fn batch(&mut self, chance: &mut Chance, actor: &Person, calendar: &str, event: &str, word: &str) {
        let mode = ["atomic", "each"][chance.below(2)];
        let (other, third) = (self.event(chance), self.event(chance));
        let mut operations = vec![
            json!({"op": "update", "id": event, "event": {"title": word}}),
            json!({"op": "create", "event": a_new_event(chance, calendar, word)}),
            json!({"op": "update", "id": other, "event": {"calendar_id": calendar, "title": format!("{word} too")}}),
        ];
        // What is moved and deleted at once can be seen by nobody, and yet is told to be gone.
        if third != other {
            operations.push(json!({"op": "delete", "id": third}));
        }
        let request = actor.post("/api/v1/events/batch").json(&json!({"mode": mode, "operations": operations}));
        let what = format!("{} {mode} {calendar} {event} {other} {third}", actor.name);
        let Some(reply) = self.ask("batch", what, request).await else { return };
        let by = self.writer(actor);
        for (index, operation) in operations.iter().enumerate() {
            let result = &reply.json["results"][index];
            if result["status"].as_i64().is_none_or(|status| status >= 300) {
                assert_eq!(mode, "each", "{}", reply.text);
                continue;
            }
            let id = operation["id"].as_str().unwrap_or_default();
            match operation["op"].as_str() {
                Some("create") => self.is_made(&by, "create", &result["event"]),
                Some("update") => {
                    self.stories.became(id, &by, "update", &operation["event"]);
                    self.stories.is(&result["event"]);
                }
                _ => self.stories.deleted(id, &by),
            }
        }
    }

    /// Two events move by some days, or it is said how they would.
    async fn shift(&mut self, chance: &mut Chance, actor: &Person, event: &str) {
        let (other, days, preview) = (self.event(chance), 1 + chance.below(9), chance.below(3) == 0);
        let ids = if other == event { json!([event]) } else { json!([event, other]) };
        let body = json!({"ids": ids, "by": format!("P{days}D"), "preview": preview});
        let what = format!("{} {ids} {days} {preview}", actor.name);
        let Some(reply) = self.ask("shift", what, actor.post("/api/v1/events/shift").json(&body)).await else { return };
        for item in reply.items().iter().filter(|_| !preview) {
            let id = item["id"].as_str().expect("an id");
            let start = civil(&self.stories.now(id)["start"]);
            let later = start.checked_add(i64::try_from(days).expect("few").days()).expect("a time");
            self.stories.became(id, &self.writer(actor), "shift", &json!({"start": later.to_string()}));
            assert_eq!(item["version"], self.stories.count(id), "{item}");
        }
    }

    /// A whole calendar goes back to an instant, or it is said how it would.
    async fn take_back(&mut self, chance: &mut Chance, actor: &Person, calendar: &str) {
        // Mostly not far, so that something is left.
        let far = if chance.below(3) == 0 { 60 } else { 8 };
        let back = chance.below(self.times.len().min(far));
        let at = self.times[self.times.len() - 1 - back].clone();
        let preview = chance.below(3) == 0;
        let request = actor.post(&format!("/api/v1/calendars/{calendar}/restore"));
        let request = request.json(&json!({"at": at, "preview": preview}));
        let what = format!("{} {calendar} to {at} {preview}", actor.name);
        let Some(reply) = self.ask("restore_calendar", what, request).await else { return };
        let ids: BTreeSet<String> = reply.each("/id").into_iter().collect();
        assert_eq!(ids, self.stories.changed_since(calendar, &at), "{}", self.told.join("\n"));
        for item in reply.items() {
            let id = item["id"].as_str().expect("an id");
            assert_eq!(item["from_version"], self.stories.count(id), "{item}");
            let then = self.stories.current_at(id, &at);
            assert_eq!(item["to_version"], json!(then), "{item}");
            if preview || item.get("problem").is_some() {
                continue;
            }
            let to = then.map_or_else(|| json!({"deleted": true}), |number| self.stories.version(id, number).clone());
            self.stories.became(id, &self.writer(actor), "rollback", &to);
        }
    }
}

fn a_new_event(chance: &mut Chance, calendar: &str, title: &str) -> Value {
    let mut body = json!({"title": title, "start": START, "calendar_id": calendar,
        "visibility": OF_EVENTS[[0, 0, 0, 1, 2][chance.below(5)]]});
    if chance.below(3) == 0 {
        body["state"] = "draft".into();
    }
    if chance.below(2) == 0 {
        body["recurrence"] = json!([weekly(8)]);
    }
    body
}
