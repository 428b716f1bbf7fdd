//! What is different between two versions.

use kalends_testkit::World;
use serde_json::{Value, json};

use super::super::given::{choir, event};
use super::{patched, version};

#[tokio::test]
async fn a_diff_says_what_is_different_field_by_field_and_as_a_patch_in_both_directions() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["categories"] = json!(["music", "school"]);
    body["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "title": "Easter"}]);
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    world.advance(60);
    let change = json!({"categories": ["school", "concert"], "reminders": [60, 1440], "end": "2027-03-22T22:00:00",
        "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270630T220000Z"],
        "overrides": [{"original_start": "2027-03-29T19:30:00", "title": "Easter Monday"}, {"original_start": "2027-04-05T19:30:00", "cancelled": true}]});
    alice.patch(&path).json(&change).expect(200).await;
    let there = alice.get(&format!("{path}/diff/1/2")).expect(200).await;
    assert_eq!((&there.json["from"], &there.json["to"]), (&json!(1), &json!(2)));
    let easter = json!([{"original_start": "2027-03-29T19:30:00+02:00", "title": "Easter"}]);
    let both = json!([{"original_start": "2027-03-29T19:30:00+02:00", "title": "Easter Monday"}, {"original_start": "2027-04-05T19:30:00+02:00", "cancelled": true}]);
    assert_eq!(
        there.json["changes"],
        json!({
            "categories": {"from": ["music", "school"], "to": ["school", "concert"], "added": ["concert"], "removed": ["music"]},
            "end": {"from": "2027-03-22T21:00:00+01:00", "to": "2027-03-22T22:00:00+01:00", "from_time_zone": "Europe/Zurich", "to_time_zone": "Europe/Zurich"},
            "overrides": {"from": easter, "to": both, "added": [both[1]], "removed": [],
                "changed": [{"original_start": "2027-03-29T19:30:00+02:00", "changes": {"title": {"from": "Easter", "to": "Easter Monday"}}}]},
            "recurrence": {"from": ["RRULE:FREQ=WEEKLY;COUNT=6"], "to": ["RRULE:FREQ=WEEKLY;UNTIL=20270630T220000Z;BYDAY=MO,WE"],
                "added": ["RRULE:FREQ=WEEKLY;UNTIL=20270630T220000Z;BYDAY=MO,WE"], "removed": ["RRULE:FREQ=WEEKLY;COUNT=6"],
                "from_words": "every week, 6 times", "to_words": "every week on Monday and Wednesday until 1 July 2027"},
            "reminders": {"from": [], "to": [60, 1440], "added": [60, 1440], "removed": []},
        })
    );
    let (first, second) = (version(&alice, &path, 1).await.json, version(&alice, &path, 2).await.json);
    assert_eq!(patched(&first, &there.json["patch"]), second);
    let back = alice.get(&format!("{path}/diff/2/1")).expect(200).await;
    assert_eq!(patched(&second, &back.json["patch"]), first);
    assert_eq!(back.json["changes"]["categories"]["added"], json!(["music"]));
    let same = alice.get(&format!("{path}/diff/2/2")).expect(200).await;
    assert_eq!((&same.json["changes"], &same.json["patch"]), (&json!({}), &json!([])));
}

#[tokio::test]
async fn the_patch_between_any_two_versions_makes_the_one_of_the_other() {
    let world = World::new().await;
    let alice = world.alice().await;
    let other = alice.post("/api/v1/calendars").json(&json!({"name": "Other"})).expect(201).await.id();
    let path = format!("/api/v1/events/{}", event(&alice, &choir()).await.id());
    let changes: Vec<Value> = vec![
        json!({"start": "2027-03-23T18:00:00", "end": "2027-03-23T19:00:00", "time_zone": "America/New_York"}),
        json!({"calendar_id": other, "meta": {"a/b": {"~": [1, {"c": null}]}, "d": "ü"}}),
        json!({"meta": {"a/b": {"~": [{"c": 2}, 1, 3]}, "d": null}, "url": "https://example.org/"}),
        json!({"recurrence": null, "audience": {"kind": "students", "classes": ["26Ga"]}}),
        json!({"all_day": true, "start": "2027-03-23", "end": "2027-03-25", "capacity": 20}),
        json!({"audience": {"kind": "all", "classes": ["26Gb", "26Ga"]}, "registration": {"max_seats": 3}}),
    ];
    for change in &changes {
        world.advance(1);
        alice.patch(&path).json(change).expect(200).await;
    }
    alice.delete(&path).expect(204).await;
    alice.post(&format!("{path}/restore")).expect(200).await;
    let mut versions = Vec::new();
    for number in 1..=9 {
        versions.push(version(&alice, &path, number).await.json);
    }
    for (a, from) in versions.iter().enumerate() {
        for (b, to) in versions.iter().enumerate() {
            let diff = alice.get(&format!("{path}/diff/{}/{}", a + 1, b + 1)).expect(200).await;
            assert_eq!(patched(from, &diff.json["patch"]), *to, "{} → {}", a + 1, b + 1);
        }
    }
    for pair in ["1/10", "0/1", "1/x", "x/1"] {
        alice.get(&format!("{path}/diff/{pair}")).send().await.expect_problem("not-found");
    }
}
