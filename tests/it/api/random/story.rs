//! What must have become of each event, told from the requests that were granted: a plain model of histories.

use std::collections::{BTreeMap, BTreeSet};

use kalends_testkit::Person;
use serde_json::{Value, json};

use crate::api::history::patched;
use crate::races::Chance;

/// What the model follows of an event as an answer shows it.
pub fn said(event: &Value) -> Value {
    let start: String = event["start"].as_str().expect("a start").chars().take("2027-03-01T09:00:00".len()).collect();
    json!({
        "title": event["title"], "calendar_id": event["calendar_id"], "visibility": event["visibility"], "start": start,
        "state": event["state"], "recurrence": event["recurrence"], "deleted": !event["deleted_at"].is_null(),
    })
}

/// Who changed something, when, and through which door.
#[derive(Clone, PartialEq, Debug)]
pub struct Writer {
    /// None for the program itself.
    pub id: Option<String>,
    pub door: &'static str,
    pub at: String,
}

#[derive(Debug)]
struct Version {
    said: Value,
    by: Writer,
    operation: &'static str,
}

#[derive(Default, Debug)]
struct Story {
    versions: Vec<Version>,
    /// It was more than a draft once: then it never goes for good.
    submitted: bool,
    gone: bool,
}

/// The stories of all events, by id.
#[derive(Default)]
pub struct Stories(BTreeMap<String, Story>);

impl Stories {
    /// A new event; `submitted` for what comes from one that was.
    pub fn made(&mut self, id: &str, by: &Writer, operation: &'static str, said: Value, submitted: bool) {
        let submitted = submitted || said["state"] != "draft";
        let first = Version { said, by: by.clone(), operation };
        let old = self.0.insert(id.to_owned(), Story { versions: vec![first], submitted, gone: false });
        assert!(old.is_none(), "{id} is made twice");
    }

    /// Some of its fields are others now; what changes nothing is no version.
    pub fn became(&mut self, id: &str, by: &Writer, operation: &'static str, change: &Value) {
        let story = self.0.get_mut(id).expect("an event that was made");
        let mut said = story.versions.last().expect("a version").said.clone();
        for (field, value) in change.as_object().expect("fields") {
            said[field] = value.clone();
        }
        story.submitted |= said["state"] != "draft";
        if story.versions.last().is_some_and(|last| last.said != said) {
            story.versions.push(Version { said, by: by.clone(), operation });
        }
    }

    pub fn deleted(&mut self, id: &str, by: &Writer) {
        let Some(story) = self.0.get_mut(id) else { return };
        if story.submitted {
            self.became(id, by, "delete", &json!({"deleted": true}));
        } else {
            story.gone = true;
        }
    }

    /// How many versions it has.
    pub fn count(&self, id: &str) -> usize {
        self.0.get(id).map_or(0, |story| story.versions.len())
    }

    pub fn now(&self, id: &str) -> &Value {
        self.version(id, self.count(id))
    }

    /// What a version says; they are counted from one.
    pub fn version(&self, id: &str, number: usize) -> &Value {
        &self.0[id].versions[number - 1].said
    }

    pub fn was_submitted(&self, id: &str) -> bool {
        self.0[id].submitted
    }

    /// The version that was current at an instant.
    pub fn current_at(&self, id: &str, at: &str) -> Option<usize> {
        let count = self.0[id].versions.iter().take_while(|version| version.by.at.as_str() <= at).count();
        (count > 0).then_some(count)
    }

    /// The events of a calendar that changed after an instant.
    pub fn changed_since(&self, calendar: &str, at: &str) -> BTreeSet<String> {
        let changed = |story: &Story| {
            let last = story.versions.last().expect("a version");
            !story.gone && last.said["calendar_id"] == calendar && last.by.at.as_str() > at
        };
        self.0.iter().filter(|(_, story)| changed(story)).map(|(id, _)| id.clone()).collect()
    }

    /// An answer shows an event as it has become.
    pub fn is(&self, event: &Value) {
        let id = event["id"].as_str().expect("an id");
        assert_eq!((said(event), &event["version"]), (self.now(id).clone(), &json!(self.count(id))), "{event}");
    }

    /// Every history tells this story: versions without gaps, by whom and how, each as it was then, also by `?at=`; the
    /// difference of two makes the one of the other; a rollback gives what was. How many went back.
    pub async fn hold(&mut self, admin: &Person, trashed: &BTreeSet<String>, now: &str, chance: &mut Chance) -> usize {
        let mut back = 0;
        for id in self.0.keys().cloned().collect::<Vec<_>>() {
            let path = format!("/api/v1/events/{id}");
            let calendar = self.now(&id)["calendar_id"].as_str().expect("a calendar").to_owned();
            if self.0[&id].gone || trashed.contains(&calendar) {
                admin.get(&format!("{path}/history")).send().await.expect_problem("not-found");
                continue;
            }
            let (numbers, all) = self.read(admin, &path, &id).await;
            let one = |chance: &mut Chance| chance.below(all.len());
            let (from, to) = (one(chance), one(chance));
            let diff = admin.get(&format!("{path}/diff/{}/{}", from + 1, to + 1)).expect(200).await;
            assert_eq!(patched(&all[from], &diff.json["patch"]), all[to], "{path}: {from} → {to}");
            let at = &self.0[&id].versions[one(chance)].by.at;
            let then = self.current_at(&id, at).expect("it was there");
            let seen = admin.get(&format!("{path}?at={at}")).send().await;
            // What was in the trash is shown to owners alone, and administrators are so here and there.
            if self.version(&id, then)["deleted"] == false || seen.status != 404 {
                assert_eq!(seen.expect(200).json["version"], then, "{path} at {at}");
            }
            let to = one(chance) + 1;
            let rolled = admin.post(&format!("{path}/rollback/{to}")).send().await;
            if rolled.status == 200 {
                let by = Writer { id: Some(admin.id.clone()), door: "rest", at: now.to_owned() };
                self.became(&id, &by, "rollback", &self.version(&id, to).clone());
                self.is(&rolled.json);
                back += usize::from(self.count(&id) > numbers);
            }
        }
        back
    }

    /// The versions as they are given, which are those of the story.
    async fn read(&self, admin: &Person, path: &str, id: &str) -> (usize, Vec<Value>) {
        let history = admin.get(&format!("{path}/history?limit=500")).expect(200).await;
        let told: Vec<Value> = history.items().iter().rev().cloned().collect();
        let versions = &self.0[id].versions;
        let line = |at: &Value, door: &Value, by: &Value, how: &Value| format!("{at} {door} {by} {how}");
        let story: Vec<String> = versions
            .iter()
            .map(|one| line(&json!(one.by.at), &json!(one.by.door), &json!(one.by.id), &json!(one.operation)))
            .collect();
        let lines: Vec<String> =
            told.iter().map(|one| line(&one["at"], &one["door"], &one["actor"]["id"], &one["operation"])).collect();
        assert_eq!(lines, story, "{path}");
        let mut all = Vec::new();
        for (index, version) in versions.iter().enumerate() {
            assert_eq!(told[index]["version"], index + 1, "{path}");
            let then = admin.get(&format!("{path}/history/{}", index + 1)).expect(200).await.json;
            assert_eq!(said(&then), version.said, "{path}: version {}", index + 1);
            all.push(then);
        }
        (versions.len(), all)
    }
}
