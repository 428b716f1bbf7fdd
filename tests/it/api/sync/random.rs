//! Whoever follows ends up with what a full read gives: random operations by several people through several doors, and
//! clients that read a page now and then, of any size, and sometimes go back to a copy and token of before. Beside them go
//! two that do it wrong: one keeps what was deleted, one skips pages. They do not end up so, or the test would see nothing.

use std::collections::{BTreeMap, BTreeSet};

use kalends_core::ctx::{Ctx, Door};
use kalends_core::events::{self, EventError, NewEvent};
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::client::{Client, full};
use crate::races::Chance;

struct Run {
    world: World,
    people: Vec<Person>,
    calendars: Vec<String>,
    events: Vec<String>,
    told: Vec<String>,
    done: BTreeMap<&'static str, usize>,
}

const VISIBILITIES: [&str; 4] = ["private", "private", "internal", "public"];
const ROLES: [&str; 4] = ["free_busy", "viewer", "editor", "owner"];
const STATES: [&str; 4] = ["draft", "review", "published", "refused"];
const OF_EVENTS: [&str; 3] = ["public", "private", "confidential"];

impl Run {
    async fn new() -> Run {
        let world = World::new().await;
        let people =
            vec![world.alice().await, world.bob().await, world.carol().await, world.admin().await, world.anonymous()];
        let calendars = people.iter().take(3).map(|person| person.calendar.clone()).collect();
        Run { world, people, calendars, events: Vec::new(), told: Vec::new(), done: BTreeMap::new() }
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

    /// Does something, as somebody who perhaps may.
    async fn step(&mut self, chance: &mut Chance) {
        self.world.advance(1);
        let (calendar, event) = (self.calendar(chance), self.event(chance));
        // Mostly somebody who has made something, since others may do little.
        let actor = self.people[[0, 0, 0, 0, 0, 1, 2, 3][chance.below(8)]].clone();
        let other = self.people[chance.below(4)].clone();
        let role = ROLES[chance.below(4)];
        let (of_calendar, of_event) = (format!("/api/v1/calendars/{calendar}"), format!("/api/v1/events/{event}"));
        let share = json!({"users": [{"user_id": other.id, "role": role}]});
        let word = format!("Word {}", chance.below(1000));
        let (name, request) = match chance.below(24) {
            0 => {
                let visibility = VISIBILITIES[chance.below(4)];
                let review = if chance.below(4) == 0 { "required" } else { "none" };
                let body = json!({"name": word, "visibility": visibility, "review": review});
                ("create_calendar", actor.post("/api/v1/calendars").json(&body))
            }
            1..6 => {
                let mut body = json!({"title": word, "start": "2027-03-01T09:00:00", "calendar_id": calendar,
                    "visibility": OF_EVENTS[[0, 0, 0, 1, 2][chance.below(5)]]});
                if chance.below(3) == 0 {
                    body["state"] = "draft".into();
                }
                if chance.below(4) == 0 {
                    body["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=8"]);
                }
                ("create_event", actor.post("/api/v1/events").json(&body))
            }
            6 => return self.import(&calendar, &word).await,
            7 => ("edit", actor.patch(&of_event).json(&json!({"title": word}))),
            8 => ("hide", actor.patch(&of_event).json(&json!({"visibility": OF_EVENTS[chance.below(3)]}))),
            9 | 10 => ("move", actor.patch(&of_event).json(&json!({"calendar_id": calendar}))),
            11 => ("delete", actor.delete(&of_event)),
            12 => ("restore", actor.post(&format!("{of_event}/restore"))),
            13 | 14 => {
                let state = ["draft", "published", "published", STATES[chance.below(4)]][chance.below(4)];
                let body = json!({"state": state, "comment": word});
                ("state", actor.post(&format!("{of_event}/state")).json(&body))
            }
            15 | 16 => ("share_calendar", actor.post(&format!("{of_calendar}/share")).json(&share)),
            17 => ("unshare_calendar", actor.delete(&format!("{of_calendar}/permissions/{}", other.id))),
            18 => ("share_event", actor.post(&format!("{of_event}/share")).json(&share)),
            19 => ("unshare_event", actor.delete(&format!("{of_event}/permissions/{}", other.id))),
            20 => {
                let body = json!({"visibility": VISIBILITIES[chance.below(4)]});
                ("calendar_visibility", actor.patch(&of_calendar).json(&body))
            }
            21 => ("rename", actor.patch(&of_calendar).json(&json!({"name": word}))),
            22 => {
                let path = format!("{of_event}/instances/20270315T090000?scope=following");
                ("split", actor.patch(&path).json(&json!({"title": word})))
            }
            _ if chance.below(3) == 0 => ("delete_calendar", actor.delete(&of_calendar)),
            _ => ("leave", actor.delete(&format!("{of_calendar}/permissions/{}", actor.id))),
        };
        let reply = request.send().await;
        self.told.push(format!("{} {name} {calendar} {event} {} {role}: {}", actor.name, other.name, reply.status));
        assert!(!reply.status.is_server_error(), "{}\n{}", self.told.join("\n"), reply.text);
        if reply.status.is_success() {
            *self.done.entry(name).or_default() += 1;
        }
        match (name, reply.status.as_u16()) {
            ("create_calendar", 201) => self.calendars.push(reply.id()),
            ("create_event", 201) => self.events.push(reply.id()),
            ("split", 200) if reply.json["id"] != event.as_str() => self.events.push(reply.id()),
            _ => {}
        }
    }

    /// The program itself puts an event into a calendar.
    async fn import(&mut self, calendar: &str, title: &str) {
        let Value::Object(body) = json!({"title": title, "start": "2027-03-02T09:00:00", "calendar_id": calendar})
        else {
            return;
        };
        let new = NewEvent::parse(body).expect("it is right");
        let ctx = Ctx::system(self.world.now(), Door::Import);
        let made: Result<events::Allowed, EventError> =
            self.world.db.write((ctx, new), |tx, (ctx, new)| Box::pin(events::create(tx, ctx, new))).await;
        self.told.push(format!("import into {calendar}: {}", made.is_ok()));
        if let Ok(made) = made {
            *self.done.entry("import").or_default() += 1;
            self.events.push(made.event.id.to_string());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_has_what_a_full_read_gives() {
    let (runs, first) = (setting("KALENDS_SYNC_RUNS", 6), setting("KALENDS_SYNC_SEED", 1));
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut kept, mut skipped) = (0, 0);
    for seed in first..first + runs {
        let mut chance = Chance::new(seed);
        let mut run = Run::new().await;
        // Two clients for each person: of everything, and of one calendar.
        let mut clients: Vec<(usize, Client)> = (0..run.people.len())
            .flat_map(|who| [(who, Client::default()), (who, Client::of_calendar(&run.calendars[0]))])
            .collect();
        let mut before: Vec<(usize, Client)> = Vec::new();
        let mut keeping: Vec<Client> =
            run.people.iter().map(|_| Client { keeps_all: true, ..Client::default() }).collect();
        let mut skipping: Vec<Client> = run.people.iter().map(|_| Client::default()).collect();
        let mut seen: Vec<BTreeSet<(String, String)>> = vec![BTreeSet::new(); run.people.len()];
        for _ in 0..60 {
            run.step(&mut chance).await;
            let named = run.calendars[0].clone();
            for (who, seen) in seen.iter_mut().enumerate() {
                seen.extend(full(&run.people[who], None).await.into_keys());
                seen.extend(full(&run.people[who], Some(&named)).await.into_keys());
            }
            for (who, person) in run.people.iter().enumerate() {
                if chance.below(3) > 0 {
                    continue;
                }
                keeping[who].page(person, 3).await;
                let copy = skipping[who].copy.clone();
                skipping[who].page(person, 3).await;
                if chance.below(4) == 0 {
                    skipping[who].copy = copy;
                }
            }
            for (who, client) in &mut clients {
                if chance.below(3) > 0 {
                    continue;
                }
                if chance.below(6) == 0 {
                    before.push((*who, client.clone()));
                }
                let earlier: Vec<&Client> = before
                    .iter()
                    .filter(|(whose, one)| whose == who && one.question == client.question)
                    .map(|(_, one)| one)
                    .collect();
                if !earlier.is_empty() && chance.below(8) == 0 {
                    *client = earlier[chance.below(earlier.len())].clone();
                }
                let page = client.page(&run.people[*who], 1 + chance.below(6)).await;
                for item in page.items() {
                    let key = (
                        item["type"].as_str().expect("a text").to_owned(),
                        item["id"].as_str().expect("a text").to_owned(),
                    );
                    let could = seen[*who].contains(&key);
                    assert!(
                        could,
                        "seed {seed}: {} hears of what they never saw: {item}\n{}",
                        run.people[*who].name,
                        run.told.join("\n")
                    );
                }
            }
        }
        let named = run.calendars[0].clone();
        for (who, person) in run.people.iter().enumerate() {
            let (all, one) = (full(person, None).await, full(person, Some(&named)).await);
            let what = format!("seed {seed}\n{}\n", run.told.join("\n"));
            for (_, client) in clients.iter_mut().chain(before.iter_mut()).filter(|(whose, _)| *whose == who) {
                let wanted = if client.question.is_empty() { &all } else { &one };
                client.must_become(person, wanted, &what).await;
            }
            for (client, wrong) in [(&mut keeping[who], &mut kept), (&mut skipping[who], &mut skipped)] {
                client.catch_up(person, 100).await;
                *wrong += usize::from(client.copy != all);
            }
        }
        super::super::given::fits(&run.world).await;
        for (name, times) in run.done {
            *done.entry(name).or_default() += times;
        }
        run.world.stop().await;
    }
    println!("{done:?}; {kept} that kept all and {skipped} that skipped pages have something else");
    assert!(kept > 0 && skipped > 0, "the controls");
}
