//! Everybody tries every operation in every situation of `rights.txt`, over HTTP, and gets what stands there.
//! An operation of the OpenAPI document without a row, and a row without an operation, fail.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use kalends_testkit::{Person, Reply};
use serde_json::{Value, json};

use super::document;
use super::people::{AT, INNER, NEXT, People, SECRET, Situation};

const TABLE: &str = include_str!("rights.txt");

/// The code of an answer by its status and slug.
const CODES: &[(&str, &str)] = &[
    ("401", "sign-in-needed"),
    ("401t", "bad-token"),
    ("401c", "bad-credentials"),
    ("403", "forbidden"),
    ("403r", "role-needed"),
    ("403t", "scope-needed"),
    ("404", "not-found"),
    ("409o", "last-owner"),
    ("409r", "review-required"),
    ("409s", "wrong-state"),
    ("412", "precondition-failed"),
];

/// A situation as a row says it: the calendar's visibility and review, the event's state and visibility.
type StatedSituation = (String, String, Option<(String, String)>);

struct Line {
    number: usize,
    operations: Vec<String>,
    situations: Vec<Option<StatedSituation>>,
    cells: Vec<String>,
}

fn words(of: &str) -> Vec<String> {
    of.split_whitespace().filter(|word| *word != "|").map(str::to_owned).collect()
}

/// The columns, and every row with what its wildcards mean.
fn table() -> (Vec<String>, Vec<Line>) {
    let mut lines = Vec::new();
    let mut columns = Vec::new();
    for (number, line) in TABLE.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (operations, rest) = line.split_once('|').expect("three parts");
        let (situation, cells) = rest.split_once('|').expect("three parts");
        if operations.trim() == "columns" {
            columns = words(cells);
            continue;
        }
        let cells = words(cells);
        assert_eq!(cells.len(), columns.len(), "rights.txt:{}: {line}", number + 1);
        lines.push(Line {
            number: number + 1,
            operations: words(operations),
            situations: situations(&words(situation)),
            cells,
        });
    }
    (columns, lines)
}

fn choices<'c>(word: &'c str, all: &[&'c str]) -> Vec<&'c str> {
    if word == "*" { all.to_vec() } else { word.split(',').collect() }
}

fn situations(said: &[String]) -> Vec<Option<StatedSituation>> {
    let [visibility, review, event @ ..] = said else { return vec![None] };
    let mut all = Vec::new();
    for visibility in choices(visibility, &["private", "internal", "public"]) {
        for review in choices(review, &["none", "required"]) {
            let calendar = (visibility.to_owned(), review.to_owned());
            let [state, of_event] = event else {
                all.push(Some((calendar.0, calendar.1, None)));
                continue;
            };
            let states = match (state.as_str(), review) {
                ("unpublished", "none") => vec!["draft"],
                ("unpublished", _) => vec!["draft", "review", "refused"],
                (other, _) => choices(other, &[]),
            };
            for state in states {
                for of_event in choices(of_event, &["public", "private", "confidential"]) {
                    let of_event = (state.to_owned(), of_event.to_owned());
                    all.push(Some((calendar.0.clone(), calendar.1.clone(), Some(of_event))));
                }
            }
        }
    }
    all
}

/// Things to try on; made anew after each success.
#[derive(Default)]
struct Things {
    shared: HashMap<(String, String), String>,
    calendars: HashMap<(String, String), String>,
    events: HashMap<Situation, String>,
    tries: usize,
}

#[derive(Clone, Default)]
struct Target {
    calendar: String,
    event: String,
}

/// The table takes minutes: each of this many tests tries its share of the situations, so that they run side by side.
const PARTS: usize = 6;

/// Everybody may do what the table says and nothing else.
async fn the_table_holds(part: usize) {
    let people = People::new().await;
    let (columns, lines) = table();
    let mut things = Things::default();
    let mut wrong = String::new();
    let all = lines.iter().flat_map(|line| {
        let operations = line.operations.iter();
        operations.flat_map(move |operation| line.situations.iter().map(move |situation| (line, operation, situation)))
    });
    for (line, operation, situation) in all.skip(part).step_by(PARTS) {
        for (column, wanted) in columns.iter().zip(&line.cells) {
            let found = attempt(&people, &mut things, operation, situation.as_ref(), column).await;
            // Cancelling has no body to show.
            let wanted = if operation.starts_with("cancel_instance") && wanted == "full" { "ok" } else { wanted };
            if found != wanted {
                writeln!(wrong, "rights.txt:{} {operation} {situation:?} {column}: {found}, not {wanted}", line.number)
                    .expect("written");
            }
        }
    }
    println!("{} rows, {} answers", lines.len(), things.tries);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    the_table_holds(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_part_2() {
    the_table_holds(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_part_3() {
    the_table_holds(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_part_4() {
    the_table_holds(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_part_5() {
    the_table_holds(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_what_the_table_says_part_6() {
    the_table_holds(5).await;
}

#[tokio::test]
async fn every_operation_is_in_the_table_and_every_row_is_an_operation() {
    let world = kalends_testkit::World::new().await;
    let document = document::of(&world.anonymous()).await;
    let operations: BTreeSet<String> =
        document::operations(&document).into_iter().map(|operation| operation.id).collect();
    let rows: BTreeSet<String> = table()
        .1
        .iter()
        .flat_map(|line| &line.operations)
        .map(|operation| operation.split('@').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(operations, rows);
}

async fn attempt(
    people: &People,
    things: &mut Things,
    operation: &str,
    situation: Option<&StatedSituation>,
    column: &str,
) -> String {
    let person = &people.by_column[column];
    let mut target = Target::default();
    let key = situation.map(|(visibility, review, of_event)| {
        let calendar = (visibility.clone(), review.clone());
        (calendar.clone(), of_event.clone().map(|(state, visibility)| Situation { calendar, state, visibility }))
    });
    match &key {
        None => {}
        Some((calendar, None)) => {
            if !things.calendars.contains_key(calendar) {
                things.calendars.insert(calendar.clone(), people.calendar(calendar).await);
            }
            target.calendar.clone_from(&things.calendars[calendar]);
            if !things.shared.contains_key(calendar) {
                things.shared.insert(calendar.clone(), people.calendar(calendar).await);
            }
        }
        Some((calendar, Some(situation))) => {
            if !things.shared.contains_key(calendar) {
                things.shared.insert(calendar.clone(), people.calendar(calendar).await);
            }
            target.calendar.clone_from(&things.shared[calendar]);
            if !things.events.contains_key(situation) {
                things.events.insert(situation.clone(), people.event(&target.calendar, situation).await);
            }
            target.event.clone_from(&things.events[situation]);
        }
    }
    things.tries += 1;
    let reply = send(people, person, operation, &target).await;
    let found = code(people, operation, &target, &reply, person);
    let changing = !["get_", "list_"].iter().any(|word| operation.starts_with(word));
    // The first of two may have done it.
    let done = reply.status.is_success() || operation.ends_with("@again");
    if done && changing {
        match &key {
            Some((calendar, None)) if !operation.starts_with("create_event") => {
                things.calendars.remove(calendar);
            }
            Some((_, Some(situation))) => {
                things.events.remove(situation);
            }
            _ => {}
        }
    }
    let told = format!("{}{:?}", reply.text, reply.headers);
    // A feed of whole calendars shows other events too; `secrets.rs` and `api/feeds.rs` look at what it shows of each.
    if ["get_calendar_feed", "get_secret_feed"].contains(&operation) {
        return found;
    }
    // Whoever was not shown it learns nothing of it from any answer.
    assert!(
        // What is shared with somebody is listed whole, events of other situations among it.
        operation == "list_shared_with_me"
            || ["full", "pub"].contains(&found.as_str())
            || found == "412"
            || !told.contains(SECRET),
        "{operation} {situation:?} {column} tells the secret: {told}"
    );
    assert!(
        found == "full" || !told.contains(INNER),
        "{operation} {situation:?} {column} tells the inner secret: {told}"
    );
    found
}

/// The page of what is shared with somebody that has the event, else the last.
async fn shared_page_with(person: &Person, event: &str) -> Reply {
    let mut path = "/api/v1/me/shared?limit=500".to_owned();
    loop {
        let reply = person.get(&path).send().await;
        let Some(next) = reply.json["next_cursor"].as_str().filter(|_| !reply.text.contains(event)) else {
            return reply;
        };
        path = format!("/api/v1/me/shared?limit=500&cursor={next}");
    }
}

/// What somebody is shown by a link to the event that alice made. (What is in the trash cannot be linked to any more.)
async fn through_link(people: &People, person: &Person, operation: &str, event: &str) -> Reply {
    let alice = &people.by_column["own"];
    let body = json!({"event_ids": [event], "busy_only": operation.ends_with("@busy")});
    let made = alice.post("/api/v1/share-links").json(&body).expect(201).await;
    let token = made.str("/token");
    let path = if operation.starts_with("get_share_link_feed") {
        format!("/share-links/{token}.ics")
    } else {
        format!("/api/v1/share-links/{token}")
    };
    let reply = person.get(&path).send().await;
    alice.delete(&format!("/api/v1/me/share-links/{}", made.id())).expect(204).await;
    reply
}

/// One way of using an operation.
async fn send(people: &People, person: &Person, operation: &str, on: &Target) -> Reply {
    let Target { calendar, event } = on;
    let (heidi, session, token) = (&people.heidi.id, &people.of_heidi.0, &people.of_heidi.1);
    let own = if person.id.is_empty() { "01941f29-7c00-7ccc-8000-3d1c7e9a5b10" } else { &person.id };
    let of_event = |rest: &str| format!("/api/v1/events/{event}{rest}");
    if operation == "list_shared_with_me" {
        return shared_page_with(person, event).await;
    }
    let of_job = |rest: &str| format!("/api/v1/jobs/{}{rest}", people.job_of_heidi);
    let of_calendar = |rest: &str| format!("/api/v1/calendars/{calendar}{rest}");
    if operation.starts_with("get_share_link") {
        return through_link(people, person, operation, event).await;
    }
    let secret = super::people::secret_event(heidi);
    let role = json!({"role": "editor"});
    let share = json!({"users": [{"username": "heidi", "role": "editor"}]});
    let month = "from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z";
    let state = operation.split_once('@').map_or("", |(_, variant)| variant);
    let request = match operation {
        "get_event" => person.get(&of_event("")),
        "get_instance" => person.get(&of_event(&format!("/instances/{AT}"))),
        "list_instances" => person.get(&of_event(&format!("/instances?{month}"))),
        "list_events" => person.get(&format!("/api/v1/events?ids={event}")),
        "list_events@expand" => {
            person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&expand=true&{month}"))
        }
        "list_events@category" => {
            person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&category={SECRET}%20category"))
        }
        "list_events@words" => {
            person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&q=title%20{SECRET}"))
        }
        "list_events@typo" => {
            let typo = format!("{SECRET}x");
            person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&q={typo}"))
        }
        "list_events@title" => person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&sort=title")),
        "list_events@trash" => person.get(&format!("/api/v1/events?ids={event}&calendar_id={calendar}&deleted=true")),
        "list_audit" => person.get("/api/v1/audit"),
        "get_audit_head" => person.get("/api/v1/audit/head"),
        "list_changes" => person.get(&format!("/api/v1/changes?calendar_id={calendar}&limit=500")),
        "create_event" | "create_event@published" => {
            let mut body = secret.clone();
            body["calendar_id"] = calendar.clone().into();
            if state == "published" {
                body["state"] = state.into();
            }
            person.post("/api/v1/events").json(&body)
        }
        "update_event" => person.patch(&of_event("")).json(&json!({"location": "Elsewhere"})),
        "replace_event" => {
            let mut body = secret.clone();
            body["location"] = "Elsewhere".into();
            person.put(&of_event("")).header("if-match", "\"1-0\", \"2-0\", \"3-0\"").json(&body)
        }
        "update_instance" => {
            person.patch(&of_event(&format!("/instances/{NEXT}"))).json(&json!({"location": "Elsewhere"}))
        }
        "update_instance@following" => person
            .patch(&of_event(&format!("/instances/{NEXT}?scope=following")))
            .json(&json!({"location": "Elsewhere"})),
        "update_instance@all" => {
            person.patch(&of_event(&format!("/instances/{NEXT}?scope=all"))).json(&json!({"location": "Elsewhere"}))
        }
        "cancel_instance" => person.delete(&of_event(&format!("/instances/{NEXT}"))),
        "cancel_instance@following" => person.delete(&of_event(&format!("/instances/{NEXT}?scope=following"))),
        "cancel_instance@all" => person.delete(&of_event(&format!("/instances/{NEXT}?scope=all"))),
        "get_event@now" => person.get(&of_event(&format!("?at={}", people.world.now()))),
        "list_history" => person.get(&of_event("/history")),
        "get_version@1" | "get_version@2" => person.get(&of_event(&format!("/history/{state}"))),
        "get_diff@1" | "get_diff@2" => person.get(&of_event(&format!("/diff/{state}/{state}"))),
        "list_changelog" => person.get(&of_event("/changelog")),
        "roll_back_event@1" => person.post(&of_event("/rollback/1")),
        "restore_calendar" | "restore_calendar@done" => {
            let body = json!({"at": people.world.now(), "preview": state != "done"});
            person.post(&of_calendar("/restore")).json(&body)
        }
        "clone_event" => person.post(&of_event("/clone")),
        "delete_event" => person.delete(&of_event("")),
        "delete_event@again" => {
            person.delete(&of_event("")).send().await;
            person.delete(&of_event(""))
        }
        "delete_calendar@again" => {
            person.delete(&of_calendar("")).send().await;
            person.delete(&of_calendar(""))
        }
        "restore_event" => person.post(&of_event("/restore")),
        "change_event_state@draft"
        | "change_event_state@review"
        | "change_event_state@published"
        | "change_event_state@refused" => {
            person.post(&of_event("/state")).json(&json!({"state": state, "comment": "because"}))
        }
        "change_event_states@published" => {
            person.post("/api/v1/events/state").json(&json!({"ids": [event], "state": state}))
        }
        "batch_events@create" => {
            let mut body = secret.clone();
            body["calendar_id"] = calendar.clone().into();
            person.post("/api/v1/events/batch").json(&json!({"operations": [{"op": "create", "event": body}]}))
        }
        "batch_events@update" | "batch_events@each" => {
            let update = json!({"op": "update", "id": event, "event": {"location": "Elsewhere"}});
            let mode = if state == "each" { "each" } else { "atomic" };
            person.post("/api/v1/events/batch").json(&json!({"mode": mode, "operations": [update]}))
        }
        "batch_events@delete" => {
            person.post("/api/v1/events/batch").json(&json!({"operations": [{"op": "delete", "id": event}]}))
        }
        "shift_events" | "shift_events@preview" => {
            let body = json!({"ids": [event], "by": "P7D", "preview": state == "preview"});
            person.post("/api/v1/events/shift").json(&body)
        }
        "share_event" => person.post(&of_event("/share")).json(&share),
        "put_event_permission" => person.put(&of_event(&format!("/permissions/{heidi}"))).json(&role),
        "delete_event_permission" => person.delete(&of_event(&format!("/permissions/{heidi}"))),
        "delete_event_permission@self" => person.delete(&of_event(&format!("/permissions/{own}"))),
        "list_event_permissions" => person.get(&of_event("/permissions")),
        "get_calendar" => person.get(&of_calendar("")),
        "list_calendars" => person.get("/api/v1/calendars?limit=500"),
        "create_calendar" => person.post("/api/v1/calendars").json(&json!({"name": "Mine"})),
        "create_calendar@public" => {
            person.post("/api/v1/calendars").json(&json!({"name": "Mine", "visibility": "public"}))
        }
        "update_calendar" => person.patch(&of_calendar("")).json(&json!({"color": "#123456"})),
        "delete_calendar" => person.delete(&of_calendar("")),
        "share_calendar" => person.post(&of_calendar("/share")).json(&share),
        "put_calendar_permission" => person.put(&of_calendar(&format!("/permissions/{heidi}"))).json(&role),
        "delete_calendar_permission" => person.delete(&of_calendar(&format!("/permissions/{heidi}"))),
        "delete_calendar_permission@self" => person.delete(&of_calendar(&format!("/permissions/{own}"))),
        "list_calendar_permissions" => person.get(&of_calendar("/permissions")),
        "list_venues" => person.get("/api/v1/venues"),
        "get_venue" => person.get(&format!("/api/v1/venues/{}", people.venue)),
        "create_venue" => person.post("/api/v1/venues").json(&json!({"name": "Mine"})),
        "update_venue" => {
            person.patch(&format!("/api/v1/venues/{}", people.venue)).json(&json!({"description": "Ours"}))
        }
        "delete_venue@changed" => {
            person.delete(&format!("/api/v1/venues/{}", people.venue)).header("if-match", "\"4711-0\"")
        }
        "find_conflicts" | "find_conflicts@calendar" => {
            let mut body = json!({"start": "1990-01-01T10:00:00", "user_ids": [heidi], "venue_id": people.venue});
            if state == "calendar" {
                body["calendar_id"] = calendar.clone().into();
            }
            person.post("/api/v1/conflicts").json(&body)
        }
        "free_busy" => person.get(&format!("/api/v1/freebusy?user_id={heidi},{own}&venue_id={}&{month}", people.venue)),
        "find_free_slots" => {
            let body = json!({"duration": "PT1H", "from": "2027-03-01T00:00:00Z", "to": "2027-04-01T00:00:00Z",
                "user_ids": [heidi, own], "venue_id": people.venue});
            person.post("/api/v1/free-slots").json(&body)
        }
        "register" => {
            let name = format!("new-{}", kalends_kernel::Ids::at(people.world.now()).uuid().simple());
            let body = json!({"username": name, "email": format!("{name}@example.org"), "password": "correct horse"});
            person.post("/api/v1/auth/register").json(&body)
        }
        "login" => {
            person.post("/api/v1/auth/login").json(&json!({"login": person.name, "password": people.world.password()}))
        }
        "refresh" => person.post("/api/v1/auth/refresh").json(&json!({"refresh_token": "klr_nothing"})),
        "logout" => {
            // Out of a session of its own, so that the others go on.
            let fresh = match (person.token.is_some(), person.name.as_str()) {
                (true, name) if people.by_column["token"].token != person.token && name != "gustav" => {
                    let login = json!({"login": name, "password": people.world.password()});
                    let tokens = person.post("/api/v1/auth/login").json(&login).expect(200).await;
                    person.with_token(tokens.str("/access_token"))
                }
                _ => person.clone(),
            };
            fresh.post("/api/v1/auth/logout")
        }
        "export_events@ics" | "export_events@json" => {
            person.get(&format!("/api/v1/exports?ids={event}&format={state}"))
        }
        "get_calendar_feed" => person.get(&format!("/calendars/{calendar}.ics")),
        "get_event_feed" => person.get(&format!("/events/{event}.ics")),
        "get_secret_feed" => person.get(&people.feed.0),
        "list_feeds" => person.get("/api/v1/me/feeds"),
        "create_feed" => person.post("/api/v1/me/feeds").json(&json!({"name": "f"})),
        "delete_feed" => person.delete(&format!("/api/v1/me/feeds/{}", people.feed.1)),
        "create_share_link" => person.post("/api/v1/share-links").json(&json!({"event_ids": [event]})),
        "list_share_links" => person.get("/api/v1/me/share-links"),
        "delete_share_link" => person.delete(&format!("/api/v1/me/share-links/{}", people.link_of_heidi)),
        "transfer_calendar" => person.post(&of_calendar("/transfer")).json(&json!({"username": "heidi"})),
        "list_groups" => person.get("/api/v1/groups"),
        "create_group" => person.post("/api/v1/groups").json(&json!({"name": "Mine"})),
        "get_group" => person.get(&format!("/api/v1/groups/{}", people.group().await)),
        "update_group" => {
            person.patch(&format!("/api/v1/groups/{}", people.group().await)).json(&json!({"name": "Other"}))
        }
        "delete_group" => person.delete(&format!("/api/v1/groups/{}", people.group().await)),
        "list_group_members" => person.get(&format!("/api/v1/groups/{}/members", people.group().await)),
        "add_group_members" => {
            let path = format!("/api/v1/groups/{}/members", people.group().await);
            person.post(&path).json(&json!({"users": [{"username": "heidi"}]}))
        }
        "remove_group_member" => person.delete(&format!("/api/v1/groups/{}/members/{heidi}", people.group().await)),
        "remove_group_member@self" => person.delete(&format!("/api/v1/groups/{}/members/{own}", people.group().await)),
        "get_me" => person.get("/api/v1/me"),
        "update_me" => person.patch("/api/v1/me").json(&json!({"locale": "de"})),
        "delete_me@changed" => person.delete("/api/v1/me").header("if-match", "\"4711-0\""),
        "change_password" => {
            let body = json!({"current_password": people.world.password(), "new_password": people.world.password()});
            person.put("/api/v1/me/password").json(&body)
        }
        "list_sessions" => person.get("/api/v1/me/sessions"),
        "end_session" => person.delete(&format!("/api/v1/me/sessions/{session}")),
        "list_tokens" => person.get("/api/v1/me/tokens"),
        "create_token" => person.post("/api/v1/me/tokens").json(&json!({"name": "t", "scopes": ["read"]})),
        "revoke_token" => person.delete(&format!("/api/v1/me/tokens/{token}")),
        "list_users" => person.get("/api/v1/users?q=heidi"),
        "get_user" => person.get(&format!("/api/v1/users/{heidi}")),
        "update_user" => person.patch(&format!("/api/v1/users/{heidi}")).json(&json!({"name": "Heidi Again"})),
        "import_file" => person.post("/api/v1/imports").upload("x.ics", b"x", &[("calendar_id", calendar)]),
        "list_jobs" => person.get("/api/v1/jobs?limit=500"),
        "get_job" => person.get(&of_job("")),
        "cancel_job" => person.post(&of_job("/cancel")),
        "retry_job" => person.post(&of_job("/retry")),
        "undo_job" => person.delete(&of_job("")),
        "healthz" | "readyz" | "metrics" => person.get(&format!("/{operation}")),
        other => panic!("the table has {other}, which nobody knows how to do"),
    };
    let mut reply = request.send().await;
    if operation == "list_changes" && reply.status.is_success() {
        assert!(reply.json["more"] == false, "one page is enough here");
        // What is said of other events is their rows' business.
        let items: Vec<Value> = reply.items().iter().filter(|item| item["id"] == event.as_str()).cloned().collect();
        reply.json["items"] = items.into();
        reply.text = reply.json.to_string();
    }
    reply
}

/// What an answer is in the words of the table.
fn code(people: &People, operation: &str, on: &Target, reply: &Reply, person: &Person) -> String {
    if !reply.status.is_success() {
        let media = reply.header("content-type");
        assert!(media == Some("application/problem+json"), "{operation}: {media:?} {}", reply.text);
        return problem(&reply.json);
    }
    let shown: Option<&Value> = match operation.split('@').next().unwrap_or_default() {
        "list_events" | "list_instances" | "change_event_states" | "export_events" | "get_share_link"
            if !reply.json.is_null() =>
        {
            let items = reply.items();
            let all: BTreeSet<String> = items.iter().map(|item| sight(item).to_owned()).collect();
            return match (all.len(), operation) {
                (0, "list_events@trash") => "404".to_owned(),
                (0, _) => "none".to_owned(),
                _ => all.into_iter().collect::<Vec<_>>().join("+"),
            };
        }
        "list_changes" => {
            return reply.items().first().map_or("none", |item| sight(&item["record"])).to_owned();
        }
        "list_calendars" => {
            let there = reply.items().iter().any(|item| item["id"] == on.calendar.as_str());
            return if there { "ok" } else { "404" }.to_owned();
        }
        // Of somebody whom nothing is about.
        "list_jobs" => {
            let there = reply.items().iter().any(|item| item["user_id"] == people.heidi.id.as_str());
            return if there { "ok" } else { "none" }.to_owned();
        }
        "list_users" => Some(&reply.items()[0]),
        "list_shared_with_me" => {
            let of_event = reply.items().iter().find(|item| item["id"] == on.event.as_str());
            let title = of_event.map(|item| item["title"].is_null());
            return title.map_or("none", |hidden| if hidden { "busy" } else { "full" }).to_owned();
        }
        "batch_events" => {
            let result = &reply.json["results"][0];
            return match (&result["problem"], &result["event"]) {
                (Value::Object(_), _) => problem(&result["problem"]),
                (_, Value::Null) => "ok".to_owned(),
                (_, event) => sight(event).to_owned(),
            };
        }
        "shift_events" => {
            let title = &reply.json["items"][0]["after"]["title"];
            return if title.is_null() { "busy" } else { "full" }.to_owned();
        }
        "get_event" | "get_instance" | "create_event" | "update_event" | "replace_event" | "update_instance"
        | "clone_event" | "restore_event" | "change_event_state" | "get_version" | "roll_back_event" => {
            return sight(&reply.json).to_owned();
        }
        // Its first line tells all of the event.
        "list_changelog" => return "full".to_owned(),
        "get_user" => Some(&reply.json),
        "get_event_feed" | "get_share_link_feed" | "export_events" if reply.json.is_null() => {
            return sight_of_text(&reply.text, on).to_owned();
        }
        _ => None,
    };
    match shown {
        Some(user) => if user.get("email").is_some() { "whole" } else { "card" }.to_owned(),
        None => {
            let right = reply.status.as_u16() == 204 || !reply.text.is_empty();
            assert!(right, "{} gets {} without a body", person.name, reply.status);
            "ok".to_owned()
        }
    }
}

/// What a problem is in the words of the table.
fn problem(of: &Value) -> String {
    let slug = of["type"].as_str().unwrap_or_default().trim_start_matches("/problems/");
    let status = of["status"].to_string();
    let known = CODES.iter().find(|(code, known)| *known == slug && code.starts_with(&status));
    known.map_or_else(|| format!("{status} {slug} {}", of["errors"]), |(code, _)| (*code).to_owned())
}

/// How much of the event an iCalendar text shows.
fn sight_of_text(text: &str, on: &Target) -> &'static str {
    let text = text.replace("\r\n ", "");
    let about = text.split("BEGIN:VEVENT").find(|part| part.contains(&format!("UID:{}", on.event)));
    match about {
        None => "none",
        Some(about) if about.contains("SUMMARY:Busy") => "busy",
        Some(about) if about.contains("BEGIN:VALARM") => "full",
        Some(_) => "pub",
    }
}

/// How much of an event an answer shows.
fn sight(event: &Value) -> &'static str {
    match (event["title"].is_null(), event["author_id"].is_null()) {
        (true, _) => "busy",
        (false, true) => "pub",
        (false, false) => "full",
    }
}
