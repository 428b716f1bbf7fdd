//! However many leave at once, every calendar keeps an owner.

use std::sync::atomic::Ordering;

use kalends_db::Engine;
use kalends_testkit::{Person, Request, World};
use serde_json::json;
use tokio::task::JoinSet;

use super::is_sound;
use super::unguarded::{NO_ROW_LOCKS, Unguarded};

#[tokio::test]
async fn owners_who_leave_at_the_same_time_leave_one() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        let people = [world.alice().await, world.bob().await, world.carol().await, world.mallory().await];
        for round in 0..10 {
            let [alice, others @ ..] = &people;
            let club = alice.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
            let users: Vec<_> = others.iter().map(|one| json!({"user_id": one.id, "role": "owner"})).collect();
            alice.post(&format!("/api/v1/calendars/{club}/share")).json(&json!({"users": users})).expect(200).await;
            let leaving = people.iter().enumerate().map(|(n, one)| {
                let own = format!("/api/v1/calendars/{club}/permissions/{}", one.id);
                if (n + round) % 2 == 0 { one.delete(&own) } else { one.put(&own).json(&json!({"role": "viewer"})) }
            });
            let mut leaving: JoinSet<_> = leaving.map(Request::send).collect();
            let mut refused = 0;
            while let Some(reply) = leaving.join_next().await {
                let reply = reply.expect("it ends");
                if !reply.status.is_success() {
                    reply.expect_problem("last-owner");
                    refused += 1;
                }
            }
            assert_eq!(refused, 1, "exactly one of them stays on {engine:?}");
            is_sound(&world.db).await;
        }
    }
}

/// Two owners leave a calendar at once, again and again; how many calendars have no owner then.
async fn left_without(world: &World, rounds: usize) -> usize {
    let (alice, bob) = (world.alice().await, world.bob().await);
    let mut left = 0;
    for _ in 0..rounds {
        let club = alice.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
        let with = json!({"users": [{"user_id": bob.id, "role": "owner"}]});
        alice.post(&format!("/api/v1/calendars/{club}/share")).json(&with).expect(200).await;
        let leave = |one: &Person| one.delete(&format!("/api/v1/calendars/{club}/permissions/{}", one.id)).send();
        let (one, other) = tokio::join!(leave(&alice), leave(&bob));
        let gone = [one, other].iter().filter(|reply| reply.status.is_success()).count();
        assert!(gone > 0, "one of them may");
        left += usize::from(gone == 2);
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_two_owners_do_not_leave_at_once() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        assert_eq!(left_without(&world, 25).await, 0, "on {engine:?}");
        is_sound(&world.db).await;
    }
}

/// The control: without the lock on the calendar each of them sees the other stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_on_the_calendar_its_last_two_owners_both_leave() {
    let unguarded = Unguarded::database(NO_ROW_LOCKS).await;
    let world = World::builder().over(unguarded.db).start().await;
    let mut left = 0;
    for _ in 0..20 {
        left += left_without(&world, 10).await;
        if left > 0 {
            break;
        }
    }
    println!("{left} calendars were left by both");
    assert!(unguarded.lost.load(Ordering::SeqCst) > 0 && left > 0);
    let mut conn = world.db.reader().await.expect("a reader");
    assert_ne!(kalends_core::check::run(&mut conn).await.expect("an answer"), [], "and the check finds them");
}

#[tokio::test]
async fn accounts_that_are_deleted_at_the_same_time_leave_no_calendar_without_a_living_owner() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        for round in 0..6 {
            let mut people = Vec::new();
            for n in 0..4 {
                let name = format!("person-{round}-{n}");
                people.push(world.person(&name, kalends_core::ctx::GlobalRole::User).await);
            }
            let users: Vec<_> = people.iter().map(|one| json!({"user_id": one.id, "role": "owner"})).collect();
            for one in &people {
                let club = one.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
                one.post(&format!("/api/v1/calendars/{club}/share")).json(&json!({"users": users})).expect(200).await;
            }
            let staying = people.pop().expect("four");
            let mut deleting: JoinSet<_> = people.iter().map(|one| one.delete("/api/v1/me").send()).collect();
            while let Some(reply) = deleting.join_next().await {
                reply.expect("it ends").expect(204);
            }
            is_sound(&world.db).await;
            let left = staying.get("/api/v1/calendars").expect(200).await;
            assert!(left.each("/owner_id").iter().all(|owner| *owner == staying.id), "{} on {engine:?}", left.text);
            assert_eq!(left.items().len(), 5);
        }
    }
}

#[tokio::test]
async fn an_address_that_is_verified_while_it_is_shared_with_has_what_was_shared() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        let (alice, admin) = (world.alice().await, world.admin().await);
        let club = alice.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
        for n in 0..15 {
            let email = format!("new-{n}@example.org");
            let body = json!({"username": format!("new-{n}"), "email": email, "password": "correct horse"});
            let made = world.anonymous().post("/api/v1/auth/register").json(&body).expect(201).await;
            let user = made.str("/user/id");
            let invite = json!({"users": [{"email": email, "role": "viewer"}]});
            let (invited, verified) = tokio::join!(
                alice.post(&format!("/api/v1/calendars/{club}/share")).json(&invite).send(),
                admin.patch(&format!("/api/v1/users/{user}")).json(&json!({"email_verified": true})).send(),
            );
            invited.expect(200);
            verified.expect(200);
            world
                .anonymous()
                .with_token(made.str("/access_token"))
                .get(&format!("/api/v1/calendars/{club}"))
                .expect(200)
                .await;
        }
        is_sound(&world.db).await;
    }
}
