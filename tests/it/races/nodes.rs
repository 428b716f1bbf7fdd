//! Two servers over one PostgreSQL: what one keeps in memory of what everybody sees is never long behind the other's writes.

use std::time::{Duration, Instant};

use kalends_db::Engine;
use kalends_db::testing::TestDb;
use kalends_testkit::{Binary, Method, Reply, Setup};
use serde_json::json;

/// An answer is kept for a second; the rest is for a slow machine.
const SOON: Duration = Duration::from_secs(5);

/// Somebody who asks one server for this again and again, saying what they have, as apps do.
struct Reader<'s> {
    server: &'s Binary,
    path: String,
    tag: String,
}

impl Reader<'_> {
    /// Asks until the answer is the one that is waited for.
    async fn until(&mut self, is_it: impl Fn(&Reply) -> bool) {
        let (began, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(10)));
        loop {
            let reply = self.server.get(&self.path).header("if-none-match", &self.tag).send().await;
            if reply.status == 200 {
                self.tag = reply.etag();
            }
            if is_it(&reply) {
                return;
            }
            assert!(began.elapsed() < SOON, "{} is still {} {}", self.path, reply.status, reply.text);
            ticks.tick().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_writes_the_other_shows_to_everybody_soon() {
    let db = TestDb::on(Engine::Postgres).await;
    let setup = || {
        Setup::new()
            .set("database.url", &db.url)
            .set("rate_limit.enabled", "false")
            .set("secret_key", "the tests of two servers have this secret key")
    };
    let setups = [setup(), setup()];
    let create = ["admin", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(setups[0].run_with_input(&create, "correct horse\n").code, Some(0));
    let (here, there) = (setups[0].serve(&[]).await, setups[1].serve(&[]).await);
    let login = json!({"login": "ada", "password": "correct horse"});
    let token = here.post("/api/v1/auth/login").json(&login).expect(200).await;
    let bearer = format!("Bearer {}", token.str("/access_token"));
    let signed = |method: Method, path: &str| here.request(method, path).header("authorization", &bearer);
    let body = json!({"name": "Concerts", "visibility": "public"});
    let calendar = signed(Method::POST, "/api/v1/calendars").json(&body).expect(201).await.id();
    let body = json!({"calendar_id": calendar, "title": "Title 0", "start": "2027-03-22T19:30:00"});
    let event = signed(Method::POST, "/api/v1/events").json(&body).expect(201).await.id();
    let of_event = format!("/api/v1/events/{event}");
    let reader = |path: &str| Reader { server: &there, path: path.to_owned(), tag: "\"nothing\"".to_owned() };
    let (mut page, mut feed) = (reader(&of_event), reader(&format!("/calendars/{calendar}.ics")));
    for n in 1..=3 {
        // Now the other server keeps both.
        page.until(|reply| reply.status == 304).await;
        feed.until(|reply| reply.status == 304).await;
        let title = format!("Title {n}");
        signed(Method::PATCH, &of_event).json(&json!({"title": title})).expect(200).await;
        page.until(|reply| reply.json["title"] == title.as_str()).await;
        feed.until(|reply| reply.text.contains(&title)).await;
    }
    let closed = signed(Method::PATCH, &format!("/api/v1/calendars/{calendar}"));
    closed.json(&json!({"visibility": "private"})).expect(200).await;
    page.until(|reply| reply.status == 404).await;
    feed.until(|reply| reply.status == 404).await;
}
