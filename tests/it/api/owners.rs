//! There is always an owner: people by their own name, else through a group that somebody active is in.

use std::collections::{BTreeMap, BTreeSet};

use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, World};
use serde_json::json;

use super::given::{calendar, event, fits};

const ROLES: [&str; 3] = ["owner", "editor", "viewer"];

/// What a calendar's permissions are, as far as they matter here.
#[derive(Clone, Default, Debug)]
struct Model {
    roles: BTreeMap<usize, &'static str>,
    group: Option<&'static str>,
    members: BTreeSet<usize>,
    disabled: BTreeSet<usize>,
}

impl Model {
    /// Who owns it but this one: by name, or else through the group.
    fn other_owners(&self, but: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let by_name = self.roles.iter().filter(|(who, role)| **who != but && **role == "owner").map(|(who, _)| *who);
        let in_group = self.members.iter().copied().filter(|who| *who != but && !self.disabled.contains(who));
        (by_name.collect(), if self.group == Some("owner") { in_group.collect() } else { BTreeSet::new() })
    }
}

#[tokio::test]
async fn the_last_owner_may_go_when_a_group_with_somebody_in_it_owns_as_a_model_says() {
    let world = World::new().await;
    let admin = world.admin().await;
    let names = ["alice", "bob", "carol", "dave"];
    let mut people: Vec<Person> = Vec::new();
    for name in names {
        people.push(world.person(name, GlobalRole::User).await);
    }
    let id = calendar(&people[0], &json!({"name": "Club"})).await;
    let group = admin.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
    // The administrator who made the group is in it; they are not what this is about.
    admin.delete(&format!("/api/v1/groups/{group}/members/{}", admin.id)).send().await;
    let mut model = Model { roles: [(0, "owner")].into(), ..Model::default() };
    let mut seed = 20_271_u64;
    let mut next = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("small") % most
    };
    let (mut refused, mut passed_on) = (0, 0);
    for step in 0..420 {
        let (who, role) = (next(people.len()), ROLES[next(ROLES.len())]);
        let of_person = format!("/api/v1/calendars/{id}/permissions/{}", people[who].id);
        let of_group = format!("/api/v1/calendars/{id}/permissions/{group}");
        let member = format!("/api/v1/groups/{group}/members");
        // The group owns more often than not.
        let (asked, role) = match next(10) {
            9 => (5, "owner"),
            asked => (asked, role),
        };
        match asked {
            0..4 => {
                let new = (asked != 0).then_some(role);
                let reply = match new {
                    Some(role) => admin.put(&of_person).json(&json!({"role": role})).send().await,
                    None => admin.delete(&of_person).send().await,
                };
                let old = model.roles.get(&who).copied();
                let (by_name, by_group) = model.other_owners(who);
                let leaves = old == Some("owner") && new != old;
                if leaves && by_name.is_empty() && by_group.is_empty() {
                    reply.expect_problem("last-owner");
                    refused += 1;
                } else {
                    assert!(reply.status.is_success(), "step {step}: {model:?} {who} {new:?}: {reply:?}");
                    match new {
                        Some(role) => model.roles.insert(who, role),
                        None => model.roles.remove(&who),
                    };
                    if leaves && by_name.is_empty() {
                        let heir = owner(&admin, &id, &people).await;
                        assert!(by_group.contains(&heir), "step {step}: {model:?}: {heir}");
                        model.roles.insert(heir, "owner");
                        passed_on += 1;
                    }
                }
            }
            4 => {
                admin.delete(&of_group).expect(204).await;
                model.group = None;
            }
            5 => {
                let body = json!({"users": [{"group_id": group, "role": role}]});
                admin.post(&format!("/api/v1/calendars/{id}/share")).json(&body).expect(200).await;
                model.group = Some(role);
            }
            6 => {
                let added = json!({"users": [{"user_id": people[who].id}]});
                let added = admin.post(&member).json(&added).send().await;
                if added.status.is_success() {
                    model.members.insert(who);
                }
            }
            7 => {
                admin.delete(&format!("{member}/{}", people[who].id)).expect(204).await;
                model.members.remove(&who);
            }
            _ => {
                let disabled = !model.disabled.contains(&who);
                let path = format!("/api/v1/users/{}", people[who].id);
                admin.patch(&path).json(&json!({"disabled": disabled})).expect(200).await;
                if disabled {
                    model.disabled.insert(who)
                } else {
                    model.disabled.remove(&who)
                };
            }
        }
        let told = admin.get(&format!("/api/v1/calendars/{id}/permissions")).expect(200).await;
        let mut roles = BTreeMap::new();
        for one in told.items().iter().filter(|one| one["user_id"].is_string()) {
            let who = people.iter().position(|person| one["user_id"] == person.id.as_str()).expect("one of them");
            roles.insert(who, one["role"].as_str().expect("a role").to_owned());
        }
        let expected: BTreeMap<usize, String> =
            model.roles.iter().map(|(who, role)| (*who, (*role).to_owned())).collect();
        assert_eq!(roles, expected, "step {step}: {asked} {who} {role}");
        assert_eq!(model.roles.get(&owner(&admin, &id, &people).await), Some(&"owner"), "step {step}");
    }
    assert!(refused >= 5 && passed_on >= 3, "{refused} {passed_on}");
    fits(&world).await;
}

/// To whom the calendar belongs.
async fn owner(admin: &Person, calendar: &str, people: &[Person]) -> usize {
    let told = admin.get(&format!("/api/v1/calendars/{calendar}")).expect(200).await;
    people.iter().position(|person| told.json["owner_id"] == person.id.as_str()).expect("one of them")
}

#[tokio::test]
async fn an_owner_of_an_event_may_go_when_a_group_owns_and_an_address_that_nobody_has_shown_never_counts() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let id = calendar(&alice, &json!({"name": "Club"})).await;
    let talk = json!({"calendar_id": id, "title": "Talk", "start": "2027-05-03T12:00:00"});
    let talk = event(&alice, &talk).await.id();
    let own = format!("/api/v1/events/{talk}/permissions/{}", alice.id);
    let of_calendar = format!("/api/v1/calendars/{id}/permissions/{}", alice.id);
    let group = bob.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
    let last = async || {
        alice.put(&own).json(&json!({"role": "viewer"})).send().await.expect_problem("last-owner");
        alice.delete(&of_calendar).send().await.expect_problem("last-owner");
    };
    last().await;
    let wait = json!({"users": [{"email": "nobody@example.org", "role": "owner"}]});
    alice.post(&format!("/api/v1/calendars/{id}/share")).json(&wait).expect(200).await;
    alice.post(&format!("/api/v1/events/{talk}/share")).json(&wait).expect(200).await;
    last().await;
    // A group counts as an owner, not as an editor.
    let share = |role: &str| json!({"users": [{"group_id": group, "role": role}]});
    let path = format!("/api/v1/calendars/{id}/share");
    bob.post(&format!("/api/v1/groups/{group}/members"))
        .json(&json!({"users": [{"user_id": alice.id}]}))
        .expect(200)
        .await;
    alice.post(&path).json(&share("editor")).expect(200).await;
    last().await;
    alice.post(&path).json(&share("owner")).expect(200).await;
    alice.put(&own).json(&json!({"role": "viewer"})).expect(200).await;
    // Through the group she owns it still; by name it is bob, who has been in it longest.
    alice.delete(&of_calendar).expect(204).await;
    let told = alice.get(&format!("/api/v1/calendars/{id}")).expect(200).await;
    assert_eq!((told.str("/owner_id"), told.str("/my_role")), (bob.id.as_str(), "owner"));
    // An address does not, whether or not somebody has shown it to be theirs: the answer would tell which.
    bob.delete(&format!("/api/v1/calendars/{id}/permissions/{group}")).expect(204).await;
    let of_bob = format!("/api/v1/calendars/{id}/permissions/{}", bob.id);
    bob.delete(&of_bob).send().await.expect_problem("last-owner");
    let shown = json!({"users": [{"email": "carol@example.org", "role": "owner"}]});
    bob.post(&path).json(&shown).expect(200).await;
    bob.post(&format!("/api/v1/events/{talk}/share")).json(&shown).expect(200).await;
    assert_eq!(carol.get(&format!("/api/v1/calendars/{id}")).expect(200).await.str("/my_role"), "owner");
    for to in ["viewer", "editor"] {
        bob.put(&of_bob).json(&json!({"role": to})).send().await.expect_problem("last-owner");
    }
    bob.delete(&of_bob).send().await.expect_problem("last-owner");
    bob.put(&format!("/api/v1/events/{talk}/permissions/{}", bob.id))
        .json(&json!({"role": "viewer"}))
        .send()
        .await
        .expect_problem("last-owner");
    fits(&world).await;
}
