//! Exports: a list of events as a file.

use kalends_testkit::{Person, World};
use serde_json::json;

use super::given::{calendar, choir, event};

const MONTH: &str = "from=2027-03-01T00:00:00Z&to=2027-04-15T00:00:00Z";

async fn events(alice: &Person) -> String {
    let id = calendar(alice, &json!({"name": "Team"})).await;
    let mut body = choir();
    body["calendar_id"] = id.clone().into();
    event(alice, &body).await;
    let formula = json!({"calendar_id": id, "title": "=HYPERLINK(\"https://evil.example\")", "start": "2027-03-23T09:00:00", "state": "draft",
        "location": "Aula, \"old\" wing", "description": "one\ntwo", "categories": ["@a", "b"]});
    event(alice, &formula).await;
    id
}

#[tokio::test]
async fn an_export_has_what_the_list_with_the_same_filters_has() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = events(&alice).await;
    for filter in [
        String::new(),
        format!("&{MONTH}"),
        "&state=draft".to_owned(),
        format!("&{MONTH}&expand=true"),
        "&sort=-title".to_owned(),
    ] {
        let listed = alice.get(&format!("/api/v1/events?calendar_id={id}{filter}")).expect(200).await;
        let exported = alice.get(&format!("/api/v1/exports?format=json&calendar_id={id}{filter}")).expect(200).await;
        assert_eq!(exported.json["items"], listed.json["items"], "{filter}");
        assert_eq!(exported.header("content-disposition"), Some("attachment; filename=\"events.json\""));
    }
    let drafts = alice.get(&format!("/api/v1/exports?format=ics&calendar_id={id}&state=draft")).expect(200).await;
    assert_eq!(drafts.text.matches("BEGIN:VEVENT").count(), 1);
    assert_eq!(drafts.header("content-type"), Some("text/calendar; charset=utf-8"));
    let none = world.anonymous().get(&format!("/api/v1/exports?format=json&calendar_id={id}")).expect(200).await;
    assert_eq!(none.json, json!({"items": []}));
}

#[tokio::test]
async fn a_spreadsheet_finds_no_formula_in_csv() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = events(&alice).await;
    let got = alice.get(&format!("/api/v1/exports?format=csv&calendar_id={id}&state=draft")).expect(200).await;
    assert_eq!(got.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let (head, row) = got.text.split_once("\r\n").expect("two rows");
    assert!(head.starts_with("id,uid,calendar_id,series_id,original_start,title,start,end,"), "{head}");
    assert!(row.contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\",2027-03-23T09:00:00+01:00,"), "{row}");
    assert!(row.contains(",\"Aula, \"\"old\"\" wing\",\"one\ntwo\",,\"'@a; b\","), "{row}");
    assert!(row.ends_with("\r\n") && row.matches("\r\n").count() == 1, "{row}");
    let expanded =
        alice.get(&format!("/api/v1/exports?format=csv&calendar_id={id}&expand=true&{MONTH}")).expect(200).await;
    assert_eq!(expanded.text.matches("\r\n").count(), 6, "{}", expanded.text);
}

#[tokio::test]
async fn more_than_a_page_is_exported_whole() {
    let world = World::new().await;
    let alice = world.alice().await;
    let calendar = alice.calendar.parse().expect("an id");
    let user: kalends_kernel::UserId = alice.id.parse().expect("an id");
    let now = world.now();
    let made: Result<(), kalends_core::events::EventError> = world
        .db
        .write((user, calendar, now), |tx, (user, calendar, now)| {
            Box::pin(async move {
                use kalends_core::ctx::{Actor, Credential, Ctx, Door, GlobalRole, SignedIn};
                for number in 0..1_203 {
                    let ctx = Ctx::system(*now, Door::Import);
                    let by = Credential::Session(ctx.ids.next::<kalends_kernel::kind::Session>());
                    let actor = Actor::User(SignedIn { id: *user, role: GlobalRole::User, by });
                    let body = json!({"title": format!("Event {number}"), "start": "2027-03-23T09:00:00"});
                    let body = body.as_object().cloned().unwrap_or_default();
                    let new = kalends_core::events::NewEvent {
                        calendar_id: Some(*calendar),
                        uid: None,
                        state: None,
                        on_conflict: None,
                        body,
                    };
                    kalends_core::events::create(tx, &Ctx { actor, ..ctx }, &new).await?;
                }
                Ok(())
            })
        })
        .await;
    made.expect("made");
    let json = alice.get("/api/v1/exports?format=json").expect(200).await;
    assert_eq!(json.items().len(), 1_203);
    let feed = alice.get(&format!("/calendars/{}.ics", alice.calendar)).expect(200).await;
    let uids: std::collections::BTreeSet<&str> = feed.text.lines().filter(|line| line.starts_with("UID:")).collect();
    assert_eq!((uids.len(), feed.text.matches("BEGIN:VEVENT").count()), (1_203, 1_203));
    assert!(feed.text.ends_with("END:VCALENDAR\r\n"));
    let csv = alice.get("/api/v1/exports?format=csv").expect(200).await;
    assert_eq!(csv.text.lines().count(), 1_204);
}

#[tokio::test]
async fn what_an_export_cannot_do_is_said() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (query, pointer) in [
        ("", "?format"),
        ("format=xlsx", "?format"),
        ("format=csv&limit=5", "?limit"),
        ("format=json&cursor=x", "?cursor"),
        ("format=ics&expand=true&from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z", "?expand"),
        ("format=ics&sort=title", "?sort"),
        ("format=ics&colour=red", "?colour"),
    ] {
        let refused = alice.get(&format!("/api/v1/exports?{query}")).send().await.expect_problem("invalid");
        assert!(refused.errors().iter().any(|(found, _)| found == pointer), "{query}: {}", refused.text);
    }
}

#[tokio::test]
async fn who_exported_what_is_in_the_audit_log() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    let id = events(&alice).await;
    alice.get(&format!("/api/v1/exports?format=csv&calendar_id={id}&state=draft&lang=de")).expect(200).await;
    alice.get(&format!("/api/v1/exports?format=ics&{MONTH}")).expect(200).await;
    // What is refused took nothing along, and what anybody may have is not noted.
    alice.get("/api/v1/exports?format=pdf").expect(422).await;
    world.anonymous().get("/api/v1/exports?format=json").expect(200).await;
    let told = admin.get("/api/v1/audit?action=export").expect(200).await;
    let rows: Vec<_> = told.items().iter().map(|row| (&row["actor_id"], &row["result"], &row["detail"])).collect();
    let whole = json!({"format": "ics", "filters": {"from": "2027-03-01T00:00:00Z", "to": "2027-04-15T00:00:00Z"}});
    let drafts = json!({"format": "csv", "filters": {"calendar_id": id, "state": "draft"}});
    let (alice_id, ok) = (json!(alice.id), json!("ok"));
    assert_eq!(rows, [(&alice_id, &ok, &whole), (&alice_id, &ok, &drafts)]);
    let about = admin.get(&format!("/api/v1/audit?action=export&record_id={id}")).expect(200).await;
    assert_eq!(about.items().len(), 1);
    assert_eq!((&about.items()[0]["type"], &about.items()[0]["door"]), (&json!("calendar"), &json!("rest")));
}
