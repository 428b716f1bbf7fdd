//! Signing up, in and out; one's own account, its sessions and its personal tokens.

mod me;
mod refresh;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

/// Signs somebody up; the answer has the account and the tokens.
pub(super) async fn sign_up(world: &World, username: &str) -> Reply {
    let body = json!({"username": username, "email": format!("{username}@example.org"), "password": "correct horse"});
    world.anonymous().post("/api/v1/auth/register").json(&body).expect(201).await
}

/// Tries to sign in.
async fn sign_in(world: &World, login: &str, password: &str) -> Reply {
    world.anonymous().post("/api/v1/auth/login").json(&json!({"login": login, "password": password})).send().await
}

/// Exchanges a refresh token.
async fn refresh(world: &World, token: &str) -> Reply {
    world.anonymous().post("/api/v1/auth/refresh").json(&json!({"refresh_token": token})).send().await
}

/// Whether the person's token opens anything.
async fn is_signed_in(person: &Person) -> bool {
    let status = person.get("/api/v1/me").send().await.status.as_u16();
    assert!(matches!(status, 200 | 401), "{} got {status}", person.name);
    status == 200
}

/// A problem's errors as `pointer code`.
fn errors(reply: &Reply) -> Vec<String> {
    reply.errors().into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect()
}

/// The answer without what differs each time.
fn shown(reply: &Reply) -> (u16, Value, Option<String>) {
    (reply.status.as_u16(), reply.json.clone(), reply.header("www-authenticate").map(str::to_owned))
}
